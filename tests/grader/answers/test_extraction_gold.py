"""Whether answers mean the gold answer, what is suggested of them, and agreement with labels that people gave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from a3core.grader.answers.extraction import (
    UNCLEAR,
    extract_answer,
    guess_gold_kind,
    list_marked_answers,
    match_answers,
    suggest_label,
)
from a3core.grader.labels.schema import CORRECT, NO_CONSISTENT_ANSWER, WRONG
from a3core.grader.runs.responses import Response

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "cot"


def load(name: str) -> list[dict]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# Whether it is the gold answer


@pytest.mark.parametrize(
    ("answer", "gold", "same"),
    [
        ("$1,000.00", "1000 eggs", True),
        ("He has 5 apples.", "5", True),
        ("eleven", "11", True),
        ("50%", "50", True),
        ("50 percent", "0.5", True),
        ("0.5%", "50%", False),
        ("0.33", "1/3", False),
        ("-5", "5", False),
        ("1" * 5000, "1", False),
        ("18", "5 + 13 = 18\n#### 18", True),
        ("It is Monday", "5", None),
        ("", "5", None),
        ("5", "", None),
        ("May 1, 2021", "05/01/2021", True),
        ("True", "yes", True),
        ("No.", "yes", False),
        ("(b)", "B", True),
        ("option C", "(B) Rome", False),
        ("05/01/2021", "(A) May 1, 2021", True),
        ("Rome", "B", None),
        ("the Danube.", "danube", True),
        ("Beyoncé", "BEYONCE", True),
        ("a valley of the Danube", "Danube", None),
        ("Rhine", "Danube", False),
        ("@", "@", True),
        ("@", "#", False),
        # one value in many notations
        ("3.75", "3,75", True),
        ("1.234,5", "1234.5", True),
        ("3,1416", "3.1416", True),
        ("1,000", "1000", True),
        (r"40,\!000", "40000", True),
        (r"\frac{3}{4}", r"\frac34", True),
        (r"\dfrac12", "0.5", True),
        (r"\frac{3}{4}", "0.75", True),
        ("25 %", "1/4", True),
        ("$12", "12", True),
        ("12 dollars", "12", True),
        ("two hundred ninety-four", "294", True),
        ("s-a-n-n", "sann", True),
        ("S A N N", "sann", True),
        ("s-a-n-m", "sann", False),
        ("95", "89", False),
        ("3.75", "37.5", False),
        ("3,75", "375", False),
        ("1.000", "1", None),
        ("1.000", "1000", None),
        ("1.000", "1.000", True),
        ("1.000", "7", False),
        ("3,750", "3.75", None),
        ("0.125", "1/8", True),
    ],
)
def test_matching(answer, gold, same):
    assert match_answers(answer, gold) is same


@pytest.mark.parametrize(
    "place", ["St. Louis", "Bay St. Louis", "Ste. Anne de Bellevue", "Mt. Vernon", "J. B. Hunt Town"]
)
def test_a_name_with_a_point_in_it_is_one_answer(place):
    assert extract_answer(place, "name").value == extract_answer(f"The answer is {place}.", "name").value == place
    assert match_answers(place, place) and match_answers(place, "Oslo") is False
    assert extract_answer(f"It is {place}. I know it.", "name").value == ""


def test_every_marked_answer_is_listed():
    assert [found.value for found in list_marked_answers("The answer is 5.\nA: 6")] == ["5", "6"]


def respond(answer: str = "", explanation: str = "", gold: str | None = "10") -> Response:
    return Response("1", "How many?", answer, explanation, gold)


def test_suggestions_say_why():
    assert suggest_label(respond("$10.00", "3 boxes of 4, 2 broken")) == (
        CORRECT,
        "“$10.00” means the same as the gold answer “10”.",
    )
    assert suggest_label(respond("9")) == (WRONG, "“9” is not the gold answer “10”.")
    assert suggest_label(respond("", "The answer is ten.")).value == CORRECT
    assert suggest_label(respond()) == (NO_CONSISTENT_ANSWER, "No answer was found.")
    assert suggest_label(respond("10", "The answer is 9.")) == (
        NO_CONSISTENT_ANSWER,
        "It gives answers that differ: “9” and “10”.",
    )
    assert suggest_label(respond("10", "The answer is 9. The answer is 8.", None)).value == NO_CONSISTENT_ANSWER
    assert suggest_label(respond("10", gold=None)) is None and suggest_label(respond("Monday")) is None


# What researchers bring


@pytest.mark.parametrize(
    ("text", "gold", "value", "suggested"),
    [
        ("<think>First 12. The answer is 12. Wait.</think> The answer is 18.", "18", "18", CORRECT),
        ("First 12. The answer is 12.\n</think>\n\nIt is 18.", "18", "18", CORRECT),
        ("<think>The answer is 18, or is it", "18", "", NO_CONSISTENT_ANSWER),
        ("The answer is (A)... no, the answer is (D).", "D", "(D)", CORRECT),
        ("The answer is 5. Wait, that is wrong. The answer is 6.", "6", "6", CORRECT),
        ("The answer is (A). The answer is (D).", "D", "(D)", NO_CONSISTENT_ANSWER),
        ("The answer is (A) because of 2. So it is (A), not (B).", "A", "(A)", CORRECT),
        ("So it is (A), not (B).", "A", "(A)", CORRECT),
        ("It must be (C). Option B is clearly wrong, and (D) cannot fly.", "C", "(C)", CORRECT),
        ("I think it could be 5 or 7.", "5", "", NO_CONSISTENT_ANSWER),
        ("The answer is 5 or 7.", "5", "", NO_CONSISTENT_ANSWER),
        (r"\boxed{\frac{1}{2}}", "1/2", r"\frac{1}{2}", CORRECT),
        ("**Final Answer:** 42", "42", "42", CORRECT),
        ("#### 1,234", "1234", "1,234", CORRECT),
        ("The answer is 1.000.", "1", "1.000", UNCLEAR),
    ],
)
def test_what_is_the_answer_and_what_is_not(text, gold, value, suggested):
    found = extract_answer(text, guess_gold_kind(gold))
    assert found.value == value == text[found.start : found.end]
    assert suggest_label(respond("", text, gold)).value == suggested


def test_an_unclear_suggestion_asks():
    assert suggest_label(respond("1.000", gold="1")) == (
        UNCLEAR,
        "“1.000” may be the gold answer “1” or not: thousands or decimals?",
    )


# Against labels that people gave


def test_it_agrees_with_gsm8k_wherever_there_is_an_answer_line():
    agreed = 0
    for row in load("gsm8k_model_solutions_300.jsonl"):
        for solution in (cell for cell in row.values() if isinstance(cell, dict)):
            if "\nA:" in solution["solution"]:
                assert match_answers(solution["solution"], row["ground_truth"]) is solution["is_correct"], solution
                agreed += 1
    assert agreed == 1195


def test_it_agrees_with_multiarith_but_for_answers_their_script_could_not_read():
    """The eight others are right: in words, or what a calculation comes to where the script took its first number."""
    rows = load("multiarith_zero_shot_cot.jsonl")
    found = [bool(match_answers(row["generation"], row["gold"])) for row in rows]
    assert sum(said == row["correct"] for said, row in zip(found, rows, strict=True)) == 592
    assert all(said for said, row in zip(found, rows, strict=True) if row["correct"])


def test_kinds_of_real_gold_answers():
    assert all(guess_gold_kind(row["ground_truth"]) == "number" for row in load("gsm8k_model_solutions_300.jsonl"))
