"""Views of items: what is hidden while grading is blind, and what is asked where there is no explanation."""

from __future__ import annotations

import json

import pytest
from labelled import label_fields, with_guideline

from a3core.grader.export.restore import Archive, add_events
from a3core.grader.labels.database import open_database
from a3core.grader.labels.schema import DEFAULT_SCHEMA, propose_annotator
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Response, Run
from a3core.grader.session.filters import Condition, Selection
from a3core.grader.session.grading import GradingSession, read_position

RESPONSES = (
    Response("1", "1 + 1?", "2", "one and one\nare two", "2", "chain of thought", "m"),
    Response("2", "2 + 2?", "5", gold_answer="4"),
    Response("3", "<b>&</b> ${1}", "", "x" * 1_000_000),
)


class Grader:
    """Ann in the only run of a store."""

    def __init__(self, store):
        self.store = store

    def show(self, options=None):
        return GradingSession(self.store, 1, "ann", **options or {}).show()

    def act(self, action, payload, options=None):
        return GradingSession(self.store, 1, "ann", **options or {}).act(action, payload)


@pytest.fixture
def grader(store):
    store.add_run(Run("run", RESPONSES))
    return Grader(store)


def test_what_is_hidden_is_not_sent(grader):
    view = grader.show()
    told = json.dumps(view)
    assert "chain of thought" not in told and '"2"' not in told and not view["revealed"]
    assert [question["locked"] for question in view["questions"]] == [False, False, True]


def test_without_an_explanation_only_the_answer_is_asked_about(grader):
    view = grader.act("stay", {"place": ["2", 1, 1]})
    assert view["revealed"] and view["lines"] == [] and view["suggestion"]["value"] == "wrong"
    assert [question["field"] for question in view["questions"]] == ["answer"]
    view = grader.act("label", {"place": view["place"], "field": "answer", "value": "wrong"})
    assert view["progress"].startswith("1 of 3")


def test_the_answer_cannot_be_judged_before_the_explanation(grader):
    told = {"place": ["1", 1, 0], "field": "answer", "value": "correct"}
    with pytest.raises(ValueError, match="First judge the explanation"):
        grader.act("label", told)
    assert grader.act("label", told, {"blind": False})["questions"][2]["label"] == "correct"


def test_reveal_says_what_is_missing(grader):
    assert "First judge" in grader.act("stay", {"place": ["1", 1, 0]})["said"]
    assert grader.act("stay", {"place": ["2", 1, 1]})["said"] == ""


def test_moves(grader):
    place = grader.show()["place"]
    second = grader.act("skip", {"place": place})
    assert second["place"][0] == "2"
    assert grader.act("back", {"place": second["place"]})["place"][0] == "1"
    assert grader.act("back", {"place": place})["place"][0] == "1"  # there is none before it


def test_the_end_of_the_queue(grader):
    view = grader.show({"only": Selection((Condition("flagged"),))})
    assert view["place"] is None and "No item is of this kind" in view["said"]
    for id_ in ("1", "2", "3"):
        label_fields(grader.store, 1, id_, "ann", {"explanation": "correct", "convincing": "yes", "answer": "correct"})
    view = grader.show()
    assert view["place"] is None and "Everything in this queue" in view["said"]


def test_a_long_explanation_travels(grader):
    assert len(grader.act("stay", {"place": ["3", 1, 2]})["lines"][0]) == 1_000_000


def test_bad_requests(grader):
    with pytest.raises(ValueError, match="The order is one of"):
        grader.show({"order": "by mood"})
    with pytest.raises(ValueError, match="no condition of the kind 'mine too'"):
        Condition.parse('["mine too"]')
    for told in ("x", [1], {"a": 1}, ["1", "first", 0]):
        with pytest.raises(ValueError, match="names no item"):
            read_position(told)
    with pytest.raises(ValueError, match="no response 'zzz'"):
        grader.act("stay", {"place": ["zzz", 1, 0]})


# Adjudicating


ADJUDICATING = {"adjudicate": True}


@pytest.fixture
def disputed(grader):
    """Ann and Bob differ about the first two explanations; Ann is the one who decides."""
    for id_ in ("1", "2"):
        grader.store.label(1, id_, "ann", "explanation", "correct")
        grader.store.label(1, id_, "bob", "explanation", "flawed")
    return grader


def choose(view: dict, field: str = "explanation") -> str:
    """What the view shows as chosen."""
    return next(question["label"] for question in view["questions"] if question["field"] == field)


def test_what_is_decided_is_shown_as_chosen_and_ones_own_label_among_the_others(disputed):
    view = disputed.show(ADJUDICATING)
    assert choose(view) == "" and {(o["annotator"], o["value"]) for o in view["others"]} >= {("ann", "correct")}
    told = {"place": view["place"], "field": "explanation", "value": "flawed"}
    assert choose(disputed.act("label", told, ADJUDICATING)) == "flawed"
    assert disputed.store.labels(1, "ann")[0].value == "correct"


def test_undo_takes_decisions_back_one_by_one_and_leaves_labels_alone(disputed):
    for id_, value in (("1", "flawed"), ("2", "correct")):
        told = {"place": [id_, 1, int(id_) - 1], "field": "explanation", "value": value}
        disputed.act("label", told, ADJUDICATING)
    for id_ in ("2", "1"):
        view = disputed.act("undo", {"place": None}, ADJUDICATING)
        assert view["place"][0] == id_ and view["said"] == "explanation is undecided again"
    assert "no decision of yours" in disputed.act("undo", {"place": view["place"]}, ADJUDICATING)["said"]
    assert disputed.store.adjudications(1) == []
    assert [label.value for label in disputed.store.labels(1, "ann")] == ["correct", "correct"]


