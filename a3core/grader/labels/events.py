"""Events: every change of a label, one row a field, added and never touched again.

    id  response  annotator  field        old      new      kind   refers
    7   r-12      ann        explanation           correct  label
    8   r-12      ann        convincing            yes      label
    9   r-12      ann        explanation  correct  flawed   label
    10  r-12      ann        explanation  flawed   correct  undo   9

The present label of a field is the `new` of its last event. Functions here work inside a transaction of the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection, Row, select

from a3core.grader.labels.schema import FIRST, Schema
from a3core.grader.labels.tables import EXPLAINED, LABEL_EVENTS, RESPONSES, RUN_SETTINGS, RUNS, SCHEMAS
from a3core.grader.runs.responses import Label

LABEL, UNDO, REDO, IMPORT, ADJUDICATION = KINDS = ("label", "undo", "redo", "import", "adjudication")
EVENTS = LABEL_EVENTS.c


class Event(NamedTuple):
    """One change of one field. `at` is in UTC, as ISO 8601; `refers` is the id of the event undone or redone."""

    id: int
    response_id: str
    annotator: str
    field: str
    old: str  # "" where there was no label
    new: str  # "" where it was taken back
    schema_version: str
    at: str
    kind: str
    round: int
    refers: int | None = None
    client_id: str | None = None  # the same for what was given together: one step of undo
    parent: str | None = None  # of a label: the client_id of the step it stands on (a3core.grader.labels.undo)


@dataclass(frozen=True)
class Step:
    """What the events of one step have in common."""

    run: int
    response_key: int
    response_id: str
    annotator: str
    kind: str
    at: str
    round: int = FIRST
    client_id: str | None = None
    parent: str | None = None


def append(
    connection: Connection,
    step: Step,
    *,
    field: str,
    old: str,
    new: str,
    schema_version: str,
    refers: int | None = None,
) -> Event:
    """Adds the change of one field to the step; `refers` is the id of the event that it undoes or redoes."""
    values = {name: value for name, value in vars(step).items() if name not in ("run", "response_key", "response_id")}
    values |= {"field": field, "old": old, "new": new, "schema_version": schema_version, "refers": refers}
    insert = LABEL_EVENTS.insert().values(run_id=step.run, response_key=step.response_key, **values)
    return Event(id=connection.execute(insert).inserted_primary_key[0], response_id=step.response_id, **values)


def read_events(connection: Connection, *conditions) -> tuple[Event, ...]:
    """Events that meet all conditions, in the order in which they came.

    Sorted here: asked for their order, SQLite would read all events of an annotator to find those of one step.
    """
    columns = [RESPONSES.c.id if name == "response_id" else EVENTS[name] for name in Event._fields]
    found = select(*columns).join(RESPONSES, RESPONSES.c.key == EVENTS.response_key)
    return tuple(sorted(map(Event._make, connection.execute(found.where(*conditions)))))


def read_labels(connection: Connection, response_key: int) -> list[Label]:
    """The present labels of one response, in the order in which they were first given, adjudications left out."""
    events = read_events(connection, EVENTS.response_key == response_key, EVENTS.kind != ADJUDICATION)
    last = {(event.annotator, event.round, event.field): event for event in events}
    return [
        Label(
            response_id=event.response_id,
            annotator=event.annotator,
            field=event.field,
            value=event.new,
            round=event.round,
            schema_version=event.schema_version,
            at=event.at,
            event=event.id,
        )
        for event in last.values()
        if event.new
    ]


# Runs


class Settings(NamedTuple):
    """How a run is labelled now."""

    schema: Schema
    repeat_share: float  # of the items, in [0, 1], that come back silently


def read_settings(connection: Connection, run: int) -> Settings:
    """Raises ValueError if there is no such run."""
    newest = (
        select(SCHEMAS.c.json, RUN_SETTINGS.c.repeat_share)
        .join(SCHEMAS, SCHEMAS.c.version == RUN_SETTINGS.c.schema_version)
        .where(RUN_SETTINGS.c.run_id == run)
        .order_by(RUN_SETTINGS.c.id.desc())
        .limit(1)
    )
    row = connection.execute(newest).first() if _can_be_id(run) else None
    if row is None:
        raise ValueError(f"There is no run {run!r}.")
    return Settings(parse_schema(row.json), row.repeat_share)


def lock_run(connection: Connection, run: int) -> Settings:
    """Lets nobody else write to the run until the transaction ends, so that its events are numbered as they are stored.

    SQLite has one writer at a time anyway. Raises ValueError if there is no such run.
    """
    if connection.dialect.name != "sqlite" and _can_be_id(run):
        connection.execute(select(RUNS.c.id).where(RUNS.c.id == run).with_for_update())
    return read_settings(connection, run)


def find_response(connection: Connection, run: int, response_id: str) -> Row:
    """`key` of a response, and whether it is `explained`. Raises ValueError if the run has none of that id."""
    columns = (RESPONSES.c.key, EXPLAINED.label("explained"))
    found = select(*columns).where(RESPONSES.c.run_id == run, RESPONSES.c.id == response_id)
    row = connection.execute(found).first() if isinstance(response_id, str) else None
    if row is None:
        raise ValueError(f"The run {run} has no response {response_id!r}.")
    return row


@lru_cache(maxsize=100)
def parse_schema(json: str) -> Schema:
    return Schema.from_json(json)


def _can_be_id(run: object) -> bool:
    return isinstance(run, int) and 0 < run < 2**63
