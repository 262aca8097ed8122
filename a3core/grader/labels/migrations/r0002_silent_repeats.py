"""Items that come back silently: the round of a label (1 first, 2 again), and the share of a run that comes back."""

from a3core.grader.labels.migrations import run_sql

revision = "0002_silent_repeats"
down_revision = "0001_runs_and_labels"


def upgrade() -> None:
    run_sql(__file__)
