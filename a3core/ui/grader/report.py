"""What the labels say: sentences, pictures, tables, and behind every number the responses it counts."""

from __future__ import annotations

from html import escape
from threading import Thread

import gradio as gr
import pandas as pd

from a3core.ui.grader.service import GraderService, check_run
from a3core.ui.shared.errors import tells_errors

OPENED = ["id", "prompt kind", "model", "question", "explanation", "answer", "gold answer"]
MOST_OPENED = 500  # rows under a number; the rest is in the export
SECONDS = 10  # between two looks of a live report
NOTHING = '<p class="a3-told">Choose a run: its report appears here, and follows the labels.</p>'


def build_report_panel(grading: GraderService, run: gr.Dropdown) -> dict:
    """Returns the event that shows the report."""
    with gr.Row():
        refresh = gr.Button("Refresh", size="sm")
        live = gr.Checkbox(False, label=f"Live: look again every {SECONDS} seconds")
    timer = gr.Timer(SECONDS, active=False)
    summary = gr.HTML(NOTHING)
    with gr.Row():
        shares = gr.Plot(label="Shares with 95 % intervals")
        crossed = gr.Plot(label="Answer and explanation")
    with gr.Row():
        steps = gr.Plot(label="First wrong step", visible=False)
        agreed = gr.Plot(label="Agreement of annotators", visible=False)
    name = gr.Radio([], label="Table", info="click a number to see the responses behind it")
    table = gr.Dataframe(label="The numbers", interactive=False, wrap=True, max_height=400)
    opened = gr.Dataframe(headers=OPENED, label="The responses behind it", interactive=False, wrap=True, visible=False)

    @tells_errors
    def show(chosen: int | None, table_name: str | None):
        if chosen is None:
            return {summary: NOTHING}
        everything = build(grading, chosen)
        names = [key for key, rows in everything.tables.items() if len(rows)]
        wanted = table_name if table_name in names else names[0]
        return {
            summary: render_sentences(everything),
            **draw(everything, shares, crossed, steps, agreed),
            name: gr.Radio(names, value=wanted),
            table: tidy(everything.tables[wanted]),
        }

    @tells_errors
    def show_table(chosen: int | None, table_name: str):
        return tidy(build(grading, check_run(chosen)).tables[table_name]), gr.Dataframe(visible=False)

    @tells_errors
    def open_row(chosen: int | None, table_name: str, event: gr.SelectData):
        rows = build(grading, check_run(chosen)).tables[table_name]
        row, column = rows.iloc[event.index[0]], tidy(rows).columns[event.index[1]]
        return gr.Dataframe(tabulate_responses(grading, chosen, find_ids(row, column)), visible=True)

    outputs = [summary, shares, crossed, steps, agreed, name, table]
    showing = {"fn": show, "inputs": [run, name], "outputs": outputs, "api_visibility": "private"}
    gr.on([refresh.click, timer.tick], show_progress="hidden", **showing)
    live.input(lambda on: gr.Timer(active=on), live, timer, api_visibility="private")
    name.input(show_table, [run, name], [table, opened], api_visibility="private")
    table.select(open_row, [run, name], opened, api_visibility="private")
    run.change(lambda: gr.Dataframe(visible=False), None, opened, api_visibility="private")  # rows of another run
    return showing


def warm_up() -> None:
    """When the Grader is opened: loads in the background what its first report would wait for."""

    def load() -> None:
        from a3core.grader.report.tables import load_packages

        load_packages()

    Thread(target=load, daemon=True).start()


def build(grading: GraderService, run: int):
    from a3core.grader.report.tables import build_all

    return build_all(grading.store, run)


def draw(everything, shares: gr.Plot, crossed: gr.Plot, steps: gr.Plot, agreed: gr.Plot) -> dict:
    from a3core.grader.report.figures import (
        plot_agreement,
        plot_answer_explanation,
        plot_first_wrong_steps,
        plot_shares,
    )

    report, marked = everything.report, everything.report.first_wrong_steps
    has_steps = any(count.n for count in marked.absolute) or bool(marked.none)
    has_agreement = any(one.value is not None for one in everything.agreement.coefficients)
    return {
        shares: plot_shares(report),
        crossed: plot_answer_explanation(report.overall),
        steps: gr.Plot(plot_first_wrong_steps(report) if has_steps else None, visible=has_steps),
        agreed: gr.Plot(plot_agreement(everything.agreement) if has_agreement else None, visible=has_agreement),
    }


def render_sentences(everything) -> str:
    """The assignment's three sentences as this run has them, and what a reader should know; all escaped."""
    overall = everything.report.overall
    head = f"<p><strong>{overall.labelled:,} of {overall.n:,} responses are labelled.</strong></p>"
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in overall.sentences)
    notes = "".join(f'<p class="a3-told">{escape(note)}</p>' for note in everything.report.notes)
    return f'{head}<ul aria-label="The three sentences of the assignment">{sentences}</ul>{notes}'


def tidy(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that open a row, and with numbers as they are read."""
    columns = [key for key in rows.columns if key != "ids" and not key.endswith("_ids")]
    return rows[columns].map(format_cell).rename(columns=lambda key: key.replace("_", " "))


def format_cell(value) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else show_plainly(str(value))


def show_plainly(text: str) -> str:
    """What cannot travel as UTF-8 is shown as a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def find_ids(row: pd.Series, column: str) -> list[str]:
    """The responses behind a cell: n counts those of every kind, other numbers their own, or the row's first."""
    kinds = [key for key in row.index if key == "ids" or key.endswith("_ids")]
    own = f"{column.replace(' ', '_')}_ids"
    chosen = kinds if column == "n" else [own] if own in kinds else kinds[:1]
    return [id_ for key in chosen for id_ in (row[key] or ())]


def tabulate_responses(grading: GraderService, run: int, ids: list[str]) -> pd.DataFrame:
    wanted = set(ids[:MOST_OPENED])
    rows = [
        [r.id, r.prompt_kind, r.model, r.question, r.explanation[:2000], r.answer, r.gold_answer or ""]
        for r in grading.store.responses(run)
        if r.id in wanted
    ]
    return pd.DataFrame([[show_plainly(cell) for cell in row] for row in rows], columns=OPENED)
