"""The prompt: demonstrations and the query rendered by one pure function, and cut to a budget of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from a3core.llm.prompts import Template

MOST_DEMONSTRATIONS = 32


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
