"""The answers of a sweep, question by question: what a share of right answers is made of.

    answers = load_answers(Path("runs/fewshot"))
    list_cells(answers)                     ["zero-shot, greedy", "nearest, k = 8, greedy"]
    choose_questions(answers, right_in="nearest, k = 8, greedy", wrong_in="zero-shot, greedy")

A cell is a k, a selection and a decoding; zero-shot, which has no selection, is one.
"""

from pathlib import Path

import pandas as pd

from a3core.common.csv_safety import unescape_formula
from a3core.fewshot.sweep.report import CONDITION, LOG_PROBABILITY

TEXTS = ["id", "question", "gold", "prompt", "answer"]
NUMBERS = ["exact_match", "f1", "log_probability"]
PROMPT = ["k", "selection", "id"]  # names one


def load_answers(folder: Path) -> pd.DataFrame | None:
    """One row for each question and cell, with the log-probability in nats of the gold answer after the same prompt.

    None where the folder has no answers, such as a shipped one, or those of an earlier version, without prompts.
    """
    if not (folder / "answers.csv").is_file():
        return None
    texts, missing = dict.fromkeys(TEXTS, str), {name: [""] for name in NUMBERS}
    rows = pd.read_csv(folder / "answers.csv", dtype=texts, keep_default_na=False, na_values=missing)
    if "prompt" not in rows:
        return None
    absent = dict.fromkeys(TEXTS, "") | dict.fromkeys(NUMBERS, float("nan"))  # in a run of one kind of cell
    rows = rows.assign(**{name: value for name, value in absent.items() if name not in rows})
    rows[TEXTS] = rows[TEXTS].map(unescape_formula)
    rows["selection"] = rows["selection"].where(rows["k"] > 0, "zero-shot")
    rows["cell"] = rows["selection"] + rows["k"].map(lambda k: f", k = {k}, " if k else ", ") + rows["decoding"]
    rows = rows.drop_duplicates([*CONDITION, "id"])
    is_scored = rows["decoding"] == LOG_PROBABILITY
    generated = rows if is_scored.all() else rows[~is_scored]
    scored = rows.loc[is_scored, [*PROMPT, "log_probability"]]
    return generated.drop(columns="log_probability").merge(scored, how="left", on=PROMPT)


def list_cells(answers: pd.DataFrame) -> list[str]:
    """The names of the cells, in the order in which they were run."""
    return list(dict.fromkeys(answers["cell"]))


def choose_questions(answers: pd.DataFrame, right_in: str = "", wrong_in: str = "") -> pd.DataFrame:
    """The rows of the questions that are answered right in the one cell and wrong in the other; "": in any.

    Of the cells only those that are named, unless none is.
    """
    for cell, is_right in ((right_in, True), (wrong_in, False)):
        if cell:
            in_cell = answers[answers["cell"] == cell]
            found = in_cell.loc[in_cell["exact_match"].eq(True) == is_right, "id"]
            answers = answers[answers["id"].isin(found)]
    named = [cell for cell in (right_in, wrong_in) if cell]
    return answers[answers["cell"].isin(named)] if named else answers
