"""Items that come back silently: the round of a label (1 first, 2 again), and the share of a run that comes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_silent_repeats"
down_revision = "0001_runs_and_labels"


def upgrade() -> None:
    op.add_column("label_events", sa.Column("round", sa.Integer, nullable=False, server_default="1"))
    op.add_column("run_settings", sa.Column("repeat_share", sa.Float, nullable=False, server_default="0"))
