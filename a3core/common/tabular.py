"""Reading tables: JSON lines, a JSON list, CSV and Parquet, each row with the place where it stands.

    table = read_table(Path("answers.csv"))
    table.columns      ("question", "model answer", "gold")
    table.rows[0]      {"question": "What is 2 + 3?", "model answer": "5", "gold": "5"}
    table.place(0)     "line 2"

Nothing is trusted: a file that is not what its suffix says, too large, cut off or not in UTF-8 is a ValueError that
says where. In CSV the apostrophe that keeps a spreadsheet from running a cell (a3core.common.csv_safety) is taken off.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from a3core.common.csv_safety import unescape, unescape_formula
from a3core.common.json_text import parse_json
from a3core.common.parquet_files import iterate_rows

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
LARGEST_FILE = 50_000_000  # bytes
LONGEST_CELL = 10_000_000  # characters
MOST_ROWS = 100_000
MOST_COLUMNS = 1_000
MOST_NAMED = 5  # bad rows that an error names
SIGNATURES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive (as an Excel workbook is)",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"SQLite format 3": "an SQLite database",
    b"PAR1": "a Parquet file",
    **{bytes((0x80, version)): "a pickle" for version in range(2, 6)},
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}
Item, Read = TypeVar("Item"), TypeVar("Read")


@dataclass(frozen=True)
class Table:
    """Rows as they were read: texts in CSV, anything that JSON has elsewhere; a missing cell is None or not there."""

    name: str  # of the file
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    lines: tuple[int, ...]  # where each row begins, from 1 on
    unit: str = "line"  # what is counted: "line", "entry" of a JSON list, "row" of a Parquet file

    def place(self, row: int) -> str:
        return f"{self.unit} {self.lines[row]}"


def read_table(path: Path) -> Table:
    """The rows of a file. Raises ValueError that says what is wrong with it, where, and what was expected."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path.name} is no table: expected a file that ends with {', '.join(SUFFIXES)}")
    try:
        _check_size(path)
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path.name}: {error.strerror or error}") from error
    _check_signature(path.name, suffix, content)
    if suffix == ".parquet":
        return _read_parquet(path.name, content)
    text = _decode(path.name, content)
    if suffix in (".csv", ".tsv"):
        return _read_csv(path.name, text, "\t" if suffix == ".tsv" else None)
    return _read_jsonl(path.name, text) if suffix == ".jsonl" else _read_json(path.name, text)


def read_each(name: str, items: Iterable[Item], read: Callable[[Item], Read]) -> list[Read]:
    """What `read` makes of each. Where it raises ValueError, one ValueError names the first MOST_NAMED of them."""
    done, wrong = [], []
    for item in items:
        try:
            done.append(read(item))
        except ValueError as error:
            wrong.append(str(error))
            if len(wrong) == MOST_NAMED:
                break
    if wrong:
        more = " (there may be more)" if len(wrong) == MOST_NAMED else ""
        raise ValueError(f"{name}: nothing was read. {'; '.join(wrong)}{more}")
    return done


# The file as a whole


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise ValueError(
            f"{path.name} has {size / 1e6:.0f} MB: at most {LARGEST_FILE // 10**6} MB can be read, divide it"
        )
    if not size:
        raise _empty(path.name)


def _check_signature(name: str, suffix: str, content: bytes) -> None:
    what = next((what for begin, what in SIGNATURES.items() if content.startswith(begin)), None)
    if suffix == ".parquet" and not (content.startswith(b"PAR1") and content.endswith(b"PAR1")):
        what = "cut off" if content.startswith(b"PAR1") else what or "something else"
        raise ValueError(f"{name} is no Parquet file: it is {what}")
    if suffix != ".parquet" and what:
        raise ValueError(f"{name} is {what}, not the table that its name says")


def _decode(name: str, content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content.count(0) > len(content) // 4:
        raise ValueError(f"{name} is UTF-16 text or no text at all: save the file as UTF-8 and try again")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{name}, line {line}: this is not UTF-8 text: save the file as UTF-8, try again") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{name}, line {line}: there is a NUL character, which no text file holds: is it damaged?")
    if not text.strip():
        raise _empty(name)
    return text


def _empty(name: str) -> ValueError:
    return ValueError(f"{name} is empty: expected rows with a question and an answer or explanation")


def _build_table(name: str, rows: list[dict[str, Any]], lines: list[int], unit: str) -> Table:
    if not rows:
        raise ValueError(f"{name} has no rows: expected rows with a question and an answer or explanation")
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    _check_columns(name, columns)
    return Table(name, columns, tuple(rows), tuple(lines), unit)


