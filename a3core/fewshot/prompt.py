"""The prompt: demonstrations and the query rendered by one pure function, and cut to a budget of tokens.

built = build_prompt(retriever, "Which river flows through Vienna?", model, Selection("nearest", k=8))
print(built.prompt.text)
print(*built.notes, sep="\\n")                       fewer than k, left out as leaks, dropped for the budget
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from a3core.fewshot.retrieval import MOST_DEMONSTRATIONS, Chosen, Retriever, Selection
from a3core.fewshot.scoring import is_same_answer
from a3core.llm.decoding import TextModel
from a3core.llm.prompts import Template


class PromptPair(NamedTuple):
    """A question and the one answer that the prompt gives to it."""

    question: str
    answer: str


def render_prompt(demonstrations: Sequence[PromptPair], question: str, template: Template | None = None) -> str:
    """The prompt: `demonstrations` in this order, then `question` without its answer. A pure function.

    `a3core.llm.prompts` gives the reason for every space of it.
    With no demonstrations it is the query alone: the zero-shot prompt, in the same words.
    """
    template = template or Template()
    pairs = [template.render(pair.question, pair.answer) for pair in demonstrations]
    return template.separator.join([*pairs, template.render(question, None)])


@dataclass(frozen=True)
class Prompt:
    """A prompt within its budget, and what had to go."""

    text: str
    tokens: int | None  # None where the tokenizer is a server's
    included: tuple[int, ...]  # positions in the demonstrations that were offered, in the order of the prompt
    dropped: tuple[int, ...] = ()  # positions left out for the budget, the farthest first
    notes: tuple[str, ...] = ()  # for the reader: what was dropped, and why


def fit_prompt(
    demonstrations: Sequence[PromptPair],
    question: str,
    count_tokens: Callable[[str], int | None],
    budget: int | None = None,
    template: Template | None = None,
    ranks: Sequence[int] | None = None,
) -> Prompt:
    """The prompt within `budget` tokens (None: no limit), dropping the farthest demonstration first, one by one.

    `ranks` are by nearness, 0 the nearest; by default the last is the nearest, as in the prompt.
    Raises ValueError for an empty question, more than 32 demonstrations, or a question that alone is over the budget.
    """
    if not question.strip():
        raise ValueError("The question is empty.")
    offered = len(demonstrations)
    if offered > MOST_DEMONSTRATIONS:
        raise ValueError(f"{offered} demonstrations are too many: k goes from 0 to {MOST_DEMONSTRATIONS}.")
    ranks = list(range(offered))[::-1] if ranks is None else list(ranks)
    included, dropped, notes = list(range(offered)), [], ()
    while True:
        text = render_prompt([demonstrations[i] for i in included], question, template)
        tokens = count_tokens(text)
        if budget is None or tokens is None or tokens <= budget:
            return Prompt(text, tokens, tuple(included), tuple(dropped), notes)
        if not included:
            raise ValueError(f"The question alone takes {tokens:,} tokens, more than the budget of {budget:,}.")
        dropped.append(max(included, key=lambda i: ranks[i]))
        included.remove(dropped[-1])
        left_out = f"The {len(dropped)} farthest of {offered} demonstrations are left out"
        notes = (f"{left_out}: the budget is {budget:,} tokens.",)


# From a question to its prompt


@dataclass(frozen=True)
class BuiltPrompt:
    """The prompt to a question, and where it came from."""

    chosen: Chosen
    prompt: Prompt
    pairs: tuple[PromptPair, ...]  # question and answer of each neighbour, in the order of the prompt
    tokens: tuple[int | None, ...]  # of each neighbour, as it is written in the prompt
    window: int | None  # of the model
    in_sight: tuple[int, ...] = ()  # positions of the neighbours in the prompt whose answer is a gold answer

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader: fewer than k, leaks, what was dropped for the budget, the answer in sight."""
        n = len(self.in_sight)
        sight = f"{n} of the demonstrations have a right answer to the question as their own: it is in sight."
        return (*self.chosen.notes, *self.prompt.notes, *([sight] if n else []))

    def to_json(self) -> dict[str, Any]:
        """{prompt, demonstrations, tokens, window, left_out, notes}; demonstrations as the method ranked them."""
        rows = zip(self.chosen.neighbours, self.pairs, self.tokens, range(len(self.pairs)), strict=True)
        demonstrations = [
            {
                "question": pair.question,
                "answer": pair.answer,
                "similarity": round(neighbour.similarity, 4),
                "subject": neighbour.demonstration.subject,
                "tokens": tokens,
                "in_prompt": i in self.prompt.included,
            }
            for neighbour, pair, tokens, i in sorted(rows, key=lambda row: row[0].rank)
        ]
        left_out = [{"question": leak.question, "reason": leak.reason} for leak in self.chosen.left_out]
        payload = {"prompt": self.prompt.text, "demonstrations": demonstrations, "tokens": self.prompt.tokens}
        return payload | {"window": self.window, "left_out": left_out, "notes": list(self.notes)}


def build_prompt(
    retriever: Retriever,
    question: str,
    model: TextModel,
    selection: Selection | None = None,
    template: Template | None = None,
    *,
    budget: int | None = None,
    new_tokens: int = 24,
    answers: Mapping[str, str] | None = None,
    gold: Sequence[str] = (),
    query_embedding: np.ndarray | None = None,
) -> BuiltPrompt:
    """The prompt to `question` within `budget` tokens (None: the model's window, less `new_tokens` for the answer).

    `answers` are, by demonstration id, what the prompt shows instead of the canonical answer. `gold` are the right
    answers to `question`, if they are known. `query_embedding` (D,) spares computing it. Raises ValueError for a bad
    question, and where the question alone is over the budget.
    """
    chosen = retriever.select(question, selection, query_embedding, gold)
    changed, rows = answers or {}, [neighbour.demonstration for neighbour in chosen.neighbours]
    pairs = [PromptPair(row.question, changed.get(row.id) or row.answer) for row in rows]
    window = None if model.window is None else model.window - new_tokens
    limit = min((limit for limit in (budget, window) if limit is not None), default=None)
    ranks = [neighbour.rank for neighbour in chosen.neighbours]  # which one goes first when the budget is short
    prompt = fit_prompt(pairs, chosen.question, model.count_tokens, limit, template, ranks)
    template = template or Template()
    tokens = [model.count_tokens(template.separator + template.render(*pair)) for pair in pairs]
    sight = tuple(i for i in prompt.included if is_same_answer(pairs[i].answer, gold))
    return BuiltPrompt(chosen, prompt, tuple(pairs), tuple(tokens), model.window, sight)
