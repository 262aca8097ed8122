"""What the model reads, as the course defines it (assignment, section 2.d and 2.e).

Pretraining, one worked example: the document

    Ada Smith. Ada Smith was born in Leeds in 1901 .

is cut to a random length (here 38 characters), and a span of about a quarter of that (here 9) moves to the end:

    Ada Smith. Ada Sm⁇orn in Leeds⁇ith was b□□□...          prefix ⁇ suffix ⁇ masked_content □...

Finetuning: the loss counts from the place to its closing mask.

    Where was Ada Smith born?⁇Leeds⁇□□□...               question ⁇ place ⁇ □...

The model reads all but the last character and is asked for all but the first. Pads are ignored, except the first one
behind masked_content: there the model learns that a span ends.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from a3core.birthplace.corpora import Question
from a3core.birthplace.vocabulary import MASK, PAD, Vocabulary

IGNORED = -1  # a target that the loss leaves out
BUCKET = 32  # batches have a few fixed widths: new shapes cost memory churn and recompilation


class Example(NamedTuple):
    """One sequence and the position of the first character that the loss asks for."""

    text: str
    first_target: int = 1


def corrupt_span(document: str, block_size: int, rng: random.Random) -> str:
    """`prefix ⁇ suffix ⁇ masked_content □`, without the pads that fill it up to the block.

    The cut is uniform in [4, 7/8 of the block], the span uniform in [1, half of the cut - 1]: a quarter in the mean.
    Raises ValueError for a document of fewer than 4 characters.
    """
    if len(document) < 4:
        raise ValueError(f"a document needs at least 4 characters, not {document!r}")
    length = min(rng.randint(4, block_size * 7 // 8), len(document))
    span = rng.randint(1, max(1, length // 2 - 1))
    start = rng.randint(1, length - span)
    prefix, masked_content, suffix = document[:start], document[start : start + span], document[start + span : length]
    return f"{prefix}{MASK}{suffix}{MASK}{masked_content}{PAD}"


class SpanCorruptionDataset:
    """Every document once an epoch, corrupted anew."""

    def __init__(self, documents: Sequence[str], vocabulary: Vocabulary, block_size: int):
        self.documents, self.vocabulary, self.block_size = documents, vocabulary, block_size

    def examples(self, rng: random.Random) -> list[Example]:
        return [Example(corrupt_span(document, self.block_size, rng)) for document in self.documents]


class NameDataset:
    """Questions with their places. Raises ValueError for one without a place, or longer than the block."""

    def __init__(self, questions: Sequence[Question], vocabulary: Vocabulary, block_size: int):
        self.vocabulary, self.block_size = vocabulary, block_size
        if unanswered := [q.question for q in questions if q.place is None]:
            raise ValueError(f"{unanswered[0]!r} has no answer to learn: expected lines `question TAB place`")
        prompts = [build_prompt(q.question) for q in questions]
        self._examples = [Example(f"{p}{q.place}{MASK}", len(p)) for p, q in zip(prompts, questions, strict=True)]
        if too_long := [e.text for e in self._examples if len(e.text) > block_size + 1]:
            raise ValueError(f"{too_long[0]!r} is longer than the block of {block_size} characters")

    def examples(self, rng: random.Random) -> list[Example]:
        return self._examples


def build_prompt(question: str) -> str:
    """What the model reads before it answers: the question and the opening mask, nothing between them."""
    return question + MASK


def build_batches(dataset, epoch: int, seed: int, tokens: int) -> list[tuple[Tensor, Tensor]]:
    """One epoch as (idx, targets) pairs of about `tokens` characters, both (B, T), int64; T is a multiple of BUCKET.

    A pure function of (seed, epoch), so that a resumed run reads what an uninterrupted one would.
    """
    rng = random.Random(f"{seed}/{epoch}")
    examples = list(dataset.examples(rng))
    rng.shuffle(examples)
    batches = [
        build_batch(rows, width, tokens // width, dataset.vocabulary)
        for width, bucket in sorted(_bucket(examples, dataset.block_size).items())
        for rows in _chunks(bucket, tokens // width)
    ]
    rng.shuffle(batches)
    return batches


def _bucket(examples: Sequence[Example], block_size: int) -> dict[int, list[Example]]:
    """Examples by the width of their batch: their length less one, up to a multiple of BUCKET or the block."""
    buckets: dict[int, list[Example]] = {}
    for example in examples:
        width = -(-(len(example.text) - 1) // BUCKET) * BUCKET
        buckets.setdefault(min(width, block_size), []).append(example)
    return buckets


def _chunks(rows: list[Example], size: int) -> Iterator[list[Example]]:
    return (rows[i : i + size] for i in range(0, len(rows), size))


def build_batch(rows: Sequence[Example], width: int, height: int, vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
    """(idx, targets), both (height, width); rows that are missing are pads, ignored by the loss."""
    sequence = torch.full((height, width + 1), vocabulary.pad_id)
    targets = torch.full((height, width), IGNORED)
    for row, (text, first_target) in enumerate(rows):
        ids = torch.tensor(vocabulary.encode(text))
        sequence[row, : len(ids)] = ids
        targets[row, first_target - 1 : len(ids) - 1] = ids[first_target:]
    return sequence[:, :-1], targets
