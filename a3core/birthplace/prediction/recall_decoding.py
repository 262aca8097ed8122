"""Reciting: the sentence that a model has read about a person; then the question is read with it, to be answered.

>>> recitations = recite(model, [build_recall_prompt(model, "Ada Smith")])        # behind ⁇Ada Smith
>>> model.vocabulary.decode(recitations[0].ids)
'. Ada Smith was born in Leeds in 1901 .'
>>> reading = read_back(model, ["Ada Smith"], recitations)  # Where was Ada Smith born?⁇Ada Smith. Ada Smith was ...
>>> score_answers(model, reading, 0, ["Leeds", "Ada"])
[-0.001, -9.5]

The sentence is recited behind the bare name, as it was read, not behind the question: so more are word for word
(BENCHMARKS.md, section choose-recall).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.span_corruption import build_prompt
from a3core.birthplace.model.gpt import GPT, Cache

QUESTION_SHARE, ANSWER_SHARE = 4, 16  # a question may fill a quarter of the block, an answer a sixteenth


@dataclass(frozen=True)
class Recitation:
    """One recited text: its tokens without the closing mask."""

    ids: list[int]
    log_probability: float  # of all tokens and of the closing mask, unless the room was used up before it


@dataclass(frozen=True)
class Reading:
    """A batch of questions, each read with its recitation: what the answers come from."""

    recitations: Sequence[Recitation]
    tags: list[list[float]]  # P(the token belongs to the birthplace), for each recited token
    cache: Cache
    pad: Tensor  # (B,): leading positions that are padding


def build_recall_prompt(model: GPT, name: str) -> list[int]:
    """`⁇name`: as a plain sentence opens. Raises ValueError where the question about it is too long."""
    encode_question(model, name)
    return [model.vocabulary.mask_id, *model.vocabulary.encode(name)]


def encode_question(model: GPT, name: str) -> list[int]:
    """`question ⁇ name`. Raises ValueError for one that is too long."""
    vocabulary = model.vocabulary
    prompt = [*vocabulary.encode(build_prompt(build_question(name))), *vocabulary.encode(name)]
    if len(prompt) > (limit := question_room(model)):
        length = f"{len(prompt)} {vocabulary.unit}"
        raise ValueError(f"the question has {length} with its name, the model reads at most {limit}: shorten it")
    return prompt


class Draft:
    """What a batch of prompts has recited so far: allocated once, filled token by token."""

    def __init__(self, model: GPT, prompts: Sequence[list[int]]):
        self.vocabulary, self.width, self.length = model.vocabulary, max(map(len, prompts)), 0
        self.capacity = model.block_size - question_room(model) - answer_room(model)
        self.pad = torch.tensor([self.width - len(prompt) for prompt in prompts])  # (B,)
        self.cache = Cache(model, len(prompts), self.width + self.capacity)
        shape = (len(prompts), self.capacity)
        self.ids, self.logs = torch.zeros(shape, dtype=torch.long), torch.zeros(shape)

    def text(self, row: int) -> str:
        """The row's text up to here, or to its closing mask; a letter whose bytes are not all there is left out."""
        ids = self.ids[row, : self.length].tolist()
        if self.vocabulary.mask_id in ids:
            ids = ids[: ids.index(self.vocabulary.mask_id)]
        return self.vocabulary.decode(ids).rstrip("\ufffd")

    def surest(self) -> int:
        """The row that is likeliest up to here, or to its closing mask."""
        ended = self.ids[:, : self.length] == self.vocabulary.mask_id  # (B, T)
        behind = ended.cumsum(-1) > ended.long()
        return int(self.logs[:, : self.length].masked_fill(behind, 0.0).sum(-1).argmax())

    def finish(self) -> list[Recitation]:
        """Every row up to its closing mask."""
        return [_cut(self.vocabulary.mask_id, *row) for row in zip(self.ids.tolist(), self.logs.tolist(), strict=True)]


def _cut(mask_id: int, ids: list[int], logs: list[float]) -> Recitation:
    """The row up to its closing mask."""
    closed = mask_id in ids
    length = ids.index(mask_id) if closed else len(ids)
    return Recitation(ids[:length], sum(logs[: length + closed]))


