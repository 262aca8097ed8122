"""Many visitors: their simultaneous questions share a pass of a model, and what is slow to build is built once.

    ask = MicroBatcher(lambda questions: predictor.predict(questions), start=use_single_thread)
    ask("Where was Babe Ruth born?")        from as many threads as there are visitors

While a pass runs, questions that come wait, and the next takes all: alone, one is answered at once.

    pools = LRUCache(600_000_000, lambda pool: pool.nbytes)
    pools.get("builtin", build)             models, embedded pools and captured patterns that are asked for again
"""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition, Lock, Thread
from typing import Any, Generic, TypeVar

import cachetools

Item, Result = TypeVar("Item"), TypeVar("Result")
_restoring = Lock()


class MicroBatcher(Generic[Item, Result]):
    """Turns a function of a list into one of an item, for many threads.

    work: gives as many results as it gets items, in their order; at most `max_size` of them. It is called in one
    thread of its own, where `start` was called first. An item for which it raises has the exception to itself: the
    others of its batch are asked again, alone.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        max_size: int = 16,
        start: Callable[[], None] | None = None,
    ):
        self._work, self._max_size = work, max_size
        self._worker = ThreadPoolExecutor(1, initializer=start)
        self._waiting: list[tuple[Item, Future]] = []
        self._lock = Lock()

    def __call__(self, item: Item) -> Result:
        """The result for one item. Raises what `work` raises for it."""
        answer: Future = Future()
        with self._lock:
            self._waiting.append((item, answer))
        self._worker.submit(self._work_off)
        return answer.result()

    def _work_off(self) -> None:
        """One batch; nothing where those who wait were taken by the batch before."""
        with self._lock:
            batch, self._waiting = self._waiting[: self._max_size], self._waiting[self._max_size :]
        if batch:
            self._answer(batch)

    def _answer(self, batch: list[tuple[Item, Future]]) -> None:
        try:
            results = list(zip(batch, self._work([item for item, _ in batch]), strict=True))
        except BaseException as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
            for alone in batch if len(batch) > 1 else ():
                self._answer([alone])
        else:
            for (_, answer), result in results:
                answer.set_result(result)


def use_single_thread() -> None:
    """From now on this thread computes on one core, the others as before.

    A model of 3 M parameters gains nothing by a second core, which the app needs for its visitors meanwhile. Torch
    gives a new thread the number of cores that was set last, in whichever thread: another one sets it back.
    """
    import torch

    with _restoring:  # or a second one would take the first one's number for that of all
        cores = torch.get_num_threads()
        torch.set_num_threads(1)
        restoring = Thread(target=torch.set_num_threads, args=(cores,))
        restoring.start()
        restoring.join()


class LRUCache:
    """The last few results of slow work by key; the least recently used goes first. One thread builds a key's item.

    capacity: of all items together, in the unit of `size_of`. The newest item stays even if it is larger.
    """

    def __init__(self, capacity: float, size_of: Callable[[Any], float]):
        items = cachetools.LRUCache(capacity, getsizeof=lambda item: min(size_of(item), capacity))
        remember = cachetools.cached(items, key=lambda key, build: key, condition=Condition())
        self._get = remember(lambda key, build: build())

    def get(self, key: Hashable, build: Callable[[], Any]) -> Any:
        """The item, built if it is not there. Raises what `build` raises; then one of the waiting threads tries."""
        return self._get(key, build)
