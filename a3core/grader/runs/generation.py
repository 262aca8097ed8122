"""Generating a run: every question of some task sets asked in several ways; resumable, and kept per prompt.

run = CotRun(load_tasks(["arithmetic"]), model, CotArgs(), Path("runs/cot"))
for progress in run.run():                          leaving the loop cancels; the same run goes on later
    print(progress)
run.save()                                          responses.jsonl and run.json
run.to_run()                                        what is labelled; load_run(Path("runs/cot")) reads it again

On the command line: python -m a3core cot-run --out runs/cot
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from a3core.common.answer_log import AnswerLog, prompt_key
from a3core.common.stats import wilson_interval
from a3core.grader.answers.extraction import extract_answer, suggest_label
from a3core.grader.answers.marks import MARKER, find_end
from a3core.grader.labels.schema import CORRECT, NO_CONSISTENT_ANSWER
from a3core.grader.runs.generation_files import save_files
from a3core.grader.runs.prompts import FORMS, STOP, PromptForm, render_prompt
from a3core.grader.runs.responses import Response, Run, find_duplicate
from a3core.grader.runs.tasks import Question, TaskSet
from a3core.llm.decoding import Decoding

BATCH = 16  # continuations between two saves
ALL_TASKS = "all"
# what may stand between an explanation and "answer is"
LEAD = re.compile(r"(?:\b(?:so|thus|hence|therefore),? )?(?:\b(?:the|my) )?(?:\b(?:final|correct) )?\Z", re.IGNORECASE)
AFTER = " \t\r\n.,;*\"'”’)"  # signs that belong to the answer before them


@dataclass(frozen=True)
class CotArgs:
    """How the questions are asked; each field is an option of the command line."""

    prompts: tuple[PromptForm, ...] = (FORMS["standard"], FORMS["variant"], FORMS["cot"])
    samples: int = 1  # of each prompt
    temperature: float = 0.0  # 0: greedy
    seed: int = 0  # of sampling
    max_new_tokens: int = 128

    def __post_init__(self):
        if not self.prompts:
            raise ValueError(f"Name at least one prompt, of {', '.join(FORMS)}, or a text file of your own.")
        if twice := find_duplicate(form.kind for form in self.prompts):
            raise ValueError(f"Two prompts are called {twice!r}: their responses could not be told apart.")
        if self.samples > 1 and not self.temperature:
            raise ValueError(f"{self.samples} samples would all be the same: give a temperature above 0, such as 0.7.")
        self.decoding  # noqa: B018  refuses what is out of range

    @property
    def decoding(self) -> Decoding:
        if not self.temperature and self.samples == 1:
            return Decoding("greedy", self.max_new_tokens, stop=STOP)
        sampled = {"temperature": self.temperature, "seed": self.seed, "n": self.samples}
        return Decoding("sampling", self.max_new_tokens, stop=STOP, **sampled)


class Progress(NamedTuple):
    """How far a run is."""

    done: int  # prompts, those from the log included
    total: int
    seconds_left: float | None  # estimated from the prompts done in this run; None before the first
    task: str
    prompt_kind: str

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f", about {self.seconds_left / 60:.0f} min left"
        return f"{self.done:,} of {self.total:,} prompts{left}: {self.task}, {self.prompt_kind}"


class Job(NamedTuple):
    """One prompt to run."""

    key: str  # in the log
    task: str
    prompt_kind: str
    question: Question
    prompt: str


class Said(NamedTuple):
    """A generated text in its two parts, either of which may be empty."""

    explanation: str
    answer: str


class Accuracy(NamedTuple):
    """What the rule suggests of the answers of one task set and prompt kind, before anybody has labelled them.

    `low` and `high` are Wilson's 95 % interval of correct / n. It takes the responses for independent: with several
    samples of a question, which are alike, it is too narrow.
    """

    task: str  # ALL_TASKS for all together
    prompt_kind: str
    correct: int
    n: int  # responses
    inconsistent: int  # of n: no answer, or several that contradict each other
    undecided: int  # of n: the rule cannot tell; a person can
    low: float
    high: float


class CotRun:
    """A run of `tasks` by `model`, which is as in a3core.llm.local, with its log in `folder`.

    Raises ValueError where a prompt shows demonstrations and a task set has none, or the folder cannot be written.
    """

    def __init__(self, tasks: Sequence[TaskSet], model: Any, args: CotArgs, folder: Path):
        self.tasks, self.model, self.args, self.folder = tuple(tasks), model, args, folder
        self.jobs = [
            self._build_job(task, form, question)
            for task in self.tasks
            for form in args.prompts
            for question in task.questions
        ]
        if not self.jobs:
            raise ValueError("A run needs at least one task set.")
        if twice := find_duplicate(f"{job.question.id}/{job.prompt_kind}" for job in self.jobs):
            raise ValueError(f"Two questions have the id {twice.partition('/')[0]!r}: give every task set once.")
        self.log = AnswerLog(folder / "answers.jsonl")

    def _build_job(self, task: TaskSet, form: PromptForm, question: Question) -> Job:
        prompt = render_prompt(form, question.question, task.demonstrations)
        key = prompt_key(self.model.name, repr(self.args.decoding), prompt)
        return Job(key, task.name, form.kind, question, prompt)

    def run(self, cancel: threading.Event | None = None) -> Iterator[Progress]:
        """Runs what the log does not hold yet, a few prompts at a time. Raises Cancelled, soon, once `cancel` is set.

        Leaving the loop cancels, too; what was run is kept.
        """
        todo = [job for job in self.jobs if job.key not in self.log]
        start, before = time.monotonic(), len(self.jobs) - len(todo)
        done = before
        for chunk in _chunks(todo, max(1, BATCH // self.args.samples)):
            worked = done - before
            seconds_left = (time.monotonic() - start) / worked * (len(self.jobs) - done) if worked else None
            yield Progress(done, len(self.jobs), seconds_left, chunk[0].task, chunk[0].prompt_kind)
            self._run_chunk(chunk, cancel)
            done += len(chunk)
        yield Progress(done, len(self.jobs), 0.0, self.jobs[-1].task, self.jobs[-1].prompt_kind)

    def _run_chunk(self, jobs: Sequence[Job], cancel: threading.Event | None) -> None:
        start = time.monotonic()
        said = self.model.generate([job.prompt for job in jobs], self.args.decoding, cancel=cancel)
        seconds = (time.monotonic() - start) / len(jobs)
        entries = zip(jobs, said, strict=True)
        self.log.add({job.key: {"texts": list(texts), "seconds": seconds} for job, texts in entries})

    # Results

    def to_run(self) -> Run:
        """What was answered so far, as a run to be labelled. Raises ValueError if it is nothing yet."""
        return Run(self.name, tuple(response for _, response, _ in self._responses()), notes=self._notes())

    def accuracy(self) -> list[Accuracy]:
        """By task set and prompt kind, in the order of the run; last all task sets together, if there are several."""
        told: dict[tuple[str, str], list[str | None]] = {}
        for job, response, _ in self._responses():
            suggestion = suggest_label(response)
            for task in (job.task, ALL_TASKS):
                told.setdefault((task, job.prompt_kind), []).append(suggestion and suggestion.value)
        single = [row for row in told if row[0] != ALL_TASKS]
        total = [row for row in told if row[0] == ALL_TASKS] if len(self.tasks) > 1 else []
        return [count_accuracy(*row, told[row]) for row in (*single, *total)]

    def save(self) -> None:
        """Writes responses.jsonl and run.json into the folder, each whole or not at all. Raises ValueError."""
        run = self.to_run()
        rows = [asdict(response) | {"task": job.task, "text": text} for job, response, text in self._responses()]
        save_files(self.folder, rows, {"name": run.name, "notes": run.notes} | self.facts())

    def facts(self) -> dict[str, Any]:
        """What a reader needs in order to repeat the run, and what came out."""
        return {
            "model": self.model.name,
            "loaded_as": repr(self.model),
            "args": asdict(self.args),
            "decoding": asdict(self.args.decoding),
            "tasks": [
                {"name": task.name, "sha256": task.sha256, "questions": len(task.questions)} for task in self.tasks
            ],
            "accuracy": [row._asdict() for row in self.accuracy()],
        }

    @property
    def name(self) -> str:
        return f"{self.model.name}: {', '.join(task.name for task in self.tasks)}"

    def _notes(self) -> tuple[str, ...]:
        decoding = self.args.decoding
        how = "greedy" if decoding.method == "greedy" else f"{decoding.n} samples at temperature {decoding.temperature}"
        made = sum(job.key in self.log for job in self.jobs)
        part = "" if made == len(self.jobs) else f" Not finished: {made} of {len(self.jobs)} prompts were run."
        return (f"Generated by {self.model.name}, {how}, at most {decoding.max_new_tokens} tokens.{part}",)

    def _responses(self) -> Iterator[tuple[Job, Response, str]]:
        """What the log holds, with the text as it was generated."""
        for job in self.jobs:
            if job.key in self.log:
                for sample, text in enumerate(self.log[job.key]["texts"]):
                    yield job, self._build_response(job, sample, text), text

    def _build_response(self, job: Job, sample: int, text: str) -> Response:
        said = split_text(text, job.question.kind)
        return Response(
            id=f"{job.question.id}/{job.prompt_kind}/{sample}",
            question=job.question.question,
            answer=said.answer,
            explanation=said.explanation,
            gold_answer=job.question.answer,
            prompt_kind=job.prompt_kind,
            model=self.model.name,
            sample=sample,
        )


def split_text(text: str, kind: str | None = None) -> Said:
    """Explanation and answer of a generated text, without what runs on into another question.

    The explanation is what comes before "the answer is", or behind the answer if nothing comes before; of a text
    without these words it is the whole, unless the text is the answer and nothing else.
    """
    text = text[: find_end(text)]
    found = extract_answer(text, kind)
    before, behind = text[: found.start], text[found.end :]
    markers = list(MARKER.finditer(before)) if found.why.startswith("after") else []
    if markers:
        explanation = LEAD.sub("", before[: markers[-1].start()]).strip(" \t\r\n,") or behind.lstrip(AFTER).rstrip()
    else:
        explanation = text.strip() if re.search(r"\w", before + behind) or not found.value else ""
    return Said(explanation, found.value)


def _chunks(jobs: Sequence[Job], size: int) -> Iterator[list[Job]]:
    """Jobs of one task set and prompt kind each: their prompts begin alike, which is run once."""
    for _, group in groupby(jobs, key=lambda job: (job.task, job.prompt_kind)):
        alike = list(group)
        yield from (alike[i : i + size] for i in range(0, len(alike), size))


def count_accuracy(task: str, prompt_kind: str, told: list[str | None]) -> Accuracy:
    """From what the rule suggests of each answer, None where it cannot tell."""
    correct, n = told.count(CORRECT), len(told)
    counts = correct, n, told.count(NO_CONSISTENT_ANSWER), told.count(None)
    return Accuracy(task, prompt_kind, *counts, *wilson_interval(correct, n))
