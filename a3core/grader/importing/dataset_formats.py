"""Public files of explanations that come in without a mapping: they are known by their columns.

    table = read_table(Path("gsm8k_model_solutions_300.jsonl"))
    recognise(table)                          "GSM8K model solutions"
    read_known(table)                         1,200 items, each with the label "answer" by "dataset"

    GSM8K model solutions            Cobbe et al. 2021: one response per model, is_correct
    MultiArith zero-shot-CoT         Kojima et al. 2022: the answer is what their script read out, correct
    BIG-Bench Mistake                Tyen et al. 2024: steps, and the first wrong one as people marked it
    three-rater explanations         Wiegreffe et al. 2022: five explanations of the gold answer, three raters each
    GSM8K exemplars                  Wei et al. 2022: worked demonstrations, written by people

An explanation is the whole text that the model wrote, with the sentence that names the answer. Labels that came with a
file are by the annotator "dataset", or "rater 1" to "rater 3".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from a3core.common.tabular import Table, read_each
from a3core.grader.answers.extraction import list_marked_answers
from a3core.grader.importing.items import Given, Item, read_steps, read_text
from a3core.grader.labels.schema import ANSWER, CORRECT, EXPLANATION, FIRST_WRONG_STEP, FLAWED, NO_WRONG_STEP, WRONG
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, DATASET, Label, Response

CALCULATOR = re.compile(r"<<[^<>\n]{0,200}>>")  # "16 - 3 = <<16-3=13>>13": GSM8K's marks for a calculator
EXPLANATION_COLUMN = re.compile(r"Input\.explanation_([0-9]{1,2})")


LabelledResponse = tuple[Response, tuple[Label, ...]]  # with the labels that it came with


@dataclass(frozen=True)
class Cells:
    """One row of a table; errors name its place."""

    table: Table
    row: int

    @property
    def place(self) -> str:
        return self.table.location(self.row)

    def read(self, column: str) -> str:
        return read_text(self.table.rows[self.row].get(column), self.place, column)

    def require(self, column: str) -> str:
        """A text that is not empty."""
        if not (text := self.read(column)).strip():
            raise ValueError(f"{self.place}: {column} is empty")
        return text

    def read_flag(self, value: Any, column: str) -> bool:
        flags = {"true": True, "false": False, "1": True, "0": False}
        if (flag := flags.get(str(value).strip().casefold())) is None:
            raise ValueError(f"{self.place}: {column} is {str(value)[:50]!r}, expected true or false")
        return flag


def recognise(table: Table) -> str | None:
    """The name of the format that a table is in, or None."""
    return next((name for name, known in FORMATS.items() if known.fits(table)), None)


def read_known(table: Table, skipped: list[str] | None = None) -> list[Item]:
    """Every row of a table whose format is known, with the labels in it.

    Raises ValueError for a table in no known format, and one that names the first bad rows, or `skipped` gets them.
    """
    if (format_name := recognise(table)) is None:
        raise ValueError(f"{table.name} is in no known format: choose what its columns are")
    known = FORMATS[format_name]
    labelled = chain.from_iterable(read_each(table.name, known.divide(table), known.read, skipped))
    return [
        Item(response, tuple(Given(label.annotator, label.field, label.value) for label in labels))
        for response, labels in labelled
    ]


# GSM8K model solutions


def _find_models(table: Table) -> list[str]:
    first = table.rows[0]
    return [
        column for column, cell in first.items() if isinstance(cell, dict) and {"solution", "is_correct"} <= {*cell}
    ]


def _fits_gsm8k(table: Table) -> bool:
    return {"question", "ground_truth"} <= {*table.columns} and bool(_find_models(table))


def _read_gsm8k(cells: Cells) -> list[LabelledResponse]:
    question, gold = cells.require("question"), _find_last_answer(cells.require("ground_truth"))
    return [_read_solution(cells, model, question, gold) for model in _find_models(cells.table)]


def _read_solution(cells: Cells, model: str, question: str, gold: str) -> LabelledResponse:
    entry = cells.table.rows[cells.row].get(model)
    if not isinstance(entry, dict):
        raise ValueError(f"{cells.place}: {model} is missing, expected its solution and is_correct")
    solution = read_text(entry.get("solution"), cells.place, f"solution of {model}")
    right = cells.read_flag(entry.get("is_correct"), f"is_correct of {model}")
    response = Response(
        id=f"{cells.row + 1}-{model}",
        question=question,
        answer=_find_last_answer(solution, ""),
        explanation=CALCULATOR.sub("", solution).strip(),
        gold_answer=gold,
        prompt_kind=CHAIN_OF_THOUGHT,
        model=model,
    )
    return response, (_label_answer(response, right),)


def _find_last_answer(solution: str, otherwise: str | None = None) -> str:
    """The answer on the solution's last line "A: ..."; else the whole, or `otherwise`."""
    marked = list_marked_answers(solution)
    return marked[-1].value if marked else solution.strip() if otherwise is None else otherwise


