"""Corpora, questions and people from disk.

    >>> corpus = load_corpus("builtin:500")            # people of the built-in table, biographies by seed
    >>> corpus = load_corpus("path/to/course/files")   # wiki.txt, birth_places_train.tsv, birth_dev.tsv
    >>> corpus = load_corpus("capitals.csv")           # facts of one's own, see `facts`

A question file has one `question TAB place` a line; a file of questions alone has no TAB at all.

Of the people whom a visitor can ask about, training had the answer (`trained on`), or the pretraining text has the
person and no training had the answer (`held out`), or no text has the person (`never read`).
"""

import csv
import os
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from a3core.birthplace.data import builtin, corpora
from a3core.birthplace.data.corpora import BIRTHPLACE, COURSE, Corpus, CorpusSpec, Question
from a3core.birthplace.data.facts import load_facts
from a3core.birthplace.training.args import FactsFormat
from a3core.common.atomic_io import atomic_write
from a3core.common.paths import ASSETS
from a3core.common.tabular import SUFFIXES, count_lines, decode, read_content

MOST_LINES = 200_000
LONGEST_LINE = 10_000  # characters
MOST_CELLS = 3  # of a line: more are an error, however many
EXPECTED = "lines `question TAB place`"
COURSE_FILES = ("wiki.txt", "birth_places_train.tsv", "birth_dev.tsv")
TRAINED_ON, HELD_OUT, UNSEEN = "trained on", "held out", "never read"
COURSE_EXAMPLES = ASSETS / "course_people.csv"
PEOPLE_FILE = "people.csv"  # in the folder of a checkpoint on facts of one's own: name, place, side


def load_questions(path: str | Path, form: str = BIRTHPLACE) -> list[Question]:
    """Reads `question TAB place` lines, or questions alone, of the given form.

    Raises ValueError that names the first bad line.
    """
    path = Path(path)
    text = decode(path.name, read_content(path, expected=EXPECTED), EXPECTED)
    # an end of a line may be two signs; the second check is the exact one
    if count_lines(text) > 2 * MOST_LINES or len(lines := text.splitlines()) > MOST_LINES:
        raise ValueError(f"{path.name} has more than {MOST_LINES:,} lines: divide it")
    rows = [(number, line.split("\t", MOST_CELLS)) for number, line in enumerate(lines, 1) if line.strip()]
    width = len(rows[0][1])
    return [_parse_row(path.name, number, cells, width)._replace(form=form) for number, cells in rows]


def _parse_row(file: str, number: int, cells: list[str], width: int) -> Question:
    """One checked row; every row must have as many columns (1 or 2) as the first."""
    if (length := sum(map(len, cells))) > LONGEST_LINE:
        raise ValueError(f"{file}, line {number}: {length:,} characters are no question and its place")
    cells = [cell.strip() for cell in cells]
    if width > 2 or len(cells) != width or not all(cells):
        raise ValueError(
            f"{file}, line {number}: expected `question TAB place` on every line (or questions alone "
            f"on every line), found {len(cells)} column(s): {' | '.join(cells)[:80]!r}"
        )
    return Question(cells[0], cells[1] if width == 2 else None)


def load_corpus(name: str, form: FactsFormat | None = None) -> Corpus:
    """Loads the corpus that `CorpusSpec.parse` finds in the name; "course" is the folder in $BIRTHPLACE_DATA.

    form: how a file of facts is read. Raises ValueError that says what is missing.
    """
    if is_facts_file(name):
        return load_facts(Path(name), form or FactsFormat())
    spec = CorpusSpec.parse(name)
    if spec.live is not None:
        raise ValueError(f"{name} is a live training: its corpus is {replace(spec, live=None)}")
    if spec.size is not None:
        corpus = builtin.build_builtin_corpus(spec.size)
    else:
        folder = os.environ.get("BIRTHPLACE_DATA", "") if spec.source == COURSE else spec.source
        if not folder:
            raise ValueError("set BIRTHPLACE_DATA to the folder that holds " + ", ".join(COURSE_FILES))
        corpus = _load_course_corpus(Path(folder))
    return corpora.shuffle_people(corpus) if spec.shuffled else corpus


def is_facts_file(corpus: str) -> bool:
    """Whether a corpus is a table of facts, by the end of its name."""
    return Path(corpus).suffix.lower() in SUFFIXES


def _load_course_corpus(folder: Path) -> Corpus:
    missing = [name for name in COURSE_FILES if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} has no {', '.join(missing)}: --corpus is builtin:N or the course's data folder")
    lines = (folder / COURSE_FILES[0]).read_text(encoding="utf-8").split("\n")
    documents = tuple(line for line in lines if line.strip())
    train, dev = (tuple(load_questions(folder / name)) for name in COURSE_FILES[1:])
    source = "CS224N assignment 5 (wiki.txt, birth_places_train.tsv, birth_dev.tsv; Wikipedia text, CC BY-SA)"
    return Corpus(COURSE, documents, train, dev, (), source, corpora.fingerprint(documents, train, dev))


class KnownPerson(NamedTuple):
    """A person whose birthplace we know from a table, so that an answer can be checked."""

    name: str
    place: str
    split: str  # TRAINED_ON, HELD_OUT or UNSEEN


@cache
def list_people(corpus: str) -> dict[str, KnownPerson]:
    """People of a corpus by folded name, in the order of the list; every live training shares those of its corpus.

    Without $BIRTHPLACE_DATA, the course's are the examples of `assets/course_people.csv`.
    """
    return _list_people(replace(CorpusSpec.parse(corpus), live=None))


@cache
def _list_people(spec: CorpusSpec) -> dict[str, KnownPerson]:
    if spec.shuffled:
        return list_corpus(load_corpus(str(spec)))
    if spec.size is None:
        return list_corpus(load_corpus(COURSE)) if os.environ.get("BIRTHPLACE_DATA") else _read_people(COURSE_EXAMPLES)
    # those of the built-in corpus first, then all whom it leaves out; no document is built for it
    unseen, known = builtin.split_unseen()
    read = builtin.parse_size(spec.size, len(known))
    splits = [HELD_OUT if builtin.is_dev(person.name) else TRAINED_ON for person in known[:read]]
    splits += [UNSEEN] * (len(unseen) + len(known) - read)
    people = zip((*known[:read], *unseen, *known[read:]), splits, strict=True)
    return fold_people(KnownPerson(person.name, person.birth_place, split) for person, split in people)


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
    return "".join(corpora.parse_name(name, question).casefold().replace(".", "").split())