@pytest.mark.parametrize(("field", "value"), [("flag", "yes"), ("note", "hm")])
def test_an_adjudicator_stores_no_label_of_their_own(disputed, field, value):
    before = disputed.store.labels(1)
    with pytest.raises(ValueError, match="your own labels"):
        disputed.act("label", {"place": ["1", 1, 0], "field": field, "value": value}, ADJUDICATING)
    view = disputed.act("label", {"place": ["1", 1, 0], "field": "first_wrong_step", "value": "1"}, ADJUDICATING)
    assert view["first_wrong_step"] == "1" and disputed.store.labels(1) == before
    assert [label.field for label in disputed.store.adjudications(1)] == ["first_wrong_step"]


# The ends of a queue


def test_the_end_of_the_given_order_does_not_say_that_all_is_labelled(grader):
    given = {"order": "given"}
    grader.store.label(1, "3", "ann", "answer", "wrong")
    end = grader.act("next", {"place": ["3", 1, 2]}, given)
    assert end["place"] is None and "end of the run" in end["said"]
    assert grader.act("back", {"place": None}, given)["place"] == ["3", 1, 2]


def test_a_new_version_of_the_questions_is_told(grader):
    before = grader.show()["version"]
    grader.store.set(1, schema=with_guideline(DEFAULT_SCHEMA, "answer", "Be strict."))
    assert grader.show()["version"] != before


@pytest.mark.slow
def test_undo_in_random_order_comes_to_the_items_own_place(grader):
    random = {"order": "random", "blind": False}
    places = [grader.show(random)["place"]]
    for _ in range(2):
        told = {"place": places[-1], "field": "answer", "value": "wrong"}
        grader.act("label", told, random)
        places.append(grader.act("next", {"place": places[-1]}, random)["place"])
    assert grader.act("undo", {"place": places[-1]}, random)["place"] == places[1]


@pytest.fixture
def merged(grader, store, tmp_path):
    """Ann labelled on another machine, too: of item 1 both judgements differ, of item 2 one."""
    other = LabelStore(open_database(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    other.add_run(Run("run", RESPONSES))
    for here, values in ((store, ("correct", "yes", "wrong")), (other, ("flawed", "no", "correct"))):
        here.label(1, "1", "ann", "explanation", values[0])
        here.label(1, "1", "ann", "convincing", values[1])
        here.label(1, "2", "ann", "answer", values[2])
    add_events(store, 1, Archive(None, other.history(1), other.schemas(1)))
    other.engine.dispose()
    return grader


def test_labels_of_two_machines_that_differ_are_counted_and_decided_by_one_click(merged, store):
    view = merged.act("conflict", {"place": ["3", 1, 2]})
    assert view["place"][0] == "1" and view["undecided"] == 3
    assert view["conflicts"] == [
        {"field": "convincing", "values": ["no", "yes"]},
        {"field": "explanation", "values": ["correct", "flawed"]},
    ]
    present = {question["field"]: question["label"] for question in view["questions"]}
    for field in ("explanation", "convincing"):  # one as it is, one as it was on the other machine
        value = present[field] if field == "explanation" else {"yes": "no", "no": "yes"}[present[field]]
        view = merged.act("label", {"place": view["place"], "field": field, "value": value})
        assert {one.field: one.value for one in store.labels(1) if one.response_id == "1"}[field] == value
    assert view["conflicts"] == [] and view["undecided"] == 1
    view = merged.act("conflict", {"place": view["place"]})
    assert view["place"][0] == "2" and [one["field"] for one in view["conflicts"]] == ["answer"]
    assert merged.act("conflict", {"place": None})["place"][0] == "2"
    bob = GradingSession(store, 1, "bob").show()
    assert bob["undecided"] == 0 and bob["conflicts"] == []


def test_a_conflict_about_the_answer_waits_until_the_answer_is_seen(merged, store):
    for place in (["1", 1, 0], ["2", 1, 1]):
        view = merged.act("stay", {"place": place}, {"blind": False})
        assert view["conflicts"]
    store.label(1, "1", "ann", "answer", "correct")
    store.label(1, "1", "ann", "explanation", "")
    view = merged.act("stay", {"place": ["1", 1, 0]})
    assert not view["revealed"] and [one["field"] for one in view["conflicts"]] == ["convincing"]


def test_a_proposed_name_signs_nothing_before_it_is_confirmed_once(grader, store):
    name = propose_annotator()
    session, label = GradingSession(store, 1, name), {"place": ["1", 1, 0], "field": "explanation", "value": "flawed"}
    assert session.show()["proposed"] and not grader.show()["proposed"]
    for action in ("label", "undo", "redo"):
        with pytest.raises(ValueError, match=f"Confirm first that your labels are signed {name}"):
            session.act(action, label)
    assert session.act("next", label)["place"][0] == "2" and store.history(1).events == ()
    view = session.act("label", label | {"confirmed": True})
    assert not view["proposed"] and [event.annotator for event in store.history(1).events] == [name]
    assert len(session.act("undo", label)["said"]) > 0