def _label_answer(response: Response, right: bool) -> Label:
    value = CORRECT if right else WRONG
    return Label(response_id=response.id, annotator=DATASET, field=ANSWER, value=value)


# MultiArith zero-shot-CoT


def _read_multiarith(cells: Cells) -> list[LabelledResponse]:
    response = Response(
        id=str(cells.row + 1),
        question=cells.require("question"),
        answer=cells.read("pred"),
        explanation=cells.require("generation").strip(),
        gold_answer=cells.require("gold"),
        prompt_kind="zero-shot chain of thought",
        model="GPT-3",
    )
    right = cells.read_flag(cells.table.rows[cells.row].get("correct"), "correct")
    return [(response, (_label_answer(response, right),))]


# BIG-Bench Mistake


def _read_mistake(cells: Cells) -> list[LabelledResponse]:
    steps = read_steps(cells.table.rows[cells.row].get("steps"), cells.place)
    if not steps:
        raise ValueError(f"{cells.place}: there are no steps")
    response = Response(
        id=str(cells.row + 1),
        question=cells.require("input"),
        answer=cells.read("answer"),
        explanation="\n".join(steps),
        gold_answer=cells.require("target"),
        prompt_kind=CHAIN_OF_THOUGHT,
        model="PaLM 2",
        steps=steps,
    )
    step = _read_wrong_step(cells, len(steps))
    label = Label(response_id=response.id, annotator=DATASET, field=FIRST_WRONG_STEP, value=step)
    return [(response, (label,))]


def _read_wrong_step(cells: Cells, steps: int) -> str:
    """The first wrong step from 1 on, where the file counts from 0, or "none"."""
    index = cells.table.rows[cells.row].get("mistake_index")
    if index is None or index == "" or index != index:  # null, an empty CSV cell, or NaN, which pandas writes for null
        return NO_WRONG_STEP
    try:
        number = float(index)
        if number != int(number) or not 0 <= number < steps:
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        raise ValueError(
            f"{cells.place}: mistake_index is {str(index)[:50]!r}, expected one of the {steps} steps from 0 on, or null"
        ) from None
    return str(int(number) + 1)


# Three-rater explanations


def _divide_by_item(table: Table) -> list[list[Cells]]:
    """The rows of each question, one per rater, in the order of the file."""
    items: dict[Any, list[Cells]] = {}
    for row, cells in enumerate(table.rows):
        items.setdefault(cells.get("Input.id"), []).append(Cells(table, row))
    return list(items.values())


def _read_item(rows: list[Cells]) -> list[LabelledResponse]:
    first = rows[0]
    numbers = [int(found[1]) for column in first.table.columns if (found := EXPLANATION_COLUMN.fullmatch(column))]
    accepted = [_read_acceptable(cells, numbers) for cells in rows]
    columns = [*_list_questions(first.table), "Input.gold_label"]
    columns += [f"Input.explanation_{number}" for number in numbers]
    if other := next((c for c in rows for column in columns if c.read(column) != first.read(column)), None):
        raise ValueError(f"{other.place}: it differs from {first.place}, which has the same Input.id")
    return [_read_explanation(first, number, accepted) for number in numbers]


