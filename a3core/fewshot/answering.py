"""Answers side by side: several prompts to one question, or several decodings of one prompt, scored if gold is known.

asked = ask(retriever, model, "Which river flows through Vienna?", ["Danube"], Selection("nearest", k=8))
asked.answers[-1]                                   by the chosen demonstrations; zero-shot and random before it
asked.rows                                          the demonstrations of that prompt, in its order

answered = answer_prompts(model, {"zero-shot": "Question: ...", "nearest": "..."}, Decoding(), gold=["Danube"])
for answered in answer_decodings(model, prompt, [Decoding("greedy"), Decoding("beam")], gold=["Danube"]): ...
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from a3core.fewshot.building import BuiltPrompt, build_prompt
from a3core.fewshot.prompt import render_prompt
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.fewshot.scoring import Score, score_answer
from a3core.llm.decoding import Decoding, TextModel
from a3core.llm.prompts import Template

MOST_ALIASES = 24  # whose log-probability is taken: the canonical answer and those behind it


class Answered(NamedTuple):
    """The answer to one prompt or by one decoding, with its scores."""

    name: str  # of the selection or the decoding
    answer: str
    score: Score | None  # None where gold is not known
    log_probability: float | None  # of the canonical answer, the first gold one, after the prompt, in nats
    seconds: float  # of generation; prompts that ran together share them equally
    best_alias: str | None = None  # the likeliest of several gold answers
    best_log_probability: float | None = None


def parse_gold(text: str) -> list[str]:
    """Gold answers as a person writes them: one a line, or with "|" between them; [] where none is known."""
    parts = [" ".join(part.split()) for line in text.splitlines() for part in line.split("|")]
    return [part for part in parts if part]


def answer_prompts(
    model: TextModel,
    prompts: Mapping[str, str],
    decoding: Decoding,
    gold: Sequence[str] = (),
    cancel: threading.Event | None = None,
) -> list[Answered]:
    """Answers to prompts that are run as one batch. Raises ValueError and Cancelled as the model's `generate`."""
    start = time.monotonic()
    answers = model.generate(list(prompts.values()), decoding, cancel=cancel)
    seconds = (time.monotonic() - start) / len(prompts)
    likely = score_gold(model, list(prompts.values()), gold, cancel)
    rows = zip(prompts, answers, likely, strict=True)
    return [score_text(name, text, gold, scores, seconds) for name, (text, *_), scores in rows]


def answer_decodings(
    model: TextModel,
    prompt: str,
    decodings: Sequence[Decoding],
    gold: Sequence[str] = (),
    cancel: threading.Event | None = None,
) -> Iterator[Answered]:
    """One answer after the other to the same prompt."""
    (likely,) = score_gold(model, [prompt], gold, cancel)
    for decoding in decodings:
        start = time.monotonic()
        ((text,),) = model.generate([prompt], decoding, cancel=cancel)
        yield score_text(decoding.method, text, gold, likely, time.monotonic() - start)


def score_text(
    name: str, text: str, gold: Sequence[str], scores: Mapping[str, float] | None = None, seconds: float = 0.0
) -> Answered:
    """An answer with its scores; `scores` are what `score_gold` gives for its prompt."""
    answer, score = text.strip(), score_answer(text.strip(), gold) if gold else None
    if not scores:
        return Answered(name, answer, score, None, seconds)
    best = max(scores, key=scores.get)
    return Answered(name, answer, score, scores[gold[0]], seconds, best, scores[best])


def score_gold(
    model: TextModel, prompts: Sequence[str], gold: Sequence[str], cancel: threading.Event | None = None
) -> list[dict[str, float]]:
    """log p(gold answer | prompt) in nats for each prompt, of each of the first MOST_ALIASES gold answers.

    {} without gold, or where a model has no log-probabilities.
    """
    aliases = list(dict.fromkeys(gold))[:MOST_ALIASES]
    if not aliases or not getattr(model, "tells_log_probability", False):
        return [{} for _ in prompts]
    pairs = [(prompt, continue_with(prompt, alias)) for prompt in prompts for alias in aliases]
    found = iter(model.log_probability(*zip(*pairs, strict=True), cancel=cancel))
    return [{alias: next(found) for alias in aliases} for _ in prompts]


def continue_with(prompt: str, answer: str) -> str:
    """The answer as it would follow the prompt: after a space, unless the prompt ends in one."""
    return answer if prompt[-1:].isspace() else f" {answer}"


@dataclass(frozen=True)
class PromptRow:
    """A demonstration as the prompt has it."""

    id: str
    question: str
    answer: str
    similarity: float  # cosine to the question
    in_sight: bool = False  # its answer is one of the right answers to the question


@dataclass(frozen=True)
class Asked:
    """The answers to a question, and the prompt of the last one."""

    question: str
    gold: tuple[str, ...]  # the canonical answer first; () where none is known
    model: str
    prompt: str
    template: Template
    rows: tuple[PromptRow, ...]  # in the order of the prompt
    tokens: int | None
    window: int | None
    notes: tuple[str, ...]
    answers: tuple[Answered, ...]
    seconds: float  # for all of it


def ask(
    retriever: Retriever,
    model: TextModel,
    question: str,
    gold: Sequence[str] = (),
    selection: Selection | None = None,
    decoding: Decoding | None = None,
    template: Template | None = None,
    **options,
) -> Asked:
    """Zero-shot, then random (nearest, if the chosen method is random), then the chosen demonstrations, in one batch.

    `options` are those of `build_prompt`. With k = 0 there is the zero-shot prompt alone. Raises ValueError.
    """
    start, template = time.monotonic(), template or Template()
    selection, decoding = selection or Selection(), decoding or Decoding()
    methods = ("nearest" if selection.method == "random" else "random", selection.method)
    options = {"template": template, "new_tokens": decoding.max_new_tokens, "gold": gold} | options
    built = [build_prompt(retriever, question, model, replace(selection, method=m), **options) for m in methods]
    prompts = {"zero-shot": render_prompt([], built[-1].chosen.question, template)}
    if selection.k:
        names = [f"{m}, k = {len(b.prompt.included)}" for m, b in zip(methods, built, strict=True)]
        prompts |= {name: b.prompt.text for name, b in zip(names, built, strict=True)}
    answers = answer_prompts(model, prompts, decoding, gold)
    return Asked(
        question=built[-1].chosen.question,
        gold=tuple(gold),
        model=model.name,
        prompt=built[-1].prompt.text,
        template=template,
        rows=list_rows(built[-1]),
        tokens=built[-1].prompt.tokens,
        window=built[-1].window,
        notes=(*built[-1].notes, *retriever.pool.notes),
        answers=tuple(answers),
        seconds=time.monotonic() - start,
    )


def list_rows(built: BuiltPrompt) -> tuple[PromptRow, ...]:
    """The demonstrations that are in the prompt, in its order."""
    return tuple(
        PromptRow(
            id=built.chosen.neighbours[i].demonstration.id,
            question=built.pairs[i].question,
            answer=built.pairs[i].answer,
            similarity=built.chosen.neighbours[i].similarity,
            in_sight=i in built.in_sight,
        )
        for i in built.prompt.included
    )
