"""A run's own key, owner, later names and removal; the order of an annotator's events on several machines.

A run of before has the key that archives of it were named by; an annotator's events are counted as they were stored.
"""

import json

import sqlalchemy as sa
from alembic import op

from a3core.common.csv_safety import unescape
from a3core.grader.labels.migrations import changing, run_sql
from a3core.grader.runs.responses import Response, build_run_key

revision = "0004_run_keys"
down_revision = "0003_extra_columns"

TEXTS = ("id", "question", "answer", "explanation", "gold_answer", "prompt_kind", "model")
COUNT_EVENTS = """
UPDATE label_events SET sequence = counted.n FROM (
    SELECT id, row_number() OVER (
        PARTITION BY run_id, CASE WHEN kind = 'adjudication' THEN NULL ELSE annotator END ORDER BY id
    ) AS n FROM label_events
) AS counted WHERE counted.id = label_events.id
"""


def upgrade() -> None:
    run_sql(__file__)  # a unique index lets several runs be without a key
    with changing(op.get_bind(), "runs"):
        give_keys(op.get_bind())
    with changing(op.get_bind(), "label_events"):
        op.execute(COUNT_EVENTS)


def give_keys(connection: sa.Connection) -> None:
    """Gives each run the key that its name and responses make."""
    responses = sa.text(
        f"SELECT {', '.join(TEXTS)}, sample, steps FROM responses WHERE run_id = :run ORDER BY position"
    )
    for run, name in connection.execute(sa.text("SELECT id, name FROM runs")).all():
        own = []
        for row in connection.execute(responses, {"run": run}).mappings().all():
            texts = {name: None if row[name] is None else unescape(row[name]) for name in TEXTS}
            own.append(Response(**texts, sample=row["sample"], steps=tuple(json.loads(row["steps"]))))
        key = build_run_key(unescape(name), own)
        connection.execute(sa.text("UPDATE runs SET key = :key WHERE id = :run"), {"key": key, "run": run})
