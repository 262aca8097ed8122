"""Sub-words: every text comes back, tokens know their characters, and a checkpoint keeps them as plain text."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.model import vocabulary as vocabularies
from a3core.birthplace.model.vocabulary import (
    MASK,
    PAD,
    Subwords,
    Vocabulary,
    build_subwords,
    build_vocabulary,
)

DOCUMENTS = [f"{name} was born in {place} ." for name in ("Ada Smith", "Bo Ångström") for place in ("Leeds", "Örebro")]
VOCABULARY = build_subwords(DOCUMENTS * 3, 290)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(text=anything | st.sampled_from(DOCUMENTS))
def test_every_text_comes_back(text):
    ids = VOCABULARY.encode(text)
    assert VOCABULARY.decode(ids) == text and VOCABULARY.unknown(text) == "" and VOCABULARY.count(text) == len(ids)
    assert all(0 <= i < VOCABULARY.size for i in ids)


@given(text=anything)
def test_a_token_spans_the_characters_that_it_has_a_byte_of(text):
    ids = VOCABULARY.encode(text)
    ends = [0]
    for i in ids:
        ends.append(ends[-1] + len(VOCABULARY._bytes[i]))
    starts = [len(text[:at].encode()) for at in range(len(text) + 1)]  # of each character, in bytes
    for (start, end), a, b in zip(VOCABULARY.spans(ids), ends[:-1], ends[1:], strict=True):
        touched = [at for at in range(len(text)) if starts[at] < b and starts[at + 1] > a]
        assert (start, end) == (touched[0], touched[-1] + 1)


@given(ids=st.lists(st.integers(0, VOCABULARY.size - 1), max_size=30))
@example(ids=[171, 96])
def test_what_no_text_has_is_decoded_all_the_same(ids):
    text, spans = VOCABULARY.decode(ids), VOCABULARY.spans(ids)
    assert len(spans) == len(ids) and all(start <= end for start, end in spans)
    assert not spans or spans[-1][1] == len(text)


def test_the_worked_example_of_the_module():
    vocabulary = build_subwords(load_corpus("builtin:500").documents, 1344)
    text, told = re.search(r'encode\("(.*)"\)\)\n    (\[.*\])', vocabularies.__doc__).groups()
    assert str(vocabulary.pieces(vocabulary.encode(text))) == told


def test_pad_and_mask_are_tokens_of_their_own():
    assert VOCABULARY.encode(f"a{MASK}b{PAD}") == [
        *VOCABULARY.encode("a"),
        VOCABULARY.mask_id,
        *VOCABULARY.encode("b"),
        VOCABULARY.pad_id,
    ]
    assert VOCABULARY.decode([VOCABULARY.pad_id, VOCABULARY.mask_id]) == PAD + MASK


def test_frequent_words_are_one_token_and_rare_ones_are_spelt():
    assert VOCABULARY.pieces(VOCABULARY.encode("Ada was born in"))[-3:] == [" was", " born", " in"]
    assert VOCABULARY.pieces(VOCABULARY.encode("qxz")) == ["q", "x", "z"]


def test_the_same_documents_give_the_same_vocabulary_of_the_asked_size():
    assert build_subwords(DOCUMENTS * 3, 290).text == VOCABULARY.text
    assert VOCABULARY.size == 290 and build_subwords(DOCUMENTS, 270).size == 270
    assert build_subwords(["ab"], 1000).size < 270, "there is nothing more to merge"


def test_a_vocabulary_travels_as_its_text(build_gpt):
    again = build_gpt(VOCABULARY.text).vocabulary
    assert isinstance(again, Subwords) and again.text == VOCABULARY.text and again.size == VOCABULARY.size
    assert [again.encode(text) for text in DOCUMENTS] == [VOCABULARY.encode(text) for text in DOCUMENTS]
    characters = build_vocabulary([*DOCUMENTS, "BPE\n"])
    assert type(build_gpt(characters.text).vocabulary) is Vocabulary


@pytest.mark.parametrize("text", ["", "bpe\na b", "BPE\nab", "BPE\na b c", "BPE\na ", "BPE\nab cd"])
def test_text_that_is_no_vocabulary(text):
    with pytest.raises(ValueError, match="sub-words"):
        Subwords(text)


def test_the_bytes_need_room():
    with pytest.raises(ValueError, match="at least 258, not 257"):
        build_subwords(DOCUMENTS, 257)
    assert build_subwords(DOCUMENTS, 258).size == 258


def test_characters_have_the_same_interface():
    vocabulary = build_vocabulary(DOCUMENTS)
    ids = vocabulary.encode("Leeds")
    assert vocabulary.pieces(ids) == list("Leeds") and vocabulary.spans(ids) == [(i, i + 1) for i in range(5)]
    assert vocabulary.count("Leeds") == 5 and vocabulary.text == vocabulary.characters
