"""The report that the section opens on before anybody has labelled: of the shipped run, with labels of a program.

    python -m assets.make_report_example              report_example.html

Its answers are labelled by the rule; whether an explanation is correct follows the answer, but for one in ten that a
seeded draw turns round, and whether it convinces follows the explanation, but for one in five. It shows the page, and
measures nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from a3core.common.atomic_io import atomic_write
from a3core.common.paths import ASSETS
from a3core.grader.answers.extraction import suggest_label
from a3core.grader.labels.schema import (
    ANSWER,
    CONVINCING,
    CORRECT,
    DEFAULT_SCHEMA,
    EXPLANATION,
    FLAWED,
    NO,
    WRONG,
    YES,
)
from a3core.grader.report.build import build_report
from a3core.grader.runs.generation import load_run
from a3core.grader.runs.responses import Label, Response
from a3core.ui.grader.report import EXAMPLE, render_board

RUN, SEED = "cot_run", 0
NAME = "example"
ORIGIN = (
    "A program drew these labels, to show what a report holds: they measure nothing. The run chosen here has no labels "
    "yet; with the first one, its own report takes this place."
)


def build_example() -> Markup:
    """The board of the shipped run under drawn labels, as the code gives it today."""
    run = load_run(ASSETS / RUN)
    report = build_report(run.responses, list(draw_labels(run.responses, SEED)), DEFAULT_SCHEMA)
    return render_board(report, run.name, [], example=ORIGIN)


def draw_labels(responses: Sequence[Response], seed: int) -> Iterator[Label]:
    """Labels of all responses, the same for a seed."""
    rng = random.Random(seed)
    for response in responses:
        suggestion = suggest_label(response)
        answer = suggestion.value if suggestion else WRONG
        yield Label(response.id, NAME, ANSWER, answer)
        if response.explained:
            is_correct = (answer == CORRECT) != (rng.random() < 0.1)
            convinces = is_correct != (rng.random() < 0.2)
            yield Label(response.id, NAME, EXPLANATION, CORRECT if is_correct else FLAWED)
            yield Label(response.id, NAME, CONVINCING, YES if convinces else NO)


if __name__ == "__main__":
    with atomic_write(EXAMPLE) as partial:
        partial.write_text(build_example(), encoding="utf-8")
