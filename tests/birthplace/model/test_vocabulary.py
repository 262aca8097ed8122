"""Characters and ids: pad and mask first, a fixed order, and a clear word about what is unknown."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3core.birthplace.model.vocabulary import MASK, PAD, Vocabulary, build_vocabulary


def test_the_signs_are_the_courses():
    assert [ord(sign) for sign in PAD + MASK] == [0x25A1, 0x2047]


def test_pad_and_mask_come_first_then_code_points():
    vocabulary = build_vocabulary(["Zoë b", "a b"])
    assert vocabulary.characters == PAD + MASK + " Zaboë"
    assert [vocabulary.pad_id, vocabulary.mask_id] == [0, 1]
    assert vocabulary.encode(PAD + MASK) == [0, 1]


def test_signs_in_a_document_are_not_added_twice():
    assert build_vocabulary([f"a{MASK}b{PAD}"]).characters == PAD + MASK + "ab"


def test_no_documents_leave_the_two_signs():
    assert build_vocabulary([]).size == 2


@given(documents=st.lists(st.text()), seed=st.integers(0, 99))
def test_encoding_is_undone_by_decoding(documents, seed):
    vocabulary = build_vocabulary(documents)
    shuffled = random.Random(seed).sample(documents, len(documents))
    assert build_vocabulary(shuffled).characters == vocabulary.characters
    for document in documents:
        ids = vocabulary.encode(document)
        assert len(ids) == len(document) and vocabulary.decode(ids) == document
        assert all(0 <= i < vocabulary.size for i in ids)


def test_unknown_characters_are_shown_each_once():
    vocabulary = build_vocabulary(["abc"])
    assert vocabulary.unknown("a✈bé✈") == "✈é" and vocabulary.unknown("cab") == ""
    with pytest.raises(ValueError, match=r"'✈', 'é'"):
        vocabulary.encode("a✈bé✈")


@pytest.mark.parametrize(
    "characters", ["", "ab", MASK + PAD + "a", PAD + "a" + MASK, PAD + MASK + "aa", PAD + MASK + PAD]
)
def test_characters_that_are_no_vocabulary(characters):
    with pytest.raises(ValueError, match="starts with □⁇ and repeats nothing"):
        Vocabulary(characters)
