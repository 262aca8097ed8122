"""The leakage guard: pool questions that are the query, or nearly so, are left out of the prompt,
and the prompt's notes name them with the reason.

    query                                               pool question                                      left out?
    Who painted the ceiling of the Sistine Chapel ?     Who painted the ceiling of "The Sistine Chapel"?   yes
    In which year did the very first man walk on the    In which year did the first man walk on the Moon?  yes
    Moon?
    Which city has been the seat of the government of   Which city has been the seat of the government     no
    Belize since independence?                          of Algeria since independence?

The last two share 83 % of their words and have different answers: they differ in the one word that matters.
Neither words nor embeddings separate such a pair from a rewording ("connected" for "attached"), so the guard is
cautious: a near question is left out unless there is evidence that the word matters (`LeakageGuard.is_other_question`).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from a3core.common.paths import ASSETS
from a3core.fewshot.index import DenseIndex, split_words
from a3core.fewshot.scoring import normalize_answer

# One name each: "USA" for "United States" is another name of the same country, and no evidence.
COUNTRY_NAMES = frozenset((ASSETS / "countries.txt").read_text(encoding="utf-8").splitlines())
JACCARD = 0.8  # a pool question is too near with this share of the words of both in common
COSINE = 0.95  # or this cosine of the embeddings
SERIES = 3  # pool questions of one wording that differ in one place, from which on that place matters
LOOK_ALIKE = 0.6  # share of the words from which on the rest of a series is looked for
LONGEST_NAME = 4  # words in which two questions of a series may differ


class Leak(NamedTuple):
    """A pool question that is the query, or nearly so."""

    corpus_id: int
    question: str
    reason: str  # for the reader: "83 % of the words are the same"
    jaccard: float
    cosine: float | None


class LeakageGuard:
    """Finds leaks in a pool; `index` lends the embeddings, without which only words are compared."""

    def __init__(self, questions: Sequence[str], index: DenseIndex | None = None):
        from scipy.sparse import csc_matrix

        self.questions, self.index = questions, index
        words = [set(split_words(question)) for question in questions]
        self.vocabulary = {word: i for i, word in enumerate(dict.fromkeys(w for row in words for w in sorted(row)))}
        columns = [self.vocabulary[word] for row in words for word in row]
        self.n_words = np.array([len(row) for row in words])  # (N,)
        rows = np.repeat(np.arange(len(words)), self.n_words)
        shape = len(words), max(1, len(self.vocabulary))
        self.occurs = csc_matrix((np.ones(len(rows), np.int32), (rows, columns)), shape=shape)  # (N, V)

    def find(self, question: str, query_embedding: np.ndarray | None = None) -> list[Leak]:
        """The leaks of a query, the nearest first. `query_embedding` (D,) belongs to `question`."""
        jaccard = self.jaccard(question)  # (N,)
        near = set(np.flatnonzero(jaccard >= min(JACCARD, LOOK_ALIKE)).tolist())
        compares_meaning = self.index is not None and query_embedding is not None
        if compares_meaning:
            near |= {hit.corpus_id for hit in self.index.search(query_embedding, 64) if hit.score >= COSINE}
        near = sorted(near)
        cosines = self.index.similarities(query_embedding, near).tolist() if compares_meaning else [None] * len(near)
        leaks = []
        for corpus_id, cosine in zip(near, cosines, strict=True):
            other, shared, reason = self.questions[corpus_id], float(jaccard[corpus_id]), None  # None: it may stay
            if normalize_answer(question) == normalize_answer(other):
                reason = "the same question"
            elif shared >= JACCARD and not self.is_other_question(question, corpus_id, near):
                reason = f"{shared:.0%} of the words are the same"
            elif cosine is not None and cosine >= COSINE and not differ_in_name(question, other):
                reason = f"the embeddings are nearly the same (cosine {cosine:.2f})"
            if reason:
                leaks.append(Leak(corpus_id, other, reason, shared, cosine))
        return sorted(leaks, key=lambda leak: (-leak.jaccard, leak.corpus_id))

    def jaccard(self, question: str) -> np.ndarray:
        """Shared words over all words of the query and each pool question, (N,) in [0, 1]."""
        words = set(split_words(question))
        columns = [self.vocabulary[word] for word in words if word in self.vocabulary]
        shared = np.asarray(self.occurs[:, columns].sum(axis=1)).ravel()  # (N,)
        return shared / np.maximum(1, self.n_words + len(words) - shared)

    def is_other_question(self, question: str, corpus_id: int, near: Sequence[int]) -> bool:
        """Whether there is evidence that two near questions differ in the one word that matters.

        Either they differ in the name of a country (Belize, Algeria), or the pool holds a series: three questions or
        more of the same wording, each with another word in that place. A lone near question is taken for a rewording.
        `near` are the candidates among which the series is searched.
        """
        difference = find_difference(question, self.questions[corpus_id])
        if difference is None or set(difference) <= COUNTRY_NAMES:
            return difference is not None
        others = [find_difference(question, self.questions[i]) for i in near]
        words = {other[1] for other in others if other and other[0] == difference[0]}
        if any(normalize_answer(question) == normalize_answer(self.questions[i]) for i in near):
            words.add(difference[0])  # the query is in the pool, one of the series
        return len(words) >= SERIES


def find_difference(a: str, b: str) -> tuple[str, str] | None:
    """The words in which two questions differ, if they are alike before and behind them; None if they are not.

    >>> find_difference("Where is the Nile?", "Where is Mount Fuji?")
    ('nile', 'mount fuji')
    """
    x, y = normalize_answer(a).split(), normalize_answer(b).split()
    start = _common(x, y)
    end = _common(x[start:][::-1], y[start:][::-1])
    middle = x[start : len(x) - end], y[start : len(y) - end]
    return (" ".join(middle[0]), " ".join(middle[1])) if all(0 < len(m) <= LONGEST_NAME for m in middle) else None


def _common(x: Sequence[str], y: Sequence[str]) -> int:
    """Length of the common beginning."""
    return next((i for i, (a, b) in enumerate(zip(x, y, strict=False)) if a != b), min(len(x), len(y)))


def differ_in_name(a: str, b: str) -> bool:
    """Whether each question has a name or number that the other lacks: 98.9 and 97.3, Finnish and Swedish."""
    return bool(list_names(a) - set(split_words(b))) and bool(list_names(b) - set(split_words(a)))


def list_names(question: str) -> set[str]:
    """Words with a capital, the first of the question aside, or with a digit; lower case."""
    words = re.findall(r"\w+", question)
    return {w.casefold() for i, w in enumerate(words) if any(c.isdigit() for c in w) or (i and w[0].isupper())}
