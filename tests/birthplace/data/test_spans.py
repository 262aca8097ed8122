"""Where the place stands in a sentence, which spans could be one, and how tags of tokens become scores of spans."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3core.birthplace.data import spans as tagging
from a3core.birthplace.data.spans import FLOOR, MOST_WORDS, find_place, list_spans, score_spans


@pytest.mark.parametrize(
    ("text", "place", "before"),
    [
        (" was born in Leeds .", "Leeds", " was born in "),
        (" lived in Leeds and was born in Leeds .", "Leeds", " lived in Leeds and was born in "),
        (" of Leeds, a native of York, left Leeds .", "Leeds", " of Leeds, a native of York, left "),
        (", a Leeds man, was a singer .", "Leeds", ", a "),
        (" of Leeds was born in 1901 .", "Leeds", " of "),
        (" was born a Londoner in London .", "London", " was born a Londoner in "),
        ("'s birthplace was Rio, and Rio was where Ek died.", "Rio", "'s birthplace was "),
        (" (born 1901 in St. Louis) sang .", "St. Louis", " (born 1901 in "),
    ],
)
def test_the_place_is_the_first_mention_behind_the_birth(text, place, before):
    assert find_place(text, place) == (len(before), len(before) + len(place))


@pytest.mark.parametrize("text", ["", " was born in York .", " was born in Leedsworth .", " was a singer ."])
def test_a_place_that_is_nowhere(text):
    assert find_place(text, "Leeds") is None


def test_the_worked_example_of_the_module():
    text, told = re.search(r'text := "(.*)"\)\]\n *(\[.*\])', tagging.__doc__).groups()
    assert str([text[start:end] for start, end in list_spans(text)]) == told
    sentence, tags = re.search(r"^    (Ada.*)\n    ([01 ]+)$", tagging.__doc__, re.MULTILINE).groups()
    start, _ = find_place(sentence, "Leeds")
    assert tags.index("1") == start


@given(text=st.text(st.sampled_from("abAB ,.(1é"), max_size=40))
def test_spans_open_with_a_capital_and_hold_up_to_three_words(text):
    spans = list_spans(text)
    assert len(set(spans)) == len(spans)
    for start, end in spans:
        words = re.findall(r"[^\s,.;()]+", text[start:end])
        assert text[start].isupper() and 1 <= len(words) <= MOST_WORDS
        assert not start or re.match(r"[\s,.;()]", text[start - 1])
        assert text[start:end].startswith(words[0]) and text[start:end].endswith(words[-1])
    words = [match for match in re.finditer(r"[^\s,.;()]+", text) if match[0][0].isupper()]
    assert {match.span() for match in words} <= set(spans), "every such word is a span of its own"


def test_a_span_is_as_good_as_its_words_and_a_word_as_its_tokens():
    text = " in St. Louis"
    tokens, tags = [(0, 3), (3, 4), (4, 6), (6, 7), (7, 10), (10, 13)], [0.0, 0.2, 0.8, 0.9, 0.6, 1.0]
    scores = score_spans(text, [(4, 6), (4, 13), (8, 13), (1, 13)], tags, tokens)
    assert scores == pytest.approx(
        [math.log(4), math.log(4) * 2, math.log(4), math.log(4) * 2 + math.log(FLOOR)], abs=1e-3
    )


def test_the_score_is_of_the_tags_given_the_span_against_none():
    text, tags = " in New York, Maine", [0.1, 0.7, 0.9, 0.2]
    tokens = [(0, 3), (3, 7), (7, 12), (13, 19)]

    def likelihood(inside: set[int]) -> float:
        return math.prod(tag if i in inside else 1 - tag for i, tag in enumerate(tags))

    spans = {(4, 7): {1}, (4, 12): {1, 2}, (8, 12): {2}, (4, 19): {1, 2, 3}}
    expected = [math.log(likelihood(inside) / likelihood(set())) for inside in spans.values()]
    assert score_spans(text, list(spans), tags, tokens) == pytest.approx(expected)


def test_a_word_that_the_tags_rule_out_is_not_impossible():
    assert score_spans(" Leeds", [(1, 6)], [0.0], [(0, 6)]) == pytest.approx([math.log(FLOOR)], abs=1e-3)


def test_no_span_no_score():
    assert score_spans("", [], [], []) == []
