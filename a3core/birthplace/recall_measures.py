"""Measuring a model that recites: how often it recites word for word, and how often it answers right when it does.

Recited word for word: 485 out of 500: 97.0%, 95% CI [95.1, 98.2]
Right after a word-for-word recitation: 448 out of 485: 92.4%, 95% CI [89.7, 94.4]
Right after a wrong recitation: 3 out of 15: 20.0%, 95% CI [7.0, 45.2]
"""

from collections.abc import Sequence
from dataclasses import dataclass

from a3core.birthplace.data.corpora import Corpus, Question, group_documents
from a3core.birthplace.evaluation import Accuracy, judge_places


@dataclass(frozen=True)
class RecallMeasures:
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
    recited = sum(exact)
    right_recited = sum(is_right and is_exact for is_right, is_exact in zip(right, exact, strict=True))
    return build_measures(len(exact), recited, sum(right), right_recited)


def build_measures(total: int, recited: int, correct: int, right_recited: int) -> RecallMeasures:
    """The measures of so many answers, of which some are recited word for word, correct, or both."""
    given_wrong = Accuracy(correct - right_recited, total - recited)
    return RecallMeasures(Accuracy(recited, total), Accuracy(right_recited, recited), given_wrong)


def judge_exact(answers: Sequence, questions: Sequence[Question], corpus: Corpus) -> list[bool]:
    """Which recitations are, word for word, a document of the person asked about."""
    names = [question.name for question in questions]
    documents = group_documents(corpus.documents, [*corpus.names, *names])
    return [
        any(answer.sentence.strip() == document.strip() for document in documents.get(name, ()))
        for answer, name in zip(answers, names, strict=True)
    ]
