"""Reading pools: JSON lines, CSV, Parquet and TriviaQA's own formats, checked row by row; the first bad line is named.

Columns: `question`; `answers` (a list; in a CSV cell a JSON list, or aliases with "|" between them) or `answer` (one
text); `value`, `subject` and `id` if there are. Case and spaces in a column's name do not count.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from a3core.common.json_text import parse_json
from a3core.common.parquet_files import iterate_rows
from a3core.common.tabular import MOST_COLUMNS, find_twice
from a3core.fewshot.canonical_answer import choose_answer

SUFFIXES = (".jsonl", ".csv", ".tsv", ".json", ".parquet")
PARQUET_COLUMNS = ("question", "answers", "answer", "value", "subject", "id", "question_id")
MISSING = {"", "nan", "NaN"}  # what spreadsheets and pandas write for a cell without a value
LONGEST_CELL = 10_000_000  # characters
MOST_ROWS = 1_000_000  # of a Parquet file


@dataclass(frozen=True)
class Demonstration:
    """A question with its gold answers; the prompt shows one of them."""

    id: str
    question: str
    answers: tuple[str, ...]  # aliases, all right; never empty
    value: str | None = None  # the canonical answer, where the source or a person says it
    subject: str | None = None

    @property
    def answer(self) -> str:
        """What the prompt shows: `value`, else the rule's choice among the aliases."""
        return self.value or choose_answer(self.answers)

    @property
    def gold(self) -> tuple[str, ...]:
        """Every answer that is right, `value` included."""
        return tuple(dict.fromkeys([*self.answers, *([self.value] if self.value else [])]))


class Row(NamedTuple):
    """One row as it was read, and where."""

    place: str  # "pool.csv, line 7"
    number: int
    cells: dict[str, Any]


def read_pool_file(path: Path) -> list[Demonstration]:
    """The rows of a pool file. Raises ValueError that says what is wrong, in which line, and what was expected."""
    found: dict[str, str] = {}
    demonstrations = []
    for row in _read_rows(path):
        demonstration = _parse_row(row, path.stem)
        if demonstration.id in found:
            raise ValueError(f"{row.place}: the id {demonstration.id!r} is also that of {found[demonstration.id]}")
        found[demonstration.id] = row.place
        demonstrations.append(demonstration)
    if not demonstrations:
        raise ValueError(f"{path.name} holds no question: expected rows with a question and its answers")
    return demonstrations


def read_splits(path: Path) -> list[str]:
    """The column `split` of a pool file, "" where a row has none."""
    return [str(row.cells.get("split") or "") for row in _read_rows(path)]


def _read_rows(path: Path) -> Iterator[Row]:
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path.name} is no pool: expected a file that ends with {', '.join(SUFFIXES)}")
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    text = _read_text(path)
    if not text.strip():
        raise ValueError(f"{path.name} is empty: expected rows with a question and its answers")
    if path.suffix.lower() == ".jsonl":
        return _read_jsonl(path.name, text)
    return _read_json(path.name, text) if path.suffix.lower() == ".json" else _read_csv(path, text)


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = "UTF-16 text" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "not UTF-8 text"
        raise ValueError(f"{path.name}, line {line}: this is {what}: save the file as UTF-8 and try again") from error


# Formats


def _read_jsonl(name: str, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _parse_line(f"{name}, line {number}", number, line)


def _parse_line(place: str, number: int, text: str) -> Row:
    return Row(place, number, _check_object(place, parse_json(text, lambda line: place)))


def _read_json(name: str, text: str) -> Iterator[Row]:
    content = parse_json(text, lambda line: f"{name}, line {line}")
    entries = content.get("Data") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise ValueError(f'{name}: expected a list of rows, or TriviaQA\'s {{"Data": [...]}}')
    for number, entry in enumerate(entries, 1):
        place = f"{name}, entry {number}"
        yield Row(place, number, _flatten_triviaqa(place, _check_object(place, entry)))


def _read_parquet(path: Path) -> Iterator[Row]:
    """Only the columns that are used: TriviaQA's other ones hold whole web pages."""
    import pyarrow as pa

    try:
        with path.open("rb") as file:
            for number, cells in enumerate(iterate_rows(path.name, file, MOST_ROWS, _choose_columns), 1):
                place = f"{path.name}, row {number}"
                yield Row(place, number, _flatten_triviaqa(place, _check_object(place, cells)))
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, KeyError) as error:
        raise ValueError(f"{path.name} is no Parquet file that can be read: {str(error)[:200]}") from error


def _choose_columns(columns: Sequence[str]) -> list[str]:
    named = {name.strip().lower(): name for name in columns}
    return [named[name] for name in PARQUET_COLUMNS if name in named]


def _check_object(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f'{place}: expected an object such as {{"question": "...", "answers": ["..."]}}')
    return {str(key).strip().lower(): cell for key, cell in value.items()}


