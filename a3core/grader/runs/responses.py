"""Responses: what a model or a person answered to questions, with the explanation it gave.

A run is a set of responses that is labelled as one:

    question      "Anna has 3 boxes of 4 eggs and breaks 2. How many are left?"
    prompt_kind   "chain of thought"                  (assignment 4.a "standard", 4.b "variant", 4.c "chain of thought")
    explanation   "3 boxes of 4 eggs are 12 eggs. 12 - 2 = 10."
    answer        "10"
    gold_answer   "10", or None if it is unknown
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

# Names of sources, whose labels no person gave: a file's own verdict, the rule, and what a model's name comes after.
DATASET, RULE, MODEL = "dataset", "rule", "model: "
STANDARD, VARIANT, CHAIN_OF_THOUGHT = "standard", "variant", "chain of thought"


def is_source(annotator: str) -> bool:
    """Whether labels of this name are no person's; a file has a verdict for each filter: "dataset (strict-match)"."""
    return annotator in (DATASET, RULE) or annotator.startswith((MODEL, f"{DATASET} ("))


def fold_text(text: str) -> str:
    """The same for texts that differ in case and spaces only."""
    return " ".join(text.casefold().split())


@dataclass(frozen=True)
class Response:
    """One answer to one question. `id` is unique in its run; several samples of a question differ in `sample`."""

    id: str
    question: str
    answer: str  # the final answer as given; "" where there is none
    explanation: str = ""
    gold_answer: str | None = None
    prompt_kind: str = STANDARD
    model: str = ""
    sample: int = 0
    steps: tuple[str, ...] = ()  # of the explanation, if its source has them

    @property
    def lines(self) -> tuple[str, ...]:
        """What a first wrong step is counted in: the steps, else the explanation's lines that are not empty."""
        return self.steps or tuple(line.strip() for line in self.explanation.splitlines() if line.strip())

    @property
    def explained(self) -> bool:
        """Whether there is an explanation to judge."""
        return bool(self.explanation or self.steps)

    @cached_property
    def question_key(self) -> str:
        """The same for every response to the same question, whatever the case and spacing."""
        return hashlib.sha256(fold_text(self.question).encode("utf-8", "surrogatepass")).hexdigest()


class Label(NamedTuple):
    """One value that an annotator gave to one field of a response: "rater 1" found the explanation of "17" correct.

    A label that comes with the data has no event and no version: the store gives it both.
    """

    response_id: str
    annotator: str
    field: str  # a name of a3core.grader.labels.schema
    value: str
    round: int = 1  # 2 where the item came back silently
    schema_version: str = ""
    at: str = ""  # UTC, as ISO 8601
    event: int | None = None  # the event of the database that gave it


@dataclass(frozen=True)
class Run:
    """Responses to be labelled, with the labels they came with. Raises ValueError if two have the same id, or none."""

    name: str
    responses: tuple[Response, ...]
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = field(default=())  # what a reader should know: where it is from, what was left out
    # further columns of the file by a response's id: {"r1": {"topic": "fruit"}}
    extra: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self):
        if not self.name.strip():
            raise ValueError("A run needs a name.")
        if not self.responses:
            raise ValueError(f"The run {self.name!r} has no responses.")
        if twice := find_duplicate(response.id for response in self.responses):
            raise ValueError(f"The run {self.name!r} has two responses with the id {twice!r}.")


KEYED = ("id", "question", "answer", "explanation", "gold_answer", "prompt_kind", "model", "sample", "steps")


def build_run_key(name: str, responses: Sequence[Response]) -> str:
    """A UUID of a run's name and responses, the same everywhere: of shipped runs, and of those from before keys."""
    rows = [{column: getattr(response, column) for column in KEYED} for response in responses]
    return str(uuid5(NAMESPACE_URL, repr((name, rows))))


def find_duplicate(ids: Iterable[str]) -> str | None:
    """The first id that comes a second time."""
    return next((id_ for id_, count in Counter(ids).items() if count > 1), None)
