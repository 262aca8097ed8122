"""The order of events of several machines, conflicts, and that all machines come to the same labels."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from itertools import count, permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from a3core.grader.export.archive import export_run, read_archive
from a3core.grader.export.restore import add_events
from a3core.grader.labels.database import open_database
from a3core.grader.labels.events import EVENTS, find_stream
from a3core.grader.labels.history import build_history, find_conflicts, find_unordered
from a3core.grader.labels.schema import ROUNDS
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Label, Response, Run, build_run_key

RUN = Run("eggs", (Response("1", "How many?", "2", "two"), Response("2", "How big?", "3", "three")))
PEOPLE, FIELDS = ("ann", "bob"), {"answer": ("correct", "wrong", ""), "convincing": ("yes", "no", "")}


@pytest.fixture
def machines(tmp_path, empty_database):
    """Opens databases that hold the same run."""
    number, engines = count(), []

    def open_machines(how_many: int, run: Run = RUN) -> list[LabelStore]:
        stores = []
        for _ in range(how_many):
            path = shutil.copy(empty_database, tmp_path / f"{next(number)}.sqlite")
            engines.append(open_database(f"sqlite:///{path}"))
            stores.append(LabelStore(engines[-1]))
            stores[-1].add_run(run)
        return stores

    yield open_machines
    for engine in engines:
        engine.dispose()


def take_from(store: LabelStore, other: LabelStore, folder) -> None:
    """As by a file: what `other` exports is added to `store`."""
    add_events(store, 1, read_archive(export_run(other, 1, "jsonl", folder)))


def describe(store: LabelStore) -> dict:
    """The present values in the list and of each item, who decided what, the conflicts, and each annotator's events."""
    labels = [label._replace(event=0) for label in store.labels(1, rounds=ROUNDS)]
    decided = [label._replace(event=0) for label in store.adjudications(1)]
    with store.snapshot(1) as snapshot:
        items = [snapshot.read_item(id_, "cleo", adjudicating=True)[1] for id_ in snapshot.ids]
    own = {name: [e.client_id for e in store.history(1).events if find_stream(e)[1] == name] for name in ("", *PEOPLE)}
    return {
        "labels": labels,
        "items": [sorted(label._replace(event=0) for label in item) for item in items],
        "decided": decided,
        "conflicts": find_conflicts(store.history(1)),
        "events": own,
    }


actions = st.one_of(
    st.sampled_from(sorted(FIELDS)).flatmap(
        lambda field: st.tuples(
            st.sampled_from(("label", "adjudicate")),
            st.sampled_from("12"),
            st.sampled_from(PEOPLE),
            st.just(field),
            st.sampled_from(FIELDS[field]),
        )
    ),
    st.tuples(st.sampled_from(("undo", "redo")), st.sampled_from(PEOPLE)),
)


PLANS = st.lists(st.one_of(st.tuples(st.integers(0, 2), actions), st.permutations(range(3))), max_size=12)


def follow(plan, stores, folder) -> None:
    """Each step is a label on one machine, or an export that another takes; at the end all take from all."""
    for one, two, *rest in plan:
        if rest:  # a permutation: the first takes from the second
            take_from(stores[one], stores[two], folder)
        else:
            name, *values = two
            kind = {"kind": "adjudication"} if name == "adjudicate" else {}
            getattr(stores[one], "label" if kind else name)(1, *values, **kind)
    for one, two in permutations(range(3), 2):  # the first has all after two, and the last two take nothing new
        take_from(stores[one], stores[two], folder)


def check_plan(plan, stores, folder) -> None:
    follow(plan, stores, folder)
    first, *others = map(describe, stores)
    assert others == [first, first]
    assert describe(LabelStore(stores[0].engine)) == first  # read anew
    assert len({len(store.history(1).events) for store in stores}) == 1


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=PLANS)
def test_machines_that_merge_each_others_exports_have_the_same_labels(plan, machines, tmp_path_factory):
    check_plan(plan, machines(3), tmp_path_factory.mktemp("export"))


@pytest.mark.load
def test_so_they_have_in_many_more_plans(machines, tmp_path_factory):
    """Not drawn by a decorator: what it marks would be run with all properties."""
    settings(max_examples=200)(
        given(plan=PLANS)(lambda plan: check_plan(plan, machines(3), tmp_path_factory.mktemp("export")))
    )()


