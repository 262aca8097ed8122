"""Runs about birthplaces: the same people asked directly, and of a model that recites what it read before it answers.

    question                      prompt_kind   explanation                              answer
    "Where was Ada Smith born?"   "recall"      "Ada Smith was born in Leeds in 1901."   "Leeds"
    "Where was Ada Smith born?"   "direct"      ""                                       "Paris"

run = BirthplaceRun(draw_people(asked, 100), {"builtin-recall": predict, ...}, "builtin:1000")
for done, total in run.run():                       leaving the loop cancels
    print(done, total)
run.save(Path("assets/recall_run"), facts)          responses.jsonl and run.json
run.to_run()                                        what is labelled

On the command line: python -m a3core recall-run --out runs/recall-run

Of each person the recalled answer comes first: its explanation is to be judged before the gold answer is seen, and a
direct answer, which has no explanation, shows it at once. All responses of a run have the same `model`, the GPT that
read the corpus, so that the report pairs the kinds by question; which checkpoint stands behind a kind is in the notes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

from a3core.grader.answers.extraction import suggest_label
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.generation import Accuracy, count_accuracy
from a3core.grader.runs.generation_files import save_files
from a3core.grader.runs.responses import Response, Run

DIRECT, RECALL = "direct", "recall"
TASK = "birthplaces"
CHUNK = 25  # questions between two reports of progress
LONGEST_TITLE = 150  # characters of a question in the name of its run


class Asked(NamedTuple):
    """A question and what the table says; None where it says nothing."""

    question: str
    place: str | None


class Said(NamedTuple):
    """What a checkpoint answers to a question."""

    checkpoint: str
    place: str
    sentence: str | None  # what it recited before; None where it answers at once


# Takes questions and gives an answer to each: with a `place`, and a `sentence` where it was recited before.
Predict = Callable[[list[str]], Sequence[Any]]


class Progress(NamedTuple):
    """How far a run is, in answers."""

    done: int
    total: int


class BirthplaceRun:
    """Every question asked of every checkpoint, by name. Raises ValueError where there is nothing to ask."""

    def __init__(self, questions: Sequence[Asked], checkpoints: Mapping[str, Predict], corpus: str):
        if not questions or not checkpoints:
            raise ValueError("A run about birthplaces needs at least one person and one checkpoint.")
        self.questions, self.checkpoints, self.corpus = tuple(questions), checkpoints, corpus
        self.said: dict[str, list[Said]] = {}

    def run(self) -> Iterator[Progress]:
        """Asks. Raises ValueError for a question that cannot be read."""
        asked, total = [question.question for question in self.questions], len(self.questions) * len(self.checkpoints)
        for i, (name, predict) in enumerate(self.checkpoints.items()):
            answers: list[Any] = []
            for start in range(0, len(asked), CHUNK):
                yield Progress(i * len(asked) + start, total)
                answers += predict(asked[start : start + CHUNK])
            self.said[name] = [Said(name, answer.place, getattr(answer, "sentence", None)) for answer in answers]
        yield Progress(total, total)

    def responses(self) -> tuple[Response, ...]:
        """What was said, person by person."""
        said = zip(*self.said.values(), strict=True)
        return build_responses(list(zip(self.questions, said, strict=bool(self.said))), self.corpus)

    def to_run(self, name: str = "") -> Run:
        """What is labelled. Raises ValueError if nobody was asked yet."""
        return Run(name.strip() or self.name, self.responses(), notes=self.notes)

    def accuracy(self) -> list[Accuracy]:
        """By kind: what the rule suggests of the answers."""
        told: dict[str, list[str | None]] = {}
        for response in self.responses():
            suggestion = suggest_label(response)
            told.setdefault(response.prompt_kind, []).append(suggestion and suggestion.value)
        return [count_accuracy(TASK, *row) for row in told.items()]

    def save(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Writes responses.jsonl, and run.json with the facts; each whole or not at all. Raises ValueError."""
        rows = [asdict(response) for response in self.responses()]
        told = {"name": self.name, "notes": self.notes, "model": name_model(self.corpus)}
        save_files(folder, rows, told | dict(facts) | {"accuracy": [row._asdict() for row in self.accuracy()]})

    @property
    def name(self) -> str:
        return f"Birthplaces, direct against recall: {len(self.questions)} people of {self.corpus}"

    @property
    def notes(self) -> tuple[str, ...]:
        first = [said[0] for said in self.said.values()]
        return (describe_kinds(name_kinds(first)),) if first else ()


def draw_people(questions: Sequence[Asked], people: int, seed: int = 0) -> list[Asked]:
    """`people` of the questions, drawn by the seed, in the order in which they were given.

    Raises ValueError if there are fewer, or none is wanted.
    """
    if not questions:
        raise ValueError("There is nobody to draw from: this corpus has no dev people.")
    if not 1 <= people <= len(questions):
        raise ValueError(
            f"There are {len(questions):,} people to draw from: ask 1 to {len(questions):,}, not {people:,}."
        )
    return [questions[i] for i in sorted(random.Random(seed).sample(range(len(questions)), people))]


def build_responses(asked: Sequence[tuple[Asked, Sequence[Said]]], corpus: str) -> tuple[Response, ...]:
    """The responses to each question, those with a recalled sentence first."""
    return tuple(
        _build_response(number, question, one, kinds[one.checkpoint], corpus)
        for number, (question, said) in enumerate(asked, 1)
        for kinds in [name_kinds(said)]
        for one in sorted(said, key=lambda one: one.sentence is None)
    )


def _build_response(number: int, asked: Asked, said: Said, kind: str, corpus: str) -> Response:
    return Response(
        id=f"birthplace-{number}/{kind}",
        question=asked.question,
        answer=said.place,
        explanation=(said.sentence or "").strip(),
        gold_answer=asked.place,
        prompt_kind=kind,
        model=name_model(corpus),
    )


def name_kinds(said: Sequence[Said]) -> dict[str, str]:
    """By checkpoint "recall" or "direct", with its name where there are several of a kind: "direct: builtin-direct"."""
    kinds = {one.checkpoint: DIRECT if one.sentence is None else RECALL for one in said}
    counted = Counter(kinds.values())
    return {name: kind if counted[kind] == 1 else f"{kind}: {name}" for name, kind in kinds.items()}


def describe_kinds(kinds: Mapping[str, str]) -> str:
    """Which checkpoint stands behind each kind, in a sentence."""
    told = ", ".join(f"{kind!r} is {name}" if name not in kind else repr(kind) for name, kind in kinds.items())
    return f"Prompt kinds: {told}. The explanation of a recalled answer is the sentence that was recited before it."


def name_model(corpus: str) -> str:
    """What the responses call the model."""
    return f"GPT on {corpus}"


def add_once(store: LabelStore, run: Run) -> int:
    """The id of the run with these responses: one of its name that is there, or a new one.

    Where other responses have the name, it is "version 2".
    """
    ids = {info.name: info.id for info in store.runs()}
    names = chain([run.name], (f"{run.name}, version {number}" for number in count(2)))
    name = next(name for name in names if name not in ids or store.responses(ids[name]) == run.responses)
    return ids[name] if name in ids else store.add_run(replace(run, name=name))


def build_question_run(asked: Asked, said: Sequence[Said], corpus: str) -> Run:
    """One question, as it was just answered, as a run."""
    title = asked.question if len(asked.question) <= LONGEST_TITLE else f"{asked.question[: LONGEST_TITLE - 1]}…"
    notes = (describe_kinds(name_kinds(said)),)
    return Run(f"{title} ({corpus})", build_responses([(asked, said)], corpus), notes=notes)
