"""Span corruption and finetuning lines against their definitions, and batches that lose and repeat nothing."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a3core.birthplace.data import examples as datasets
from a3core.birthplace.data.corpora import Question, build_question
from a3core.birthplace.data.examples import (
    IGNORED,
    WIDTH_STEP,
    NameDataset,
    SpanCorruptionDataset,
    build_batches,
    build_prompt,
    corrupt_span,
)
from a3core.birthplace.model.vocabulary import MASK, PAD, build_vocabulary

QUESTIONS = [
    Question(build_question(name), place)
    for name, place in [("Ada Smith", "Leeds"), ("Zoë Ångström", "Örebro"), ("Bo", "Rio"), ("王 芳", "São Paulo 北京")]
]
DOCUMENTS = [f"{q.name} was born in {q.place}{'. He sang' * n}." for n in range(12) for q in QUESTIONS]
VOCABULARY = build_vocabulary([*DOCUMENTS, build_question("")])

text = st.text(st.characters(exclude_characters=PAD + MASK, exclude_categories=["Cs"]), min_size=4, max_size=140)


class Scripted:
    """Draws the numbers it is told to, if they are within the bounds asked for."""

    def __init__(self, *numbers: int):
        self.numbers = list(numbers)

    def randint(self, low: int, high: int) -> int:
        number = self.numbers.pop(0)
        assert low <= number <= high, f"{number} is not in [{low}, {high}]"
        return number


def split_corrupted(corrupted: str) -> tuple[str, str, str]:
    """(prefix, suffix, masked_content) of a document that has no mask of its own."""
    prefix, suffix, rest = corrupted.split(MASK)
    return prefix, suffix, rest.partition(PAD)[0]


def names() -> NameDataset:
    return NameDataset(QUESTIONS, VOCABULARY, 64)


def rows_of(batches) -> list[tuple[str, str, int]]:
    """(read, asked, position of the first target) of every row that is not all pads."""
    rows = []
    for idx, targets in batches:
        for read, asked in zip(idx, targets, strict=True):
            positions = (asked != IGNORED).nonzero().flatten().tolist()
            if positions:
                assert positions == list(range(positions[0], positions[-1] + 1)), "targets have no gaps"
                rows.append((VOCABULARY.decode(read), VOCABULARY.decode(asked[positions]), positions[0]))
            else:
                assert (read == VOCABULARY.pad_id).all(), "a row without targets is all pads"
    return rows


@given(document=text, block_size=st.integers(16, 128), seed=st.integers(0, 10**9))
def test_the_pieces_are_the_documents_cut(document, block_size, seed):
    corrupted = corrupt_span(document, block_size, random.Random(seed))
    prefix, suffix, masked_content = split_corrupted(corrupted)
    cut = prefix + masked_content + suffix
    assert document.startswith(cut)
    assert 4 <= len(cut) <= block_size * 7 / 8
    assert prefix and 1 <= len(masked_content) <= max(1, len(cut) / 2 - 1)
    assert corrupted == f"{prefix}{MASK}{suffix}{MASK}{masked_content}{PAD}"
    assert len(corrupted) <= block_size + 1


def test_the_cut_reaches_every_length_and_the_span_is_a_quarter_in_the_mean():
    rng, document = random.Random(0), "abcdefghij" * 20
    pieces = [split_corrupted(corrupt_span(document, 128, rng)) for _ in range(6_000)]
    cuts = Counter(sum(map(len, piece)) for piece in pieces)
    assert set(cuts) == set(range(4, 113))
    assert max(cuts.values()) < 3 * min(cuts.values())
    shares = [
        len(masked_content) / sum(map(len, (prefix, suffix, masked_content)))
        for prefix, suffix, masked_content in pieces
    ]
    assert 0.23 < sum(shares) / len(shares) < 0.26
    assert any(not suffix for _, suffix, _ in pieces) and any(len(prefix) == 1 for prefix, _, _ in pieces)


def test_a_document_of_four_characters():
    assert {corrupt_span("Rome", 128, random.Random(seed)) for seed in range(99)} == {
        "R⁇me⁇o□",
        "Ro⁇e⁇m□",
        "Rom⁇⁇e□",
    }


@pytest.mark.parametrize("document", ["", "Rio"])
def test_a_document_that_is_too_short_is_shown(document):
    with pytest.raises(ValueError, match=f"at least 4 characters, not {document!r}"):
        corrupt_span(document, 128, random.Random(0))


def test_the_worked_example_of_the_module_comes_out():
    document, example = re.findall(r"^    (Ada Smith\..*?)(?: {3,}.*)?$", datasets.__doc__, re.MULTILINE)
    cut, span = map(int, re.search(r"\(here (\d+) characters\).*\(here (\d+)\)", datasets.__doc__, re.DOTALL).groups())
    prefix, suffix, masked_content = split_corrupted(example)
    assert (len(prefix + masked_content + suffix), len(masked_content)) == (cut, span)
    assert corrupt_span(document, 128, Scripted(cut, span, len(prefix))) == example.partition(PAD)[0] + PAD


def test_the_finetuning_example_of_the_module_comes_out():
    question = Question("Where was Ada Smith born?", "Leeds")
    vocabulary = build_vocabulary([question.question, question.place])
    (example,) = NameDataset([question], vocabulary, 64).examples(random.Random(0))
    assert f"    {vocabulary.decode(example.ids)}{PAD}" in datasets.__doc__


def test_the_tensors_of_the_worked_examples():
    """To compare with another implementation: ids that are read, and targets (-1: not asked for)."""
    document, cut = "Ada Smith was born in Leeds .", Scripted(20, 5, 4)
    vocabulary = build_vocabulary([document, "Where?"])
    assert vocabulary.characters == "□⁇ .?ALSWabdehimnorstw"
    text = corrupt_span(document, 24, cut)
    assert text == "Ada ⁇ was born i⁇Smith□"
    ids, targets = datasets.Example(vocabulary.encode(text), [True] * len(text)).columns
    assert ids == [5, 11, 9, 2, 1, 2, 21, 9, 19, 2, 10, 17, 18, 16, 2, 14, 1, 7, 15, 14, 20, 13, 0]
    assert targets == ids[1:]
    dataset = NameDataset([Question("Where?", "Leeds")], vocabulary, 24)
    ((read, asked),) = build_batches(dataset, 0, 0, 1024)
    question, place = [8, 13, 12, 18, 12, 4], [6, 12, 12, 11, 19]
    assert read[0].tolist() == [*question, 1, *place, 1, *[0] * 11]
    assert asked[0].tolist() == [*[-1] * 6, *place, 1, *[-1] * 12]


def test_every_document_once_and_anew_each_time():
    dataset = SpanCorruptionDataset(DOCUMENTS, VOCABULARY, 64)
    rng = random.Random(0)
    first, second = dataset.examples(rng), dataset.examples(rng)
    assert first != second
    for document, example in zip(DOCUMENTS, first, strict=True):
        prefix, suffix, masked_content = split_corrupted(VOCABULARY.decode(example.ids))
        assert document.startswith(prefix + masked_content + suffix) and all(example.asked)


def test_the_prompt_has_nothing_between_question_and_mask():
    assert build_prompt("Where was Bo born?") == "Where was Bo born?⁇"


def test_the_loss_of_a_question_goes_from_the_place_to_its_closing_mask():
    rows = rows_of(build_batches(names(), 0, 0, 1024))
    assert len(rows) == len(QUESTIONS)
    expected = {build_prompt(q.question): f"{q.place}{MASK}" for q in QUESTIONS}
    for read, asked, position in rows:
        prompt = read[: position + 1]  # the first target is asked for right behind the opening mask
        assert expected.pop(prompt) == asked
        assert read == (prompt + asked)[: len(read)].ljust(len(read), PAD)


def test_characters_beyond_ascii_are_kept():
    asked = [asked for _, asked, _ in rows_of(build_batches(names(), 0, 0, 1024))]
    assert "Örebro⁇" in asked and "São Paulo 北京⁇" in asked


def test_a_question_longer_than_the_block_is_shown():
    NameDataset(QUESTIONS[:1], VOCABULARY, 31)  # 25 + mask + 5 + mask: 32 characters, of which the last is not read
    with pytest.raises(ValueError, match=r"Ada Smith born\?⁇Leeds⁇' is longer than the block of 30"):
        NameDataset(QUESTIONS[:1], VOCABULARY, 30)


def test_a_question_without_an_answer_is_refused():
    with pytest.raises(ValueError, match="answer"):
        NameDataset([*QUESTIONS, Question(build_question("Bo"), None)], VOCABULARY, 64)


@given(
    count=st.integers(1, 48),
    tokens=st.integers(1024, 3000),
    epoch=st.integers(0, 99),
    seed=st.integers(0, 10**6),
    block_size=st.sampled_from([64, 96, 128]),
)
def test_batches_hold_every_document_once_in_a_few_shapes(count, tokens, epoch, seed, block_size):
    dataset = SpanCorruptionDataset(DOCUMENTS[:count], VOCABULARY, block_size)
    batches = build_batches(dataset, epoch, seed, tokens)
    for idx, targets in batches:
        assert idx.shape == targets.shape and idx.dtype == targets.dtype == torch.int64
        height, width = idx.shape
        assert width % WIDTH_STEP == 0 and width <= block_size and height == tokens // width
    read = Counter(whole_text(row) for row in rows_of(batches))
    asked = Counter(dataset.vocabulary.decode(e.ids) for e in dataset.examples(random.Random(f"{seed}/{epoch}")))
    assert read == asked


def whole_text(row: tuple[str, str, int]) -> str:
    """The sequence that a pretraining row was made of: its first character is read only, its last is asked for only."""
    read, asked, position = row
    assert position == 0 and read[1 : len(asked)] == asked[:-1] and set(read[len(asked) :]) <= {PAD}
    return read[0] + asked


def test_the_pad_behind_the_masked_content_is_the_last_that_is_asked_for():
    for _, asked, _ in rows_of(build_batches(SpanCorruptionDataset(DOCUMENTS, VOCABULARY, 64), 0, 0, 1024)):
        assert asked.endswith(PAD) and asked.count(PAD) == 1


def equal(a, b) -> bool:
    return len(a) == len(b) and all(
        torch.equal(x, y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)
    )


@pytest.mark.parametrize(
    "build",
    [lambda: NameDataset(QUESTIONS * 6, VOCABULARY, 64), lambda: SpanCorruptionDataset(DOCUMENTS, VOCABULARY, 64)],
)
def test_batches_are_a_function_of_seed_and_epoch(build):
    dataset = build()
    batches = build_batches(dataset, 3, 7, 1024)
    build_batches(dataset, 0, 0, 1024)  # what was read before changes nothing
    torch.manual_seed(1)
    assert equal(build_batches(dataset, 3, 7, 1024), batches) and equal(build_batches(build(), 3, 7, 1024), batches)
    assert not equal(build_batches(dataset, 4, 7, 1024), batches)
    assert not equal(build_batches(dataset, 3, 8, 1024), batches)
