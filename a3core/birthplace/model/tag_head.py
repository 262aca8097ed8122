"""The place in a recited sentence: a tag on each token (below its trained value), and the spans that could be one.

    Ada Smith was born in Leeds in 1901 .
    0   0     0   0    0  1     0  0    0

    >>> [text[start:end] for start, end in list_spans(text := " was born in St. Louis, Missouri .")]
    ['St', 'St. Louis', 'St. Louis, Missouri', 'Louis', 'Louis, Missouri', 'Missouri']

The tags are a side output on the features of three layers: nothing is written into the sentence, because a marker
round the place breaks the context that the memory hangs on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import torch
from torch import Tensor, nn

TAGGED_FEATURES = 3
MOST_WORDS = 5  # of a span: "Las Matas de Santa Cruz"
FLOOR = 1e-4  # a word that the tags rule out can still be the answer, and one that they are sure of need not be
WORD = re.compile(r"[^\s,.;()]+")
BIRTH = re.compile(r"born|birthplace|native", re.IGNORECASE)


class TagHead(nn.Module):
    """A logit for each token: does it belong to the birthplace? Read off the last three features of `GPT.read`."""

    def __init__(self, n_embd: int):
        super().__init__()
        self.linear = nn.Linear(TAGGED_FEATURES * n_embd, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:  # layers + 1 of (B, T, C) -> (B, T)
        return self.linear(torch.cat(tuple(features[-TAGGED_FEATURES:]), dim=-1))[..., 0]


def find_place(text: str, place: str) -> tuple[int, int] | None:
    """Where the birthplace stands: its first mention behind "born" or "native", else its first; None if nowhere."""
    mentions = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(place)}(?!\w)", text)]
    birth = BIRTH.search(text)
    behind = [span for span in mentions if birth and span[0] > birth.start()]
    return next(iter(behind or mentions), None)


def list_spans(text: str) -> list[tuple[int, int]]:
    """Every span of one to five words that opens with a capital letter, (start, end) in characters."""
    words = [match.span() for match in WORD.finditer(text)]
    return [
        (start, end)
        for i, (start, _) in enumerate(words)
        if text[start].isupper()
        for _, end in words[i : i + MOST_WORDS]
    ]


def score_spans(text: str, spans: Sequence[tuple[int, int]], tags: Sequence[float], tokens) -> list[float]:
    """For each span of the text how much likelier the tags are if it is the place than if nothing is, in nats.

    That is the sum over its words of the log-odds that the word belongs to the birthplace: a span gains by every word
    that is tagged and loses by every other. tags: P of each token; tokens: the characters (start, end) that each
    stands for. A word is as likely as its tokens are in the mean.
    """
    words = [match.span() for match in WORD.finditer(text)]
    odds = [_log_odds(word, tags, tokens) for word in words]
    return [
        sum(gain for gain, word in zip(odds, words, strict=True) if start <= word[0] and word[1] <= end)
        for start, end in spans
    ]


def _log_odds(word: tuple[int, int], tags: Sequence[float], tokens: Sequence[tuple[int, int]]) -> float:
    own = [tag for tag, (start, end) in zip(tags, tokens, strict=True) if start < word[1] and end > word[0]]
    probability = min(1 - FLOOR, max(FLOOR, sum(own) / len(own)))
    return math.log(probability / (1 - probability))
