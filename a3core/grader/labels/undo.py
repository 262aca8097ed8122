"""Undo and redo over the steps of one annotator, like in an editor, kept in events that are only added.

    label a, label b, undo, label c          the parent of c is a, as of b before it
                                             undo takes c back, then a; redo gives a again, then c; b stays undone
                    ┌─ b
        nothing ─ a ┤
                    └─ c   <- the head: what the next undo takes back

A step is what was given together; each names the step before it, its parent, so that steps are a tree. The head is
read off the annotator's last event: a label's or redo's step, or the parent of the step that was undone. Redo goes to
the youngest step whose parent is the head. It is always the right one: an elder one was dropped by the label after it.
"""

from dataclasses import replace

from sqlalchemy import Connection, select

from a3core.grader.labels.events import (
    ADJUDICATION,
    EVENTS,
    LABEL,
    LAST_FIRST,
    Event,
    Step,
    append,
    find_head,
    read_events,
)


def undo(connection: Connection, step: Step) -> tuple[Event, ...]:
    """Takes the head back; nothing happens where there is none. `step` holds annotator, time and client_id."""
    head = find_head(connection, step.run, step.annotator)
    if head is None:
        return ()
    step, given = _find_step(connection, step, head)
    versions = [_version_before(connection, step, event) for event in given]
    return tuple(
        append(connection, step, field=e.field, old=e.new, new=e.old, schema_version=version, refers=e.id)
        for e, version in zip(given, versions, strict=True)
    )


def redo(connection: Connection, step: Step) -> tuple[Event, ...]:
    """Gives the step again that was undone last; nothing happens where there is none, or a label came since."""
    head = find_head(connection, step.run, step.annotator)
    above = select(EVENTS.client_id).where(
        EVENTS.run_id == step.run, EVENTS.annotator == step.annotator, EVENTS.parent == head, EVENTS.kind == LABEL
    )
    youngest = connection.scalar(above.order_by(*LAST_FIRST).limit(1))
    if youngest is None:
        return ()
    step, given = _find_step(connection, step, youngest)
    return tuple(
        append(connection, step, field=e.field, old=e.old, new=e.new, schema_version=e.schema_version, refers=e.id)
        for e in given
    )


def _find_step(connection: Connection, step: Step, client_id: str) -> tuple[Step, tuple[Event, ...]]:
    """The new step on the response of an earlier one, and the earlier one's events."""
    own = (EVENTS.run_id == step.run, EVENTS.annotator == step.annotator)
    given = read_events(connection, *own, EVENTS.client_id == client_id)
    key = connection.scalar(select(EVENTS.response_key).where(EVENTS.id == given[0].id))
    return replace(step, response_key=key, response_id=given[0].response_id, round=given[0].round), given


def _version_before(connection: Connection, step: Step, given: Event) -> str:
    """The schema version of the value that an undo brings back: that of the field's event before."""
    same = (EVENTS.response_key == step.response_key, EVENTS.annotator == step.annotator, EVENTS.field == given.field)
    events = read_events(connection, *same, EVENTS.round == given.round, EVENTS.kind != ADJUDICATION)
    position = [event.id for event in events].index(given.id)
    return events[position - 1].schema_version if position else given.schema_version
