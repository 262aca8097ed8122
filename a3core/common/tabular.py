"""Tables that other people wrote: JSON lines, a JSON list, CSV, TSV, Excel and Parquet, each row with its location.

    table = read_table(Path("answers.csv"))
    table.columns      ("question", "model answer", "gold")
    table.rows[0]      {"question": "What is 2 + 3?", "model answer": "5", "gold": "5"}
    table.location(0)  "line 2"

Nothing is trusted: a file that is not what its suffix says, too large, cut off or not in Unicode is a ValueError that
says where. Rows that cannot be read are all named and none is read, or they are skipped and listed, as asked. Work and
memory are linear in the file's size, and what it would unpack to is bounded before it is decoded.
In CSV the apostrophe that keeps a spreadsheet from running a cell (a3core.common.csv_safety) is taken off.
"""

import csv
import io
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from a3core.common import packed_tables
from a3core.common.csv_safety import unescape, unescape_formula, unescape_value

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".xlsx", ".parquet")
DELIMITERS = ",;\t|"
LARGEST_FILE = 50_000_000  # bytes
LONGEST_CELL = 10_000_000  # characters
MOST_VALUES = 8_000_000  # of CSV: as many cells take 450 MB
MOST_LINES = 3_000_000  # of CSV, empty ones among them
# A JSON text, and a line of CSV, are read at once: meanwhile no other thread of the process runs.
MOST_IN_JSON = 3_000_000  # values
MOST_IN_LINE = 100_000  # cells
HEAD = 100_000  # characters in which the sign between cells is looked for
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
DEEPEST_SECTION = 3  # names above a list of rows in a JSON object
PIECE = 200  # rows
REST = 3  # times as long as the work on a piece
MOST_NAMED = 5  # bad rows that an error names
SEVERAL = "Extra data"  # what json says of a second value behind the first
_ONE_AT_A_TIME = threading.Lock()
Item, Read = TypeVar("Item"), TypeVar("Read")


@dataclass(frozen=True)
class Kind:
    """What is read: the words for its errors, its limits, and where its rows are."""

    name: str = "table"
    rows: str = "rows with a question and an answer or explanation"  # that are expected
    largest_file: int = LARGEST_FILE  # bytes
    most_rows: int = 100_000
    columns: tuple[str, ...] | None = None  # of Parquet, lower case: no other is read; None: all
    list_key: str | None = None  # of a JSON object that may hold the list of rows, lower case
    sections: bool = False  # whether a JSON object may hold lists of rows, each named in a column "section"
    encoding: str | None = None  # of a text that is not Unicode, such as "windows-1252"


@dataclass(frozen=True)
class Table:
    """Rows as they were read: texts in CSV, anything that JSON has elsewhere; a missing cell is None or not there."""

    name: str  # of the file
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    lines: tuple[int, ...]  # where each row begins, from 1 on
    unit: str = "line"  # what is counted: "line", "entry" of a JSON list, "row" of a Parquet file

    def location(self, row: int) -> str:
        """Where a row, counted from 0, is in the file, such as "line 2"."""
        return f"{self.unit} {self.lines[row]}"


