"""The label questions: what an annotator is asked of each response, with the guideline beside it.

A schema is small, versioned and can be edited for a project; a label remembers the version it was given under.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from a3core.common.tabular import parse_json

# The names under which labels are stored; `note` is free text, `flag` "yes" or "", `first_wrong_step` a number from 1
# on, or "none" where every step is right.
EXPLANATION, CONVINCING, ANSWER = "explanation", "convincing", "answer"
FIRST_WRONG_STEP, NOTE, FLAG = "first_wrong_step", "note", "flag"
NO_WRONG_STEP = "none"
CORRECT, FLAWED, UNSURE, YES, NO, WRONG = "correct", "flawed", "unsure", "yes", "no", "wrong"
NO_CONSISTENT_ANSWER = "no consistent answer"
HIDDEN = "First judge the explanation: until then the answer stays hidden."
FIRST, REPEAT = ROUNDS = (1, 2)  # the second time, an item came back silently
EXTRA_FIELDS = (FIRST_WRONG_STEP, NOTE, FLAG)  # asked of every response, in every schema
RUN, ANNOTATOR, QUESTION = KINDS = ("run", "annotator", "question")  # what can be changed
RENAME, HIDE, SHOW, DELETE = ACTIONS = ("rename", "hide", "show", "delete")  # by whom: a3core.grader.labels.changes
COUNT_OF_STEP = re.compile(f"({NO_WRONG_STEP})?|0{{0,99}}[1-9][0-9]{{0,99}}")
LONGEST_ANNOTATOR = 100  # characters of a name
LONGEST_NOTE = 10_000


@dataclass(frozen=True)
class LabelQuestion:
    """One question with its choices; `key` of a choice is the key that gives it."""

    field: str
    text: str
    guideline: str  # Markdown: what the choices mean here, with an example
    choices: tuple[str, ...]
    keys: tuple[str, ...]
    revealed: bool = False  # asked once answer and gold are seen; the others are asked of the explanation

    def __post_init__(self):
        if not self.choices or len(self.choices) != len(self.keys) or len(set(self.keys)) != len(self.keys):
            raise ValueError(f"{self.field}: as many different keys as choices, and at least one: {self}")


@dataclass(frozen=True)
class Schema:
    """The questions in the order in which they are asked."""

    questions: tuple[LabelQuestion, ...]

    def __post_init__(self):
        fields = [question.field for question in self.questions]
        if not fields or len(set(fields)) != len(fields):
            raise ValueError(f"a schema asks at least one question, and none twice: {fields}")
        keys = [key for question in self.questions for key in question.keys]
        if len(set(keys)) != len(keys):
            raise ValueError(f"the keys of a schema must differ: {' '.join(keys)}")

    @cached_property
    def version(self) -> str:
        """Names the schema by its content."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(question.field for question in self.questions)

    def asked(self, explained: bool) -> tuple[str, ...]:
        """The fields that a response is to be labelled in: without an explanation, those about the answer alone."""
        about_answer = tuple(question.field for question in self.questions if question.revealed)
        return self.fields if explained or not about_answer else about_answer

    def is_judged(self, explained: bool, values: Mapping[str, str]) -> bool:
        """Whether every question that is asked blind has a value; a response without an explanation has none."""
        blind = {question.field for question in self.questions if not question.revealed}
        return all(values.get(field) for field in self.asked(explained) if field in blind)

    def question(self, field: str) -> LabelQuestion:
        return next(question for question in self.questions if question.field == field)

    def is_revealed(self, field: str) -> bool:
        """Whether a field is a question that is asked once the answer is seen."""
        return any(question.field == field and question.revealed for question in self.questions)

    def check(self, field: str, value: str) -> None:
        """Raises ValueError for a value that the field does not take; "" takes a label back."""
        if not isinstance(field, str) or not isinstance(value, str):
            raise ValueError(f"A label is text, not {value!r} for {field!r}.")
        if field in self.fields:
            allowed = self.question(field).choices
            if value and value not in allowed:
                raise ValueError(f"{field} is one of {', '.join(allowed)}, not {value!r}")
        elif field not in EXTRA_FIELDS:
            raise ValueError(f"there is no label {field!r}: it is one of {', '.join((*self.fields, *EXTRA_FIELDS))}")
        elif field == FIRST_WRONG_STEP and not COUNT_OF_STEP.fullmatch(value):
            raise ValueError(f"the first wrong step is a number from 1 on, or {NO_WRONG_STEP!r}, not {value!r}")
        elif field == FLAG and value not in ("", YES):
            raise ValueError(f"a flag is {YES!r} or empty, not {value!r}")
        elif field == NOTE and len(value) > LONGEST_NOTE:
            raise ValueError(f"A note has at most {LONGEST_NOTE:,} characters, this one {len(value):,}.")

    def to_json(self) -> str:
        return json.dumps([asdict(question) for question in self.questions], ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Raises ValueError that says what is wrong with it."""
        entries = parse_json(text, "this is no label schema: line {}".format)
        try:
            entries = [{**entry, "choices": tuple(entry["choices"]), "keys": tuple(entry["keys"])} for entry in entries]
            return cls(tuple(LabelQuestion(**entry) for entry in entries))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"this is no label schema: {error}") from error


DEFAULT_SCHEMA = Schema.from_json(Path(__file__).with_name("default_schema.json").read_text(encoding="utf-8"))


def check_annotator(name: str) -> str:
    """The name without space around it. Raises ValueError if it is empty or too long."""
    name = name.strip() if isinstance(name, str) else ""
    if not name:
        raise ValueError("An annotator needs a name.")
    if len(name) > LONGEST_ANNOTATOR:
        raise ValueError(f"An annotator's name has at most {LONGEST_ANNOTATOR} characters, this one {len(name):,}.")
    return name


def fold_annotator(name: str) -> str:
    """What names of one person have in common: "Ann", "ANN" and "ann " are "ann"."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def propose_annotator() -> str:
    """A name for whoever has given none, such as visitor-3fa2c1; it signs nothing before it is confirmed."""
    return f"visitor-{secrets.token_hex(3)}"


def is_proposed(name: str) -> bool:
    """Whether a name is one of `propose_annotator`."""
    return re.fullmatch(r"visitor-[0-9a-f]{6}", name) is not None
