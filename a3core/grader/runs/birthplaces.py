"""Runs about birthplaces: the same people asked directly, and of a model that recalls a sentence before it answers.

    question                      prompt_kind   explanation                              answer
    "Where was Ada Smith born?"   "recall"      "Ada Smith was born in Leeds in 1901."   "Leeds"
    "Where was Ada Smith born?"   "direct"      ""                                       "Paris"

run = BirthplaceRun(draw_people(questions, 100), {"builtin-recall": predict, ...}, "builtin:1000")
for progress in run.run():                          leaving the loop cancels
    print(progress.done, progress.total)
run.save(Path("assets/recall_run"), metadata)       responses.jsonl and run.json
run.to_run()                                        what is labelled

On the command line: python -m a3core recall-run --out runs/recall-run

Of each person the recalled answer comes first: its explanation is to be judged before the gold answer is seen, and a
direct answer, which has no explanation, shows it at once. All responses of a run have the same `model`, the GPT that
read the corpus, so that the report pairs the kinds by question; which checkpoint gave a kind is in the notes.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

from a3core.common.resumable import Progress, ask_models
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.generation import SuggestedAccuracy, measure_accuracy, save_run
from a3core.grader.runs.responses import Response, Run

DIRECT, RECALL = "direct", "recall"
TASK, MODEL = "birthplaces", "GPT on {}"  # of the responses
CHUNK = 25  # questions between two reports of progress
LONGEST_TITLE = 150  # characters of a question in the name of its run


class GoldQuestion(NamedTuple):
    """A question and the birthplace in the table; None where it has none."""

    question: str
    place: str | None


# Takes questions and gives an answer to each: with a `place`, and a `sentence` where it was recalled before.
Predict = Callable[[list[str]], Sequence[Any]]
Answers = Mapping[str, Sequence[Any]]  # by checkpoint, one to each question


class BirthplaceRun:
    """Every question asked of every checkpoint, by name. Raises ValueError where there is nothing to ask."""

    def __init__(self, questions: Sequence[GoldQuestion], checkpoints: Mapping[str, Predict], corpus: str):
        if not questions or not checkpoints:
            raise ValueError("A run about birthplaces needs at least one person and one checkpoint.")
        self.questions, self.checkpoints, self.corpus = tuple(questions), checkpoints, corpus
        self.answers: dict[str, list[Any]] = {}  # by checkpoint, once the run is complete
        self.name = f"Birthplaces, direct against recall: {len(questions)} people of {corpus}"

    def run(self) -> Iterator[Progress]:
        """Asks. Raises ValueError for a question that cannot be read."""
        return ask_models(self.checkpoints, [row.question for row in self.questions], CHUNK, self.answers)

    def to_run(self, name: str = "") -> Run:
        """What is labelled, person by person. Raises ValueError before the run is complete."""
        responses = build_responses(self.questions, self.answers, self.corpus)
        return Run(name.strip() or self.name, responses, notes=(format_kinds(self.answers),) if self.answers else ())

    def accuracy(self) -> list[SuggestedAccuracy]:
        """By prompt kind: what the rule suggests of the answers. Raises ValueError before the run is complete."""
        return measure_accuracy((TASK, response) for response in self.to_run().responses)

    def save(self, folder: Path, metadata: Mapping[str, Any]) -> None:
        """Writes responses.jsonl, and run.json with the metadata; each completely or not at all. Raises ValueError."""
        run = self.to_run()
        first = {"name": run.name, "notes": run.notes, "model": MODEL.format(self.corpus)}
        last = {"accuracy": [row._asdict() for row in self.accuracy()]}
        save_run(folder, map(asdict, run.responses), first | dict(metadata) | last)


def draw_people(questions: Sequence[GoldQuestion], people: int, seed: int = 0) -> list[GoldQuestion]:
    """`people` of the questions, drawn by the seed, in the order in which they were given.

    Raises ValueError if there are fewer, or none is wanted.
    """
    if not questions:
        raise ValueError("There is nobody to draw from: this corpus has no dev people.")
    n = len(questions)
    if not 1 <= people <= n:
        raise ValueError(f"There are {n:,} people to draw from: ask 1 to {n:,}, not {people:,}.")
    return [questions[i] for i in sorted(random.Random(seed).sample(range(n), people))]


def build_responses(questions: Sequence[GoldQuestion], answers: Answers, corpus: str) -> tuple[Response, ...]:
    """The responses to each question, those with a recalled sentence first; `answers` are by checkpoint."""
    responses = []
    for number, question in enumerate(questions):
        kinds = name_kinds(answers, number)
        for name in sorted(kinds, key=lambda name: answers[name][number].sentence is None):
            answer = answers[name][number]
            response = Response(
                id=f"birthplace-{number + 1}/{kinds[name]}",
                question=question.question,
                answer=answer.place,
                explanation=(answer.sentence or "").strip(),
                gold_answer=question.place,
                prompt_kind=kinds[name],
                model=MODEL.format(corpus),
            )
            responses.append(response)
    return tuple(responses)


def name_kinds(answers: Answers, number: int = 0) -> dict[str, str]:
    """By checkpoint "recall" or "direct", with its name where there are several of a kind: "direct: builtin-direct"."""
    kinds = {name: DIRECT if own[number].sentence is None else RECALL for name, own in answers.items()}
    counts = Counter(kinds.values())
    return {name: kind if counts[kind] == 1 else f"{kind}: {name}" for name, kind in kinds.items()}


def format_kinds(answers: Answers) -> str:
    """Which checkpoint gave each kind, in a sentence."""
    kinds = name_kinds(answers).items()
    names = ", ".join(f"{kind!r} is {name}" if name not in kind else repr(kind) for name, kind in kinds)
    return f"Prompt kinds: {names}. The explanation of a recalled answer is the sentence that was recited before it."


def add_once(store: LabelStore, run: Run, owner: str = "") -> int:
    """The id of the run with these responses: one of its name that is there, or a new one of this owner.

    Where other responses have the name, it is "version 2".
    """
    ids = {info.name: info.id for info in store.runs()}
    names = chain([run.name], (f"{run.name}, version {number}" for number in count(2)))
    name = next(name for name in names if name not in ids or store.responses(ids[name]) == run.responses)
    return ids[name] if name in ids else store.add_run(replace(run, name=name), owner=owner)


def build_question_run(question: GoldQuestion, answers: Mapping[str, Any], corpus: str) -> Run:
    """One question, as it was just answered by each checkpoint, as a run."""
    title = question.question
    title = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
    each = {name: [answer] for name, answer in answers.items()}
    return Run(f"{title} ({corpus})", build_responses([question], each, corpus), notes=(format_kinds(each),))