def test_the_own_number_decides_not_the_clock_or_who_came_first(machines, tmp_path):
    one, two = machines(2)
    two.label(1, "1", "ann", "answer", "wrong")
    one.label(1, "1", "ann", "answer", "wrong")
    one.label(1, "1", "ann", "answer", "correct")  # her second
    for store, other in ((one, two), (two, one)):
        assert [label.value for label in store.labels(1)] != []  # in memory before the merge
        take_from(store, other, tmp_path)
    assert [label.value for label in (*one.labels(1), *two.labels(1))] == ["correct", "correct"]
    assert find_conflicts(one.history(1)) == [("1", "ann", "answer", 1, ("correct", "wrong"))]


def test_a_conflict_ends_with_a_decision_on_all_machines(machines, tmp_path):
    one, two = machines(2)
    one.label(1, "1", "ann", "answer", "wrong")
    two.label(1, "1", "ann", "answer", "correct")
    take_from(one, two, tmp_path)
    (present,) = one.labels(1)
    with one.snapshot(1) as snapshot:
        assert snapshot.conflicts_of("ann", 1) == {0: {"answer": ("correct", "wrong")}}
        assert snapshot.conflicts_of("bob", 1) == {}
    assert one.label(1, "1", "ann", "answer", present.value)  # stored, though it is so already
    assert one.label(1, "1", "ann", "answer", present.value) is None
    with one.snapshot(1) as snapshot:
        assert snapshot.conflicts_of("ann", 1) == {}
    take_from(two, one, tmp_path)
    assert describe(one) == describe(two) and describe(two)["conflicts"] == []
    two.label(1, "1", "ann", "answer", "")
    one.label(1, "1", "ann", "answer", "no consistent answer")
    take_from(two, one, tmp_path)
    assert find_conflicts(two.history(1)) == [("1", "ann", "answer", 1, ("", "no consistent answer"))]


def test_the_same_value_on_two_machines_is_no_conflict(machines, tmp_path):
    one, two = machines(2)
    for store in (one, two):
        store.label(1, "1", "ann", "answer", "wrong")
    take_from(one, two, tmp_path)
    assert find_conflicts(one.history(1)) == [] and len(one.history(1).events) == 2


def test_an_undo_after_a_merge_takes_the_last_of_the_own_numbers_back(machines, tmp_path):
    one, two = machines(2)
    one.label(1, "1", "ann", "answer", "wrong")
    one.label(1, "1", "ann", "convincing", "yes")
    two.label(1, "2", "ann", "answer", "correct")
    take_from(one, two, tmp_path)
    assert [(event.field, event.new) for event in one.undo(1, "ann")] == [("convincing", "")]
    assert [(event.field, event.new) for event in one.redo(1, "ann")] == [("convincing", "yes")]


def test_what_the_order_says_is_left_out(machines):
    (store,) = machines(1, Run("given", RUN.responses, (Label("1", "old", "answer", "wrong"),)))
    store.label(1, "1", "ann", "answer", "wrong")
    store.undo(1, "ann")
    store.label(1, "1", "cleo", "answer", "correct", kind="adjudication")
    history = store.history(1)
    assert find_unordered(history) == ({}, {}) and build_history(history.events) == history


def test_a_new_run_has_a_key_of_its_own_that_travels(machines, tmp_path):
    one, two = machines(2)
    keys = [store.run_info(1).key for store in (one, two)]
    assert len({*keys, build_run_key(RUN.name, RUN.responses)}) == 3
    assert read_archive(export_run(one, 1, "jsonl", tmp_path)).info.key == keys[0]


def test_an_old_run_has_the_key_of_its_archives(sqlite_url, make_old_database, tmp_path):
    make_old_database(sqlite_url)
    store = LabelStore(open_database(sqlite_url))
    key = build_run_key("pilot", store.responses(1))
    assert store.run_info(1).key == key and store.run_info(1).owner == ""
    with store.engine.connect() as connection:
        assert connection.scalars(EVENTS.sequence.table.select().with_only_columns(EVENTS.sequence)).all() == [1]
    store.engine.dispose()
    with (
        closing(sqlite3.connect(tmp_path / "labels.sqlite")) as other,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        other.execute("UPDATE runs SET key = 'mine'")
