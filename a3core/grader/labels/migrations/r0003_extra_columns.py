"""Further columns of the file that a response came from, as a JSON object of texts; append-only as the others."""

from a3core.grader.labels.migrations import forbid_changes, run_sql

revision = "0003_extra_columns"
down_revision = "0002_silent_repeats"


def upgrade() -> None:
    run_sql(__file__)
    forbid_changes("extra_columns", "response_key")
