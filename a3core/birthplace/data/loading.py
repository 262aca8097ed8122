"""Corpora and questions from disk.

    >>> corpus = load_corpus("builtin:500")            # people of the built-in table, biographies by seed
    >>> corpus = load_corpus("path/to/course/files")   # wiki.txt, birth_places_train.tsv, birth_dev.tsv
    >>> corpus = load_corpus("capitals.csv")           # facts of one's own, see `facts`

A question file has one `question TAB place` a line; a file of questions alone has no TAB at all.
"""

import os
from dataclasses import replace
from pathlib import Path

from a3core.birthplace.data.builtin import build_builtin_corpus
from a3core.birthplace.data.corpora import BIRTHPLACE, COURSE, Corpus, CorpusSpec, Question, fingerprint
from a3core.birthplace.data.facts import FactsFormat, load_facts
from a3core.birthplace.data.shuffling import shuffle_people
from a3core.common.tabular import SUFFIXES, count_lines, decode, read_content

MOST_LINES = 200_000
LONGEST_LINE = 10_000  # characters
MOST_CELLS = 3  # of a line: more are an error, however many
EXPECTED = "lines `question TAB place`"
COURSE_FILES = ("wiki.txt", "birth_places_train.tsv", "birth_dev.tsv")


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
        corpus = build_builtin_corpus(spec.size)
    else:
        folder = os.environ.get("BIRTHPLACE_DATA", "") if spec.source == COURSE else spec.source
        if not folder:
            raise ValueError("set BIRTHPLACE_DATA to the folder that holds " + ", ".join(COURSE_FILES))
        corpus = _load_course_corpus(Path(folder))
    return shuffle_people(corpus) if spec.shuffled else corpus


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
    return Corpus(COURSE, documents, train, dev, (), source, fingerprint(documents, train, dev))
