"""The prompt: demonstrations and the query rendered by one pure function, and cut to a budget of tokens.

Question: Which river flows through Vienna?
Answer: Danube
<blank line>
Question: Which river flows through Budapest?
Answer:                                          <- no space here; the model writes it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

QUESTION, ANSWER = "{question}", "{answer}"
MOST_DEMONSTRATIONS = 32


class Shown(NamedTuple):
    """A question and the one answer that the prompt gives to it."""

    question: str
    answer: str


@dataclass(frozen=True)
class Template:
    """How a demonstration is written, and what stands between two. Raises ValueError that says which field is wrong."""

    text: str = "Question: {question}\nAnswer: {answer}"
    separator: str = "\n\n"

    def __post_init__(self):
        for name in (QUESTION, ANSWER):
            if (count := self.text.count(name)) != 1:
                raise ValueError(f"The template needs {name} exactly once; it has it {count or 'no'} times.")
        if self.text.index(QUESTION) > self.text.index(ANSWER):
            raise ValueError(f"In the template {QUESTION} stands before {ANSWER}: the model is asked, then answers.")

    def render(self, question: str, answer: str | None) -> str:
        """A demonstration; with None for the answer the query, which ends where the model goes on."""
        before, _, rest = self.text.partition(QUESTION)
        between, _, after = rest.partition(ANSWER)
        if answer is None:
            return (before + " ".join(question.split()) + between).rstrip(" \t")
        return before + " ".join(question.split()) + between + " ".join(answer.split()) + after


def render_prompt(demonstrations: Sequence[Shown], question: str, template: Template | None = None) -> str:
    """The prompt: `demonstrations` in this order, then `question` without its answer. A pure function.

    Every space of the default template, "Question: {question}\\nAnswer: {answer}" joined by "\\n\\n":
    - "Question:" and "Answer:", a space behind each colon: base models read such pairs in their training text by the
      million, and their tokenizers keep the space with the word that follows ("▁Paris" is one token).
    - The prompt ends with "Answer:" and no space. With one, the space would be a token of its own, after which the
      tokens that begin with a space, which are nearly all that begin an answer, can no longer come.
    - One newline between question and answer: the two lines of a pair belong together. It is also the stop: an answer
      is one line, so the text generated is cut at its first newline.
    - A blank line between pairs, which makes the end of an answer "\\n\\n", different from the end of a question "\\n":
      the model cannot take "Answer: Danube" for the beginning of a pair that goes on.
    - Runs of white space inside a question or an answer become one space each, and there is none around them: a
      newline in a question would end the pair, and a stray space would teach the model to write stray spaces.
    - Nothing before the first pair: the tokenizer puts the start token there itself.
    With no demonstrations it is the query alone: the zero-shot prompt, in the same words.
    """
    template = template or Template()
    pairs = [template.render(shown.question, shown.answer) for shown in demonstrations]
    return template.separator.join([*pairs, template.render(question, None)])


@dataclass(frozen=True)
class Prompt:
    """A prompt within its budget, and what had to go."""

    text: str
    tokens: int | None  # None where the model does not tell
    kept: tuple[int, ...]  # positions in the demonstrations that were offered, in the order of the prompt
    dropped: tuple[int, ...] = ()  # positions that the budget had no room for, the farthest first
    notes: tuple[str, ...] = field(default=())  # for the reader: what was dropped, and why


def fit_prompt(
    demonstrations: Sequence[Shown],
    question: str,
    count_tokens: Callable[[str], int | None],
    budget: int | None = None,
    template: Template | None = None,
    ranks: Sequence[int] | None = None,
) -> Prompt:
    """The prompt within `budget` tokens (None: no limit), dropping the farthest demonstration first, one by one.

    `ranks` says how near each demonstration is, 0 the nearest; by default the last is the nearest, as in the prompt.
    Raises ValueError for an empty question, more than 32 demonstrations, or a question that alone is over the budget.
    """
    _check(demonstrations, question)
    ranks = list(range(len(demonstrations)))[::-1] if ranks is None else list(ranks)
    kept, dropped = list(range(len(demonstrations))), []
    while True:
        text = render_prompt([demonstrations[i] for i in kept], question, template)
        tokens = count_tokens(text)
        if budget is None or tokens is None or tokens <= budget:
            return Prompt(text, tokens, tuple(kept), tuple(dropped), _notes(dropped, len(demonstrations), budget))
        if not kept:
            raise ValueError(f"The question alone takes {tokens:,} tokens, more than the budget of {budget:,}.")
        dropped.append(max(kept, key=lambda i: ranks[i]))
        kept.remove(dropped[-1])


def _check(demonstrations: Sequence[Shown], question: str) -> None:
    if not question.strip():
        raise ValueError("The question is empty.")
    if len(demonstrations) > MOST_DEMONSTRATIONS:
        raise ValueError(f"{len(demonstrations)} demonstrations are too many: k goes from 0 to {MOST_DEMONSTRATIONS}.")


def _notes(dropped: list[int], offered: int, budget: int | None) -> tuple[str, ...]:
    if not dropped:
        return ()
    return (f"The {len(dropped)} farthest of {offered} demonstrations are left out: the budget is {budget:,} tokens.",)
