"""A file of questions asked of every checkpoint of a family and of the London baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter

from a3core.birthplace.checkpoints import CheckpointStore, hash_checkpoint
from a3core.birthplace.data.corpora import Question
from a3core.birthplace.evaluation import Accuracy, describe_unread, judge_places
from a3core.birthplace.prediction.confidence import CoveragePoint, measure_coverage
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.service import BASELINE, LONDON
from a3core.common import hosting, stats
from a3core.common.resumable import Job, Progress, ResultLog, build_key, run_jobs

CHUNK = 64  # questions between two reports of progress
MOST_QUESTIONS = 20_000
READER = TypeAdapter(Prediction)


class FileEvaluation:
    """`run` fills `answers`, by predictor; the tables are derived from them. Raises ValueError for too many of them."""

    def __init__(self, questions: Sequence[Question], checkpoints: CheckpointStore, corpus: str):
        n = len(questions)
        if n > MOST_QUESTIONS:
            raise ValueError(f"{n:,} questions are too many for the page: split the file at {MOST_QUESTIONS:,}")
        hosting.check_size(n, hosting.MOST_ASKED, "questions")
        self.questions, self.checkpoints, self.corpus = questions, checkpoints, corpus
        self.has_answers = questions[0].place is not None  # whether the file gives a place with each question
        self.answers: dict[str, list[Prediction]] = {}
        self.unread: set[str] = set()  # questions that a model cannot read: answered with nothing

    def run(self, folder: Path | None = None) -> Iterator[Progress]:
        """Asks every checkpoint, a batch at a time. Leaving the loop cancels; with the same folder it goes on later."""
        predictors = {name: self.checkpoints.predictor(name) for name in self.checkpoints.names(self.corpus)}
        hashes = {name: hash_checkpoint(self.checkpoints.folders[name]) for name in predictors}
        asked = [question.question for question in self.questions]
        jobs = [Job(build_key(name, hashes[name], text), name, text) for name in predictors for text in asked]
        log = ResultLog(folder and folder / f"{build_key(*(job.key for job in jobs))}.jsonl")
        ask = lambda batch: predictors[batch[0].label].predict_readable([job.prompt for job in batch])  # noqa: E731
        yield from run_jobs(jobs, ask, asdict, log, CHUNK)
        self.answers = {name: [] for name in predictors}
        for job in jobs:
            answer = READER.validate_python(log[job.key])
            self.answers[job.label].append(answer)
            self.unread |= {job.prompt} if answer.refusal else set()
        self.answers[BASELINE] = [LONDON] * len(asked)
        if log.path:
            log.path.unlink(missing_ok=True)

    @property
    def recalled(self) -> dict[str, list[Prediction]]:
        """The answers of the checkpoints that recall a sentence."""
        return {name: rows for name, rows in self.answers.items() if rows[0].sentence is not None}

    def describe(self) -> str:
        """What was done, in a sentence."""
        return f"{len(self.questions):,} questions answered. {describe_unread(self.unread)}".rstrip()

    def judge(self) -> dict[str, list[bool]]:
        """Which answers are right, by predictor; empty where the file has no answers."""
        if not self.has_answers:
            return {}
        places = {name: [answer.place for answer in rows] for name, rows in self.answers.items()}
        return {name: judge_places(own, self.questions) for name, own in places.items()}

    def accuracies(self) -> dict[str, Accuracy]:
        """By predictor; empty where the file has no answers."""
        return {name: Accuracy(sum(right), len(right)) for name, right in self.judge().items()}

    def accuracy_table(self) -> pd.DataFrame:
        """One row a predictor: its name, right answers, questions, share and interval."""
        rows = [
            (name, a.correct, a.total, f"{a.share:.1%}", "[{:.1%}, {:.1%}]".format(*a.interval))
            for name, a in self.accuracies().items()
        ]
        return pd.DataFrame(rows, columns=["model", "correct", "of", "accuracy", "95 % interval"])

    def comparison_table(self) -> pd.DataFrame:
        """Every two predictors: the questions only one of them has right, and the exact p-value (McNemar's test)."""
        rows = [(a, b, *stats.compare_paired(x, y)) for (a, x), (b, y) in combinations(self.judge().items(), 2)]
        table = pd.DataFrame(rows, columns=["model A", "model B", "only A right", "only B right", "p"])
        return table.assign(p=table["p"].map("{:.2g}".format))

    def prediction_table(self) -> pd.DataFrame:
        """One row a question: the question, its place if the file has answers, one column per predictor."""
        table = pd.DataFrame({"question": [q.question for q in self.questions]})
        if self.has_answers:
            table["place"] = [q.place for q in self.questions]
        table = table.assign(**{name: [answer.place for answer in rows] for name, rows in self.answers.items()})
        for name, answers in self.recalled.items():
            table[f"{name}: recalled sentence"] = [answer.sentence for answer in answers]
            if any(shares := [answer.confidence or 0.0 for answer in answers]):  # 0 where it has none
                table[f"{name}: confidence"] = shares
        return table

    def coverage(self) -> dict[str, list[CoveragePoint]]:
        """Accuracy against coverage, of the checkpoints that say how sure they are."""
        right = self.judge()
        sure = {name: [answer.confidence or 0.0 for answer in self.recalled[name]] for name in self.recalled}
        return {name: measure_coverage(sure[name], right[name]) for name in sure if right and any(sure[name])}
