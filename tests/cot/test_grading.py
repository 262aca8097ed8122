"""Views of items: what is hidden while grading is blind, and what is asked where there is no explanation."""

from __future__ import annotations

import json

import pytest

from a3core.cot.grading import Grader, GradingArgs, read_place
from a3core.cot.responses import Response, Run

RESPONSES = (
    Response("1", "1 + 1?", "2", "one and one\nare two", "2", "chain of thought", "m"),
    Response("2", "2 + 2?", "5", gold_answer="4"),
    Response("3", "<b>&</b> ${1}", "", "x" * 1_000_000),
)


@pytest.fixture
def grader(store):
    store.add_run(Run("run", RESPONSES))
    return Grader(store)


def test_what_is_hidden_is_not_sent(grader):
    view = grader.show(1, "ann")
    told = json.dumps(view)
    assert "chain of thought" not in told and '"2"' not in told and not view["revealed"]
    assert [question["locked"] for question in view["questions"]] == [False, False, True]


def test_without_an_explanation_only_the_answer_is_asked_about(grader):
    view = grader.act(1, "ann", "stay", {"place": ["2", 1, 1]})
    assert view["revealed"] and view["lines"] == [] and view["suggestion"]["value"] == "wrong"
    assert [question["field"] for question in view["questions"]] == ["answer"]
    view = grader.act(1, "ann", "label", {"place": view["place"], "field": "answer", "value": "wrong"})
    assert view["progress"].startswith("1 of 3")


def test_the_answer_cannot_be_judged_before_the_explanation(grader):
    told = {"place": ["1", 1, 0], "field": "answer", "value": "correct"}
    with pytest.raises(ValueError, match="First judge the explanation"):
        grader.act(1, "ann", "label", told)
    assert grader.act(1, "ann", "label", told, GradingArgs(blind=False))["questions"][2]["label"] == "correct"


def test_reveal_says_what_is_missing(grader):
    assert "First judge" in grader.act(1, "ann", "stay", {"place": ["1", 1, 0]})["said"]
    assert grader.act(1, "ann", "stay", {"place": ["2", 1, 1]})["said"] == ""


def test_moves(grader):
    place = grader.show(1, "ann")["place"]
    second = grader.act(1, "ann", "skip", {"place": place})
    assert second["place"][0] == "2"
    assert grader.act(1, "ann", "back", {"place": second["place"]})["place"][0] == "1"
    assert grader.act(1, "ann", "back", {"place": place})["place"][0] == "1"  # there is none before it


def test_the_end_of_the_queue(grader):
    view = grader.show(1, "ann", GradingArgs(only="flagged"))
    assert view["place"] is None and "Everything in this queue" in view["said"]


def test_a_long_explanation_travels(grader):
    assert len(grader.act(1, "ann", "stay", {"place": ["3", 1, 2]})["lines"][0]) == 1_000_000


def test_bad_requests(grader):
    for args in ({"order": "by mood"}, {"only": "mine too"}):
        with pytest.raises(ValueError, match="There is no queue"):
            GradingArgs(**args)
    for told in ("x", [1], {"a": 1}, ["1", "first", 0]):
        with pytest.raises(ValueError, match="names no item"):
            read_place(told)
    with pytest.raises(ValueError, match="no response 'zzz'"):
        grader.act(1, "ann", "stay", {"place": ["zzz", 1, 0]})