def _flatten_triviaqa(place: str, cells: dict[str, Any]) -> dict[str, Any]:
    """TriviaQA's {"Question", "QuestionId", "Answer": {"Value", "Aliases", "HumanAnswers"}} as one flat row.

    The hub's copy calls them question, question_id, answer: {value, aliases}.
    """
    answer = cells.get("answer")
    if "questionid" not in cells and not isinstance(answer, dict):
        return cells
    if not isinstance(answer, dict):
        raise ValueError(f"{place}: it has no Answer: TriviaQA's test files hold questions only")
    answer = {key.lower().replace("_", ""): cell for key, cell in answer.items()}
    aliases = [*(answer.get("aliases") or answer.get("normalizedaliases") or []), *(answer.get("humananswers") or [])]
    value = answer.get("value")
    flat = {"question": cells.get("question"), "answers": aliases or ([value] if value else []), "value": value}
    return flat | {"id": cells.get("questionid") or cells.get("question_id")}


def _read_csv(path: Path, text: str) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_find_delimiter(path, text), strict=True)
    header: list[str] = []
    number = 1  # of the line in which the row begins: a cell in quotes may go over several
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            reason = "a quotation mark is not closed, or is not at the end of its cell"
            raise ValueError(f"{path.name}, line {number}: {reason} ({error})") from error
        if header and cells:
            yield _read_csv_row(path.name, number, header, cells)
        elif cells:
            header = [name.strip().lower() for name in cells]
            _check_header(path.name, header)
        number = lines.line_num + 1


def _find_delimiter(path: Path, text: str) -> str:
    """A tab in .tsv; else the sign that is most often in the first line, of comma, semicolon and tab."""
    first = text.lstrip().partition("\n")[0]
    return "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)


def _check_header(name: str, header: list[str]) -> None:
    if "question" not in header or not {"answer", "answers"} & set(header):
        raise ValueError(
            f"{name}, line 1: expected the columns question and answers (or answer), found {', '.join(header)[:200]}"
        )
    if len(header) > MOST_COLUMNS:
        raise ValueError(f"{name} has {len(header):,} columns, at most {MOST_COLUMNS:,} can be read")
    if twice := find_twice(filter(None, header)):
        raise ValueError(f"{name}, line 1: there are two columns {twice!r}")


def _read_csv_row(name: str, number: int, header: list[str], cells: list[str]) -> Row:
    place = f"{name}, line {number}"
    if len(cells) != len(header):
        raise ValueError(f"{place}: {len(cells)} cells, but the first line names {len(header)} columns")
    row: dict[str, Any] = dict(zip(header, cells, strict=True))
    if "answers" in row:
        row["answers"] = _split_answers(place, row["answers"])
    return Row(place, number, row)


def _split_answers(place: str, cell: str) -> list[Any]:
    if not cell.lstrip().startswith("["):
        return cell.split("|")
    answers = parse_json(cell, lambda line: place)
    return answers if isinstance(answers, list) else [answers]


# One row


def _parse_row(row: Row, stem: str) -> Demonstration:
    """A checked demonstration; without an id it is called by its file and line."""
    cells = row.cells
    if missing := _missing_column(cells):
        raise ValueError(f"{row.place}: it has no {missing}; it has {', '.join(cells)[:200] or 'nothing'}")
    question = _read_cell(row.place, "question", cells["question"])
    if not question:
        raise ValueError(f"{row.place}: the question is empty")
    value = _read_cell(row.place, "value", cells.get("value"))
    subject = _read_cell(row.place, "subject", cells.get("subject"))
    answers = _read_answers(row.place, cells, value)
    given = _read_cell(row.place, "id", cells.get("id"))
    return Demonstration(given or f"{stem}-{row.number}", question, answers, value or None, subject or None)


def _missing_column(cells: dict[str, Any]) -> str | None:
    if "question" not in cells:
        return "question"
    return None if "answers" in cells or "answer" in cells else "answers"


def _read_answers(place: str, cells: dict[str, Any], value: str) -> tuple[str, ...]:
    raw = cells["answers"] if cells.get("answers") is not None else cells.get("answer")
    raw = raw if isinstance(raw, list) else [raw]
    answers = [_read_cell(place, "answer", answer) for answer in raw]
    if not any(answers) or any(answer is None or answer != answer for answer in raw):  # NaN differs from itself
        raise ValueError(f"{place}: the answer is missing (empty or NaN)")
    return tuple(dict.fromkeys([answer for answer in answers if answer] + ([value] if value else [])))


def _read_cell(place: str, column: str, cell: Any) -> str:
    """A cell as text with single spaces, "" where it is missing."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise ValueError(f"{place}: the {column} is {json.dumps(cell)[:60]}, expected text")
    text = " ".join(str(cell).split())
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"{place}: the {column} holds half a character (a lone surrogate)")
    return "" if column != "question" and text in MISSING else text
