"""The grid: every k, selection and decoding asked the same questions; resumable, and cached per prompt.

grid = Grid(retriever, validation, model, GridArgs(n=200), Path("runs/grid"))
for progress in grid.run():                         leaving the loop cancels; the same grid goes on later
    print(progress)
grid.save()                                         answers.csv, summary.csv, comparisons.csv, grid.json, figures
results = load_results(Path("runs/grid"))           what the tab opens
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from a3core.common.answer_log import AnswerLog, prompt_key
from a3core.common.csv_safety import save_csv
from a3core.fewshot.answering import continue_with
from a3core.fewshot.building import build_prompt
from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.prompt import Prompt, Template
from a3core.fewshot.retrieval import METHODS, Retriever, Selection
from a3core.fewshot.scoring import score_answer
from a3core.fewshot.sweep.figures import save_figures
from a3core.fewshot.sweep.report import LOG_PROBABILITY, compare_cells, load_results, summarise
from a3core.llm.decoding import METHODS as DECODINGS
from a3core.llm.decoding import Decoding

__all__ = ["Cell", "Grid", "GridArgs", "Progress", "load_results"]

CHUNK = 64  # prompts between two saves
LONGEST_GOLD = 64  # tokens kept free behind a prompt for the gold answer


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
        if not (self.n and self.decoding) and not self.n_log_probability:
            raise ValueError("a grid without questions, or with nothing to do with them, has no result")
        for k in self.k:
            Selection(k=k, order=self.order)  # refuses what is out of range

    def decoding_of(self, method: str) -> Decoding:
        return Decoding(method, self.max_new_tokens, width=self.width, temperature=self.temperature, seed=self.seed)


def parse_ks(text: str | None) -> tuple[int, ...]:
    """Numbers of demonstrations, "0,2,8". Raises ValueError that says which part is no number."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if bad := [part for part in parts if not part.isdecimal()]:
        raise ValueError(f"k takes numbers with commas, such as 0,2,8, not {bad[0][:40]!r}.")
    return tuple(int(part) for part in parts)


class Cell(NamedTuple):
    """One way of asking."""

    k: int
    selection: str
    decoding: str  # one of a3core.llm.decoding.METHODS, or LOG_PROBABILITY


