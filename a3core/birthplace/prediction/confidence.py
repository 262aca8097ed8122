"""How sure a recalled answer is: what the model thought of its recitation and of its answer, as one probability.

>>> confidence = fit_confidence(answers, right)      # recalled answers to held-out train questions, never dev ones
>>> confidence.probability(answer), describe_confidence(0.98)
(0.98, 'sure')
>>> find_coverage(measure_coverage([0.9, 0.8, 0.4], [True, True, False]), accuracy=0.97)
0.6666666666666666

P(right) = P(the name was read) x P(right, given that it was). The first is the familiarity of the answer: the sentence
of an unread name is made up. The second is a logistic regression (Platt 1999) on answers about read people: a place
that is not the birthplace is written with a low probability; where the sentence names a town and its country, both of
which could be the answer, the lead over the next place is small; where it names none, so are its tags.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import TypeAdapter

from a3core.birthplace.json_files import load_json, save_json
from a3core.common.stats import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

    from a3core.birthplace.prediction.predictor import Prediction

FILE = "confidence.json"
FOLDS = 10  # of the held-out questions: each is measured by a fit on the others
MIN_PER_CLASS = 3  # right answers, and wrong ones, without which there is nothing to fit
MIN_QUESTIONS = 50  # without which their share of right answers says too little
TARGET_ACCURACY = 0.97
WORDS = (  # the first whose share of right answers is reached
    (0.95, "sure"),  # at least 19 in 20 such answers are right
    (0.75, "fairly sure"),  # at least 3 in 4
    (0.4, "unsure"),  # about half
    (0.0, "guessing"),
)


def log_odds(probability: float) -> float:
    """Infinite at 0 and at 1, and beyond 1, where rounding can lead."""
    if probability <= 0:
        return -math.inf
    return math.inf if probability >= 1 else math.log(probability / (1 - probability))


# what speaks for an answer, in nats, by its name in confidence.json; beyond the bound nothing gets surer
EVIDENCE: dict[str, tuple[Callable[[Prediction], float], float]] = {
    "sentence": (lambda answer: log_odds(answer.sentence_probability), 6.0),
    "written": (lambda answer: log_odds(answer.written_probability), 10.0),
    "lead": (lambda answer: answer.lead, 20.0),
    "tags": (lambda answer: answer.tag_score, 10.0),
}
EARLIER = ("sentence", "written", "lead")  # of files that name no evidence: fitted on read and unread names together
FITTED = ("written", "lead", "tags")


@dataclass(frozen=True)
class Confidence:
    """P(right, given read) = sigmoid(intercept + weights . evidence), and what it was where it was fitted."""

    intercept: float
    weights: tuple[float, ...]  # of `evidence`
    held_out: tuple[tuple[float, bool], ...]  # per question: the confidence by the other folds, whether it was right
    source: str = ""  # the checkpoint whose answers it was fitted on, where that is another one
    evidence: tuple[str, ...] = EARLIER  # keys of EVIDENCE

    def probability(self, answer: Prediction) -> float:
        """P(the place is right); 0 for an answer without a place."""
        if not answer.place:
            return 0.0
        pairs = zip(self.weights, weigh_evidence(answer, self.evidence), strict=True)
        odds = self.intercept + sum(weight * evidence for weight, evidence in pairs)
        given_read = 0.5 + 0.5 * math.tanh(odds / 2)  # the sigmoid; never overflows
        judges_names = self.evidence == EARLIER or answer.familiarity is None
        return given_read if judges_names else given_read * answer.familiarity

    @property
    def coverage(self) -> list[CoveragePoint]:
        """Accuracy against coverage on the held-out questions."""
        return measure_coverage(*zip(*self.held_out, strict=True))

    def save(self, folder: Path) -> None:
        save_json(asdict(self), folder / FILE)


READER = TypeAdapter(Confidence)


class CoveragePoint(NamedTuple):
    """What is right if only answers of at least this confidence are given."""

    confidence: float
    answered: int
    correct: int
    total: int  # questions, answered or not

    @property
    def coverage(self) -> float:
        return self.answered / self.total

    @property
    def accuracy(self) -> float:
        return self.correct / self.answered

    @property
    def interval(self) -> tuple[float, float]:
        """Of the accuracy: 95 %, Wilson."""
        return wilson_interval(self.correct, self.answered)


def weigh_evidence(answer: Prediction, evidence: Sequence[str] = FITTED) -> list[float]:
    """The values of these keys of EVIDENCE, in nats, each bounded."""
    measured = [(measure(answer), bound) for measure, bound in (EVIDENCE[key] for key in evidence)]
    return [max(-bound, min(bound, value)) for value, bound in measured]


def fit_confidence(answers: Sequence[Prediction], right: Sequence[bool]) -> Confidence | None:
    """Fits P(right, given that the name was read) to answers about read people that no training was shown.

    Where too few are wrong to tell them from the others, each is as sure as their share; None where too few were asked.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = [
        (answer, bool(is_right), 1.0 if answer.familiarity is None else answer.familiarity)
        for answer, is_right in zip(answers, right, strict=True)
    ]
    placed = [row for row in rows if row[0].place]
    correct = [is_right for _, is_right, _ in placed]
    fewest = min(sum(correct), len(correct) - sum(correct))
    if fewest < MIN_PER_CLASS:
        if len(correct) < MIN_QUESTIONS:
            return None
        share = (sum(right) + 1) / (len(right) + 2)  # Laplace's rule of succession
        held_out = tuple((share * read, is_right) for _, is_right, read in rows)
        return Confidence(log_odds(share), (), held_out, evidence=())
    evidence = [weigh_evidence(answer) for answer, _, _ in placed]
    fit = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=0)
    measured = cross_val_predict(fit, evidence, correct, cv=folds, method="predict_proba")[:, 1]
    scaler, logistic = (step for _, step in fit.fit(evidence, correct).steps)
    weights = logistic.coef_[0] / scaler.scale_
    intercept = logistic.intercept_[0] - weights @ scaler.mean_
    held_out = [(float(share * read), is_right) for share, (_, is_right, read) in zip(measured, placed, strict=True)]
    held_out += [(0.0, is_right) for answer, is_right, _ in rows if not answer.place]
    return Confidence(float(intercept), tuple(map(float, weights)), tuple(held_out), evidence=FITTED)


