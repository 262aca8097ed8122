"""Rows become items: a response, the labels that it came with as they are written, and further columns.

    mapping = Mapping(question="doc.question", explanation="resps[0][*]", annotator="who", labels=("verdict",))
    items = build_items(table, mapping)
    items[0].response      Response("1-1", "2 + 3?", ...)
    items[0].labels        (Label("", "ann", "verdict", "Correct"),)
    items[0].extra         {"topic": "sums"}

Rows of one response by several annotators are one item. Without a path for the answer, it is read out of the
explanation (`answers.extraction`); without one for the sample, several answers of one model to one question under one
prompt kind are counted from 0 on; without one for the id, rows are numbered from 1 on.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Any

from a3core.common.nested import list_extra, parse_cell, read_path, spread
from a3core.common.tabular import LONGEST_CELL, Table, read_each
from a3core.grader.answers.extraction import extract_answer, guess_gold_kind
from a3core.grader.importing.mapping import LABEL_FIELDS, RATER, RESPONSE_FIELDS, Mapping
from a3core.grader.labels.schema import ANSWER, CORRECT, WRONG
from a3core.grader.runs.responses import DATASET, STANDARD, Label, Response

MOST_ITEMS = 100_000
TEXTS = ("id", "question", "answer", "explanation")  # by which labels are matched to a response
RATERS = "label"  # what columns of one rater each are called
FLAGS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True)
class Item:
    """A response with what came beside it; `location` is where its row is in the file."""

    response: Response
    labels: tuple[Label, ...] = ()  # as the file has them, before it is known of which question and choice they are
    extra: dict[str, str] = field(default_factory=dict)
    location: str = ""


def build_items(table: Table, mapping: Mapping, skipped: list[str] | None = None) -> list[Item]:
    """The items of all rows.

    Raises ValueError for a mapping that cannot be, and one that names the first bad rows; `skipped` gets these instead.
    """
    mapping.check(table)
    items: dict[str, Item] = {}
    ids: dict[Response, str] = {}  # of what several annotators labelled, one row each

    def build(row: int) -> None:
        with located(table.location(row)):
            for item in _read_row(table, mapping, row):
                if mapping.annotator and not mapping.id:
                    id_ = ids.setdefault(replace(item.response, id=""), item.response.id)
                    item = replace(item, response=replace(item.response, id=id_))
                id_, before = item.response.id, items.get(item.response.id)
                if before and (mapping.annotator is None or item.response != before.response):
                    raise ValueError(f"the id {id_[:100]!r} is also that of {before.location}")
                items[id_] = replace(before, labels=(*before.labels, *item.labels)) if before else item
                if len(items) > MOST_ITEMS:
                    raise ValueError(f"there are more than {MOST_ITEMS:,} responses: divide the file")

    read_each(table.name, range(len(table.rows)), build, skipped)
    counts: Counter[tuple[str, str, str]] = Counter()
    for item in items.values() if mapping.sample is None else ():
        response = item.response
        key = (response.question_key, response.prompt_kind, response.model)
        items[response.id] = replace(item, response=replace(response, sample=counts[key]))
        counts[key] += 1
    return list(items.values())


def read_label_rows(table: Table, mapping: Mapping, skipped: list[str] | None = None) -> list[Item]:
    """The labels of a file that has labels alone; of the responses their id, or the question and the text.

    Raises ValueError as `build_items` does.
    """
    mapping.check(table, only_labels=True)
    read = partial(_read_row, table, mapping, only_labels=True)
    return list(chain.from_iterable(read_each(table.name, range(len(table.rows)), read, skipped)))


# One row


class LocatedError(ValueError):
    """What is wrong with a row, and where it is."""


@contextmanager
def located(location: str) -> Iterator[None]:
    """A ValueError begins with the location, such as "line 2", once."""
    try:
        yield
    except LocatedError:
        raise
    except ValueError as error:
        raise LocatedError(f"{location}: {error}") from error


def _read_row(table: Table, mapping: Mapping, row: int, only_labels: bool = False) -> list[Item]:
    cells, location = table.rows[row], table.location(row)
    with located(location):
        paths = spread(cells, {**mapping.response_paths, **mapping.label_paths}, mapping.response_paths)
        extra = {} if only_labels else list_extra(cells, mapping.used)[0]
        items = []
        for number, own in enumerate(paths, 1):
            if only_labels:
                response = Response(**{name: read_text(_read(cells, own, name), name) for name in TEXTS})
            else:
                response = _build_response(cells, own, row + 1)
                if len(paths) > 1:
                    response = replace(response, id=f"{response.id}-{number}")
            items.append(Item(response, _read_labels(cells, mapping, own), extra, location))
    return items


def _build_response(cells: dict[str, Any], paths: dict[str, str], number: int) -> Response:
    """`number` is the id where no path names one."""
    own: dict[str, Any] = {name: read_text(_read(cells, paths, name), name) for name in RESPONSE_FIELDS[:-1]}
    for name in ("question", "id"):
        if not own[name].strip() and (name in paths or name == "question"):
            raise ValueError(f"the {name} is empty")
    if (sample := parse_count(own["sample"] or "0", 1e9)) is None:
        raise ValueError(f"the sample is {own['sample'][:50]!r}, expected a number from 0 on")
    own |= {"sample": sample, "steps": read_steps(_read(cells, paths, "steps"))}
    if "explanation" not in paths:
        own["explanation"] = "\n".join(own["steps"])
    if "answer" not in paths:
        own["answer"] = extract_answer(own["explanation"], guess_gold_kind(own["gold_answer"].strip())).value
    gold_answer = own["gold_answer"] if own["gold_answer"].strip() else None
    given = {"id": own["id"] or str(number), "prompt_kind": own["prompt_kind"] or STANDARD}
    return Response(**own | given | {"gold_answer": gold_answer})


def _read(cells: dict[str, Any], paths: dict[str, str], name: str) -> Any:
    return read_path(cells, paths[name]) if name in paths else None


def _read_labels(cells: dict[str, Any], mapping: Mapping, paths: dict[str, str]) -> tuple[Label, ...]:
    """The labels of one response, whose id they get later; cells without a value are none."""
    labels = []
    for column in mapping.labels:
        name = re.sub(r"\[[^]]*\]", "", column)
        named = {name: paths[name] for name in LABEL_FIELDS if name in paths}
        for own in spread(cells, {**named, "value": paths[f"labels {column}"]}):
            value = read_value(read_path(cells, own["value"]))
            who = read_value(_read(cells, own, "annotator"))
            if value and mapping.annotator and not who:
                raise ValueError("the annotator is empty")
            who = who or (column if RATER.match(column) else DATASET)
            asked = read_value(_read(cells, own, "asked")) or (RATERS if RATER.match(column) else name)
            if value:
                labels.append(Label("", who, asked, value, at=read_time(_read(cells, own, "at"))))
    return tuple(labels)


def read_value(cell: Any) -> str:
    """A label or a name as text: 1.0 is "1", true is "true", ["Correct"] and {"choices": ["Correct"]} are "Correct"."""
    cell = parse_cell(cell)
    while isinstance(cell, list | dict) and len(cell) == 1:
        cell = cell[0] if isinstance(cell, list) else next(iter(cell.values()))
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell == int(cell if math.isfinite(cell) else 0):
        cell = int(cell)
    return "" if cell in ([], {}) or cell != cell else read_text(cell, "label").strip()


def read_time(cell: Any) -> str:
    """A time that has a zone in UTC, as ISO 8601; "" for anything else."""
    try:
        time = datetime.fromisoformat(str(cell))
        return time.astimezone(UTC).isoformat(timespec="microseconds") if time.tzinfo else ""
    except (ValueError, OverflowError):
        return ""


def read_text(cell: Any, field: str) -> str:
    """A cell as text, "" where it is missing. Raises ValueError for NaN and for lists, objects and bytes."""
    if cell is None:
        return ""
    what = field.replace("_", " ")
    if isinstance(cell, float) and not math.isfinite(cell):
        raise ValueError(f"the {what} is {cell}, expected text, or an empty cell where there is none")
    if isinstance(cell, bool) and field in ("answer", "gold_answer"):  # of a yes/no question
        return "true" if cell else "false"
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal | date):
        raise ValueError(f"the {what} is {_name_type(cell)}, expected text")
    text = str(cell)
    if len(text) > LONGEST_CELL:
        raise ValueError(f"the {what} has {len(text):,} characters, at most {LONGEST_CELL:,} are read")
    return text


def read_steps(cell: Any) -> tuple[str, ...]:
    """Steps from a list, from a list in JSON, or from the lines of a text."""
    if isinstance(cell, str):
        parsed = parse_cell(cell, LONGEST_CELL)
        cell = parsed if isinstance(parsed, list) else [line.strip() for line in cell.splitlines() if line.strip()]
    if not isinstance(cell, list | None):
        raise ValueError(f"the steps are {_name_type(cell)}, expected a list of texts")
    return tuple(read_text(step, "step") for step in cell or [])


def parse_count(cell: Any, below: float) -> int | None:
    """A whole number from 0 on and below another, None for anything else."""
    try:
        value = float(cell)
        return int(value) if value == int(value) and 0 <= value < below else None
    except (ValueError, TypeError, OverflowError):
        return None


def _name_type(cell: Any) -> str:
    kinds = {bool: "true or false", dict: "an object", list: "a list", bytes: "bytes"}
    return next((name for kind, name in kinds.items() if isinstance(cell, kind)), f"a {type(cell).__name__}")


# What readers of layouts share: rows that know where they are, and the labels that flat rows come with


class Row(dict[str, Any]):
    """One row of a table, by column; `n` is counted from 0."""

    def __init__(self, table: Table, n: int):
        super().__init__(table.rows[n])
        self.table, self.n, self.location = table, n, table.location(n)

    def read(self, column: str) -> str:
        """A text. Raises ValueError for what is none."""
        return read_text(self.get(column), column)

    def require(self, column: str) -> str:
        """A text that is not empty."""
        if not (text := self.read(column)).strip():
            raise ValueError(f"{column} is empty")
        return text


def build_label(annotator: Any, field: str, value: Any, at: Any = None) -> dict[str, Any]:
    return {"annotator": str(annotator), "asked": field, "value": value, "at": at}


def build_verdict(right: Any, annotator: str = DATASET) -> list[dict[str, Any]]:
    """The label of the answer that a file has, none where it has none."""
    return [] if right is None else [build_label(annotator, ANSWER, CORRECT if right else WRONG)]


def read_flag(cells: dict[str, Any], column: str, name: str = "") -> bool:
    """Raises ValueError for what is neither true nor false."""
    value = cells.get(column)
    if (flag := FLAGS.get(str(value).strip().casefold())) is None:
        raise ValueError(f"{name or column} is {str(value)[:50]!r}, expected true or false")
    return flag


def find_first(table: Table, column: str) -> Any:
    """The first cell of a column that is not empty, read as JSON where it is."""
    cells = (row.get(column) for row in table.rows)
    return parse_cell(next((cell for cell in cells if cell not in (None, "", [], {})), None))