def _check_columns(name: str, columns: Iterable[str]) -> list[str]:
    """The columns. Raises ValueError where they are too many, or two have one name."""
    columns = list(columns)
    if len(columns) > MOST_COLUMNS:
        raise ValueError(f"{name} has {len(columns):,} columns, at most {MOST_COLUMNS:,} can be read")
    if len(set(columns)) < len(columns):
        twice = find_twice(columns)
        raise ValueError(f"{name}: there are two columns {twice[:100]!r}")
    return columns


def find_twice(columns: Iterable[str]) -> str | None:
    """The first column whose name comes a second time, if there is one."""
    return next((column for column, count in Counter(columns).items() if count > 1), None)


def _check_count(name: str, rows: int) -> None:
    if rows > MOST_ROWS:
        raise ValueError(f"{name} has more than {MOST_ROWS:,} rows: divide it")


# JSON


def _read_jsonl(name: str, text: str) -> Table:
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    _check_count(name, len(numbered))
    rows = read_each(name, numbered, lambda entry: _parse_line(*entry))
    return _build_table(name, rows, [number for number, _ in numbered], "line")


def _parse_line(number: int, text: str) -> dict[str, Any]:
    place = f"line {number}"
    return _check_row(place, parse_json(text, lambda line: place))


def _read_json(name: str, text: str) -> Table:
    entries = parse_json(text, lambda line: f"{name}, line {line}", "; one row a line is called .jsonl")
    if not isinstance(entries, list):
        raise ValueError(f"{name}: expected a list of rows, such as [{{...}}, {{...}}]; one row a line is .jsonl")
    _check_count(name, len(entries))
    rows = read_each(name, enumerate(entries, 1), lambda entry: _check_row(f"entry {entry[0]}", entry[1]))
    return _build_table(name, rows, list(range(1, len(rows) + 1)), "entry")


def _check_row(place: str, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise ValueError(f'{place}: expected a row such as {{"question": "...", "answer": "..."}}')
    for column, cell in row.items():
        if isinstance(cell, str) and len(cell) > LONGEST_CELL:
            raise ValueError(f"{place}: {column[:100]} has {len(cell):,} characters, at most {LONGEST_CELL:,} are read")
    return row


# CSV


def _read_csv(name: str, text: str, delimiter: str | None) -> Table:
    lines = _iterate_csv(name, text, delimiter or _find_delimiter(text))
    first, names = next(lines)
    header = [column.strip() or f"column {i}" for i, column in enumerate(names, 1)]
    _check_columns(name, header)
    numbered = list(islice(lines, MOST_ROWS + 1))
    _check_count(name, len(numbered))

    def read(entry: tuple[int, list[str]]) -> dict[str, Any]:
        number, cells = entry
        if len(cells) != len(header):
            raise ValueError(f"line {number}: cells: {len(cells)}, but line {first} names {len(header)} columns")
        return dict(zip(header, cells, strict=True))

    return _build_table(name, read_each(name, numbered, read), [number for number, _ in numbered], "line")


def _iterate_csv(name: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number of the line in which a row begins (a cell in quotes may go over several), and its cells."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"a quotation mark is not closed, or is not at the end of its cell ({error})"
            if "field larger" in str(error):
                reason = f"a cell has more than {LONGEST_CELL:,} characters (or a quotation mark is not closed)"
            raise ValueError(f"{name}, line {number}: {reason}") from error
        if cells:
            yield number, [unescape(unescape_formula(cell)) for cell in cells]
        number = reader.line_num + 1


def _find_delimiter(text: str) -> str:
    """The sign that is most often in the first line, of comma, semicolon and tab."""
    return max(",;\t", key=text.lstrip().partition("\n")[0].count)


# Parquet


def _read_parquet(name: str, content: bytes) -> Table:
    import pyarrow

    try:
        found = iterate_rows(name, io.BytesIO(content), MOST_ROWS, partial(_check_columns, name))
        rows = [_unescape(row) for row in found]
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError, KeyError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(f"{name} is a Parquet file that cannot be read ({reason})") from error
    return _build_table(name, rows, list(range(1, len(rows) + 1)), "row")


def _unescape(value: Any) -> Any:
    """The value with every text in it as it was before `escape`."""
    if isinstance(value, str):
        return unescape(value)
    if isinstance(value, list):
        return [_unescape(entry) for entry in value]
    return {name: _unescape(entry) for name, entry in value.items()} if isinstance(value, dict) else value
