"""The sentence that a model has read about a person, token by token, and the place as a span of it.

>>> sentences = recall_sentences(model, [build_recall_prompt(model, "Ada Smith")])        # behind ⁇Ada Smith
>>> model.vocabulary.decode(sentences[0].ids)
'. Ada Smith was born in Leeds in 1901 .'
>>> encoded = EncodedRecall(model, ["Ada Smith"], sentences)  # Where was Ada Smith born?⁇Ada Smith. Ada Smith was ...
>>> encoded.score_answers(0, ["Leeds", "Ada"])
[-0.001, -9.5]

The sentence is recalled behind the bare name, as it was read, not behind the question: so more are word for word
(BENCHMARKS.md, section choose-recall). Then the question is read with the sentence. The place is the span that the tags
and the answer the model would write favour together; both are asked, because each alone misses some.
"""

import math
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.spans import list_spans, score_spans
from a3core.birthplace.model.gpt import GPT, Cache, decode_greedily, decode_steps, pad_left
from a3core.birthplace.model.vocabulary import build_prompt
from a3core.birthplace.prediction.predictor import Candidate, Prediction

QUESTION_SHARE, ANSWER_SHARE = 4, 16  # a question may fill a quarter of the block, an answer a sixteenth
TAG_WEIGHT = 3.0  # of the log-odds by the tags, beside the log-probability of writing the span as the answer
SCORED = 8  # spans, by their tags, that the model scores as answers
SCORED_TOGETHER = 64  # places: each has a copy of the cache
ENOUGH_PLACES = 300  # taught places from which on a shape that none of them has is no answer
STATED = 0.0  # tag score above which a sentence states the place: the tags are likelier with it than with none
BREAK = re.compile(r"[,;()]")  # between two names


class RecalledSentence(NamedTuple):
    """One recalled text: its tokens without the closing mask."""

    ids: list[int]
    logs: list[float]  # log-probability of each token, and of the closing mask unless the limit came before it

    @property
    def log_probability(self) -> float:
        """Of the sentence and its end, in nats."""
        return sum(self.logs)


def build_recall_prompt(model: GPT, name: str) -> list[int]:
    """`⁇name`: as a plain sentence opens. Raises ValueError where the question about it is too long."""
    encode_question(model, name)
    return [model.vocabulary.mask_id, *model.vocabulary.encode(name)]


def encode_question(model: GPT, name: str) -> list[int]:
    """`question ⁇ name`. Raises ValueError for one that is too long."""
    vocabulary, limit = model.vocabulary, question_limit(model)
    prompt = [*vocabulary.encode(build_prompt(build_question(name, model.question))), *vocabulary.encode(name)]
    if len(prompt) > limit:
        length = f"{len(prompt)} {vocabulary.unit}"
        raise ValueError(f"the question has {length} with its name, the model reads at most {limit}: shorten it")
    return prompt


def recall_steps(model: GPT, prompts: Sequence[list[int]]) -> Iterator[list[RecalledSentence]]:
    """`recall_sentences`, to be watched: what there is of each sentence after every token."""
    for draft in decode_steps(model, prompts, sentence_limit(model), [model.vocabulary.mask_id]):
        yield [_cut_mask(model, draft.row(row)) for row in range(len(prompts))]


def recall_sentences(model: GPT, prompts: Sequence[list[int]]) -> list[RecalledSentence]:
    """Continues each prompt, likeliest token by likeliest token, to its closing mask."""
    rows = decode_greedily(model, prompts, sentence_limit(model), [model.vocabulary.mask_id])
    return [_cut_mask(model, row) for row in rows]


def _cut_mask(model: GPT, row: tuple[list[int], list[float]]) -> RecalledSentence:
    ids, logs = row
    return RecalledSentence(ids[:-1] if ids[-1] == model.vocabulary.mask_id else ids, logs)


@torch.inference_mode()
def score_sentence(model: GPT, name: str, body: str) -> RecalledSentence:
    """As if the model had recalled this text behind the name."""
    prompt, ids = build_recall_prompt(model, name), model.vocabulary.encode(body)
    closed = torch.tensor([*ids, model.vocabulary.mask_id])
    logs = model(torch.tensor([prompt + ids]))[0, len(prompt) - 1 :].log_softmax(-1)  # (T, V)
    return RecalledSentence(ids, logs.gather(-1, closed[:, None])[:, 0].tolist())


