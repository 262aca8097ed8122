"""Counting: published intervals, the two lines that scripts read, and the exact test against scipy's own."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from a3core.birthplace.data.corpora import Question
from a3core.birthplace.evaluation import BASELINES, Accuracy, evaluate_places, judge_places, predict_baseline
from a3core.common.stats import compare_paired

QUESTIONS = [
    Question(f"Where was {name} born?", place)
    for name, place in zip("ABCD", ["Rio", "London", "Rio", "Ürzig"], strict=True)
]
UNANSWERED = [Question("Where was E born?", None)]


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [(7, 10, 0.397, 0.892), (1, 10, 0.018, 0.404), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (115, 500, 0.195, 0.269)],
)
def test_the_interval_is_wilsons(correct, total, low, high):
    assert Accuracy(correct, total).interval == pytest.approx((low, high), abs=0.0006)


def test_the_two_lines_that_scripts_read():
    assert str(Accuracy(115, 500)) == "Correct: 115 out of 500: 23.0%\n95% CI [19.5, 26.9]"
    assert str(Accuracy(25, 500)) == "Correct: 25 out of 500: 5.0%\n95% CI [3.4, 7.3]"
    assert str(Accuracy(0, 1)) == "Correct: 0 out of 1: 0.0%\n95% CI [0.0, 79.3]"
    assert str(Accuracy(3, 3)) == "Correct: 3 out of 3: 100.0%\n95% CI [43.9, 100.0]"


def test_only_the_very_place_is_right():
    assert judge_places(["Rio", "london", "Rio ", "Ürzig"], QUESTIONS) == [True, False, False, True]
    assert evaluate_places(["Rio", "london", "", "Ürzig"], QUESTIONS) == Accuracy(2, 4)


def test_questions_without_answers_cannot_be_marked():
    with pytest.raises(ValueError, match="no answers to measure against"):
        evaluate_places(["Rio"] * 5, QUESTIONS + UNANSWERED)


@pytest.mark.parametrize("count", [0, 3, 5])
def test_one_place_a_question(count):
    with pytest.raises(ValueError, match="zip"):
        judge_places(["Rio"] * count, QUESTIONS)


@pytest.mark.parametrize(
    ("both", "only_a", "only_b", "neither"),
    [(3, 5, 1, 2), (0, 9, 0, 0), (10, 2, 2, 10), (0, 30, 12, 1), (1, 0, 1, 0)],
)
def test_the_exact_test_counts_the_discordant_pairs(both, only_a, only_b, neither):
    a = [True] * both + [True] * only_a + [False] * only_b + [False] * neither
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    expected = binomtest(only_a, only_a + only_b, 0.5, alternative="two-sided").pvalue
    assert compare_paired(a, b) == (only_a, only_b, pytest.approx(expected))
    assert compare_paired(b, a) == (only_b, only_a, pytest.approx(expected))


def test_nine_to_none_by_hand():
    assert compare_paired([True] * 9, [False] * 9)[2] == pytest.approx(2 / 2**9)


def test_two_that_agree_are_no_different():
    assert compare_paired([True, False], [True, False]) == (0, 0, 1.0)


def test_marks_of_different_questions_cannot_be_compared():
    with pytest.raises(ValueError, match="zip"):
        compare_paired([True, True], [True])


def test_the_baselines():
    assert BASELINES == ("london", "most-common")
    assert predict_baseline("london", []) == predict_baseline("london", QUESTIONS) == "London"
    assert predict_baseline("most-common", QUESTIONS + UNANSWERED * 9) == "Rio"


@pytest.mark.parametrize("answered", [[], UNANSWERED])
def test_the_most_common_place_needs_answers(answered):
    with pytest.raises(ValueError, match="needs questions with answers"):
        predict_baseline("most-common", answered)


def test_an_unknown_baseline_is_told_the_known_ones():
    with pytest.raises(ValueError, match="no baseline 'paris': the baselines are london, most-common"):
        predict_baseline("paris", QUESTIONS)
