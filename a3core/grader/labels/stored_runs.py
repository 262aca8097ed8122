"""Runs in the database: their responses, their label schemas and settings. Inside a transaction of the caller."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.exc import IntegrityError

from a3core.grader.labels import tables
from a3core.grader.labels.dealing import Deal
from a3core.grader.labels.events import ADJUDICATION, EVENTS, IMPORT, read_rows, sort_events
from a3core.grader.labels.schema import DEFAULT_SCHEMA, Schema, check_annotator
from a3core.grader.labels.tables import EXPLAINED, RESPONSES, RUN_SETTINGS, RUNS, SCHEMAS
from a3core.grader.runs.responses import Label, Response, Run

LONGEST_NAME = 200  # characters of a run's name
LONGEST_ID = 500  # of a response's id; an index of PostgreSQL takes no more
COLUMNS = tuple(field.name for field in fields(Response))


class RunInfo(NamedTuple):
    """A run without its responses: what it is born with, and how it is named and labelled now."""

    id: int = 0
    key: str = ""  # a UUID, the same in every database and archive of the run; "": a new one
    owner: str = ""  # who made it; "": of this machine, or shipped
    notes: tuple[str, ...] = ()
    created: str = ""  # UTC, as ISO 8601
    total: int = 0  # responses
    name: str = ""
    schema: Schema = DEFAULT_SCHEMA
    repeat_share: float = 0.0  # of the items, in [0, 1], that come back silently
    removed: bool = False  # no list has it
    deal: Deal | None = None  # None: all items are everybody's


def read_infos(connection: Connection, run: int | None = None) -> list[RunInfo]:
    """All runs, those that were removed, too, the oldest first; or `run` alone."""
    total = select(func.count()).where(RESPONSES.c.run_id == RUNS.c.id).scalar_subquery()
    newest = select(func.max(RUN_SETTINGS.c.id)).where(RUN_SETTINGS.c.run_id == RUNS.c.id).correlate(RUNS)
    now = [RUN_SETTINGS.c[name] for name in ("repeat_share", "removed", "deal")]
    found = select(RUNS, total.label("total"), SCHEMAS.c.json, RUN_SETTINGS.c.name.label("later"), *now)
    found = found.join(RUN_SETTINGS, RUN_SETTINGS.c.id == newest.scalar_subquery())
    found = found.join(SCHEMAS, SCHEMAS.c.version == RUN_SETTINGS.c.schema_version).order_by(RUNS.c.id)
    infos = []
    for row in connection.execute(found if run is None else found.where(RUNS.c.id == run)):
        values = {name: getattr(row, name) for name in RunInfo._fields if hasattr(row, name)}
        values |= {"name": row.later or row.name, "deal": Deal(**json.loads(row.deal)) if row.deal else None}
        infos.append(RunInfo(**values, schema=parse_schema(row.json)))
    return infos


def read_info(connection: Connection, run: int, lock: bool = False) -> RunInfo:
    """Raises ValueError if there is no such run.

    `lock` it until the transaction ends, so that its events are numbered as they are stored; SQLite has one writer at a
    time anyway.
    """
    can_be = isinstance(run, int) and 0 < run < 2**63
    if lock and can_be and connection.dialect.name != "sqlite":
        connection.execute(select(RUNS.c.id).where(RUNS.c.id == run).with_for_update())
    found = read_infos(connection, run) if can_be else []
    if not found:
        raise ValueError(f"There is no run {run!r}.")
    return found[0]


def find_response(connection: Connection, run: int, response_id: str) -> Row:
    """`key` of a response, and whether it is `explained`. Raises ValueError if the run has none of that id."""
    columns = (RESPONSES.c.key, EXPLAINED.label("explained"))
    found = select(*columns).where(RESPONSES.c.run_id == run, RESPONSES.c.id == response_id)
    row = connection.execute(found).first() if isinstance(response_id, str) else None
    if row is None:
        raise ValueError(f"The run {run} has no response {response_id!r}.")
    return row


@lru_cache(maxsize=100)
def parse_schema(text: str) -> Schema:
    return Schema.from_json(text)


# Writing


def insert_run(connection: Connection, run: Run, info: RunInfo, at: str) -> int:
    """Adds a run without its labels, with what it is born with and how it is labelled; its name and notes are `run`'s.

    Raises ValueError if there is one of that name or key, or an id is too long.
    """
    check_name(connection, run.name)
    if long := next((response.id for response in run.responses if len(response.id) > LONGEST_ID), None):
        raise ValueError(f"A response's id has at most {LONGEST_ID} characters: {long[:40]!r}... has {len(long):,}.")
    key = info.key or str(uuid4())
    # the name of one that was renamed or removed is free, but the table has it
    is_free = connection.scalar(select(RUNS.c.id).where(RUNS.c.name == run.name)) is None
    named = {"name": run.name if is_free else key, "notes": run.notes, "created": at, "key": key, "owner": info.owner}
    if connection.dialect.name == "sqlite":  # it would give the number of a run that was deleted once more
        deleted = select(func.max(tables.RUN_CHANGES.c.run_id)).scalar_subquery()
        last = connection.execute(select(func.max(RUNS.c.id), deleted))
        named["id"] = max(number or 0 for number in last.one()) + 1
    try:
        added = connection.execute(RUNS.insert().values(**named))
    except IntegrityError:
        raise ValueError(f"There is already a run {run.name!r}: give this one another name.") from None
    id_ = added.inserted_primary_key[0]
    rows = [
        {**{name: getattr(one, name) for name in COLUMNS}, "question_key": one.question_key} for one in run.responses
    ]
    connection.execute(RESPONSES.insert(), [row | {"run_id": id_, "position": n} for n, row in enumerate(rows)])
    set_settings(connection, info._replace(id=id_, name=run.name), at, info.owner)
    if run.extra:
        keys = read_keys(connection, id_)
        rows = [{"response_key": keys[id], "json": json.dumps(dict(extra))} for id, extra in run.extra.items() if extra]
        connection.execute(tables.EXTRA_COLUMNS.insert(), rows)
    return id_


def check_name(connection: Connection, name: str) -> None:
    """Raises ValueError for a run's name that is empty, too long, or another's that was not removed."""
    if not name.strip():
        raise ValueError("A run needs a name.")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"A run's name has at most {LONGEST_NAME} characters, this one {len(name):,}.")
    if any(info.name == name and not info.removed for info in read_infos(connection)):
        raise ValueError(f"There is already a run {name!r}: give this one another name.")


def insert_given_labels(connection: Connection, run: int, labels: Sequence[Label], schema: Schema, at: str) -> int:
    """Adds labels that came with the data, at their own time or else `at`; returns how many are new.

    Raises ValueError that names the first one that is not right.
    """
    given = read_rows(connection, EVENTS.run_id == run, EVENTS.kind != ADJUDICATION)
    present = {(e.response_id, e.annotator, e.field, e.round): e.new for e in sort_events(given)}
    last = Counter()
    for event, sequence, _ in given:
        last[event.annotator] = max(last[event.annotator], sequence)
    keys, rows = read_keys(connection, run), []
    for label in labels:
        if label.response_id not in keys:
            raise ValueError(f"A given label is of the response {label.response_id!r}, which the run does not have.")
        try:
            schema.check(label.field, label.value)
            annotator = check_annotator(label.annotator)
        except ValueError as error:
            raise ValueError(f"A given label of the response {label.response_id!r}: {error}") from error
        key = (label.response_id, annotator, label.field, label.round)
        old = present.get(key, "")
        if label.value != old:
            present[key] = label.value
            row = {"run_id": run, "response_key": keys[label.response_id], "annotator": annotator, "field": label.field}
            same = {"schema_version": schema.version, "at": label.at or at, "kind": IMPORT, "round": label.round}
            last[annotator] += 1
            rows.append({**row, "old": old, "new": label.value, **same, "sequence": last[annotator]})
    if rows:
        connection.execute(tables.LABEL_EVENTS.insert(), rows)
    return len(rows)


def set_settings(connection: Connection, info: RunInfo, at: str, by: str = "") -> None:
    """How the run is labelled and named from now on; `by`: who has set it so. Raises ValueError."""
    if not 0 <= info.repeat_share <= 1:
        raise ValueError(f"The share of items that come back is between 0 and 1, not {info.repeat_share}.")
    insert_schema(connection, info.schema)
    row = {"run_id": info.id, "schema_version": info.schema.version, "at": at, "by": by, "removed": info.removed}
    row |= {"name": info.name, "repeat_share": info.repeat_share, "deal": info.deal and json.dumps(asdict(info.deal))}
    connection.execute(RUN_SETTINGS.insert().values(row))


def insert_schema(connection: Connection, schema: Schema) -> None:
    """Adds the schema, unless it is there already."""
    if connection.scalar(select(SCHEMAS.c.version).where(SCHEMAS.c.version == schema.version)):
        return
    try:
        with connection.begin_nested():
            connection.execute(SCHEMAS.insert().values(version=schema.version, json=schema.to_json()))
    except IntegrityError:  # another process has added it this moment
        pass


# Reading


def read_responses(connection: Connection, run: int, *conditions) -> tuple[Response, ...]:
    """Responses of a run in the order in which they were given."""
    columns = (RESPONSES.c[name] for name in COLUMNS)
    found = select(*columns).where(RESPONSES.c.run_id == run, *conditions).order_by(RESPONSES.c.position)
    return tuple(Response(*row) for row in connection.execute(found))


def read_extra(connection: Connection, run: int) -> dict[str, dict[str, str]]:
    """The further columns of each response that has some, by its id."""
    columns = select(RESPONSES.c.id, tables.EXTRA_COLUMNS.c.json).join(tables.EXTRA_COLUMNS)
    found = connection.execute(columns.where(RESPONSES.c.run_id == run).order_by(RESPONSES.c.position))
    return {row.id: json.loads(row.json) for row in found}


def read_schemas(connection: Connection, run: int) -> tuple[Schema, ...]:
    """Every schema that the run was ever labelled by, the present one last."""
    used = select(RUN_SETTINGS.c.schema_version, func.max(RUN_SETTINGS.c.id).label("last"))
    used = used.where(RUN_SETTINGS.c.run_id == run).group_by(RUN_SETTINGS.c.schema_version).subquery()
    texts = select(SCHEMAS.c.json).join(used, used.c.schema_version == SCHEMAS.c.version).order_by(used.c.last)
    return tuple(map(parse_schema, connection.scalars(texts)))


def read_keys(connection: Connection, run: int) -> dict[str, int]:
    rows = connection.execute(select(RESPONSES.c.id, RESPONSES.c.key).where(RESPONSES.c.run_id == run))
    return {row.id: row.key for row in rows}
