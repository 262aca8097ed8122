"""What is slow to build and asked for again: loaded models, embedded pools, captured patterns."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

import cachetools


class LRUCache:
    """The last few results of slow work by key; the least recently used goes first. One thread builds a key's item.

    capacity: of all items together, in the unit of `size_of`. The newest item stays even if it is larger.
    """

    def __init__(self, capacity: float, size_of: Callable[[Any], float]):
        self._items = cachetools.LRUCache(capacity, getsizeof=lambda item: min(size_of(item), capacity))
        self._building: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()  # a lock lives while it is used
        self._lock = Lock()

    def get(self, key: Hashable, build: Callable[[], Any]) -> Any:
        """The item, built if it is not there. Raises what `build` raises; then one of the waiting threads tries."""
        with self._lock:
            building = self._building.setdefault(key, Lock())
        with building:
            with self._lock:
                item = self._items.get(key)
            if item is None:
                item = build()
                with self._lock:
                    self._items[key] = item
            return item
