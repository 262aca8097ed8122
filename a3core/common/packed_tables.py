"""Parquet files and workbooks of other people: read in pieces, and what they unpack to is known before it is unpacked.

    with open("answers.parquet", "rb") as file:
        for row in iterate_rows("answers.parquet", file, 100_000): ...          {"question": "...", ...}
        for number, cells in iterate_sheet("answers.xlsx", file): ...          1, ("question", "answer")

A few kilobytes of Parquet can hold a text of gigabytes: a text that is stored once may be that of every row. And a list
of a hundred million equal numbers takes 900 bytes: how many values a column holds is in the file's metadata.
"""

import json
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any, BinaryIO

LARGEST_TEXT = 200_000_000  # bytes that the columns which are read may unpack to
MOST_VALUES = 10_000_000  # of the columns that are read: rows times columns, entries of lists included
MOST_COLUMNS = 1_000
PIECE = 1_000  # rows
PACKED = {".xlsx": (b"PK\x03\x04", "Excel workbook"), ".parquet": (b"PAR1", "Parquet file")}
_LISTED = json.loads(Path(__file__).with_name("signatures.json").read_text(encoding="utf-8"))
SIGNATURES = {begin.encode("latin-1"): what for begin, what in _LISTED.items()}  # how files of other kinds begin


def check_signature(name: str, suffix: str, content: bytes) -> None:
    """Raises ValueError for a file that begins as another kind does than its suffix says."""
    found = next((what for begin, what in SIGNATURES.items() if content.startswith(begin)), "")
    begin, kind = PACKED.get(suffix, (b"", ""))
    if not content.startswith(begin):
        raise ValueError(f"{name} is no {kind}: it is {found or 'something else'}")
    if suffix == ".parquet" and not content.endswith(begin):
        raise ValueError(f"{name} is no Parquet file: it is cut off")
    if found and not kind:
        raise ValueError(f"{name} is {found}, not the table that its name says")


def iterate_rows(
    name: str, file: BinaryIO, most_rows: int, wanted: Collection[str] | None = None
) -> Iterator[dict[str, Any]]:
    """The rows, with those columns whose names in lower case are `wanted`; None: all.

    Raises ValueError for too many rows or columns or too much text, and for what is no Parquet file.
    """
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_metadata(file)
        check_limit(f"{name} has", metadata.num_rows, most_rows, "rows")
        columns = list(metadata.schema.to_arrow_schema().names)
        columns = [column for column in columns if wanted is None or column.strip().lower() in wanted]
        check_columns(name, columns)
        roots = tuple(f"{column}." for column in columns)  # the leaf "answer.aliases.list.element" belongs to "answer"
        leaves = [i for i in range(metadata.num_columns) if f"{metadata.schema.column(i).path}.".startswith(roots)]
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        values = sum(group.column(i).num_values for group in groups for i in leaves)
        check_limit(f"{name} unpacks to", values, MOST_VALUES, "values")
        size = sum(group.column(i).total_uncompressed_size for group in groups for i in leaves)
        check_limit(f"{name} unpacks to", size / 1e6, LARGEST_TEXT / 1e6, "MB")
        texts = [leaf.path for i in leaves if (leaf := metadata.schema.column(i)).physical_type == "BYTE_ARRAY"]
        table, unpacked = pyarrow.parquet.ParquetFile(file, read_dictionary=texts), 0
        for batch in table.iter_batches(PIECE, columns=columns):
            unpacked += sum(map(_count_bytes, batch.columns))
            check_limit(f"{name} unpacks to", unpacked / 1e6, LARGEST_TEXT / 1e6, "MB")
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError, KeyError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(f"{name} is a Parquet file that cannot be read ({reason})") from error


def iterate_sheet(name: str, file: BinaryIO) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The number, from 1 on, and the values of each row of a workbook's first sheet that is not empty.

    Values are as the workbook stored them last: text, numbers, True and False, ISO 8601 for times; None for an empty
    cell. Raises ValueError for too many values or too much text, and for what is no workbook.
    """
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(file) as bundle:
            size = sum(member.file_size for member in bundle.infolist())
        check_limit(f"{name} unpacks to", size / 1e6, LARGEST_TEXT / 1e6, "MB")
        sheets = load_workbook(file, read_only=True, data_only=True).worksheets
        count = 0
        for number, cells in enumerate(sheets[0].iter_rows(max_col=MOST_COLUMNS + 1, values_only=True), 1):
            count += len(cells) + 1
            check_limit(f"{name} holds", count, MOST_VALUES, "values")
            if any(cell is not None and str(cell).strip() for cell in cells):
                yield number, tuple(cell.isoformat() if isinstance(cell, datetime | time) else cell for cell in cells)
    except (zipfile.BadZipFile, KeyError, IndexError, TypeError, OSError, EOFError, SyntaxError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(f"{name} is a workbook that cannot be read ({reason})") from error


def check_limit(what: str, count: float, most: float, unit: str) -> None:
    """Raises ValueError for a file of too much; `what` begins the sentence, such as "answers.csv holds"."""
    if count > most:
        raise ValueError(f"{what} more than {most:,.0f} {unit}: divide it")


def check_columns(name: str, columns: Sequence[str]) -> None:
    """Raises ValueError where columns are too many, or two have one name."""
    if len(columns) > MOST_COLUMNS:
        raise ValueError(f"{name} has {len(columns):,} columns, at most {MOST_COLUMNS:,} can be read")
    column, count = next(iter(Counter(columns).most_common(1)), ("", 1))
    if count > 1:
        raise ValueError(f"{name}: there are two columns {column[:100]!r}")


def _count_bytes(array) -> int:
    """What a pyarrow.Array unpacks to."""
    import pyarrow
    import pyarrow.compute as compute

    if pyarrow.types.is_dictionary(array.type):
        return compute.sum(compute.take(compute.binary_length(array.dictionary), array.indices)).as_py() or 0
    if pyarrow.types.is_nested(array.type):
        parts = array.flatten()  # one array of a list, several of a struct
        return sum(map(_count_bytes, parts if isinstance(parts, list) else [parts]))
    return array.nbytes