def _list_questions(table: Table) -> tuple[str, ...]:
    """The column of the question; of files about inference, the two of premise and hypothesis."""
    pair = tuple(column for column in table.columns if column.casefold() in ("input.premise", "input.hypothesis"))
    return pair if len(pair) == 2 else ("Input.question",)


def _fits_raters(table: Table) -> bool:
    return {"Input.id", "Input.gold_label", "Input.explanation_1", "Answer.acceptable", *_list_questions(table)} <= {
        *table.columns
    }


def _read_explanation(cells: Cells, number: int, accepted: list[set[int]]) -> LabelledResponse:
    gold, source = cells.require("Input.gold_label"), cells.read(f"Input.source_sample_{number}").strip()
    choices = f"\nChoices: {choices}" if (choices := cells.read("Input.answer_choices")) else ""
    response = Response(
        id=f"{cells.require('Input.id')}-{number}",
        question="\n".join(map(cells.require, _list_questions(cells.table))) + choices,
        answer=gold,
        explanation=cells.require(f"Input.explanation_{number}"),
        gold_answer=gold,
        prompt_kind="greedy explanation" if source == "greedy" else "sampled explanation",
        model="GPT-3",
        sample=int(source) if source.isascii() and source.isdecimal() and len(source) < 9 else 0,
    )
    labels = (
        Label(
            response_id=response.id,
            annotator=f"rater {rater}",
            field=EXPLANATION,
            value=CORRECT if number in numbers else FLAWED,
        )
        for rater, numbers in enumerate(accepted, 1)
    )
    return response, tuple(labels)


def _read_acceptable(cells: Cells, numbers: list[int]) -> set[int]:
    """ "2|4|5" is {2, 4, 5}: the explanations that the rater of this row accepts."""
    text = cells.read("Answer.acceptable").strip()
    parts = text.split("|") if text else []
    if wrong := next((part for part in parts if part not in map(str, numbers)), None):
        raise ValueError(f"{cells.place}: Answer.acceptable names {wrong[:50]!r}, expected numbers such as 2|4|5")
    return {int(part) for part in parts}


# GSM8K exemplars


def _read_exemplar(cells: Cells) -> list[LabelledResponse]:
    response = Response(
        id=str(cells.row + 1),
        question=cells.require("question"),
        answer=cells.require("answer"),
        explanation=cells.require("cot"),
        prompt_kind=CHAIN_OF_THOUGHT,
    )
    return [(response, ())]


# What is known


def _fits_columns(*columns: str, exactly: bool = False) -> Callable[[Table], bool]:
    return lambda table: {*columns} == {*table.columns} if exactly else {*columns} <= {*table.columns}


def _divide_by_row(table: Table) -> list[Cells]:
    return [Cells(table, row) for row in range(len(table.rows))]


class KnownFormat(NamedTuple):
    """`read` makes responses of what `divide` gives."""

    fits: Callable[[Table], bool]
    read: Callable[[Any], list[LabelledResponse]]
    notes: tuple[str, ...] = ()
    divide: Callable[[Table], Iterable[Any]] = _divide_by_row


FORMATS = {
    "GSM8K model solutions": KnownFormat(
        _fits_gsm8k,
        _read_gsm8k,
        ("The marks for a calculator, such as <<2+3=5>>, are left out.", "The dataset says which answers are correct."),
    ),
    "MultiArith zero-shot-CoT": KnownFormat(
        _fits_columns("question", "generation", "pred", "gold", "correct"),
        _read_multiarith,
        ("The answers are what the dataset's script read out of the texts, and it says which are correct.",),
    ),
    "BIG-Bench Mistake": KnownFormat(
        _fits_columns("input", "steps", "answer", "target", "mistake_index"),
        _read_mistake,
        ("People marked the first wrong step.",),
    ),
    "three-rater explanations": KnownFormat(
        _fits_raters,
        _read_item,
        ("Every explanation is of the gold answer; three raters each said which they accept.",),
        _divide_by_item,
    ),
    "GSM8K exemplars": KnownFormat(
        _fits_columns("question", "cot", "answer", exactly=True),
        _read_exemplar,
        ("The answers are given by whoever wrote the explanations: there is no other gold answer.",),
    ),
}
