"""The head of a report as one screen: the three sentences as cards, and two pictures; every number can be opened.

render_board(everything.report, "gemma-3-270m, five tasks", ["ann", "bo"])      markup
find_ids(everything.report, ["cell", True, False])                              the responses behind a number of it
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from a3core.grader.report.assignment import build_assignment_table
from a3core.grader.report.build import Report
from a3core.grader.report.measures import ACCURACY, CONVINCES, EXPLAINED, ONE_TO_ONE, UNCONVINCING
from a3core.ui.shared.html import ENVIRONMENT, read_template, render

CARDS = ((ONE_TO_ONE, "Answer and explanation agree"), (EXPLAINED, "Explanation correct"))
CARDS += ((UNCONVINCING, "Right answer, unconvincing explanation"),)  # in the order of the assignment's sentences
MEASURES = ((ACCURACY, "answer"), (EXPLAINED, "explanation"), (CONVINCES, "convincing"))
MOST_KINDS = 12  # rows of the picture; all are in the table
ENVIRONMENT.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)


def render_board(
    report: Report, run: str, annotators: Sequence[str], notes: Iterable[str] = (), example: str = ""
) -> Markup:
    """All texts are escaped. `example` says where the labels come from, if they are no person's."""
    # prompt kinds, by model where there are several; all responses where there are too many kinds
    kinds = [group for group in report.groups if group.prompt_kind is not None]
    leaves = [group for group in kinds if group.model is not None] or kinds or report.groups
    return render(
        read_template(__file__, "board.html"),
        overall=report.overall,
        groups=leaves[:MOST_KINDS],
        run=run,
        annotators=annotators,
        notes=[*report.notes, *filter(None, notes)],
        example=example,
        cards=CARDS,
        measures=MEASURES,
        stated=build_assignment_table(),
    )


def find_ids(report: Report, opened: Sequence) -> tuple[str, ...]:
    """The responses behind a number of the board. Raises ValueError for what is no number of it."""
    try:
        if opened[0] == "cell":
            return report.overall.table["cells"][2 * (not opened[1]) + (not opened[2])]["ids"]
        _, kind, model, measure = opened
        return report.group(kind, model).shares[measure].ids
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError("This is no number of the report: refresh it.") from None
