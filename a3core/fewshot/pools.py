"""Pools: the questions with answers that demonstrations are drawn from, and how they are read.

pool = load_pool()                                  the built-in bank's pool; load_pool("builtin:validation")
pool = load_pool("triviaqa/train_pool.jsonl")       any JSONL or CSV with a question and its answer or answers
pool = load_pool("unfiltered-web-dev.json")         the original TriviaQA format
pool = load_pool("skip:own.csv")                    rows that cannot be read are left out; the pool's notes list them
pool = load_pool("hub:triviaqa")                    87,622 questions from the hub; "hub:triviaqa:validation" 11,313
pool = load_pool("hub:OWNER/NAME:SPLIT:CONFIG")     any dataset of the hub; without a split it is "train"
pool = load_pool("own.jsonl#question=title&answers=gold[*].text")       other columns, or paths into nested ones

{"question": "Which river flows through Vienna?", "answers": ["Danube", "Donau"], "value": "Danube",
 "subject": "rivers", "id": "17"}                   one row; value, subject and id may be missing

Columns: `question`; `answers` (a list; in a CSV cell a JSON list, or aliases with "|" between them) or `answer` (one
text); `value`, `subject` and `id` if there are. Case and spaces in a column's name do not count.
Also read: SQuAD's own files and answers {"text": [...]}, lists as Python writes them, WebQuestions' qText or utterance,
input and output, prompt and completion, DPR's files without a header.
"""

import ast
import hashlib
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from a3core.common.nested import EVERY, JOIN, check_path, read_path, split_path, spread
from a3core.common.paths import ASSETS
from a3core.common.tabular import Kind, Table, parse_json, read_each, read_table
from a3core.fewshot.canonical_answer import choose_answer
from a3core.fewshot.datasets import HUB, download_dataset

BANK = ASSETS / "questions.jsonl"
BUILTIN, BUILTIN_VALIDATION = "builtin", "builtin:validation"
BANK_SPLITS = {BUILTIN: "pool", BUILTIN_VALIDATION: "validation"}
SKIP = "skip:"
FIELDS = ("question", "answers", "answer", "value", "subject", "id")
MOST_LISTED = 20  # skipped rows that a note names
MISSING = {"", "nan", "NaN"}  # what spreadsheets and pandas write for a cell without a value
OTHER_NAMES = {  # of columns in files that people bring: WebQuestions, and sets for instruction tuning
    **dict.fromkeys(["qtext", "utterance", "input", "prompt"], "question"),
    "targetvalue": "answers",
    **dict.fromkeys(["output", "completion"], "answer"),
}
POOL_FILE = Kind(
    name="pool",
    rows="rows with a question and its answers",
    largest_file=1_000_000_000,
    most_rows=1_000_000,
    columns=(*FIELDS, "question_id", *OTHER_NAMES),
    list_key="data",  # of TriviaQA's own files ("Data") and SQuAD's
)


@dataclass(frozen=True)
class Demonstration:
    """A question with its gold answers; the prompt shows one of them."""

    id: str
    question: str
    answers: tuple[str, ...]  # aliases, all right; never empty
    value: str | None = None  # the canonical answer, where the source or a person gives it
    subject: str | None = None

    @property
    def answer(self) -> str:
        """What the prompt shows: `value`, else the rule's choice among the aliases."""
        return self.value or choose_answer(self.answers)

    @property
    def gold(self) -> tuple[str, ...]:
        """Every answer that is right, the canonical one first."""
        return tuple(dict.fromkeys([self.answer, *self.answers]))


@dataclass(frozen=True)
class Pool:
    """Demonstrations; a corpus_id is a position in it."""

    name: str
    rows: tuple[Demonstration, ...]
    notes: tuple[str, ...] = ()  # what a reader should know about how it was read

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, corpus_id: int) -> Demonstration:
        return self.rows[corpus_id]

    @property
    def questions(self) -> list[str]:
        """The questions, by corpus_id."""
        return [row.question for row in self.rows]

    @property
    def sha256(self) -> str:
        """Of all that a prompt could show: names the pool in a report."""
        digest = hashlib.sha256()
        for row in self.rows:
            digest.update("\0".join([row.id, row.question, row.value or "", *row.answers]).encode())
        return digest.hexdigest()


def split_spec(spec: str | Path) -> tuple[bool, str, dict[str, str]]:
    """Whether bad rows are skipped, the source, and the path of each field that is given after "#".

    Raises ValueError for a field that no demonstration has.
    """
    text = str(spec)
    source, sign, named = text.removeprefix(SKIP).rpartition("#")
    if not sign or "=" not in named:
        return text.startswith(SKIP), text.removeprefix(SKIP), {}
    columns = {field.strip(): path.strip() for field, _, path in (part.partition("=") for part in named.split("&"))}
    if unknown := [field for field in columns if field not in FIELDS]:
        raise ValueError(f"A demonstration has no {unknown[0][:40]!r}: it has {', '.join(FIELDS)}.")
    return text.startswith(SKIP), source, columns