class Progress(NamedTuple):
    """How far a run is."""

    done: int  # prompts, those from the log included
    total: int
    seconds_left: float | None  # estimated from the work done in this run; None before the first
    cell: Cell

    def __str__(self) -> str:
        mark = ":" if self.seconds_left is None else ","
        return f"{self.done:,} of {self.total:,} prompts{mark} {self.ahead}"

    @property
    def ahead(self) -> str:
        """What stands behind a bar: the minutes left, where they can be told, and the cell."""
        left = "" if self.seconds_left is None else f"about {self.seconds_left / 60:.0f} min left: "
        return f"{left}{self.cell.selection}, k = {self.cell.k}, {self.cell.decoding}"


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
    """A run over `validation` with demonstrations of the retriever's pool. `model` is as in a3core.llm.local."""

    def __init__(
        self,
        retriever: Retriever,
        validation: Pool,
        model: Any,
        args: GridArgs,
        folder: Path,
        template: Template | None = None,
    ):
        self.retriever, self.validation, self.model = retriever, validation, model
        self.args, self.folder, self.template = args, folder, template or Template()
        self.questions = draw_questions(validation, max(args.n, args.n_log_probability), args.seed)
        self.log = AnswerLog(folder / "answers.jsonl")
        self.prompts: dict[tuple[str, int], list[Prompt]] = {}
        self._embeddings: np.ndarray | None = None

    @property
    def cells(self) -> list[Cell]:
        """In the order in which they are run: the log-probabilities, which are cheap, then by k."""
        decodings = [*([LOG_PROBABILITY] if self.args.n_log_probability else []), *self.args.decoding]
        cells = [Cell(k, s, d) for d in decodings for k in self.args.k for s in self.args.selection]
        return sorted(cells, key=lambda cell: (cell.decoding != LOG_PROBABILITY, cell.k))

    def run(self, cancel: threading.Event | None = None) -> Iterator[Progress]:
        """Runs what the log does not hold yet, a chunk at a time. Raises Cancelled, soon, once `cancel` is set.

        Leaving the loop cancels, too; what was run is kept.
        """
        jobs: dict[str, Job] = {}
        for job in (job for cell in self.cells for job in self.jobs(cell)):
            jobs.setdefault(job.key, job)  # zero-shot prompts are the same under every selection
        todo = [job for key, job in jobs.items() if key not in self.log]
        start, worked, work_left = time.monotonic(), 0.0, sum(job.work for job in todo)
        done = len(jobs) - len(todo)
        for chunk in _chunks(todo):
            seconds_left = work_left * (time.monotonic() - start) / worked if worked else None
            yield Progress(done, len(jobs), seconds_left, chunk[0].cell)
            self._run_chunk(chunk, cancel)
            work, done = sum(job.work for job in chunk), done + len(chunk)
            worked, work_left = worked + work, work_left - work
        yield Progress(done, len(jobs), 0.0, self.cells[-1])

    def _run_chunk(self, jobs: Sequence[Job], cancel: threading.Event | None) -> None:
        start, cell, prompts = time.monotonic(), jobs[0].cell, [job.prompt for job in jobs]
        if cell.decoding == LOG_PROBABILITY:
            gold = [self._gold(job) for job in jobs]
            said = [{"log_probability": p} for p in self.model.log_probability(prompts, gold, cancel=cancel)]
        else:
            answers = self.model.generate(prompts, self.args.decoding_of(cell.decoding), cancel=cancel)
            said = [{"answer": answer.strip()} for (answer,) in answers]
        seconds = (time.monotonic() - start) / len(jobs)
        self.log.add({job.key: entry | {"seconds": seconds} for job, entry in zip(jobs, said, strict=True)})

    def _gold(self, job: Job) -> str:
        """The gold answer as it would follow the prompt."""
        return continue_with(job.prompt, self.questions[job.question].answer)

    def jobs(self, cell: Cell) -> list[Job]:
        """The prompts of a cell, with the keys of their answers in the log."""
        scored = cell.decoding == LOG_PROBABILITY
        how = LOG_PROBABILITY if scored else repr(self.args.decoding_of(cell.decoding))
        prompts = self.build_prompts(cell.selection, cell.k)[: self.args.n_log_probability if scored else self.args.n]
        jobs = [Job("", cell, i, prompt.text) for i, prompt in enumerate(prompts)]
        gold = [self._gold(job) if scored else "" for job in jobs]
        keys = [prompt_key(self.model.name, how, g, job.prompt) for g, job in zip(gold, jobs, strict=True)]
        return [job._replace(key=key) for key, job in zip(keys, jobs, strict=True)]

    def build_prompts(self, selection: str, k: int) -> list[Prompt]:
        """One prompt a question, within the model's window."""
        if (selection, k) not in self.prompts:
            if self._embeddings is None:
                self._embeddings = self.retriever.embed([row.question for row in self.questions])
            how = Selection(selection, k, self.args.order, self.args.seed, guard=self.args.guard)
            pairs = zip(self.questions, self._embeddings, strict=True)
            self.prompts[selection, k] = [self._build_prompt(row, how, embedding) for row, embedding in pairs]
        return self.prompts[selection, k]

    def _build_prompt(self, row: Demonstration, how: Selection, embedding: np.ndarray) -> Prompt:
        free = max(self.args.max_new_tokens, LONGEST_GOLD)
        built = build_prompt(
            self.retriever,
            row.question,
            self.model,
            how,
            self.template,
            new_tokens=free,
            query_embedding=embedding,
        )
        return built.prompt

    # Results

    def answers(self) -> pd.DataFrame:
        """One row for each cell and question that was run: its answer and scores, or its log-probability."""
        rows = []
        for cell in self.cells:
            prompts = self.build_prompts(cell.selection, cell.k)
            for job in self.jobs(cell):
                if job.key in self.log:
                    facts = _describe(cell, self.questions[job.question], self.log[job.key])
                    rows.append(facts | {"dropped": len(prompts[job.question].dropped)})
        return pd.DataFrame(rows)

    def save(self) -> None:
        """Writes answers.csv, summary.csv, comparisons.csv, grid.json and the figures into the folder."""
        answers = self.answers()
        summary = summarise(answers)
        tables = {"answers": answers, "summary": summary, "comparisons": compare_cells(answers)}
        for name, table in tables.items():
            save_csv(table, self.folder / f"{name}.csv")
        (self.folder / "grid.json").write_text(json.dumps(self.facts(), indent=2) + "\n", encoding="utf-8")
        save_figures(self.folder, summary)

    def summary(self) -> pd.DataFrame:
        """One row for each cell that was run; see `summarise`."""
        return summarise(self.answers())

    def facts(self) -> dict[str, Any]:
        """What a reader needs in order to repeat the run."""
        return {
            "args": asdict(self.args),
            "model": repr(self.model),
            "encoder": self.retriever.encoder.name,
            "pool": describe_pool(self.retriever.pool),
            "validation": describe_pool(self.validation),
            "template": asdict(self.template),
        }


def _chunks(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs of one cell each, those of similar length together, so that little is padded."""
    for _, group in groupby(jobs, key=lambda job: job.cell):
        alike = sorted(group, key=lambda job: len(job.prompt))
        yield from (alike[i : i + CHUNK] for i in range(0, len(alike), CHUNK))


def draw_questions(validation: Pool, n: int, seed: int) -> list[Demonstration]:
    """`n` questions in an order drawn by the seed, or all; fewer are the first of more."""
    order = random.Random(seed).sample(range(len(validation)), len(validation))
    return [validation[i] for i in order[:n]]


def describe_pool(pool: Pool) -> dict[str, Any]:
    """What names a pool in a report."""
    return {"name": pool.name, "rows": len(pool), "sha256": pool.sha256, "notes": list(pool.notes)}


def _describe(cell: Cell, row: Demonstration, entry: dict[str, Any]) -> dict[str, Any]:
    facts = cell._asdict() | {"id": row.id, "question": row.question, "gold": row.answer, "seconds": entry["seconds"]}
    if cell.decoding == LOG_PROBABILITY:
        return facts | {"log_probability": entry["log_probability"]}
    score = score_answer(entry["answer"], row.gold)
    return facts | {"answer": entry["answer"], "exact_match": score.exact_match, "f1": score.f1}
