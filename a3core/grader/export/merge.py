"""Copies of one run's events become one history: of two laptops, or of a Space before and after a restart.

    merge_events([of_one_laptop, of_the_other])     every event once, whichever copy comes first

An event is itself by its annotator, client_id and field, which are the same in all copies; its number in a database is
not. A copy that holds everything is taken as it is. Otherwise the order is by annotator and own sequence number (the
lowest of the copies, as clocks are not trusted), ties by client_id; decisions of adjudicators are one such sequence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from uuid import NAMESPACE_URL, uuid5

from a3core.grader.labels.events import ADJUDICATION, IMPORT, Event
from a3core.grader.runs.responses import Response


def build_run_key(name: str, responses: Sequence[Response]) -> str:
    """A UUID of the run's name and responses, which never change: the same in every database and archive of the run."""
    return str(uuid5(NAMESPACE_URL, repr((name, [vars(response) for response in responses]))))


def identify(events: Sequence[Event]) -> dict[tuple, Event]:
    """The events of one copy by what each is in all copies. Labels that came with the data have no client_id."""
    found, counts = {}, Counter()
    for event in events:
        key = (event.annotator, event.client_id or "", event.field)
        if event.kind == IMPORT:
            key = (*key, event.response_id, event.old, event.new)
            counts[key] += 1
            key = (*key, counts[key])
        found[key] = event
    return found


def merge_events(copies: Sequence[Sequence[Event]], first: Sequence[Event] = ()) -> list[Event]:
    """All events of the copies, each once, numbered from 1 on; `first` come before all others, in their own order.

    `old` is made anew, so that two edits of one label on two machines follow one another. An event that refers to none
    of its copy gets a `refers` of 0, which no event has.
    """
    events, ranks, referred = {}, {}, {}
    known = [identify(copy) for copy in (first, *copies)]
    for copy in known:
        counts, keys = Counter(), {event.id: key for key, event in copy.items()}
        for key, event in copy.items():
            counts[_find_sequence(event)] += 1
            rank = (*_find_sequence(event), counts[_find_sequence(event)], key)
            ranks[key] = min(ranks.get(key, rank), rank)
            referred[key] = keys.get(event.refers)
        events = copy | events
    base = next((copy for copy in known[1:] if not first and len(copy) == len(events)), known[0])
    order = [*base, *sorted(events.keys() - base.keys(), key=ranks.__getitem__)]
    return _number({key: events[key] for key in order}, referred)


def _find_sequence(event: Event) -> tuple[str, str]:
    return ("decisions", "") if event.kind == ADJUDICATION else ("labels", event.annotator)


def _number(events: dict[tuple, Event], referred: dict[tuple, tuple | None]) -> list[Event]:
    values, numbered, numbers = {}, [], {key: n for n, key in enumerate(events, 1)}
    for key, event in events.items():
        label, refers = find_label(event), None if event.refers is None else numbers.get(referred[key], 0)
        numbered.append(event._replace(id=numbers[key], refers=refers, old=values.get(label, "")))
        values[label] = event.new
    return numbered


def find_label(event: Event) -> Hashable:
    """The label that an event changes: a decision is one of all adjudicators."""
    return event.response_id, _find_sequence(event), event.round, event.field


def find_conflicts(copies: Sequence[Sequence[Event]]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Labels that were last given differently in two copies, neither of which holds all events of the other.

    Returns response_id, annotator, field, and the values, sorted.
    """
    histories: dict[Hashable, list[dict[tuple, Event]]] = {}
    for copy in copies:
        own: dict[Hashable, dict[tuple, Event]] = {}
        for key, event in identify(copy).items():
            own.setdefault(find_label(event), {})[key] = event
        for label, history in own.items():
            histories.setdefault(label, []).append(history)
    found = []
    for several in histories.values():
        everything = set().union(*several)
        last = [list(history.values())[-1] for history in several]
        if len({event.new for event in last}) > 1 and not any(history.keys() == everything for history in several):
            values = tuple(sorted({event.new for event in last}))
            found.append((last[0].response_id, last[0].annotator, last[0].field, values))
    return sorted(found)
