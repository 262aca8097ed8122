"""The finished example that the Few-shot tab opens on, as the packaged model answers it, so that none is loaded.

python -m assets.make_fewshot_example         writes assets/fewshot_example.json anew
"""

from __future__ import annotations

import json
from dataclasses import asdict

from a3core.common.atomic_io import atomic_write
from a3core.fewshot.answering import Asked, ask_in_steps
from a3core.fewshot.pools import BUILTIN_VALIDATION
from a3core.fewshot.service import FewShot
from a3core.ui.fewshot.cards import EXAMPLE

QUESTION = "What do doctors call the shoulder blade?"


def build_example() -> Asked:
    """As the packaged model answers it today."""
    fewshot = FewShot()
    (row,) = [row for row in fewshot.questions(BUILTIN_VALIDATION).rows if row.question == QUESTION]
    for _ in range(2):  # the second time is as fast as a visitor's question
        *_, asked = ask_in_steps(fewshot.pool(), fewshot.model(), QUESTION, row.gold)
    return asked


def save_example(asked: Asked) -> None:
    """Writes what `cards.load_example` reads."""
    with atomic_write(EXAMPLE) as partial:
        partial.write_text(json.dumps(asdict(asked), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    save_example(build_example())
