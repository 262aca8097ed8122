"""Asking a model that recites before it answers: the sentence it read about the person, and a span of it as the place.

>>> predict_recalled(model, ["where is ada smith from"])
[Recalled(place='Leeds', probability=0.98, sentence='Ada Smith. Ada Smith was born in Leeds .', span=(34, 39), ...)]

Nothing but the weights is read. The place is the span that the tags and the answer the model would write favour
together; both are asked, because each alone misses some. `stream_recalled` is the same, to be watched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice

import torch

from a3core.birthplace.data.corpora import parse_name
from a3core.birthplace.data.phrasings import spell
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.model.tag_head import list_spans, score_spans
from a3core.birthplace.prediction.direct import Candidate, map_batches
from a3core.birthplace.prediction.recall_decoding import (
    Reading,
    Recitation,
    answer_room,
    build_recall_prompt,
    encode_answer,
    read_back,
    recite,
    recite_steps,
    score_answers,
)

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
    top: tuple[Candidate, ...] = field(default=(), repr=False)
    confidence: float | None = None  # P(the place is right), where the model's folder has a `confidence.Confidence`
    written_probability: float = 0.0  # that the model writes the place behind its recitation
    lead: float = 0.0  # log-probability of writing it less that of the next place, in nats; infinite without a next
    whole: bool = True  # False: the sentence is still being recited, and nothing is answered yet


def predict_recalled(model: GPT, questions: Sequence[str]) -> list[Recalled]:
    """An answer to each question or name, however it is typed. Raises ValueError for one that is too long.

    Where the case of a name is in doubt, the spelling wins whose sentence the model recites most surely.
    """
    spellings = [spell(parse_name(question)) for question in questions]
    answers = iter(_predict(model, list(chain.from_iterable(spellings))))
    return [_choose(model, islice(answers, len(ways))) for ways in spellings]


def stream_recalled(model: GPT, question: str) -> Iterator[Recalled]:
    """`predict_recalled` of one question, to be watched: the sentence as it grows, and last the answer.

    Of several spellings it shows, after each token, the one that is surest up to there.
    """
    names = spell(parse_name(question))
    for draft in recite_steps(model, [build_recall_prompt(model, name) for name in names]):
        row = draft.surest() if len(names) > 1 else 0
        yield Recalled("", 0.0, names[row] + draft.text(row), 0.0, None, whole=False)
    yield _choose(model, _answer_all(model, names, draft.finish()))


def _choose(model: GPT, ways: Iterable[Recalled]) -> Recalled:
    """The answer of the spelling that was recited most surely, with its confidence where that is calibrated."""
    answer = max(ways, key=lambda answer: answer.sentence_probability)
    return replace(answer, confidence=model.confidence.probability(answer)) if model.confidence else answer


def _predict(model: GPT, names: Sequence[str]) -> list[Recalled]:
    """An answer for each name as it is spelt; those of similar length are recited together."""
    prompts = [build_recall_prompt(model, name) for name in names]
    work = lambda rows: _answer_all(model, [names[i] for i in rows], recite(model, [prompts[i] for i in rows]))  # noqa: E731
    return map_batches(work, prompts, BATCH)


def _answer_all(model: GPT, names: Sequence[str], recitations: Sequence[Recitation]) -> list[Recalled]:
    """The answer to each question, read with its recitation."""
    reading = read_back(model, names, recitations)
    return [_answer(model, reading, row, name) for row, name in enumerate(names)]


def _answer(model: GPT, reading: Reading, row: int, name: str) -> Recalled:
    """The best span of one recitation, which begins behind the name."""
    recitation = reading.recitations[row]
    body, probability = model.vocabulary.decode(recitation.ids), math.exp(recitation.log_probability)
    spans = rank_spans(model, reading, row, body)
    if not spans:
        return Recalled("", 0.0, name + body, probability, None)
    places = [body[start:end] for start, end in spans]
    written = score_answers(model, reading, row, places)
    scores = [log + TAG_WEIGHT * tag for log, tag in zip(written, spans.values(), strict=True)]
    top = share_out(places, scores)
    best = max(range(len(places)), key=lambda i: (places[i] == top[0].place, scores[i]))
    others = [log for place, log in zip(places, written, strict=True) if place != places[best]]
    return Recalled(
        top[0].place,
        top[0].probability,
        name + body,
        probability,
        tuple(len(name) + at for at in list(spans)[best]),
        tuple(top[:TOP]),
        written_probability=math.exp(written[best]),
        lead=written[best] - max(others, default=-math.inf),
    )


def rank_spans(model: GPT, reading: Reading, row: int, body: str) -> dict[tuple[int, int], float]:
    """The spans of a recited text that the tags favour, best first: span -> score."""
    fits = lambda start, end: len(encode_answer(model, body[start:end])) <= answer_room(model)  # noqa: E731
    spans = [span for span in list_spans(body) if fits(*span)]
    scores = score_spans(body, spans, reading.tags[row], model.vocabulary.spans(reading.recitations[row].ids))
    ranked = sorted(zip(spans, scores, strict=True), key=lambda scored: -scored[1])
    return dict(ranked[:SCORED])


def share_out(places: Sequence[str], scores: Sequence[float]) -> list[Candidate]:
    """The places, each once, with their shares of the softmax of the scores, best first."""
    shares: dict[str, float] = {}
    for place, share in zip(places, torch.tensor(scores).softmax(0).tolist(), strict=True):
        shares[place] = shares.get(place, 0.0) + share
    return [Candidate(*share) for share in sorted(shares.items(), key=lambda share: -share[1])]
