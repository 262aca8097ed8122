"""Answers at once: greedy answers in batches, the likeliest places by beam search, and masked spans filled.

>>> DirectPredictor(model).predict(["Where was Babe Ruth born?"])
[Prediction(place='Baltimore', probability=0.93, ...)]
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from a3core.birthplace.model.gpt import GPT, Cache, continue_ids, decode_greedily, pad_left
from a3core.birthplace.model.vocabulary import MASK, build_prompt
from a3core.birthplace.prediction.predictor import Candidate, Continuation, Prediction, Predictor

MAX_PLACE = 32  # characters of an answer, as in the course
BATCH = 64  # prompts of similar length that are answered together
SEARCHED = 16  # questions that are searched together: each has ten beams


class DirectPredictor(Predictor):
    """Its model writes the place behind the question."""

    recalls = False

    def encode(self, question: str) -> list[list[int]]:
        """Ids of the question and its mask, once. Raises ValueError for one that is too long."""
        return [encode_prompt(self.model, question)]

    def predict(self, questions: Sequence[str], *, top_k: int = 0) -> list[Prediction]:
        """The greedy answer to each question, as the course decodes. Raises ValueError for an unreadable question."""
        tops = search_together(self.model, questions, top_k) if top_k else [[] for _ in questions]
        # A place of more than one half has each character likelier than all others together: it is the greedy one.
        sure = [top[0] if top and top[0].probability > 0.5 else None for top in tops]
        unsure = [question for question, place in zip(questions, sure, strict=True) if not place]
        prompts = [encode_prompt(self.model, question) for question in unsure]
        written = iter(generate(self.model, prompts, self.model.vocabulary.mask_id))
        places = [place or _trim(*next(written)) for place in sure]
        return [
            Prediction(best.place, best.probability, top=tuple(top), checkpoint=self.checkpoint)
            for best, top in zip(places, tops, strict=True)
        ]

    def continue_text(self, text: str, limit: int, answer: str | None = None) -> Continuation:
        """As training continues it: a mask is put behind a question, and behind a sentence with a gap.

        A typed answer is opened as in training, and closed by a mask, if a mask opens it.
        """
        vocabulary, is_question = self.model.vocabulary, text.endswith("?")
        is_open = is_question or (MASK in text and not text.endswith(MASK))
        prompt = vocabulary.encode(text + MASK if is_open else text)
        if answer:
            space = " " if vocabulary.unit != "characters" else ""
            return Continuation(prompt, [], encode_typed_answer(self.model, prompt, answer, space))
        stop_ids = (vocabulary.mask_id,) if is_question else (vocabulary.mask_id, vocabulary.pad_id)
        return Continuation(prompt, [], continue_ids(self.model, prompt, min(MAX_PLACE, limit - len(prompt)), stop_ids))


def encode_typed_answer(model: GPT, prompt: Sequence[int], answer: str, space: str) -> list[int]:
    """Ids of an answer behind a prompt: where a mask opens it, behind `space` and with a mask at its end."""
    if prompt[-1] == model.vocabulary.mask_id:
        answer = f"{space}{answer.lstrip()}{'' if answer.endswith(MASK) else MASK}"
    return model.vocabulary.encode(answer)


def encode_prompt(model: GPT, text: str) -> list[int]:
    """Ids of a text and the mask behind it, which leave positions for an answer. Raises ValueError if they cannot."""
    vocabulary, limit, prompt = model.vocabulary, model.block_size - MAX_PLACE, build_prompt(text)
    if (length := vocabulary.count(prompt)) > limit:
        raise ValueError(f"the question has {length} {vocabulary.unit}, the model reads at most {limit}: shorten it")
    return vocabulary.encode(prompt)


def generate(model: GPT, prompts: Sequence[list[int]], stop_id: int) -> list[tuple[str, float]]:
    """Greedy continuation of each prompt up to stop_id, at most MAX_PLACE characters, with its probability.

    Prompts of similar length share a batch; the order of the result is theirs.
    """

    def generate_batch(rows: list[int]) -> list[tuple[str, float]]:
        written = decode_greedily(model, [prompts[i] for i in rows], MAX_PLACE, [stop_id])
        ids = [tokens[:-1] if tokens[-1] == stop_id else tokens for tokens, _ in written]
        return [
            (model.vocabulary.decode(own), math.exp(sum(logs))) for own, (_, logs) in zip(ids, written, strict=True)
        ]

    return map_batches(generate_batch, prompts, BATCH)


def map_batches(work: Callable[[list[int]], list], prompts: Sequence[list[int]], size: int) -> list:
    """What `work` gives for each prompt, in their order; it gets the numbers of at most `size` of similar length."""
    order, results = sorted(range(len(prompts)), key=lambda i: len(prompts[i])), {}
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        results |= dict(zip(rows, work(rows), strict=True))
    return [results[i] for i in range(len(prompts))]


def search_together(model: GPT, questions: Sequence[str], k: int = 5, width: int = 10) -> list[list[Candidate]]:
    """The k likeliest places for each question by beam search of the given width, best first; fewer if it finds fewer.

    Of a model that answers at once. Questions of similar length share its passes. Raises ValueError for an unreadable
    one.
    """
    prompts = [encode_prompt(model, question) for question in questions]
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
        found = [*self.finished, *(_trim(vocabulary.decode(ids), math.exp(end)) for ids, end in ends if ids)]
        self.finished = sorted(found, key=lambda candidate: -candidate.probability)[: self.k]
        totals[:, [vocabulary.pad_id, vocabulary.mask_id]] = float("-inf")
        scores, flat = totals.flatten().topk(min(width, totals.size(0) * (totals.size(1) - 2)))
        bound = self.finished[-1].probability if len(self.finished) == self.k else -1.0
        scores, flat = scores[scores.exp() > bound], flat[scores.exp() > bound]
        self.scores, beams, ids = scores, flat // totals.size(1), flat % totals.size(1)
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


def _trim(place: str, probability: float) -> Candidate:
    """A generated place; where the tokens are sub-words a space opens it, as in a sentence."""
    return Candidate(place.removeprefix(" "), probability)


def fill_span(model: GPT, text: str) -> Candidate:
    """What a pretrained model puts in the place of the one ⁇ in a sentence (span corruption, read backwards).

    Raises ValueError if there is not exactly one ⁇, or nothing before it.
    """
    if text.count(MASK) != 1 or text.startswith(MASK):
        raise ValueError(f"mark one span with {MASK}, after at least one character: Ada Smith was born in {MASK}.")
    return Candidate(*generate(model, [encode_prompt(model, text)], model.vocabulary.pad_id)[0])
