"""Importing responses: a table's columns are mapped to the fields of a response, which a person confirms.

    table = read_table(Path("answers.csv"))                      columns: question, model answer, gold, cot
    mapping = propose_mapping(table)                             question, answer, gold_answer, explanation
    preview(table, mapping)                                      the first five responses
    run = import_run("my answers", table, mapping)               all rows or none

Known formats need no mapping: `dataset_formats`. Without a column for the answer, it is read out of the
explanation (`answers.extraction`); without one for the sample, several answers of one model to one question under
one prompt kind are counted from 0 on; without one for the id, rows are numbered from 1 on.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from a3core.common.tabular import LONGEST_CELL, Table, read_each
from a3core.grader.answers.extraction import extract_answer, guess_gold_kind
from a3core.grader.runs.responses import STANDARD, Response, Run

# Names of columns for each field, the surest first; case, spaces and signs do not count.
SYNONYMS = {
    "id": ("id", "response_id", "uid", "qid", "question_id", "item_id", "example_id", "idx", "index", "n"),
    "question": ("question", "input", "problem", "query", "prompt", "instruction"),
    "gold_answer": (
        *("gold_answer", "gold", "gold_label", "target", "ground_truth", "reference", "reference_answer"),
        *("correct_answer", "expected", "label", "answer_key", "answerkey"),
    ),
    "answer": ("answer", "pred", "prediction", "predicted", "predicted_answer", "model_answer", "final_answer"),
    "explanation": (
        *("explanation", "cot", "chain_of_thought", "reasoning", "solution", "generation", "rationale", "response"),
        *("output", "completion", "generated_text", "model_output"),
    ),
    "prompt_kind": ("prompt_kind", "prompt_type", "condition", "prompt_name", "setting", "method"),
    "model": ("model", "model_name", "model_id"),
    "sample": ("sample", "sample_id", "sample_number", "sample_index"),
    "steps": ("steps", "step_list", "reasoning_steps"),
}


@dataclass(frozen=True)
class Mapping:
    """For each field of a response the column it is read from, or None where there is none."""

    question: str | None = None
    answer: str | None = None
    explanation: str | None = None
    gold_answer: str | None = None
    prompt_kind: str | None = None
    model: str | None = None
    sample: str | None = None
    id: str | None = None
    steps: str | None = None

    def check(self, table: Table) -> None:
        """Raises ValueError for a column that the table does not have, and where there is nothing to label."""
        for field in fields(self):
            column = getattr(self, field.name)
            if column is not None and column not in table.columns:
                named = ", ".join(table.columns)[:200]
                raise ValueError(f"{table.name} has no column {column!r} for the {field.name}; it has {named}")
        if self.question is None:
            raise ValueError(f"{table.name}: choose the column of the question")
        if self.answer is None and self.explanation is None and self.steps is None:
            raise ValueError(f"{table.name}: choose the column of the answer or of the explanation")


def propose_mapping(table: Table) -> Mapping:
    """A guess by the columns' names, for a person to confirm; no column is used twice."""
    plain = {column: _fold(column) for column in table.columns}
    last = {column: _fold(re.split(r"[./]", column)[-1]) for column in table.columns}  # "Input.question"
    chosen: dict[str, str] = {}
    for names in (plain, last):
        for field, synonyms in SYNONYMS.items():
            free = [column for column in table.columns if column not in chosen.values()]
            found = [column for synonym in synonyms for column in free if names[column] == synonym]
            if found and field not in chosen and (field != "id" or _is_unique(table, found[0])):
                chosen[field] = found[0]
    return Mapping(**chosen)


def _is_unique(table: Table, column: str) -> bool:
    """Whether no cell comes twice: the id of a question is no id of a response where there are several samples."""
    cells = [str(row.get(column)) for row in table.rows]
    return len(set(cells)) == len(cells)


def preview(table: Table, mapping: Mapping, n: int = 5) -> list[Response]:
    """The responses of the first n rows. Raises ValueError as `import_run` does for these rows."""
    mapping.check(table)
    return _build_responses(table, mapping, range(min(n, len(table.rows))))


def import_run(name: str, table: Table, mapping: Mapping) -> Run:
    """A run with every row of the table.

    Raises ValueError for a mapping that cannot be, and one that names the first bad rows (question empty, a cell that
    is no text, an id given twice): then nothing is imported.
    """
    mapping.check(table)
    responses = _build_responses(table, mapping, range(len(table.rows)))
    notes = [f"Imported from {table.name}."]
    if mapping.answer is None:
        found = sum(bool(response.answer) for response in responses)
        notes.append(f"The file has no answers: {found} of {len(responses)} were read out of the explanations.")
    if mapping.gold_answer is None:
        notes.append("The file has no gold answers.")
    return Run(name, tuple(responses), notes=tuple(notes))


