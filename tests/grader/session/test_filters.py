"""Conditions on columns and labels, the search, and what a blind annotator may not learn from either."""

from __future__ import annotations

from time import process_time

import pytest
from labelled import label_fields

from a3core.grader import list_runs
from a3core.grader.labels.schema import fold_annotator
from a3core.grader.runs.responses import Label, Response, Run
from a3core.grader.session.filters import Condition, Selection, list_conditions
from a3core.grader.session.grading import GradingSession

COMPLETE = {"explanation": "correct", "convincing": "yes", "answer": "correct"}


@pytest.fixture
def run(store) -> int:
    responses = [
        Response("a", "How many marbles?", "seven", "Five and\ntwo.", "7", "standard", "small"),
        Response("b", "How many LEMONS?", "nine", "Ten less one.", "9", "cot", "small"),
        Response("c", "Where?", "seven", "", "7", "cot", "large"),
    ]
    return store.add_run(Run("fruit", tuple(responses)))


def find(store, run, *conditions, annotator="ann", **options) -> list[str]:
    only = Selection(tuple(Condition(*one) for one in conditions), **options)
    with store.snapshot(run) as snapshot:
        return [id_ for position, id_ in enumerate(snapshot.ids) if only.passes(snapshot, annotator, position)]


def test_a_column_one_or_several_values_and_several_columns(store, run):
    assert find(store, run, ("column", "prompt kind", "cot")) == ["b", "c"]
    assert find(store, run, ("column", "model", "small"), ("column", "model", "large")) == ["a", "b", "c"]
    assert find(store, run, ("column", "model", "small"), ("column", "prompt kind", "cot")) == ["b"]


def test_own_labels_and_anybodys(store, run):
    store.label(run, "a", "bob", "explanation", "flawed")
    store.label(run, "b", "ann", "explanation", "flawed")
    assert find(store, run, ("own", "explanation", "flawed")) == ["b"]
    assert find(store, run, ("anybody", "explanation", "flawed")) == ["b"]  # bob's is hidden until ann has judged it
    label_fields(store, run, "a", "ann", COMPLETE)
    assert find(store, run, ("anybody", "explanation", "flawed")) == ["a", "b"]
    assert find(store, run, ("anybody", "explanation", "flawed"), annotator="eve") == []
    assert find(store, run, ("anybody", "explanation", "flawed"), annotator="eve", blind=False) == ["a", "b"]


def test_mine_flagged_disagreements_and_chosen_ids(store, run):
    store.label(run, "a", "ann", "flag", "yes")
    store.label(run, "b", "ann", "first_wrong_step", "1")
    store.label(run, "b", "bob", "first_wrong_step", "none")
    assert find(store, run, ("flagged",)) == ["a"]
    assert find(store, run, ("mine",)) == []
    assert find(store, run, ("disagreements",)) == ["b"]
    store.label(run, "b", "cleo", "first_wrong_step", "1", kind="adjudication")
    assert find(store, run, ("disagreements",)) == []
    assert find(store, run, ("chosen",), ids=frozenset({"c", "x"})) == ["c"]


def test_a_files_own_verdict_disagrees_with_nobody(store):
    """A source has no say: an item is undecided only where people differ."""
    verdicts = [Label("a", "dataset", "answer", "wrong"), Label("a", "dataset (strict-match)", "answer", "correct")]
    run = store.add_run(Run("judged", (Response("a", "How many?", "7"),), tuple(verdicts)))
    store.label(run, "a", "ann", "answer", "correct")
    assert find(store, run, ("disagreements",)) == []
    store.label(run, "a", "bob", "answer", "wrong")
    assert find(store, run, ("disagreements",)) == ["a"]
    with store.snapshot(run) as snapshot:
        assert snapshot.find_undecided(0) == {"answer": {"ann": "correct", "bob": "wrong"}}
    assert list_runs(store)["annotators"].tolist() == [["ann", "bob"]]


