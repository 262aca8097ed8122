"""The Few-shot tab's result as HTML: the answers side by side, then the prompt as a table of its demonstrations.

The macros of `cards.html` write it; `cards.js` has its buttons and the answers in it that can be written over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from markupsafe import Markup
from pydantic import TypeAdapter

from a3core.common.paths import ASSETS
from a3core.fewshot.answering import Answered, Asked, Effects, LeftOut
from a3core.fewshot.pools import Pool
from a3core.fewshot.prompt import BuiltPrompt
from a3core.ui.shared import screen
from a3core.ui.shared.html import load_macros, read_template

MOST_NOTE = 1000  # characters of one note: a leak quotes questions in full
SCRIPT = read_template(__file__, "cards.js")
EXAMPLE = ASSETS / "fewshot_example.json"  # by assets/make_fewshot_example.py


def load_example() -> Asked:
    """The shipped answers that the tab opens on. Raises ValueError for a broken file."""
    return TypeAdapter(Asked).validate_python(json.loads(EXAMPLE.read_text(encoding="utf-8")))


def format_share(nats: float) -> str:
    """A log-probability in nats as a percentage: "18 %", "1.4 %", "<0.01 %"."""
    percent = 100 * math.exp(nats)
    if percent < 0.01:
        return "<0.01 %"
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


CARDS = load_macros(__file__, "cards.html", share=format_share)


def render_asked(
    asked: Asked, left_out: LeftOut | None = None, swap: bool = False, effects: Effects | None = None
) -> Markup:
    """Title, answers and prompt; `left_out` or `effects` are one more column of the prompt.

    left_out: the answers without each demonstration, those that differ marked; with `swap` its answer was swapped.
    effects: bars of nats in the order of the prompt, both signs, and the noise of rounding in words.
    """
    status = screen.render_status(f"{asked.model} · answered in {asked.seconds:.1f} s")
    title = screen.render_title(asked.question, links=CARDS.links(status, asked.prompt))
    return CARDS.result(title, asked, left_out, swap, effects)


def render_answers(answers: Sequence[Answered], title: str) -> Markup:
    """A card an answer, the chosen one last: the share of the right answer, its nats on hover."""
    return CARDS.answers(title, answers)


def render_notes(built: BuiltPrompt, pool: Pool) -> Markup:
    """The prompt's demonstrations, tokens and pool, and its notes."""
    return CARDS.notes(built, pool, MOST_NOTE)
