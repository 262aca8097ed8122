"""Asking a model: greedy answers in batches, the likeliest places by beam search, and masked spans filled.

>>> predict_places(model, ["Where was Babe Ruth born?"])
[Candidate(place='Baltimore', probability=0.93)]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from a3core.birthplace.datasets import build_prompt
from a3core.birthplace.gpt import GPT, Cache
from a3core.birthplace.vocabulary import MASK

MAX_PLACE = 32  # characters of an answer, as in the course
BATCH = 64  # prompts of similar length that are answered together


@dataclass(frozen=True)
class Candidate:
    """A place and the probability that the model writes just it: all its characters and the mask that ends it."""

    place: str
    probability: float


def predict_places(model: GPT, questions: Sequence[str]) -> list[Candidate]:
    """The greedy answer to each question, as the course decodes. Raises ValueError for an unreadable question."""
    prompts = [encode_prompt(model, build_prompt(question)) for question in questions]
    return [Candidate(*answer) for answer in generate(model, prompts, model.vocabulary.mask_id)]


def encode_prompt(model: GPT, prompt: str) -> list[int]:
    """Ids of a prompt that leaves room for an answer. Raises ValueError that says what is wrong with it."""
    if len(prompt) > (limit := model.block_size - MAX_PLACE):
        raise ValueError(f"the question has {len(prompt)} characters, the model reads at most {limit}: shorten it")
    return model.vocabulary.encode(prompt)


def is_readable(model: GPT, question: str) -> bool:
    """Whether the model has the characters and the room for a question."""
    return len(build_prompt(question)) <= model.block_size - MAX_PLACE and not model.vocabulary.unknown(question)


def generate(model: GPT, prompts: Sequence[list[int]], stop_id: int) -> list[tuple[str, float]]:
    """Greedy continuation of each prompt up to stop_id, at most MAX_PLACE characters, with its probability.

    Prompts of similar length share a batch; the order of the result is theirs.
    """
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    answers: dict[int, tuple[str, float]] = {}
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        answers |= dict(zip(rows, _generate_batch(model, [prompts[i] for i in rows], stop_id), strict=True))
    return [answers[i] for i in range(len(prompts))]


@torch.inference_mode()
def _generate_batch(model: GPT, prompts: list[list[int]], stop_id: int) -> list[tuple[str, float]]:
    width = max(map(len, prompts))
    pad = torch.tensor([width - len(prompt) for prompt in prompts])  # (B,)
    idx = torch.tensor([[model.vocabulary.pad_id] * (width - len(prompt)) + prompt for prompt in prompts])  # (B, T)
    cache, ids, log_probability = Cache(model, len(prompts), width + MAX_PLACE), [], torch.zeros(len(prompts))
    done = torch.zeros(len(prompts), dtype=torch.bool)
    for _ in range(MAX_PLACE):
        step, idx = model(idx, cache, pad)[:, -1].log_softmax(-1).max(-1, keepdim=True)  # (B, 1) each
        log_probability += step[:, 0].masked_fill(done, 0.0)
        ids.append(idx)
        done |= idx[:, 0] == stop_id
        if done.all():
            break
    rows = torch.cat(ids, dim=1).tolist()  # (B, characters)
    return [(_until(model, row, stop_id), math.exp(p)) for row, p in zip(rows, log_probability.tolist(), strict=True)]


def _until(model: GPT, ids: list[int], stop_id: int) -> str:
    return model.vocabulary.decode(ids[: ids.index(stop_id)] if stop_id in ids else ids)


@torch.inference_mode()
def search_places(model: GPT, question: str, k: int = 5, width: int = 10) -> list[Candidate]:
    """The k likeliest places by beam search of the given width, best first; fewer if the search finds fewer."""
    vocabulary = model.vocabulary
    idx = torch.tensor([encode_prompt(model, build_prompt(question))])  # (1, T)
    cache = Cache(model, 1, idx.size(1) + MAX_PLACE)
    scores, texts, finished = torch.zeros(1), [""], []
    for _ in range(MAX_PLACE):
        totals = scores[:, None] + model(idx, cache)[:, -1].log_softmax(-1)  # (W, V)
        ends = totals[:, vocabulary.mask_id].tolist()
        finished += [Candidate(text, math.exp(end)) for text, end in zip(texts, ends, strict=True) if text]
        totals[:, [vocabulary.pad_id, vocabulary.mask_id]] = float("-inf")
        scores, rows, idx = _best(totals, width)
        chosen = zip(rows.tolist(), idx[:, 0].tolist(), strict=True)
        texts = [texts[row] + vocabulary.characters[i] for row, i in chosen]
        finished = sorted(finished, key=lambda candidate: -candidate.probability)[:k]
        if len(finished) == k and finished[-1].probability >= scores[0].exp():
            break
        cache.reorder(rows)
    return finished


def _best(totals: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """The `width` best of totals (W, V): their scores (W',), the rows they continue (W',), their characters (W', 1)."""
    scores, flat = totals.flatten().topk(min(width, totals.size(0) * (totals.size(1) - 2)))
    return scores, flat // totals.size(1), flat[:, None] % totals.size(1)


def fill_span(model: GPT, text: str) -> Candidate:
    """What a pretrained model puts in the place of the one ⁇ in a sentence (span corruption, read backwards).

    Raises ValueError if there is not exactly one ⁇, or nothing before it.
    """
    if text.count(MASK) != 1 or text.startswith(MASK):
        raise ValueError(f"mark one span with {MASK}, after at least one character: Ada Smith was born in {MASK}.")
    prompt = encode_prompt(model, text + MASK)
    return Candidate(*generate(model, [prompt], model.vocabulary.pad_id)[0])
