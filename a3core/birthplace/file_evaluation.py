"""A file of questions asked of every checkpoint of a family and of the London baseline."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

import pandas as pd

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.corpora import Question
from a3core.birthplace.evaluation import Accuracy, describe_unread, judge_places
from a3core.birthplace.prediction.confidence import CoveragePoint, measure_coverage
from a3core.birthplace.prediction.predictor import Prediction, Predictor, predict_readable
from a3core.birthplace.service import BASELINE
from a3core.common.hosting import MOST_ASKED, check_size
from a3core.common.resumable import Progress, ask_models
from a3core.common.stats import compare_paired

CHUNK = 64  # questions between two reports of progress
MOST_QUESTIONS = 20_000


class FileEvaluation:
    """`run` fills `predictions`, place by predictor; the tables are derived from it."""

    def __init__(self, questions: Sequence[Question], checkpoints: CheckpointStore, corpus: str):
        if len(questions) > MOST_QUESTIONS:
            raise ValueError(
                f"{len(questions):,} questions are too many for the page: split the file at {MOST_QUESTIONS:,}"
            )
        check_size(len(questions), MOST_ASKED, "questions")
        self.questions, self.checkpoints, self.corpus = questions, checkpoints, corpus
        self.predictions: dict[str, list[str]] = {}
        self.recalled: dict[str, list[Prediction]] = {}  # by checkpoint that recalls a sentence
        self.unread: set[str] = set()  # questions with characters that a model never read: answered with nothing

    @property
    def has_answers(self) -> bool:
        """Whether the file gives a place with each question."""
        return self.questions[0].place is not None

    def run(self) -> Iterator[Progress]:
        """Asks every checkpoint, a batch at a time. Leaving the loop cancels."""
        predictors = {name: self.checkpoints.predictor(name) for name in self.checkpoints.names(self.corpus)}
        predict = {name: partial(self._predict, predictor) for name, predictor in predictors.items()}
        answers: dict[str, list[Prediction]] = {}
        yield from ask_models(predict, [question.question for question in self.questions], CHUNK, answers)
        self.predictions = {name: [answer.place for answer in rows] for name, rows in answers.items()}
        self.predictions[BASELINE] = ["London"] * len(self.questions)
        self.recalled = {name: rows for name, rows in answers.items() if predictors[name].recalls}

    def _predict(self, predictor: Predictor, questions: list[str]) -> list[Prediction]:
        answers, unread = predict_readable(predictor, questions)
        self.unread |= unread
        return answers

    def describe(self) -> str:
        """What was done, in a sentence."""
        return f"{len(self.questions):,} questions answered. {describe_unread(self.unread)}".rstrip()

    def judge(self) -> dict[str, list[bool]]:
        """Which answers are right, by predictor; empty where the file has no answers."""
        if not self.has_answers:
            return {}
        return {name: judge_places(places, self.questions) for name, places in self.predictions.items()}

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
        rows = [(a, b, *compare_paired(x, y)) for (a, x), (b, y) in combinations(self.judge().items(), 2)]
        table = pd.DataFrame(rows, columns=["model A", "model B", "only A right", "only B right", "p"])
        return table.assign(p=table["p"].map("{:.2g}".format))

    def prediction_table(self) -> pd.DataFrame:
        """One row a question: the question, its place if the file has answers, one column per predictor."""
        table = pd.DataFrame({"question": [q.question for q in self.questions]})
        if self.has_answers:
            table["place"] = [q.place for q in self.questions]
        table = table.assign(**self.predictions)
        for name, answers in self.recalled.items():
            table[f"{name}: recalled sentence"] = [answer.sentence for answer in answers]
            if any(self.confidences(name)):
                table[f"{name}: confidence"] = self.confidences(name)
        return table

    def confidences(self, name: str) -> list[float]:
        """Of each answer of a checkpoint that recalls; 0 where it has none."""
        return [answer.confidence or 0.0 for answer in self.recalled[name]]

    def coverage(self) -> dict[str, list[CoveragePoint]]:
        """Accuracy against coverage, of the checkpoints that say how sure they are."""
        right = self.judge()
        sure = {name: self.confidences(name) for name in self.recalled if name in right}
        return {name: measure_coverage(shares, right[name]) for name, shares in sure.items() if any(shares)}
