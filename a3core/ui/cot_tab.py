"""The Grader tab: label answers and explanations, see what the labels say, bring runs in and take them out."""

from __future__ import annotations

import gradio as gr

from a3core.fewshot.asking import FewShot
from a3core.ui.cot_label import build_label_panel
from a3core.ui.cot_parts import Grading, find_user, offers_sign_in
from a3core.ui.cot_report import build_report_panel
from a3core.ui.cot_runs import build_runs_panel
from a3core.ui.cot_schema import build_schema_panel
from a3core.ui.errors import tells_errors

INTRODUCTION = (
    "A model that first says what it knows answers better. But does a right answer come from a right explanation? "
    "Nobody can tell but people who read them: **label** one response after the other, then read the **report**."
)


def build_memory() -> gr.BrowserState:
    """Who labelled here last, and in which run; the same after a restart of the app. It stands outside the page's tabs,
    for what is in a tab is not there before the tab is opened.
    """
    return gr.BrowserState(["", None], storage_key="a3-grader", secret="a3-grader")


def build_cot_tab(grading: Grading, fewshot: FewShot, page: gr.Blocks, remembered: gr.BrowserState) -> None:
    """Widgets, then wiring. `fewshot` lends its language models to generate runs with."""
    gr.Markdown(INTRODUCTION)
    with gr.Row():
        # free, for the list of a page that outlives a restart of the app is not known to the new one
        run = gr.Dropdown([], value=None, label="Run", scale=3, allow_custom_value=True)
        annotator = gr.Textbox(label="Your name", placeholder="as your labels are signed", max_length=100, scale=2)
        if offers_sign_in():
            gr.LoginButton()
    where = gr.Markdown(min_height=24)
    with gr.Tabs():
        with gr.Tab("Label"):
            showing = build_label_panel(grading, run, annotator)
        with gr.Tab("Report") as report_tab:
            reporting = build_report_panel(grading, run)
        with gr.Tab("Runs"):
            build_runs_panel(grading, fewshot, run)
        with gr.Tab("Questions"):
            build_schema_panel(grading, run)

    def open_page(remembered: list, request: gr.Request):
        """Where this browser stood; a signed-in user's name cannot be changed."""
        try:
            runs, place = grading.list_runs(), grading.describe_place()
        except ValueError as error:  # the rest of the page works without a database
            return {where: f"⚠ {error}"}
        name, last = remembered or ["", None]
        chosen = last if last in [id_ for _, id_ in runs] else (runs[0][1] if runs else None)
        user = find_user(request)
        known = {"value": user or name} if user or name else {}  # else what was typed meanwhile stays
        box = gr.Textbox(**known, interactive=user is None, label="Signed in as" if user else "Your name")
        return {run: gr.Dropdown(runs, value=chosen), annotator: box, where: place}

    private = {"api_visibility": "private", "show_progress": "hidden"}
    page.load(open_page, remembered, [run, annotator, where], **private).success(**showing)
    gr.on(
        [run.input, annotator.submit, annotator.blur],
        lambda *values: list(values),
        [annotator, run],
        remembered,
        **private,
    )
    gr.on([run.input, annotator.submit, annotator.blur], **showing)
    gr.on([report_tab.select, run.input], **reporting)
    add_endpoints(grading)


def add_endpoints(grading: Grading) -> None:
    """What others may read: the report, and the labels as a file. Writing labels is no endpoint."""

    @tells_errors
    def label_report(run: str) -> dict:
        """What the labels of a run say.

        Args:
            run: the run's name

        Returns:
            Shares with 95 % Wilson intervals for every prompt kind and model, the answer x explanation table with
            Fisher's exact test, paired tests between prompt kinds, the first wrong steps, agreement of annotators.
        """
        import json

        from a3core.cot.reporting import build_all

        return json.loads(build_all(grading.store, grading.store.find_run(run)).to_json())

    @tells_errors
    def export_labels(run: str, format: str = "jsonl") -> gr.FileData:
        """The responses of a run with everybody's present labels, as a file.

        Args:
            run: the run's name
            format: jsonl, csv or parquet

        Returns:
            The file.
        """
        from a3core.cot.exporting import export_labels as write

        return gr.FileData(path=str(write(grading.store, grading.store.find_run(run), format)))

    gr.api(label_report, api_name="label_report")
    gr.api(export_labels, api_name="export_labels")
