"""Which column, or path into nested columns, is which field of a response and of its labels; it can be saved.

    mapping = Mapping(question="doc.question", gold_answer="target", explanation="resps[0][0]")
    mapping = Mapping(id="response_id", annotator="annotator", asked="question_asked", labels=("verdict",))
    save_mapping(mapping, table.columns)                       for the next file like it: one with these columns
    find_mapping(table.columns)                                the mapping again, None where none was saved
    print(mapping.to_json())                                   {"a3_import_mapping": 1, "question": "doc.question", ...}

The JSON has one field a line of `Mapping`, "labels" as a list, and "values", what labels of the file mean in the run.

A guess is by the columns' names and by what is in them; a person confirms it:

    propose_mapping(table)          Mapping(question="doc.question", gold_answer="target", explanation="resps[0][0]")

A guess by name is dropped where the cells cannot be it: a number is no explanation, an object no gold answer. Where no
name is known, the longest texts are the explanation, and texts that end with a question mark the question.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Self

from a3core.common.atomic_io import atomic_write
from a3core.common.nested import EVERY, check_path, list_paths, parse_cell, put_index, read_path
from a3core.common.paths import data_folder
from a3core.common.tabular import Table, parse_json
from a3core.grader.importing.values import WORDS, find_polarity

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
    def from_json(cls, text: str) -> Self:
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


# Guesses

PAIRS = (("premise", "hypothesis"), ("context", "question"), ("passage", "question"))  # of which both are the question
JUDGEMENT = re.compile(r"(verdict|rating|judge?ment|quality|grade|assessment|value|label|vote|is_\w+)", re.IGNORECASE)
ROWS, SHORTEST_EXPLANATION, MOST_CHOICES = 50, 30, 12  # rows that are read; characters; different labels of a column
Cells = dict[str, list[Any]]  # by path, those that are not empty


def propose_mapping(table: Table, with_labels: bool = True, ids_repeat: bool = False) -> Mapping:
    """A guess for a person to confirm; no column is used twice.

    `with_labels`: whether some are columns of labels. `ids_repeat`: whether several rows may have one id, as in a file
    of labels.
    """
    rows = list(islice(table.rows, ROWS))
    paths = [path for path in list_paths(rows) if EVERY not in path[:-3]]
    first = {path: put_index(path, 0) for path in paths}  # of a list, its first entry
    cells = {path: [cell for row in rows if (cell := read_path(row, first[path])) not in (None, "")] for path in paths}
    chosen: dict[str, str] = {}
    names = {path: _fold(path) for path in paths}
    last = {path: _fold(re.split(r"[./]", re.sub(r"\[[^]]*\]", "", path))[-1]) for path in paths}
    depth = {path: 0 if path in table.columns else len(re.findall(r"[.\[]", path)) for path in paths}
    for folded, level in ((names, 0), *((last, level) for level in range(6))):
        own = {path: folded[path] for path in paths if depth[path] == level}
        _choose_by_name(table, chosen, own, cells, ids_repeat)
    named = {last[path]: path for path in reversed(paths)}
    for one, two in PAIRS:
        if one in named and two in named and chosen.get("question") in (None, named[two]):
            chosen["question"] = f"{named[one]} + {named[two]}"
    _choose_by_value(chosen, cells)
    labels = _find_labels(chosen, cells) if with_labels else ()
    if not labels:
        chosen = {field: path for field, path in chosen.items() if field not in ("annotator", "asked", "at")}
    return Mapping(**chosen, labels=labels)


# of rows with a list of labels
LABELS: dict[str, Any] = {name: f"labels[*].{name}" for name in LABEL_FIELDS} | {"labels": ("labels[*].value",)}


def guess_mapping(table: Table) -> Mapping:
    """The mapping of flat rows, whose labels are in the column "labels"."""
    columns = tuple(column for column in table.columns if column != "labels")
    rows = tuple({column: cell for column, cell in row.items() if column != "labels"} for row in table.rows)
    guess = propose_mapping(replace(table, columns=columns, rows=rows), with_labels=columns == table.columns)
    return replace(guess, **LABELS) if any(row.get("labels") for row in table.rows) else guess


def _choose_by_name(table: Table, chosen: dict[str, str], names: dict[str, str], cells: Cells, repeat: bool) -> None:
    """A column that is called exactly like the field needs only be texts; others must fit the field."""
    for field, synonyms in WORDS["columns"].items():
        if field in chosen:
            continue
        free = [path for path in names if not any(is_within(path, taken) for taken in chosen.values())]
        found = (path for synonym in synonyms for path in free if names[path] == synonym)
        fits = FITS.get(field, _is_short)
        own_name = [path for path in free if path == field and all(isinstance(cell, str) for cell in cells[path])]
        path = next((path for path in found if fits(cells[path]) or path in own_name), None)
        if field == "id" and path and not repeat and "response" not in _fold(path):
            # the id of a question is no id of a response where there are several samples
            ids = [str(read_path(row, path)) for row in table.rows]
            path = path if len(set(ids)) == len(ids) else None
        if path:
            chosen[field] = path


def is_within(path: str, other: str) -> bool:
    """Whether two paths are one, or one leads into the other."""
    return path == other or path.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{path}.", f"{path}["))


def _choose_by_value(chosen: dict[str, str], cells: Cells) -> None:
    """The longest texts are the explanation, where there is none; texts that end with "?" the question."""
    free = {p: c for p, c in cells.items() if c and _is_text(c) and not any(is_within(p, t) for t in chosen.values())}
    if "question" not in chosen:
        asking = [p for p, c in free.items() if sum(text.rstrip().endswith("?") for text in c) > len(c) / 2]
        if asking:
            chosen["question"] = asking[0]
            free.pop(asking[0])
    if not chosen.keys() & {"explanation", "steps", "answer"}:
        spaced = {path: texts for path, texts in free.items() if all(" " in text.strip() for text in texts)}
        lengths = {path: sum(map(len, texts)) / len(texts) for path, texts in spaced.items()}
        longest = max(lengths, key=lengths.__getitem__, default=None)
        if longest and lengths[longest] >= SHORTEST_EXPLANATION:
            chosen["explanation"] = longest


def _find_labels(chosen: dict[str, str], cells: Cells) -> tuple[str, ...]:
    """Columns of labels: one of each rater, or beside an annotator those whose few values are known as labels."""
    texts = {path: {str(cell).strip().casefold() for cell in own} for path, own in cells.items() if _is_short(own)}
    free = {p: own for p, own in texts.items() if own and len(own) <= MOST_CHOICES and p not in chosen.values()}
    raters = tuple(path for path in free if RATER.match(path) and path != chosen.get("annotator"))
    if len(raters) > 1 or (raters and all(map(find_polarity, free[raters[0]]))):
        return raters
    if "annotator" not in chosen:
        return ()
    known = tuple(path for path, own in free.items() if all(map(find_polarity, own)))
    named = tuple(path for path in free if JUDGEMENT.fullmatch(_fold(path)))
    if not known and not named and "gold_answer" in chosen and JUDGEMENT.fullmatch(_fold(chosen["gold_answer"])):
        return (chosen.pop("gold_answer"),)  # "label" beside an annotator
    return tuple(path for path in known if path in named) or known or named


# What cells can be


def _is_short(cells: list[Any]) -> bool:
    return all(isinstance(cell, str | int | float) for cell in cells)


def _is_text(cells: list[Any]) -> bool:
    """Whether they are texts with letters, or there are none."""
    return all(isinstance(cell, str) and cell[:1] not in "[{" and re.search(r"[^\W\d_]", cell) for cell in cells)


def _is_steps(cells: list[Any]) -> bool:
    entries = map(parse_cell, cells)
    return all(isinstance(entry, str) or (isinstance(entry, list) and _is_short(entry)) for entry in entries)


FITS: dict[str, Callable[[list[Any]], bool]] = {"question": _is_short, "explanation": _is_text, "steps": _is_steps}


def _fold(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()).strip("_")
