"""Simultaneous questions share a pass of a model: while one call works, those that come wait, and the next takes all.

    ask = Together(lambda questions: predict_places(model, questions))
    ask("Where was Babe Ruth born?")        from as many threads as there are visitors

Nobody waits for others to come: alone, a question is answered at once. Fifty at once cost a few batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Item, Result = TypeVar("Item"), TypeVar("Result")


class Together(Generic[Item, Result]):
    """Turns a function of a list into one of an item, for many threads.

    work: gives as many results as it gets items, in their order; it gets at most `most`, and is called by one thread at
    a time. An item for which it raises has the exception to itself: the others of its batch are asked again, alone.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]], most: int = 16):
        self._work, self._most = work, most
        self._waiting: list[tuple[Item, Future]] = []
        self._lock, self._working = Lock(), Lock()

    def __call__(self, item: Item) -> Result:
        """The result for one item. Raises what `work` raises for it."""
        answer: Future = Future()
        with self._lock:
            self._waiting.append((item, answer))
        with self._working:  # who comes to work does it for all who wait, and may find that its own is done
            while not answer.done():
                self._work_off()
        return answer.result()

    def _work_off(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            answered = list(zip(batch, self._work([item for item, _ in batch]), strict=True))
            for (_, answer), result in answered:
                answer.set_result(result)
        except BaseException as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
            for item, answer in batch if len(batch) > 1 else ():
                self._work_alone(item, answer)

    def _work_alone(self, item: Item, answer: Future) -> None:
        try:
            (result,) = self._work([item])
            answer.set_result(result)
        except BaseException as error:
            answer.set_exception(error)
