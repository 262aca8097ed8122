"""Where annotators disagree, one decides: a decision is checked, repeated and taken back like a label."""

from __future__ import annotations

from uuid import uuid4

import pytest
from labelled import label_fields

COMPLETE = {"explanation": "correct", "convincing": "yes", "answer": "correct"}


@pytest.fixture
def run(store, build_run):
    return store.add_run(build_run())


def disagreements(store, run) -> list[tuple]:
    """(response id, field, value by annotator, decision) of every question that annotators answered differently."""
    with store.snapshot(run) as snapshot:
        return [
            (id_, field, values, snapshot.decisions_for(position).get(field))
            for position, id_ in enumerate(snapshot.ids)
            for field, values in snapshot.find_disagreements(position)
        ]


def test_disagreements_and_decisions(store, run):
    label_fields(store, run, "r0", "ann", COMPLETE)
    label_fields(store, run, "r0", "bo", COMPLETE | {"answer": "wrong", "note": "hm"})
    label_fields(store, run, "r1", "ann", COMPLETE)
    values = {"ann": "correct", "bo": "wrong"}
    assert disagreements(store, run) == [("r0", "answer", values, None)]
    first = store.label(run, "r0", "cleo", "answer", "wrong", kind="adjudication")
    assert (first.kind, first.old, first.new) == ("adjudication", "", "wrong")
    assert store.label(run, "r0", "dan", "answer", "wrong", kind="adjudication") is None
    second = store.label(run, "r0", "dan", "answer", "correct", kind="adjudication")
    assert (second.old, second.new) == ("wrong", "correct")
    assert disagreements(store, run) == [("r0", "answer", values, "correct")]
    assert [(label.annotator, label.value) for label in store.adjudications(run)] == [("dan", "correct")]
    assert len(store.labels(run)) == 10 and "cleo" not in store.annotators(run)
    store.label(run, "r0", "cleo", "answer", "", kind="adjudication")
    assert store.adjudications(run) == [] and disagreements(store, run)[0][-1] is None


def test_a_decision_is_checked_and_repeated_like_a_label(store, run):
    client_id = str(uuid4())
    event = store.label(run, "r0", "cleo", "answer", "wrong", client_id, kind="adjudication")
    assert store.label(run, "r0", "cleo", "answer", "wrong", client_id, kind="adjudication") == event
    with pytest.raises(ValueError, match="answer is one of"):
        store.label(run, "r0", "cleo", "answer", "maybe", kind="adjudication")
    with pytest.raises(ValueError, match="was given to another request"):
        store.label(run, "r0", "cleo", "answer", "wrong", client_id)
    assert store.history(run).events == (event,)


def test_who_changes_his_mind_agrees(store, run):
    store.label(run, "r0", "ann", "answer", "correct")
    store.label(run, "r0", "bo", "answer", "wrong")
    store.label(run, "r0", "bo", "answer", "correct")
    assert disagreements(store, run) == []
