"""Whom a visitor can ask about, and what the models have read about each.

`trained on`: finetuning has seen the answer. `held out`: the pretraining text has the person, no training has seen the
answer. `never read`: no text has the person.
"""

import csv
import os
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from a3core.birthplace.data.builtin import is_dev, parse_size, split_unseen
from a3core.birthplace.data.corpora import BIRTHPLACE, COURSE, Corpus, CorpusSpec, parse_name
from a3core.birthplace.data.loading import load_corpus
from a3core.common.atomic_io import atomic_write
from a3core.common.paths import ASSETS

TRAINED_ON, HELD_OUT, UNSEEN = "trained on", "held out", "never read"
COURSE_EXAMPLES = ASSETS / "course_people.csv"
PEOPLE_FILE = "people.csv"  # in the folder of a checkpoint on facts of one's own: name, place, side


class KnownPerson(NamedTuple):
    """A person whose birthplace we know from a table, so that an answer can be checked."""

    name: str
    place: str
    split: str  # TRAINED_ON, HELD_OUT or UNSEEN


def list_people(corpus: str) -> dict[str, KnownPerson]:
    """People of a corpus by folded name, in the order of the list; every live training shares those of its corpus.

    Without $BIRTHPLACE_DATA, the course's are the examples of `assets/course_people.csv`.
    """
    return _list_people(replace(CorpusSpec.parse(corpus), live=None))


@cache
def _list_people(spec: CorpusSpec) -> dict[str, KnownPerson]:
    if spec.shuffled:
        return list_corpus(load_corpus(str(spec)))
    if spec.size is not None:
        return fold_people(_builtin_people(spec.size))
    return list_corpus(load_corpus(COURSE)) if os.environ.get("BIRTHPLACE_DATA") else _read_people(COURSE_EXAMPLES)


def fold_people(people: Iterable[KnownPerson], question: str = BIRTHPLACE) -> dict[str, KnownPerson]:
    """By folded name; question: the form in which they are asked about."""
    return {fold_name(person.name, question): person for person in people}


def save_people(people: Iterable[KnownPerson], folder: Path) -> None:
    """Writes facts of one's own beside their checkpoint, so that answers can be checked without the file."""
    with atomic_write(folder / PEOPLE_FILE) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "place", "side"), *people])


def load_people_of(folder: Path, question: str) -> dict[str, KnownPerson] | None:
    """What `save_people` has written, by folded name; None where there is no such file. question: their form."""
    return _read_people(folder / PEOPLE_FILE, question) if (folder / PEOPLE_FILE).is_file() else None


def _read_people(path: Path, question: str = BIRTHPLACE) -> dict[str, KnownPerson]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return fold_people((KnownPerson(row["name"], row["place"], split=row["side"]) for row in rows), question)


def _builtin_people(size: str) -> Iterable[KnownPerson]:
    """Those of the corpus first, then all whom it leaves out; no document is built for it."""
    unseen, known = split_unseen()
    read = parse_size(size, len(known))
    for person in known[:read]:
        yield KnownPerson(person.name, person.birth_place, HELD_OUT if is_dev(person.name) else TRAINED_ON)
    for person in (*unseen, *known[read:]):
        yield KnownPerson(person.name, person.birth_place, UNSEEN)


def list_corpus(corpus: Corpus) -> dict[str, KnownPerson]:
    """The people of a corpus that is loaded, by folded name."""
    learned = [KnownPerson(question.name, question.place, TRAINED_ON) for question in corpus.train]
    held_out = [KnownPerson(question.name, question.place, HELD_OUT) for question in corpus.dev]
    return fold_people([*learned, *held_out], corpus.question)


def choose_person(people: dict[str, KnownPerson]) -> str:
    """The first who is held out, else the first; "" of none.

    Of a live training, that is the first of the people whose recall was watched.
    """
    names = [person.name for person in people.values() if person.split == HELD_OUT]
    return next(iter(names or (person.name for person in people.values())), "")


def fold_name(name: str, question: str = BIRTHPLACE) -> str:
    """The name as it is looked up: case, spaces and points do not count. question: the form in which it is asked."""
    return "".join(parse_name(name, question).casefold().replace(".", "").split())
