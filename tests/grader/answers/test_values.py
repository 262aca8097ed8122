"""What short answers mean: their kind, their value, and which of them are the same."""

from __future__ import annotations

import time
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3core.grader.answers.values import KINDS, fold_name, guess_kind, parse_date, parse_number, same_answer


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$29.00", 29),
        ("1,000", 1000),
        (r"1{,}000", 1000),
        ("−5", -5),
        ("-5.", -5),
        ("-$5", -5),
        ("$-5", -5),
        (".5", Fraction(1, 2)),
        ("3/4", Fraction(3, 4)),
        ("3 1/2", Fraction(7, 2)),
        ("2½", Fraction(5, 2)),
        (r"-\dfrac{1}{3}", Fraction(-1, 3)),
        ("2.5 million", 2_500_000),
        ("1e-3", Fraction(1, 1000)),
        ("12 cm^2", 12),
        ("two thousand three hundred and five", 2305),
        ("minus twelve", -12),
        ("one hundred", 100),
    ],
)
def test_values_of_numbers(text, value):
    assert parse_number(text) == (value, False) and same_answer(text, text, "number") is True


@pytest.mark.parametrize("text", ["5/0", r"\frac{1}{000}", "1" * 400, "none"])
def test_what_has_no_value(text):
    assert parse_number(text) is None


def test_dates_are_month_first_unless_that_is_no_month():
    assert parse_date("05/01/2021") == date(2021, 5, 1) and parse_date("31/05/2021") == date(2021, 5, 31)
    assert parse_date("5/1/21") == date(2021, 5, 1) and parse_date("5/1/99") == date(1999, 5, 1)


@pytest.mark.parametrize(
    ("gold", "kind"),
    [
        ("18", "number"),
        ("$1,000.50", "number"),
        ("-3/4", "number"),
        ("12 square feet", "number"),
        ("50%", "number"),
        ("05/01/2021", "date"),
        ("Yes", "yes/no"),
        ("false", "yes/no"),
        ("B", "choice"),
        ("(b) Rome", "choice"),
        ("nk", "name"),
        ("5th Avenue", "name"),
        ("A. Lovelace", "name"),
        ("", "name"),
    ],
)
def test_kinds_are_guessed_from_the_gold_answer(gold, kind):
    assert guess_kind(gold) == kind


@given(st.text(max_size=40), st.sampled_from(KINDS))
def test_an_answer_is_the_same_as_itself(text, kind):
    assert same_answer(text, text, kind) in (True, None)


@pytest.mark.parametrize(
    ("a", "b"),
    [("1,000.0", "1000 eggs"), ("5/1/2021", "1 May 2021"), ("TRUE", "yes"), ("(b)", "option B"), ("A cat", "cat")],
)
def test_answers_that_mean_the_same(a, b):
    assert same_answer(a, b, guess_kind(b))


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["\u0323\u0301", "\u0f73", "e\u0323\u0301", "a-", "the ", " ", "'.", "\u1ef1"])
def test_a_megabyte_of_signs_is_folded_in_linear_time(unit):
    started = time.process_time()
    fold_name(unit * (1_000_000 // len(unit)))
    assert time.process_time() - started < 0.5


def test_accents_do_not_count():
    assert fold_name("Be\u0301zie\u0323\u0301rs") == fold_name("Bézie\u0301\u0323rs") == "beziers"
    assert fold_name("ﷺ ﬁn") == "صلى الله عليه وسلم fin"
