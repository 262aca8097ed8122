"""Public files of explanations, which are known by their columns.

    GSM8K model solutions            Cobbe et al. 2021: one response per model, is_correct
    MultiArith zero-shot-CoT         Kojima et al. 2022: the answer is what their script read out, correct
    BIG-Bench Mistake                Tyen et al. 2024: steps, and the first wrong one as people marked it
    three-rater explanations         Wiegreffe et al. 2022: five explanations of the gold answer, three raters each
    GSM8K exemplars                  Wei et al. 2022: worked demonstrations, written by people

An explanation is the whole text that the model wrote, with the sentence that names the answer. Labels that came with a
file are by the annotator "dataset", or "rater 1" to "rater 3".
"""

import re
from collections.abc import Iterator
from typing import Any

from a3core.common.tabular import Table
from a3core.grader.answers.extraction import list_marked_answers, read_gold
from a3core.grader.importing import items
from a3core.grader.labels.schema import CORRECT, EXPLANATION, FIRST_WRONG_STEP, FLAWED, NO_WRONG_STEP
from a3core.grader.runs.responses import DATASET

CALCULATOR = re.compile(r"<<[^<>\n]{0,200}>>")  # "16 - 3 = <<16-3=13>>13": GSM8K's marks for a calculator
EXPLANATION_COLUMN = re.compile(r"Input\.explanation_([0-9]{1,2})")


# GSM8K model solutions


def fits_gsm8k(table: Table) -> bool:
    return {"question", "ground_truth"} <= {*table.columns} and bool(_find_models(table))


def _find_models(table: Table) -> list[str]:
    cells = table.rows[0].items()
    return [column for column, cell in cells if isinstance(cell, dict) and {"solution", "is_correct"} <= {*cell}]


def read_gsm8k(row: items.Row) -> Iterator[dict[str, Any]]:
    question, gold = row.require("question"), row.require("ground_truth")
    for model in _find_models(row.table):
        entry = row.get(model)
        if not isinstance(entry, dict):
            raise ValueError(f"{model} is missing, expected its solution and is_correct")
        solution = items.read_text(entry.get("solution"), f"solution of {model}")
        yield {
            "id": f"{row.n + 1}-{model}",
            "question": question,
            "answer": next((found.value for found in reversed(list_marked_answers(solution))), ""),
            "explanation": CALCULATOR.sub("", solution).strip(),
            "gold_answer": read_gold(gold),
            "model": model,
            "labels": items.build_verdict(items.read_flag(entry, "is_correct", f"is_correct of {model}")),
        }


# BIG-Bench Mistake


def read_mistake(row: items.Row) -> Iterator[dict[str, Any]]:
    if not (steps := items.read_steps(row.get("steps"))):
        raise ValueError("there are no steps")
    wrong, index = NO_WRONG_STEP, row.get("mistake_index")
    if index not in (None, "") and index == index:  # null, an empty CSV cell, or NaN, which pandas writes for null
        if (position := items.parse_count(index, len(steps))) is None:
            expected = f"expected one of the {len(steps)} steps from 0 on, or null"
            raise ValueError(f"mistake_index is {str(index)[:50]!r}, {expected}")
        wrong = str(position + 1)
    yield {
        "id": row.n + 1,
        "question": row.require("input"),
        "answer": row.read("answer"),
        "gold_answer": row.require("target"),
        "steps": list(steps),
        "labels": [items.build_label(DATASET, FIRST_WRONG_STEP, wrong)],
    }


# Three-rater explanations


def fits_raters(table: Table) -> bool:
    needed = {"Input.id", "Input.gold_label", "Input.explanation_1", "Answer.acceptable", *_list_questions(table)}
    return needed <= {*table.columns}


def _list_questions(table: Table) -> tuple[str, ...]:
    """The column of the question; of files about inference, the two of premise and hypothesis."""
    pair = tuple(column for column in table.columns if column.casefold() in ("input.premise", "input.hypothesis"))
    return pair if len(pair) == 2 else ("Input.question",)


def read_rated_item(*rows: items.Row) -> Iterator[dict[str, Any]]:
    """The rows of one question, one for each rater."""
    first, questions = rows[0], _list_questions(rows[0].table)
    numbers = [found[1] for column in first.table.columns if (found := EXPLANATION_COLUMN.fullmatch(column))]
    explanations = [f"Input.explanation_{number}" for number in numbers]
    accepted = []
    for row in rows:
        with items.located(row.location):
            accepted.append(_read_acceptable(row, numbers))
            if any(row.read(name) != first.read(name) for name in (*questions, "Input.gold_label", *explanations)):
                raise ValueError(f"it differs from {first.location}, which has the same Input.id")
    choices = f"\nChoices: {choices}" if (choices := first.read("Input.answer_choices")) else ""
    for number, explanation in zip(numbers, explanations, strict=True):
        source = first.read(f"Input.source_sample_{number}").strip()
        values = [CORRECT if number in own else FLAWED for own in accepted]
        yield {
            "id": f"{first.require('Input.id')}-{number}",
            "question": "\n".join(map(first.require, questions)) + choices,
            "answer": first.require("Input.gold_label"),
            "explanation": first.require(explanation),
            "gold_answer": first.require("Input.gold_label"),
            "prompt_kind": "greedy explanation" if source == "greedy" else "sampled explanation",
            "sample": items.parse_count(source, 1e9) or 0,
            "labels": [items.build_label(f"rater {n}", EXPLANATION, value) for n, value in enumerate(values, 1)],
        }


def _read_acceptable(row: items.Row, numbers: list[str]) -> set[str]:
    """Of "2|4|5" the explanations that the rater of this row accepts."""
    text = row.read("Answer.acceptable").strip()
    parts = text.split("|") if text else []
    if wrong := next((part for part in parts if part not in numbers), None):
        raise ValueError(f"Answer.acceptable names {wrong[:50]!r}, expected numbers such as 2|4|5")
    return {*parts}
