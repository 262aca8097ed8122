"""How a run is dealt out, and what was done to its annotators and questions; append-only as the others."""

from a3core.grader.labels.migrations import forbid_changes, run_sql

revision = "0005_deals_and_changes"
down_revision = "0004_run_keys"


def upgrade() -> None:
    run_sql(__file__)
    forbid_changes("run_changes")
