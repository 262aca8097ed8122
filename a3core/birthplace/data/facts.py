"""Facts of one's own as a corpus: a table with a name, an answer and, if there is one, a sentence in each row.

    >>> corpus = load_facts(Path("capitals.csv"), FactsFormat("What is the capital of {name}?", "name", "capital"))
    >>> corpus.train[0]
    Question(question='What is the capital of Vucoviland?', place='Badu-sur-Mer', form='What is the capital of {name}?')

A document is the name, a full stop and the sentence. Several rows of one name are several documents. Of a share of the
names the answer is held out: their sentences are read, their answers are never shown.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from a3core.birthplace.data.corpora import Corpus, Question, build_question, fingerprint
from a3core.birthplace.data.spans import find_place
from a3core.birthplace.model.vocabulary import MASK, PAD
from a3core.birthplace.training.args import WRITTEN, FactsFormat
from a3core.common.tabular import Kind, Table, read_each, read_table

FEWEST, MOST_ROWS = 10, 20_000
LONGEST_FACT = 2_000  # characters of a name, an answer and a sentence together
KIND = Kind("table of facts", "rows with a name and an answer", most_rows=MOST_ROWS)


class Fact(NamedTuple):
    """One row: its name, its answer, and its sentence, None where the file has none."""

    name: str
    answer: str
    sentence: str | None
    location: str  # "line 3"


def load_facts(path: Path, form: FactsFormat, seed: int = 0) -> Corpus:
    """Reads a table as `common.tabular` does. The names that are held out, and the templates, are drawn by the seed.

    Raises ValueError, before anything else is done, for a column that is not there, an empty cell, a sentence that does
    not hold its answer, a name with two answers, and for fewer than FEWEST names.
    """
    facts = read_facts(path, form)
    rng = random.Random(seed)
    answers = _check_answers(path.name, facts)
    templates = form.templates or [WRITTEN]
    documents = []
    for fact in facts:
        sentence = fact.sentence or rng.choice(templates).replace("{name}", fact.name).replace("{answer}", fact.answer)
        documents.append(f"{fact.name}. {sentence}")
    if form.questions_file:
        held_out = read_held_out(Path(form.questions_file), form, answers)
    else:
        held_out = set(rng.sample(sorted(answers), round(form.hold_out_share * len(answers))))
    asked = {name: Question(build_question(name, form.question), answers[name], form.question) for name in answers}
    train = tuple(question for name, question in asked.items() if name not in held_out)
    dev = tuple(question for name, question in asked.items() if name in held_out)
    source = f"{form.source or path.name}; licence: {form.licence}"
    sha256 = fingerprint(documents, train, dev)
    return Corpus(path.name, tuple(documents), train, dev, (), source, sha256, question=form.question)


def read_facts(path: Path, form: FactsFormat) -> list[Fact]:
    """The rows, each checked by itself. Raises ValueError that names the first bad ones."""
    table = read_table(path, KIND)
    for use, column in (("name", form.name_column), ("answer", form.answer_column)):
        if column not in table.columns:
            there, given = ", ".join(table.columns)[:200], column[:100]
            raise ValueError(f"{path.name} has no column {given!r} (it has {there}): give the right {use} column")
    return read_each(path.name, range(len(table.rows)), lambda row: _read_fact(table, row, form))


def read_held_out(path: Path, form: FactsFormat, answers: Mapping[str, str]) -> set[str]:
    """The names of a table of questions, all of them among those of the facts.

    Raises ValueError for a name that the facts do not have or answer otherwise, and where nothing is left to learn.
    """
    facts = read_facts(path, form)
    for fact in facts:
        if answers.get(fact.name) != fact.answer:
            known = f"answer {answers[fact.name]!r}" if fact.name in answers else "have no such name"
            raise ValueError(f"{path.name}, {fact.location}: {fact.name}, {fact.answer!r}: the facts {known}")
    names = {fact.name for fact in facts}
    if (left := len(answers) - len(names)) < FEWEST:
        raise ValueError(f"{path.name} leaves {left} answers to learn: at least {FEWEST} are needed")
    return names


def _read_fact(table: Table, row: int, form: FactsFormat) -> Fact:
    cells, location = table.rows[row], table.location(row)
    texts = [cells.get(column) for column in (form.name_column, form.answer_column, form.sentence_column)]
    name, answer, sentence = (" ".join(str(text).split()) if text is not None else "" for text in texts)
    if not name or not answer:
        raise ValueError(f"{location}: the {form.answer_column if name else form.name_column} is empty")
    if len(name) + len(answer) + len(sentence) > LONGEST_FACT:
        raise ValueError(f"{location}: a fact of more than {LONGEST_FACT:,} characters: shorten its sentence")
    if any(sign in name + answer + sentence for sign in (MASK, PAD)):
        raise ValueError(f"{location}: the signs {MASK} and {PAD} are the model's own: leave them out")
    if sentence and find_place(sentence, answer) is None:
        raise ValueError(f"{location}: the sentence about {name} does not hold its answer, {answer!r}")
    return Fact(name, answer, sentence or None, location)


def _check_answers(file: str, facts: Sequence[Fact]) -> dict[str, str]:
    """The answer of each name. Raises ValueError for two answers of one name, and for too few names."""
    first: dict[str, Fact] = {}
    for fact in facts:
        known = first.setdefault(fact.name, fact)
        if known.answer != fact.answer:
            both = f"{known.answer!r} ({known.location}) and {fact.answer!r} ({fact.location})"
            raise ValueError(f"{file}: {fact.name} has two answers, {both}: keep one")
    if len(first) < FEWEST:
        raise ValueError(f"{file} has {len(first)} names: at least {FEWEST} are needed, to learn from and to ask about")
    return {name: fact.answer for name, fact in first.items()}
