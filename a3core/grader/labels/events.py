"""Events: every change of a label, one row a field, added and never touched again.

    id  response  annotator  field        old      new      kind   refers
    7   r-12      ann        explanation           correct  label
    8   r-12      ann        convincing            yes      label
    9   r-12      ann        explanation  correct  flawed   label
    10  r-12      ann        explanation  flawed   correct  undo   9

The present label of a field is the `new` of its last event. Functions here work inside a transaction of the caller.
Where events of another machine were added, the order is by an annotator's own sequence number, not by id.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, and_, literal_column, select

from a3core.grader.labels.schema import FIRST
from a3core.grader.labels.tables import LABEL_EVENTS, RESPONSES

LABEL, UNDO, REDO, IMPORT, ADJUDICATION = KINDS = ("label", "undo", "redo", "import", "adjudication")
EVENTS = LABEL_EVENTS.c
IS_DECISION = EVENTS.kind == literal_column(f"'{ADJUDICATION}'")  # written out, so that the index of decisions is used
LAST_FIRST = EVENTS.sequence.desc(), EVENTS.client_id.desc()


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
    parent: str | None = None  # of a label: the client_id of the step before it (see `undo`)


@dataclass(frozen=True)
class Step:
    """What the events of one step have in common."""

    run: int
    annotator: str
    kind: str
    at: str
    response_key: int = 0  # an undo or a redo finds its response by itself
    response_id: str = ""
    round: int = FIRST
    client_id: str | None = None
    parent: str | None = None


def append(connection: Connection, step: Step, *, refers: int | None = None, **change: str) -> Event:
    """Adds the change of one field to the step, with the next number; `refers`: the event undone or redone.

    `change` holds field, old, new and schema_version, as of `Event`.
    """
    values = {name: value for name, value in vars(step).items() if name not in ("run", "response_key", "response_id")}
    values |= {**change, "refers": refers}
    own = IS_DECISION if step.kind == ADJUDICATION else and_(EVENTS.annotator == step.annotator, ~IS_DECISION)
    last = select(EVENTS.sequence).where(EVENTS.run_id == step.run, own).order_by(EVENTS.sequence.desc()).limit(1)
    number = {"sequence": (connection.scalar(last) or 0) + 1}
    insert = LABEL_EVENTS.insert().values(run_id=step.run, response_key=step.response_key, **values, **number)
    return Event(id=connection.execute(insert).inserted_primary_key[0], response_id=step.response_id, **values)


# an event, its number among those of its annotator, and the client_ids of the events that it replaced; None there where
# it replaced all that the database held of its label before
EventRow = tuple[Event, int, tuple[str, ...] | None]


def read_rows(connection: Connection, *conditions) -> list[EventRow]:
    """Events that meet all conditions, in the order in which they were stored.

    Sorted here: asked for their order, SQLite would read all events of an annotator to find those of one step.
    """
    columns = [RESPONSES.c.id if name == "response_id" else EVENTS[name] for name in Event._fields]
    found = select(*columns, EVENTS.sequence, EVENTS.follows).join(RESPONSES, RESPONSES.c.key == EVENTS.response_key)
    rows = connection.execute(found.where(*conditions)).all()
    return sorted((Event(*values), sequence, follows) for *values, sequence, follows in rows)


def read_events(connection: Connection, *conditions) -> tuple[Event, ...]:
    """Events that meet all conditions, in their order."""
    return sort_events(read_rows(connection, *conditions))


def find_stream(event: Event) -> tuple[str, str]:
    """Whose sequence an event belongs to: its annotator's, or that of all decisions."""
    return ("decisions", "") if event.kind == ADJUDICATION else ("labels", event.annotator)


def find_rank(event: Event, sequence: int) -> tuple:
    """What events of one stream are sorted by: the number, and where two machines gave the same, what never differs."""
    return sequence, event.client_id or "", event.response_id, event.field, event.new