def read_table(path: Path, kind: Kind = Kind(), skipped: list[str] | None = None) -> Table:
    """The rows of a file. Raises ValueError that says what is wrong with it, where, and what was expected.

    `skipped`: gets one sentence for each row that cannot be read, which is then left out.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path.name} is no {kind.name}: expected a file that ends with {', '.join(SUFFIXES)}")
    return parse_table(path, read_content(path, kind.largest_file, kind.rows), kind, skipped)


def parse_table(path: Path, content: bytes, kind: Kind = Kind(), skipped: list[str] | None = None) -> Table:
    """`read_table` of a file that was read by `read_content`; its suffix is one of SUFFIXES."""
    with _ONE_AT_A_TIME:
        return _parse(path, content, kind, skipped)


def _parse(path: Path, content: bytes, kind: Kind, skipped: list[str] | None) -> Table:
    suffix = path.suffix.lower()
    packed_tables.check_signature(path.name, suffix, content)
    if suffix == ".parquet":
        rows = packed_tables.iterate_rows(path.name, io.BytesIO(content), kind.most_rows, kind.columns)
        numbered = [(i, unescape_value(row)) for i, row in enumerate(_share_time(rows), 1)]
        return _build_table(path.name, numbered, "row", kind)
    if suffix == ".xlsx":
        sheet = packed_tables.iterate_sheet(path.name, io.BytesIO(content))
        rows = list(islice(_share_time(sheet), kind.most_rows + 2))
        # to the last column that has a name or a cell
        width = max((i for _, cells in rows for i, cell in enumerate(cells, 1) if cell is not None), default=0)
        lines = ((number, (*cells, *[None] * width)[:width]) for number, cells in rows)
        return _read_cells(path.name, lines, "row", kind, skipped)
    text = decode(path.name, content, kind.rows, kind.encoding)
    if suffix in (".csv", ".tsv"):
        return _read_csv(path.name, text, "\t" if suffix == ".tsv" else None, kind, skipped)
    return _read_json(path.name, text, suffix == ".jsonl", kind, skipped)


def read_each(
    name: str, items: Iterable[Item], read: Callable[[Item], Read], skipped: list[str] | None = None
) -> list[Read]:
    """What `read` makes of each. Where it raises ValueError, one ValueError names the first MOST_NAMED of them.

    `skipped`: gets what is wrong with each instead, which is then left out.
    """
    results, errors = [], []
    for item in _share_time(items):
        try:
            results.append(read(item))
        except ValueError as error:
            if skipped is not None:
                skipped.append(str(error))
                continue
            errors.append(str(error))
            if len(errors) == MOST_NAMED:
                break
    if errors:
        more = " (there may be more)" if len(errors) == MOST_NAMED else ""
        raise ValueError(f"{name}: nothing was read. {'; '.join(errors)}{more}")
    return results


def _share_time(items: Iterable[Item]) -> Iterator[Item]:
    """The items; a thread beside the main one rests after PIECE of them.

    A prediction takes Python's lock thousands of times. Each time it waits for a thread that only computes. For the
    same reason one table is read at a time.
    """
    if threading.current_thread() is threading.main_thread():
        yield from items
        return
    begun = time.thread_time()
    for i, item in enumerate(items, 1):
        yield item
        if i % PIECE == 0:
            time.sleep(REST * (time.thread_time() - begun))
            begun = time.thread_time()


# The file


class NotUnicodeError(ValueError):
    """A text that is not in UTF-8: whoever reads it may ask what it is in."""


def read_content(path: Path, largest: int = LARGEST_FILE, expected: str = "text") -> bytes:
    """A file's bytes. Raises ValueError where it cannot be read, is too large or empty."""
    try:
        size = path.stat().st_size
        if size > largest:
            most = f"at most {largest // 10**6} MB can be read"
            raise ValueError(f"{path.name} has {size / 1e6:.0f} MB: {most}, divide it")
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    if not content:
        raise ValueError(f"{path.name} is empty: expected {expected}")
    return content


