"""Further columns of the file that a response came from, as a JSON object of texts; append-only as the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_extra_columns"
down_revision = "0002_silent_repeats"


def upgrade() -> None:
    op.create_table(
        "extra_columns",
        sa.Column("response_key", sa.BigInteger, sa.ForeignKey("responses.key"), primary_key=True, autoincrement=False),
        sa.Column("json", sa.Text, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER extra_columns_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON extra_columns "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'extra_columns is append-only'); END"
    for change in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER extra_columns_no_{change.lower()} BEFORE {change} ON extra_columns {refuse}")
    exists = "EXISTS (SELECT 1 FROM extra_columns WHERE response_key = NEW.response_key)"
    op.execute(f"CREATE TRIGGER extra_columns_no_replace BEFORE INSERT ON extra_columns WHEN {exists} {refuse}")
