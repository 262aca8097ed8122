"""What a model reads in training, as batches: span corruption, questions with their places, recalled sentences.

Span corruption and questions are as the course defines them (assignment, section 2.d and 2.e). Pretraining, one worked
example: the document

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
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor

from a3core.birthplace.data.corpora import Question
from a3core.birthplace.data.spans import find_place
from a3core.birthplace.model.vocabulary import MASK, PAD, Vocabulary, build_prompt
from a3core.birthplace.training.args import RecallArgs

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


class RecallDataset:
    """The documents, plainly, and the questions, each with a document of its person before the answer.

    One worked example: the document and the train question

        Ada Smith. Ada Smith was born in Leeds in 1901 .
        Where was Ada Smith born?   Leeds

    become the plain sentence, for every person, and the question with its sentence, for the train people only:

        ⁇Ada Smith. Ada Smith was born in Leeds in 1901 .⁇
        Where was Ada Smith born?⁇Ada Smith. Ada Smith was born in Leeds in 1901 .⁇ Leeds⁇

    The loss of a plain sentence counts from behind the name to the closing mask, that of a question from the opening
    mask to the end; the tokens of the sentence's Leeds are tagged. So a sentence that was only read plainly can be
    recited when it is asked for. For a share of the questions, each epoch others, the place is swapped for another
    train place:

        Where was Ada Smith born?⁇Ada Smith. Ada Smith was born in Turin in 1901 .⁇ Turin⁇

    There the loss counts on the tags and the answer only: the place in the sentence must be answered, but not learned.

    documents: by the name that they open with, {"Ada Smith": ["Ada Smith. Ada Smith was born ..."], ...}; the loss of
    a plain sentence leaves the name out.
    Raises ValueError for a question without a place or a document, and for a sequence longer than the block.
    """

    width_step, packed = 8, True  # sequences are short: wide steps and gaps would be half of what is computed

    def __init__(self, documents, questions: Sequence[Question], vocabulary, block_size: int, args: RecallArgs):
        self.vocabulary, self.block_size, self.args, self.questions = vocabulary, block_size, args, list(questions)
        self._encode = cache(vocabulary.encode)  # texts come again each epoch
        check_answered(questions)
        if nameless := [q.name for q in questions if q.name not in documents]:
            raise ValueError(f"no document opens with {nameless[0]!r}: there is nothing to recite")
        self._places = [question.place for question in questions]
        # what follows the name in each sentence, and the example with it and the true place
        self._true: dict[Question, list[tuple[str, Example]]] = {}
        for question in questions:
            bodies = [document[len(question.name) :] for document in documents[question.name]]
            self._true[question] = [(body, self._build_asked(question, body, question.place)) for body in bodies]
        self._check_lengths(example.width for own in self._true.values() for _, example in own)
        self._asked = {question.name for question in questions}
        self._plain = {name: [self.build_plain(text, name) for text in own] for name, own in documents.items()}

    def examples(self, rng: random.Random) -> list[Example]:
        """One epoch: every question, and every document but a share of those of the people asked about."""
        examples = []
        for name, plain in self._plain.items():
            examples += [example for example in plain if name not in self._asked or rng.random() < self.args.plain]
        examples += [self.build_asked(question, rng) for question in self.questions]
        self._check_lengths(example.width for example in examples)  # a swapped place may be longer
        return examples

    def _check_lengths(self, widths: Iterable[int]) -> None:
        if (longest := max(widths, default=0)) > self.block_size:
            raise ValueError(f"a question with its sentence has {longest} tokens, the block {self.block_size}")

    def build_plain(self, document: str, name: str) -> Example:
        """`⁇document⁇`, asked for from behind the name."""
        mask, opening = [self.vocabulary.mask_id], self._encode(name)
        body = [*self._encode(document[len(name) :]), *mask]
        asked = [False] * (1 + len(opening)) + [True] * len(body)
        return Example(mask + opening + body, asked, [IGNORED] * len(asked) if self.args.recite else None)

    def build_asked(self, question: Question, rng: random.Random) -> Example:
        """`question ⁇ document ⁇ place ⁇`, with the person's place or another's."""
        if not self.args.recite:
            return self._true[question][0][1]
        body, example = rng.choice(self._true[question])
        span = find_place(body, question.place)
        if span is None or rng.random() >= self.args.swap:
            return example
        return self._build_asked(question, *self._swap_place(question, body, span, rng), is_swapped=True)

    def _swap_place(self, question: Question, body: str, span: tuple[int, int], rng: random.Random) -> tuple[str, str]:
        """The body with another place, and that place."""
        place = rng.choice(self._places)
        return body[: span[0]] + place + body[span[1] :], place

    def _build_asked(self, question: Question, body: str, place: str, is_swapped: bool = False) -> Example:
        """body: what follows the name in the sentence. Its tokens are tagged where the place is."""
        span, mask = find_place(body, place), [self.vocabulary.mask_id]
        prompt = [*self._encode(question.question), *mask]
        answer = [*self._encode(f" {place}"), *mask]  # the space gives it the tokens that it has in a sentence
        if not self.args.recite:
            return Example(prompt + answer, [False] * len(prompt) + [True] * len(answer))
        opening, body_ids = self._encode(question.name), self.vocabulary.encode(body)
        sentence = opening + body_ids + mask
        asked = [False] * len(prompt) + [not is_swapped] * len(sentence) + [True] * len(answer)
        tags = [IGNORED] * len(asked)
        if span:
            first = len(prompt) + len(opening)
            for i, (start, end) in enumerate(self.vocabulary.spans(body_ids), first):
                tags[i] = int(start < span[1] and end > span[0])
        return Example(prompt + sentence + answer, asked, tags)


def check_answered(questions: Sequence[Question]) -> None:
    """Raises ValueError for the first question without a place."""
    for question in questions:
        if question.place is None:
            raise ValueError(f"{question.question!r} has no answer to learn: expected lines `question TAB place`")


def build_batches(dataset, epoch: int, seed: int, tokens: int) -> list[tuple[Tensor, ...]]:
    """One epoch as (idx, targets) of about `tokens` tokens, both (B, T), int64; T is a multiple of dataset.width_step.

    Where the dataset tags its tokens, a third column (B, T) has the tags.

    A pure function of (seed, epoch), so that a resumed run reads what an uninterrupted one would.
    """
    rng = random.Random(f"{seed}/{epoch}")
    examples = list(dataset.examples(rng))
    rng.shuffle(examples)
    split, pad_id = split_batches(examples, dataset, tokens), dataset.vocabulary.pad_id
    batches = [build_batch(rows, width, tokens // width, pad_id) for width, rows in split]
    rng.shuffle(batches)
    return batches


def split_batches(examples: Sequence, dataset, tokens: int) -> Iterator[tuple[int, list]]:
    """(width, rows) of each batch, from the narrowest on, each of one width alone.

    Of a packed dataset from the widest on: each is filled up with narrower rows, so that only one has gaps.
    """
    buckets: dict[int, list] = {}
    for example in examples:
        # its own width, up to a multiple of the dataset's step or the block
        width = min(-(-example.width // dataset.width_step) * dataset.width_step, dataset.block_size)
        buckets.setdefault(width, []).append((width, example))
    groups = [rows for _, rows in sorted(buckets.items())]
    for rows in [list(chain.from_iterable(reversed(groups)))] if dataset.packed else groups:
        while rows:
            width = rows[0][0]
            yield width, [row for _, row in rows[: tokens // width]]
            rows = rows[tokens // width :]


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
