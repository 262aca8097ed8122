"""The sweep: every k, selection and decoding asked the same questions; resumable, and logged per prompt.

sweep = Sweep(retriever, validation, model, SweepArgs(n=200), Path("runs/grid"))
for progress in sweep.run():                        leaving the loop cancels; the same sweep goes on later
    print(progress)
sweep.save()                                        answers.csv, summary.csv, comparisons.csv, grid.json, figures
results = load_results(Path("runs/grid"))           what the tab opens
"""

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pandas as pd

from a3core.common.csv_safety import save_csv
from a3core.common.resumable import Job, Progress, ResultLog, build_key, run_jobs
from a3core.fewshot.answering import NO_SCORES, continue_with
from a3core.fewshot.pools import Pool
from a3core.fewshot.prompt import BuiltPrompt, build_prompt
from a3core.fewshot.retrieval import METHODS, Retriever, Selection
from a3core.fewshot.scoring import score_answer
from a3core.fewshot.sweep.report import LOG_PROBABILITY, TABLES, Condition, plot_results, summarise
from a3core.llm.decoding import METHODS as DECODINGS
from a3core.llm.decoding import Decoding, TextModel
from a3core.llm.prompts import Template

CHUNK = 16  # prompts between two saves, of one decoding
LONGEST_GOLD = 64  # tokens left free behind a prompt for the gold answer


@dataclass(frozen=True)
class SweepArgs:
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
    hide_answer: bool = False  # leave out demonstrations whose answer is a gold answer to the question

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
        """The decoding called `method`, with the width, temperature, seed and length of this sweep."""
        return Decoding(method, self.max_new_tokens, width=self.width, temperature=self.temperature, seed=self.seed)


def fit_args(args: SweepArgs, model: TextModel) -> tuple[SweepArgs, list[str]]:
    """What the model can do of it, and a sentence for each thing that it cannot: a server may lack both."""
    decoding = tuple(method for method in args.decoding if method in getattr(model, "methods", DECODINGS))
    notes = ["Beam search is left out: a server has none."] if decoding != args.decoding else []
    if args.n_log_probability and not getattr(model, "tells_log_probability", True):
        notes.append(NO_SCORES)
        return replace(args, decoding=decoding, n_log_probability=0), notes
    return replace(args, decoding=decoding), notes


