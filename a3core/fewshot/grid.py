"""The grid: every k, selection and decoding asked the same questions; resumable, and cached per prompt.

grid = Grid(retriever, validation, model, GridArgs(n=200), Path("runs/grid"))
for progress in grid.run():                         leaving the loop cancels; the same grid goes on later
    print(progress)
grid.save()                                         answers.csv, summary.csv, comparisons.csv, grid.json
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from a3core.decoding import METHODS as DECODINGS
from a3core.decoding import Decoding
from a3core.fewshot.answer_log import AnswerLog, prompt_key
from a3core.fewshot.grid_report import compare_cells, summarise
from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.prompt import Prompt, Template, fit_prompt
from a3core.fewshot.retrieval import METHODS, Retriever, Selection
from a3core.fewshot.scoring import score_answer

LOG_PROBABILITY = "log-probability"  # the column beside the decodings: of the gold answer, without generation
CHUNK = 32  # prompts between two saves


@dataclass(frozen=True)
class GridArgs:
    """What is compared; each field is an option of the command line."""

    k: tuple[int, ...] = (0, 1, 2, 4, 8, 16)  # demonstrations
    selection: tuple[str, ...] = ("random", "nearest")
    decoding: tuple[str, ...] = DECODINGS
    n: int = 200  # questions that answers are generated to
    n_log_probability: int = 1000  # questions whose gold answer's log-probability is taken; 0: none
    order: str = "nearest last"
    guard: bool = True  # leave out pool questions that are the query, or nearly so
    seed: int = 0  # of the questions drawn, of random selection and of sampling
    max_new_tokens: int = 16
    width: int = 4  # of beam search
    temperature: float = 1.0  # of sampling

    def __post_init__(self):
        for name, values, known in (("selection", self.selection, METHODS), ("decoding", self.decoding, DECODINGS)):
            if unknown := [value for value in values if value not in known]:
                raise ValueError(f"{name} is of {', '.join(known)}, not {', '.join(unknown)}")
        if not self.k or not self.selection or min(self.n, self.n_log_probability) < 0:
            raise ValueError(f"a grid needs at least one k and one selection, and no negative n: {self}")
        for k in self.k:
            Selection(k=k, order=self.order)  # refuses what is out of range

    def decoding_of(self, method: str) -> Decoding:
        return Decoding(method, self.max_new_tokens, width=self.width, temperature=self.temperature, seed=self.seed)


class Cell(NamedTuple):
    """One way of asking. With k = 0 all selections are the same prompt."""

    k: int
    selection: str
    decoding: str  # one of a3core.decoding.METHODS, or LOG_PROBABILITY


class Progress(NamedTuple):
    """How far a run is."""

    done: int  # prompts, those from the cache included
    total: int
    seconds_left: float | None  # estimated from the work done in this run; None before the first
    cell: Cell

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f", about {self.seconds_left / 60:.0f} min left"
        return f"{self.done:,} of {self.total:,} prompts{left}: {self.cell.selection}, k = {self.cell.k}, {self.cell.decoding}"


class Job(NamedTuple):
    """One prompt to run in one cell."""

    key: str  # in the log
    cell: Cell
    question: int  # position in the questions
    prompt: str

    @property
    def work(self) -> float:
        """Relative cost: the prompt's length, and how many tokens follow at how many beams."""
        following = {"beam": 4.0, LOG_PROBABILITY: 0.0}.get(self.cell.decoding, 1.0)
        return 200 + len(self.prompt) + 600 * following


