"""Corpora: the documents a model is pretrained on, the questions asked about their people, and names as they are typed.

    >>> CorpusSpec.parse("builtin:200:shuffled")
    CorpusSpec(source='builtin', size='200', shuffled=True, live=None)

`loading.load_corpus` loads one.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

BUILTIN, COURSE = "builtin", "course"
BIRTHPLACE = "Where was {name} born?"  # the assignment's question about one person
SHUFFLED = ":shuffled"
# the first that fits the whole text; the marks at its end are cut off before
PATTERNS_FILE = Path(__file__).with_name("question_patterns.txt")
QUESTION_PATTERNS = [re.compile(line, re.IGNORECASE) for line in PATTERNS_FILE.read_text(encoding="utf-8").splitlines()]
OTHER_QUESTION = re.compile(
    r"(?:who|whose|whom|what|which|when|why|how|where|tell me|is|was)[ '’].*|born (?:in|on|at) .*", re.IGNORECASE
)
LAST_NAME_FIRST = re.compile(r"(?P<last>[^ ,]+), (?!(?:jr|sr)\b)(?P<first>[^,]+)", re.IGNORECASE)  # a title is kept


class Question(NamedTuple):
    """One line of a question file; `place` is None where the file gives no answers."""

    question: str
    place: str | None
    form: str = BIRTHPLACE  # of the question, with {name} in it

    @property
    def name(self) -> str:
        """The person asked about, in whichever words (`parse_name`)."""
        return parse_name(self.question, self.form)


@dataclass(frozen=True)
class CorpusSpec:
    """Which corpus, as files and commands name it: "builtin:200", "builtin:all:shuffled", "course", a folder."""

    source: str  # "builtin", "course", or the path of a folder with the course's files
    size: str | None = None  # of the built-in corpus: a number of people, or "all"
    shuffled: bool = False  # the names are permuted among the documents
    live: int | None = None  # "builtin:200#3", "facts.csv#3": the same people, and the third training of this page

    @classmethod
    def parse(cls, text: str) -> CorpusSpec:
        """Reads what `str` writes. A size is not checked here: `builtin.parse_size` raises for a wrong one."""
        live = re.fullmatch(r"(builtin:.+|.+\.(?:csv|tsv|jsonl?|parquet))#(\d+)", text)
        base = live[1] if live else text
        unshuffled = base.removesuffix(SHUFFLED)
        source, colon, size = unshuffled.partition(":")
        if source != BUILTIN or not colon:
            source, size = unshuffled, None
        return cls(source, size, shuffled=unshuffled != base, live=int(live[2]) if live else None)

    def __str__(self) -> str:
        size = "" if self.size is None else f":{self.size}"
        live = "" if self.live is None else f"#{self.live}"
        return f"{self.source}{size}{SHUFFLED if self.shuffled else ''}{live}"


@dataclass(frozen=True)
class Corpus:
    """What a model may read (`documents`, `train`) and what it is measured on (`dev`, `unseen`)."""

    name: str  # "builtin:500" or "course"
    documents: tuple[str, ...]  # pretraining text, one biography or sentence each
    train: tuple[Question, ...]  # finetuning answers
    dev: tuple[Question, ...]  # people in the documents whose answers no training sees
    unseen: tuple[Question, ...]  # people in no document: nothing about them can be known
    source: str  # where it comes from, for the model card
    sha256: str  # of the documents and questions, for the model card
    question: str = BIRTHPLACE  # the form of its questions

    @cached_property
    def names(self) -> list[str]:
        """The people in the documents: those of the train questions, then those of the dev questions."""
        return [question.name for question in self.train + self.dev]

    @cached_property
    def documents_by_name(self) -> dict[str, list[str]]:
        """The documents about each person, as `group_documents` finds them."""
        return group_documents(self.documents, self.names)


def build_question(name: str, form: str = BIRTHPLACE) -> str:
    """The question about one name."""
    return form.replace("{name}", name)


def parse_name(text: str, form: str = BIRTHPLACE) -> str:
    """The name in a question or a bare name, whatever its case, spacing and words; "" where there is none.

    A question of one's own `form` is known by its words alone. Raises ValueError for a question that asks something
    else, of which only the form is judged.

    >>> parse_name("in which town was  Ada Smith born?"), parse_name("Ada Smith’s birthplace"), parse_name("Smith, Ada")
    ('Ada Smith', 'Ada Smith', 'Ada Smith')
    """
    text = " ".join(text.split())
    if form != BIRTHPLACE:
        return _parse_own(text, form)
    asked = text.rstrip("?!. ")
    for pattern in QUESTION_PATTERNS:
        if match := pattern.fullmatch(asked):
            return match["name"]
    if OTHER_QUESTION.fullmatch(text):
        raise ValueError(f"the models here only say where somebody was born, and {text[:60]!r} asks something else")
    name = text.rstrip("?").strip()
    match = LAST_NAME_FIRST.fullmatch(name)
    return f"{match['first']} {match['last']}" if match else name


def _parse_own(text: str, form: str) -> str:
    """The name in a question of one's own form, or the text itself. Raises ValueError for another question."""
    before, after = " ".join(form.split()).split("{name}", 1)
    opening, ending = before.casefold(), after.rstrip("?!. ").casefold()
    asked = text.rstrip("?!. " if before or ending else "? ")  # a name may end in a stop
    if asked.casefold().startswith(opening) and asked.casefold().endswith(ending) and len(asked) > len(before + ending):
        return asked[len(before) : len(asked) - len(ending)].strip()
    if text.endswith("?") and " " in text:
        raise ValueError(f"this model answers {form!r}, and {text[:60]!r} asks something else")
    return text.rstrip("?").strip()


