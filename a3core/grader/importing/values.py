"""Labels as other people write them become labels of a run: "1" is correct, "Wrong" of a verdict is an answer's.

    labels, unknown = translate([Label("r1", "ann", "verdict", "Correct")], DEFAULT_SCHEMA, {})
    unknown                       [Unknown("verdict", "meh", ("explanation.correct", "explanation.flawed", ...))]
    translate(given, DEFAULT_SCHEMA, {"meh": "unsure"})       what a person said that "meh" means; "" drops it

A column, or what the file calls a question, is one question of the run: the one of that name, else the one whose
choices its values are, else the one that its name hints at.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from a3core.common.tabular import MOST_NAMED
from a3core.grader.labels.schema import EXTRA_FIELDS, Schema
from a3core.grader.runs.responses import Label

WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
NUMBER = re.compile(r"-?\d+(\.\d+)?")

Meanings = dict[str, tuple[str, str] | None]  # by value the field and label that it is


class Unknown(NamedTuple):
    """A value that a person must explain; `choices` are the labels that it can be, as "explanation.correct"."""

    field: str  # what the file calls the question
    value: str
    choices: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.value!r} of {self.field!r}"


def translate(given: Iterable[Label], schema: Schema, answers: Mapping[str, str]) -> tuple[list[Label], list[Unknown]]:
    """The labels as those of the run, and the values that are not known.

    `answers`: by value what it means, "unsure", "answer.wrong", or "" for no label; or by what the file calls a
    question the question that it is. Raises ValueError for an answer that is no label of the run.
    """
    given, answers = list(given), {key.strip().casefold(): answer.strip() for key, answer in answers.items()}
    values: dict[str, set[str]] = defaultdict(set)
    for one in given:
        values[one.field].add(one.value)
    meaning = {name: _translate_column(name, own, schema, answers) for name, own in values.items()}
    labels, unknown = [], {}
    for one in given:
        found = meaning[one.field][one.value]
        if found is None:
            choices = tuple(f"{q.field}.{choice}" for q in schema.questions for choice in q.choices)
            unknown[one.field, one.value] = Unknown(one.field, one.value, choices)
        elif found != ("", ""):
            labels.append(one._replace(field=found[0], value=found[1]))
    return labels, list(unknown.values())


def find_polarity(value: str) -> str | None:
    """Of a label in some words, "1", "Wrong", "not sure", whether it is "positive", "negative" or "uncertain"."""
    return next((name for name, words in WORDS["labels"].items() if value.strip().casefold() in words), None)


def _translate_column(name: str, values: set[str], schema: Schema, answers: Mapping[str, str]) -> Meanings:
    """By value the field and label that it is, ("", "") for none, None where a person must say."""
    explained = {value: _parse_answer(answers[key], schema) for value in values if (key := value.casefold()) in answers}
    words = {value: choice for value, (_, choice) in explained.items() if choice}
    field = _choose_question(name, {words.get(value, value) for value in values}, schema, answers)
    found: Meanings = {}
    for value in values:
        own, choice = explained.get(value) or (field, _find_choice(value, field, schema, values))
        if choice and not own:
            takes = field not in schema.fields or choice in schema.question(field).choices
            own = field if takes else _find_owner(choice, schema)
        found[value] = None if choice is None else (own, choice) if choice else ("", "")
    return found


def _parse_answer(answer: str, schema: Schema) -> tuple[str, str]:
    """ "answer.wrong" is ("answer", "wrong"), "unsure" is ("", "unsure")."""
    field, dot, choice = answer.partition(".")
    if dot and field in schema.fields:
        schema.check(field, choice)
        return field, choice
    if answer:
        _find_owner(answer, schema)
    return "", answer


def _find_owner(choice: str, schema: Schema) -> str:
    """The first question that has a choice. Raises ValueError where none has."""
    owners = [question.field for question in schema.questions if choice in question.choices]
    if not owners:
        known = ", ".join(dict.fromkeys(choice for question in schema.questions for choice in question.choices))
        raise ValueError(f"{choice!r} is no label of the run: it is one of {known}")
    return owners[0]


def _choose_question(name: str, values: set[str], schema: Schema, answers: Mapping[str, str]) -> str:
    """The question of the run that a column answers."""
    fields, plain = (*schema.fields, *EXTRA_FIELDS), name.strip().casefold()
    if answers.get(plain) in fields or plain in fields:
        return answers[plain] if answers.get(plain) in fields else plain
    hinted = [field for field, hint in WORDS["hints"].items() if re.search(hint, plain) and field in fields]
    known = {value for value in values if any(_find_choice(value, field, schema, values) for field in schema.fields)}
    exact = [q.field for q in schema.questions if known and {v.casefold() for v in known} <= {*q.choices}]
    covering = [f for f in schema.fields if known and all(_find_choice(v, f, schema, values) for v in known)]
    return (
        next((f for f in hinted if f in covering or f not in schema.fields), None)
        or ([*exact, *covering, *hinted, schema.fields[0]][0])
    )


def _find_choice(value: str, field: str, schema: Schema, values: set[str]) -> str | None:
    """The choice of a question that a value is, beside the other values of its column; None where it is not known."""
    if field not in schema.fields:
        try:
            schema.check(field, value)
        except ValueError:
            return None
        return value
    plain, choices = value.casefold(), schema.question(field).choices
    if exact := next((choice for choice in choices if choice.casefold() == plain), None):
        return exact
    numbers = {value for value in values if NUMBER.fullmatch(value)}
    if plain in numbers and "-1" in numbers and numbers <= {"-1", "0", "1"}:
        polarity = {"1": "positive", "-1": "negative"}.get(plain, "uncertain")
    elif plain in numbers and not numbers <= {"0", "1"}:
        return None  # a scale
    else:
        polarity = find_polarity(value)
    found = WORDS["meanings"].get(field, {}).get(polarity)
    return found if found in choices else None


def name_first(lines: Sequence[str]) -> str:
    """The first MOST_NAMED, and how many more there are."""
    more = f" and {len(lines) - MOST_NAMED} more" if len(lines) > MOST_NAMED else ""
    return "; ".join(lines[:MOST_NAMED]) + more
