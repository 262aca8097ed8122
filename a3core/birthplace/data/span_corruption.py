"""What the model reads, as the course defines it (assignment, section 2.d and 2.e).

Pretraining, one worked example: the document

    Ada Smith. Ada Smith was born in Leeds in 1901 .

is cut to a random length (here 38 characters), and a span of about a quarter of that (here 9) moves to the end:

    Ada Smith. Ada Sm⁇orn in Leeds⁇ith was b□□□...          prefix ⁇ suffix ⁇ masked_content □...

Finetuning: the loss counts from the place to its closing mask.

    Where was Ada Smith born?⁇Leeds⁇□□□...               question ⁇ place ⁇ □...

The model reads all but the last character and is asked for all but the first. Pads are ignored, except the first one
behind masked_content: there the model learns that a span ends.

Two things differ from the course's public starter code of 2024. Its pretraining examples close the masked content with
a third mask, and it ignores all pads; here a pad that is asked for closes it, as the assignment's text has no third
mask. Its finetuning asks for the opening mask, too: ⁇Leeds⁇. Here the mask is given, as it is when a question is asked.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor

from a3core.birthplace.data.corpora import Question, check_answered
from a3core.birthplace.model.vocabulary import MASK, PAD, Vocabulary

IGNORED = -1  # a target that the loss leaves out
WIDTH_STEP = 32  # batches have a few fixed widths: new shapes cost memory churn and recompilation


class Example(NamedTuple):
    """One sequence of tokens: for each whether the loss asks for it, and its tag (1: birthplace, 0: not, IGNORED)."""

    ids: list[int]
    asked: list[bool]
    tags: list[int] | None = None  # None where nothing is tagged

    @property
    def width(self) -> int:
        """Positions that are read."""
        return len(self.ids) - 1

    @property
    def columns(self) -> tuple[list[int], ...]:
        """Ids that are read, the last one too where the batch is wide enough, targets, and tags of what is read."""
        targets = [i if asked else IGNORED for i, asked in zip(self.ids[1:], self.asked[1:], strict=True)]
        return (self.ids, targets) if self.tags is None else (self.ids, targets, self.tags)


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

    width_step, packed = WIDTH_STEP, False

    def __init__(self, documents: Sequence[str], vocabulary: Vocabulary, block_size: int):
        self.documents, self.vocabulary, self.block_size = documents, vocabulary, block_size

    def examples(self, rng: random.Random) -> list[Example]:
        """One epoch, in the order of the documents. Raises ValueError for a document of fewer than 4 characters."""
        texts = [corrupt_span(document, self.block_size, rng) for document in self.documents]
        return [Example(self.vocabulary.encode(text), [True] * len(text)) for text in texts]


class NameDataset:
    """Questions with their places. Raises ValueError for one without a place, or longer than the block."""

    width_step, packed = WIDTH_STEP, False

    def __init__(self, questions: Sequence[Question], vocabulary: Vocabulary, block_size: int):
        self.vocabulary, self.block_size = vocabulary, block_size
        check_answered(questions)
        self._examples = []
        for question in questions:
            prompt, answer = build_prompt(question.question), f"{question.place}{MASK}"
            if len(prompt + answer) - 1 > block_size:
                raise ValueError(f"{prompt + answer!r} is longer than the block of {block_size} characters")
            asked = [False] * len(prompt) + [True] * len(answer)
            self._examples.append(Example(vocabulary.encode(prompt + answer), asked))

    def examples(self, rng: random.Random) -> list[Example]:
        """The same questions every epoch, in their order."""
        return self._examples


def build_prompt(question: str) -> str:
    """What the model reads before it answers: the question and the opening mask, nothing between them."""
    return question + MASK


def build_batches(dataset, epoch: int, seed: int, tokens: int) -> list[tuple[Tensor, ...]]:
    """One epoch as (idx, targets) of about `tokens` tokens, both (B, T), int64; T is a multiple of dataset.width_step.

    Where the dataset tags its tokens, a third column (B, T) has the tags.

    A pure function of (seed, epoch), so that a resumed run reads what an uninterrupted one would.
    """
    rng = random.Random(f"{seed}/{epoch}")
    examples = list(dataset.examples(rng))
    rng.shuffle(examples)
    batches = []
    for width, rows in split_batches(examples, dataset, tokens):
        batches.append(build_batch(rows, width, tokens // width, dataset.vocabulary.pad_id))
    rng.shuffle(batches)
    return batches


def split_batches(examples: Sequence, dataset, tokens: int) -> Iterator[tuple[int, list]]:
    """(width, rows) of each batch, from the narrowest on, each of one width alone.

    Of a packed dataset from the widest on: each is filled up with narrower rows, so that only one has gaps.
    """
    buckets = [[(width, row) for row in rows] for width, rows in sorted(group_by_width(examples, dataset).items())]
    for rows in [list(chain.from_iterable(reversed(buckets)))] if dataset.packed else buckets:
        while rows:
            width = rows[0][0]
            yield width, [row for _, row in rows[: tokens // width]]
            rows = rows[tokens // width :]


def group_by_width(examples: Sequence, dataset) -> dict[int, list]:
    """Examples by the width of their batch: their own, up to a multiple of the dataset's step or the block."""
    buckets: dict[int, list] = {}
    for example in examples:
        steps = -(-example.width // dataset.width_step)  # rounded up
        buckets.setdefault(min(steps * dataset.width_step, dataset.block_size), []).append(example)
    return buckets


def build_batch(rows: Sequence[Example], width: int, height: int, pad_id: int) -> tuple[Tensor, ...]:
    """The rows' columns, (height, width) each; idx is filled up with pads, the others with what the loss ignores."""
    columns = zip(*(row.columns for row in rows), strict=True)  # ids, targets and perhaps tags of all rows
    batch = []
    for i, column in enumerate(columns):
        filled = torch.full((height, width), IGNORED if i else pad_id)
        for row, values in enumerate(column):
            filled[row, : len(values)] = torch.tensor(values[:width])
        batch.append(filled)
    return tuple(batch)
