"""An exported run is put back exactly, can be worked with, and a history that cannot be is refused."""

from __future__ import annotations

import pytest
from labelled import label_together, with_guideline

from a3core.grader.export.restore import Archive, restore_run
from a3core.grader.labels.database import open_database
from a3core.grader.labels.history import build_history
from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Label, Run


@pytest.fixture
def run(store, build_run, clock):
    """A run in which everything has happened."""
    run = store.add_run(build_run(labels=[Label("r0", "rater", "answer", "wrong")]), repeat_share=0.25)
    label_together(store, run, "r0", "ann", {"explanation": "flawed", "note": "a\0b"})
    store.label(run, "r1", "ann", "answer", "correct")
    clock.forward(seconds=1)
    store.undo(run, "ann")
    store.set(run, schema=with_guideline(DEFAULT_SCHEMA, "answer", "Be strict."))
    store.label(run, "r1", "bo", "answer", "wrong")
    store.label(run, "r1", "bo", "answer", "correct", round=2)
    store.label(run, "r1", "cleo", "answer", "wrong", kind="adjudication")
    store.redo(run, "ann")
    return run


@pytest.fixture
def other(tmp_path):
    store = LabelStore(open_database(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    store.add_run(Run("before", tuple(restored_responses()), (Label("r0", "rater", "answer", "wrong"),)))
    yield store
    store.engine.dispose()


def restored_responses():
    from a3core.grader.runs.responses import Response

    return [Response("r0", "How many legs has a fly?", "6")]


def numbered(events):
    """Events by their place in the history instead of by the database's numbers."""
    places = {event.id: n for n, event in enumerate(events)}
    return [event._replace(id=n, refers=places.get(event.refers)) for n, event in enumerate(events)]


def restore(store, other, run, events=None, **changes):
    info = store.run_info(run)
    history = store.history(run).events if events is None else events
    named = Run(info.name, store.responses(run), notes=info.notes)
    return restore_run(other, Archive(named, build_history(history), store.schemas(run), info._replace(**changes)))


def test_everything_is_as_it_was(store, other, run):
    copy = restore(store, other, run)
    assert other.run_info(copy) == store.run_info(run)._replace(id=copy) and copy != run
    assert other.responses(copy) == store.responses(run) and other.schemas(copy) == store.schemas(run)
    assert numbered(other.history(copy).events) == numbered(store.history(run).events)
    assert [label[:-1] for label in other.labels(copy)] == [label[:-1] for label in store.labels(run)]
    assert [label[:-1] for label in other.adjudications(copy)] == [label[:-1] for label in store.adjudications(run)]


def test_undo_goes_on(store, other, run):
    copy = restore(store, other, run)
    for _ in range(3):
        done = [[event[1:9] for event in each.undo(of, "ann")] for each, of in ((store, run), (other, copy))]
        assert [event[:6] for event in done[0]] == [event[:6] for event in done[1]]
    assert done == [[], []]


BAD = [
    ("response_id", "r9", "there is no response 'r9'"),
    ("schema_version", "0", "there is no schema '0'"),
    ("kind", "rumour", "kind 'rumour'"),
    ("round", 3, "round 3"),
    ("annotator", "", "An annotator needs a name"),
    ("new", "perhaps", "is one of"),
    ("new", 5, "A label is text"),
    ("at", "2026-03-01T12:00:00", "has no zone"),
    ("at", "yesterday", "Invalid isoformat"),
    ("at", None, "must be str"),
    ("client_id", None, "client_id None"),
    ("parent", "nothing", "it stands on 'nothing'"),
    ("old", "yes", "it changes 'yes', which was ''"),
    ("refers", 1, "it refers to 1"),
    ("id", "1", "its id '1' is not its own"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value", "message"), BAD, ids=[f"{name}={value}" for name, value, _ in BAD])
def test_a_history_that_cannot_be_is_refused(store, other, run, name, value, message):
    events = list(store.history(run).events)
    events[1] = events[1]._replace(**{name: value})
    with pytest.raises(ValueError, match=rf"^Event 2 of the run cannot be restored: .*{message}"):
        restore(store, other, run, events)
    assert len(other.runs()) == 1


def test_a_history_with_a_gap_or_twice_is_refused(store, other, run):
    events = store.history(run).events
    label = next(n for n, event in enumerate(events) if event.field == "answer" and event.annotator == "ann")
    with pytest.raises(ValueError, match="cannot be restored"):
        restore(store, other, run, (*events[:label], *events[label + 1 :]))
    with pytest.raises(ValueError, match="is not its own"):
        restore(store, other, run, (*events, events[0]))


def test_a_run_is_restored_from_events_only(store, other, run, build_run):
    labelled = build_run(labels=[Label("r0", "a", "answer", "wrong")])
    with pytest.raises(ValueError, match="no labels beside them"):
        restore_run(other, Archive(labelled, build_history(()), (DEFAULT_SCHEMA,)))
    with pytest.raises(ValueError, match="give both"):
        restore_run(other, Archive(build_run(), build_history(()), ()))
    restore(store, other, run)
    with pytest.raises(ValueError, match="There is already a run 'pilot'"):
        restore(store, other, run)
