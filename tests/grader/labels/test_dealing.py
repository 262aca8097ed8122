"""A run that is dealt out: who gets what, in the queue, in the report, and in copies of the run."""

from __future__ import annotations

import pytest
from labelled import label_fields, restore_export

from a3core.grader.export.archive import compare_copy, export_run, merge_copy, read_archive
from a3core.grader.labels.database import open_database
from a3core.grader.labels.dealing import Deal, deal_out, list_part
from a3core.grader.labels.store import LabelStore
from a3core.grader.report.agreement import ALPHA, COHEN, ONESELF
from a3core.grader.report.tables import build_all
from a3core.grader.session.grading import GradingSession
from a3core.grader.session.queue import Queue, measure_progress

DEAL = Deal(0.2, ("ann", "bo", "cy"), 1)


@pytest.fixture
def run(store, build_run) -> int:
    run = store.add_run(build_run(30))
    store.set(run, "ann", deal=DEAL)
    return run


def find_shared(parts: dict) -> frozenset[int]:
    return frozenset.intersection(*parts.values())


def test_a_view_names_the_part_that_it_is_of(store, run):
    """By it the page finds that another part was dealt to an annotator who has an item open."""
    first = GradingSession(store, run, "ann").show()["part"]
    assert GradingSession(store, run, "ann").show()["part"] == first
    store.set(run, deal=Deal(0.2, DEAL.annotators, 2))
    second = GradingSession(store, run, "ann").show()["part"]
    store.set(run, deal=None)
    assert len({first, second, GradingSession(store, run, "ann").show()["part"]}) == 3


def list_queue(store, run: int, annotator: str, order: str = "unlabelled first") -> list[str]:
    with store.snapshot(run) as snapshot:
        queue, found, at = Queue(snapshot, annotator, order), [], None
        for _ in snapshot.ids:
            if (at := queue.find_next(at)) is None or at.response_id in found:
                break
            found.append(at.response_id)
        return found


def test_some_go_to_all_and_the_rest_to_one_each():
    parts = deal_out(DEAL, 100)
    own = [parts[name] - find_shared(parts) for name in DEAL.annotators]
    assert len(find_shared(parts)) == 20 and sorted(map(len, own)) == [26, 27, 27]
    assert frozenset.union(*own) | find_shared(parts) == set(range(100)) and sum(map(len, own)) == 80
    assert list_part(DEAL, " ANN", 100) == parts["ann"] and len(list_part(DEAL, "dee", 100)) == 100
    assert deal_out(Deal(0.2, DEAL.annotators, 1), 100) == parts != deal_out(Deal(0.2, DEAL.annotators, 2), 100)
    assert len(find_shared(deal_out(Deal(0, ("a", "b")), 5))) == 0 and len(deal_out(Deal(1, ("a", "b")), 5)["b"]) == 5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((1.5, ("a", "b")), "between 0 and 1"),
        ((0.5, ("a",)), "two annotators or more"),
        ((0.5, ("ann", "Ann ")), "named twice"),
        ((0.5, ("ann", " ")), "needs a name"),
    ],
)
def test_what_is_no_deal(values, message):
    with pytest.raises(ValueError, match=message):
        Deal(*values)


@pytest.mark.parametrize("order", ["unlabelled first", "random", "given"])
def test_each_sees_the_own_part(store, run, order):
    parts = deal_out(DEAL, 30)
    for name in DEAL.annotators:
        assert sorted(list_queue(store, run, name, order)) == sorted(f"r{n}" for n in parts[name])
    assert len(list_queue(store, run, "someone else", order)) == 30
    with store.snapshot(run) as snapshot:
        assert measure_progress(snapshot, "Ann", store.now())["total"] == 14
        beyond = next(f"r{n}" for n in range(30) if n not in parts["ann"])
        queue = Queue(snapshot, "ann")
        assert queue.find(beyond).response_id == beyond and queue.find_next(queue.find(beyond)).response_id != beyond
    store.set(run, deal=None)
    assert len(list_queue(store, run, "ann", order)) == 30


@pytest.mark.slow
def test_a_label_outside_the_part_is_no_progress(store, run):
    parts = deal_out(DEAL, 30)
    for number in range(30):
        values = {"explanation": "correct", "convincing": "yes", "answer": "correct"}
        label_fields(store, run, f"r{number}", "ann", values)
    with store.snapshot(run) as snapshot:
        done = measure_progress(snapshot, "ann", store.now())
        assert (done["done"], done["total"]) == (len(parts["ann"]), 14)


def test_agreement_counts_over_what_all_got_and_with_oneself_over_all(store, run):
    parts = deal_out(DEAL, 30)
    for name in ("ann", "bo"):
        for number in range(30):
            differs = name == "bo" and number not in find_shared(parts)
            store.label(run, f"r{number}", name, "explanation", "flawed" if differs or number % 2 else "correct")
    for number in range(30):
        store.label(run, f"r{number}", "ann", "explanation", "correct", round=2)
    everything = build_all(store, run)
    found = {one.name: one for one in everything.agreement["coefficients"] if one.field == "explanation"}
    assert found[COHEN].n == found[ALPHA].n == 6 and found[COHEN].raw == 1 and found[ONESELF].n == 30
    assert set(found[COHEN].ids) == {f"r{n}" for n in find_shared(parts)}
    assert "all of ann, bo, cy got 6 of 30 responses" in everything.whose
    assert [row["dealt"] for row in everything.by_annotator] == [14, 14]
    store.set(run, deal=None)
    everything = build_all(store, run)
    assert "Dealt out" not in everything.whose and "dealt" not in everything.by_annotator[0]
    assert next(one for one in everything.agreement["coefficients"] if one.name == COHEN).n == 30


def test_a_deal_goes_along_with_the_run(store, run, tmp_path, build_run):
    path = export_run(store, run, "csv", tmp_path)
    assert read_archive(path).info.deal == DEAL
    other = LabelStore(open_database(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    assert other.run_info(restore_export(other, path)).deal == DEAL
    third = LabelStore(open_database(f"sqlite:///{tmp_path / 'third.sqlite'}"))
    store.set(run, deal=None)
    there = restore_export(third, export_run(store, run, "csv", tmp_path / "before"))
    assert third.run_info(there).deal is None
    store.set(run, deal=DEAL)
    path = export_run(store, run, "csv", tmp_path)
    merge_copy(third, compare_copy(third, path))
    assert third.run_info(there).deal == DEAL  # a copy that was made before learns of it
    third.set(there, deal=Deal(0.5, ("x", "y")))
    merge_copy(third, compare_copy(third, path))
    assert third.run_info(there).deal == Deal(0.5, ("x", "y"))
