"""Answers side by side: several prompts to one question, or several decodings of one prompt, scored if gold is known.

*_, asked = ask_in_steps(retriever, model, "Which river flows through Vienna?", ["Danube"], Selection("nearest", k=8))
asked.answers[-1]                                   by the chosen demonstrations; zero-shot and random before it
asked.rows                                          the demonstrations of that prompt, in its order

answered = answer_prompts(model, {"zero-shot": "Question: ...", "nearest": "..."}, Decoding(), gold=["Danube"])
for answered in answer_decodings(model, prompt, [Decoding("greedy"), Decoding("beam")], gold=["Danube"]): ...
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from a3core.fewshot.prompt import PromptPair, build_prompt, render_prompt
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.fewshot.scoring import Score, score_answer
from a3core.llm.decoding import Decoding, TextModel
from a3core.llm.prompts import Template

NO_SCORES = "Log-probabilities are left out: the server gives none of a given text."
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
    model: TextModel, prompts: Mapping[str, str], decoding: Decoding, gold: Sequence[str] = ()
) -> list[Answered]:
    """Answers to prompts that are run as one batch. Raises ValueError as the model's `generate`."""
    start = time.monotonic()
    answers = model.generate(list(prompts.values()), decoding)
    seconds = (time.monotonic() - start) / len(prompts)
    likely = score_gold(model, list(prompts.values()), gold)
    rows = zip(prompts, answers, likely, strict=True)
    return [score_text(name, text, gold, scores, seconds) for name, (text, *_), scores in rows]


def answer_decodings(
    model: TextModel, prompt: str, decodings: Sequence[Decoding], gold: Sequence[str] = ()
) -> Iterator[Answered]:
    """One answer after the other to the same prompt."""
    (likely,) = score_gold(model, [prompt], gold)
    for decoding in decodings:
        start = time.monotonic()
        ((text,),) = model.generate([prompt], decoding)
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


def score_gold(model: TextModel, prompts: Sequence[str], gold: Sequence[str]) -> list[dict[str, float]]:
    """log p(gold answer | prompt) in nats for each prompt, of each of the first MOST_ALIASES gold answers.

    {} without gold, or where a model has no log-probabilities.
    """
    aliases = list(dict.fromkeys(gold))[:MOST_ALIASES]
    if not aliases or not getattr(model, "tells_log_probability", False):
        return [{} for _ in prompts]
    pairs = [(prompt, continue_with(prompt, alias)) for prompt in prompts for alias in aliases]
    found = iter(model.log_probability(*zip(*pairs, strict=True)))
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


def ask_in_steps(
    retriever: Retriever,
    model: TextModel,
    question: str,
    gold: Sequence[str] = (),
    selection: Selection | None = None,
    decoding: Decoding | None = None,
    template: Template | None = None,
    **options,
) -> Iterator[Asked | None]:
    """Zero-shot, then random (nearest, if the chosen method is random), then the chosen demonstrations, in one batch.

    None comes when the prompts are built, so that who stops then has nothing answered. `options` are those of
    `build_prompt`. With k = 0 there is the zero-shot prompt alone. Raises ValueError.
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
    yield None
    answers = answer_prompts(model, prompts, decoding, gold)
    rows = []
    for i in built[-1].prompt.included:
        neighbour, pair = built[-1].chosen.neighbours[i], built[-1].pairs[i]._asdict()
        row_id, in_sight = neighbour.demonstration.id, i in built[-1].in_sight
        rows.append(PromptRow(id=row_id, similarity=neighbour.similarity, in_sight=in_sight, **pair))
    is_unscored = gold and not getattr(model, "tells_log_probability", True)  # it is a server's
    yield Asked(
        question=built[-1].chosen.question,
        gold=tuple(gold),
        model=model.name,
        prompt=built[-1].prompt.text,
        template=template,
        rows=tuple(rows),
        tokens=built[-1].prompt.tokens,
        window=built[-1].window,
        notes=(*built[-1].notes, *retriever.pool.notes, *([NO_SCORES] if is_unscored else [])),
        answers=tuple(answers),
        seconds=time.monotonic() - start,
    )


# Without each one

MOST_LEFT_OUT = 9  # with the prompt itself, the cost of ten answers


@dataclass(frozen=True)
class LeftOut:
    """What becomes of the answer when each demonstration is left out, or has the answer of another one."""

    with_all: str  # greedily, in the same batch
    answers: tuple[str | None, ...]  # a row of the prompt each; None: more than MOST_LEFT_OUT from the end

    @property
    def n_changed(self) -> int:
        """How many of the answers are another than with all demonstrations."""
        return sum(answer not in (None, self.with_all) for answer in self.answers)


def render_without(asked: Asked, left_out: int | None = None, swap: bool = False) -> str:
    """The prompt without one of its rows; with `swap` that row has the answer of the next one instead."""
    pairs = [PromptPair(row.question, row.answer) for row in asked.rows]
    if swap and left_out is not None:
        pairs[left_out] = pairs[left_out]._replace(answer=asked.rows[(left_out + 1) % len(pairs)].answer)
    elif left_out is not None:
        del pairs[left_out]
    return render_prompt(pairs, asked.question, asked.template)


def leave_each_out(model: TextModel, asked: Asked, swap: bool = False) -> LeftOut:
    """The greedy answers without each of the last demonstrations, in one batch. Raises ValueError if there is none."""
    if len(asked.rows) < (2 if swap else 1):
        raise ValueError("The prompt has too few demonstrations for that: choose a larger k.")
    positions = range(len(asked.rows))[-MOST_LEFT_OUT:]
    prompts = [render_without(asked), *(render_without(asked, i, swap) for i in positions)]
    with_all, *others = (text.strip() for (text,) in model.generate(prompts, Decoding()))
    return LeftOut(with_all, (None,) * (len(asked.rows) - len(others)) + tuple(others))


@dataclass(frozen=True)
class Effects:
    """What each demonstration adds to log p(canonical answer), in nats. They overlap: the sum is not the total."""

    with_all: float  # log p
    without_any: float
    each: tuple[float, ...]  # log p with all, less that without the row
    noise: float | None  # by how much rounding moved log p of the same prompt in the answer that is measured


def measure_each(model: TextModel, asked: Asked) -> Effects:
    """`model` should compute in float32: bfloat16 moves an effect as much as most of them are.

    Raises ValueError without a right answer, a demonstration, or a model's log-probabilities.
    """
    if not asked.gold or not asked.rows:
        raise ValueError("Type a right answer, and ask with one demonstration or more: their effect on it is measured.")
    zero_shot = render_prompt([], asked.question, asked.template)
    prompts = [render_without(asked), zero_shot, *(render_without(asked, i) for i in range(len(asked.rows)))]
    scores = model.log_probability(prompts, [continue_with(prompt, asked.gold[0]) for prompt in prompts])
    with_all, without_any, *without = scores
    rounded = asked.answers[-1].log_probability
    noise = None if rounded is None else abs(rounded - with_all)
    return Effects(with_all, without_any, tuple(with_all - score for score in without), noise)
