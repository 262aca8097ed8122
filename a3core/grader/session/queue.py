"""Which item an annotator sees next, and how far the annotator is: derived from the labels, so that nothing is lost.

    with store.snapshot(run) as snapshot:
        queue = Queue(snapshot, "ann")
        position = queue.find_next()                    # after a reload, in another tab, or after a crash
        position = queue.find_next(after=position)      # "next", and "skip"
        position = queue.find_previous(position)        # "back"
        measure_progress(snapshot, "ann", store.now())  # {"done": 12, "total": 1000, "today": 12, "per_hour": 95.0}

Orders: "unlabelled first" as the run gives them; "random", shuffled for each annotator, unlabelled first too; "given"
one after the other, labelled or not. Both of the former come round to what was skipped, and end when all is labelled.
`only` lets some items through, and goes through them once more when all of them are labelled: by columns, labels, a
search or ids (a3core.grader.session.filters). Who is `adjudicating` has no items left, but what is undecided.

Of a run that is dealt out (a3core.grader.labels.dealing) an annotator gets the own part; a jump leads beyond it.

A share of the items comes back once, silently: chosen by a hash of annotator and response, after 20 others or when
nothing else is left. They count as items of their own from the beginning, so that progress does not reveal them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache, partial
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from a3core.grader.labels.dealing import list_part
from a3core.grader.labels.schema import FIRST, REPEAT, ROUNDS, check_annotator
from a3core.grader.session.filters import EVERYTHING, Selection

if TYPE_CHECKING:  # the page lists orders before it opens a database
    from a3core.grader.labels.snapshot import LabelSnapshot

UNLABELLED_FIRST, RANDOM, GIVEN = ORDERS = ("unlabelled first", "random", "given")
REPEAT_AFTER = 20  # other items, before one comes back
PACE_OVER = timedelta(hours=1)  # of activity
BREAK = timedelta(minutes=10)  # a longer pause is not activity


class QueuePosition(NamedTuple):
    """An item in an annotator's queue. `index` counts in the annotator's order, from 0.

    An item that comes back has the index of the item before it.
    """

    response_id: str
    round: int
    index: int


class Queue:
    """The run as one annotator goes through it. `positions` are those in the run, in the annotator's order."""

    def __init__(
        self,
        snapshot: LabelSnapshot,
        annotator: str,
        order: str = UNLABELLED_FIRST,
        only: Selection = EVERYTHING,
        adjudicating: bool = False,
    ):
        if order not in ORDERS:
            raise ValueError(f"The order is one of {', '.join(ORDERS)}, not {order!r}.")
        self.snapshot, self.annotator = snapshot, check_annotator(annotator)
        self.order, self.only, self.adjudicating = order, only, adjudicating
        self.decider = "" if adjudicating else annotator  # whose labels are in conflict, "" for decisions
        count = len(snapshot.ids)
        seed = f"0/{snapshot.run}/{self.annotator}"
        self.positions = _shuffle(count, seed) if order == RANDOM else range(count)
        # who settles disagreements does so in everybody's part
        self.part = range(count) if adjudicating else list_part(snapshot.info.deal, annotator, count)

    def find_next(self, after: QueuePosition | None = None, skip: Collection[str] = ()) -> QueuePosition | None:
        """The item after another one, or where the annotator stopped; None at the end.

        Ids in `skip` come when nothing else is left.
        """
        if self.only:
            start = after.index if after else -1
            index = None if self.order == GIVEN or self.adjudicating else self._find_open(start, skip)
            index = self._find_any(start) if index is None else index
            if index is None and self.adjudicating:
                index = self._find_any(-1)  # what is decided does not come again
            return None if index is None else self._at(index)
        last, round_ = next(self._list_answered(), (None, FIRST))
        if after is None and last is not None and not self.snapshot.is_complete(self.annotator, round_, last):
            return self._locate(last, round_)  # it was begun
        start, waiting = after.index if after else self._find_start(), self._list_waiting()
        # those come back after which enough others were answered
        recent = set(islice((position for position, round_ in self._list_answered() if round_ == FIRST), REPEAT_AFTER))
        due = [p for p in waiting if p not in recent and self.snapshot.ids[p] not in skip]
        if due and (after is None or after.round == FIRST):
            return self._repeat(due[0], start)
        index = self._find_any(start) if self.order == GIVEN else self._find_open(start, skip)
        if index is not None or not waiting:
            return None if index is None else self._at(index)
        # at the end of the queue what is still to come back, the one after the current one first
        current = self.snapshot.find_position(after.response_id) if after and after.round == REPEAT else -1
        return self._repeat(next((p for p in waiting if p > current), waiting[0]), start)

    def find_previous(self, before: QueuePosition) -> QueuePosition | None:
        """The item before another one in the annotator's order, labelled or not; None at the beginning."""
        end = before.index if before.round == FIRST else before.index + 1
        indices = reversed(range(min(end, len(self.positions))))
        return next((self._at(index) for index in indices if self.positions[index] in self.matching), None)

    def find(self, response_id: str, round: int = FIRST) -> QueuePosition:
        """Where a response is in the annotator's order, whether or not the selection lets it through."""
        return self._locate(self.snapshot.find_position(response_id), round)

    def find_conflict(self, after: QueuePosition | None) -> QueuePosition | None:
        """The next item, from the beginning again after the end, of which `decider` gave a label on two machines."""
        found = [self._locate(p, n) for n in ROUNDS for p in self.snapshot.conflicts_of(self.decider, n)]
        start = (after.index, after.round) if after else (-1, FIRST)
        return min(found, key=lambda at: ((at.index, at.round) <= start, at.index, at.round), default=None)

    # Positions

    def _at(self, index: int) -> QueuePosition:
        return QueuePosition(self.snapshot.ids[self.positions[index]], FIRST, index)

    def _repeat(self, position: int, start: int) -> QueuePosition:
        return QueuePosition(self.snapshot.ids[position], REPEAT, max(start, 0))

    def _locate(self, position: int, round_: int) -> QueuePosition:
        """An item that comes back is where the annotator is."""
        if round_ != FIRST:
            return self._repeat(position, self._find_start())
        return self._at(self.positions.index(position))

    def _list_answered(self) -> Iterator[tuple[int, int]]:
        """(position, round) of what was answered, the last first."""
        return reversed(self.snapshot.last_answered.get(self.annotator, {}))

    def _find_start(self) -> int:
        """The index that was answered last, -1 before the first."""
        position = next((position for position, round_ in self._list_answered() if round_ == FIRST), None)
        return -1 if position is None else self.positions.index(position)

    # What is next

    def _find_any(self, start: int) -> int | None:
        """The next index, labelled or not."""
        indices = range(start + 1, len(self.positions))
        return next((index for index in indices if self.positions[index] in self.matching), None)

    def _find_open(self, start: int, skip: Collection[str]) -> int | None:
        """The next index that is not labelled, from the beginning again after the end; what was skipped comes last."""
        count, skipped = len(self.positions), None
        for index in ((start + 1 + n) % count for n in range(count)):
            position = self.positions[index]
            if not self.snapshot.is_complete(self.annotator, FIRST, position) and position in self.matching:
                if self.snapshot.ids[position] not in skip:
                    return index
                skipped = index if skipped is None else skipped
        return skipped

    @cached_property
    def matching(self) -> Collection[int]:
        """Positions in the run that are in the annotator's part, and that the selection lets through."""
        passes = partial(self.only.passes, self.snapshot, self.annotator)
        return set(filter(passes, self.part)) if self.only else self.part

    # Silent repeats

    def _list_waiting(self) -> list[int]:
        """Positions of chosen items that were labelled once."""
        is_complete, name = self.snapshot.is_complete, self.annotator
        chosen = _choose_repeats(name, self.snapshot.ids, self.snapshot.info.repeat_share)
        return [p for p in chosen if is_complete(name, FIRST, p) and not is_complete(name, REPEAT, p)]


