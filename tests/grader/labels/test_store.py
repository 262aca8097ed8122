"""Labels are stored before a call returns, checked, never lost or doubled, and seen by whom they may be seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from labelled import label_fields, with_guideline

from a3core.grader.export.archive import export_run, read_archive
from a3core.grader.labels.schema import DEFAULT_SCHEMA, LabelQuestion, Schema
from a3core.grader.labels.store import RUNS_IN_MEMORY, LabelStore
from a3core.grader.runs.responses import Label, Response, Run

COMPLETE = {"explanation": "correct", "convincing": "yes", "answer": "correct"}


@pytest.fixture
def run(store, build_run):
    return store.add_run(build_run())


# Runs


def test_a_run_comes_back_as_it_was(store):
    responses = [
        Response("1", "How many legs has a fly?", "6", "It is an insect.\nSix.", "6", "chain of thought", "tiny", 2),
        Response("2", "How many legs has a spider?", "", steps=("Not an insect.", "Eight.")),
    ]
    run = store.add_run(Run("pilot", tuple(responses), notes=("from a book", "one was left out")))
    assert store.responses(run) == tuple(responses)
    info = store.run_info(run)
    assert (info.name, info.notes, info.total) == ("pilot", ("from a book", "one was left out"), 2)
    assert info.created == "2026-03-01T12:00:00.000000+00:00" and info.schema.version == DEFAULT_SCHEMA.version
    assert store.runs() == [info] and store.find_run("pilot") == run


def test_given_labels_are_events_of_their_own_kind(store, build_run):
    labels = [Label("r0", "rater 1", "explanation", "flawed"), Label("r0", " rater 2", "answer", "wrong")]
    run = store.add_run(build_run(labels=labels))
    assert [(e.annotator, e.field, e.old, e.new, e.kind) for e in store.history(run).events] == [
        ("rater 1", "explanation", "", "flawed", "import"),
        ("rater 2", "answer", "", "wrong", "import"),
    ]
    assert len(store.labels(run)) == 2 and store.undo(run, "rater 1") == ()


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (Label("r9", "rater", "answer", "wrong"), "of the response 'r9', which the run does not have"),
        (Label("r1", "rater", "answer", "maybe"), "the response 'r1': answer is one of"),
        (Label("r1", " ", "answer", "wrong"), "the response 'r1': An annotator needs a name"),
    ],
)
def test_a_run_with_a_bad_label_is_not_added_by_halves(store, build_run, label, message):
    with pytest.raises(ValueError, match=message):
        store.add_run(build_run(labels=[Label("r0", "rater", "answer", "wrong"), label]))
    assert store.runs() == [] and store.add_run(build_run())


def test_a_run_that_cannot_be_kept_is_refused(store, run, build_run):
    with pytest.raises(ValueError, match="There is already a run 'pilot': give"):
        store.add_run(build_run(1))
    with pytest.raises(ValueError, match="at most 200 characters, this one 201"):
        store.add_run(build_run(name="n" * 201))
    with pytest.raises(ValueError, match=r"at most 500 characters: 'i+'\.\.\. has 1,000"):
        store.add_run(Run("long", (Response("i" * 1000, "Why?", "so"),)))
    with pytest.raises(ValueError, match="too large"):
        store.add_run(Run("large", (Response("1", "Why?", "so", sample=10**30),)))
    assert [info.name for info in store.runs()] == ["pilot"]


# What is refused


@pytest.mark.parametrize("run_id", [99, 0, -1, 10**30, "1", None])
def test_a_run_that_is_not_there(store, run, run_id):
    for call in (store.run_info, store.responses, store.schemas, store.labels, store.history):
        with pytest.raises(ValueError, match="There is no run"):
            call(run_id)
    for call in (store.undo, store.redo):
        with pytest.raises(ValueError, match="There is no run"):
            call(run_id, "ann")
    with pytest.raises(ValueError, match="There is no run"):
        store.label(run_id, "r0", "ann", "answer", "wrong")
    with pytest.raises(ValueError, match="There is no run 'none'"):
        store.find_run("none")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"response_id": "r9"}, "has no response 'r9'"),
        ({"response_id": 1}, "has no response 1"),
        ({"annotator": " "}, "An annotator needs a name"),
        ({"annotator": None}, "An annotator needs a name"),
        ({"annotator": "a" * 101}, "at most 100 characters, this one 101"),
        ({"field": "colour"}, "there is no label 'colour'"),
        ({"value": "Correct"}, "answer is one of correct, wrong"),
        ({"value": 1}, "A label is text, not 1"),
        ({"field": "note", "value": "n" * 10_001}, "at most 10,000 characters, this one 10,001"),
        ({"field": "first_wrong_step", "value": "0"}, "a number from 1 on"),
        ({"field": "flag", "value": "no"}, "a flag is 'yes' or empty"),
        ({"client_id": "1; DROP TABLE"}, "A client_id is a UUID"),
        ({"round": 3}, "labelled in round 1"),
    ],
)
def test_a_label_that_is_not_right(store, run, change, message):
    good = {"run": run, "response_id": "r0", "annotator": "ann", "field": "answer", "value": "wrong"}
    with pytest.raises(ValueError, match=message):
        store.label(**{**good, **change})
    assert store.history(run).events == ()


# Labels


def test_an_event_says_who_when_old_and_new(store, run, clock):
    store.label(run, "r0", " ann ", "answer", "wrong")
    clock.forward(minutes=1, microseconds=5)
    event = store.label(run, "r0", "ann", "answer", "correct")
    assert (event.response_id, event.annotator, event.field) == ("r0", "ann", "answer")
    assert (event.old, event.new, event.kind, event.round) == ("wrong", "correct", "label", 1)
    assert event.at == "2026-03-01T12:01:00.000005+00:00" and event.schema_version == DEFAULT_SCHEMA.version
    assert store.history(run).events[1] == event
    assert [(label.value, label.event) for label in store.labels(run)] == [("correct", event.id)]


def test_the_same_value_is_no_event(store, run):
    assert store.label(run, "r0", "ann", "answer", "") is None
    store.label(run, "r0", "ann", "answer", "wrong")
    assert store.label(run, "r0", "ann", "answer", "wrong") is None
    events = label_fields(store, run, "r0", "ann", {"answer": "wrong", "explanation": "flawed"})
    assert [event.field for event in events] == ["explanation"] and len(store.history(run).events) == 2


def test_a_label_taken_back_is_gone_but_not_forgotten(store, run):
    store.label(run, "r0", "ann", "flag", "yes")
    store.label(run, "r0", "ann", "flag", "")
    assert store.labels(run) == [] and len(store.history(run).events) == 2


def test_a_repeated_request_is_stored_once(store, run, engine):
    client_id = str(uuid4())
    first = store.label(run, "r0", "ann", "answer", "wrong", client_id)
    assert LabelStore(engine).label(run, "r0", "ann", "answer", "wrong", client_id.upper()) == first
    store.label(run, "r0", "ann", "answer", "correct")
    assert store.label(run, "r0", "ann", "answer", "wrong", client_id) == first
    assert store.labels(run)[0].value == "correct" and len(store.history(run).events) == 2
    assert store.label(run, "r0", "bo", "answer", "wrong", client_id).annotator == "bo"
    for other in ({"value": "correct"}, {"response_id": "r1"}, {"round": 2}):
        same = {"response_id": "r0", "field": "answer", "value": "wrong"}
        with pytest.raises(ValueError, match="was given to another request"):
            store.label(run, annotator="ann", client_id=client_id, **{**same, **other})


def test_labels_come_by_annotator_and_in_the_runs_order(store, run):
    for annotator, response in (("bo", "r2"), ("ann", "r2"), ("ann", "r0"), ("bo", "r1")):
        store.label(run, response, annotator, "answer", "wrong")
    store.label(run, "r0", "ann", "answer", "correct", round=2)
    found = [(label.annotator, label.response_id, label.round) for label in store.labels(run)]
    assert found == [("ann", "r0", 1), ("ann", "r2", 1), ("bo", "r1", 1), ("bo", "r2", 1)]
    assert store.labels(run, "bo") == store.labels(run)[2:] and store.labels(run, "cleo") == []
    assert [label.round for label in store.labels(run, "ann", rounds=(1, 2))] == [1, 1, 2]
    assert store.annotators(run) == ["ann", "bo"]


def test_what_another_process_stores_is_seen(store, run, engine):
    other = LabelStore(engine)
    assert store.labels(run) == other.labels(run) == []
    for number in range(6):
        (store, other)[number % 2].label(run, f"r{number % 3}", "ann", "answer", ("wrong", "correct")[number // 3])
        assert store.labels(run) == other.labels(run) != []


def test_runs_beyond_those_in_memory_are_read_again(store, build_run):
    runs = [store.add_run(build_run(name=f"run {n}")) for n in range(RUNS_IN_MEMORY + 2)]
    for run in runs:
        store.label(run, "r0", "ann", "answer", "wrong")
        assert len(store.labels(run)) == 1
    assert len(store._snapshots) == RUNS_IN_MEMORY and len(store.labels(runs[0])) == 1


# At once


@pytest.mark.slow
def test_eight_annotators_at_once(store, build_run):
    run = store.add_run(build_run(25))

    def annotate(annotator: str) -> None:
        for number in range(25):
            assert store.label(run, f"r{number}", annotator, "answer", "wrong")
            assert len(store.labels(run, annotator)) == number + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(annotate, [f"ann {n}" for n in range(8)]))
    keys = [(event.response_id, event.annotator) for event in store.history(run).events]
    assert len(keys) == len(set(keys)) == len(store.labels(run)) == 200


# Schemas


def test_a_schema_is_edited_and_labels_remember_theirs(store, run, engine):
    old = store.run_info(run).schema
    new = Schema((LabelQuestion("colour", "Which colour?", "As seen.", ("red", "blue"), ("r", "b")),))
    store.label(run, "r0", "ann", "answer", "wrong")
    store.set(run, schema=new)
    assert store.run_info(run).schema == LabelStore(engine).run_info(run).schema == new
    assert store.label(run, "r0", "ann", "colour", "red").schema_version == new.version
    with pytest.raises(ValueError, match="there is no label 'answer'"):
        store.label(run, "r0", "ann", "answer", "correct")
    assert {label.field: label.schema_version for label in store.labels(run)} == {
        "answer": old.version,
        "colour": new.version,
    }
    store.set(run, schema=old)
    store.set(run, schema=old)
    assert store.schemas(run) == (new, old) and store.run_info(run).schema.version == old.version


def test_the_share_that_comes_back_is_kept(store, run, engine):
    store.set(run, repeat_share=0.1)
    store.set(run, schema=with_guideline(DEFAULT_SCHEMA, "answer", "Be strict."))
    assert LabelStore(engine).run_info(run).repeat_share == 0.1
    with pytest.raises(ValueError, match=r"between 0 and 1, not 1.5"):
        store.set(run, repeat_share=1.5)


# Who sees what


def seen_by(store, run, response_id, annotator, **options) -> list[Label]:
    with store.snapshot(run) as snapshot:
        return snapshot.read_item(response_id, annotator, **options)[1]


def test_others_labels_are_seen_only_after_ones_own(store, run):
    label_fields(store, run, "r0", "bo", COMPLETE | {"note": "mine"})
    label_fields(store, run, "r0", "ann", {"explanation": "flawed", "convincing": "no"})
    assert {label.annotator for label in seen_by(store, run, "r0", "ann")} == {"ann"}
    assert seen_by(store, run, "r0", "cleo") == []
    store.label(run, "r0", "ann", "answer", "wrong")
    seen = seen_by(store, run, "r0", "ann")
    assert {(label.annotator, label.field) for label in seen if label.annotator == "bo"} == {
        ("bo", field) for field in (*COMPLETE, "note")
    }
    store.undo(run, "ann")
    assert {label.annotator for label in seen_by(store, run, "r0", "ann")} == {"ann"}
    seen = seen_by(store, run, "r0", "cleo", adjudicating=True)
    assert {label.annotator for label in seen} == {"ann", "bo"}


def test_an_item_that_comes_back_hides_what_was_given_first(store, run):
    for annotator in ("ann", "bo"):
        label_fields(store, run, "r0", annotator, COMPLETE)
    assert seen_by(store, run, "r0", "ann", round=2) == []
    store.label(run, "r0", "ann", "answer", "wrong", round=2)
    assert [(label.value, label.round) for label in seen_by(store, run, "r0", "ann", round=2)] == [("wrong", 2)]
    assert {label.round for label in seen_by(store, run, "r0", "bo")} == {1}
    assert [label.value for label in store.labels(run, "ann")] == list(COMPLETE.values())
    assert [(label.field, label.value) for label in store.labels(run, "ann", rounds=(2,))] == [("answer", "wrong")]


def test_labels_given_elsewhere_are_added_to_a_run(store, run):
    """At their own time, in their round; one that is there already is not given twice, a wrong one stops all."""
    given = Label("r0", "eve", "answer", "correct", at="2026-03-01T10:00:00+00:00")
    assert store.add_labels(run, [given, given, given._replace(round=2)]) == 2
    assert store.add_labels(run, [given, given._replace(value="wrong")]) == 1
    assert [(event.old, event.new, event.at[:4], event.round) for event in store.history(run).events] == [
        ("", "correct", "2026", 1),
        ("", "correct", "2026", 2),
        ("correct", "wrong", "2026", 1),
    ]
    with pytest.raises(ValueError, match="'r99'"):
        store.add_labels(run, [given._replace(annotator="max"), given._replace(response_id="r99")])
    assert store.annotators(run) == ["eve"]


def test_further_columns_are_beside_their_response(store, run):
    assert store.extra(run) == {"r0": {"topic": "flies"}}


def test_a_run_is_renamed_and_its_key_and_labels_stay(store, run, engine, build_run):
    store.label(run, "r0", "ann", "answer", "correct")
    key = store.run_info(run).key
    store.change(run, "run", "rename", value="first trial", by="ann")
    assert [info.name for info in store.runs()] == ["first trial"] and store.find_run("first trial") == run
    assert store.run_info(run).key == key and len(store.labels(run)) == 1
    store.set(run, repeat_share=0.1)
    assert LabelStore(engine).run_info(run).name == "first trial"
    again = store.add_run(build_run())  # the name is free
    assert [info.name for info in store.runs()] == ["first trial", "pilot"] and again != run
    for name, says in (("first trial", "already a run"), (" ", "needs a name"), ("n" * 201, "at most 200")):
        with pytest.raises(ValueError, match=says):
            store.change(again, "run", "rename", value=name)


def test_a_run_that_is_removed_is_in_no_list_and_can_be_exported(store, run, build_run, tmp_path):
    store.label(run, "r0", "ann", "answer", "correct")
    store.change(run, "run", "hide", by="ann")
    assert store.runs() == [] and [info.id for info in store.runs(removed=True)] == [run]
    assert store.run_info(run).removed
    with pytest.raises(ValueError, match="no run 'pilot'"):
        store.find_run("pilot")
    assert read_archive(export_run(store, run, "jsonl", tmp_path)).info.removed
    assert store.add_run(build_run()) != run and [info.name for info in store.runs()] == ["pilot"]
