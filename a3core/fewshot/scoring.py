"""Scoring: exact match and token F1 against every alias, by TriviaQA's official normalisation, and intervals.

    >>> score_answer("the Sea-Horse!", ["Seahorse", "Sea horse"])
    Score(exact_match=True, f1=1.0)

Source: `evaluation/triviaqa_evaluation.py` of mandarjoshi90/triviaqa, with one trap closed: there an empty prediction
equals an alias such as "A" or "@", which normalises to nothing. Here an empty prediction never scores, and such an
alias is met only by what is written like it ("A" for vitamin A, "@" for the at sign).
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation + "‘’´`", " "))
ARTICLES = re.compile(r"\b(a|an|the)\b")


class Score(NamedTuple):
    """How well a prediction meets the best of the gold answers."""

    exact_match: bool
    f1: float  # in [0, 1]; 1.0 where exact_match


def normalize_answer(text: str) -> str:
    """Lower case, punctuation to spaces, no articles, single spaces; may be empty."""
    text = text.lower().translate(PUNCTUATION)  # "_" is punctuation too, so the official underscore step is in it
    return " ".join(ARTICLES.sub(" ", text).split())


def score_answer(prediction: str, answers: Sequence[str]) -> Score:
    """The best score of `prediction` over the gold answers. Raises ValueError if there is none to compare with."""
    if not answers:
        raise ValueError("there is no gold answer to score against")
    if is_same_answer(prediction, answers):
        return Score(True, 1.0)
    return Score(False, max(token_f1(prediction, answer) for answer in answers))


def is_same_answer(text: str, answers: Sequence[str]) -> bool:
    """Whether the normalised text is one of the answers; never, if it is empty."""
    if normal := normalize_answer(text):
        return any(normal == normalize_answer(answer) for answer in answers)
    return bool(bare := text.strip().lower()) and any(bare == answer.strip().lower() for answer in answers)


def token_f1(prediction: str, answer: str) -> float:
    """Harmonic mean of precision and recall of the normalised words, counted with repetition; 0.0 if none is shared."""
    predicted, gold = normalize_answer(prediction).split(), normalize_answer(answer).split()
    shared = (Counter(predicted) & Counter(gold)).total()
    return 2 * shared / (len(predicted) + len(gold)) if shared else 0.0
