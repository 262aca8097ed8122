"""Copies of one run's events become one history: of two laptops, or of a Space before and after a restart.

    merge_histories([of_one_laptop, of_the_other])     every event once, whichever copy comes first

An event is itself by its annotator, client_id and field, which are the same in all copies; its number in a database is
not. The order is that of `a3core.grader.labels.history`; a copy that holds everything keeps its own.
"""

from collections import Counter
from collections.abc import Sequence

from a3core.grader.labels.changes import Change, apply_changes
from a3core.grader.labels.events import IMPORT, Event, find_rank, find_stream
from a3core.grader.labels.history import History, remake_old


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
