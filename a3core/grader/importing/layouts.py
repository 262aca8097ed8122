"""Files of other tools, recognised by their layout: each reader makes flat rows of it, with the labels that it has.

    name = find_layout(table)                        "Label Studio", None where it is none
    rows, mapping = read_layout(name, table)
    rows.rows[0]      {"question": "2 + 3?", "response": "5", "labels": [{"annotator": "1", "field": "verdict", ...}]}

The readers are in `annotation_tools` and `reasoning_sets`; `dataset_formats` has those of single public files.
`layouts.toml` says which file is read by which.
"""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from a3core.common.nested import write_cell
from a3core.common.tabular import Table, read_each
from a3core.grader.importing import annotation_tools, dataset_formats, reasoning_sets
from a3core.grader.importing.flat_rows import Row, build_verdict, find_first, read_flag
from a3core.grader.importing.guesses import LABELS, guess_mapping
from a3core.grader.importing.items import located
from a3core.grader.importing.mapping import Mapping

FUNCTIONS: dict[str, Callable[..., Any]] = vars(annotation_tools) | vars(dataset_formats) | vars(reasoning_sets)


@dataclass(frozen=True)
class Layout:
    """How a file is recognised, and how it becomes flat rows with a mapping; the fields are those of `layouts.toml`."""

    columns: tuple[str, ...] = ()
    exact: bool = False
    object: str = ""
    beside: tuple[str, ...] = ()
    list: str = ""
    fits: str = ""
    read: str = ""
    group: tuple[str, ...] = ()
    take: dict[str, str] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)
    verdict: str = ""
    fields: tuple[str, ...] = ()
    map: str = ""
    notes: tuple[str, ...] = ()

    def recognises(self, table: Table) -> bool:
        """Whether a table is in this layout."""
        if self.fits:
            return FUNCTIONS[self.fits](table)
        if self.object:
            return isinstance(find_first(table, self.object), dict) and bool({*self.beside} & {*table.columns})
        if self.list:
            return isinstance(find_first(table, self.list), list)
        return {*self.columns} == {*table.columns} if self.exact else {*self.columns} <= {*table.columns}

    def build_mapping(self, flat: Table) -> Mapping:
        """What the columns of the flat rows are."""
        if self.map:
            return FUNCTIONS[self.map](flat)
        if not self.fields:
            return guess_mapping(flat)
        return Mapping(**{name: name for name in self.fields}, **LABELS if "labels" in flat.columns else {})

    def take_columns(self, row: Row) -> Iterable[dict[str, Any]]:
        """The flat row of one whose columns are fields."""
        read = {column: row.require if column in self.needed else row.read for column in self.take.values()}
        fields = {name: read[column](column).strip() for name, column in self.take.items()}
        labels = {"labels": build_verdict(read_flag(row, self.verdict))} if self.verdict else {}
        yield {"id": row.n + 1, **self.constants, **fields, **labels}

    def identify(self, row: Row) -> Any:
        """The same for rows that are read together."""
        return write_cell([row.get(column) for column in self.group]) if self.group else row.n


LAYOUTS = {
    name: Layout(**{key: tuple(value) if isinstance(value, list) else value for key, value in own.items()})
    for name, own in tomllib.loads(Path(__file__).with_name("layouts.toml").read_text(encoding="utf-8")).items()
}


def find_layout(table: Table) -> str | None:
    """The name of the layout that a table is in, or None."""
    return next((name for name, layout in LAYOUTS.items() if layout.recognises(table)), None)


def read_layout(name: str, table: Table, skipped: list[str] | None = None) -> tuple[Table, Mapping]:
    """The flat table and its mapping; bad rows are named in a ValueError, or in `skipped`."""
    layout = LAYOUTS[name]
    flat = _flatten(layout, table, skipped) if layout.read or layout.take else table
    return flat, layout.build_mapping(flat)


def _flatten(layout: Layout, table: Table, skipped: list[str] | None) -> Table:
    read: Callable[..., Iterable[dict[str, Any]]] = FUNCTIONS[layout.read] if layout.read else layout.take_columns

    def build(group: list[Row]) -> list[tuple[int, dict[str, Any]]]:
        with located(group[0].location):
            try:
                return [(table.lines[group[0].n], flat) for flat in read(*group)]
            except KeyError as error:
                raise ValueError(f"it has no {error}, as the others of its layout have") from error
            except (TypeError, IndexError, AttributeError) as error:
                raise ValueError(f"it is not as the others of its layout ({error})") from error

    groups: dict[Any, list[Row]] = {}
    for row in (Row(table, n) for n in range(len(table.rows))):
        groups.setdefault(layout.identify(row), []).append(row)
    found = list(chain.from_iterable(read_each(table.name, groups.values(), build, skipped)))
    if not found:
        raise ValueError(f"{table.name} has no rows that can be read")
    columns = tuple(dict.fromkeys(column for _, row in found for column in row))
    lines = tuple(line for line, _ in found)
    return replace(table, rows=tuple(row for _, row in found), lines=lines, columns=columns)
