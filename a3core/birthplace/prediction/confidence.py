"""How sure a recalled answer is: what the model thought of its recitation and of its answer, as one probability.

>>> confidence = fit_confidence(answers, right)      # recalled answers to held-out train questions, never dev ones
>>> confidence.probability(answer), describe_confidence(0.98)
(0.98, 'sure')
>>> find_coverage(measure_coverage([0.9, 0.8, 0.4], [True, True, False]), accuracy=0.97)
0.6666666666666666

Three things tell right answers from wrong ones. A garbled sentence, or somebody else's, was recited with a low
probability. A place that is not the birthplace is written with a low probability. And where the sentence names a town
and its country, both of which could be the answer, the lead over the next place is small. A logistic regression weighs
them (Platt 1999).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from a3core.common.atomic_io import atomic_write
from a3core.common.stats import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

    from a3core.birthplace.prediction.predictor import Prediction

FILE = "confidence.json"
MAX_RECALLED, MAX_WRITTEN, MAX_LEAD = 6.0, 10.0, 20.0  # log-odds, log-odds and nats beyond which nothing gets surer
FOLDS = 10  # of the held-out questions: each is measured by a fit on the others
MIN_PER_CLASS = 3  # right answers, and wrong ones, without which there is nothing to fit
TARGET_ACCURACY = 0.97
WORDS = (  # the first whose share of right answers is reached
    (0.95, "sure"),  # at least 19 in 20 such answers are right
    (0.75, "fairly sure"),  # at least 3 in 4
    (0.4, "unsure"),  # about half
    (0.0, "guessing"),
)


@dataclass(frozen=True)
class Confidence:
    """P(right) = sigmoid(intercept + weights . evidence), and what it was on the questions it was fitted on."""

    intercept: float
    weights: tuple[float, ...]  # of `weigh_evidence`
    held_out: tuple[tuple[float, bool], ...]  # per question: the confidence by the other folds, whether it was right
    source: str = ""  # the checkpoint whose answers it was fitted on, where that is another one

    def probability(self, answer: Prediction) -> float:
        """P(the place is right); 0 for an answer without a place."""
        if not answer.place:
            return 0.0
        pairs = zip(self.weights, weigh_evidence(answer), strict=True)
        odds = self.intercept + sum(weight * evidence for weight, evidence in pairs)
        return 0.5 + 0.5 * math.tanh(odds / 2)  # the sigmoid; never overflows

    @property
    def coverage(self) -> list[CoveragePoint]:
        """Accuracy against coverage on the held-out questions."""
        return measure_coverage(*zip(*self.held_out, strict=True))

    def save(self, folder: Path) -> None:
        with atomic_write(folder / FILE) as partial:
            partial.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


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


def weigh_evidence(answer: Prediction) -> tuple[float, float, float]:
    """Log-odds of the recitation, log-odds of writing the place, lead over the next place in nats; each bounded."""
    recalled, written = log_odds(answer.sentence_probability), log_odds(answer.written_probability)
    return clip(recalled, MAX_RECALLED), clip(written, MAX_WRITTEN), clip(answer.lead, MAX_LEAD)


def clip(value: float, most: float) -> float:
    """The value, between -most and most."""
    return max(-most, min(most, value))


def log_odds(probability: float) -> float:
    """Infinite at 0 and at 1, and beyond 1, where rounding can lead."""
    if probability <= 0:
        return -math.inf
    return math.inf if probability >= 1 else math.log(probability / (1 - probability))


def fit_confidence(
    answers: Sequence[Prediction], right: Sequence[bool], unseen: Sequence[Prediction] = ()
) -> Confidence | None:
    """Fits P(right) to answers that no training was shown; None where too few are right or wrong.

    unseen: answers about people whom the model never read about, taken as wrong. Nearly all sentences of people who
    were held out are recalled well: without the others, a badly recalled one would be no evidence.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pairs = [(answer, bool(is_right)) for answer, is_right in zip(answers, right, strict=True)]
    placed = [(answer, is_right) for answer, is_right in pairs if answer.place]
    correct = [is_right for _, is_right in placed] + [False] * len(unseen)
    fewest = min(sum(correct), len(correct) - sum(correct))
    if fewest < MIN_PER_CLASS:
        return None
    evidence = [weigh_evidence(answer) for answer in (*(answer for answer, _ in placed), *unseen)]
    fit = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=0)
    measured = cross_val_predict(fit, evidence, correct, cv=folds, method="predict_proba")[:, 1]
    scaler, logistic = (step for _, step in fit.fit(evidence, correct).steps)
    weights = logistic.coef_[0] / scaler.scale_
    intercept = logistic.intercept_[0] - weights @ scaler.mean_
    silent = [(0.0, is_right) for answer, is_right in pairs if not answer.place]
    held_out = [*zip(map(float, measured[: len(placed)]), correct[: len(placed)], strict=True), *silent]
    return Confidence(float(intercept), tuple(map(float, weights)), tuple(held_out))


def load_confidence(folder: Path) -> Confidence | None:
    """None where the folder has none. Raises ValueError for a broken file."""
    if not (folder / FILE).is_file():
        return None
    try:
        payload = json.loads((folder / FILE).read_text(encoding="utf-8"))
        held_out = tuple((float(confidence), bool(right)) for confidence, right in payload.pop("held_out"))
        return Confidence(**payload | {"weights": tuple(payload["weights"]), "held_out": held_out})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{folder / FILE} is broken: remove it, or write it again with --confidence-from") from error


def copy_confidence(source: Path, folder: Path) -> None:
    """For a checkpoint that was trained again on all questions, which leaves none to fit it on.

    Raises ValueError if the source has none.
    """
    confidence = load_confidence(source)
    if confidence is None:
        raise ValueError(f"{source} has no {FILE}: train-recall --hold-out writes it, where some answers are wrong")
    replace(confidence, source=confidence.source or source.name).save(folder)


def describe_confidence(confidence: float) -> str:
    """In words: "sure" is right at least 19 times in 20, "fairly sure" 3 in 4, "unsure" about every other time."""
    return next(word for least, word in WORDS if confidence >= least)


def measure_coverage(confidences: Sequence[float], right: Sequence[bool]) -> list[CoveragePoint]:
    """A point for every confidence that occurs, highest first: answers of the same confidence come together.

    Raises ValueError where nothing was asked.
    """
    if not confidences:
        raise ValueError("accuracy against coverage needs at least one answer")
    ranked = sorted(zip(confidences, right, strict=True), key=lambda pair: -pair[0])
    points, answered, correct = [], 0, 0
    for confidence, group in groupby(ranked, key=lambda pair: pair[0]):
        group_right = [is_right for _, is_right in group]
        answered, correct = answered + len(group_right), correct + sum(group_right)
        points.append(CoveragePoint(confidence, answered, correct, len(ranked)))
    return points


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

    rows = [_describe_point(wished, find_point(points, wished)) for wished in accuracies]
    columns = ["accuracy at least", "answered", "accuracy", "95 % interval", "confidence at least"]
    return pd.DataFrame(rows, columns=columns)


def _describe_point(wished: float, point: CoveragePoint | None) -> tuple[str, ...]:
    name = f"{wished:.0%}" if wished else "(all answered)"
    if point is None:
        return name, "none", "", "", ""
    answered, interval = f"{point.answered} of {point.total}: {point.coverage:.1%}", "[{:.1%}, {:.1%}]"
    return name, answered, f"{point.accuracy:.1%}", interval.format(*point.interval), f"{point.confidence:.1%}"
