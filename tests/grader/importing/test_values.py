"""Labels in other people's words become those of the run, and what is not known is asked."""

from __future__ import annotations

import pytest

from a3core.grader.importing.drafts import Decisions, Plan
from a3core.grader.importing.values import translate
from a3core.grader.labels.schema import DEFAULT_SCHEMA, LabelQuestion, Schema
from a3core.grader.runs.responses import Label


def find(field: str, *values: str, schema: Schema = DEFAULT_SCHEMA, **answers: str) -> list[str | None]:
    """What each value becomes, None where it is asked about."""
    labels, unknown = [], set()
    for value in values:
        given = [Label(str(n), "ann", field, one) for n, one in enumerate([value, *values])]
        found, asked = translate(given, schema, answers)
        unknown |= {one.value for one in asked}
        first = next((f"{label.field} {label.value}" for label in found if label.response_id == "0"), None)
        labels.append(first)
    return labels


@pytest.mark.parametrize(
    ("field", "values", "labels"),
    [
        ("explanation", ("1", "0"), ("explanation correct", "explanation flawed")),
        ("verdict", ("Correct", "Wrong"), ("answer correct", "answer wrong")),
        (
            "verdict",
            ("correct", "flawed", "unsure"),
            ("explanation correct", "explanation flawed", "explanation unsure"),
        ),
        ("rating", ("1", "0"), ("explanation correct", "explanation flawed")),
        ("rating", ("1", "0", "-1"), ("explanation correct", "explanation unsure", "explanation flawed")),
        ("rating", ("1", "2", "3"), (None, None, None)),  # a scale
        ("is_the_answer_correct", ("yes", "no"), ("answer correct", "answer wrong")),
        ("convincing", ("true", "false"), ("convincing yes", "convincing no")),
        ("is it plausible?", ("1", "0"), ("convincing yes", "convincing no")),
        (
            "reasoning_ok",
            ("good", "bad", "not sure"),
            ("explanation correct", "explanation flawed", "explanation unsure"),
        ),
        ("first_wrong_step", ("2", "none"), ("first_wrong_step 2", "first_wrong_step none")),
        ("first error", ("2", "none"), ("first_wrong_step 2", "first_wrong_step none")),
        ("note", ("any text",), ("note any text",)),
        ("verdict", ("meh", "correct"), (None, "explanation correct")),
    ],
)
def test_what_values_mean(field, values, labels):
    assert find(field, *values) == list(labels)


def test_what_a_person_said_comes_first():
    assert find("verdict", "meh", "correct", meh="unsure") == ["explanation unsure", "explanation correct"]
    assert find("verdict", "meh", "ok", meh="answer.wrong", ok="answer.correct") == ["answer wrong", "answer correct"]
    assert find("verdict", "meh", "correct", meh="") == [None, "explanation correct"]
    assert find("verdict", "Correct", verdict="answer") == ["answer correct"]
    assert find("rating", "1", "5", **{"5": "correct", "1": "flawed"}) == ["explanation flawed", "explanation correct"]
    for answers, message in (
        ({"meh": "perfect"}, "'perfect' is no label of the run"),
        ({"meh": "answer.flawed"}, "answer is"),
    ):
        with pytest.raises(ValueError, match=message):
            find("verdict", "meh", **answers)


def test_another_schema():
    mood = LabelQuestion("mood", "Mood?", "", ("happy", "sad"), ("h", "s"))
    schema = Schema((*DEFAULT_SCHEMA.questions, mood))
    assert find("how is it", "Happy", "sad", schema=schema) == ["mood happy", "mood sad"]


def test_the_question_names_values_and_what_they_can_be():
    given = [Label("1", "ann", "verdict", f"meh {n}") for n in range(7)]
    with pytest.raises(ValueError, match="It is not known which label is meant by") as caught:
        Plan(None, translate(given, DEFAULT_SCHEMA, {})[1], [], []).ask(Decisions())
    sentence = str(caught.value)
    assert "'meh 0' of 'verdict'" in sentence and "and 2 more" in sentence and "explanation.flawed" in sentence
