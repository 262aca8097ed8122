"""Undo and redo: like an editor's, whoever labels beside, in whatever tab or process; against an editor in memory."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelled import label_together, with_guideline

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.labels.store import LabelStore

PEOPLE = ("ann", "bo")
VALUES = {"explanation": ("correct", "flawed", ""), "convincing": ("yes", "no", ""), "note": ("a\0b", "c", "")}


@pytest.fixture
def run(store, build_run):
    return store.add_run(build_run())


def given_by(store, run, annotator="ann") -> dict[tuple[str, str], str]:
    return {(label.response_id, label.field): label.value for label in store.labels(run, annotator)}


def test_one_label_there_and_back(store, run):
    first = store.label(run, "r1", "ann", "answer", "wrong")
    assert given_by(store, run) == {("r1", "answer"): "wrong"}
    (undone,) = store.undo(run, "ann")
    assert (undone.kind, undone.old, undone.new, undone.refers) == ("undo", "wrong", "", first.id)
    assert given_by(store, run) == {} and store.undo(run, "ann") == ()
    (redone,) = store.redo(run, "ann")
    assert (redone.kind, redone.old, redone.new, redone.refers) == ("redo", "", "wrong", first.id)
    assert given_by(store, run) == {("r1", "answer"): "wrong"} and store.redo(run, "ann") == ()
    assert store.history(run).events == (first, undone, redone)


def test_undo_goes_back_over_everything(store, run):
    for response in ("r0", "r1", "r2"):
        label_together(store, run, response, "ann", {"explanation": "flawed", "convincing": "no"})
    assert [events[0].response_id for events in iter(lambda: store.undo(run, "ann"), ())] == ["r2", "r1", "r0"]
    assert [len(events) for events in iter(lambda: store.redo(run, "ann"), ())] == [2, 2, 2]
    assert len(store.labels(run)) == 6


def test_a_label_after_undo_drops_what_was_undone(store, run):
    for value in ("correct", "wrong", "no consistent answer"):
        store.label(run, "r0", "ann", "answer", value)
    store.undo(run, "ann"), store.undo(run, "ann")
    store.label(run, "r1", "ann", "answer", "wrong")
    assert store.redo(run, "ann") == ()
    store.undo(run, "ann")
    assert given_by(store, run) == {("r0", "answer"): "correct"}
    assert store.redo(run, "ann")[0].response_id == "r1" and store.redo(run, "ann") == ()
    store.undo(run, "ann"), store.undo(run, "ann")
    assert given_by(store, run) == {}
    assert [store.redo(run, "ann")[0].new for _ in range(2)] == ["correct", "wrong"]
    assert given_by(store, run) == {("r0", "answer"): "correct", ("r1", "answer"): "wrong"}


def test_another_tab_goes_on_with_the_same_steps(store, run, engine):
    store.label(run, "r0", "ann", "answer", "correct")
    tab = LabelStore(engine)
    tab.label(run, "r0", "ann", "answer", "wrong")
    assert store.undo(run, "ann")[0].new == "correct"
    assert given_by(tab, run) == given_by(store, run) == {("r0", "answer"): "correct"}
    assert tab.redo(run, "ann")[0].new == "wrong" and tab.redo(run, "ann") == ()


def test_own_steps_only(store, run, build_run):
    other = store.add_run(build_run(name="other"))
    store.label(run, "r0", "ann", "answer", "correct")
    store.label(other, "r0", "ann", "answer", "wrong")
    store.label(run, "r0", "bo", "answer", "wrong")
    store.label(run, "r0", "ann", "answer", "correct", kind="adjudication")
    assert store.undo(run, "ann")[0].new == "" and store.undo(run, "ann") == ()
    assert given_by(store, other) == {("r0", "answer"): "wrong"}
    assert given_by(store, run, "bo") == {("r0", "answer"): "wrong"} and len(store.adjudications(run)) == 1
    assert store.undo(run, "cleo") == store.redo(run, "cleo") == ()


def test_a_repeated_request_is_done_once(store, run):
    for value in ("correct", "wrong"):
        store.label(run, "r0", "ann", "answer", value)
    back, forth = str(uuid4()), str(uuid4())
    assert store.undo(run, "ann", back) == store.undo(run, "ann", back)
    assert given_by(store, run) == {("r0", "answer"): "correct"}
    assert store.redo(run, "ann", forth) == store.redo(run, "ann", forth)
    assert given_by(store, run) == {("r0", "answer"): "wrong"} and len(store.history(run).events) == 4
    with pytest.raises(ValueError, match="was given to another request"):
        store.redo(run, "ann", back)


def test_a_value_comes_back_with_the_version_it_was_given_under(store, run):
    old, new = DEFAULT_SCHEMA, with_guideline(DEFAULT_SCHEMA, "answer", "Be strict.")
    store.label(run, "r0", "ann", "answer", "correct")
    store.set(run, schema=new)
    store.label(run, "r0", "ann", "answer", "wrong")
    assert store.labels(run)[0].schema_version == new.version
    store.undo(run, "ann")
    assert store.labels(run)[0].schema_version == old.version
    store.redo(run, "ann")
    assert store.labels(run)[0].schema_version == new.version


class Editor:
    """What undo and redo mean: a list of steps, and how many of them are done."""

    def __init__(self):
        self.labels, self.steps, self.done = {}, [], 0

    def label(self, response, values):
        changes = {(response, f): (self.labels.get((response, f), ""), new) for f, new in values.items()}
        if changes := {key: change for key, change in changes.items() if change[0] != change[1]}:
            self.steps[self.done :] = [changes]
            self.redo()

    def undo(self):
        if self.done:
            self.done -= 1
            self.labels.update({key: old for key, (old, _) in self.steps[self.done].items()})

    def redo(self):
        if self.done < len(self.steps):
            self.labels.update({key: new for key, (_, new) in self.steps[self.done].items()})
            self.done += 1

    def given(self):
        return {key: value for key, value in self.labels.items() if value}


values = st.fixed_dictionaries({}, optional={field: st.sampled_from(allowed) for field, allowed in VALUES.items()})
acts = st.one_of(
    st.tuples(st.just("label"), st.sampled_from(["r0", "r1"]), values),
    st.tuples(st.sampled_from(["undo", "undo", "redo"])),
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(PEOPLE), acts), max_size=14))
def test_any_sequence_gives_what_an_editor_gives(store, build_run, sequence):
    run = store.add_run(build_run(2, name=uuid4().hex))
    editors = {name: Editor() for name in PEOPLE}
    for name, (act, *details) in sequence:
        getattr(editors[name], act)(*details)
        if act == "label":
            label_together(store, run, details[0], name, details[1])
        else:
            getattr(store, act)(run, name)
        assert given_by(store, run, name) == editors[name].given()
    check_events(store, run)


def check_events(store, run) -> None:
    """Each event starts from where the one before left; the last ones are the labels; memory and database agree."""
    present = {}
    for event in store.history(run).events:
        key = (event.response_id, event.annotator, event.field)
        assert event.old == present.get(key, "") != event.new
        present[key] = event.new
    labels = store.labels(run)
    derived = {key: value for key, value in present.items() if value}
    assert {(label.response_id, label.annotator, label.field): label.value for label in labels} == derived
    assert sorted(LabelStore(store.engine).labels(run)) == sorted(labels)
