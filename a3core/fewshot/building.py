"""From a question to its prompt: demonstrations chosen, answers changed by hand, what does not fit dropped, with notes.

built = build_prompt(retriever, "Which river flows through Vienna?", model, Selection("nearest", k=8))
print(built.prompt.text)
print(*built.notes, sep="\\n")                       fewer than k, left out as leaks, dropped for the budget
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from a3core.fewshot.prompt import Prompt, PromptPair, fit_prompt
from a3core.fewshot.retrieval import Chosen, Neighbour, Retriever, Selection
from a3core.fewshot.scoring import is_same_answer
from a3core.llm.decoding import TextModel
from a3core.llm.prompts import Template


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

    @property
    def nearest_first(self) -> list[tuple[Neighbour, PromptPair, int | None, bool]]:
        """(neighbour, its pair in the prompt, its tokens, whether it is in the prompt), as the method ranked them."""
        included = set(self.prompt.included)
        rows = zip(self.chosen.neighbours, self.pairs, self.tokens, range(len(self.pairs)), strict=True)
        rows_by_rank = [(neighbour, pair, tokens, i in included) for neighbour, pair, tokens, i in rows]
        return sorted(rows_by_rank, key=lambda row: row[0].rank)

    def to_json(self) -> dict[str, Any]:
        """{prompt, demonstrations, tokens, window, left_out, notes}; demonstrations as the method ranked them."""
        demonstrations = [
            {
                "question": pair.question,
                "answer": pair.answer,
                "similarity": round(neighbour.similarity, 4),
                "subject": neighbour.demonstration.subject,
                "tokens": tokens,
                "in_prompt": included,
            }
            for neighbour, pair, tokens, included in self.nearest_first
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
    prompt = fit_prompt(pairs, chosen.question, model.count_tokens, limit, template, ranks=chosen.ranks)
    template = template or Template()
    tokens = [model.count_tokens(template.separator + template.render(*pair)) for pair in pairs]
    sight = tuple(i for i in prompt.included if is_same_answer(pairs[i].answer, gold))
    return BuiltPrompt(chosen, prompt, tuple(pairs), tuple(tokens), model.window, sight)
