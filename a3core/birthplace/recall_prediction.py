"""Asking a model that recites before it answers: the sentence it read about the person, and a span of it as the place.

>>> predict_recalled(model, ["where is ada smith from"])
[Recalled(place='Leeds', probability=0.98, sentence='Ada Smith. Ada Smith was born in Leeds .', span=(34, 39), ...)]

Nothing but the weights is read. The place is the span that the tags and the answer the model would write favour
together; both are asked, because each alone misses some.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import torch

from a3core.birthplace.corpora import parse_name
from a3core.birthplace.gpt import GPT
from a3core.birthplace.phrasings import spell
from a3core.birthplace.prediction import Candidate
from a3core.birthplace.recitation import (
    Recital,
    Recitation,
    answer_room,
    build_recall_prompt,
    encode_answer,
    recite,
    score_answers,
)
from a3core.birthplace.tagging import list_spans, score_spans

BATCH = 32  # questions that are recited together
TAG_WEIGHT = 3.0  # of the log-odds by the tags, beside the log-probability of writing the span as the answer
SCORED = 8  # spans, by their tags, that the model scores as answers
TOP = 5


@dataclass(frozen=True)
class Recalled(Candidate):
    """A place with the sentence it was taken from; `probability` is the place's share among the sentence's spans."""

    sentence: str
    sentence_probability: float  # that the model writes all of it behind the name, and its end
    span: tuple[int, int] | None  # of the place in the sentence, in characters; None where the sentence has no span
    certainty: float  # the answer's and the recitation's log-probabilities in one number, to be calibrated
    top: tuple[Candidate, ...] = field(default=(), repr=False)


def predict_recalled(model: GPT, questions: Sequence[str]) -> list[Recalled]:
    """An answer to each question or name, however it is typed. Raises ValueError for one that is too long.

    Where the case of a name is in doubt, the spelling wins whose sentence the model recites most surely.
    """
    spellings = [spell(parse_name(question)) for question in questions]
    answers = iter(_predict(model, list(chain.from_iterable(spellings))))
    return [max(islice(answers, len(ways)), key=lambda answer: answer.sentence_probability) for ways in spellings]


def _predict(model: GPT, names: Sequence[str]) -> list[Recalled]:
    """An answer for each name as it is spelt; those of similar length are recited together."""
    prompts = [build_recall_prompt(model, name) for name in names]
    order, answers = sorted(range(len(prompts)), key=lambda i: len(prompts[i])), {}
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        recital = recite(model, [prompts[i] for i in chosen])
        answers |= {i: _answer(model, recital, row, names[i]) for row, i in enumerate(chosen)}
    return [answers[i] for i in range(len(prompts))]


def _answer(model: GPT, recital: Recital, row: int, name: str) -> Recalled:
    """The best span of one recitation, which begins behind the name."""
    recitation = recital.rows[row]
    body, probability = model.vocabulary.decode(recitation.ids), math.exp(recitation.log_probability)
    spans = rank_spans(model, recitation, body)
    if not spans:
        return Recalled("", 0.0, name + body, probability, None, -math.inf)
    places = [body[start:end] for start, end in spans]
    written = score_answers(model, recital, row, places)
    scores = [log + TAG_WEIGHT * tag for log, tag in zip(written, spans.values(), strict=True)]
    top = share_out(places, scores)
    best = max(range(len(places)), key=lambda i: (places[i] == top[0].place, scores[i]))
    span = tuple(len(name) + at for at in list(spans)[best])
    certainty = scores[best] + recitation.log_probability
    return Recalled(top[0].place, top[0].probability, name + body, probability, span, certainty, tuple(top[:TOP]))


def rank_spans(model: GPT, recitation: Recitation, body: str) -> dict[tuple[int, int], float]:
    """The spans of a recited text that the tags favour, best first: span -> score."""
    fits = lambda start, end: len(encode_answer(model, body[start:end])) <= answer_room(model)  # noqa: E731
    spans = [span for span in list_spans(body) if fits(*span)]
    scores = score_spans(body, spans, recitation.tags, model.vocabulary.spans(recitation.ids))
    ranked = sorted(zip(spans, scores, strict=True), key=lambda scored: -scored[1])
    return dict(ranked[:SCORED])


def share_out(places: Sequence[str], scores: Sequence[float]) -> list[Candidate]:
    """The places, each once, with their shares of the softmax of the scores, best first."""
    shares: dict[str, float] = {}
    for place, share in zip(places, torch.tensor(scores).softmax(0).tolist(), strict=True):
        shares[place] = shares.get(place, 0.0) + share
    return [Candidate(*share) for share in sorted(shares.items(), key=lambda share: -share[1])]
