"""Runs, their responses, label schemas, and the events of labels, none of which can be changed or deleted."""

from alembic import op

from a3core.grader.labels.migrations import forbid_changes, run_sql

revision = "0001_runs_and_labels"
down_revision = None

KEYS = {"runs": "id", "responses": "key", "schemas": "version", "run_settings": "id", "label_events": "id"}


def upgrade() -> None:
    run_sql(__file__)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table, key in KEYS.items():
        forbid_changes(table, key)