def parse_ks(text: str | None) -> tuple[int, ...]:
    """Numbers of demonstrations, "0,2,8". Raises ValueError with the part that is no number."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if bad := [part for part in parts if not part.isdecimal()]:
        raise ValueError(f"k takes numbers with commas, such as 0,2,8, not {bad[0][:40]!r}.")
    return tuple(int(part) for part in parts)


@dataclass(eq=False)
class Sweep:
    """A run over the questions of `validation` with demonstrations of the retriever's pool."""

    retriever: Retriever
    validation: Pool
    model: TextModel
    args: SweepArgs
    folder: Path  # of the results and of the log
    template: Template = field(default_factory=Template)

    def __post_init__(self):
        order = random.Random(self.args.seed).sample(range(len(self.validation)), len(self.validation))
        n = max(self.args.n, self.args.n_log_probability)
        self.questions = [self.validation[i] for i in order[:n]]  # fewer are the first of more
        self.log = ResultLog(self.folder / "answers.jsonl")
        self.prompts: dict[tuple[str, int], list[BuiltPrompt]] = {}

    @cached_property
    def embeddings(self) -> np.ndarray:
        """Of the questions (n, D)."""
        return self.retriever.embed([row.question for row in self.questions])

    @property
    def conditions(self) -> list[Condition]:
        """In the order in which they are run: the log-probabilities, which are cheap, then by k."""
        decodings = [*([LOG_PROBABILITY] if self.args.n_log_probability else []), *self.args.decoding]
        conditions = [Condition(k, s, d) for d in decodings for k in self.args.k for s in self.args.selection]
        return sorted(conditions, key=lambda condition: (condition.decoding != LOG_PROBABILITY, condition.k))

    def run(self, cancel: Event | None = None) -> Iterator[Progress]:
        """Runs what the log does not hold yet, a batch at a time. Raises Cancelled, soon, once `cancel` is set."""
        chunks: dict[tuple, list[Job]] = {}
        for condition in self.conditions:
            # prompts of similar length together, so that little is padded
            for rank, job in enumerate(sorted(self.jobs(condition), key=lambda job: len(job.prompt))):
                # the decodings of the same prompts one after the other: a model here runs the prompts once for all
                scored = condition.decoding == LOG_PROBABILITY
                chunks.setdefault((scored, condition.k, condition.selection, rank // CHUNK), []).append(job)
        jobs: dict[str, Job] = {}
        for job in chain.from_iterable(chunks.values()):
            jobs.setdefault(job.key, job)  # zero-shot prompts are the same under every selection

        def work(batch: list[Job]) -> list[float] | list[list[str]]:
            decoding, prompts = batch[0].source[0], [job.prompt for job in batch]
            if decoding == LOG_PROBABILITY:
                return self.model.log_probability(prompts, [job.source[1] for job in batch], cancel=cancel)
            return self.model.generate(prompts, self.args.decoding_of(decoding), cancel=cancel)

        def to_entry(result: float | list[str]) -> dict[str, Any]:
            return {"log_probability": result} if isinstance(result, float) else {"answer": result[0].strip()}

        yield from run_jobs(list(jobs.values()), work, to_entry, self.log, CHUNK)

    def jobs(self, condition: Condition) -> list[Job]:
        """The prompts of a condition, question by question; their source is (decoding, gold answer to be scored)."""
        k, selection, decoding = condition.k, condition.selection, condition.decoding
        is_scored = decoding == LOG_PROBABILITY
        how = LOG_PROBABILITY if is_scored else repr(self.args.decoding_of(decoding))
        n = self.args.n_log_probability if is_scored else self.args.n
        name = f"{self.model.name} {getattr(self.model, 'dtype', '')}".strip()
        tokens = {"beam": 4.0, LOG_PROBABILITY: 0.0}.get(decoding, 1.0)  # that follow, in all beams
        jobs = []
        for row, built in zip(self.questions[:n], self.build_prompts(selection, k), strict=False):
            prompt = built.prompt
            gold = continue_with(prompt.text, row.answer) if is_scored else ""
            key, cost = build_key(name, how, gold, prompt.text), 200 + len(prompt.text) + 600 * tokens
            jobs.append(Job(key, f"{selection}, k = {k}, {decoding}", prompt.text, (decoding, gold), cost))
        return jobs

    def build_prompts(self, selection: str, k: int) -> list[BuiltPrompt]:
        """One prompt a question, within the model's window."""
        if (selection, k) not in self.prompts:
            args = self.args
            how = Selection(selection, k, args.order, args.seed, guard=args.guard, hide_answer=args.hide_answer)
            options = {"new_tokens": max(args.max_new_tokens, LONGEST_GOLD), "template": self.template}
            self.prompts[selection, k] = [
                build_prompt(self.retriever, row.question, self.model, how, gold=row.gold, query_embedding=e, **options)
                for row, e in zip(self.questions, self.embeddings, strict=True)
            ]
        return self.prompts[selection, k]

    # Results

    def answers(self) -> pd.DataFrame:
        """One row for each condition and question that was run: its answer and scores, or its log-probability."""
        rows = []
        for condition in self.conditions:
            prompts = self.build_prompts(condition.selection, condition.k)
            for job, question, built in zip(self.jobs(condition), self.questions, prompts, strict=False):
                if job.key not in self.log:
                    continue
                entry, chosen = self.log[job.key], [built.chosen.neighbours[i] for i in built.prompt.included]
                row = condition._asdict() | {"id": question.id, "question": question.question, "gold": question.answer}
                named = " ".join(neighbour.demonstration.id for neighbour in chosen)
                row |= {"seconds": entry["seconds"], "dropped": len(built.prompt.dropped)}
                row |= {"in_sight": len(built.in_sight), "demonstrations": named, "prompt": built.prompt.text}
                if condition.decoding == LOG_PROBABILITY:
                    scores = {"log_probability": entry["log_probability"]}
                else:
                    scores = {"answer": entry["answer"]} | score_answer(entry["answer"], question.gold)._asdict()
                rows.append(row | scores)
        return pd.DataFrame(rows)

    def save(self) -> None:
        """Writes answers.csv, summary.csv, comparisons.csv, tests.csv, sight.csv, grid.json and the figures."""
        answers = self.answers()
        save_csv(answers, self.folder / "answers.csv")
        tables = {name: tabulate(answers) for name, tabulate in TABLES.items()}
        for name, table in tables.items():
            save_csv(table, self.folder / f"{name}.csv")
        (self.folder / "grid.json").write_text(json.dumps(self.metadata(), indent=2) + "\n", encoding="utf-8")
        for name, figure in plot_results(tables["summary"]).items():  # plotly.min.js is beside: it needs no network
            figure.write_html(self.folder / f"{name}.html", include_plotlyjs="directory")

    def summary(self) -> pd.DataFrame:
        """One row for each condition that was run; see `summarise`."""
        return summarise(self.answers())

    def metadata(self) -> dict[str, Any]:
        """What a reader needs in order to repeat the run.

        reproducible: whether a text depends neither on its batch nor on where a run stopped; unknown of a server.
        """
        args, pools = asdict(self.args), {"pool": self.retriever.pool, "validation": self.validation}
        reproducible = getattr(self.model, "reproducible", None)
        return {
            # an option that is younger than the format is written where it is used
            "args": {name: value for name, value in args.items() if name != "hide_answer" or value},
            "model": repr(self.model),
            "encoder": self.retriever.encoder.name,
            **{
                name: {"name": p.name, "rows": len(p), "sha256": p.sha256, "notes": p.notes}
                for name, p in pools.items()
            },
            "template": asdict(self.template),
            **({} if reproducible is None else {"reproducible": reproducible}),
        }