def recite(model: GPT, prompts: Sequence[list[int]]) -> list[Recitation]:
    """Continues each prompt, likeliest token by likeliest token, to its closing mask."""
    return deque(recite_steps(model, prompts), maxlen=1).pop().finish()


@torch.inference_mode()
def recite_steps(model: GPT, prompts: Sequence[list[int]]) -> Iterator[Draft]:
    """`recite`, to be watched: yields the one `Draft` after each token that every row has got."""
    draft, pad_id, mask_id = Draft(model, prompts), model.vocabulary.pad_id, model.vocabulary.mask_id
    idx = torch.tensor([[pad_id] * (draft.width - len(prompt)) + prompt for prompt in prompts])  # (B, T)
    ended, shift = torch.zeros(len(prompts), dtype=torch.bool), draft.pad if draft.pad.any() else None
    for step in range(draft.capacity):
        logits = model(idx, draft.cache, shift)
        draft.logs[:, step : step + 1], idx = logits[:, -1].log_softmax(-1).max(-1, keepdim=True)  # (B, 1) each
        draft.ids[:, step : step + 1] = idx
        draft.length = step + 1
        yield draft
        if (ended := ended | (idx[:, 0] == mask_id)).all():
            break


@torch.inference_mode()
def score_sentence(model: GPT, name: str, body: str) -> Recitation:
    """As if the model had recalled this text behind the name."""
    prompt, ids = build_recall_prompt(model, name), model.vocabulary.encode(body)
    closed = torch.tensor([*ids, model.vocabulary.mask_id])
    logs = model(torch.tensor([prompt + ids]))[0, len(prompt) - 1 :].log_softmax(-1)  # (T, V)
    return Recitation(ids, logs.gather(-1, closed[:, None]).sum().item())


@torch.inference_mode()
def read_back(model: GPT, names: Sequence[str], recitations: Sequence[Recitation]) -> Reading:
    """The question about each name with its recitation, all in one step: the tags, and the cache to go on from."""
    rows = [encode_question(model, name) + recited.ids for name, recited in zip(names, recitations, strict=True)]
    width = max(map(len, rows))
    idx = torch.tensor([[model.vocabulary.pad_id] * (width - len(row)) + row for row in rows])  # (B, T)
    pad, cache = torch.tensor([width - len(row) for row in rows]), Cache(model, len(rows), width)
    tags = model.tag(model.read(idx, cache, pad if pad.any() else None)).sigmoid().tolist()  # (B, T)
    own = [tags[row][width - len(recited.ids) :] for row, recited in enumerate(recitations)]
    return Reading(recitations, own, cache, pad)


def question_room(model: GPT) -> int:
    """Positions for a question and its name."""
    return model.block_size // QUESTION_SHARE


def answer_room(model: GPT) -> int:
    """Positions kept free behind a recitation: for the mask and an answer, whose own mask is not read."""
    return model.block_size // ANSWER_SHARE


def encode_answer(model: GPT, place: str) -> list[int]:
    """The place as it is written behind a recitation, and its closing mask."""
    return [*model.vocabulary.encode(f" {place}"), model.vocabulary.mask_id]


@torch.inference_mode()
def score_answers(model: GPT, reading: Reading, row: int, places: Sequence[str]) -> list[float]:
    """Log-probability of each place and its closing mask behind a recitation and its mask."""
    vocabulary, end = model.vocabulary, reading.cache.length
    answers = [[vocabulary.mask_id, *encode_answer(model, place)] for place in places]
    width = max(map(len, answers))
    sequence = torch.tensor([answer + [vocabulary.pad_id] * (width - len(answer)) for answer in answers])  # (K, T)
    cache = Cache(model, len(places), end + width - 1)
    cache.kv[..., :end, :] = reading.cache.kv[:, :, row : row + 1, :, :end]
    cache.length = end
    shift = reading.pad[row].expand(len(places)) if reading.pad[row] else None
    logs = model(sequence[:, :-1], cache, shift).log_softmax(-1)  # (K, T - 1, V)
    chosen = logs.gather(-1, sequence[:, 1:, None])[..., 0]  # (K, T - 1)
    asked = torch.arange(width - 1) < torch.tensor([len(answer) - 1 for answer in answers])[:, None]
    return (chosen * asked).sum(-1).tolist()
