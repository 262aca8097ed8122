"""The Few-shot tab's answers as HTML, and its neighbours as a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd

from a3core.fewshot.answering import Answered
from a3core.fewshot.building import BuiltPrompt
from a3core.fewshot.pools import Pool

NEIGHBOUR_COLUMNS = ["rank", "cosine", "question", "answer shown", "tokens", "subject", "in the prompt", "id"]
ANSWER_COLUMN, ID_COLUMN = NEIGHBOUR_COLUMNS.index("answer shown"), NEIGHBOUR_COLUMNS.index("id")
MOST_NOTE = 1000  # characters of one note: a leak quotes questions in full


def tabulate_neighbours(built: BuiltPrompt) -> pd.DataFrame:
    """One row a demonstration, as the method ranked them."""
    rows = [
        (
            neighbour.rank + 1,
            round(neighbour.similarity, 3),
            pair.question,
            pair.answer,
            tokens,
            neighbour.demonstration.subject or "",
            "yes" if included else "dropped",
            neighbour.demonstration.id,
        )
        for neighbour, pair, tokens, included in built.nearest_first
    ]
    return pd.DataFrame(rows, columns=NEIGHBOUR_COLUMNS)


def render_notes(built: BuiltPrompt, pool: Pool) -> str:
    """The prompt's demonstrations, tokens and pool, and its notes; all text is escaped."""
    included, tokens = len(built.prompt.included), built.prompt.tokens
    counted = "tokens unknown to a server's client" if tokens is None else f"{tokens:,} tokens"
    window = "" if built.window is None else f" of the model's {built.window:,}"
    source = f"{escape(pool.name)} ({len(pool):,})"
    head = f"<p><strong>{included} demonstrations, {counted}</strong>{window}, from {source}.</p>"
    warned = [f'<p class="a3-warning" role="note">{escape(note[:MOST_NOTE])}</p>' for note in built.notes]
    return head + "".join(warned) + "".join(f"<p>{escape(note)}</p>" for note in pool.notes)


def render_answers(answers: Sequence[Answered], title: str) -> str:
    """A card an answer; all text is escaped, for a model or a visitor wrote it."""
    cards = "".join(render_answer(answered) for answered in answers)
    return f'<section aria-label="{escape(title)}"><div class="a3-cards">{cards}</div></section>'


def render_answer(answered: Answered) -> str:
    """One answer as a card, with its score where gold is known."""
    gold = answered.log_probability
    likely = "" if gold is None else f" · log-probability of the gold answer {gold:.1f}"
    return (
        f'<article class="a3-card"><h4>{escape(answered.name)}</h4>'
        f'<p class="a3-place">{escape(answered.answer) or "(nothing)"} {_render_score(answered)}</p>'
        f"<p>{answered.seconds:.1f} s{likely}</p></article>"
    )


def _render_score(answered: Answered) -> str:
    if answered.score is None:
        return ""
    if answered.score.exact_match:
        return '<span class="a3-right">✓ exact match</span>'
    return f'<span class="a3-wrong">✗ F1 {answered.score.f1:.2f}</span>'
