"""Measuring: accuracy with its interval, baselines, and the exact test between two predictors on the same questions."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from a3core.birthplace.data.corpora import Question
from a3core.common.stats import wilson_interval

BASELINES = ("london", "most-common")


@dataclass(frozen=True)
class Accuracy:
    """How many of the questions were answered with exactly the place of the file, and the 95 % Wilson interval."""

    correct: int
    total: int

    @property
    def share(self) -> float:
        """In [0, 1]."""
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high) in [0, 1]. Raises ValueError for a total of 0."""
        return wilson_interval(self.correct, self.total)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"Correct: {self.correct} out of {self.total}: {self.share:.1%}\n95% CI [{100 * low:.1f}, {100 * high:.1f}]"
        )


def judge_places(places: Sequence[str], questions: Sequence[Question]) -> list[bool]:
    """Which predicted places are right. Raises ValueError if the questions have no answers or differ in number."""
    if any(question.place is None for question in questions):
        raise ValueError("the file has no answers to measure against: expected lines `question TAB place`")
    return [place == question.place for place, question in zip(places, questions, strict=True)]


def evaluate_places(places: Sequence[str], questions: Sequence[Question]) -> Accuracy:
    """How many of the predicted places are right. Raises ValueError as `judge_places`."""
    correct = judge_places(places, questions)
    return Accuracy(sum(correct), len(correct))


def describe_unread(unread: Collection[str]) -> str:
    """What is said of questions that a model cannot read; "" where there is none."""
    if not unread:
        return ""
    return (
        f"{len(unread):,} of them cannot be read (too long, or characters that a model never read) and count as wrong, "
        f"such as: {min(unread)[:80]}"
    )


def predict_baseline(baseline: str, answered: Sequence[Question]) -> str:
    """The one place that a baseline always says; `most-common` takes it from the answered questions."""
    if baseline == "london":
        return "London"
    if baseline != "most-common":
        raise ValueError(f"no baseline {baseline!r}: the baselines are {', '.join(BASELINES)}")
    counts = Counter(question.place for question in answered if question.place)
    if not counts:
        raise ValueError("most-common needs questions with answers to count")
    return counts.most_common(1)[0][0]
