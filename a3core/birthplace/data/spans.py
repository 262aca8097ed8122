"""The spans of a sentence that could be its answer, and how the tags of its tokens favour each.

    Ada Smith was born in Leeds in 1901 .
    0   0     0   0    0  1     0  0    0

The first line is a sentence, the second the tags of its tokens.

    >>> [text[start:end] for start, end in list_spans(text := " was born in St. Louis, Missouri .")]
    ['St', 'St. Louis', 'St. Louis, Missouri', 'Louis', 'Louis, Missouri', 'Missouri']
"""

import math
import re
from collections.abc import Iterator, Sequence

MOST_WORDS = 5  # of a span: "Las Matas de Santa Cruz"
FLOOR = 1e-4  # a word that the tags rule out can still be the answer, and one that they are sure of need not be
SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"  # Thai to Han
WORD = re.compile(rf"[{SPACELESS}]|[^\s,.;()。、{SPACELESS}]+")  # there, each letter may begin or end an answer
IN_WORD = re.compile(rf"[^\W{SPACELESS}]")  # a character beside which a word does not end
BIRTH = re.compile(r"born|birthplace|native", re.IGNORECASE)


def find_place(text: str, place: str) -> tuple[int, int] | None:
    """Where the birthplace stands: its first mention behind "born" or "native", else its first; None if nowhere.

    A mention is whole words, but for scripts that write none.
    """
    mentions = list(find_words(text, place))
    birth = BIRTH.search(text)
    behind = [span for span in mentions if birth and span[0] > birth.start()]
    return next(iter(behind or mentions), None)


def find_words(text: str, words: str) -> Iterator[tuple[int, int]]:
    """Where these words are in a text, from left to right, but for parts of longer words."""
    start = text.find(words) if words else -1
    while start >= 0:
        end = start + len(words)
        if IN_WORD.match(text[start - 1 : start]) or IN_WORD.match(text, end):
            end = start + 1
        else:
            yield start, end
        start = text.find(words, end)


def list_spans(text: str, capital: bool = True) -> list[tuple[int, int]]:
    """Every span of one to five words, (start, end) in characters; capital: that opens with a capital letter."""
    words = [match.span() for match in WORD.finditer(text)]
    return [
        (start, end)
        for i, (start, _) in enumerate(words)
        if not capital or text[start].isupper()
        for _, end in words[i : i + MOST_WORDS]
    ]


def score_spans(text: str, spans: Sequence[tuple[int, int]], tags: Sequence[float], tokens) -> list[float]:
    """For each span of the text how much likelier the tags are if it is the place than if nothing is, in nats.

    That is the sum over its words of the log-odds that the word belongs to the birthplace: a span gains by every word
    that is tagged and loses by every other. tags: P of each token; tokens: the characters (start, end) that each
    stands for. A word is as likely as its tokens are in the mean.
    """
    words = [match.span() for match in WORD.finditer(text)]
    odds = []
    for start, end in words:
        own = [tag for tag, token in zip(tags, tokens, strict=True) if token[0] < end and token[1] > start]
        probability = min(1 - FLOOR, max(FLOOR, sum(own) / len(own)))
        odds.append(math.log(probability / (1 - probability)))
    return [
        sum(gain for gain, word in zip(odds, words, strict=True) if start <= word[0] and word[1] <= end)
        for start, end in spans
    ]
