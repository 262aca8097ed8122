"""What the readers of layouts share: a row that knows where it is, and the labels that flat rows come with.

def read(row): yield {"question": row["doc"]["question"], "labels": [build_label("ann", "verdict", "Correct")]}
"""

from collections.abc import Mapping
from typing import Any

from a3core.common.nested import parse_cell
from a3core.common.tabular import Table
from a3core.grader.importing.items import read_text
from a3core.grader.labels.schema import ANSWER, CORRECT, WRONG
from a3core.grader.runs.responses import DATASET

FLAGS = {"true": True, "false": False, "1": True, "0": False}


class Row(dict[str, Any]):
    """One row of a table, by column; `n` is counted from 0."""

    def __init__(self, table: Table, n: int):
        super().__init__(table.rows[n])
        self.table, self.n, self.location = table, n, table.location(n)

    def read(self, column: str) -> str:
        """A text. Raises ValueError for what is none."""
        return read_text(self.get(column), column)

    def require(self, column: str) -> str:
        """A text that is not empty."""
        if not (text := self.read(column)).strip():
            raise ValueError(f"{column} is empty")
        return text


def build_label(annotator: Any, field: str, value: Any, at: Any = None) -> dict[str, Any]:
    return {"annotator": str(annotator), "field": field, "value": value, "at": at}


def build_verdict(right: Any, annotator: str = DATASET) -> list[dict[str, Any]]:
    """The label of the answer that a file has, none where it has none."""
    return [] if right is None else [build_label(annotator, ANSWER, CORRECT if right else WRONG)]


def read_flag(cells: Mapping[str, Any], column: str, name: str = "") -> bool:
    """Raises ValueError for what is neither true nor false."""
    value = cells.get(column)
    if (flag := FLAGS.get(str(value).strip().casefold())) is None:
        raise ValueError(f"{name or column} is {str(value)[:50]!r}, expected true or false")
    return flag


def find_first(table: Table, column: str) -> Any:
    """The first cell of a column that is not empty, read as JSON where it is."""
    cells = (row.get(column) for row in table.rows)
    return parse_cell(next((cell for cell in cells if cell not in (None, "", [], {})), None))
