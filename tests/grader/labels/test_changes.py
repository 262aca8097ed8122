"""What is renamed, hidden, shown again and deleted for good stays so in this database and in all copies."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest
from labelled import label_together, restore_export
from sqlalchemy import text

from a3core.grader.export.archive import compare_copy, export_run, merge_copy, read_archive
from a3core.grader.export.hub import LabelBackup, restore_backup
from a3core.grader.labels.changes import ANNOTATOR, DELETE, HIDE, QUESTION, RENAME, RUN, SHOW
from a3core.grader.labels.database import open_database, reading, writing
from a3core.grader.labels.schema import DEFAULT_SCHEMA, LabelQuestion, Schema
from a3core.grader.labels.store import LabelStore
from a3core.grader.report.tables import build_all
from a3core.grader.session.filters import Condition, Selection
from tests.grader.export.test_hub import Folder

MOOD = LabelQuestion("mood", "Mood?", "", ("good", "bad"), ("o", "d"))
MOODY = Schema((*DEFAULT_SCHEMA.questions, MOOD))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request, clock, tmp_path):
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'labels.sqlite'}" if is_sqlite else request.getfixturevalue("new_postgres_url")
    store = LabelStore(open_database(url), clock)
    yield store
    store.engine.dispose()


@pytest.fixture
def other(tmp_path):
    return LabelStore(open_database(f"sqlite:///{tmp_path / 'other.sqlite'}"))


@pytest.fixture
def run(store, build_run) -> int:
    """Ann and a test annotator, with undo, redo and a decision; steps with a question that may go."""
    run = store.add_run(build_run(), MOODY)
    store.label(run, "r0", "ann", "explanation", "correct")
    store.label(run, "r0", "ann", "mood", "good")
    label_together(store, run, "r1", "ann", {"explanation": "flawed", "mood": "bad"})
    store.label(run, "r2", "ann", "mood", "bad")
    store.undo(run, "ann")
    store.label(run, "r2", "ann", "explanation", "unsure")
    store.label(run, "r0", "test", "explanation", "flawed")
    store.label(run, "r0", "test", "note", "just trying")
    store.undo(run, "test")
    store.label(run, "r0", "bo", "explanation", "correct", kind="adjudication")
    return run


def count(store, table: str) -> int:
    with reading(store.engine) as connection:
        return connection.scalar(text(f"SELECT count(*) FROM {table}"))


def delete(store, run: int, kind: str, name: str = "", by: str = "bo") -> None:
    if kind != QUESTION:
        store.change(run, kind, HIDE, name, by=by)
    else:
        store.set(run, by, schema=DEFAULT_SCHEMA)
    store.change(run, kind, DELETE, name, by=by)


def values(store, run: int) -> set:
    return {(one.response_id, one.annotator, one.field, one.value) for one in store.labels(run)}


def log(store, run: int) -> list:
    return [(one.kind, one.name, one.action, one.value, one.by) for one in store.changes(run)]


def back_up(store, hub: Folder, folder) -> None:
    """As a Space does twice a minute, once."""
    backup = LabelBackup(store, "ann/labels", folder, hub)
    backup.trigger().result()
    backup.stop()


# Annotators


def test_a_hidden_annotator_counts_nowhere_is_exported_and_comes_back(store, run, other, tmp_path):
    before = values(store, run)
    store.change(run, ANNOTATOR, HIDE, "test", by="bo")
    assert store.annotators(run) == ["ann"] and store.annotators(run, hidden=True) == ["test"]
    assert {one.annotator for one in store.labels(run)} == {"ann"}
    assert [row["annotator"] for row in build_all(store, run).by_annotator] == ["ann"]
    with store.snapshot(run) as snapshot:
        assert list(snapshot.find_disagreements(0)) == []
        assert [one.annotator for one in snapshot.read_item("r0", "ann", adjudicating=True)[1]] == ["ann", "ann"]
        anybody = Selection((Condition("anybody", "explanation", "flawed"),), blind=False)
        assert not anybody.passes(snapshot, "bo", 0) and anybody.passes(snapshot, "bo", 1)
    store.label(run, "r1", "test", "explanation", "correct")  # going on is no error
    assert store.annotators(run) == ["ann"]
    assert {e.annotator for e in read_archive(export_run(store, run, "csv", tmp_path)).history.events} >= {"test"}
    again = restore_export(other, export_run(store, run, "csv", tmp_path))
    assert other.annotators(again) == ["ann"] and log(other, again) == log(store, run)
    store.change(run, ANNOTATOR, SHOW, "test", by="bo")
    assert values(store, run) == before | {("r1", "test", "explanation", "correct")}
    assert log(store, run)[-2:] == [("annotator", "test", "hide", "", "bo"), ("annotator", "test", "show", "", "bo")]


def test_a_renamed_annotator_is_the_same_person_in_old_copies_too(store, run, other, tmp_path):
    path = export_run(store, run, "jsonl", tmp_path)
    there = restore_export(other, path)
    before = values(store, run)
    store.change(run, ANNOTATOR, RENAME, "ann", "Anna B.", by="bo")
    renamed = {(id_, "Anna B." if name == "ann" else name, *rest) for id_, name, *rest in before}
    assert values(store, run) == renamed and store.resolve(run, " ANN") == "Anna B."
    store.label(run, "r2", "ann", "explanation", "correct")  # signed as before
    assert store.undo(run, "Anna B.")[0].annotator == "Anna B." and values(store, run) == renamed
    other.label(there, "r2", "ann", "answer", "wrong")
    merge_copy(store, compare_copy(store, export_run(other, there, "jsonl", tmp_path / "theirs")))
    assert values(store, run) == renamed | {("r2", "Anna B.", "answer", "wrong")}
    merge_copy(other, compare_copy(other, export_run(store, run, "jsonl", tmp_path / "ours")))
    assert values(other, there) == values(store, run)
    store.change(run, ANNOTATOR, RENAME, "Anna B.", "ann")
    assert store.resolve(run, "anna b.") == "ann" and ("r2", "ann", "answer", "wrong") in values(store, run)


@pytest.mark.parametrize("name", ["TEST", "bo", " "])
def test_two_annotators_do_not_become_one(store, run, name):
    with pytest.raises(ValueError, match=r"another annotator of this run|needs a name"):
        store.change(run, ANNOTATOR, RENAME, "ann", name)


def test_a_deleted_annotator_stays_deleted(store, run, other, tmp_path):
    path = export_run(store, run, "jsonl", tmp_path / "old")
    with store.snapshot(run) as snapshot:
        assert snapshot.labels["test", 1]
    with pytest.raises(ValueError, match="The annotator 'test' is in use: remove it first"):
        store.change(run, ANNOTATOR, DELETE, "test")
    delete(store, run, ANNOTATOR, "test")
    left = values(store, run)
    assert {name for _, name, *_ in left} == {"ann"} and store.annotators(run, hidden=True) == []
    assert {event.annotator for event in store.history(run).events} == {"ann", "bo"}
    with pytest.raises(ValueError, match="'Test' was deleted from this run for good"):
        store.label(run, "r0", "Test", "answer", "wrong")
    assert compare_copy(store, path).added == 0
    merge_copy(store, compare_copy(store, path))
    assert values(store, run) == left
    there = restore_export(other, path)  # the old copy, to which the new one comes
    other.label(there, "r1", "test", "explanation", "correct")
    copy = compare_copy(other, export_run(store, run, "jsonl", tmp_path / "new"))
    assert copy.added == 2 and [(one.name, one.action) for one in copy.changes] == [("test", HIDE), ("test", DELETE)]
    merge_copy(other, copy)
    assert values(other, there) == left and log(other, there) == log(store, run)
    assert store.undo(run, "ann")[0].new == ""


# Questions


def test_a_question_is_hidden_and_comes_back_with_its_labels(store, run):
    before = store.run_info(run).schema
    store.change(run, QUESTION, HIDE, "mood", by="bo")
    assert store.run_info(run).schema == DEFAULT_SCHEMA
    store.change(run, QUESTION, SHOW, "mood", by="ann")
    assert store.run_info(run).schema == before and ("r0", "ann", "mood", "good") in values(store, run)
    assert log(store, run) == [("question", "mood", "hide", "", "bo"), ("question", "mood", "show", "", "ann")]
    for action, message in ((SHOW, "no question 'mood' to show"), (RENAME, "renamed by its text"), (DELETE, "in use")):
        with pytest.raises(ValueError, match=message):
            store.change(run, QUESTION, action, "mood", "feeling")


@pytest.mark.slow
def test_a_deleted_question_stays_deleted_and_undo_goes_on(store, run, other, tmp_path):
    path = export_run(store, run, "jsonl", tmp_path / "old")
    there = restore_export(other, path)
    delete(store, run, QUESTION, "mood")
    assert "mood" not in {event.field for event in store.history(run).events}
    merge_copy(store, compare_copy(store, path))
    merge_copy(other, compare_copy(other, export_run(store, run, "csv", tmp_path / "new")))
    assert values(store, run) == values(other, there) and not any("mood" in row for row in values(store, run))
    for one, id_ in ((store, run), (other, there)):
        assert [event.response_id for _ in range(4) for event in one.undo(id_, "ann")] == ["r2", "r1", "r0"]
        assert [event.response_id for _ in range(4) for event in one.redo(id_, "ann")] == ["r0", "r1", "r2"]
    changed = replace(MOOD, text="In which mood?")
    with pytest.raises(ValueError, match="labels of 'mood' were deleted for good"):
        store.set(run, schema=Schema((*DEFAULT_SCHEMA.questions, changed)))


# Runs


def test_a_deleted_run_stays_deleted(store, run, other, tmp_path, build_run):
    kept = store.add_run(build_run(2, "another"))
    store.label(kept, "r0", "ann", "answer", "wrong")
    path = export_run(store, run, "jsonl", tmp_path)
    key = store.run_info(run).key
    store.labels(run)
    with pytest.raises(ValueError, match="The run 'pilot' is in use: remove it first"):
        store.change(run, RUN, DELETE)
    delete(store, run, RUN, by="cleo")
    assert [info.name for info in store.runs(removed=True)] == ["another"]
    assert [count(store, table) for table in ("runs", "responses", "label_events", "extra_columns")] == [1, 2, 1, 1]
    assert (store.deletions()[key].name, store.deletions()[key].by) == ("pilot", "cleo")
    with pytest.raises(ValueError, match=r"'pilot' was deleted for good on 2026-03-01 by cleo: give it another name"):
        restore_export(store, path)
    new = store.add_run(build_run())  # a run of the same name is another one
    assert new > kept and store.labels(new) == [] and store.run_info(new).key != key
    assert store.run_info(restore_export(store, path, "pilot again")).total == 3
    again = restore_export(other, path)
    other.add_deletion(key, store.deletions()[key])
    with pytest.raises(ValueError, match="There is no run"):
        other.run_info(again)


def test_the_dataset_forgets_a_deleted_run_and_a_restarted_space_as_well(run, store, other, tmp_path, build_run):
    hub = Folder(tmp_path / "hub")
    store.add_run(build_run(2, "stays"))
    key = store.run_info(run).key
    back_up(store, hub, tmp_path / "first")
    assert any(key in name for name in hub.list_repo_files(""))
    old = {name: (hub.path / name).read_bytes() for name in hub.list_repo_files("")}
    delete(store, run, RUN)
    back_up(store, hub, tmp_path / "second")
    assert not any(key in name for name in hub.list_repo_files(""))
    for name, content in old.items():  # an old copy is put there once more
        (hub.path / name).parent.mkdir(parents=True, exist_ok=True)
        (hub.path / name).write_bytes(content)
    restore_backup(other, "ann/labels", hub)
    assert [info.name for info in other.runs(removed=True)] == ["stays"] and key in other.deletions()


def test_a_restarted_space_does_not_bring_a_deleted_annotator_back(run, store, other, tmp_path):
    hub = Folder(tmp_path / "hub")
    back_up(store, hub, tmp_path / "first")
    before = next(path for path in hub.path.rglob("*.zip"))
    (before.parent / "older.zip").write_bytes(before.read_bytes())
    delete(store, run, ANNOTATOR, "test")
    back_up(store, hub, tmp_path / "second")
    restore_backup(other, "ann/labels", hub)
    again = other.find_run("pilot")
    assert values(other, again) == values(store, run) and len(other.history(again).events) == 8


# The tables


@pytest.mark.slow
@pytest.mark.parametrize("table", ["label_events", "run_changes", "responses", "runs"])
def test_afterwards_rows_are_only_added_as_before(store, run, table):
    delete(store, run, ANNOTATOR, "test")
    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        with pytest.raises(ValueError, match="append-only"), writing(store.engine) as connection:
            connection.exec_driver_sql(statement)


def test_who_reads_in_another_process_sees_it(store, run):
    reader = LabelStore(open_database(store.engine.url.render_as_string(hide_password=False)))
    assert len(reader.labels(run, "test")) == 1
    delete(store, run, ANNOTATOR, "test")
    assert reader.labels(run, "test") == [] and values(reader, run) == values(store, run)
    reader.engine.dispose()


def test_a_change_that_fails_changes_nothing(tmp_path, clock, build_run, monkeypatch):
    store = LabelStore(open_database(f"sqlite:///{tmp_path / 'one.sqlite'}"), clock)
    run = store.add_run(build_run())
    store.label(run, "r0", "ann", "answer", "wrong")
    store.change(run, RUN, HIDE)

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("a3core.grader.labels.changes.delete", fail)
    with pytest.raises(ValueError, match="No space left"):
        store.change(run, RUN, DELETE)
    assert len(store.labels(run)) == 1 and store.deletions() == {}
    with sqlite3.connect(tmp_path / "one.sqlite") as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute("DELETE FROM label_events")
