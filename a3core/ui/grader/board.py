"""The head of a report as one screen: the three sentences as cards, and two pictures; every number can be opened.

payload = build_board(everything, "gemma-3-270m, five tasks", ["ann", "bo"])     plain lists and texts, as JSON
render_board(payload)
find_ids(everything.report, payload["cards"][0]["open"])                        the responses behind a number
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from a3core.grader.report.assignment import build_assignment_table
from a3core.grader.report.build import Group, Report
from a3core.grader.report.measures import ACCURACY, CONVINCES, EXPLAINED, ONE_TO_ONE, UNCONVINCING
from a3core.ui.shared.html import ENVIRONMENT, read_template, render

CARDS = ((ONE_TO_ONE, "Answer and explanation agree"), (EXPLAINED, "Explanation correct"))
CARDS += ((UNCONVINCING, "Right answer, unconvincing explanation"),)  # in the order of the assignment's sentences
MEASURES = ((ACCURACY, "answer"), (EXPLAINED, "explanation"), (CONVINCES, "convincing"))
MOST_KINDS = 12  # rows of the picture; all are in the table
ENVIRONMENT.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
# Opens a number, or leads to labelling; `board` is drawn anew with each report.
SCRIPT = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-open]");
  if (button) trigger("opened", { open: JSON.parse(button.dataset.open) });
  if (event.target.closest(".to-label")) trigger("labelled");
});
"""


def build_board(report: Report, run: str, annotators: Sequence[str], example: str = "") -> dict[str, Any]:
    """What the board draws of a report; `example` says where the labels come from, if they are no person's."""
    overall = report.overall
    return {
        "run": run,
        "example": example,
        "n": overall.n,
        "labelled": overall.labelled,
        "annotators": list(annotators),
        "cards": [
            {"title": title, "sentence": sentence, **_describe_share(overall, measure)}
            for (measure, title), sentence in zip(CARDS, overall.sentences, strict=True)
        ],
        "kinds": [_describe_kind(group) for group in _find_leaves(report)[:MOST_KINDS]],
        "cells": [_describe_row(overall, is_correct) for is_correct in (True, False)],
        "judged": overall.table.n,
        "notes": list(report.notes),
    }


def _describe_share(group: Group, measure: str) -> dict[str, Any]:
    share = group.shares[measure]
    opened = ["share", group.prompt_kind, group.model, measure]
    return {name: getattr(share, name) for name in ("k", "n", "share", "low", "high")} | {"open": opened}


def _describe_kind(group: Group) -> dict[str, Any]:
    """A row of the picture: the shares that are known, with the assignment's own figure."""
    stated = {key: share.share for key, share in build_assignment_table().items()}
    return {
        "name": " · ".join(name for name in (group.prompt_kind, group.model) if name) or "all responses",
        "shares": [
            {"name": name, "stated": stated.get((group.prompt_kind, measure)), **_describe_share(group, measure)}
            for measure, name in MEASURES
            if group.shares[measure].n
        ],
    }


def _describe_row(group: Group, is_correct: bool) -> list[dict[str, Any]]:
    return [
        {"n": group.table.cell(is_correct, explained)["n"], "open": ["cell", is_correct, explained]}
        for explained in (True, False)
    ]


def _find_leaves(report: Report) -> Sequence[Group]:
    """Prompt kinds, by model where there are several; all responses where there are too many kinds."""
    both = [group for group in report.groups if group.prompt_kind is not None and group.model is not None]
    return both or [group for group in report.groups if group.prompt_kind is not None] or report.groups


def render_board(payload: dict[str, Any]) -> Markup:
    """All texts are escaped."""
    return render(read_template(__file__, "board.html"), **payload)


def find_ids(report: Report, opened: Sequence) -> tuple[str, ...]:
    """The responses behind a number of the board. Raises ValueError for what is no number of it."""
    try:
        if opened[0] == "cell":
            return report.overall.table.cell(bool(opened[1]), bool(opened[2]))["ids"]
        _, kind, model, measure = opened
        return report.group(kind, model).shares[measure].ids
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError("This is no number of the report: refresh it.") from None
