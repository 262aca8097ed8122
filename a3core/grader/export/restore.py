"""A run that was exported is put back exactly: responses, schemas, and every event with its time.

    run = restore_run(store, Archive(Run("pilot", responses), build_history(events), schemas, info))

Only the ids of the database are new, so that `refers` of an undo points to the same event by another number.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from a3core.grader.labels import history as histories
from a3core.grader.labels import stored_runs
from a3core.grader.labels.changes import Change, add_changes, read_changes, read_deletions, rewrite_events
from a3core.grader.labels.database import writing
from a3core.grader.labels.events import ADJUDICATION, EVENTS, IMPORT, KINDS, LABEL, REDO, UNDO, Event
from a3core.grader.labels.schema import ROUNDS, Schema, check_annotator
from a3core.grader.labels.store import LabelStore
from a3core.grader.labels.stored_runs import RunInfo, insert_schema, read_keys, read_schemas, set_settings
from a3core.grader.labels.tables import LABEL_EVENTS
from a3core.grader.runs.responses import Run


class Archive(NamedTuple):
    """What an export holds to be restored from."""

    run: Run  # without labels: they are among the events
    history: histories.History
    schemas: Sequence[Schema]  # as of `store.schemas`, the present last
    info: RunInfo = RunInfo()  # all but id, name, notes, total and schema
    changes: Sequence[Change] = ()


def restore_run(store: LabelStore, archive: Archive) -> int:
    """Adds a run with all its events, or nothing; returns its id.

    Raises ValueError that names the first event that cannot be.
    """
    run, schemas, info = archive.run, archive.schemas, archive.info
    if run.labels or not schemas:
        raise ValueError("A run is restored from its events and schemas: give both, and no labels beside them.")
    history = histories.change_history(archive.history, archive.changes)
    ids, known = {response.id for response in run.responses}, {schema.version: schema for schema in schemas}
    _check_events(history.events, ids, known)
    created = info.created or store.read_clock()
    with writing(store.engine) as connection:
        if deletion := read_deletions(connection).get(info.key):
            by = f" by {deletion.by}" if deletion.by else ""
            raise ValueError(f"{run.name!r} was deleted for good on {deletion.at[:10]}{by}: give it another name.")
        id_ = stored_runs.insert_run(connection, run, info._replace(schema=schemas[0], removed=False), created)
        later = [{"schema": schema} for schema in schemas[1:]] + ([{"removed": True}] if info.removed else [])
        for change in later:
            set_settings(connection, stored_runs.read_info(connection, id_)._replace(**change), created)
        add_changes(connection, id_, archive.changes)
        _insert_events(connection, id_, history)
    return id_


def add_events(store: LabelStore, run: int, archive: Archive) -> int:
    """Adds the events of another copy that the run lacks, or none; returns how many. Raises ValueError.

    Its deal counts where the run is not dealt out here. The changes of both are applied to both.
    """
    deal, changes = archive.info.deal, archive.changes
    with writing(store.engine) as connection:
        info = stored_runs.read_info(connection, run, lock=True)
        if deal and not info.deal:
            set_settings(connection, info._replace(deal=deal), store.read_clock())
        before = read_changes(connection, run)
        add_changes(connection, run, [one for one in changes if one.key not in {own.key for own in before}])
        if (changes := read_changes(connection, run)) != before:
            rewrite_events(connection, run, changes)
        own = histories.read_history(connection, EVENTS.run_id == run)
        copy = histories.change_history(archive.history, changes)
        merged, stored = histories.merge_histories([own, copy]), histories.identify(own.events)
        known = {schema.version: schema for schema in (*read_schemas(connection, run), *archive.schemas)}
        _check_events(merged.events, set(read_keys(connection, run)), known)
        for schema in archive.schemas:
            insert_schema(connection, schema)
        ids = {event.id: stored[key].id for key, event in histories.identify(merged.events).items() if key in stored}
        _insert_events(connection, run, merged, ids)
    return len(merged.events) - len(own.events)


def _insert_events(connection: Connection, run: int, history: histories.History, new_ids: dict | None = None) -> None:
    """In portions, each of which refers to earlier ones only. `new_ids`: by their ids, of events there already."""
    keys, new_ids, portion = read_keys(connection, run), new_ids or {}, []
    there = sorted((event for event in history.events if event.id in new_ids), key=lambda event: new_ids[event.id])
    added = [event for event in history.events if event.id not in new_ids]
    _, follows = histories.find_unordered(history._replace(events=[*there, *added]))
    for event in added:
        if event.refers is not None and event.refers not in new_ids:
            _insert_portion(connection, portion, new_ids)
        row = {**event._asdict(), "run_id": run, "refers": new_ids.get(event.refers)}
        row |= {"sequence": history.sequences[event.id], "follows": follows.get(event.id)}
        portion.append((event.id, {**row, "response_key": keys[event.response_id]}))
    _insert_portion(connection, portion, new_ids)


def _insert_portion(connection: Connection, portion: list[tuple[int, dict]], new_ids: dict[int, int]) -> None:
    stored = [column.name for column in LABEL_EVENTS.c if column.name != "id"]
    if rows := [{name: row[name] for name in stored} for _, row in portion]:
        insert = LABEL_EVENTS.insert().returning(LABEL_EVENTS.c.id, sort_by_parameter_order=True)
        added = connection.execute(insert, rows).scalars()
        new_ids.update(zip((old for old, _ in portion), added, strict=True))
    portion.clear()


# Checks


def _check_events(events: Sequence[Event], ids: set[str], schemas: dict[str, Schema]) -> None:
    """Raises ValueError for the first event that does not follow from those before it."""
    earlier, steps, values = {}, {}, {}

    def check(event: Event) -> Iterator[tuple[bool, str]]:
        """What must be, each with what is wrong otherwise; a later one may rely on an earlier one."""
        yield isinstance(event.id, int) and event.id not in earlier, f"its id {event.id!r} is not its own"
        yield event.response_id in ids, f"there is no response {event.response_id!r}"
        yield event.schema_version in schemas, f"there is no schema {event.schema_version!r}"
        yield event.kind in KINDS and event.round in ROUNDS, f"kind {event.kind!r} and round {event.round!r}"
        yield check_annotator(event.annotator) == event.annotator, "space around the annotator's name"
        yield datetime.fromisoformat(event.at).tzinfo is not None, f"the time {event.at!r} has no zone"

        given = earlier.get(event.refers)
        is_own = given is not None and given.kind == LABEL and given.annotator == event.annotator
        yield is_own if event.kind in (UNDO, REDO) else event.refers is None, f"it refers to {event.refers!r}"
        below = steps.get((event.annotator, event.parent))
        follows = event.parent is None or (event.kind == LABEL and below is not None and below[0] == LABEL)
        yield follows, f"it stands on {event.parent!r}"

        is_import, origin = event.kind == IMPORT, (event.kind, event.response_id, event.round, event.parent)
        yield (event.client_id is None) == is_import, f"kind {event.kind!r}, client_id {event.client_id!r}"
        known = is_import or steps.setdefault((event.annotator, event.client_id), origin) == origin
        yield known, f"its client_id {event.client_id!r} is another's"

        schemas[event.schema_version].check(event.field, event.new)
        whose = (event.kind == ADJUDICATION) or event.annotator
        key = (event.response_id, whose, event.round, event.field)
        before = values.get(key, "")
        yield event.old == before, f"it changes {event.old!r}, which was {before!r}"
        values[key] = event.new

    for number, event in enumerate(events, 1):
        try:
            for is_right, otherwise in check(event):
                if not is_right:
                    raise ValueError(otherwise)
            earlier[event.id] = event
        except (ValueError, TypeError) as error:
            raise ValueError(f"Event {number} of the run cannot be restored: {error}.") from error
