"""Reciting: the sentence that a model has read about a person, greedily, with its tags and its probability.

>>> recital = recite(model, [build_recall_prompt(model, "Ada Smith")])
>>> model.vocabulary.decode(recital.rows[0].ids)
' was born in Leeds in 1901 .'

The cache is allocated once and kept: `score_answers` goes on behind the recitation without reading it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from a3core.birthplace.corpora import build_question
from a3core.birthplace.datasets import build_prompt
from a3core.birthplace.gpt import GPT, Cache

QUESTION_SHARE, ANSWER_SHARE = 4, 16  # a question may fill a quarter of the block, an answer a sixteenth


@dataclass(frozen=True)
class Recitation:
    """One recited text: its tokens without the closing mask, and what the model thought of each."""

    ids: list[int]
    tags: list[float]  # P(the token belongs to the birthplace)
    log_probability: float  # of all tokens and of the closing mask
    end: int  # position in the cache behind the last token
    closed: bool  # False: the room was used up


@dataclass(frozen=True)
class Recital:
    """The recitations of a batch, and the cache to go on from."""

    rows: list[Recitation]
    cache: Cache
    pad: Tensor  # (B,): leading positions that are padding


def build_recall_prompt(model: GPT, name: str) -> list[int]:
    """`question ⁇ name`: the sentence opens with the name. Raises ValueError for one that is too long."""
    vocabulary = model.vocabulary
    prompt = [*vocabulary.encode(build_prompt(build_question(name))), *vocabulary.encode(name)]
    if len(prompt) > (limit := model.block_size // QUESTION_SHARE):
        told = f"the question has {len(prompt)} {vocabulary.unit} with its name, the model reads at most {limit}"
        raise ValueError(f"{told}: shorten it")
    return prompt


@torch.inference_mode()
def recite(model: GPT, prompts: Sequence[list[int]]) -> Recital:
    """Continues each prompt, likeliest token by likeliest token, to its closing mask."""
    width = max(map(len, prompts))
    room = model.block_size - width - answer_room(model)
    pad = torch.tensor([width - len(prompt) for prompt in prompts])  # (B,)
    idx = torch.tensor([[model.vocabulary.pad_id] * (width - len(prompt)) + prompt for prompt in prompts])  # (B, T)
    cache, shape = Cache(model, len(prompts), width + room), (len(prompts), room)
    ids, tags, logs = torch.zeros(shape, dtype=torch.long), torch.zeros(shape), torch.zeros(shape)
    ended, shift = torch.zeros(len(prompts), dtype=torch.bool), pad if pad.any() else None
    for step in range(room):
        logits, tag_logits = model(idx, cache, shift, tagged=True)
        logs[:, step : step + 1], idx = logits[:, -1].log_softmax(-1).max(-1, keepdim=True)  # (B, 1) each
        ids[:, step : step + 1] = idx
        if step:  # a tag is of the token just read
            tags[:, step - 1] = tag_logits[:, -1]
        if (ended := ended | (idx[:, 0] == model.vocabulary.mask_id)).all():
            break
    rows = [_cut(model, width, *row) for row in zip(ids.tolist(), tags.sigmoid().tolist(), logs.tolist(), strict=True)]
    return Recital(rows, cache, pad)


def _cut(model: GPT, width: int, ids: list[int], tags: list[float], logs: list[float]) -> Recitation:
    """The row up to its closing mask."""
    closed = model.vocabulary.mask_id in ids
    length = ids.index(model.vocabulary.mask_id) if closed else len(ids)
    return Recitation(ids[:length], tags[:length], sum(logs[: length + closed]), width + length, closed)


def answer_room(model: GPT) -> int:
    """Positions kept free behind a recitation: for the mask and an answer, whose own mask is not read."""
    return model.block_size // ANSWER_SHARE


def encode_answer(model: GPT, place: str) -> list[int]:
    """The place as it is written behind a recitation, and its closing mask."""
    return [*model.vocabulary.encode(f" {place}"), model.vocabulary.mask_id]


@torch.inference_mode()
def score_answers(model: GPT, recital: Recital, row: int, places: Sequence[str]) -> list[float]:
    """Log-probability of each place and its closing mask behind a recitation and its mask."""
    vocabulary, end = model.vocabulary, recital.rows[row].end
    answers = [[vocabulary.mask_id, *encode_answer(model, place)] for place in places]
    width = max(map(len, answers))
    sequence = torch.tensor([answer + [vocabulary.pad_id] * (width - len(answer)) for answer in answers])  # (K, T)
    cache = Cache(model, len(places), end + width - 1)
    cache.kv[..., :end, :] = recital.cache.kv[:, :, row : row + 1, :, :end]
    cache.length = end
    shift = recital.pad[row].expand(len(places)) if recital.pad[row] else None
    logs = model(sequence[:, :-1], cache, shift).log_softmax(-1)  # (K, T - 1, V)
    chosen = logs.gather(-1, sequence[:, 1:, None])[..., 0]  # (K, T - 1)
    asked = torch.arange(width - 1) < torch.tensor([len(answer) - 1 for answer in answers])[:, None]
    return (chosen * asked).sum(-1).tolist()
