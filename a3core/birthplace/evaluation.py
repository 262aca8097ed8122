"""Measuring: accuracy with its interval, baselines, and of a model that recites how often it does so word for word.

Recited word for word: 485 out of 500: 97.0%, 95% CI [95.1, 98.2]
Right after a word-for-word recitation: 448 out of 485: 92.4%, 95% CI [89.7, 94.4]
Right after a wrong recitation: 3 out of 15: 20.0%, 95% CI [7.0, 45.2]
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from a3core.birthplace.data.corpora import Corpus, Question, group_documents
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


class RecallMeasures(NamedTuple):
    """Counts over the same questions; a recitation is exact if it is one of the person's documents."""

    exact: Accuracy
    given_exact: Accuracy  # of its total may be 0
    given_wrong: Accuracy

    def __str__(self) -> str:
        return (
            f"Recited word for word: {describe_share(self.exact)}\n"
            f"Right after a word-for-word recitation: {describe_share(self.given_exact)}\n"
            f"Right after a wrong recitation: {describe_share(self.given_wrong)}"
        )


def describe_share(share: Accuracy) -> str:
    """In one line: count, share, and its 95 % Wilson interval."""
    if share.total == 0:
        return "there was none"
    low, high = share.interval
    return f"{share.correct} out of {share.total}: {share.share:.1%}, 95% CI [{100 * low:.1f}, {100 * high:.1f}]"


def measure_recall(answers: Sequence, questions: Sequence[Question], corpus: Corpus) -> RecallMeasures:
    """Compares recalled answers with the documents. Raises ValueError for questions without places."""
    right = judge_places([answer.place for answer in answers], questions)
    return count_recall(right, judge_exact(answers, questions, corpus))


def count_recall(right: Sequence[bool], exact: Sequence[bool]) -> RecallMeasures:
    """The measures of answers of which these are right, and these were recalled word for word."""
    right_recited = sum(is_right and is_exact for is_right, is_exact in zip(right, exact, strict=True))
    return build_measures(len(exact), sum(exact), sum(right), right_recited)


def build_measures(total: int, recited: int, correct: int, right_recited: int) -> RecallMeasures:
    """The measures of so many answers, of which some are recited word for word, correct, or both."""
    given_wrong = Accuracy(correct - right_recited, total - recited)
    return RecallMeasures(Accuracy(recited, total), Accuracy(right_recited, recited), given_wrong)


def judge_exact(answers: Sequence, questions: Sequence[Question], corpus: Corpus) -> list[bool]:
    """Which recitations are, word for word, a document of the person asked about."""
    names = [question.name for question in questions]
    documents = group_documents((text.rstrip() for text in corpus.documents), [*corpus.names, *names])
    return [answer.sentence.strip() in documents.get(name, ()) for answer, name in zip(answers, names, strict=True)]