def question_limit(model: GPT) -> int:
    """Positions for a question and its name."""
    return model.block_size // QUESTION_SHARE


def sentence_limit(model: GPT) -> int:
    """Positions between a question and an answer."""
    return model.block_size - question_limit(model) - answer_limit(model)


def answer_limit(model: GPT) -> int:
    """Positions left free behind a sentence: for the mask and an answer, whose own mask is not read."""
    return model.block_size // ANSWER_SHARE


class ScoredSpan(NamedTuple):
    """A span of a recalled text, as an answer."""

    place: str
    span: tuple[int, int] | None  # in characters; None of a guess
    written: float  # log-probability that the model writes it as the answer, in nats
    tags: float  # by how much it makes the tags likelier than no place, in nats
    score: float  # of both


def keep_shaped(ranked: Sequence[tuple[str, tuple[int, int], float]], places: Sequence[str]) -> list[tuple]:
    """The spans (text, span, tags), best first, that have the shape of the taught places.

    One word where each of those is one, and no sign or accented letter that none of them has. A part of a longer name
    goes with it: of "Los Angeles, California" only California is left. Fewer than ENOUGH_PLACES places rule nothing
    out. They are the train answers alone.
    """
    if len(places) < ENOUGH_PLACES:
        return [*ranked]
    characters = set(string.ascii_letters).union(*places)  # with the space where some place has several words
    shaped, names = [], []  # names: of several words where no place has, and nothing within them is an answer
    for text, (start, end), tags in ranked:
        if " " in text and " " not in characters:
            names += [] if BREAK.search(text) else [(start, end)]
        elif set(text) <= characters and not any(first <= start and end <= last for first, last in names):
            shaped.append((text, (start, end), tags))
    return shaped


def softmax_over_places(places: Sequence[str], scores: Sequence[float]) -> list[Candidate]:
    """The places, each once, with their shares of the softmax of the scores, best first."""
    shares: dict[str, float] = {}
    for place, share in zip(places, torch.tensor(scores).softmax(0).tolist(), strict=True):
        shares[place] = shares.get(place, 0.0) + share
    return [Candidate(*share) for share in sorted(shares.items(), key=lambda share: -share[1])]


def encode_answer(model: GPT, place: str) -> list[int]:
    """The place as it is written behind a sentence, and its closing mask."""
    return [*model.vocabulary.encode(f" {place}"), model.vocabulary.mask_id]


