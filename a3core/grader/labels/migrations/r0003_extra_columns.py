"""Further columns of the file that a response came from, as a JSON object of texts; append-only as the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from a3core.grader.labels.migrations import forbid_changes

revision = "0003_extra_columns"
down_revision = "0002_silent_repeats"


def upgrade() -> None:
    op.create_table(
        "extra_columns",
        sa.Column("response_key", sa.BigInteger, sa.ForeignKey("responses.key"), primary_key=True, autoincrement=False),
        sa.Column("json", sa.Text, nullable=False),
    )
    forbid_changes("extra_columns", "response_key")
