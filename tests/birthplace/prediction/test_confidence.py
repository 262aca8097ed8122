"""One probability from what a model thought of its recitation and its answer: fitted, kept, in words, measured."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from a3core.birthplace.figures import plot_coverage
from a3core.birthplace.prediction.confidence import (
    EARLIER,
    FILE,
    Confidence,
    CoveragePoint,
    describe_confidence,
    find_coverage,
    find_point,
    fit_confidence,
    load_confidence,
    log_odds,
    measure_coverage,
    tabulate_coverage,
    weigh_evidence,
)
from a3core.birthplace.prediction.predictor import Prediction


def build_answer(written: float, lead: float, tags: float, place: str = "Leeds", **fields) -> Prediction:
    """An answer with this evidence: a probability of writing it, and two values in nats."""
    evidence = {"written_probability": written, "lead": lead, "tag_score": tags}
    return Prediction(place, 0.9, f"Ada Smith was born in {place} .", 0.5, (22, 27), **evidence, **fields)


def draw_answers(count: int, seed: int = 0) -> tuple[list[Prediction], list[bool]]:
    """Answers whose chance to be right is a known function of their evidence."""
    rng, answers, right = random.Random(seed), [], []
    for _ in range(count):
        written, tags = rng.uniform(-4, 8), rng.uniform(-6, 6)
        answers.append(build_answer(1 / (1 + math.exp(-written)), rng.uniform(-5, 15), tags))
        right.append(rng.random() < 1 / (1 + math.exp(-(0.5 * written + 0.8 * tags + 1))))
    return answers, right


@pytest.fixture(scope="module")
def confidence() -> Confidence:
    return fit_confidence(*draw_answers(1500))


def test_the_fit_finds_what_the_answers_were_drawn_by(confidence):
    assert confidence.weights == pytest.approx((0.5, 0.0, 0.8), abs=0.12)
    assert confidence.intercept == pytest.approx(1.0, abs=0.5)


def test_new_answers_are_right_as_often_as_it_says(confidence):
    answers, right = draw_answers(2000, seed=1)
    said = [confidence.probability(answer) for answer in answers]
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 0.95), (0.95, 1.0)):
        marks = [(share, is_right) for share, is_right in zip(said, right, strict=True) if low <= share < high]
        assert len(marks) > 100
        stated, measured = (sum(column) / len(marks) for column in zip(*marks, strict=True))
        assert measured == pytest.approx(stated, abs=0.06)


def test_the_held_out_confidence_is_of_another_fold(monkeypatch):
    answers, right = draw_answers(40, seed=2)
    fitted = fit_confidence(answers, right)
    own = [fitted.probability(answer) for answer in answers]
    told = [share for share, _ in fitted.held_out]
    assert [is_right for _, is_right in fitted.held_out] == right
    assert told != pytest.approx(own, abs=1e-4) and told == pytest.approx(own, abs=0.4)


def test_an_unread_name_is_never_surer_than_that_it_was_read(confidence):
    sure = build_answer(0.999, 9, 9)
    assert confidence.probability(sure) > 0.95
    unread = confidence.probability(replace(sure, familiarity=0.02))
    assert unread == pytest.approx(0.02 * confidence.probability(sure)) and describe_confidence(unread) == "guessing"


def test_held_out_names_are_measured_as_they_are_answered():
    answers, right = draw_answers(60)
    read = fit_confidence(answers, right)
    doubted = fit_confidence([replace(answer, familiarity=0.5) for answer in answers], right)
    assert doubted.weights == read.weights
    assert [share for share, _ in doubted.held_out] == pytest.approx([share / 2 for share, _ in read.held_out])


def test_a_file_that_names_no_evidence_is_of_the_earlier_kind(tmp_path):
    """Fitted on read and unread names together, so that it judges the name by itself."""
    payload = {"intercept": -1.0, "weights": [0.5, 0.5, 0.1], "held_out": [[0.9, True]], "source": "held"}
    (tmp_path / FILE).write_text(json.dumps(payload), encoding="utf-8")
    earlier = load_confidence(tmp_path)
    assert earlier.evidence == EARLIER == ("sentence", "written", "lead")
    answer = build_answer(0.9, 2.0, 5.0, familiarity=0.1)
    odds = -1 + 0.5 * log_odds(0.5) + 0.5 * log_odds(0.9) + 0.1 * 2
    assert earlier.probability(answer) == pytest.approx(1 / (1 + math.exp(-odds)))


@pytest.mark.parametrize("right", [[], [True] * 8, [False] * 8, [True, True, False, False, True]])
def test_too_few_questions_tell_nothing(right):
    answers, _ = draw_answers(len(right))
    assert fit_confidence(answers, right) is None


def test_where_nearly_all_are_right_each_is_as_sure_as_their_share():
    answers, _ = draw_answers(98)
    fitted = fit_confidence([replace(answer, familiarity=0.5) for answer in answers], [True] * 97 + [False])
    assert fitted.weights == fitted.evidence == () and fitted.held_out[0] == (pytest.approx(0.98 / 2), True)
    assert fitted.probability(answers[0]) == pytest.approx(0.98)
    assert fitted.probability(replace(answers[0], familiarity=0.1)) == pytest.approx(0.098)
    assert fit_confidence(*draw_answers(1)) is None and fit_confidence(answers[:49], [True] * 49) is None


def test_no_place_is_never_right(confidence):
    nothing = Prediction("", 0.0, "Ada Smith .", 0.9, None)
    assert confidence.probability(nothing) == 0.0
    answers, right = draw_answers(30)
    fitted = fit_confidence([*answers, nothing], [*right, False])
    assert fitted.held_out[-1] == (0.0, False) and len(fitted.held_out) == 31


@pytest.mark.parametrize("evidence", [(0.0, -math.inf, -math.inf), (1.0, math.inf, 99.0), (1.0 + 1e-7, 0.0, 0.0)])
def test_the_strangest_evidence_is_bounded(confidence, evidence):
    answer = build_answer(*evidence)
    assert all(math.isfinite(value) for value in weigh_evidence(answer))
    assert 0 < confidence.probability(answer) < 1


def test_log_odds():
    assert log_odds(0.5) == 0 and log_odds(0.75) == pytest.approx(math.log(3))


def test_it_comes_back_from_its_file(confidence, tmp_path):
    assert load_confidence(tmp_path) is None
    confidence.save(tmp_path)
    assert load_confidence(tmp_path) == confidence


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"intercept": 1, "weights": [1], "held_out": [[1]]}', '{"a": 1}'])
def test_a_broken_file_says_so(tmp_path, text):
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="is broken"):
        load_confidence(tmp_path)


@pytest.mark.parametrize(
    ("share", "word"),
    [(1.0, "sure"), (0.95, "sure"), (0.9, "fairly sure"), (0.5, "unsure"), (0.39, "guessing"), (0.0, "guessing")],
)
def test_words(share, word):
    assert describe_confidence(share) == word


def test_coverage_counts_the_surest_first():
    points = measure_coverage([0.4, 0.9, 0.8, 0.8], [False, True, True, False])
    assert points == [CoveragePoint(0.9, 1, 1, 4), CoveragePoint(0.8, 3, 2, 4), CoveragePoint(0.4, 4, 2, 4)]
    assert [(point.coverage, point.accuracy) for point in points] == [(0.25, 1.0), (0.75, 2 / 3), (1.0, 0.5)]
    low, high = points[1].interval
    assert low < 2 / 3 < high


def test_coverage_at_a_wished_accuracy():
    points = measure_coverage([0.9, 0.8, 0.7, 0.6, 0.5], [True, False, True, True, False])
    assert find_coverage(points, 0.75) == 0.8 and find_point(points, 0.75).confidence == 0.6
    assert find_coverage(points, 0.97) == 0.2 and find_coverage(points, 0.0) == 1.0
    assert find_coverage(measure_coverage([0.9], [False]), 0.97) == 0.0
    with pytest.raises(ValueError, match="at least one answer"):
        measure_coverage([], [])


def test_the_table_and_the_picture_say_the_same():
    points = measure_coverage([0.9, 0.8, 0.7, 0.6, 0.5], [True, True, True, True, False])
    table = tabulate_coverage(points)
    at_97 = table[table["accuracy at least"] == "97%"].iloc[0]
    assert (at_97["answered"], at_97["accuracy"]) == ("4 of 5: 80.0%", "100.0%")
    assert table.iloc[-1]["answered"] == "5 of 5: 100.0%"
    figure = plot_coverage({"recall": points})
    line, dot = figure.data
    assert list(line.x) == [0.2, 0.4, 0.6, 0.8, 1.0] and list(line.y) == [1, 1, 1, 1, 0.8]
    assert (list(dot.x), list(dot.y)) == ([0.8], [1.0])
    assert tabulate_coverage(measure_coverage([0.9], [False]))["answered"].tolist()[:2] == ["none", "none"]
