"""The engine under every run with made-up work: every job once, what an interruption leaves, progress, the log."""

from __future__ import annotations

import json
import threading
from typing import NamedTuple

import pytest

from a3core.common.resumable import Job, Progress, ResultLog, build_jobs, build_key, run_jobs


class Cancelled(Exception):
    pass


class Square(NamedTuple):
    label: str
    number: int

    @property
    def key(self) -> str:
        return build_key(self.label, str(self.number))


JOBS = [Square(label, number) for label in ("even", "odd") for number in range(5)]


class Worker:
    """Squares numbers, and keeps the batches that it was given."""

    def __init__(self, fails_after: float = float("inf")):
        self.batches: list[list[Square]] = []
        self.fails_after = fails_after

    @property
    def jobs(self) -> list[Square]:
        return [job for batch in self.batches for job in batch]

    def __call__(self, jobs, cancel):
        if cancel is not None and cancel.is_set():
            raise Cancelled
        if len(self.jobs) >= self.fails_after:
            raise ValueError("out of order")
        self.batches.append(jobs)
        return [{"square": job.number**2} for job in jobs]


@pytest.fixture
def run(tmp_path):
    """A run of all jobs in batches of two, with the log of the folder."""
    return lambda work, **options: run_jobs(JOBS, work, ResultLog(tmp_path / "log.jsonl"), 2, **options)


def read(tmp_path) -> dict:
    return {key: entry["square"] for key, entry in ResultLog(tmp_path / "log.jsonl").entries.items()}


def test_every_job_once(run, tmp_path):
    reports = list(run(worker := Worker()))
    assert worker.jobs == JOBS and reports[-1].total == reports[-1].done == 10
    assert [report.done for report in reports] == [0, 2, 4, 5, 7, 9, 10]
    assert reports[0].seconds_left is None and reports[-1].seconds_left == 0
    assert read(tmp_path) == {job.key: job.number**2 for job in JOBS}
    assert next(run(worker)).done == 10 and len(list(run(worker))) == 1 and worker.jobs == JOBS  # nothing anew


def test_jobs_of_a_batch_have_one_label(run):
    reports = list(run(worker := Worker()))
    assert [len(batch) for batch in worker.batches] == [2, 2, 1, 2, 2, 1]
    assert all(len({job.label for job in batch}) == 1 for batch in worker.batches)
    assert [report.label for report in reports] == [*["even"] * 3, *["odd"] * 3, "odd"]


def test_progress_as_a_sentence():
    assert str(Progress(0, 1200, None, "sums, standard")) == "0 of 1,200 prompts: sums, standard"
    later = Progress(600, 1200, 130.0, "sums, standard")
    assert str(later) == "600 of 1,200 prompts, about 2 min left: sums, standard"
    assert later.ahead == "about 2 min left: sums, standard"


def test_seconds_left_follow_the_cost(run, monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    reports = list(run(Worker(), cost=lambda job: 1.0 if job.label == "even" else 3.0))
    # 20 in all; the clock reads at the start, around each batch, and for each estimate
    assert [report.seconds_left for report in reports] == [
        None,
        18 * 30 / 2,
        16 * 60 / 4,
        15 * 90 / 5,
        9 * 120 / 11,
        3 * 150 / 17,
        0.0,
    ]


def test_each_result_has_its_share_of_the_seconds(run, tmp_path, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    list(run(Worker()))
    seconds = [entry["seconds"] for entry in ResultLog(tmp_path / "log.jsonl").entries.values()]
    assert seconds == [0.5, 0.5, 0.5, 0.5, 1, 0.5, 0.5, 0.5, 0.5, 1]


def test_an_interrupted_run_goes_on_and_ends_the_same(run, tmp_path):
    broken, worker = Worker(fails_after=5), Worker()
    with pytest.raises(ValueError, match="out of order"):
        list(run(broken))
    with (tmp_path / "log.jsonl").open("ab") as file:
        file.write(b'{"key": "half a li')  # what a killed run leaves
    assert len(read(tmp_path)) == 5
    list(run(worker))
    assert broken.jobs + worker.jobs == JOBS
    resumed = read(tmp_path)
    (tmp_path / "log.jsonl").unlink()
    list(run(Worker()))
    assert resumed == read(tmp_path)


def test_cancel_keeps_what_was_run(run, tmp_path):
    worker, cancel = Worker(), threading.Event()

    def run_and_cancel():
        for report in run(worker, cancel=cancel):
            if report.done >= 3:
                cancel.set()

    with pytest.raises(Cancelled):
        run_and_cancel()
    assert len(worker.jobs) == len(read(tmp_path)) == 4
    for report in run(worker):  # leaving the loop is another way
        if report.done >= 7:
            break
    assert worker.jobs == JOBS[:7] and len(read(tmp_path)) == 7


def test_work_gives_a_result_to_each_job(run):
    with pytest.raises(ValueError, match="shorter"):
        list(run(lambda jobs, cancel: [{"square": 0}]))


def test_without_a_path_results_are_in_memory(tmp_path):
    jobs = build_jobs(["a", "b"], ["Who?", "Who?"])
    assert jobs == [Job("0/a", "a", "Who?"), Job("1/a", "a", "Who?"), Job("0/b", "b", "Who?"), Job("1/b", "b", "Who?")]
    log = ResultLog()
    list(run_jobs(jobs, lambda jobs, cancel: [{"answer": object()} for _ in jobs], log, 10))
    assert [job.key in log for job in jobs] == [True] * 4 and not list(tmp_path.iterdir())


def test_no_jobs():
    assert list(run_jobs([], Worker(), ResultLog(), 2)) == [Progress(0, 0, 0.0, "")]


def test_a_foreign_log_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text("[1]\n")
    with pytest.raises(ValueError, match="line 1: not an entry"):
        ResultLog(tmp_path / "log.jsonl")
    with pytest.raises(ValueError, match="cannot be read and written"):
        ResultLog(tmp_path)


def test_a_log_keeps_every_sign(tmp_path):
    log = ResultLog(tmp_path / "log.jsonl")
    result = {"answer": 'quote " \u2028 newline \n half \ud83d emoji 🦉'}
    log.add({build_key("a"): result})
    again = ResultLog(tmp_path / "log.jsonl")
    assert build_key("a") in again and again[build_key("a")]["answer"] == result["answer"]


def test_a_log_of_today_is_read(tmp_path):
    """A line as the runs wrote it before there was one engine: the key of the same inputs finds it."""
    key = build_key("model", "Decoding()", "Question?")
    assert key == "59f4103001df51c1a0eddd62fbe1e08e"
    (tmp_path / "log.jsonl").write_text(json.dumps({"key": key, "texts": [" 7"], "seconds": 0.5}) + "\n")
    log = ResultLog(tmp_path / "log.jsonl")
    assert log[key] == {"key": key, "texts": [" 7"], "seconds": 0.5}
