"""Parquet files and workbooks of other people: read in pieces, and what they unpack to is known before it is unpacked.

    with open("answers.parquet", "rb") as file:
        for row in iterate_rows("answers.parquet", file, 100_000, list): ...          {"question": "...", ...}
        for number, cells in iterate_sheet("answers.xlsx", file, 1_000): ...          1, ("question", "answer")

A few kilobytes of Parquet can hold a text of gigabytes: a text that is stored once may be that of every row. And a list
of a hundred million equal numbers takes 900 bytes: how many values a column holds is in the file's metadata.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pyarrow

LARGEST_TEXT = 200_000_000  # bytes that the columns which are read may unpack to
MOST_VALUES = 10_000_000  # of the columns that are read: rows times columns, entries of lists included
PIECE = 1_000  # rows
WORKBOOK = b"PK\x03\x04"
SIGNATURES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    WORKBOOK: "a zip archive (an Excel workbook is called .xlsx)",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"SQLite format 3": "an SQLite database",
    b"PAR1": "a Parquet file",
    **{bytes((0x80, version)): "a pickle" for version in range(2, 6)},
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}


def check_signature(name: str, suffix: str, content: bytes) -> None:
    """Raises ValueError for a file that begins as another kind does than its suffix says."""
    found = next((what for begin, what in SIGNATURES.items() if content.startswith(begin)), None)
    if suffix == ".xlsx":
        if not content.startswith(WORKBOOK):
            raise ValueError(f"{name} is no Excel workbook: it is {found or 'something else'}")
        return
    if suffix == ".parquet" and not (content.startswith(b"PAR1") and content.endswith(b"PAR1")):
        found = "cut off" if content.startswith(b"PAR1") else found or "something else"
        raise ValueError(f"{name} is no Parquet file: it is {found}")
    if suffix != ".parquet" and found:
        raise ValueError(f"{name} is {found}, not the table that its name says")


def iterate_rows(
    name: str, file: BinaryIO, most_rows: int, choose: Callable[[Sequence[str]], Sequence[str]]
) -> Iterator[dict[str, Any]]:
    """The rows, with those of the columns that `choose` picks out of all their names.

    Raises ValueError for too many rows or too much text, and for what is no Parquet file.
    """
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_metadata(file)
        if metadata.num_rows > most_rows:
            raise ValueError(f"{name} has more than {most_rows:,} rows: divide it")
        columns = list(choose(metadata.schema.to_arrow_schema().names))
        roots = tuple(f"{column}." for column in columns)  # the leaf "answer.aliases.list.element" belongs to "answer"
        leaves = [i for i in range(metadata.num_columns) if f"{metadata.schema.column(i).path}.".startswith(roots)]
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        if sum(group.column(i).num_values for group in groups for i in leaves) > MOST_VALUES:
            raise ValueError(f"{name} unpacks to more than {MOST_VALUES:,} values: divide it")
        _check_unpacked(name, sum(group.column(i).total_uncompressed_size for group in groups for i in leaves))
        texts = [leaf.path for i in leaves if (leaf := metadata.schema.column(i)).physical_type == "BYTE_ARRAY"]
        table, unpacked = pyarrow.parquet.ParquetFile(file, read_dictionary=texts), 0
        for batch in table.iter_batches(PIECE, columns=columns):
            unpacked += sum(map(_count_bytes, batch.columns))
            _check_unpacked(name, unpacked)
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError, KeyError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(f"{name} is a Parquet file that cannot be read ({reason})") from error


def iterate_sheet(name: str, file: BinaryIO, most_columns: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The number, from 1 on, and the values of each row of a workbook's first sheet that is not empty.

    Values are as the workbook stored them last: text, numbers, True and False, ISO 8601 for times; None for an empty
    cell. Raises ValueError for too many values or too much text, and for what is no workbook.
    """
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(file) as bundle:
            _check_unpacked(name, sum(member.file_size for member in bundle.infolist()))
        sheets = load_workbook(file, read_only=True, data_only=True).worksheets
        count = 0
        for number, cells in enumerate(sheets[0].iter_rows(max_col=most_columns, values_only=True), 1):
            count += len(cells) + 1
            if count > MOST_VALUES:
                raise ValueError(f"{name} holds more than {MOST_VALUES:,} values: divide it")
            if any(cell is not None and str(cell).strip() for cell in cells):
                yield number, tuple(cell.isoformat() if isinstance(cell, datetime | time) else cell for cell in cells)
    except (zipfile.BadZipFile, KeyError, IndexError, TypeError, OSError, EOFError, SyntaxError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(f"{name} is a workbook that cannot be read ({reason})") from error


def _check_unpacked(name: str, size: int) -> None:
    if size > LARGEST_TEXT:
        raise ValueError(f"{name} unpacks to more than {LARGEST_TEXT // 10**6} MB: divide it")


def _count_bytes(array: pyarrow.Array) -> int:
    """What an array unpacks to."""
    import pyarrow
    import pyarrow.compute as compute

    if pyarrow.types.is_dictionary(array.type):
        lengths = compute.binary_length(array.dictionary)
        return compute.sum(compute.take(lengths, array.indices)).as_py() or 0
    if pyarrow.types.is_list(array.type) or pyarrow.types.is_large_list(array.type):
        return _count_bytes(array.flatten())
    if pyarrow.types.is_struct(array.type):
        return sum(_count_bytes(part) for part in array.flatten())
    return array.nbytes
