"""What an annotator is shown next, and how far he is: read off the labels, so that it goes on where it stood.

    place = next_response(store, run, "ann")                # after a reload, in another tab, or after a crash
    place = next_response(store, run, "ann", after=place)   # "next", and "skip"
    place = previous_response(store, run, "ann", place)     # "back"
    progress(store, run, "ann")                             # Progress(done=12, total=1000, today=12, per_hour=95.0)

Orders: "unlabelled first" as the run gives them; "random", shuffled for each annotator, unlabelled first too; "given"
one after the other, labelled or not. Both of the former come round to what was skipped, and end when all is labelled.
`only` lets some items through, and goes through them once more when all of them are labelled: "mine", of which the
annotator has answered a question; "disagreements", on which annotators differ and nothing is decided; "flagged" by him.

A share of the items comes back once, silently: chosen by a hash of annotator and response, after 20 others or when
nothing else is left. They count as items of their own from the beginning, so that progress does not tell them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from a3core.grader.labels.events import FIRST, REPEAT
from a3core.grader.labels.schema import EXTRA_FIELDS, FLAG
from a3core.grader.labels.snapshot import PresentLabels
from a3core.grader.labels.store import LabelStore
from a3core.grader.labels.stored_runs import check_annotator
from a3core.grader.session.orders import (
    ALL,
    DISAGREEMENTS,
    FILTERS,
    FLAGGED,
    GIVEN,
    MINE,
    ORDERS,
    RANDOM,
    UNLABELLED_FIRST,
)

REPEAT_AFTER = 20  # other items, before one comes back
PACE_OVER = timedelta(hours=1)  # of activity
BREAK = timedelta(minutes=10)  # a longer pause is not activity


class Place(NamedTuple):
    """Where an annotator is. `position` is that in his order, from 0; an item that comes back has its neighbour's."""

    response_id: str
    round: int
    position: int


class Progress(NamedTuple):
    """How far an annotator is. Items that come back are counted as items of their own."""

    done: int  # items with every question answered
    total: int
    today: int  # of them, finished since midnight, in this machine's time zone
    per_hour: float | None  # items finished an hour, over the last hour of activity; None before the second


class _View(NamedTuple):
    """The run as one annotator goes through it."""

    present: PresentLabels
    annotator: str
    order: tuple[int, ...]  # positions in the run
    passes: Callable[[int], bool]  # whether the filter lets a position in the run through

    def is_open(self, position: int) -> bool:
        return not self.present.is_complete(self.annotator, FIRST, position)


def next_response(
    store: LabelStore,
    run: int,
    annotator: str,
    order: str = UNLABELLED_FIRST,
    only: str = ALL,
    after: Place | None = None,
    skip: Collection[str] = (),
    seed: int = 0,
) -> Place | None:
    """The item after a place, or where the annotator stood; None at the end.

    Ids in `skip` come when nothing else is left. Raises ValueError for an unknown run, order or filter.
    """
    with store.present(run) as present:
        view = _build_view(present, annotator, order, only, seed)
        if after is None and only == ALL and (begun := _find_begun(view)):
            return begun
        start = after.position if after else _find_start(view) if only == ALL else -1
        repeats = _list_due_repeats(view, skip) if only == ALL else []
        if repeats and (after is None or after.round == FIRST):
            return Place(present.ids[repeats[0]], REPEAT, max(start, 0))
        found = _step(view, start) if order == GIVEN else _find_open(view, start, skip)
        if found is None and only == ALL:
            return _find_last_repeat(view, after, start)
        if found is None and order != GIVEN:
            found = _step(view, start)
        return None if found is None else Place(present.ids[view.order[found]], FIRST, found)


def previous_response(
    store: LabelStore,
    run: int,
    annotator: str,
    before: Place,
    order: str = UNLABELLED_FIRST,
    only: str = ALL,
    seed: int = 0,
) -> Place | None:
    """The item before a place in the annotator's order, labelled or not; None at the beginning."""
    with store.present(run) as present:
        view = _build_view(present, annotator, order, only, seed)
        last = before.position if before.round == FIRST else before.position + 1
        for place in reversed(range(min(last, len(view.order)))):
            if view.passes(view.order[place]):
                return Place(present.ids[view.order[place]], FIRST, place)
    return None


def find_place(
    store: LabelStore,
    run: int,
    annotator: str,
    response_id: str,
    round: int = FIRST,
    order: str = UNLABELLED_FIRST,
    only: str = ALL,
    seed: int = 0,
) -> Place:
    """Where a response stands in the annotator's order, whether or not the filter lets it through."""
    with store.present(run) as present:
        view = _build_view(present, annotator, order, only, seed)
        return _locate(view, present.ids.index(response_id), round)


def progress(store: LabelStore, run: int, annotator: str) -> Progress:
    """How much of a run an annotator has labelled, and how fast."""
    with store.present(run) as present:
        name = check_annotator(annotator)
        chosen = _choose_repeats(name, present.ids, present.settings.repeat_share)
        done = sum(present.is_complete(name, FIRST, position) for position in range(len(present.ids)))
        done += sum(present.is_complete(name, REPEAT, position) for position in chosen)
        times = list(_list_finished(present, name))
    midnight = store.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    today = sum(at >= midnight for at in times)
    return Progress(done, len(present.ids) + len(chosen), today, _measure_pace(times))