def load_confidence(folder: Path) -> Confidence | None:
    """None where the folder has none. Raises ValueError for a broken file."""
    return load_json(folder / FILE, READER, "remove it, or write it again with --confidence-from")


def describe_confidence(confidence: float) -> str:
    """In words: "sure" is right at least 19 times in 20, "fairly sure" 3 in 4, "unsure" about every other time."""
    return next(word for least, word in WORDS if confidence >= least)


def measure_coverage(confidences: Sequence[float], right: Sequence[bool]) -> list[CoveragePoint]:
    """A point for every confidence that occurs, highest first: answers of the same confidence come together.

    Raises ValueError where nothing was asked.
    """
    if not confidences:
        raise ValueError("accuracy against coverage needs at least one answer")
    ranked, points, correct = sorted(zip(confidences, right, strict=True), reverse=True), {}, 0
    for answered, (confidence, is_right) in enumerate(ranked, 1):
        correct += is_right
        points[confidence] = CoveragePoint(confidence, answered, correct, len(ranked))  # the last one of those alike
    return list(points.values())


def find_point(points: Sequence[CoveragePoint], accuracy: float = TARGET_ACCURACY) -> CoveragePoint | None:
    """The point that answers most at this accuracy or above; None if there is none."""
    return max((p for p in points if p.accuracy >= accuracy), key=lambda p: p.answered, default=None)


def find_coverage(points: Sequence[CoveragePoint], accuracy: float = TARGET_ACCURACY) -> float:
    """The share of questions that can be answered at this accuracy."""
    point = find_point(points, accuracy)
    return point.coverage if point else 0.0


def tabulate_coverage(
    points: Sequence[CoveragePoint], accuracies=(0.99, TARGET_ACCURACY, 0.95, 0.9, 0.0)
) -> pd.DataFrame:
    """The picture's table: what can be answered at each accuracy, the last row being all that is asked."""
    import pandas as pd

    rows = []
    for wished in accuracies:
        row = {"accuracy at least": f"{wished:.0%}" if wished else "(all answered)", "answered": "none"}
        if point := find_point(points, wished):
            low, high = point.interval
            row["answered"] = f"{point.answered} of {point.total}: {point.coverage:.1%}"
            row |= {"accuracy": f"{point.accuracy:.1%}", "95 % interval": f"[{low:.1%}, {high:.1%}]"}
            row["confidence at least"] = f"{point.confidence:.1%}"
        rows.append(row)
    return pd.DataFrame(rows).fillna("")
