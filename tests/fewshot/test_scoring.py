"""Scores by TriviaQA's normalisation, with the trap of its script closed, and published intervals."""

from __future__ import annotations

import pytest

from a3core.common.stats import compare_paired, wilson_interval
from a3core.fewshot.scoring import Score, normalize_answer, score_answer, token_f1


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Sea-Horse!", "sea horse"),
        ("an A to the Z", "to z"),
        ("‘Ode’ to_Joy", "ode to joy"),
        ("Theatre", "theatre"),
        ("A", ""),
        ("@", ""),
        ("Café", "café"),
    ],
)
def test_the_official_normalisation(text, normal):
    assert normalize_answer(text) == normal


@pytest.mark.parametrize("alias", ["A", "@", "the", "Seine"])
@pytest.mark.parametrize("prediction", ["", "  ", "\n", "!", "an"])
def test_an_empty_prediction_never_scores(prediction, alias):
    assert score_answer(prediction, [alias, "Danube"]) == Score(False, 0.0)


def test_an_answer_that_normalises_to_nothing_is_met_by_itself():
    assert score_answer(" a ", ["A", "Vitamin A"]).exact_match
    assert score_answer("@", ["@"]) == Score(True, 1.0)
    assert not score_answer("The", ["A"]).exact_match


def test_any_alias_counts_and_the_best_f1_is_taken():
    assert score_answer("the DANUBE.", ["Donau", "Danube"]) == Score(True, 1.0)
    score = score_answer("the blue Danube river", ["Donau", "Danube", "river Danube"])
    assert not score.exact_match and score.f1 == pytest.approx(2 * 2 / (3 + 2))


@pytest.mark.parametrize(
    ("prediction", "answer", "f1"),
    [("new york york", "york york", 0.8), ("rome", "paris", 0.0), ("", "", 0.0), ("a", "the", 0.0)],
)
def test_f1_counts_repeated_words(prediction, answer, f1):
    assert token_f1(prediction, answer) == pytest.approx(f1)


def test_no_gold_answer_cannot_be_scored():
    with pytest.raises(ValueError, match="no gold answer"):
        score_answer("x", [])


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"), [(7, 10, 0.397, 0.892), (1, 10, 0.018, 0.404), (0, 7, 0.0, 0.354)]
)
def test_the_interval_is_wilsons(correct, total, low, high):
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=0.0006)


def test_an_interval_needs_an_answer():
    with pytest.raises(ValueError, match="at least one"):
        wilson_interval(0, 0)


def test_the_paired_test_counts_what_only_one_has_right():
    a, b = [True] * 9 + [True, False], [False] * 9 + [True, False]
    assert compare_paired(a, b) == (9, 0, pytest.approx(2 / 2**9))
    assert compare_paired(b, a)[:2] == (0, 9)
    assert compare_paired(a, a) == (0, 0, 1.0)
