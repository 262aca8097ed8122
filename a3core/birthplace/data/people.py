"""Whom a visitor can ask about, and what the models have been told about each.

`trained on`: the answer was shown in finetuning. `held out`: the person stands in the pretraining text, the answer was
never shown. `never read`: the person stands in no text at all.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from a3core.birthplace.data.corpora import SHUFFLED, Question, load_corpus, parse_name
from a3core.common.paths import ASSETS

TRAINED_ON, HELD_OUT, NEVER_READ = "trained on", "held out", "never read"
LIVE = "#"  # "builtin:200#3": the same people, and the third live training of this app
COURSE_EXAMPLES = ASSETS / "course_people.csv"


class KnownPerson(NamedTuple):
    """A person whose birthplace we know from a table, so that an answer can be checked."""

    name: str
    place: str
    side: str  # TRAINED_ON, HELD_OUT or NEVER_READ


def list_people(corpus: str) -> dict[str, KnownPerson]:
    """People of a corpus by folded name, in the order of the list; every live training shares those of its corpus.

    Without $BIRTHPLACE_DATA, the course's are the examples of `assets/course_people.csv`.
    """
    return _list_people(corpus.partition(LIVE)[0])


@cache
def _list_people(corpus: str) -> dict[str, KnownPerson]:
    if corpus.endswith(SHUFFLED):
        loaded = load_corpus(corpus)
        people = [*_with_side(loaded.train, TRAINED_ON), *_with_side(loaded.dev, HELD_OUT)]
    elif corpus.startswith("builtin:"):
        people = _builtin_people(corpus.removeprefix("builtin:"))
    elif os.environ.get("BIRTHPLACE_DATA"):
        loaded = load_corpus("course")
        people = [*_with_side(loaded.train, TRAINED_ON), *_with_side(loaded.dev, HELD_OUT)]
    else:
        with COURSE_EXAMPLES.open(encoding="utf-8", newline="") as file:
            people = [KnownPerson(**row) for row in csv.DictReader(file)]
    return {fold_name(person.name): person for person in people}


def _builtin_people(size: str) -> Iterable[KnownPerson]:
    from a3core.birthplace.data.builtin import is_dev, parse_size, split_never

    never, known = split_never()
    read = parse_size(size, len(known))
    for person in known[:read]:
        yield KnownPerson(person.name, person.birth_place, HELD_OUT if is_dev(person.name) else TRAINED_ON)
    yield from (KnownPerson(person.name, person.birth_place, NEVER_READ) for person in (*never, *known[read:]))


def _with_side(questions: Iterable[Question], side: str) -> Iterable[KnownPerson]:
    return (KnownPerson(question.name, question.place, side) for question in questions)


def choose_person(corpus: str) -> str:
    """Somebody whom the pretraining text names and whose place was never shown as an answer, if there is one.

    Of a live training, the first of the people whose recitation was watched.
    """
    people = list(list_people(corpus).values())
    return next((person.name for person in people if person.side == HELD_OUT), people[0].name)


def fold_name(name: str) -> str:
    """The name as it is looked up: case, spaces and points do not count."""
    return "".join(parse_name(name).casefold().replace(".", "").split())
