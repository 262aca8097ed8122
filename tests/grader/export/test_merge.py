"""Copies of a run become one: of several machines, and of a Space over restarts."""

from __future__ import annotations

import random
import shutil
import zipfile
from collections import Counter
from itertools import permutations

import pytest
from labelled import restore_export

from a3core.grader.export.archive import export_run, read_archive
from a3core.grader.export.hub import LabelBackup, restore_backup
from a3core.grader.export.restore import Archive, add_events
from a3core.grader.labels.database import open_database
from a3core.grader.labels.history import build_history, find_conflicts, identify, merge_histories
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Label, Response, Run
from tests.grader.export.test_hub import Folder

PEOPLE = ("ann", "bob", "cy", "dee", "eve")
EGGS = Run(
    "eggs", (Response("1", "How many?", "2"), Response("2", "How big?", "3")), (Label("1", "old", "answer", "wrong"),)
)


@pytest.fixture
def open_store(tmp_path):
    def open_store(name: str) -> LabelStore:
        return LabelStore(open_database(f"sqlite:///{tmp_path / name}.sqlite"))

    return open_store


@pytest.fixture
def laptops(open_store, tmp_path):
    """Two that began with the same run and labels, and went on apart."""
    one, two = open_store("one"), open_store("two")
    one.add_run(EGGS)
    one.label(1, "1", "ann", "answer", "correct")
    restore_export(two, export_run(one, 1, "jsonl", tmp_path))
    one.label(1, "1", "ann", "answer", "wrong")
    one.label(1, "2", "bob", "answer", "correct")
    two.undo(1, "ann")
    two.label(1, "2", "cy", "answer", "wrong")
    return one, two


def list_values(store, run=1):
    return {(label.response_id, label.annotator): label.value for label in store.labels(run)}


def test_two_laptops_have_all_labels_each_once(laptops, open_store):
    one, two = laptops
    for _ in range(2):  # the second time nothing is new
        add_events(one, 1, Archive(None, two.history(1), two.schemas(1)))
    events = one.history(1).events
    assert (
        set(identify(events)) == {*identify(laptops[0].history(1).events), *identify(two.history(1).events)}
        and len(events) == 6
    )
    assert {("2", "bob"): "correct", ("2", "cy"): "wrong", ("1", "old"): "wrong"}.items() <= list_values(one).items()
    undone = next(event for event in events if event.kind == "undo")
    assert next(event for event in events if event.id == undone.refers).new == "correct"


def test_the_order_of_copies_changes_nothing(laptops, open_store):
    copies = [store.history(1) for store in laptops]
    copies.append(build_history(copies[0].events[:2]))
    merged = merge_histories(copies)
    assert all(merge_histories(order) == merged for order in permutations(copies)) and len(merged.events) == 6
    assert merge_histories([merged, *copies]) == merged


def test_a_copy_that_holds_everything_is_taken_as_it_is(laptops):
    events = laptops[0].history(1).events
    assert merge_histories(list(map(build_history, (events[:2], events, events[:1])))) == laptops[0].history(1)


def test_two_edits_of_one_label_are_a_conflict(laptops):
    one, two = laptops
    merged = merge_histories([one.history(1), two.history(1)])
    assert find_conflicts(merged) == [("1", "ann", "answer", 1, ("", "wrong"))]
    assert find_conflicts(merge_histories([one.history(1), build_history(one.history(1).events[:2])])) == []


def test_an_event_that_refers_to_none_is_refused_and_nothing_is_added(laptops):
    one, two = laptops
    before, events = one.history(1).events, [event for event in two.history(1).events if event.kind == "undo"]
    with pytest.raises(ValueError, match="it refers to 0"):
        add_events(one, 1, Archive(None, build_history(events), ()))
    assert one.history(1).events == before


class Shuffled(Folder):
    """A dataset that lists its files in another order each time."""

    def list_repo_files(self, repo_id, **options):
        names = super().list_repo_files(repo_id)
        random.Random(len(names)).shuffle(names)
        return names