class Grid:
    """A run over `validation` with demonstrations of the retriever's pool. `model` is as in a3core.language_model."""

    def __init__(
        self,
        retriever: Retriever,
        validation: Pool,
        model: Any,
        args: GridArgs,
        folder: Path,
        template: Template | None = None,
    ):
        self.retriever, self.model, self.args, self.folder = retriever, model, args, folder
        self.template = template or Template()
        self.validation = validation
        self.questions = draw_questions(validation, max(args.n, args.n_log_probability), args.seed)
        self.log = AnswerLog(folder / "answers.jsonl")
        self.prompts: dict[tuple[str, int], list[Prompt]] = {}
        self._embeddings: np.ndarray | None = None

    @property
    def cells(self) -> list[Cell]:
        """In the order in which they are run: the cheap log-probabilities first, then by k."""
        decodings = [*([LOG_PROBABILITY] if self.args.n_log_probability else []), *self.args.decoding]
        cells = [Cell(k, s, d) for d in decodings for k in self.args.k for s in self.args.selection]
        return sorted(cells, key=lambda cell: (cell.decoding != LOG_PROBABILITY, cell.k))

    def run(self) -> Iterator[Progress]:
        """Runs what the log does not hold yet, a chunk at a time."""
        todo = {cell: self.jobs(cell) for cell in self.cells}
        total = sum(map(len, todo.values()))
        left = {job.key: job for jobs in todo.values() for job in jobs if job.key not in self.log}
        start, worked, work_left = time.monotonic(), 0.0, sum(job.work for job in left.values())
        for cell, jobs in todo.items():
            jobs = [left.pop(job.key) for job in jobs if job.key in left]
            for chunk in (jobs[i : i + CHUNK] for i in range(0, len(jobs), CHUNK)):
                seconds = work_left * (time.monotonic() - start) / worked if worked else None
                done = total - len(left) - len(jobs) + jobs.index(chunk[0])
                yield Progress(done, total, seconds, cell)
                self._run_chunk(cell, chunk)
                work = sum(job.work for job in chunk)
                worked, work_left = worked + work, work_left - work
        yield Progress(total, total, 0.0, self.cells[-1])

    def _run_chunk(self, cell: Cell, jobs: Sequence[Job]) -> None:
        start = time.monotonic()
        prompts = [job.prompt for job in jobs]
        if cell.decoding == LOG_PROBABILITY:
            gold = [f" {self.questions[job.question].answer}" for job in jobs]
            said = [{"log_probability": score} for score in self.model.log_probability(prompts, gold)]
        else:
            answers = self.model.generate(prompts, self.args.decoding_of(cell.decoding))
            said = [{"answer": answer.strip()} for (answer,) in answers]
        seconds = (time.monotonic() - start) / len(jobs)
        self.log.add({job.key: entry | {"seconds": seconds} for job, entry in zip(jobs, said, strict=True)})

    def jobs(self, cell: Cell) -> list[Job]:
        """The prompts of a cell, with the keys of their answers."""
        count = self.args.n_log_probability if cell.decoding == LOG_PROBABILITY else self.args.n
        how = cell.decoding if cell.decoding == LOG_PROBABILITY else repr(self.args.decoding_of(cell.decoding))
        jobs = []
        for i, prompt in enumerate(self._build_prompts(cell.selection, cell.k)[:count]):
            gold = self.questions[i].answer if cell.decoding == LOG_PROBABILITY else ""
            jobs.append(Job(prompt_key(self.model.name, how, gold, prompt.text), cell, i, prompt.text))
        return jobs

    def _build_prompts(self, selection: str, k: int) -> list[Prompt]:
        """One prompt a question, within the model's window."""
        if (selection, k) not in self.prompts:
            if self._embeddings is None:
                self._embeddings = self.retriever.embed([row.question for row in self.questions])
            chosen = Selection(selection, k, self.args.order, self.args.seed, guard=self.args.guard)
            self.prompts[selection, k] = [
                self._build_prompt(row, chosen, embedding)
                for row, embedding in zip(self.questions, self._embeddings, strict=True)
            ]
        return self.prompts[selection, k]

    def _build_prompt(self, row: Demonstration, selection: Selection, embedding: np.ndarray) -> Prompt:
        found = self.retriever.select(row.question, selection, embedding)
        room = self.model.window and self.model.window - max(self.args.max_new_tokens, 64)  # a gold answer is no longer
        return fit_prompt(
            found.demonstrations, row.question, self.model.count_tokens, room, self.template, ranks=found.ranks
        )

    # Results

    def answers(self) -> pd.DataFrame:
        """One row for each cell and question that was run: its answer and scores, or its log-probability."""
        rows = []
        for cell in self.cells:
            prompts = self._build_prompts(cell.selection, cell.k)
            for job in self.jobs(cell):
                if job.key in self.log:
                    entry, row = self.log[job.key], self.questions[job.question]
                    rows.append(_describe(cell, row, entry) | {"dropped": len(prompts[job.question].dropped)})
        return pd.DataFrame(rows)

    def save(self) -> None:
        """Writes answers.csv, summary.csv, comparisons.csv and grid.json into the folder."""
        answers = self.answers()
        tables = {"answers": answers, "summary": summarise(answers), "comparisons": compare_cells(answers)}
        for name, table in tables.items():
            table.to_csv(self.folder / f"{name}.csv", index=False)
        (self.folder / "grid.json").write_text(json.dumps(self.facts(), indent=2) + "\n", encoding="utf-8")

    def facts(self) -> dict[str, Any]:
        """What a reader needs in order to repeat the run."""
        pool = self.retriever.pool
        return {
            "args": asdict(self.args),
            "model": self.model.name,
            "encoder": self.retriever.encoder.name,
            "pool": {"name": pool.name, "rows": len(pool), "sha256": pool.sha256, "notes": pool.notes},
            "validation": {
                "name": self.validation.name,
                "rows": len(self.validation),
                "sha256": self.validation.sha256,
            },
            "template": asdict(self.template),
        }


def draw_questions(validation: Pool, n: int, seed: int) -> list[Demonstration]:
    """`n` questions in an order drawn by the seed, or all; fewer are the first of more."""
    order = random.Random(seed).sample(range(len(validation)), len(validation))
    return [validation[i] for i in order[:n]]


def _describe(cell: Cell, row: Demonstration, entry: dict[str, Any]) -> dict[str, Any]:
    facts = cell._asdict() | {"id": row.id, "question": row.question, "gold": row.answer, "seconds": entry["seconds"]}
    if cell.decoding == LOG_PROBABILITY:
        return facts | {"log_probability": entry["log_probability"]}
    score = score_answer(entry["answer"], row.gold)
    return facts | {"answer": entry["answer"], "exact_match": score.exact_match, "f1": score.f1}
