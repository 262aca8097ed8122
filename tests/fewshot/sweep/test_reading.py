"""A sweep's answers read again from answers.csv: cells, scores and filters against hand counts."""

from __future__ import annotations

import pandas as pd
import pytest

from a3core.common.csv_safety import save_csv
from a3core.fewshot.sweep.reading import choose_questions, list_cells, load_answers
from a3core.fewshot.sweep.report import LOG_PROBABILITY

FEW, NONE = "nearest, k = 2, greedy", "zero-shot, greedy"


def build_row(id_: str, k: int, selection: str, decoding: str, **scores) -> dict:
    row = {"k": k, "selection": selection, "decoding": decoding, "id": id_, "question": f"Q {id_}?", "gold": "=Ann"}
    return row | {"prompt": f"{k} {selection}", "demonstrations": "a b"} | scores


@pytest.fixture
def folder(tmp_path):
    rows = []
    for selection in ("random", "nearest"):
        for id_, answer, is_right in (("07", "", False), ("8", "nan", True)):
            rows.append(build_row(id_, 0, selection, "greedy", answer=answer, exact_match=is_right, f1=float(is_right)))
        rows.append(build_row("07", 2, selection, "greedy", answer="=Ann", exact_match=True, f1=1.0))
        rows.append(build_row("8", 2, selection, "greedy", answer="Bob", exact_match=False, f1=0.0))
        rows.append(build_row("07", 2, selection, LOG_PROBABILITY, log_probability=-1.5))
        rows.append(build_row("9", 2, selection, LOG_PROBABILITY, log_probability=-2.5))
    save_csv(pd.DataFrame(rows), tmp_path / "answers.csv")
    return tmp_path


def test_each_question_has_one_row_a_cell_with_the_nats_of_its_prompt(folder):
    answers = load_answers(folder)
    assert list_cells(answers) == [NONE, "random, k = 2, greedy", FEW]  # zero-shot once
    rows = {(row.id, row.cell): row for row in answers.itertuples()}
    assert len(rows) == len(answers) == 6
    few = rows["07", FEW]
    assert (few.answer, few.gold, few.exact_match, few.log_probability) == ("=Ann", "=Ann", True, -1.5)
    assert few.prompt == "2 nearest" and pd.isna(rows["8", FEW].log_probability)
    assert rows["07", NONE].answer == "" and rows["8", NONE].answer == "nan"  # texts stay what they are


@pytest.mark.parametrize(
    ("right_in", "wrong_in", "ids", "cells"),
    [
        ("", "", ["07", "8"], 3),
        (FEW, "", ["07"], 1),
        (FEW, NONE, ["07"], 2),
        (NONE, FEW, ["8"], 2),
        ("", NONE, ["07"], 1),
        (FEW, FEW, [], 0),
    ],
)
def test_right_here_and_wrong_there(folder, right_in, wrong_in, ids, cells):
    chosen = choose_questions(load_answers(folder), right_in, wrong_in)
    assert list(dict.fromkeys(chosen["id"])) == ids and len(list_cells(chosen)) == cells


def test_a_run_of_log_probabilities_alone_has_cells_without_answers(tmp_path):
    save_csv(pd.DataFrame([build_row("1", 2, "bm25", LOG_PROBABILITY, log_probability=-3.0)]), tmp_path / "answers.csv")
    (row,) = load_answers(tmp_path).itertuples()
    assert (row.cell, row.answer, row.log_probability) == ("bm25, k = 2, log-probability", "", -3.0)
    assert pd.isna(row.exact_match)


def test_what_has_no_prompts_has_no_answers_to_read(tmp_path):
    assert load_answers(tmp_path) is None  # as what is shipped
    save_csv(pd.DataFrame([{"k": 0, "id": "1", "answer": "x"}]), tmp_path / "answers.csv")  # of an earlier version
    assert load_answers(tmp_path) is None
