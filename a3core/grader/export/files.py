"""Writing rows as JSON lines, CSV and Parquet, so that reading them (a3core.common.tabular) gives the same again.

    write_responses(run.responses, Path("run.csv"))
    write_responses([{"annotator": "ann", "field": "explanation", "value": "correct"}], Path("labels.parquet"))

CSV: a cell that a spreadsheet would run as a formula has an apostrophe before it, lists are JSON, and None is an empty
cell, as "" is. NUL and half characters (lone surrogates), which the formats cannot hold, are escaped in CSV and
Parquet as in the label database; JSON has its own escapes for them. Right-to-left marks stay as they are.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from a3core.common.atomic_io import atomic_write
from a3core.common.csv_safety import escape, escape_formula
from a3core.grader.runs.responses import Response

FORMATS = ("jsonl", "csv", "parquet")


def write_responses(rows: Iterable[Response | Mapping[str, Any]], path: Path) -> Path:
    """Writes responses, or rows of any kind, in the format of the path's suffix, whole or not at all; returns the path.

    Cells: text, numbers, True and False, None, and lists and objects of these. Raises ValueError for another suffix, no
    rows, other cells, and a Parquet column that mixes numbers and text.
    """
    format = path.suffix.lower().lstrip(".")
    table = [asdict(row) if isinstance(row, Response) else dict(row) for row in rows]
    if format not in FORMATS:
        raise ValueError(f"cannot write {path.name}: the formats are .{', .'.join(FORMATS)}")
    if not table:
        raise ValueError(f"cannot write {path.name}: there are no rows")
    columns = list(dict.fromkeys(column for row in table for column in row))
    with atomic_write(path) as partial:
        if format == "jsonl":
            with partial.open("wb") as file:  # half a character becomes \udXXX, which JSON reads as the same
                file.writelines(f"{_to_json(row)}\n".encode("utf-8", "backslashreplace") for row in table)
        elif format == "csv":
            with partial.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerow([_write_cell(column) for column in columns])
                csv.writer(file).writerows([_write_cell(row.get(column)) for column in columns] for row in table)
        else:
            _write_parquet(table, columns, partial)
    return path


def _write_parquet(table: list[dict[str, Any]], columns: list[str], path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    try:
        arrays = {escape(column): pyarrow.array([_escape_all(row.get(column)) for row in table]) for column in columns}
        pyarrow.parquet.write_table(pyarrow.table(arrays), path, compression="zstd")
    except (pyarrow.ArrowException, OverflowError) as error:
        raise ValueError(f"a Parquet column holds cells of one type only ({error})") from error


def _write_cell(cell: Any) -> str:
    if cell is None:
        return ""
    return escape_formula(escape(cell if isinstance(cell, str) else _to_json(cell)))


def _escape_all(cell: Any) -> Any:
    if isinstance(cell, str):
        return escape(cell)
    if isinstance(cell, list | tuple):
        return [_escape_all(entry) for entry in cell]
    return {name: _escape_all(entry) for name, entry in cell.items()} if isinstance(cell, dict) else cell


def _to_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a row holds what JSON does not have ({error}): {str(value)[:100]}") from error
