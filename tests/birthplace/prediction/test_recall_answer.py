"""The shape of an answer: what the taught places rule out, and what they do not."""

from __future__ import annotations

import string

import pytest

from a3core.birthplace.data.spans import list_spans
from a3core.birthplace.prediction.recall_decoding import ENOUGH_PLACES, keep_shaped

TRIPLES = [a + b + c for a in string.ascii_uppercase for b in "aeiou" for c in string.ascii_lowercase]
ONE_WORD = TRIPLES[::11][:ENOUGH_PLACES]
SEVERAL = [*ONE_WORD, "Los Angeles", "St. Kit"]
TAGS = {"Los Angeles": 9, "Los Angeles, California": 8, "Los": 7, "Angeles": 6, "California": 5, "USA": -1}


def rank(body: str, tags: dict[str, float] = TAGS) -> list[tuple]:
    """The spans of a text by their tags: those that are not named are as unlikely as can be."""
    spans = [(body[slice(*span)], span, tags.get(body[slice(*span)], -9)) for span in list_spans(body)]
    return sorted(spans, key=lambda span: -span[2])


@pytest.mark.parametrize(
    ("places", "body", "best"),
    [
        (ONE_WORD, " was born in Los Angeles, California, USA .", "California"),  # not Los, a part of a longer name
        (ONE_WORD[1:], " was born in Los Angeles, California, USA .", "Los Angeles"),  # too few places to tell
        (SEVERAL, " was born in Los Angeles, California, USA .", "Los Angeles"),
        (ONE_WORD, " was born in California .", "California"),
        (ONE_WORD, " was born in Zürich, California .", "California"),  # no taught place has such a letter
    ],
)
def test_answers_have_the_shape_of_the_taught_places(places, body, best):
    ranked = rank(body, TAGS | {"Zürich": 12})
    assert keep_shaped(ranked, places)[0][0] == best


def test_a_part_that_the_tags_prefer_stays():
    assert keep_shaped(rank(" left East Leeds .", {"Leeds": 3, "East Leeds": 2}), ONE_WORD)[0][0] == "Leeds"


def test_nothing_of_that_shape_is_no_answer():
    assert keep_shaped(rank(" was born in Zürich ."), ONE_WORD) == []
