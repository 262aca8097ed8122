"""Files of other tools, recognised by their layout: each reader makes flat rows of it, and says how they are mapped.

    name = find_layout(table)                        "Label Studio", None where it is none
    rows, mapping = LAYOUTS[name].read(table, None)
    rows.rows[0]      {"question": "2 + 3?", "response": "5", "labels": [{"annotator": "1", "field": "verdict", ...}]}

The readers are in `annotation_tools` and `reasoning_sets`; `dataset_formats` has those of single public files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from a3core.common.tabular import Table
from a3core.grader.importing import annotation_tools as tools
from a3core.grader.importing import reasoning_sets as sets
from a3core.grader.importing.flat_rows import Flat, find_first, has_columns


class Layout(NamedTuple):
    """`read` makes a flat table and its mapping; bad rows are named in a ValueError, or in the list it is given."""

    fits: Callable[[Table], bool]
    read: Callable[[Table, list[str] | None], Flat]
    notes: tuple[str, ...] = ()


def find_layout(table: Table) -> str | None:
    """The name of the layout that a table is in, or None."""
    return next((name for name, layout in LAYOUTS.items() if layout.fits(table)), None)


def _has_object(column: str, *others: str) -> Callable[[Table], bool]:
    """Whether a column holds objects, beside one of the others."""
    return lambda table: isinstance(find_first(table, column), dict) and bool({*others} & {*table.columns})


def _has_step_ratings(table: Table) -> bool:
    label = find_first(table, "label")
    return has_columns("labeler", "question")(table) and isinstance(label, dict) and "steps" in label


LAYOUTS = {
    "responses of this page": Layout(has_columns(*tools.OWN_FIELDS), tools.read_own_responses),
    "labels of this page": Layout(
        has_columns("response_id", "question", "annotator", "field", "value", "role"),
        tools.read_own_labels,
        ("Decisions and second rounds are left out: they come in with the export of the run.",),
    ),
    "lm-evaluation-harness samples": Layout(
        has_columns("doc", "resps", "filtered_resps"),
        sets.read_samples,
        ("The harness says which answers are correct.",),
    ),
    "Label Studio": Layout(_has_object("data", "annotations", "completions"), tools.read_tasks),
    "Label Studio, one row an annotation": Layout(
        has_columns("annotator", "annotation_id", "lead_time"), tools.read_flat_tasks
    ),
    "Argilla records": Layout(_has_object("fields", "responses"), tools.read_records),
    "Argilla records, flat": Layout(tools.fits_flat_records, tools.read_flat_records),
    "step ratings": Layout(
        _has_step_ratings,
        sets.read_step_ratings,
        ("Labelers rated the steps: the first that is rated -1 is the first wrong one.",),
    ),
    "first-error-step labels": Layout(
        has_columns("problem", "steps", "label", "final_answer_correct"),
        sets.read_first_errors,
        ("The file says which step is the first wrong one.",),
    ),
    "sets of chains": Layout(lambda table: isinstance(find_first(table, "generated_cot"), list), sets.read_chains),
    "rated explanations": Layout(
        sets.fits_rated, sets.read_rated, ("Without an answer of its own, an explanation is of the gold answer.",)
    ),
    "chat messages": Layout(sets.fits_chat, sets.read_chat),
}
