"""What was renamed, hidden, shown again and deleted for good: a run, its annotators, its questions; and by whom.

    make_change(connection, run, ANNOTATOR, HIDE, "test", by="ann", at=at)      its labels count nowhere
    make_change(connection, run, ANNOTATOR, DELETE, "test", by="ann", at=at)    their rows are gone, in copies as well

A change is a row that is only added, with a key that is the same in all copies of the run. Exports take changes along,
and all changes are applied to all copies that are merged: a name that was deleted stays so, whatever comes in, and
events of one that was renamed come in under the new name. Functions here work inside a transaction of the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, select, update

from a3core.grader.labels import schema, stored_runs
from a3core.grader.labels.events import EVENTS, LABEL, Event, read_rows
from a3core.grader.labels.migrations import changing
from a3core.grader.labels.schema import ACTIONS, ANNOTATOR, DELETE, HIDE, KINDS, QUESTION, RENAME, RUN, SHOW
from a3core.grader.labels.stored_runs import RunInfo
from a3core.grader.labels.tables import EXTRA_COLUMNS, LABEL_EVENTS, RESPONSES, RUN_CHANGES, RUN_SETTINGS, RUNS

STILL_THERE = "The {kind} {name!r} is in use: remove it first, and export the run if you may want it back."


class Change(NamedTuple):
    """One change; `value` is the new name."""

    key: str  # a UUID
    kind: str
    name: str  # of the run, the annotator, or the question's field
    action: str
    value: str
    at: str  # UTC, as ISO 8601
    by: str

    @classmethod
    def of_copy(cls, row: dict[str, str]) -> Change:
        """Of an export, which deletes no run. Raises ValueError for what is no change."""
        change = cls(**row)
        if change.kind not in KINDS or change.action not in ACTIONS or (change.kind, change.action) == (RUN, DELETE):
            raise ValueError(f"there is no change {change.action!r} of {change.kind!r}")
        return change


# Reading


def read_changes(connection: Connection, run: int) -> tuple[Change, ...]:
    """Those of one run, in their order."""
    columns = [RUN_CHANGES.c[name] for name in Change._fields]
    found = connection.execute(select(*columns).where(RUN_CHANGES.c.run_id == run))
    return sort_changes(Change(*row) for row in found)


def sort_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Each once, by time."""
    return tuple(sorted(set(changes), key=lambda change: (change.at, change.key)))


def read_deletions(connection: Connection) -> dict[str, Change]:
    """The runs that were deleted for good, by their keys."""
    columns = [RUN_CHANGES.c[name] for name in ("run_key", *Change._fields)]
    is_deletion = RUN_CHANGES.c.kind == RUN, RUN_CHANGES.c.action == DELETE
    return {row[0]: Change(*row[1:]) for row in connection.execute(select(*columns).where(*is_deletion))}


def list_hidden(changes: Sequence[Change]) -> frozenset[str]:
    """Names of annotators whose labels count nowhere."""
    hidden: set[str] = set()
    for change in changes:
        if change.kind == ANNOTATOR:
            was_hidden = change.name in hidden
            hidden.discard(change.name)
            if change.action == HIDE or (change.action == RENAME and was_hidden):
                hidden.add(change.value or change.name)
    return frozenset(hidden)


def resolve_annotator(name: str, changes: Iterable[Change]) -> str:
    """What a name is called now. Raises ValueError for one that was deleted."""
    for change in changes:
        if change.kind == ANNOTATOR and schema.fold_annotator(change.name) == schema.fold_annotator(name):
            if change.action == DELETE:
                raise ValueError(f"{name!r} was deleted from this run for good: sign with another name.")
            name = change.value or name
    return name


def describe_change(change: Change) -> str:
    """In one line: "2026-03-01: annotator 'test' deleted for good, by ann"."""
    done = {RENAME: f"renamed {change.value!r}", HIDE: "removed", SHOW: "taken back", DELETE: "deleted for good"}
    by = f", by {change.by}" if change.by else ""
    return f"{change.at[:10]}: {change.kind} {change.name!r} {done[change.action]}{by}"


# Applying


def apply_changes(events: Iterable[Event], changes: Iterable[Change]) -> list[Event]:
    """The events under the names of now, without those of what was deleted; in the same order."""
    events = list(events)
    for kind, name, action, value in (change[1:5] for change in changes):
        if (kind, action) == (ANNOTATOR, RENAME):
            events = [event._replace(annotator=value) if event.annotator == name else event for event in events]
        elif (kind, action) == (ANNOTATOR, DELETE):
            events = [event for event in events if event.annotator != name]
        elif (kind, action) == (QUESTION, DELETE):
            left = [event for event in events if event.field != name]
            steps, gone = {(event.annotator, event.client_id) for event in left}, {}
            for one in events:  # a step that followed one without labels now follows the one before that
                if one.kind == LABEL and (one.annotator, one.client_id) not in steps:
                    gone[one.annotator, one.client_id] = gone.get((one.annotator, one.parent), one.parent)
            events = [one._replace(parent=gone.get((one.annotator, one.parent), one.parent)) for one in left]
    return events


def rewrite_events(connection: Connection, run: int, changes: Sequence[Change]) -> None:
    """Applies changes to the stored events of a run."""
    stored = [event for event, *_ in read_rows(connection, EVENTS.run_id == run)]
    present = {event.id: event for event in apply_changes(stored, changes)}
    # what refers to another event goes before it
    gone = [{"gone": event.id} for event in reversed(stored) if event.id not in present]
    fresh = [present[event.id] for event in stored if present.get(event.id, event) != event]
    fresh = [{"own": event.id, "annotator": event.annotator, "parent": event.parent} for event in fresh]
    with changing(connection, LABEL_EVENTS.name):
        if gone:
            connection.execute(delete(LABEL_EVENTS).where(EVENTS.id == bindparam("gone")), gone)
        if fresh:
            connection.execute(update(LABEL_EVENTS).where(EVENTS.id == bindparam("own")), fresh)