@lru_cache(maxsize=100)
def _shuffle(count: int, seed: str) -> tuple[int, ...]:
    positions = list(range(count))
    random.Random(seed).shuffle(positions)
    return tuple(positions)


@lru_cache(maxsize=100)
def _choose_repeats(annotator: str, ids: tuple[str, ...], share: float) -> tuple[int, ...]:
    """Positions of the items that come back to this annotator."""

    def draw(id_: str) -> float:
        digest = hashlib.sha256(f"{annotator}\0{id_}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    return tuple(position for position, id_ in enumerate(ids) if draw(id_) < share) if share else ()


def measure_progress(snapshot: LabelSnapshot, annotator: str, now: datetime) -> dict[str, Any]:
    """How far an annotator is in a run. `now` has a time zone. Items that come back are counted as items of their own.

    done: items with every question answered; total; today: of them, finished since midnight, in this machine's time
    zone; per_hour: items finished an hour, over the last hour of activity; None before the second.
    """
    name = check_annotator(annotator)
    part = list_part(snapshot.info.deal, name, len(snapshot.ids))
    chosen = [p for p in _choose_repeats(name, snapshot.ids, snapshot.info.repeat_share) if p in part]
    labelled = snapshot.labels.get((name, FIRST), ())
    done = sum(position in part and snapshot.is_complete(name, FIRST, position) for position in labelled)
    done += sum(snapshot.is_complete(name, REPEAT, position) for position in chosen)
    answered = reversed(snapshot.last_answered.get(name, {}).items())  # the latest first
    finished = [at for (position, round_), at in answered if snapshot.is_complete(name, round_, position)]
    times = [datetime.fromisoformat(at) for at in finished]
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    today, per_hour = sum(at >= midnight for at in times), measure_pace(times, PACE_OVER)
    return {"done": done, "total": len(part) + len(chosen), "today": today, "per_hour": per_hour}


def measure_pace(times: Iterable[datetime], over: timedelta = timedelta.max) -> float | None:
    """Items an hour: from each one's end to the next one's, breaks left out; `times`: the latest first.

    Over the last time of activity that is at least `over`. None where no time has passed.
    """
    active, items = timedelta(0), 0
    for later, earlier in pairwise(times):
        if active >= over:
            break
        if timedelta(0) < later - earlier <= BREAK:  # a clock may have been set back
            active, items = active + (later - earlier), items + 1
    return items / (active / timedelta(hours=1)) if active else None
