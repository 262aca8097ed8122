"""Runs, their responses, label schemas, and the events of labels, none of which can be changed or deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from a3core.grader.labels.migrations import forbid_changes

revision = "0001_runs_and_labels"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KEYS = {"runs": "id", "responses": "key", "schemas": "version", "run_settings": "id", "label_events": "id"}


def upgrade() -> None:
    _create_runs()
    _create_settings()
    _create_events()
    _forbid_changes()


def _text(name: str, nullable: bool = False, **options) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=nullable, **options)


def _reference(name: str, to: str, kind=ID, nullable: bool = False) -> sa.Column:
    return sa.Column(name, kind, sa.ForeignKey(to), nullable=nullable)


def _create_runs() -> None:
    op.create_table(
        "runs", sa.Column("id", ID, primary_key=True), _text("name", unique=True), _text("notes"), _text("created")
    )
    texts = ("question", "question_key", "answer", "explanation", "prompt_kind", "model", "steps")
    op.create_table(
        "responses",
        sa.Column("key", ID, primary_key=True),
        _reference("run_id", "runs.id"),
        sa.Column("position", sa.Integer, nullable=False),
        _text("id"),
        *map(_text, texts),
        _text("gold_answer", nullable=True),
        sa.Column("sample", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("run_id", "id"),
        sa.UniqueConstraint("run_id", "position"),
    )
    op.create_index("responses_by_question", "responses", ["question_key"])


def _create_settings() -> None:
    op.create_table("schemas", _text("version", primary_key=True), _text("json"))
    op.create_table(
        "run_settings",
        sa.Column("id", ID, primary_key=True),
        _reference("run_id", "runs.id"),
        _reference("schema_version", "schemas.version", sa.Text),
        _text("at"),
    )
    op.create_index("settings_by_run", "run_settings", ["run_id", "id"])


def _create_events() -> None:
    op.create_table(
        "label_events",
        sa.Column("id", ID, primary_key=True),
        _reference("run_id", "runs.id"),
        _reference("response_key", "responses.key"),
        *map(_text, ("annotator", "field", "old", "new", "at", "kind")),
        _reference("schema_version", "schemas.version", sa.Text),
        _reference("refers", "label_events.id", nullable=True),
        _text("client_id", nullable=True),
        _text("parent", nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_run", "label_events", ["run_id", "id"])
    op.create_index("events_by_response", "label_events", ["response_key", "id"])
    op.create_index("events_by_annotator", "label_events", ["run_id", "annotator", "id"])
    op.create_index("events_by_parent", "label_events", ["run_id", "annotator", "parent", "id"])
    op.create_index("events_once", "label_events", ["run_id", "annotator", "client_id", "field"], unique=True)


def _forbid_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table, key in KEYS.items():
        forbid_changes(table, key)