def load_pool(spec: str | Path = BUILTIN) -> Pool:
    """The built-in bank ("builtin", "builtin:validation"), a dataset of the hub ("hub:...") or the pool in a file.

    The rows' `value` is the canonical answer, unless some of them are titles of disambiguation pages: such a
    column was filled with arbitrary aliases (in the sample of TriviaQA's validation set that this project is measured
    on, each row's value is its first alias, whatever that is).
    Raises ValueError that names the first bad line.
    """
    skips, source, columns = split_spec(spec)
    skipped = [] if skips else None
    if source.partition(":")[0] == BUILTIN:
        if source not in BANK_SPLITS:
            raise ValueError(f"There is no bank {source!r}: it is {BUILTIN} or {BUILTIN_VALIDATION}.")
        return Pool(source, tuple(row for row, split in _read_rows(BANK) if split == BANK_SPLITS[source]))
    is_on_hub = source.startswith(HUB)
    # os.path leaves "~" of an unknown user as it is; Path.expanduser raises
    paths = download_dataset(source) if is_on_hub else [Path(os.path.expanduser(source))]
    rows = [row for path in paths for row, _ in _read_rows(path, skipped, columns)]
    pool = build_pool(source if is_on_hub else paths[0].name, rows)
    if not skipped:
        return pool
    if not pool.rows:
        raise ValueError(f"{pool.name}: no row can be read. {skipped[0]}")
    note = f"Rows of {pool.name} that cannot be read: {len(skipped)}. {'; '.join(skipped[:MOST_LISTED])}."
    return replace(pool, notes=(*pool.notes, note))


def build_pool(name: str, rows: Iterable[Demonstration]) -> Pool:
    """A pool of checked rows. Their values are the canonical answers, unless some are disambiguation pages."""
    rows = tuple(rows)
    if not any("(disambiguation)" in (row.value or "") for row in rows):
        return Pool(name, rows)
    note = f"The values in {name} are arbitrary aliases: the rule's choice is shown instead."
    return Pool(name, tuple(replace(row, value=None, answers=row.gold) for row in rows), (note,))


# Files


def _read_rows(
    path: Path, skipped: list[str] | None = None, columns: Mapping[str, str] | None = None
) -> list[tuple[Demonstration, str]]:
    """Each row with its column `split`, "" where it has none; `columns` are paths of fields that are called otherwise.

    Raises ValueError with what is wrong, in which line, and what was expected; `skipped` gets it instead, if given.
    """
    columns = columns or {}
    roots = [split_path(part)[0][0].lower() for each in columns.values() for part in each.split(JOIN)]
    kind = replace(POOL_FILE, columns=(*POOL_FILE.columns, *roots))
    table = _name_dpr(_unfold_squad(read_table(path, kind, skipped)))
    for field, each in columns.items():
        check_path(each, field, table.name, table.columns)
    is_csv = path.suffix.lower() in (".csv", ".tsv")
    names = _fold_columns(table, is_csv, columns)
    first_with_id: dict[str, str] = {}

    def read(row: int) -> tuple[Demonstration, str]:
        location, raw = table.location(row), table.rows[row]
        cells = {names.get(column, column): cell for column, cell in raw.items()}
        if {"answer", "answers"} & columns.keys():
            cells |= {"answer": None, "answers": None}  # in place of the file's own
        cells |= {field: read_entries(raw, each) for field, each in columns.items()}
        for field in ("answers", "answer") if is_csv else ():
            if isinstance(cells.get(field), str):
                cells[field] = _split_answers(location, cells[field], "|" if field == "answers" else None)
        cells = _flatten_triviaqa(location, cells)
        demonstration = _parse_row(location, cells, default_id=f"{path.stem}-{table.lines[row]}")
        known = first_with_id.setdefault(demonstration.id, location)
        if known != location:
            raise ValueError(f"{location}: the id {demonstration.id!r} is also that of {known}")
        return demonstration, str(cells.get("split") or "")

    return read_each(table.name, range(len(table.rows)), read, skipped)


def read_entries(row: Mapping[str, Any], path: str) -> Any:
    """What is at a path; a list of what is at each entry of a list, such as of "gold[*].text"."""
    entries = [read_path(row, each["path"]) for each in spread(row, {"path": path})]
    return entries if EVERY in path and path not in row else entries[0]


def _name_dpr(table: Table) -> Table:
    """The files of DPR have no header: a question, and a list as Python writes it. Then the header is a row, too."""
    if len(table.columns) != 2 or not re.fullmatch(r"\[\s*['\"].*\]", table.columns[1], re.DOTALL):
        return table
    first = dict(zip(("question", "answers"), table.columns, strict=True))
    rows = [dict(zip(first, row.values(), strict=True)) for row in table.rows]
    return replace(table, columns=tuple(first), rows=(first, *rows), lines=(1, *table.lines))


