"""Calls of many threads share the work, and an error stays with the one who asked for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from a3core.common.batching import MicroBatcher, use_single_thread


def ask_all(ask: MicroBatcher, items) -> list:
    with ThreadPoolExecutor(len(items)) as pool:
        return [call.exception() or call.result() for call in [pool.submit(ask, item) for item in items]]


def test_everybody_gets_their_own_answer_in_a_few_batches():
    batches = []

    def work(items):
        batches.append(len(items))
        time.sleep(0.02)
        return [item * item for item in items]

    assert ask_all(MicroBatcher(work, max_size=16), range(50)) == [i * i for i in range(50)]
    assert sum(batches) == 50
    assert max(batches) <= 16
    assert len(batches) < 15  # the first alone, then all who came meanwhile


def test_one_thread_works_at_a_time():
    working = threading.Lock()

    def work(items):
        assert working.acquire(blocking=False)
        time.sleep(0.001)
        working.release()
        return items

    assert ask_all(MicroBatcher(work, max_size=3), range(30)) == list(range(30))


def test_alone_nobody_waits():
    batches = []
    ask = MicroBatcher(lambda items: batches.append(items) or items)
    assert [ask("a"), ask("b")] == ["a", "b"]
    assert batches == [["a"], ["b"]]


def test_an_error_is_only_that_of_the_item_it_is_about():
    def work(items):
        time.sleep(0.01)
        if -1 in items:
            raise ValueError("minus one")
        return items

    answers = ask_all(MicroBatcher(work), [1, -1, 2, 3, -1, 4])
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [1, 2, 3, 4]
    assert [str(answer) for answer in answers if isinstance(answer, Exception)] == ["minus one"] * 2


def test_too_few_results_are_an_error_not_a_wait_without_end():
    with pytest.raises(ValueError, match="shorter"):
        MicroBatcher(lambda items: [])("a")


def test_only_the_thread_that_takes_one_core_computes_on_one():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        counts = MicroBatcher(lambda items: [torch.get_num_threads() for _ in items], start=use_single_thread)
        with ThreadPoolExecutor(1) as later:
            assert counts("a") == 1
            assert later.submit(torch.get_num_threads).result() == torch.get_num_threads() == 3
            assert counts("b") == 1
    finally:
        torch.set_num_threads(before)