def decode(name: str, content: bytes, expected: str = "text", encoding: str | None = None) -> str:
    """A file's bytes as text. Raises ValueError, with the line, for what is not UTF-8, UTF-16, or of the `encoding`."""
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    if not wide and content.count(0) > len(content) // 4:
        raise ValueError(f"{name} is UTF-16 text or no text at all: save the file as UTF-8 and try again")
    try:
        text = content.decode("utf-16" if wide else encoding or "utf-8-sig")
    except UnicodeDecodeError as error:
        if wide:
            raise ValueError(f"{name} is damaged UTF-16 text or no text at all: save the file as UTF-8") from error
        line = content.count(b"\n", 0, error.start) + 1
        raise NotUnicodeError(
            f"{name}, line {line}: this is not {encoding or 'UTF-8'} text: save the file as UTF-8, try again"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{name}, line {line}: there is a NUL character, which no text file holds: is it damaged?")
    if not text.strip():
        raise ValueError(f"{name} is empty: expected {expected}")
    return text


def count_lines(text: str) -> int:
    """How many ends of lines `str.splitlines` sees in a text, without dividing it."""
    return sum(text.count(sign) for sign in LINE_ENDS)


def _build_table(name: str, numbered: list[tuple[int, dict[str, Any]]], unit: str, kind: Kind) -> Table:
    """The table of rows, each with the line, entry or row in which it begins."""
    rows = [row for _, row in numbered]
    if not rows:
        raise ValueError(f"{name} has no rows: expected {kind.rows}")
    columns = tuple(dict.fromkeys(column for row in _share_time(rows) for column in row))
    packed_tables.check_columns(name, columns)
    return Table(name, columns, tuple(rows), tuple(number for number, _ in numbered), unit)


# JSON


def parse_json(text: str, locate: Callable[[int], str] = "line {}".format, hint: str = "") -> Any:
    """The value of a text that other people wrote. Raises ValueError for whatever is no JSON.

    `locate` names a line of it; `hint` is added where several values follow each other.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at character {error.colno}{hint if error.msg == SEVERAL else ''}"
        raise ValueError(f"{locate(error.lineno)}: not JSON ({reason})") from error
    except RecursionError as error:
        raise ValueError(f"{locate(1)}: not JSON that can be read (too many brackets)") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise ValueError(f"{locate(1)}: a number is too long to be read") from error


def _read_json(name: str, text: str, is_lines: bool, kind: Kind, skipped: list[str] | None) -> Table:
    """The table of a JSON list, or of a JSON object in each line."""
    # what it holds at most, counted without parsing it; in memory, an empty list takes as much as four numbers
    count = text.count(",") + text.count("\n") + 4 * (text.count("[") + text.count("{"))
    packed_tables.check_limit(f"{name} holds", count, MOST_IN_JSON, "values")
    if is_lines:
        unit, entries = "line", [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    else:
        unit, entries = "entry", list(enumerate(_find_list(name, text, kind), 1))
    packed_tables.check_limit(f"{name} has", len(entries), kind.most_rows, "rows")

    def read(entry: tuple[int, Any]) -> tuple[int, dict[str, Any]]:
        location = f"{unit} {entry[0]}"
        row = parse_json(entry[1], lambda line: location) if is_lines else entry[1]
        if not isinstance(row, dict):
            raise ValueError(f'{location}: expected a row such as {{"question": "...", "answer": "..."}}')
        for column, cell in row.items():
            if isinstance(cell, str) and len(cell) > LONGEST_CELL:
                size = f"{len(cell):,} characters, at most {LONGEST_CELL:,} are read"
                raise ValueError(f"{location}: {column[:100]} has {size}")
        return entry[0], row

    return _build_table(name, read_each(name, entries, read, skipped), unit, kind)


def _find_list(name: str, text: str, kind: Kind) -> list[Any]:
    """The list of rows in a JSON text. Raises ValueError where there is none."""
    entries = parse_json(text, lambda line: f"{name}, line {line}", "; one row a line is called .jsonl")
    if kind.list_key and isinstance(entries, dict):
        entries = next((value for key, value in entries.items() if key.lower() == kind.list_key), None)
    if kind.sections and isinstance(entries, dict):
        entries = list(_iterate_sections(entries, ())) or None
    if not isinstance(entries, list):
        raise ValueError(f"{name}: expected a list of rows, such as [{{...}}, {{...}}]; one row a line is .jsonl")
    return entries


def _iterate_sections(value: dict[str, Any], above: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Rows of {"set": {"train": [{...}, ...]}}, with the names above them: {"section": "set.train", ...}."""
    for key, entry in value.items():
        names = (*above, key)
        if isinstance(entry, dict) and len(names) < DEEPEST_SECTION:
            yield from _iterate_sections(entry, names)
        elif isinstance(entry, list) and all(isinstance(row, dict) for row in entry):
            yield from ({"section": ".".join(names), **row} for row in entry)


# CSV


def _read_csv(name: str, text: str, delimiter: str | None, kind: Kind, skipped: list[str] | None) -> Table:
    first = text[:HEAD].lstrip().partition("\n")[0].strip("\r ")
    is_named = len(first) == len("sep=;") and first.startswith("sep=")  # Excel's own first line
    # else the sign that is most often in the first line
    delimiter = first[-1] if is_named else delimiter or max(DELIMITERS, key=first.count)
    packed_tables.check_limit(f"{name} holds", text.count(delimiter), MOST_VALUES, "values")
    packed_tables.check_limit(f"{name} has", text.count("\n") + text.count("\r"), MOST_LINES, "lines")
    # a space behind every comma of the head is how somebody writes, and no part of the cells
    is_spaced = delimiter != "\t" and 0 < first.count(delimiter) == first.count(f"{delimiter} ")
    lines = _iterate_csv(name, text, delimiter, is_spaced)
    if is_named:
        next(lines)
    return _read_cells(name, lines, "line", kind, skipped)


def _read_cells(
    name: str, lines: Iterator[tuple[int, Sequence[Any]]], unit: str, kind: Kind, skipped: list[str] | None
) -> Table:
    """The table of numbered lines of cells, the first of which names the columns; empty lines at the end are none."""
    first, names = next(lines, (1, ()))
    header = [str(column or "").strip() or f"column {i}" for i, column in enumerate(names, 1)]
    packed_tables.check_columns(name, header)
    numbered = list(islice(lines, kind.most_rows + 1))
    packed_tables.check_limit(f"{name} has", len(numbered), kind.most_rows, "rows")
    while numbered and not any(str(cell or "").strip() for cell in numbered[-1][1]):
        numbered.pop()

    def read(entry: tuple[int, Sequence[Any]]) -> tuple[int, dict[str, Any]]:
        number, cells = entry
        if len(cells) != len(header):
            raise ValueError(f"{unit} {number}: cells: {len(cells)}, but {unit} {first} names {len(header)} columns")
        return number, dict(zip(header, cells, strict=True))

    return _build_table(name, read_each(name, numbered, read, skipped), unit, kind)


def _iterate_csv(name: str, text: str, delimiter: str, is_spaced: bool) -> Iterator[tuple[int, list[str]]]:
    """The number of the line in which a row begins (a cell in quotes may go over several), and its cells."""
    csv.field_size_limit(LONGEST_CELL)

    def iterate_lines() -> Iterator[str]:
        for i, line in enumerate(_share_time(io.StringIO(text, newline="")), 1):
            packed_tables.check_limit(f"{name}, line {i} has", line.count(delimiter), MOST_IN_LINE, "cells")
            yield line

    reader = csv.reader(iterate_lines(), delimiter=delimiter, skipinitialspace=is_spaced, strict=True)
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
        if len(cells) > packed_tables.MOST_COLUMNS:
            packed_tables.check_columns(name, cells)  # before anything is done with each cell
        if cells:
            yield number, [unescape(unescape_formula(cell)) for cell in cells]
        number = reader.line_num + 1