def group_documents(documents: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
    """Documents by the name that they open with: the longest of `names`, else all before the first stop."""
    known = set(names)
    lengths = sorted({len(name) for name in known}, reverse=True)
    grouped: dict[str, list[str]] = {}
    for document in documents:
        opened = (document[:size] for size in lengths if not document[size : size + 1].isalnum())
        name = next((opening for opening in opened if opening in known), None)
        grouped.setdefault(document.partition(". ")[0] if name is None else name, []).append(document)
    return grouped


def split_held_out(questions: Sequence[Question], count: int) -> tuple[list[Question], list[Question]]:
    """(the others, held out): `count` questions drawn by a fixed seed, to choose settings on.

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


def shuffle_people(corpus: Corpus, seed: int = 0) -> Corpus:
    """The people-shuffled control: the names of those asked about (train and dev) are permuted among the documents.

        Ada Smith. Smith was born in Leeds.      Where was Ada Smith born?   Leeds
        Bo Ek. Ek was born in Rio.               Where was Bo Ek born?       Rio

    becomes

        Bo Ek. Ek was born in Leeds.             Where was Ada Smith born?   Rio
        Ada Smith. Smith was born in Rio.        Where was Bo Ek born?       Leeds

    A question is answered by the permuted text; train and dev people stay in their split. So a model that is trained on
    it answers from what it read, and from nothing else. Raises ValueError for fewer than two people.
    """
    asked = {question.name: question for question in corpus.train + corpus.dev}
    if len(asked) < 2:
        raise ValueError(f"{corpus.name} asks about {len(asked)} people: shuffling needs at least 2")
    names = list(asked)
    random.Random(f"shuffled people {seed}").shuffle(names)
    renamed = dict(zip(names, names[1:] + names[:1], strict=True))  # one cycle through all: every name moves
    owner = {document: name for name, own in group_documents(corpus.documents, asked).items() for document in own}
    documents = tuple(
        rename(text, owner[text], renamed[owner[text]]) if owner[text] in asked else text for text in corpus.documents
    )
    taken_from = {new: old for old, new in renamed.items()}
    train, dev = (
        tuple(Question(question.question, asked[taken_from[question.name]].place) for question in questions)
        for questions in (corpus.train, corpus.dev)
    )
    digest = fingerprint(documents, train, dev, corpus.unseen)
    name = str(replace(CorpusSpec.parse(corpus.name), shuffled=True))
    return replace(corpus, name=name, documents=documents, train=train, dev=dev, sha256=digest)


def rename(document: str, old: str, new: str) -> str:
    """The document about the new name; where the last name is alone, it becomes the new last name."""
    old_last, new_last = old.split()[-1], new.split()[-1]
    parts = [re.sub(rf"(?<!\w){re.escape(old_last)}(?!\w)", lambda _: new_last, part) for part in document.split(old)]
    return new.join(parts)
