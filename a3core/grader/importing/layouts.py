"""Files of other tools, recognised by their layout: each reader makes flat rows of it, with the labels that it has.

    name = find_layout(table)                        "Label Studio", None where it is none
    rows, mapping = read_layout(name, table)
    rows.rows[0]      {"question": "2 + 3?", "response": "5", "labels": [{"annotator": "1", "asked": "verdict", ...}]}

The readers are in `other_tools`; `dataset_formats` has those of single public files. `layouts.toml` says which file is
read by which.
"""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from a3core.common.nested import write_cell
from a3core.common.tabular import Table, read_each
from a3core.grader.importing import dataset_formats, other_tools
from a3core.grader.importing.items import Row, build_verdict, find_first, located, read_flag
from a3core.grader.importing.mapping import LABELS, Mapping, guess_mapping, propose_mapping

FUNCTIONS: dict[str, Callable[..., Any]] = vars(dataset_formats) | vars(other_tools)


LAYOUTS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("layouts.toml").read_text(encoding="utf-8"))


def find_layout(table: Table) -> str | None:
    """The name of the layout that a table is in, or None."""
    columns = {*table.columns}
    for name, layout in LAYOUTS.items():
        if "fits" in layout:
            fits = FUNCTIONS[layout["fits"]](table)
        elif "object" in layout:
            fits = isinstance(find_first(table, layout["object"]), dict) and bool({*layout["beside"]} & columns)
        elif "list" in layout:
            fits = isinstance(find_first(table, layout["list"]), list)
        else:
            fits = {*layout["columns"]} <= columns and not (layout.get("exact") and columns - {*layout["columns"]})
        if fits:
            return name
    return None


def read_layout(name: str, table: Table, skipped: list[str] | None = None) -> tuple[Table, Mapping]:
    """The flat table and its mapping; bad rows are named in a ValueError, or in `skipped`."""
    layout = LAYOUTS[name]
    flat = _flatten(layout, table, skipped) if layout.keys() & {"read", "take"} else table
    own = {field: path if path in flat.columns else None for field, path in layout.get("mapping", {}).items()}
    if "labels" in own:
        own["labels"] = (own["labels"],)
    if "fields" in layout:
        named = {field: field for field in layout["fields"] if field in flat.columns}
        return flat, Mapping(**named | (LABELS if "labels" in flat.columns else {}) | own)
    guess = replace(guess_mapping(flat) if flat is not table else propose_mapping(flat), **own)
    return flat, replace(guess, answer=guess.answer or guess.gold_answer) if layout.get("gold_is_answer") else guess


def _flatten(layout: dict[str, Any], table: Table, skipped: list[str] | None) -> Table:
    read = FUNCTIONS[layout["read"]] if "read" in layout else partial(_take_columns, layout)
    constants = layout.get("constants", {})

    def build(group: list[Row]) -> list[tuple[int, dict[str, Any]]]:
        with located(group[0].location):
            try:
                return [(table.lines[group[0].n], constants | flat) for flat in read(*group)]
            except KeyError as error:
                raise ValueError(f"it has no {error}, as the others of its layout have") from error
            except (TypeError, IndexError, AttributeError) as error:
                raise ValueError(f"it is not as the others of its layout ({error})") from error

    groups: dict[Any, list[Row]] = {}  # of rows that are read together
    for row in (Row(table, n) for n in range(len(table.rows))):
        key = write_cell([row.get(column) for column in layout["group"]]) if "group" in layout else row.n
        groups.setdefault(key, []).append(row)
    found = list(chain.from_iterable(read_each(table.name, groups.values(), build, skipped)))
    if not found:
        raise ValueError(f"{table.name} has no rows that can be read")
    columns = tuple(dict.fromkeys(column for _, row in found for column in row))
    lines, rows = zip(*found, strict=True)
    return replace(table, rows=rows, lines=lines, columns=columns)


def _take_columns(layout: dict[str, Any], row: Row) -> Iterable[dict[str, Any]]:
    """The flat row of one whose columns are fields."""
    read = {column: row.require if column in layout["needed"] else row.read for column in layout["take"].values()}
    fields = {name: read[column](column).strip() for name, column in layout["take"].items()}
    labels = {"labels": build_verdict(read_flag(row, layout["verdict"]))} if "verdict" in layout else {}
    yield {"id": row.n + 1, **fields, **labels}
