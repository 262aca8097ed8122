"""Asking a model: greedy answers in batches, the likeliest places by beam search, and masked spans filled.

>>> predict_places(model, ["Where was Babe Ruth born?"])
[Candidate(place='Baltimore', probability=0.93)]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from a3core.birthplace.data.corpora import parse_name
from a3core.birthplace.data.phrasings import spell
from a3core.birthplace.data.span_corruption import build_prompt
from a3core.birthplace.model.gpt import GPT, Cache
from a3core.birthplace.model.vocabulary import MASK

MAX_PLACE = 32  # characters of an answer, as in the course
BATCH = 64  # prompts of similar length that are answered together
SEARCHED = 16  # questions that are searched together: each has ten beams


@dataclass(frozen=True)
class Candidate:
    """A place and the probability that the model writes just it: all its characters and the mask that ends it."""

    place: str
    probability: float


def predict_places(model: GPT, questions: Sequence[str]) -> list[Candidate]:
    """The greedy answer to each question, as the course decodes; a model that recites first gives `Recalled` ones.

    Raises ValueError for an unreadable question.
    """
    if model.recites:
        from a3core.birthplace.prediction.recall import predict_recalled

        return predict_recalled(model, questions)
    prompts = [encode_prompt(model, build_prompt(question)) for question in questions]
    answers = generate(model, prompts, model.vocabulary.mask_id)
    return [Candidate(text.removeprefix(" "), probability) for text, probability in answers]


def encode_prompt(model: GPT, prompt: str) -> list[int]:
    """Ids of a prompt that leaves room for an answer. Raises ValueError that says what is wrong with it."""
    vocabulary, limit = model.vocabulary, model.block_size - MAX_PLACE
    if (length := vocabulary.count(prompt)) > limit:
        raise ValueError(f"the question has {length} {vocabulary.unit}, the model reads at most {limit}: shorten it")
    return vocabulary.encode(prompt)


def predict_readable(model: GPT, questions: Sequence[str]) -> tuple[list[Candidate], set[str]]:
    """(`predict_places`, the questions that the model cannot read): these are answered with nothing."""
    unread = {question for question in questions if not is_readable(model, question)}
    answers = iter(predict_places(model, [question for question in questions if question not in unread]))
    return [_answer_nothing(model) if question in unread else next(answers) for question in questions], unread


def _answer_nothing(model: GPT) -> Candidate:
    if not model.recites:
        return Candidate("", 0.0)
    from a3core.birthplace.prediction.recall import Recalled

    return Recalled("", 0.0, "", 0.0, None, confidence=0.0 if model.confidence else None)


def is_readable(model: GPT, question: str) -> bool:
    """Whether the model has the characters and the room for a question, or for each way to spell the name in it."""
    try:
        if model.recites:
            from a3core.birthplace.prediction.recall_decoding import build_recall_prompt

            for name in spell(parse_name(question)):
                build_recall_prompt(model, name)
        else:
            encode_prompt(model, build_prompt(question))
    except ValueError:
        return False
    return True


def generate(model: GPT, prompts: Sequence[list[int]], stop_id: int) -> list[tuple[str, float]]:
    """Greedy continuation of each prompt up to stop_id, at most MAX_PLACE characters, with its probability.

    Prompts of similar length share a batch; the order of the result is theirs.
    """
    return map_batches(lambda rows: _generate_batch(model, [prompts[i] for i in rows], stop_id), prompts, BATCH)


def map_batches(work: Callable[[list[int]], list], prompts: Sequence[list[int]], size: int) -> list:
    """What `work` gives for each prompt, in their order; it gets the numbers of at most `size` of similar length."""
    order, results = sorted(range(len(prompts)), key=lambda i: len(prompts[i])), {}
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        results |= dict(zip(rows, work(rows), strict=True))
    return [results[i] for i in range(len(prompts))]


@torch.inference_mode()
def _generate_batch(model: GPT, prompts: list[list[int]], stop_id: int) -> list[tuple[str, float]]:
    idx, pad = pad_left(model, prompts)  # (B, T), (B,)
    cache, ids, log_probability = Cache(model, len(prompts), idx.size(1) + MAX_PLACE), [], torch.zeros(len(prompts))
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


def pad_left(model: GPT, prompts: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
    """Prompts as one tensor (B, T), their ends in line, and how many leading positions of each are padding (B,)."""
    width = max(map(len, prompts))
    idx = torch.tensor([[model.vocabulary.pad_id] * (width - len(prompt)) + prompt for prompt in prompts])
    return idx, torch.tensor([width - len(prompt) for prompt in prompts])


def _until(model: GPT, ids: list[int], stop_id: int) -> str:
    return model.vocabulary.decode(ids[: ids.index(stop_id)] if stop_id in ids else ids)


def search_together(model: GPT, questions: Sequence[str], k: int = 5, width: int = 10) -> list[list[Candidate]]:
    """The k likeliest places for each question by beam search of the given width, best first; fewer if it finds fewer.

    Of a model that answers at once. Questions of similar length share its passes. Raises ValueError for an unreadable
    one.
    """
    prompts = [encode_prompt(model, build_prompt(question)) for question in questions]
    return map_batches(lambda rows: _search_batch(model, [prompts[i] for i in rows], k, width), prompts, SEARCHED)


class _Search:
    """The beams of one question, W of them: what each has written, its log-probability, the places found so far."""

    def __init__(self, k: int):
        self.k, self.texts, self.scores, self.finished = k, [()], torch.zeros(1), []

    def grow(self, model: GPT, steps: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """The beams of the next step, by the log-probabilities of what follows each, steps (at least W, V).

        (W',) each: which beam it continues, and with what. None are left when the search is done: one whose probability
        is below that of k places cannot become one of the k likeliest.
        """
        vocabulary, totals = model.vocabulary, self.scores[:, None] + steps[: len(self.texts)]  # (W, V)
        ends = zip(self.texts, totals[:, vocabulary.mask_id].tolist(), strict=True)
        found = [*self.finished, *(_read(model, text, end) for text, end in ends if text)]
        self.finished = sorted(found, key=lambda candidate: -candidate.probability)[: self.k]
        totals[:, [vocabulary.pad_id, vocabulary.mask_id]] = float("-inf")
        scores, flat = totals.flatten().topk(min(width, totals.size(0) * (totals.size(1) - 2)))
        bound = self.finished[-1].probability if len(self.finished) == self.k else -1.0
        kept = scores.exp() > bound
        self.scores, beams, ids = scores[kept], flat[kept] // totals.size(1), flat[kept] % totals.size(1)
        self.texts = [(*self.texts[beam], i) for beam, i in zip(beams.tolist(), ids.tolist(), strict=True)]
        return beams, ids


@torch.inference_mode()
def _search_batch(model: GPT, prompts: list[list[int]], k: int, width: int) -> list[list[Candidate]]:
    """Q below: the questions whose search goes on; W: the beams of the one that has most."""
    idx, pad = pad_left(model, prompts)  # (B, T), (B,)
    read, cache = idx.size(1), Cache(model, len(prompts), idx.size(1) + width * MAX_PLACE)
    logits = model(idx, cache, pad)[:, -1:]  # (B, 1, V)
    visible = (torch.arange(read) >= pad[:, None])[:, None]  # (B, 1, S)
    searches = running = [_Search(k) for _ in prompts]
    for position in range(read, read + MAX_PLACE):
        steps = logits.log_softmax(-1)  # (Q, W, V)
        grown = [search.grow(model, step, width) for search, step in zip(running, steps, strict=True)]
        rows = [row for row, (beams, _) in enumerate(grown) if len(beams)]
        if not rows:
            break
        # where a question has fewer beams than another, its first one is read again, and not asked
        beams, idx = (pad_sequence([grown[row][i] for row in rows], batch_first=True) for i in (0, 1))  # (Q, W) each
        if len(rows) < len(running):
            cache.keep(rows)
            running = [running[row] for row in rows]
        past, own = visible[torch.tensor(rows)[:, None], beams], torch.eye(beams.size(1), dtype=torch.bool)
        visible = torch.cat((past, own.expand(len(rows), -1, -1)), dim=-1)  # (Q, W, S)
        logits = model.unembed(model.read_beams(idx, cache, position, visible)[-1])
    return [search.finished for search in searches]


def _read(model: GPT, ids: Sequence[int], log_probability: float) -> Candidate:
    """A generated place; where the tokens are sub-words a space opens it, as in a sentence."""
    return Candidate(model.vocabulary.decode(ids).removeprefix(" "), math.exp(log_probability))


def fill_span(model: GPT, text: str) -> Candidate:
    """What a pretrained model puts in the place of the one ⁇ in a sentence (span corruption, read backwards).

    Raises ValueError if there is not exactly one ⁇, or nothing before it.
    """
    if text.count(MASK) != 1 or text.startswith(MASK):
        raise ValueError(f"mark one span with {MASK}, after at least one character: Ada Smith was born in {MASK}.")
    prompt = encode_prompt(model, text + MASK)
    return Candidate(*generate(model, [prompt], model.vocabulary.pad_id)[0])