# Making


def make_change(
    connection: Connection, run: int, kind: str, action: str, name: str = "", value: str = "", *, at: str, by: str = ""
) -> None:
    """Changes a run, or the annotator or the question `name` of it; `value` is the new name.

    Only what is hidden can be deleted. Raises ValueError.
    """
    info, done = stored_runs.read_info(connection, run, lock=True), read_changes(connection, run)
    name = name or info.name
    change = Change(str(uuid4()), kind, name, action, value, find_time(at, done), by)
    if kind == QUESTION and action in (HIDE, SHOW):
        return set_schema(connection, info, _change_schema(connection, info, change), at, by)
    if kind == QUESTION and action == RENAME:
        raise ValueError("A question is renamed by its text; the field is its name in files.")
    if kind == ANNOTATOR:
        _check_annotator(connection, run, done, change)
    hidden = {RUN: info.removed, QUESTION: name not in info.schema.fields, ANNOTATOR: name in list_hidden(done)}
    if action == DELETE and not hidden[kind]:
        raise ValueError(STILL_THERE.format(kind=kind, name=name))
    add_changes(connection, run, [change])
    if kind != RUN:
        return rewrite_events(connection, run, [change])
    if action == DELETE:
        return delete_run(connection, run)
    if action in (RENAME, SHOW):
        stored_runs.check_name(connection, value or name)
    info = info._replace(name=value or info.name, removed=action == HIDE or (info.removed and action != SHOW))
    stored_runs.set_settings(connection, info, change.at, by)


def set_schema(connection: Connection, info: RunInfo, asked: schema.Schema, at: str, by: str) -> None:
    """Sets the questions that are `asked` from now on.

    Raises ValueError for a question whose labels were deleted for good.
    """
    done = read_changes(connection, info.id)
    at, deleted = find_time(at, done), {one.name for one in done if (one.kind, one.action) == (QUESTION, DELETE)}
    if back := deleted.intersection(asked.fields):
        raise ValueError(f"The labels of {min(back)!r} were deleted for good: give the question another field.")
    changed = [(name, HIDE) for name in info.schema.fields if name not in asked.fields]
    changed += [(name, SHOW) for name in asked.fields if name not in info.schema.fields]
    add_changes(connection, info.id, [Change(str(uuid4()), QUESTION, *pair, "", at, by) for pair in changed])
    stored_runs.set_settings(connection, info._replace(schema=asked), at, by)


def find_time(now: str, changes: Sequence[Change]) -> str:
    """Now, or where a clock was set back, a moment after the last change: they are sorted by their times."""
    if not changes or changes[-1].at < now:
        return now
    return (datetime.fromisoformat(changes[-1].at) + timedelta(microseconds=1)).isoformat(timespec="microseconds")


def _change_schema(connection: Connection, info: RunInfo, change: Change) -> schema.Schema:
    """Without a question that is asked, or with one that was asked last of all."""
    if change.action == HIDE:
        return schema.Schema(tuple(question for question in info.schema.questions if question.field != change.name))
    for earlier in reversed(stored_runs.read_schemas(connection, info.id)):
        if change.name in earlier.fields and change.name not in info.schema.fields:
            return schema.Schema((*info.schema.questions, earlier.question(change.name)))
    raise ValueError(f"There is no question {change.name!r} to show again.")


def _check_annotator(connection: Connection, run: int, changes: Sequence[Change], change: Change) -> None:
    names = connection.scalars(select(EVENTS.annotator).where(EVENTS.run_id == run).distinct()).all()
    if change.name not in names:
        raise ValueError(f"{change.name!r} has no labels in this run: it has those of {', '.join(names) or 'nobody'}.")
    if change.action == RENAME:
        name = schema.check_annotator(change.value)
        others = {schema.fold_annotator(other) for other in names if other != change.name}
        if schema.fold_annotator(name) in others or resolve_annotator(name, changes) not in (name, change.name):
            raise ValueError(f"{name!r} is another annotator of this run.")


def add_changes(connection: Connection, run: int, changes: Sequence[Change]) -> None:
    """Adds changes, none of which is there yet."""
    key = connection.scalar(select(RUNS.c.key).where(RUNS.c.id == run))
    if rows := [{**change._asdict(), "run_id": run, "run_key": key} for change in changes]:
        connection.execute(RUN_CHANGES.insert(), rows)


def delete_run(connection: Connection, run: int) -> None:
    """Deletes the rows of a run; what was changed of it remains in the list of changes."""
    own = select(RESPONSES.c.key).where(RESPONSES.c.run_id == run)
    rows = {LABEL_EVENTS: EVENTS.run_id == run, EXTRA_COLUMNS: EXTRA_COLUMNS.c.response_key.in_(own)}
    rows |= {RUN_SETTINGS: RUN_SETTINGS.c.run_id == run, RESPONSES: RESPONSES.c.run_id == run, RUNS: RUNS.c.id == run}
    with changing(connection, *(table.name for table in rows)):
        for table, condition in rows.items():
            connection.execute(delete(table).where(condition))


def add_deletion(connection: Connection, key: str, deletion: Change) -> None:
    """Deletes the run of a key as another database did; it stays deleted where it is not there."""
    if key not in read_deletions(connection):
        run = connection.scalar(select(RUNS.c.id).where(RUNS.c.key == key)) or 0
        connection.execute(RUN_CHANGES.insert().values(**deletion._asdict(), run_id=run, run_key=key))
        delete_run(connection, run)
