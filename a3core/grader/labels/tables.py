"""The tables of the label database, as the newest migration leaves them; `a3core.grader.labels.migrations` makes them.

    runs 1 ── n responses 1 ── n label_events n ── 1 schemas
      │            └── 0..1 extra_columns
      └── n run_settings (the newest is in force) n ── 1 schemas

Rows are only ever added: triggers refuse every change and deletion, whoever asks for it.
"""

from __future__ import annotations

import json
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


Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only what is called INTEGER by itself
METADATA = MetaData()


def _require(type_: Any, *names: str) -> list[Column]:
    """Columns of one type that always have a value."""
    return [Column(name, type_, nullable=False) for name in names]


RUNS = Table(
    "runs",
    METADATA,
    Column("id", Id, primary_key=True),
    *_require(StoredText, "name", "owner"),  # an owner "": of this machine, or shipped
    *_require(StoredTexts, "notes"),
    *_require(Text, "created"),
    Column("key", Text),  # a UUID, the same in every database and archive of the run
)

RESPONSES = Table(
    "responses",
    METADATA,
    Column("key", Id, primary_key=True),
    Column("run_id", ForeignKey(RUNS.c.id), nullable=False),
    *_require(StoredText, "id", "question", "answer", "explanation", "prompt_kind", "model"),
    *_require(Text, "question_key"),
    *_require(BigInteger, "position", "sample"),
    *_require(StoredTexts, "steps"),
    Column("gold_answer", StoredText),
)

EXTRA_COLUMNS = Table(  # of the file that a response came from: a JSON object of texts
    "extra_columns",
    METADATA,
    Column("response_key", ForeignKey(RESPONSES.c.key), primary_key=True),
    *_require(StoredText, "json"),
)

# Read by the database, so that long texts need not travel.
EXPLAINED = or_(RESPONSES.c.explanation != "", RESPONSES.c.steps != ())

SCHEMAS = Table("schemas", METADATA, Column("version", Text, primary_key=True), Column("json", StoredText))

RUN_SETTINGS = Table(
    "run_settings",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("run_id", ForeignKey(RUNS.c.id), nullable=False),
    Column("schema_version", ForeignKey(SCHEMAS.c.version), nullable=False),
    *_require(Text, "at"),
    *_require(Float, "repeat_share"),
    *_require(Boolean, "removed"),
    *_require(StoredText, "by"),  # who has set this
    Column("name", StoredText),  # None: the one of its birth
)

LABEL_EVENTS = Table(
    "label_events",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("run_id", ForeignKey(RUNS.c.id), nullable=False),
    Column("response_key", ForeignKey(RESPONSES.c.key), nullable=False),
    *_require(StoredText, "annotator", "field", "old", "new"),
    Column("schema_version", ForeignKey(SCHEMAS.c.version), nullable=False),
    *_require(Text, "at", "kind"),  # a time in UTC, as ISO 8601 with microseconds
    Column("refers", ForeignKey("label_events.id")),  # the event that an undo or a redo is about
    Column("client_id", StoredText),  # the same for all fields that were given together: one step
    Column("parent", StoredText),  # of a label: the client_id of the step before it (a3core.grader.labels.undo)
    *_require(BigInteger, "round", "sequence"),  # an annotator's own number; decisions have one for all
    # of an event from another machine: the client_ids of those it replaced; None: all that were there of its label
    Column("follows", StoredTexts),
)
