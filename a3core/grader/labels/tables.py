"""The tables of the label database, as the newest migration leaves them; `a3core.grader.labels.migrations` makes them.

    runs 1 ── n responses 1 ── n label_events n ── 1 schemas
      │            └── 0..1 extra_columns
      └── n run_settings (the newest is in force) n ── 1 schemas
    run_changes refer to a run by its key: they outlive it

Their columns are in tables.tsv. Rows are only ever added: triggers refuse every change and deletion, whoever asks for
it.
"""

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Integer, MetaData, Table, Text, or_
from sqlalchemy.types import TypeDecorator

from a3core.common.csv_safety import escape, unescape


class StoredText(TypeDecorator):
    """Any Python text, read back exactly as it was given."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else unescape(value)


class StoredTexts(TypeDecorator):
    """A tuple of texts, as a JSON list in ASCII."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Any) -> str | None:
        return None if value is None else json.dumps(list(value))

    def process_result_value(self, value: str | None, dialect: Any) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))


# SQLite counts only what is called INTEGER by itself.
INTEGER = BigInteger().with_variant(Integer, "sqlite")
TYPES = {"text": StoredText, "texts": StoredTexts, "ascii": Text, "real": Float, "boolean": Boolean}
METADATA = MetaData()


def _load_tables(path: Path) -> list[Table]:
    """The tables of a TSV, in its order: what is no key has a value, but where the column `null` says yes."""
    columns: dict[str, list[Column]] = defaultdict(list)
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        kind, *is_key = row["type"].split()
        key = {"primary_key": bool(is_key) or kind == "id", "nullable": row["null"] == "yes"}
        refers = [ForeignKey(row["refers"])] if row["refers"] else []
        columns[row["table"]].append(Column(row["column"], TYPES.get(kind, INTEGER), *refers, **key))
    return [Table(name, METADATA, *own) for name, own in columns.items()]


RUNS, RESPONSES, EXTRA_COLUMNS, SCHEMAS, RUN_SETTINGS, LABEL_EVENTS, RUN_CHANGES = _load_tables(
    Path(__file__).with_suffix(".tsv")
)
# Read by the database, so that long texts need not travel.
EXPLAINED = or_(RESPONSES.c.explanation != "", RESPONSES.c.steps != ())