@pytest.mark.parametrize(
    ("runs", "boots"),
    [pytest.param(8, 4, marks=pytest.mark.slow), pytest.param(30, 10, marks=pytest.mark.load)],
)
def test_restarts_lose_nothing_and_add_nothing_twice(open_store, tmp_path, runs, boots):
    """Empty disks, five annotators, archives of the old layout: what was uploaded is there at the end."""
    api, given, ids, chance = Shuffled(tmp_path / "hub"), Counter(), {}, random.Random(7)
    first = open_store("first")
    for n in range(runs):
        run = first.add_run(Run(f"run{n:02}", tuple(Response(str(i), f"{n}: how many?", "2") for i in range(3))))
        first.label(run, "0", "ann", "answer", "correct")
        export_run(first, run, "jsonl", api.path / "runs" / str(run))
        export_run(first, run, "jsonl", api.path / "runs" / str(chance.randrange(3 * runs)))  # as a restart left it
        ids |= {(f"run{n:02}", key): 1 for key in identify(first.history(run).events)}
    for boot in range(boots):
        store = open_store(f"boot{boot}")
        assert restore_backup(store, "ann/labels", api) == runs
        assert {(i.name, key): 1 for i in store.runs() for key in identify(store.history(i.id).events)} == ids
        assert sum(len(store.history(info.id).events) for info in store.runs()) == len(ids)
        for info in chance.sample(store.runs(), 4):
            for _ in range(3):
                answer = chance.choice(("correct", "wrong", ""))
                store.label(info.id, str(chance.randrange(3)), chance.choice(PEOPLE), "answer", answer)
            store.undo(info.id, chance.choice(PEOPLE))
            ids |= {(info.name, key): 1 for key in identify(store.history(info.id).events)}
        backup = LabelBackup(store, "ann/labels", tmp_path / f"backup{boot}", api)
        backup.trigger().result()
        backup.stop()
        assert backup.saved_at and not backup.problem
        given = {info.name: store.labels(info.id) for info in store.runs()}
        store.engine.dispose()
    last = open_store("last")
    assert restore_backup(last, "ann/labels", api) == runs and restore_backup(last, "ann/labels", api) == 0
    found = {info.name: last.labels(info.id) for info in last.runs()}
    assert {n: [label._replace(event=0) for label in labels] for n, labels in found.items()} == {
        n: [label._replace(event=0) for label in labels] for n, labels in given.items()
    }


def test_a_damaged_archive_stops_no_other_and_is_never_written_over(laptops, open_store, tmp_path):
    api = Folder(tmp_path / "hub")
    path = export_run(laptops[0], 1, "jsonl", api.path / "runs" / read_archive_key(laptops[0], tmp_path))
    spoiled = shutil.copy(path, api.path / "runs" / "half.zip")
    spoiled.write_bytes(path.read_bytes()[:300])
    store, whole = open_store("again"), path.read_bytes()
    with pytest.raises(ValueError, match=r"^Of ann/labels this could not be restored: runs/half.zip: .* zip file"):
        restore_backup(store, "ann/labels", api)
    assert list_values(store) == list_values(laptops[0])
    backup = LabelBackup(store, "ann/labels", tmp_path / "backup", api)
    backup.trigger().result()
    assert "runs/half.zip" in backup.problem and path.read_bytes() == whole
    assert len(list(path.parent.glob("*/*.zip"))) == 1
    spoiled.unlink()
    backup.trigger().result()
    backup.stop()
    assert not backup.problem and zipfile.is_zipfile(path)


def test_a_hub_that_was_away_at_the_start_gives_its_labels_later(laptops, open_store, tmp_path):
    api, one = Folder(tmp_path / "hub"), laptops[0]
    export_run(one, 1, "jsonl", api.path / "runs" / "1")
    store = open_store("again")
    store.add_run(EGGS)  # a shipped run, before anything is restored
    store.label(1, "2", "dee", "answer", "wrong")
    backup = LabelBackup(store, "ann/labels", tmp_path / "backup", api)
    backup.trigger().result()
    backup.stop()
    assert list_values(store) == list_values(one) | {("2", "dee"): "wrong"}


@pytest.mark.slow
def test_what_was_removed_or_renamed_is_so_after_restarts(laptops, open_store, tmp_path):
    """Old copies that are still in the dataset do not bring it back."""
    api, one = Folder(tmp_path / "hub"), laptops[0]
    other = one.add_run(Run("ham", EGGS.responses))
    for run in (1, other):
        export_run(one, run, "jsonl", api.path / "runs" / f"before-{run}")
    one.change(1, "run", "hide")
    one.change(other, "run", "rename", value="spam")
    for store in (one, open_store("second")):
        if store is not one:
            restore_backup(store, "ann/labels", api)
        backup = LabelBackup(store, "ann/labels", tmp_path / f"backup-{store.engine.url.database[-10:]}", api)
        backup.trigger().result()
        backup.stop()
    last = open_store("last")
    restore_backup(last, "ann/labels", api)
    assert [info.name for info in last.runs()] == ["spam"] and len(last.runs(removed=True)) == 2
    (removed,) = (info.id for info in last.runs(removed=True) if last.run_info(info.id).removed)
    assert list_values(last, removed) == list_values(one)


def read_archive_key(store, tmp_path) -> str:
    return read_archive(export_run(store, 1, "jsonl", tmp_path / "key")).info.key
