"""Files of other tools, recognised by their layout: each reader makes flat rows of it, with the labels that it has.

    name = find_layout(table)                        "Label Studio", None where it is none
    rows, mapping = read_layout(name, table)
    rows.rows[0]      {"question": "2 + 3?", "response": "5", "labels": [{"annotator": "1", "field": "verdict", ...}]}

The readers are in `annotation_tools` and `reasoning_sets`; `dataset_formats` has those of single public files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

from a3core.common.tabular import Table, read_each
from a3core.grader.importing import annotation_tools as tools
from a3core.grader.importing import dataset_formats as data
from a3core.grader.importing import reasoning_sets as sets
from a3core.grader.importing.flat_rows import Row, find_first, has_columns
from a3core.grader.importing.guesses import LABELS, guess_mapping
from a3core.grader.importing.items import located
from a3core.grader.importing.mapping import RESPONSE_FIELDS, Mapping


def map_fields(*names: str) -> Callable[[Table], Mapping]:
    """Columns that are called like the fields that they are."""

    def build(table: Table) -> Mapping:
        return Mapping(
            **{name: name for name in names if name in table.columns}, **LABELS if "labels" in table.columns else {}
        )

    return build


class Layout(NamedTuple):
    """How a file is recognised, and how it becomes flat rows with a mapping."""

    fits: Callable[[Table], bool]
    read: Callable[..., Iterable[dict[str, Any]]] | None = None  # makes rows of one, or of a group; None: as they are
    map: Callable[[Table], Mapping] = guess_mapping  # of the flat rows
    notes: tuple[str, ...] = ()
    group: Callable[[Row], Any] | None = None  # the same for rows that are read together


def find_layout(table: Table) -> str | None:
    """The name of the layout that a table is in, or None."""
    return next((name for name, layout in LAYOUTS.items() if layout.fits(table)), None)


def read_layout(name: str, table: Table, skipped: list[str] | None = None) -> tuple[Table, Mapping]:
    """The flat table and its mapping; bad rows are named in a ValueError, or in `skipped`."""
    layout = LAYOUTS[name]
    flat = _flatten(layout, table, skipped) if layout.read else table
    return flat, layout.map(flat)


def _flatten(layout: Layout, table: Table, skipped: list[str] | None) -> Table:
    def build(group: list[Row]) -> list[tuple[int, dict[str, Any]]]:
        with located(group[0].location):
            try:
                return [(table.lines[group[0].n], flat) for flat in layout.read(*group)]
            except KeyError as error:
                raise ValueError(f"it has no {error}, as the others of its layout have") from error
            except (TypeError, IndexError, AttributeError) as error:
                raise ValueError(f"it is not as the others of its layout ({error})") from error

    groups: dict[Any, list[Row]] = {}
    for row in (Row(table, n) for n in range(len(table.rows))):
        groups.setdefault(layout.group(row) if layout.group else row.n, []).append(row)
    found = list(chain.from_iterable(read_each(table.name, groups.values(), build, skipped)))
    if not found:
        raise ValueError(f"{table.name} has no rows that can be read")
    columns = tuple(dict.fromkeys(column for _, row in found for column in row))
    lines = tuple(line for line, _ in found)
    return replace(table, rows=tuple(row for _, row in found), lines=lines, columns=columns)


def _has_object(column: str, *others: str) -> Callable[[Table], bool]:
    """Whether a column holds objects, beside one of the others."""
    return lambda table: isinstance(find_first(table, column), dict) and bool({*others} & {*table.columns})


FIELDS = map_fields(*RESPONSE_FIELDS)
LAYOUTS = {
    "GSM8K model solutions": Layout(
        data.fits_gsm8k,
        data.read_gsm8k,
        FIELDS,
        ("The marks for a calculator, such as <<2+3=5>>, are left out.", "The dataset says which answers are correct."),
    ),
    "MultiArith zero-shot-CoT": Layout(
        has_columns("question", "generation", "pred", "gold", "correct"),
        data.read_multiarith,
        FIELDS,
        ("The answers are what the dataset's script read out of the texts, and it says which are correct.",),
    ),
    "BIG-Bench Mistake": Layout(
        has_columns("input", "steps", "answer", "target", "mistake_index"),
        data.read_mistake,
        FIELDS,
        ("People marked the first wrong step.",),
    ),
    "three-rater explanations": Layout(
        data.fits_raters,
        data.read_rated_item,
        FIELDS,
        ("Every explanation is of the gold answer; three raters each said which they accept.",),
        data.identify_item,
    ),
    "GSM8K exemplars": Layout(
        lambda table: {*table.columns} == {"question", "cot", "answer"},
        data.read_exemplar,
        FIELDS,
        ("The answers are given by whoever wrote the explanations: there is no other gold answer.",),
    ),
    "responses of this page": Layout(has_columns(*tools.OWN_FIELDS), map=FIELDS),
    "labels of this page": Layout(
        has_columns("response_id", "question", "annotator", "field", "value", "role"),
        tools.read_own_label,
        tools.map_own_labels,
        ("Decisions and second rounds are left out: they come in with the export of the run.",),
    ),
    "lm-evaluation-harness samples": Layout(
        has_columns("doc", "resps", "filtered_resps"),
        sets.read_document,
        map_fields("question", "answer", "explanation", "gold_answer", "id"),
        ("The harness says which answers are correct.",),
        sets.identify_document,
    ),
    "Label Studio": Layout(_has_object("data", "annotations", "completions"), tools.read_task),
    "Label Studio, one row an annotation": Layout(
        has_columns("annotator", "annotation_id", "lead_time"), map=tools.map_flat_tasks
    ),
    "Argilla records": Layout(_has_object("fields", "responses"), tools.read_record),
    "Argilla records, flat": Layout(tools.fits_flat_records, tools.read_flat_record),
    "step ratings": Layout(
        sets.fits_step_ratings,
        sets.read_step_ratings,
        map_fields("question", "gold_answer", "steps"),
        ("Labelers rated the steps: the first that is rated -1 is the first wrong one.",),
    ),
    "first-error-step labels": Layout(
        has_columns("problem", "steps", "label", "final_answer_correct"),
        sets.read_first_error,
        notes=("The file says which step is the first wrong one.",),
    ),
    "sets of chains": Layout(
        lambda table: isinstance(find_first(table, "generated_cot"), list),
        sets.read_chains,
        map_fields("id", "question", "explanation", "answer", "gold_answer", "model", "prompt_kind"),
    ),
    "rated explanations": Layout(
        sets.fits_rated,
        sets.read_rated,
        sets.map_rated,
        ("Without an answer of its own, an explanation is of the gold answer.",),
    ),
    "chat messages": Layout(sets.fits_chat, sets.read_chat, sets.map_chat),
}