def test_the_search_reads_question_explanation_note_and_an_answer_only_once_it_may_be_seen(store, run):
    assert find(store, run, search="lemons ") == ["b"]
    assert find(store, run, search="TWO") == ["a"]
    assert find(store, run, search="seven") == ["c"]  # nothing is to be judged blind where there is no explanation
    label_fields(store, run, "a", "ann", {"explanation": "correct", "convincing": "yes"})
    assert find(store, run, search="seven") == ["a", "c"]
    assert find(store, run, search="seven", annotator="bob", blind=False) == ["a", "c"]
    store.label(run, "b", "ann", "note", "Ask Zoë")
    assert find(store, run, search="zoë") == ["b"] and find(store, run, search="zoë", annotator="bob") == []


def test_what_a_run_can_be_filtered_by(store, run):
    with store.snapshot(run) as snapshot:
        words = dict(list_conditions(snapshot))
    assert words["model: large"] == Condition("column", "model", "large")
    assert words["anybody: answer wrong"] == Condition("anybody", "answer", "wrong")


@pytest.mark.parametrize("text", ["x", "[1", '["dance"]', "[]", '["own", "a", "b", "c"]', "null", "[" * 100_000])
def test_what_is_no_condition_is_one_sentence(text):
    with pytest.raises(ValueError, match="condition"):
        Condition.parse(text)


@pytest.mark.slow
def test_ten_thousand_items_are_searched_within_200_ms(store):
    text = "A sentence of an explanation that has some length, as they have. " * 8
    responses = (Response(f"r{i}", f"Question {i}?", str(i), f"{text}\n{i}") for i in range(10_000))
    run = store.add_run(Run("many", tuple(responses)))
    session = GradingSession(store, run, "ann", only=Selection(search="question 9999"))
    assert session.show()["place"][0] == "r9999"  # the texts are read once
    started = process_time()
    view = GradingSession(store, run, "ann", only=Selection(search="question 777")).show()
    assert process_time() - started < 0.2
    assert view["place"][0] == "r777" and view["matching"] == 11


def test_an_item_is_found_by_number_and_by_id_and_another_text_is_one_sentence(store, run):
    session = GradingSession(store, run, "ann")
    assert session.act("jump", {"to": " 2 "})["place"][0] == "b"
    view = session.act("jump", {"to": "c", "place": ["b", 1, 1]})
    assert (view["place"][0], view["number"], view["total"]) == ("c", 3, 3)
    for wrong in ("0", "4", "zzz", "", None):
        with pytest.raises(ValueError, match="There is no item"):
            session.act("jump", {"to": wrong})


def test_the_adjudicator_sees_what_differs_how_many_are_left_and_comes_to_each(store, run):
    for id_ in ("a", "b"):
        store.label(run, id_, "one", "explanation", "correct")
        store.label(run, id_, "two", "explanation", "flawed")
    session = GradingSession(store, run, "judge", order="given", adjudicate=True)
    view = session.show()
    assert view["differing"] == {"explanation": [("one", "correct"), ("two", "flawed")]}
    assert view["progress"] == "2 responses with a disagreement left"
    view = session.act("skip", {"place": view["place"]})
    told = {"field": "explanation", "value": "flawed", "place": view["place"]}
    assert session.act("label", told)["progress"] == "1 response with a disagreement left"
    view = session.act("next", {"place": view["place"]})
    assert view["place"][0] == "a"  # what was skipped comes again
    session.act("label", told | {"place": view["place"]})
    assert session.act("next", {"place": view["place"]})["said"] == "Every disagreement here is decided."
    assert store.labels(run, "judge") == []


def test_names_of_one_person_fold_to_one():
    assert {fold_annotator(name) for name in ("ann", "Ann", "ANN ", " ann")} == {"ann"}
    assert fold_annotator("Ann  B") == fold_annotator("ann b") != fold_annotator("annb")
