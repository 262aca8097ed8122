"""Resumable runs: jobs in batches, each result on disk before the next batch, so that a stopped run goes on later.

log = ResultLog(Path("runs/cot/answers.jsonl"))
for progress in run_jobs(jobs, work, to_entry, log, 16):     leaving the loop cancels; the same call goes on later
    print(progress)                                          "32 of 150 prompts, about 2 min left: arithmetic, standard"
log[jobs[0].key]                                             {"key": "3f5a...", "texts": [" 7"], "seconds": 0.4}
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from a3core.common.atomic_io import disk_errors


class Job(NamedTuple):
    """One prompt or question. Jobs of one batch have the same label."""

    key: str  # of its result in the log: a hash of all that the result depends on
    label: str  # what progress shows
    prompt: str
    source: Any = None  # what a run needs to work on it
    cost: float = 1.0  # relative to other jobs, to estimate the time left


class Unfinished(ValueError):
    """A batch that ended with an error: `results` are those that came before it, None in place of the others."""

    def __init__(self, message: str, results: Sequence[Any]):
        super().__init__(message)
        self.results = results


class Progress(NamedTuple):
    """How far a run is."""

    done: int  # jobs, those from the log included
    total: int
    seconds_left: float | None  # estimated from the jobs done in this run; None before the first
    label: str  # of the jobs that come next

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f", about {self.seconds_left / 60:.0f} min left"
        return f"{self.done:,} of {self.total:,} prompts{left}: {self.label}"


def build_key(*inputs: str) -> str:
    """sha256 of what a result depends on: the model, how it decodes, the prompt."""
    return hashlib.sha256("\0".join(inputs).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class ResultLog(dict[str, dict[str, Any]]):
    """Results by key; with a path also a JSON lines file of {"key", ...}, on disk before the next batch begins.

    A line that a killed run left half written is cut off when the file is opened. Raises ValueError if the file cannot
    be read or written.
    """

    def __init__(self, path: Path | None = None):
        super().__init__()
        self.path = path
        content = b""
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                content = path.read_bytes() if path.exists() else b""
            complete = content[: content.rfind(b"\n") + 1]
            if len(complete) < len(content):
                os.truncate(path, len(complete))
        except OSError as error:
            raise ValueError(f"{path} cannot be read and written: {error.strerror or error}") from error
        for number, line in enumerate(complete.splitlines(), 1):
            try:
                entry = json.loads(line)
                self[entry["key"]] = entry
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: not an entry of such a log; name another folder") from error

    def add(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Appends entries by key. Raises ValueError where the disk is full."""
        rows = {key: {"key": key, **entry} for key, entry in entries.items()}
        if self.path is not None:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows.values())
            with disk_errors(self.path), self.path.open("ab") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
        self.update(rows)


def run_jobs(
    jobs: Sequence[Job],
    work: Callable[[list[Job]], Iterable[Any]],
    to_entry: Callable[[Any], Mapping[str, Any]],
    log: ResultLog,
    batch_size: int,
) -> Iterator[Progress]:
    """Runs the jobs that are not in the log yet, with progress before each batch and at the end.

    `work` gives a result to each job of a batch; `to_entry` makes the log's entry of it, beside its share of the
    batch's seconds. Leaving the loop cancels; what was run stays, also of a batch that raises Unfinished.
    """
    todo = [job for job in jobs if job.key not in log]
    done, start = len(jobs) - len(todo), time.monotonic()
    cost_done, cost_left = 0.0, sum(job.cost for job in todo)
    for batch in split_batches(todo, batch_size):
        seconds_left = cost_left * (time.monotonic() - start) / cost_done if cost_done else None
        yield Progress(done, len(jobs), seconds_left, batch[0].label)
        batch_start = time.monotonic()
        error, results = None, []
        try:
            results = work(batch)
        except Unfinished as unfinished:
            error, results = unfinished, unfinished.results
        seconds, came = (time.monotonic() - batch_start) / len(batch), zip(batch, results, strict=True)
        log.add({job.key: {**to_entry(result), "seconds": seconds} for job, result in came if result is not None})
        if error is not None:
            raise error
        cost = sum(job.cost for job in batch)
        done, cost_done, cost_left = done + len(batch), cost_done + cost, cost_left - cost
    yield Progress(done, len(jobs), 0.0, jobs[-1].label if jobs else "")


def split_batches(jobs: Sequence[Job], batch_size: int) -> Iterator[list[Job]]:
    """Batches of jobs that follow each other and have the same label."""
    for _, group in groupby(jobs, key=lambda job: job.label):
        alike = list(group)
        yield from (alike[i : i + batch_size] for i in range(0, len(alike), batch_size))


def ask_models(
    models: Mapping[str, Callable[[list[str]], Iterable[Any]]],
    questions: Sequence[str],
    batch_size: int,
    answers: dict[str, list[Any]],
) -> Iterator[Progress]:
    """Every question to every model, model by model, without a log; fills `answers`, by model, at the end."""
    jobs = [Job(f"{i}/{name}", name, question) for name in models for i, question in enumerate(questions)]
    log = ResultLog()
    ask = lambda batch: models[batch[0].label]([job.prompt for job in batch])  # noqa: E731
    yield from run_jobs(jobs, ask, lambda answer: {"answer": answer}, log, batch_size)
    for name in models:
        answers[name] = [log[job.key]["answer"] for job in jobs if job.label == name]
