"""Paths into nested rows: keys, [i], [-1], [*] for every entry, and " + " between two paths, whose texts are joined.

    row = {"doc": {"question": "2 + 3?"}, "resps": [["5", "six"]], "messages": [{"content": "hi"}]}
    read_path(row, "doc.question")                   "2 + 3?"
    read_path(row, "messages[-1].content")           "hi"
    read_path(row, "doc.question + resps[0][0]")     "2 + 3?\\n5"
    spread(row, {"answer": "resps[0][*]"})           [{"answer": "resps[0][0]"}, {"answer": "resps[0][1]"}]

A column that is called like a path is that column. Text of JSON within a cell is read as what it holds.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from a3core.common.tabular import parse_json

JOIN, EVERY = " + ", "[*]"
STEP = re.compile(r"\.?([^.\[\]]+)|\[(-?[0-9]{1,9}|\*)\]")
DEEPEST, MOST_PATHS, LONGEST_LIST = 5, 300, 20  # of what is listed
MOST_ENTRIES = 10_000  # of a list that is spread
LONGEST_EXTRA = 2_000  # characters of a further column
LONGEST_JSON = 100_000  # characters of a cell that paths lead into


def read_path(row: Mapping[str, Any], path: str) -> Any:
    """What is there, None where nothing is. Raises ValueError for what is no path."""
    if path in row:
        return row[path]
    if JOIN in path:
        parts = [read_path(row, part) for part in path.split(JOIN)]
        return "\n".join(str(part) for part in parts if part is not None and part != "")
    value: Any = row
    for key, index in split_path(path, row):
        value = parse_cell(value)
        if key is not None:
            value = value.get(key) if isinstance(value, dict) else None
        elif not isinstance(value, list) or not -len(value) <= int(index) < len(value):
            value = None
        else:
            value = value[int(index)]
    return value


def split_path(path: str, row: Collection[str] = ()) -> list[tuple[str | None, str]]:
    """The keys and indices of a path without " + "; the longest column of `row` that it begins with is one key."""
    column = max((c for c in row if path.startswith((f"{c}.", f"{c}["))), key=len, default="")
    rest = path[len(column) :]
    steps = [(found[1], found[2]) for found in STEP.finditer(rest)]
    if "".join(found[0] for found in STEP.finditer(rest)) != rest or (not column and not steps):
        raise ValueError(f"{path[:100]!r} is no path such as doc.question, resps[0][0], steps[*].text or a + b")
    return [(column, ""), *steps] if column else steps


def check_path(path: str, field: str, name: str, columns: Collection[str]) -> None:
    """Raises ValueError for a path of a `field` that begins with none of the columns of the table called `name`."""
    for part in [path] if path in columns else path.split(JOIN):
        if part not in columns and split_path(part, columns)[0][0] not in columns:
            named = ", ".join(columns)[:200]
            raise ValueError(f"{name} has no column {part!r} for the {field}; it has {named}")


def parse_cell(value: Any, longest: int = LONGEST_JSON) -> Any:
    """A list or object that a cell holds as text in JSON of at most `longest` characters; anything else as it is."""
    if isinstance(value, str) and value[:1] in ("[", "{") and len(value) <= longest:
        return _parse_json(value)
    return value


@lru_cache(maxsize=64)  # the same few rows are read by many paths
def _parse_json(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return text


def spread(
    row: Mapping[str, Any], paths: Mapping[str, str], leading: Collection[str] | None = None
) -> list[dict[str, str]]:
    """The paths with each [*] as a number, once for each entry; lists beside each other are gone through together.

    It goes on until no path named in `leading`, by default none of all, has a [*]. Raises ValueError where lists beside
    each other differ in length, and where there is no list.
    """
    if not any(EVERY in path and path not in row for name, path in paths.items() if leading is None or name in leading):
        return [dict(paths)]
    lengths = {}
    for path in paths.values():
        for part in path.split(JOIN) if EVERY in path and path not in row else ():
            if EVERY in part:
                above = part.partition(EVERY)[0]
                entries = parse_cell(read_path(row, above)) or []
                if not isinstance(entries, list):
                    raise ValueError(f"{above} is no list")
                if len(entries) > MOST_ENTRIES:
                    raise ValueError(f"{above} has {len(entries):,} entries, at most {MOST_ENTRIES:,} are read")
                lengths[above] = len(entries)
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{above} has {count}" for above, count in lengths.items())
        raise ValueError(f"lists that belong together differ in length: {counts}")
    rows = ({name: put_index(path, i) for name, path in paths.items()} for i in range(next(iter(lengths.values()))))
    return [filled for once in rows for filled in spread(row, once, leading)]


def put_index(path: str, i: int) -> str:
    """The path, and those joined with it, with the number `i` for the first [*]."""
    return JOIN.join(part.replace(EVERY, f"[{i}]", 1) for part in path.split(JOIN))


def list_paths(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Columns and what is in them, those nearest to the top first; a list of several is [*], of one [0]."""
    found: dict[str, int] = {}

    def walk(value: Any, path: str, depth: int) -> None:
        if len(found) >= MOST_PATHS or depth > DEEPEST:
            return
        if path:
            found.setdefault(path, depth)
        value = parse_cell(value)
        if isinstance(value, dict):
            for key, entry in value.items():
                walk(entry, f"{path}.{key}" if path else key, depth + 1)
        elif isinstance(value, list) and value:
            every = "[0]" if len(value) == 1 else EVERY
            for entry in value[:LONGEST_LIST]:
                walk(entry, path + every, depth + 1)

    for row in rows:
        walk(row, "", 0)
    return sorted(found, key=found.__getitem__)


def list_extra(row: Mapping[str, Any], used: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """The columns that no path of `used` reads, as text, and the names of those that are too long to be stored.

    Of an object that is used in part, its other fields are columns, such as "doc.topic".
    """
    parts = {part for path in used for part in (path, *path.split(JOIN))}
    inside = tuple({part[: at.start()] for part in parts for at in re.finditer(r"[.\[]", part)})
    cells: dict[str, Any] = {}
    for column, cell in row.items():
        if column in inside and column not in parts:
            cell = parse_cell(cell)
            if isinstance(cell, dict):
                fields = ((f"{column}.{key}", value) for key, value in cell.items())
                cells |= {name: value for name, value in fields if name not in (*parts, *inside)}
        elif column not in parts:
            cells[column] = cell
    texts = {column: cell if isinstance(cell, str) else write_cell(cell) for column, cell in cells.items()}
    short = {column: text for column, text in texts.items() if text.strip() and len(text) <= LONGEST_EXTRA}
    return short, [column for column, text in texts.items() if len(text) > LONGEST_EXTRA]


def write_cell(cell: Any) -> str:
    """A cell as text; lists and objects in JSON, "" for None and for what is empty."""
    return json.dumps(cell, ensure_ascii=False, default=str) if cell not in (None, [], {}) else ""