class EncodedRecall:
    """A batch of questions, each read with its sentence: what the answers come from.

    tags: P(the token belongs to the birthplace), for each token of each sentence. pad (B,): leading positions that are
    padding.
    """

    @torch.inference_mode()
    def __init__(self, model: GPT, names: Sequence[str], sentences: Sequence[RecalledSentence]):
        self.model, self.names, self.sentences = model, names, sentences
        rows = [encode_question(model, name) + sentence.ids for name, sentence in zip(names, sentences, strict=True)]
        idx, self.pad = pad_left(model, rows)  # (B, T), (B,)
        self.cache = Cache(model, len(rows), idx.size(1))  # to go on from
        tags = model.tag(model.read(idx, self.cache, self.pad if self.pad.any() else None)).sigmoid().tolist()  # (B, T)
        lengths = [idx.size(1) - len(sentence.ids) for sentence in sentences]
        self.tags = [row_tags[length:] for row_tags, length in zip(tags, lengths, strict=True)]

    @torch.inference_mode()
    def score_answers(self, row: int, places: Sequence[str]) -> list[float]:
        """Log-probability of each place and its closing mask behind a sentence and its mask."""
        vocabulary, end, scores = self.model.vocabulary, self.cache.length, []
        for start in range(0, len(places), SCORED_TOGETHER):
            together = places[start : start + SCORED_TOGETHER]
            answers = [[vocabulary.mask_id, *encode_answer(self.model, place)] for place in together]
            width = max(map(len, answers))
            padded = torch.tensor(
                [answer + [vocabulary.pad_id] * (width - len(answer)) for answer in answers]
            )  # (K, T)
            cache = Cache(self.model, len(answers), end + width - 1)
            cache.kv[..., :end, :] = self.cache.kv[:, :, row : row + 1, :, :end]
            cache.length = end
            shift = self.pad[row].expand(len(answers)) if self.pad[row] else None
            logs = self.model(padded[:, :-1], cache, shift).log_softmax(-1)  # (K, T - 1, V)
            chosen = logs.gather(-1, padded[:, 1:, None])[..., 0]  # (K, T - 1)
            is_answer = torch.arange(width - 1) < torch.tensor([len(answer) - 1 for answer in answers])[:, None]
            scores += (chosen * is_answer).sum(-1).tolist()
        return scores

    def score_spans(self, row: int, body: str, places: Sequence[str] = ()) -> list[ScoredSpan]:
        """The spans of a recalled text that the tags favour, best first, of those that leave positions for an answer.

        places: as of `keep_shaped`.
        """
        tokens, spans = self.model.vocabulary.spans(self.sentences[row].ids), list_spans(body, self.model.capital)
        scored = zip(spans, score_spans(body, spans, self.tags[row], tokens), strict=True)
        ranked = [(body[slice(*span)], span, tags) for span, tags in sorted(scored, key=lambda scored: -scored[1])]
        ranked, limit = keep_shaped(ranked, places) or ranked, answer_limit(self.model)
        ranked = [each for each in ranked if len(encode_answer(self.model, each[0])) <= limit][:SCORED]
        written = self.score_answers(row, [place for place, _, _ in ranked])
        return [
            ScoredSpan(place, span, log, tags, log + TAG_WEIGHT * tags)
            for (place, span, tags), log in zip(ranked, written, strict=True)
        ]

    def answer(self, row: int, top_k: int, places: Sequence[str]) -> Prediction:
        """The best span of a recalled sentence, whose ids begin behind the name; else a guess, which has no span.

        A guess is a place that the model was taught, of `places`: of those that the sentence names, else of all.
        """
        name, sentence = self.names[row], self.sentences[row]
        body, probability = self.model.vocabulary.decode(sentence.ids), math.exp(sentence.log_probability)
        recalled = Prediction("", 0.0, name + body, probability, prefix_probability=probability, is_stated=False)
        spans = candidates = self.score_spans(row, body, places)
        is_guess = places and (not spans or max(spans, key=lambda span: span.score).tags <= STATED)
        if is_guess and not (candidates := [span for span in spans if span.place in places]):
            logs = self.score_answers(row, places)
            candidates = [ScoredSpan(place, None, log, -math.inf, log) for place, log in zip(places, logs, strict=True)]
        if not candidates:
            return recalled
        top = softmax_over_places([span.place for span in candidates], [span.score for span in candidates])
        best = max(candidates, key=lambda span: (span.place == top[0].place, span.score))
        chosen = {"place": best.place, "probability": top[0].probability, "top": tuple(top[:top_k])}
        answer = replace(recalled, **chosen, written_probability=math.exp(best.written))
        if is_guess:
            return replace(answer, tag_score=max((span.tags for span in spans), default=-math.inf))
        others = [span.written for span in spans if span.place != best.place]
        start, end = best.span
        tokens = zip(sentence.logs, self.model.vocabulary.spans(sentence.ids), strict=False)
        return replace(
            answer,
            prefix_probability=math.exp(sum(log for log, (first, _) in tokens if first < end)),
            span=(len(name) + start, len(name) + end),
            lead=best.written - max(others, default=-math.inf),
            tag_score=best.tags,
            is_stated=best.tags > STATED,
        )


def answer_all(
    model: GPT, names: Sequence[str], sentences: Sequence[RecalledSentence], top_k: int, places: Sequence[str] = ()
) -> list[Prediction]:
    """The answer to each question, read with its recalled sentence; places: as of `EncodedRecall.answer`."""
    encoded = EncodedRecall(model, names, sentences)
    return [encoded.answer(row, top_k, places) for row in range(len(names))]
