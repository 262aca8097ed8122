"""A sweep's results in the page: its answers to filter, each prompt opened where it can be changed, and its tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import gradio as gr
import numpy as np
import pandas as pd
from markupsafe import Markup

from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.sweep.reading import choose_questions, list_cells, load_answers
from a3core.fewshot.sweep.report import LOG_PROBABILITY, Results
from a3core.ui.fewshot.cards import format_share
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import load_macros, read_template, render_table
from a3core.ui.shared.screen import QUIET

MOST_READ = 100  # questions in the table
TABLE = load_macros(__file__, "reading.html", share=format_share)
GONE = "These answers are gone: run the sweep again, or open its folder."


class Reading(NamedTuple):
    """The answers of the results that are open; hidden where they have none."""

    panel: gr.Column
    folder: gr.State  # of the results
    right_in: gr.Dropdown
    wrong_in: gr.Dropdown
    table: gr.HTML  # its event `open` has the id of a question, and the cell

    def fill(self, folder: Path) -> dict:
        """Values for all of it. Raises ValueError for a file that is no table."""
        answers = load_answers(folder)
        if answers is None:
            return {self.panel: gr.Column(visible=False), self.folder: str(folder)}
        choices = [("any", ""), *list_cells(answers)]
        opened = {self.panel: gr.Column(visible=True), self.folder: str(folder), self.table: render_answers(answers)}
        return opened | {widget: gr.Dropdown(choices, value="") for widget in (self.right_in, self.wrong_in)}


def build_reading() -> Reading:
    """The filters and the table, with what filters it."""
    quiet = {"min_width": 160, "filterable": False, "elem_classes": "a3-quiet-field"}
    with gr.Column(visible=False, elem_classes="a3-result") as panel:
        with gr.Row():
            right_in = gr.Dropdown(label="Right in", **quiet)
            wrong_in = gr.Dropdown(label="Wrong in", **quiet)
        table = gr.HTML(js_on_load=read_template(__file__, "reading.js"), label="Answers, question by question")
    reading = Reading(panel, gr.State(""), right_in, wrong_in, table)

    @tells_errors
    def filter_answers(folder: str, right: str, wrong: str):
        return render_answers(choose_questions(find_answers(folder), right, wrong))

    gr.on([right_in.input, wrong_in.input], filter_answers, [reading.folder, right_in, wrong_in], table, **QUIET)
    return reading


def find_answers(folder: str) -> pd.DataFrame:
    """Raises ValueError where they were removed since."""
    answers = load_answers(Path(folder))
    if answers is None:
        raise ValueError(GONE)
    return answers


def find_prompt(folder: str, id_: str, cell: str, asked: Pool) -> tuple[str, Demonstration, int, str]:
    """The prompt of a cell, its question with all the right answers that `asked` knows, k and the selection.

    Raises ValueError where there is none.
    """
    answers = find_answers(folder)
    found = answers[(answers["id"] == id_) & (answers["cell"] == cell)]
    if found.empty:
        raise ValueError(GONE)
    row = found.iloc[0]
    known = [each for each in asked.rows if (each.id, each.question) == (row["id"], row["question"])]
    question = known[0] if known else Demonstration(row["id"], row["question"], (row["gold"],))
    return row["prompt"], question, int(row["k"]), row["selection"]


def render_answers(answers: pd.DataFrame) -> Markup:
    """A row for each question, a column for each cell."""
    groups = list(answers.groupby("id", sort=False))
    rows = [{row.cell: row for row in group.itertuples()} for _, group in groups[:MOST_READ]]
    return TABLE.table(rows, list_cells(answers), len(groups), MOST_READ)


# Tables: `tables.json` has the title, the note and the columns of each: a head, and the format of its cells

IN_PERCENT = ["exact_match", "low", "high", "f1", "f1_error"]


def render_tables(results: Results) -> Markup:
    """All that a run has: right answers with Wilson's interval, nats, the answer in sight, the paired tests."""
    summary, tests = list_once(results.summary), results.tests
    is_likely = summary["decoding"] == LOG_PROBABILITY
    nats = summary[is_likely].assign(probability=100 * np.exp(summary["log_probability"]))
    tables = format_table("shares", summary[~is_likely]) + format_table("nats", nats)
    if results.sight is not None:
        tables += format_table("sight", list_once(results.sight))
    if "p_without" not in tests:
        return tables + format_table("tests of a run from before", tests)
    estimates = [name for name in tests if name.startswith(("difference", "low", "high"))]
    scale = np.where(tests["decoding"] == LOG_PROBABILITY, 1, 100)
    return tables + format_table("tests", tests.assign(**{name: scale * tests[name] for name in estimates}))


def list_once(summary: pd.DataFrame) -> pd.DataFrame:
    """Zero-shot, which has no selection, once; shares in per cent."""
    rows = summary.assign(selection=summary["selection"].where(summary["k"] > 0, "zero-shot"))
    rows[IN_PERCENT] = 100 * rows[IN_PERCENT]
    return rows.drop_duplicates(["k", "selection", "decoding"])


def format_table(name: str, rows: pd.DataFrame) -> Markup:
    """One of `tables.json`: a text a cell, "" for what was not measured; no table where there are no rows."""
    table, records = json.loads(read_template(__file__, "tables.json"))[name], rows.to_dict("records")
    cells = {head: [cell.format(**row) for row in records] for head, cell in table["columns"].items()}
    frame = pd.DataFrame(cells).replace(["nan", "nan to nan"], "")
    return render_table(frame, table["title"], table["note"].format(n=len(rows))) if records else Markup("")
