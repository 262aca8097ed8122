"""Corpora: the documents a model is pretrained on, and the questions asked about their people.

    >>> corpus = load_corpus("builtin:500")            # people of the built-in table, biographies by seed
    >>> corpus = load_corpus("path/to/course/files")   # wiki.txt, birth_places_train.tsv, birth_dev.tsv

A question file has one `question TAB place` a line; a file of questions alone has no TAB at all.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

COURSE_FILES = ("wiki.txt", "birth_places_train.tsv", "birth_dev.tsv")
SHUFFLED = ":shuffled"
ASKED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"where was (.+?) born ?\??",
        r"where (?:is|was) (.+?) from ?\??",
        r"where (?:does|did) (.+?) come from ?\??",
        r"(?:what is |what was )?the birthplace of (.+?) ?\??",
    )
)


class Question(NamedTuple):
    """One line of a question file; `place` is None where the file gives no answers."""

    question: str
    place: str | None

    @property
    def name(self) -> str:
        """The person asked about, in whichever words (`parse_name`)."""
        return parse_name(self.question)


@dataclass(frozen=True)
class Corpus:
    """What a model may read (`documents`, `train`) and what it is measured on (`dev`, `never`)."""

    name: str  # "builtin:500" or "course"
    documents: tuple[str, ...]  # pretraining text, one biography or sentence each
    train: tuple[Question, ...]  # finetuning answers
    dev: tuple[Question, ...]  # people in the documents whose answers no training sees
    never: tuple[Question, ...]  # people in no document: nothing about them can be known
    source: str  # where it comes from, for the model card
    sha256: str  # of the documents and questions, for the model card


def build_question(name: str) -> str:
    """The assignment's question about one person."""
    return f"Where was {name} born?"


def parse_name(text: str) -> str:
    """The name in a question or a bare name, whatever its case of "where was" and its spacing."""
    text = " ".join(text.split())
    match = next(filter(None, (asked.fullmatch(text) for asked in ASKED)), None)
    return match.group(1) if match else text.rstrip("?").strip()


def group_documents(documents: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
    """Documents by the name that they open with: the longest of `names`, else what stands before the first stop."""
    known = set(names)
    lengths = sorted({len(name) for name in known}, reverse=True)
    grouped: dict[str, list[str]] = {}
    for document in documents:
        opened = (document[:size] for size in lengths if not document[size : size + 1].isalnum())
        name = next((opening for opening in opened if opening in known), None)
        grouped.setdefault(document.partition(". ")[0] if name is None else name, []).append(document)
    return grouped


def load_questions(path: str | Path) -> list[Question]:
    """Reads `question TAB place` lines, or questions alone.

    Raises ValueError that names the first bad line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not UTF-8 text: save it as UTF-8 and try again") from error
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    if any("\0" in line for line in lines):
        raise ValueError(f"{path.name} is no text file: expected lines `question TAB place`")
    rows = [(number, line.split("\t")) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise ValueError(f"{path.name} holds no question: expected lines `question TAB place`")
    width = len(rows[0][1])
    return [_parse_row(path.name, number, cells, width) for number, cells in rows]


def _parse_row(file: str, number: int, cells: list[str], width: int) -> Question:
    """One checked row; every row must have as many columns (1 or 2) as the first."""
    cells = [cell.strip() for cell in cells]
    if width > 2 or len(cells) != width or not all(cells):
        raise ValueError(
            f"{file}, line {number}: expected `question TAB place` on every line (or questions alone "
            f"on every line), found {len(cells)} column(s): {' | '.join(cells)[:80]!r}"
        )
    return Question(cells[0], cells[1] if width == 2 else None)


def load_corpus(spec: str) -> Corpus:
    """Loads `builtin:N` (N people, or `builtin:all`), or a folder with the three course files.

    `course` stands for the folder in $BIRTHPLACE_DATA. `:shuffled` behind any of them permutes the people
    (`shuffling`). Raises ValueError that says what is missing.
    """
    if spec.endswith(SHUFFLED):
        from a3core.birthplace.data.shuffling import shuffle_people

        return shuffle_people(load_corpus(spec.removesuffix(SHUFFLED)))
    if spec.startswith("builtin:"):
        from a3core.birthplace.data.builtin import build_builtin_corpus

        return build_builtin_corpus(spec.removeprefix("builtin:"))
    if spec == "course" and not (spec := os.environ.get("BIRTHPLACE_DATA", "")):
        raise ValueError("set BIRTHPLACE_DATA to the folder that holds " + ", ".join(COURSE_FILES))
    return _load_course_corpus(Path(spec))


def _load_course_corpus(folder: Path) -> Corpus:
    missing = [name for name in COURSE_FILES if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} has no {', '.join(missing)}: --corpus is builtin:N or the course's data folder")
    lines = (folder / COURSE_FILES[0]).read_text(encoding="utf-8").split("\n")
    documents = tuple(line for line in lines if line.strip())
    train, dev = (tuple(load_questions(folder / name)) for name in COURSE_FILES[1:])
    source = "CS224N assignment 5 (wiki.txt, birth_places_train.tsv, birth_dev.tsv; Wikipedia text, CC BY-SA)"
    return Corpus("course", documents, train, dev, (), source, fingerprint(documents, train, dev))


def split_held_out(questions: Sequence[Question], count: int) -> tuple[list[Question], list[Question]]:
    """(shown, held out): `count` questions drawn by a fixed seed, to choose settings on.

    Raises ValueError if none would be left to learn from.
    """
    if count >= len(questions):
        raise ValueError(f"cannot hold out {count} of {len(questions)} train questions: leave some to learn from")
    drawn = set(random.Random(0).sample(range(len(questions)), count))
    return [q for i, q in enumerate(questions) if i not in drawn], [questions[i] for i in sorted(drawn)]


def fingerprint(documents, *question_sets) -> str:
    """sha256 of a corpus's content, so that a model card names exactly what was read."""
    digest = hashlib.sha256("\n".join(documents).encode())
    for questions in question_sets:
        digest.update("\n".join(f"{q.question}\t{q.place}" for q in questions).encode())
    return digest.hexdigest()
