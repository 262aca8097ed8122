"""Resumable runs: jobs in batches, each result on disk before the next batch, so that a stopped run goes on later.

log = ResultLog(Path("runs/cot/answers.jsonl"))
for progress in run_jobs(jobs, work, log, batch_size=16):    leaving the loop cancels; the same call goes on later
    print(progress)                                          "32 of 150 prompts, about 2 min left: arithmetic, standard"
log[jobs[0].key]                                             {"key": "3f5a...", "texts": [" 7"], "seconds": 0.4}
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar


class HasKey(Protocol):
    """What a run needs to know of a job. Jobs of one batch have the same label."""

    @property
    def key(self) -> str: ...  # of its result in the log: a hash of all that the result depends on

    @property
    def label(self) -> str: ...  # what progress shows


JobT = TypeVar("JobT", bound=HasKey)


class Job(NamedTuple):
    """A question to the model that is called `label`."""

    key: str
    label: str
    question: str


def build_jobs(models: Iterable[str], questions: Sequence[str]) -> list[Job]:
    """Every question to every model, model by model."""
    return [Job(f"{i}/{model}", model, question) for model in models for i, question in enumerate(questions)]


class Progress(NamedTuple):
    """How far a run is."""

    done: int  # jobs, those from the log included
    total: int
    seconds_left: float | None  # estimated from the jobs done in this run; None before the first
    label: str  # of the jobs that come next

    def __str__(self) -> str:
        sign = ":" if self.seconds_left is None else ","
        return f"{self.done:,} of {self.total:,} prompts{sign} {self.ahead}"

    @property
    def ahead(self) -> str:
        """The minutes left, where they are known, and the label."""
        return self.label if self.seconds_left is None else f"about {self.seconds_left / 60:.0f} min left: {self.label}"


def build_key(*inputs: str) -> str:
    """sha256 of what a result depends on: the model, how it decodes, the prompt."""
    return hashlib.sha256("\0".join(inputs).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class ResultLog:
    """Results by key; with a path also a JSON lines file of {"key", ...}, on disk before the next batch begins.

    A line that a killed run left half written is cut off when the file is opened. Raises ValueError if the file cannot
    be read or written.
    """

    def __init__(self, path: Path | None = None):
        self.path = path
        self.entries: dict[str, dict[str, Any]] = {}
        if path is not None:
            for number, line in enumerate(self._read_complete_lines(path), 1):
                try:
                    entry = json.loads(line)
                    self.entries[entry["key"]] = entry
                except (ValueError, KeyError, TypeError) as error:
                    raise ValueError(
                        f"{path}, line {number}: not an entry of such a log; name another folder"
                    ) from error

    def _read_complete_lines(self, path: Path) -> list[bytes]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            complete = content[: content.rfind(b"\n") + 1]
            if len(complete) < len(content):
                os.truncate(path, len(complete))
        except OSError as error:
            raise ValueError(f"{path} cannot be read and written: {error.strerror or error}") from error
        return complete.splitlines()

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __getitem__(self, key: str) -> dict[str, Any]:
        return self.entries[key]

    def add(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Appends entries by key."""
        rows = {key: {"key": key, **entry} for key, entry in entries.items()}
        if self.path is not None:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows.values())
            with self.path.open("ab") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
        self.entries.update(rows)


def run_jobs(
    jobs: Sequence[JobT],
    work: Callable[[list[JobT], threading.Event | None], Iterable[Mapping[str, Any]]],
    log: ResultLog,
    batch_size: int,
    cost: Callable[[JobT], float] = lambda job: 1.0,
    cancel: threading.Event | None = None,
) -> Iterator[Progress]:
    """Runs the jobs that are not in the log yet, with progress before each batch and at the end.

    `work` gives a result to each job of a batch, which is logged with its share of the batch's seconds; it may raise
    once `cancel` is set. `cost` is what a job takes relative to others. Leaving the loop cancels; results stay.
    """
    todo = [job for job in jobs if job.key not in log]
    done = len(jobs) - len(todo)
    start, cost_done, cost_left = time.monotonic(), 0.0, sum(map(cost, todo))
    for batch in split_batches(todo, batch_size):
        seconds_left = cost_left * (time.monotonic() - start) / cost_done if cost_done else None
        yield Progress(done, len(jobs), seconds_left, batch[0].label)
        batch_start = time.monotonic()
        results = work(batch, cancel)
        seconds = (time.monotonic() - batch_start) / len(batch)
        log.add({job.key: {**result, "seconds": seconds} for job, result in zip(batch, results, strict=True)})
        batch_cost = sum(map(cost, batch))
        done, cost_done, cost_left = done + len(batch), cost_done + batch_cost, cost_left - batch_cost
    yield Progress(done, len(jobs), 0.0, jobs[-1].label if jobs else "")


def split_batches(jobs: Sequence[JobT], batch_size: int) -> Iterator[list[JobT]]:
    """Batches of jobs that follow each other and have the same label."""
    for _, group in groupby(jobs, key=lambda job: job.label):
        alike = list(group)
        yield from (alike[i : i + batch_size] for i in range(0, len(alike), batch_size))
