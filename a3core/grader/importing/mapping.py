"""Which column, or path into nested columns, is which field of a response and of its labels; it can be saved.

    mapping = Mapping(question="doc.question", gold_answer="target", explanation="resps[0][0]")
    mapping = Mapping(id="response_id", annotator="annotator", asked="question_asked", labels=("verdict",))
    save_mapping(mapping, table.columns)                       for the next file like it: one with these columns
    find_mapping(table.columns)                                the mapping again, None where none was saved
    print(mapping.to_json())                                   {"a3_import_mapping": 1, "question": "doc.question", ...}

The JSON has one field a line of `Mapping`, "labels" as a list, and "values", what labels of the file mean in the run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path

from a3core.common.atomic_io import atomic_write
from a3core.common.nested import check_path
from a3core.common.paths import data_folder
from a3core.common.tabular import Table, parse_json

VERSION_FIELD, VERSION = "a3_import_mapping", 1
# columns that hold one rater's labels each
RATER = re.compile(
    r"(rater|annotator|annot|judge|coder|reviewer|worker|labell?er|expert|human)[ _.-]?\w{0,20}$", re.IGNORECASE
)
RESPONSE_FIELDS = ("question", "answer", "explanation", "gold_answer", "prompt_kind", "model", "sample", "id", "steps")

# of labels, with what they are called on the page
LABEL_FIELDS = {"annotator": "annotator", "asked": "question that was asked", "at": "time of the label"}


@dataclass(frozen=True)
class Mapping:
    """For each field of a response and of its labels the path that it is read from, None where there is none."""

    question: str | None = None
    answer: str | None = None
    explanation: str | None = None
    gold_answer: str | None = None
    prompt_kind: str | None = None
    model: str | None = None
    sample: str | None = None
    id: str | None = None
    steps: str | None = None
    annotator: str | None = None  # who gave the labels; None: each column of labels is of one rater, called like it
    labels: tuple[str, ...] = ()  # columns of values
    asked: str | None = None  # which question the values answer; None: guessed from the columns' names and values
    at: str | None = None  # when a label was given
    values: tuple[tuple[str, str], ...] = ()  # what a value of the file means: ("ok", "correct"), ("0", "answer.wrong")

    @cached_property
    def response_paths(self) -> dict[str, str]:
        return {name: path for name in RESPONSE_FIELDS if (path := getattr(self, name)) is not None}

    @cached_property
    def label_paths(self) -> dict[str, str]:
        """Of the annotator, the question, the time, and of each column of values, which is its own name."""
        named = {name: path for name in LABEL_FIELDS if (path := getattr(self, name)) is not None}
        return {**named, **{f"labels {path}": path for path in self.labels}}

    @property
    def used(self) -> set[str]:
        """All paths."""
        return {*self.response_paths.values(), *self.label_paths.values()}

    def check(self, table: Table, only_labels: bool = False) -> None:
        """Raises ValueError for a column that the table does not have, and where there is nothing to label."""
        for name, path in {**self.response_paths, **self.label_paths}.items():
            check_path(path, name, table.name, table.columns)
        if only_labels:
            if not self.labels or (self.id is None and self.question is None):
                raise ValueError(f"{table.name}: choose the columns of the labels, and of the id or the question")
            return
        if self.question is None:
            raise ValueError(f"{table.name}: choose the column of the question")
        if self.answer is None and self.explanation is None and self.steps is None:
            raise ValueError(f"{table.name}: choose the column of the answer or of the explanation")

    def to_json(self) -> str:
        """Fields that are set, with the version of the format."""
        used = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        if self.values:
            used["values"] = dict(self.values)
        return json.dumps({VERSION_FIELD: VERSION, **used}, ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Mapping:
        """Raises ValueError for what is no mapping, or one of a newer version."""
        try:
            entries = dict(parse_json(text))
            version = entries.pop(VERSION_FIELD)
        except (ValueError, TypeError, KeyError):
            raise ValueError(f'this is no mapping: expected JSON with "{VERSION_FIELD}": {VERSION}') from None
        if version != VERSION:
            raise ValueError(f"this mapping is of version {version!r}, this program reads version {VERSION}: update it")
        if unknown := entries.keys() - {field.name for field in fields(cls)}:
            raise ValueError(f"a mapping has no field {min(unknown)!r}")
        labels, values = entries.pop("labels", []), entries.pop("values", {})
        entries = {name: path for name, path in entries.items() if path is not None}
        texts = [*entries.values(), *(labels if isinstance(labels, list) else [None])]
        if not isinstance(values, dict) or not all(isinstance(text, str) for text in [*texts, *values.values()]):
            raise ValueError("the fields of a mapping are texts, labels a list of texts, values an object of texts")
        return cls(**entries, labels=tuple(labels), values=tuple(values.items()))


# For the next file


def save_mapping(mapping: Mapping, columns: Sequence[str], folder: Path | None = None) -> Path:
    """Stores a mapping for files of these columns, in the user's data folder by default; returns the file's path."""
    path = locate_mapping(columns, folder)
    with atomic_write(path) as partial:
        partial.write_text(mapping.to_json(), encoding="utf-8")
    return path


def find_mapping(columns: Sequence[str], folder: Path | None = None) -> Mapping | None:
    """The mapping that was saved for files of these columns; None where there is none that can be read."""
    try:
        return Mapping.from_json(locate_mapping(columns, folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def locate_mapping(columns: Sequence[str], folder: Path | None = None) -> Path:
    """The file of the mapping for these columns, whatever their order."""
    digest = hashlib.sha256("\n".join(sorted(columns)).encode("utf-8", "surrogatepass")).hexdigest()
    return (folder or data_folder() / "mappings") / f"{digest[:16]}.json"
