"""Text that is safe to store and to open: without what no file can hold, and without a cell that a spreadsheet runs.

escape_formula("=HYPERLINK(...)")    "'=HYPERLINK(...)"      and `unescape_formula` of that is the first again
escape_formula("-5")                 "-5"                    a plain number stays
escape_formula("'=1")                "''=1"                  so that it, too, comes back as it was
escape("a\\0b")               "a\\x100000b"            and `unescape` of that is the first again
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

# A tab or carriage return before the text, or a sign that begins a formula, also in full width; behind spaces, too.
FORMULA = re.compile(r"'*+(?:\s*[\t\r]|\s*+[=+\-@＝＋－＠])")
PLAIN_NUMBER = re.compile(r"'*+[-+]?[0-9]++(?:,[0-9]{3})*+(?:\.[0-9]++)?%?")
# "Data link escape", which hardly any text holds, then the sign's number: nearly everything is stored as it is.
UNSTORABLE = re.compile("[\0\x10\ud800-\udfff]")
ESCAPED = re.compile("\x10(0000|0010|d[89a-f][0-9a-f]{2})")


def escape_formula(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula: with an apostrophe before it where one would."""
    return f"'{cell}" if FORMULA.match(cell) and not PLAIN_NUMBER.fullmatch(cell) else cell


def save_csv(table: pd.DataFrame, path: Path, separator: str = ",") -> None:
    """Writes a table without formulas. Lines end as CSV's do, so that a cell with a line's end is quoted."""
    safe = table.map(lambda cell: escape_formula(cell) if isinstance(cell, str) else cell)
    safe.to_csv(path, sep=separator, index=False, lineterminator="\r\n")


def unescape_formula(cell: str) -> str:
    """The cell that `escape_formula` was given."""
    return cell[1:] if cell.startswith("'") and escape_formula(cell) != cell else cell


def escape(text: str) -> str:
    """Text without NUL, which spreadsheets cut off, and half characters (lone surrogates), which UTF-8 cannot hold."""
    return UNSTORABLE.sub(lambda found: f"\x10{ord(found[0]):04x}", text)


def unescape(text: str) -> str:
    """The text that `escape` was given."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "\x10" in text else text


def unescape_value(value):
    """A value as JSON has them, with every text in it as it was before `escape`."""
    if isinstance(value, str):
        return unescape(value)
    if isinstance(value, list):
        return [unescape_value(entry) for entry in value]
    return {name: unescape_value(entry) for name, entry in value.items()} if isinstance(value, dict) else value
