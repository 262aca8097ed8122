"""What is slow to make and asked for again: loaded models, embedded pools, captured patterns."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any


class Kept:
    """The last few results of slow work by key; what is least recently used goes first. One thread works on a key."""

    def __init__(self, room: float, measure: Callable[[Any], float]):
        self.room, self.measure = room, measure
        self._items: OrderedDict[Hashable, Any] = OrderedDict()
        self._locks: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The item, made if it is not there; the one made last is kept even if it fills the room alone."""
        with self._lock:
            lock = self._locks.setdefault(key, Lock())
        try:
            with lock:
                item = self._items.get(key) or make()
                self._keep(key, item)
                return item
        finally:
            self._locks.pop(key, None)

    def _keep(self, key: Hashable, item: Any) -> None:
        with self._lock:
            self._items[key] = item
            self._items.move_to_end(key)
            while len(self._items) > 1 and sum(map(self.measure, self._items.values())) > self.room:
                self._items.popitem(last=False)
