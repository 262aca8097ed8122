"""The history of a run's labels, as one machine or several have made it: the order of events, and what is undecided.

    history = build_history(events)                      of one machine: the order of the events says all
    history = read_history(connection, EVENTS.run_id == run)
    find_conflicts(history)                              labels that were given differently on two machines
    merge_histories([of_one_laptop, of_the_other])       every event once, whichever copy comes first

An event is itself by its annotator, client_id and field, which are the same in all copies; its number in a database is
not.

Clocks are not trusted: the order is by an annotator's own sequence number, ties by client_id. A new event has the next
number and replaces what its machine had of the label; events that replaced nothing of each other are a conflict until a
later one replaces both (a multi-value register; Shapiro et al. 2011, "A comprehensive study of convergent and
commutative replicated data types", 3.2.2). Decisions of all adjudicators are one sequence.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from a3core.grader.labels.changes import Change, apply_changes
from a3core.grader.labels.events import IMPORT, Event, find_rank, find_stream, read_rows, sort_events


class History(NamedTuple):
    """Events, and by the id of each its sequence number and the client_ids of the events that it replaced."""

    events: Sequence[Event]
    sequences: Mapping[int, int]
    replaced: Mapping[int, frozenset[str]]


class Conflict(NamedTuple):
    """A label that was last given differently on two machines. `annotator` is "" for a decision."""

    response_id: str
    annotator: str
    field: str
    round: int
    values: tuple[str, ...]  # sorted; "" where it was taken back


def build_history(
    events: Sequence[Event],
    sequences: Mapping[int, int] | None = None,
    replaced: Mapping[int, Collection[str]] | None = None,
) -> History:
    """`sequences` and `replaced` hold, by event id, only what the order of the events does not say."""
    rows = list(_walk(events, sequences or {}, replaced or {}))
    return History(events, {id_: own for id_, own, *_ in rows}, {id_: own for id_, _, _, own, _ in rows})


def find_unordered(history: History) -> tuple[dict[int, int], dict[int, tuple[str, ...]]]:
    """The inverse of `build_history`: sequence numbers and replaced events, where the order does not say them."""
    rows = list(_walk(*history))
    numbers = {id_: number for id_, number, expected, *_ in rows if number != expected}
    return numbers, {id_: tuple(sorted(own)) for id_, *_, own, expected in rows if own != expected}


def _walk(
    events: Sequence[Event], sequences: Mapping[int, int], replaced: Mapping[int, Collection[str]]
) -> Iterator[tuple[int, int, int, frozenset[str], frozenset[str]]]:
    """By event: id, number, number by the order, the events that it replaced, and those that it replaced by the order.

    By the order, a number is one more than the last of its stream, and an event replaces all that is open of its label.
    """
    last: dict[Hashable, int] = defaultdict(int)
    open_ids: dict[Hashable, frozenset[str]] = defaultdict(frozenset)
    for event in events:
        stream, label = find_stream(event), find_label(event)
        number = sequences.get(event.id, last[stream] + 1)
        before = open_ids[label]
        own = frozenset(replaced[event.id]) if event.id in replaced else before
        yield event.id, number, last[stream] + 1, own, before
        last[stream] = number
        open_ids[label] = before - own | {event.client_id or ""}


def read_history(connection: Connection, *conditions) -> History:
    """Events that meet all conditions, which take whole labels, in their order; `old` is what was before in it."""
    rows = read_rows(connection, *conditions)
    history = build_history(
        [event for event, *_ in rows],
        {event.id: sequence for event, sequence, _ in rows},
        {event.id: follows for event, _, follows in rows if follows is not None},
    )
    return history._replace(events=remake_old(sort_events(rows)))


def remake_old(events: Sequence[Event]) -> tuple[Event, ...]:
    """The events with the `old` that their order gives: what another machine had before is another label's past."""
    values, remade = {}, []
    for event in events:
        label = find_label(event)
        old = values.get(label, "")
        remade.append(event if event.old == old else event._replace(old=old))
        values[label] = event.new
    return tuple(remade)


def find_label(event: Event) -> Hashable:
    """The label that an event changes: a decision is one of all adjudicators."""
    return event.response_id, find_stream(event), event.round, event.field


def find_conflicts(history: History) -> list[Conflict]:
    """Labels whose last events, none of which replaced another, differ in value; sorted."""
    last: dict[Hashable, dict[str, Event]] = defaultdict(dict)
    replaced: dict[Hashable, set[str]] = defaultdict(set)
    for event in history.events:
        label = find_label(event)
        last[label][event.client_id or ""] = event
        replaced[label] |= history.replaced[event.id] - {event.client_id or ""}
    found = []
    for label, events in last.items():
        open_events = [event for id_, event in events.items() if id_ not in replaced[label]]
        values = tuple(sorted({event.new for event in open_events}))
        if len(values) > 1:
            response_id, (_, annotator), round_, field = label
            found.append(Conflict(response_id, annotator, field, round_, values))
    return sorted(found)


# Several copies


def identify(events: Sequence[Event]) -> dict[tuple, Event]:
    """The events of one copy by what each is in all copies. Labels that came with the data have no client_id."""
    found, counts = {}, Counter()
    for event in events:
        key = (event.annotator, event.client_id or "", event.field)
        if event.kind == IMPORT:
            key = (*key, event.response_id, event.round, event.new)
            counts[key] += 1
            key = (*key, counts[key])
        found[key] = event
    return found


def change_history(history: History, changes: Sequence[Change]) -> History:
    """The history with changes applied: under the names of now, without what was deleted."""
    return history._replace(events=remake_old(apply_changes(history.events, changes))) if changes else history


def merge_histories(copies: Sequence[History]) -> History:
    """All events of the copies, each once, numbered from 1 on.

    `old` is made anew, so that two edits of one label on two machines follow one another. Where copies differ about an
    event's sequence number or what it replaced, as old ones may, the least counts. An event that refers to none of its
    copy gets a `refers` of 0, which no event has.
    """
    events, numbers, replaced, referred = {}, {}, {}, {}
    known = [identify(copy.events) for copy in copies]
    for copy, own in zip(copies, known, strict=True):
        keys = {event.id: key for key, event in own.items()}
        for key, event in own.items():
            numbers[key] = min(numbers.get(key, copy.sequences[event.id]), copy.sequences[event.id])
            replaced[key] = min(replaced.get(key, copy.replaced[event.id]), copy.replaced[event.id], key=sorted)
            referred[key] = keys.get(event.refers)
        events = own | events
    order = next((own for own in known if len(own) == len(events)), None)
    order = order or sorted(
        events, key=lambda key: (find_stream(events[key]), find_rank(events[key], numbers[key]), key)
    )
    ids = {key: number for number, key in enumerate(order, 1)}
    merged = [
        events[key]._replace(id=ids[key], refers=None if events[key].refers is None else ids.get(referred[key], 0))
        for key in order
    ]
    return History(
        remake_old(merged), {ids[key]: numbers[key] for key in order}, {ids[key]: replaced[key] for key in order}
    )
