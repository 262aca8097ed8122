"""Answers side by side: several prompts to one question, or several decodings of one prompt, scored if gold is known.

answered = answer_prompts(model, {"zero-shot": "Question: ...", "nearest": "..."}, Decoding(), gold=["Danube"])
for answered in answer_decodings(model, prompt, [Decoding("greedy"), Decoding("beam")], gold=["Danube"]): ...
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from a3core.fewshot.scoring import Score, score_answer
from a3core.llm.decoding import Decoding, TextModel


class Answered(NamedTuple):
    """The answer to one prompt or by one decoding, with its scores."""

    name: str  # of the selection or the decoding
    answer: str
    score: Score | None  # None where gold is not known
    log_probability: float | None  # of the gold answer after the prompt, in nats
    seconds: float  # of generation; prompts that ran together share them equally


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
    return [score_text(name, text, gold, log_probability, seconds) for name, (text, *_), log_probability in rows]


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
    name: str, text: str, gold: Sequence[str], log_probability: float | None = None, seconds: float = 0.0
) -> Answered:
    """An answer with its scores."""
    answer = text.strip()
    return Answered(name, answer, score_answer(answer, gold) if gold else None, log_probability, seconds)


def score_gold(
    model: TextModel, prompts: Sequence[str], gold: Sequence[str], cancel: threading.Event | None = None
) -> list[float | None]:
    """log p(first gold answer | prompt) in nats for each prompt; None without gold, or where a model has none."""
    if not gold or not getattr(model, "tells_log_probability", False):
        return [None] * len(prompts)
    continuations = [continue_with(prompt, gold[0]) for prompt in prompts]
    return list(model.log_probability(prompts, continuations, cancel=cancel))


def continue_with(prompt: str, answer: str) -> str:
    """The answer as it would follow the prompt: after a space, unless the prompt ends in one."""
    return answer if prompt[-1:].isspace() else f" {answer}"
