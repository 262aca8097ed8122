"""What the readers of layouts share: flat rows out of nested ones, and the labels that they came with.

def read(row): yield {"question": row["doc"]["question"], "labels": [build_label("ann", "verdict", "Correct")]}
flat = flatten(table, read, skipped=None)
mapping = guess_with_labels(flat)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import Any

from a3core.common.tabular import Table, read_each
from a3core.grader.importing.guesses import propose_mapping
from a3core.grader.importing.mapping import Mapping
from a3core.grader.importing.paths import parse_cell
from a3core.grader.labels.schema import ANSWER, CORRECT, WRONG
from a3core.grader.runs.responses import DATASET

Row = dict[str, Any]
Flat = tuple[Table, Mapping]  # rows, and what their columns are
LABELS: dict[str, Any] = {  # of rows with a list of labels
    "annotator": "labels[*].annotator",
    "asked": "labels[*].field",
    "at": "labels[*].at",
    "labels": ("labels[*].value",),
}


def flatten(table: Table, read: Callable[[Row], Iterable[Row]], skipped: list[str] | None) -> Table:
    """The table with what `read` makes of each row, which raises ValueError or misses what it needs."""

    def build(n: int) -> list[tuple[int, Row]]:
        try:
            return [(table.lines[n], row) for row in read(table.rows[n])]
        except KeyError as error:
            raise ValueError(f"{table.location(n)}: it has no {error}, as the others of its layout have") from error
        except (TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"{table.location(n)}: it is not as the others of its layout ({error})") from error
        except ValueError as error:
            raise ValueError(f"{table.location(n)}: {error}") from error

    found = list(chain.from_iterable(read_each(table.name, range(len(table.rows)), build, skipped)))
    return build_table(table, [row for _, row in found], [line for line, _ in found])


def build_table(table: Table, rows: list[Row], lines: list[int]) -> Table:
    """The table with other rows. Raises ValueError where there are none."""
    if not rows:
        raise ValueError(f"{table.name} has no rows that can be read")
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    return replace(table, rows=tuple(rows), lines=tuple(lines), columns=columns)


def build_label(annotator: Any, field: str, value: Any, at: Any = None) -> Row:
    return {"annotator": str(annotator), "field": field, "value": value, "at": at}


def build_verdict(right: Any, annotator: str = DATASET) -> list[Row]:
    """The label of the answer that a file has, none where it has none."""
    return [] if right is None else [build_label(annotator, ANSWER, CORRECT if right else WRONG)]


def guess_with_labels(table: Table, **known: str) -> Mapping:
    """The mapping of rows whose labels are in the column "labels"; what is not `known` is guessed."""
    columns = tuple(column for column in table.columns if column != "labels")
    rows = tuple({column: cell for column, cell in row.items() if column in columns} for row in table.rows)
    guess = propose_mapping(replace(table, columns=columns, rows=rows), with_labels=False)
    has_labels = any(row.get("labels") for row in table.rows)
    return replace(guess, **known, **(LABELS if has_labels else {}))


def has_columns(*columns: str) -> Callable[[Table], bool]:
    return lambda table: {*columns} <= {*table.columns}


def find_first(table: Table, column: str) -> Any:
    """The first cell of a column that is not empty, read as JSON where it is."""
    cells = (row.get(column) for row in table.rows)
    return parse_cell(next((cell for cell in cells if cell not in (None, "", [], {})), None))