def count_samples(responses: Iterable[Response]) -> list[Response]:
    """The responses, those that share question, prompt kind and model with `sample` counted from 0 on."""
    seen: Counter[tuple[str, str, str]] = Counter()
    counted = []
    for response in responses:
        key = (response.question_key, response.prompt_kind, response.model)
        counted.append(replace(response, sample=seen[key]))
        seen[key] += 1
    return counted


# One row


def _build_responses(table: Table, mapping: Mapping, rows: Iterable[int]) -> list[Response]:
    ids: dict[str, str] = {}

    def build(row: int) -> Response:
        response = _build_response(table, mapping, row)
        place = ids.setdefault(response.id, table.location(row))
        if place != table.location(row):
            raise ValueError(f"{table.location(row)}: the id {response.id[:100]!r} is also that of {place}")
        return response

    responses = read_each(table.name, rows, build)
    return responses if mapping.sample else count_samples(responses)


def _build_response(table: Table, mapping: Mapping, row: int) -> Response:
    cells, place = table.rows[row], table.location(row)

    def read(field: str) -> str:
        column = getattr(mapping, field)
        return read_text(cells.get(column), place, field) if column is not None else ""

    question, id_, gold = read("question"), read("id"), read("gold_answer").strip()
    if not question.strip():
        raise ValueError(f"{place}: the question is empty")
    if mapping.id is not None and not id_.strip():
        raise ValueError(f"{place}: the id is empty")
    steps = read_steps(cells.get(mapping.steps), place) if mapping.steps is not None else ()
    explanation = read("explanation") if mapping.explanation is not None else "\n".join(steps)
    return Response(
        id=id_ or str(row + 1),
        question=question,
        answer=read("answer") if mapping.answer is not None else _extract(explanation, gold),
        explanation=explanation,
        gold_answer=read("gold_answer") if gold else None,
        prompt_kind=read("prompt_kind") or STANDARD,
        model=read("model"),
        sample=_read_count(read("sample") or "0", place),
        steps=steps,
    )


def read_text(cell: Any, place: str, field: str) -> str:
    """A cell as text, "" where it is missing. Raises ValueError for NaN and for lists, objects and bytes."""
    if cell is None:
        return ""
    what = field.replace("_", " ")
    if isinstance(cell, float) and not math.isfinite(cell):
        raise ValueError(f"{place}: the {what} is {cell}, expected text, or an empty cell where there is none")
    if isinstance(cell, bool) and field in ("answer", "gold_answer"):  # of a yes/no question
        return "true" if cell else "false"
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal | date):
        raise ValueError(f"{place}: the {what} is {_describe(cell)}, expected text")
    text = str(cell)
    if len(text) > LONGEST_CELL:
        raise ValueError(f"{place}: the {what} has {len(text):,} characters, at most {LONGEST_CELL:,} are read")
    return text


def read_steps(cell: Any, place: str) -> tuple[str, ...]:
    """Steps from a list, from a list in JSON, or from the lines of a text."""
    if isinstance(cell, str):
        parsed = _parse_list(cell)
        cell = [line.strip() for line in cell.splitlines() if line.strip()] if parsed is None else parsed
    if not isinstance(cell, list | None):
        raise ValueError(f"{place}: the steps are {_describe(cell)}, expected a list of texts")
    return tuple(read_text(step, place, "step") for step in cell or [])


def _parse_list(text: str) -> list[Any] | None:
    if not text.startswith("["):
        return None
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, list) else None


def _read_count(text: str, place: str) -> int:
    try:
        value = float(text)
        if value != int(value) or not 0 <= value < 1e9:
            raise ValueError
    except (ValueError, OverflowError):
        raise ValueError(f"{place}: the sample is {text[:50]!r}, expected a number from 0 on") from None
    return int(value)


def _extract(explanation: str, gold: str) -> str:
    return extract_answer(explanation, guess_gold_kind(gold)).value


def _describe(cell: Any) -> str:
    kinds = {bool: "true or false", dict: "an object", list: "a list", bytes: "bytes"}
    return next((name for kind, name in kinds.items() if isinstance(cell, kind)), f"a {type(cell).__name__}")


def _fold(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()).strip("_")