# Orders and filters


def _build_view(present: PresentLabels, annotator: str, order: str, only: str, seed: int) -> _View:
    if order not in ORDERS:
        raise ValueError(f"The order is one of {', '.join(ORDERS)}, not {order!r}.")
    if only not in FILTERS:
        raise ValueError(f"The queue is one of {', '.join(FILTERS)}, not {only!r}.")
    name, count = check_annotator(annotator), len(present.ids)
    positions = _shuffle(count, f"{seed}/{present.run}/{name}") if order == RANDOM else tuple(range(count))
    return _View(present, name, positions, _build_filter(present, name, only))


def _build_filter(present: PresentLabels, annotator: str, only: str) -> Callable[[int], bool]:
    def is_mine(position: int) -> bool:
        labels = present.fields_of(annotator, FIRST, position).values()
        return any(label.value and label.field not in EXTRA_FIELDS for label in labels)

    def is_flagged(position: int) -> bool:
        flag = present.fields_of(annotator, FIRST, position).get(FLAG)
        return flag is not None and flag.value != ""

    def is_disputed(position: int) -> bool:
        return any(present.decided(position, field) is None for field, _ in present.find_disagreements(position))

    return {ALL: lambda position: True, MINE: is_mine, FLAGGED: is_flagged, DISAGREEMENTS: is_disputed}[only]


@lru_cache(maxsize=100)
def _shuffle(count: int, seed: str) -> tuple[int, ...]:
    positions = list(range(count))
    random.Random(seed).shuffle(positions)
    return tuple(positions)


def _find_begun(view: _View) -> Place | None:
    """The item that was answered last, if it is not complete."""
    position, round_ = next(reversed(view.present.touched.get(view.annotator, {})), (None, FIRST))
    if position is None or view.present.is_complete(view.annotator, round_, position):
        return None
    return _locate(view, position, round_)


def _locate(view: _View, position: int, round_: int) -> Place:
    """The place of a position in the run; an item that comes back stands where the annotator does."""
    place = view.order.index(position) if round_ == FIRST else max(_find_start(view), 0)
    return Place(view.present.ids[position], round_, place)


def _find_start(view: _View) -> int:
    """The place that was answered last, -1 before the first."""
    touched = reversed(view.present.touched.get(view.annotator, {}))
    position = next((position for position, round_ in touched if round_ == FIRST), None)
    return -1 if position is None else view.order.index(position)


def _step(view: _View, start: int) -> int | None:
    """The next place, labelled or not."""
    return next((place for place in range(start + 1, len(view.order)) if view.passes(view.order[place])), None)


def _find_open(view: _View, start: int, skip: Collection[str]) -> int | None:
    """The next place that is not labelled, from the beginning again after the end; what was skipped comes last."""
    count, skipped = len(view.order), None
    for place in ((start + 1 + n) % count for n in range(count)):
        position = view.order[place]
        if view.is_open(position) and view.passes(position):
            if view.present.ids[position] not in skip:
                return place
            skipped = place if skipped is None else skipped
    return skipped


# Silent repeats


@lru_cache(maxsize=100)
def _choose_repeats(annotator: str, ids: tuple[str, ...], share: float) -> tuple[int, ...]:
    """Positions of the items that come back to this annotator."""

    def draw(id_: str) -> float:
        digest = hashlib.sha256(f"{annotator}\0{id_}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    return tuple(position for position, id_ in enumerate(ids) if draw(id_) < share) if share else ()


def _list_waiting(view: _View) -> list[int]:
    """Positions of chosen items that were labelled once."""
    present, name = view.present, view.annotator
    chosen = _choose_repeats(name, present.ids, present.settings.repeat_share)
    return [p for p in chosen if not view.is_open(p) and not present.is_complete(name, REPEAT, p)]


def _list_due_repeats(view: _View, skip: Collection[str]) -> list[int]:
    """Positions of items to come back now: those after which enough others were answered."""
    touched = reversed(view.present.touched.get(view.annotator, {}))
    recent = set(islice((position for position, round_ in touched if round_ == FIRST), REPEAT_AFTER))
    return [p for p in _list_waiting(view) if p not in recent and view.present.ids[p] not in skip]


def _find_last_repeat(view: _View, after: Place | None, start: int) -> Place | None:
    """At the end of the queue: what is still to come back, the one after the present one first."""
    waiting = _list_waiting(view)
    if not waiting:
        return None
    present = view.present.ids.index(after.response_id) if after and after.round == REPEAT else -1
    position = next((p for p in waiting if p > present), waiting[0])
    return Place(view.present.ids[position], REPEAT, max(start, 0))


# Pace


def _list_finished(present: PresentLabels, annotator: str) -> Iterator[datetime]:
    """When complete items were answered last, the latest first."""
    for (position, round_), at in reversed(present.touched.get(annotator, {}).items()):
        if present.is_complete(annotator, round_, position):
            yield datetime.fromisoformat(at)


def _measure_pace(times: list[datetime]) -> float | None:
    """Items an hour, from the pauses between them; `times` the latest first."""
    active, items = timedelta(0), 0
    for later, earlier in pairwise(times):
        if active >= PACE_OVER:
            break
        if later - earlier <= BREAK:
            active, items = active + (later - earlier), items + 1
    return items / (active / timedelta(hours=1)) if active else None
