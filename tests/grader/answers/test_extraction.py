"""Answers in every form they come in and what is no answer."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3core.grader.answers.extraction import (
    extract_answer,
    list_marked_answers,
    match_answers,
    suggest_label,
)
from a3core.grader.answers.values import KINDS, guess_kind, parse_date, parse_number
from a3core.grader.labels.schema import CORRECT, NO_CONSISTENT_ANSWER, WRONG
from a3core.grader.runs.responses import Response


def find(text: str, kind: str | None = None) -> str:
    return extract_answer(text, kind).value


# Where the answer stands


@pytest.mark.parametrize(
    ("text", "value", "why"),
    [
        ("So they cost $29.00 in all.", "$29.00", "last number"),
        ("Ada has 7. Therefore, the answer (arabic numerals) is 2.", "2", "after “answer (arabic numerals) is”"),
        ("First 3, then 4.\nA: 26", "26", "after “A:”"),
        ("5 + 13 = 18\n#### 18", "18", "after “####”"),
        ("**Final Answer:** 12 eggs, not 13", "12", "after “Answer:”"),
        (r"It is \boxed{\frac{3}{4}} of the 8.", r"\frac{3}{4}", "in \\boxed{}"),
        (r"\boxed{ \boxed{ never closed, but \boxed{6} 7", "6", "in \\boxed{}"),
        ("The answer is 5. No: the answer is 6.", "6", "after “answer is”"),
        ("The answer is 5. The answer is not 6.", "5", "after “answer is”"),
        ("The answer is 10.\n\nQ: Tom has 3 cats. A: 3", "10", "after “answer is”"),
        ("It is 10. Question 2: what is 3 + 4? The answer is 7.", "10", "last number"),
        ("Q: What is 3 + 4?\nA: 7\n\nQ: What is 1 + 1?\nA: 2", "7", "after “A:”"),
        ("The answer is: \n\n126 - 54 = 72", "72", "after “answer is:”"),
        ("The answer is 5*5=25, as 5*6=30 is not.", "25", "after “answer is”"),
        ("The answer is 12, since 3 * 5 = 15 is too much.", "12", "after “answer is”"),
        ("The answer is x = 9.", "9", "after “answer is”"),
        ("The answer is the sum. It is 11.", "11", "after “answer is”"),
        ("The answer to 3 + 4 is 7 and 8 is not.", "7", "after “answer to 3 + 4 is”"),
        ("the answer is fifty-six.", "fifty-six", "after “answer is”"),
        ("Seven apples", "Seven", "a number in words"),
        ("1. She buys 4.\n2. She eats one.", "4", "last number"),
        ("10-5", "5", "last number"),
    ],
)
def test_where_a_number_stands(text, value, why):
    found = extract_answer(text, "number")
    assert (found.value, found.why) == (value, why) and text[found.start : found.end] == value


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("It was 05/01/2021 and is 05/02/2021", "date", "05/02/2021"),
        ("So the answer is May 1st, 2021.", "date", "May 1st, 2021"),
        ("He came on the 1st of May 2021, 3 days late", "date", "1st of May 2021"),
        ("It is 02/30/2021", "date", ""),
        ("Yes, because no cat can fly.", "yes/no", "Yes"),
        ("No cat can fly. So the answer is no.", "yes/no", "no"),
        ("There are no cats.", "yes/no", ""),
        ("(A) one (B) two. The answer is (B).", "choice", "(B)"),
        ("The answer is A, a cat.", "choice", "A"),
        ("B) Paris", "choice", "B)"),
        ("A man would say option D", "choice", "option D"),
        ("The answer is a cat.", "choice", ""),
        ("The answer is the Danube, because it is long.", "name", "the Danube"),
        ("The answer is J. K. Rowling. She wrote it.", "name", "J. K. Rowling"),
        ('The answer is "nk".\nQ: x', "name", "nk"),
        ("nk\n", "name", "nk"),
        ("One line.\nAnother line.", "name", ""),
        ("Thus this answer is correct.", "name", ""),
        ("The answer is about 5 days", None, "5"),
        ("The answer is (C).", None, "C"),
        ("The answer is Graz.", None, "Graz"),
        ("Answer: Yes", None, "Yes"),
        ("On 2021-05-01 there were 3", None, "2021-05-01"),
        ("There were 3", None, "3"),
    ],
)
def test_the_other_kinds(text, kind, value):
    assert find(text, kind).strip("()" if kind is None else "") == value


@pytest.mark.parametrize(
    "text", ["", " ", "The answer is.\n\nI hope this helps 9!", "The answer is _____.", "H2O", "the 3rd"]
)
def test_no_number_at_all(text):
    found = extract_answer(text, "number")
    assert found[:3] == ("", 0, 0) and found.why.startswith("no number")


def test_there_is_no_other_kind():
    with pytest.raises(ValueError, match="no kind of answer 'colour': it is one of number, date"):
        extract_answer("red", "colour")


SIGNS = st.sampled_from(["", "-", "−"])


@given(st.decimals(-(10**12), 10**12, places=3), st.sampled_from(["", "$", "€"]), st.booleans(), SIGNS)
def test_a_number_is_found_again_in_every_form(value, currency, commas, sign):
    size = f"{abs(value):,}" if commas else f"{abs(value)}"
    for text in (f"{sign}{currency}{size}", f"{currency}{sign}{size}" if currency else f"{sign}{size}"):
        sentences = (
            f"First 3, then 4. The answer is {text}.",
            rf"1 + 2 = 3, so \boxed{{{text}}} of 9",
            f"#### {text}\n",
        )
        for sentence in sentences:
            found = extract_answer(sentence, "number")
            assert found.value == text
            assert parse_number(found.value).value == Fraction(Decimal(abs(value))) * (-1 if sign else 1)


@given(st.dates(date(1950, 1, 1)))
def test_a_date_is_found_again_in_every_form(day):
    forms = ("%m/%d/%Y", "%Y-%m-%d", "%d.%m.%Y", "%B %d, %Y", "%b %d %Y", "%d %B %Y", "%d of %b. %Y", "%Y/%m/%d")
    for text in (day.strftime(form) for form in forms):
        assert find(f"It is two days after 01/02/2020. So the answer is {text}.", "date") == text
        assert parse_date(text) == day and guess_kind(text) == "date"
        assert match_answers(text, day.strftime("%m/%d/%Y")) is True


# Any text at all

HOSTILE = st.text() | st.lists(
    st.sampled_from(
        [
            "the answer is ",
            "A: ",
            "\\boxed{",
            "}",
            "5",
            "-",
            ".",
            "/",
            ",",
            "\n",
            "Q:",
            "(B)",
            "yes",
            "May 1, 2021",
            " ",
            "=",
            "<think>",
            "</think>",
            " or ",
        ]
    ),
    max_size=12,
).map("".join)


@given(HOSTILE, st.sampled_from([None, *KINDS]))
def test_any_text_has_an_answer_where_it_says_or_none(text, kind):
    found = extract_answer(text, kind)
    assert text[found.start : found.end] == found.value and found.why
    assert all(text[each.start : each.end] == each.value != "" for each in list_marked_answers(text, kind))
    suggestion = suggest_label(Response("1", "?", "", text, text))
    assert suggestion is None or suggestion.value in (CORRECT, WRONG, NO_CONSISTENT_ANSWER)
    assert kind is None or match_answers(text, text, kind) in (True, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1,",
        "1 ",
        "1/",
        "$-",
        "5=",
        "{",
        "\\boxed{",
        "\\boxed{}",
        "the answer is ",
        " answer to a",
        "####",
        "\n",
        "A:\n",
        "<think>",
        "</think>",
        "1.000,",
        "5 or ",
        "not (B)",
    ],
)
def test_a_megabyte_made_to_be_slow_is_read_in_linear_time(unit):
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    extract_answer(text, "number")
    assert time.process_time() - started < 2


@pytest.mark.slow
def test_a_megabyte_of_prose_takes_less_than_a_second():
    text = "Each of the 12 boxes holds 4 eggs (48 in all), so 48 - 3 = 45 are left. " * 14_000
    started = time.process_time()
    assert find(text, "number") == "45"
    assert time.process_time() - started < 1
    assert suggest_label(Response("1", "?", "45", text, "45")).value == CORRECT