def _unfold_squad(table: Table) -> Table:
    """SQuAD's articles of paragraphs of {"qas": [{"question", "id", "answers": [{"text"}]}]} as one row a question.

    Its questions that have no answer (`is_impossible`) are left out.
    """
    if "paragraphs" not in table.columns:
        return table
    try:
        articles = zip(table.lines, table.rows, strict=True)
        paragraphs = [(line, paragraph) for line, article in articles for paragraph in article["paragraphs"]]
        asked = [(line, qa) for line, paragraph in paragraphs for qa in paragraph["qas"] if not qa.get("is_impossible")]
        rows = [qa | {"answers": [answer["text"] for answer in qa["answers"]]} for _, qa in asked]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{table.name}: its paragraphs are not those of SQuAD ({error})") from error
    return replace(
        table, columns=("question", "answers", "id"), rows=tuple(rows), lines=tuple(line for line, _ in asked)
    )


def _fold_columns(table: Table, is_csv: bool, given: Iterable[str] = ()) -> dict[str, str]:
    """Column as it is written -> lower case without spaces around it. Raises ValueError where two of CSV become one."""
    names = {column: str(column).strip().lower() for column in table.columns}
    standard = set(names.values()) & {"question", "answers", "answer"}
    names = {
        column: OTHER_NAMES[name] if name in OTHER_NAMES and OTHER_NAMES[name] not in standard else name
        for column, name in names.items()
    }
    if is_csv and len(set(names.values())) < len(names):
        raise ValueError(f"{table.name}: two columns have one name but for case and spaces")
    found = {*names.values(), *given}
    if is_csv and ("question" not in found or not {"answer", "answers"} & found):
        listed = ", ".join(table.columns)[:200]
        raise ValueError(f"{table.name}: expected the columns question and answers (or answer), found {listed}")
    return names


def _split_answers(location: str, cell: str, separator: str | None) -> Any:
    """The answers in a cell of CSV: a list as JSON or Python writes it, or texts with the separator between them."""
    if not cell.lstrip().startswith(("[", "{")):
        return cell.split(separator) if separator else cell
    try:
        answers = ast.literal_eval(cell.strip())  # a list as Python writes it: pandas, the files of DPR
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        if separator is None:  # one text, which may begin with a bracket
            return cell
        answers = parse_json(cell, lambda line: location)
    return answers if isinstance(answers, list | dict) else [answers]


def _flatten_triviaqa(location: str, cells: dict[str, Any]) -> dict[str, Any]:
    """TriviaQA's {"Question", "QuestionId", "Answer": {"Value", "Aliases", "HumanAnswers"}} as one flat row.

    The hub's copy calls them question, question_id, answer: {value, aliases}.
    """
    answer = cells.get("answer")
    if "questionid" not in cells and not isinstance(answer, dict):
        return cells
    if not isinstance(answer, dict):
        raise ValueError(f"{location}: it has no Answer: TriviaQA's test files hold questions only")
    answer = {key.lower().replace("_", ""): cell for key, cell in answer.items()}
    aliases = [*(answer.get("aliases") or answer.get("normalizedaliases") or []), *(answer.get("humananswers") or [])]
    value = answer.get("value")
    flat = {"question": cells.get("question"), "answers": aliases or ([value] if value else []), "value": value}
    return flat | {"id": cells.get("questionid") or cells.get("question_id")}


def _parse_row(location: str, cells: dict[str, Any], default_id: str) -> Demonstration:
    """A checked demonstration. Raises ValueError that names the cell."""
    for column, names in (("question", {"question"}), ("answers", {"answers", "answer"})):
        if not names & cells.keys():
            raise ValueError(f"{location}: it has no {column}; it has {', '.join(cells)[:200] or 'nothing'}")
    question = _read_cell(location, "question", cells["question"])
    if not question:
        raise ValueError(f"{location}: the question is empty")
    value = _read_cell(location, "value", cells.get("value"))
    subject = _read_cell(location, "subject", cells.get("subject"))
    raw = cells["answers"] if cells.get("answers") is not None else cells.get("answer")
    if isinstance(raw, dict) and isinstance(raw.get("text"), list):  # of SQuAD and its copies on the hub
        raw = raw["text"]
    if isinstance(raw, str) and raw.startswith("(list (description"):  # WebQuestions, as it was published
        raw = re.findall(r'\(description "?([^")]*)"?\)', raw)
    raw = raw if isinstance(raw, list) else [raw]
    answers = [_read_cell(location, "answer", answer) for answer in raw]
    if not any(answers) or any(answer is None or answer != answer for answer in raw):  # NaN differs from itself
        raise ValueError(f"{location}: the answer is missing (empty or NaN)")
    aliases = tuple(dict.fromkeys(answer for answer in [*answers, value] if answer))
    row_id = _read_cell(location, "id", cells.get("id")) or default_id
    return Demonstration(row_id, question, aliases, value=value or None, subject=subject or None)


def _read_cell(location: str, column: str, cell: Any) -> str:
    """A cell as text with single spaces, "" where it is missing."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise ValueError(f"{location}: the {column} is {json.dumps(cell)[:60]}, expected text")
    text = " ".join(str(cell).split())
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"{location}: the {column} holds half a character (a lone surrogate)")
    return "" if column != "question" and text in MISSING else text
