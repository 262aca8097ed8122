"""A report's tables, as the screen and the pictures show them: one row a number, with the ids behind it.

    >>> tabulate_shares(report)[["prompt_kind", "measure", "k", "n", "share", "low", "high"]]
            prompt_kind         measure  k   n share       low      high
    0               all  answer correct  9  30   0.3  0.166647  0.478758

All columns hold plain objects (see `proportions`); `ids` and `rest_ids` open a row and are not meant to be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from a3core.grader.report.measures import PairedKinds, Proportion, build_frame

if TYPE_CHECKING:
    from pandas import DataFrame

    from a3core.grader.report.build import Report

ALL = "all"  # stands for all prompt kinds, or all models
GROUP = ("prompt_kind", "model")


def tabulate_shares(report: Report) -> DataFrame:
    """One row for each group and measure: k of n, share, 95 % interval."""
    rows = (
        name_group(group) | {"measure": measure} | share._asdict()
        for group in report.groups
        for measure, share in group.shares.items()
    )
    return build_frame(rows, (*GROUP, "measure", *Proportion._fields))


def tabulate_groups(report: Report) -> DataFrame:
    """One row for each group: how many responses, how many of them labelled."""
    rows = (
        name_group(group)
        | {"responses": group.n, "labelled": group.labelled, "ids": group.ids, "labelled_ids": group.labelled_ids}
        for group in report.groups
    )
    return build_frame(rows, (*GROUP, "responses", "labelled", "ids", "labelled_ids"))


def tabulate_values(report: Report) -> DataFrame:
    """One row for each group and each choice of each question: how many responses have it."""
    rows = (name_group(group) | count._asdict() for group in report.groups for count in group.counts)
    return build_frame(rows, (*GROUP, "field", "value", "n", "ids"))


def tabulate_answer_explanation(report: Report) -> DataFrame:
    """Four rows for each group: a cell of the answer x explanation table."""
    rows = (
        name_group(group)
        | {"answer": "correct" if cell.answer_correct else "not correct"}
        | {"explanation": "correct" if cell.explanation_correct else "flawed", "n": cell.n, "ids": cell.ids}
        for group in report.groups
        for cell in group.table.cells
    )
    return build_frame(rows, (*GROUP, "answer", "explanation", "n", "ids"))


def tabulate_pairs(report: Report) -> DataFrame:
    """One row for each pair of prompt kinds."""
    return build_frame((pair._asdict() for pair in report.pairs), PairedKinds._fields)


def tabulate_first_wrong_steps(report: Report) -> DataFrame:
    """Rows by absolute position, then by fifth of the explanation, then what has no position."""
    steps = report.first_wrong_steps
    rows = [{"counted": "step"} | count._asdict() for count in steps.absolute]
    rows += [{"counted": "fifth"} | count._asdict() for count in steps.relative]
    rows.append({"counted": "other", "position": "every step right", "n": steps.none, "ids": steps.none_ids})
    rows.append({"counted": "other", "position": "no such step", "n": steps.beyond, "ids": steps.beyond_ids})
    return build_frame(rows, ("counted", "position", "n", "ids"))


def name_group(group) -> dict[str, str]:
    """A prompt kind that is itself called "all" stands apart by its place: all responses come first."""
    return {name: ALL if getattr(group, name) is None else getattr(group, name) for name in GROUP}