def sort_events(rows: Sequence[EventRow]) -> tuple[Event, ...]:
    """The events as they were stored, but those of each stream among themselves by their numbers."""
    streams = defaultdict(list)
    for event, sequence, _ in rows:
        streams[find_stream(event)].append((find_rank(event, sequence), event))
    ordered = {stream: iter(sorted(own, key=itemgetter(0))) for stream, own in streams.items()}
    return tuple(next(ordered[find_stream(event)])[1] for event, *_ in rows)


def read_values(connection: Connection, step: Step) -> dict[str, str]:
    """The present values of the step's response by field: of its annotator and round, or those decided."""
    own = (EVENTS.annotator == step.annotator, EVENTS.round == step.round, EVENTS.kind != ADJUDICATION)
    whose = (EVENTS.kind == ADJUDICATION,) if step.kind == ADJUDICATION else own
    return {
        event.field: event.new for event in read_events(connection, EVENTS.response_key == step.response_key, *whose)
    }


def find_head(connection: Connection, run: int, annotator: str) -> str | None:
    """The client_id of the step that the next undo takes back, None where there is none."""
    own = (EVENTS.run_id == run, EVENTS.annotator == annotator)
    last = select(EVENTS.kind, EVENTS.client_id, EVENTS.parent, EVENTS.refers)
    last = last.where(*own, EVENTS.kind.in_((LABEL, UNDO, REDO))).order_by(*LAST_FIRST).limit(1)
    event = connection.execute(last).first()
    if event is None:
        return None
    if event.kind == LABEL:
        return event.client_id
    undone = connection.execute(select(EVENTS.client_id, EVENTS.parent).where(EVENTS.id == event.refers)).one()
    return undone.client_id if event.kind == REDO else undone.parent


def find_repeated(
    connection: Connection, step: Step, field: str | None = None, value: str | None = None
) -> tuple[Event, ...]:
    """The events of this request if it was stored before. Raises ValueError if its client_id was another request's."""
    own = (EVENTS.run_id == step.run, EVENTS.annotator == step.annotator, EVENTS.client_id == step.client_id)
    stored = read_events(connection, *own)
    request = (step.response_id, step.round, field, value)
    for event in stored:
        is_same = field is None or (event.response_id, event.round, event.field, event.new) == request
        if event.kind != step.kind or not is_same:
            raise ValueError(f"The client_id {step.client_id} was given to another request.")
    return stored


# Undo and redo over the steps of one annotator, like in an editor, kept in events that are only added.
#
#     label a, label b, undo, label c          the parent of c is a, as of b before it
#                                              undo takes c back, then a; redo gives a again, then c; b stays undone
#                     ┌─ b
#         nothing ─ a ┤
#                     └─ c   <- the head: what the next undo takes back
#
# A step is what was given together; each names the step before it, its parent, so that steps are a tree. The head is
# read off the annotator's last event: a label's or redo's step, or the parent of the step that was undone. Redo goes to
# the youngest step whose parent is the head. It is always the right one: an elder one was dropped by the label after
# it.


def undo(connection: Connection, step: Step) -> tuple[Event, ...]:
    """Takes the head back; nothing happens where there is none. `step` holds annotator, time and client_id."""
    head = find_head(connection, step.run, step.annotator)
    if head is None:
        return ()
    step, given = _find_step(connection, step, head)
    same = (EVENTS.response_key == step.response_key, EVENTS.annotator == step.annotator, EVENTS.kind != ADJUDICATION)
    before, undone = read_events(connection, *same, EVENTS.round == step.round), []
    for e in given:  # the schema version of the value that comes back is that of the field's event before
        own = [one for one in before if one.field == e.field]
        position = [one.id for one in own].index(e.id)
        change = {"field": e.field, "old": e.new, "new": e.old}
        version = own[max(position - 1, 0)].schema_version
        undone.append(append(connection, step, **change, schema_version=version, refers=e.id))
    return tuple(undone)


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
