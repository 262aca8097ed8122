"""The engine under every run with made-up work: every job once, what an interruption leaves, progress, the log."""

from __future__ import annotations

import json
import threading
from functools import partial

import pytest

from a3core.common.resumable import Job, Progress, ResultLog, ask_models, build_key, run_jobs


class Cancelled(Exception):
    pass


JOBS = [
    Job(build_key(label, str(number)), label, f"{number}²?", source=number, cost=cost)
    for label, cost in (("cheap", 1.0), ("dear", 3.0))
    for number in range(5)
]


class Worker:
    """Squares numbers, and keeps the batches that it was given."""

    def __init__(self, fails_after: float = float("inf"), cancel: threading.Event | None = None):
        self.batches: list[list[Job]] = []
        self.fails_after, self.cancel = fails_after, cancel

    @property
    def jobs(self) -> list[Job]:
        return [job for batch in self.batches for job in batch]

    def __call__(self, jobs):
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled
        if len(self.jobs) >= self.fails_after:
            raise ValueError("out of order")
        self.batches.append(jobs)
        return [job.source**2 for job in jobs]


def to_entry(square: int) -> dict:
    return {"square": square}


@pytest.fixture
def run(tmp_path):
    """A run of all jobs in batches of two, with the log of the folder."""
    return lambda work: run_jobs(JOBS, work, to_entry, ResultLog(tmp_path / "log.jsonl"), 2)


def read(tmp_path) -> dict:
    return {key: entry["square"] for key, entry in ResultLog(tmp_path / "log.jsonl").items()}


def test_every_job_once(run, tmp_path):
    reports = list(run(worker := Worker()))
    assert worker.jobs == JOBS and reports[-1].total == reports[-1].done == 10
    assert [report.done for report in reports] == [0, 2, 4, 5, 7, 9, 10]
    assert reports[0].seconds_left is None and reports[-1].seconds_left == 0
    assert read(tmp_path) == {job.key: job.source**2 for job in JOBS}
    assert next(run(worker)).done == 10 and len(list(run(worker))) == 1 and worker.jobs == JOBS  # nothing anew


def test_jobs_of_a_batch_have_one_label(run):
    reports = list(run(worker := Worker()))
    assert [len(batch) for batch in worker.batches] == [2, 2, 1, 2, 2, 1]
    assert all(len({job.label for job in batch}) == 1 for batch in worker.batches)
    assert [report.label for report in reports] == [*["cheap"] * 3, *["dear"] * 3, "dear"]


def test_progress_as_a_sentence():
    assert str(Progress(0, 1200, None, "sums, standard")) == "0 of 1,200 prompts: sums, standard"
    later = Progress(600, 1200, 130.0, "sums, standard")
    assert str(later) == "600 of 1,200 prompts, about 2 min left: sums, standard"


def test_seconds_left_follow_the_cost(run, monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    reports = list(run(Worker()))
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
    seconds = [entry["seconds"] for entry in ResultLog(tmp_path / "log.jsonl").values()]
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
    cancel = threading.Event()
    worker = Worker(cancel=cancel)

    def run_and_cancel():
        for report in run(worker):
            if report.done >= 3:
                cancel.set()

    with pytest.raises(Cancelled):
        run_and_cancel()
    assert len(worker.jobs) == len(read(tmp_path)) == 4
    cancel.clear()
    for report in run(worker):  # leaving the loop is another way
        if report.done >= 7:
            break
    assert worker.jobs == JOBS[:7] and len(read(tmp_path)) == 7


def test_work_gives_a_result_to_each_job(run):
    with pytest.raises(ValueError, match="shorter"):
        list(run(lambda jobs: [0]))


def test_models_are_asked_in_batches_without_a_log():
    batches, answers = [], {}

    def answer(name, questions):
        batches.append((name, len(questions)))
        return [f"{name}: {question}" for question in questions]

    models = {name: partial(answer, name) for name in ("a", "b")}
    reports = list(ask_models(models, ["Who?", "Where?", "Who?"], 2, answers))
    assert answers == {name: [f"{name}: {question}?" for question in ("Who", "Where", "Who")] for name in ("a", "b")}
    assert batches == [("a", 2), ("a", 1), ("b", 2), ("b", 1)]
    assert [(report.done, report.total, report.label) for report in reports] == [
        (0, 6, "a"),
        (2, 6, "a"),
        (3, 6, "b"),
        (5, 6, "b"),
        (6, 6, "b"),
    ]


def test_no_jobs():
    assert list(run_jobs([], Worker(), to_entry, ResultLog(), 2)) == [Progress(0, 0, 0.0, "")]


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


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    log = ResultLog(tmp_path / "log.jsonl")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.open", fail)
    with pytest.raises(ValueError, match=r"cannot write .*log\.jsonl: No space left"):
        log.add({build_key("a"): {"answer": 1}})
    assert not log


def test_a_log_of_today_is_read(tmp_path):
    """A line as the runs wrote it before there was one engine: the key of the same inputs finds it."""
    key = build_key("model", "Decoding()", "Question?")
    assert key == "59f4103001df51c1a0eddd62fbe1e08e"
    (tmp_path / "log.jsonl").write_text(json.dumps({"key": key, "texts": [" 7"], "seconds": 0.5}) + "\n")
    log = ResultLog(tmp_path / "log.jsonl")
    assert log[key] == {"key": key, "texts": [" 7"], "seconds": 0.5}
