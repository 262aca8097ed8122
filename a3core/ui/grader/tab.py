"""The Grader tab: label answers and explanations, see what the labels say, bring runs in and take them out."""

from __future__ import annotations

import os

import gradio as gr

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.common.hosting import is_space
from a3core.fewshot.service import FewShot
from a3core.grader.labels.schema import propose_annotator
from a3core.ui.grader.birthplaces import build_recall_run_panel
from a3core.ui.grader.label import QUIET_FIELD, LabelSettings, build_label_panel
from a3core.ui.grader.questions import build_schema_panel
from a3core.ui.grader.report import ReportSettings, build_report_panel
from a3core.ui.grader.runs import build_generation_panel, build_runs_panel
from a3core.ui.grader.service import GraderLinks, GraderService, find_user
from a3core.ui.grader.what_if import build_what_if_panel
from a3core.ui.shared import screen
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import read_template
from a3core.ui.shared.limits import make_folder

INTRODUCTION = (
    "Does a right answer come from a right explanation? Read, judge, press a key; then read the <b>report</b>."
)


def build_memory() -> gr.BrowserState:
    """Who labelled here last, and in which run; the same after a restart of the app. It is outside the page's tabs,
    for what is in a tab is not there before the tab is opened.
    """
    return gr.BrowserState(["", None], storage_key="a3-grader", secret="a3-grader")


def build_cot_tab(
    grading: GraderService,
    fewshot: FewShot,
    checkpoints: CheckpointStore,
    page: gr.Blocks,
    remembered: gr.BrowserState,
    tabs: gr.Tabs,
) -> GraderLinks:
    """Widgets, then wiring; returns what other tabs open it with. `fewshot` lends its language models to generate
    runs with, `checkpoints` are asked for birthplaces; `tabs` are the page's, for the link.
    """
    with screen.build_screen("screen-grader"):
        with screen.build_settings(INTRODUCTION):
            # free, for the list of a page that outlives a restart of the app is not known to the new one
            run = gr.Dropdown(
                [], value=None, label="Run", allow_custom_value=True, elem_classes=["a3-second", QUIET_FIELD]
            )
            annotator = gr.Textbox(
                label="Your name",
                placeholder="as your labels are signed",
                max_length=100,
                elem_id="grader-name",
                elem_classes=["a3-field", QUIET_FIELD],
            )
            if is_space() and os.environ.get("OAUTH_CLIENT_ID"):
                gr.LoginButton()
            screen.build_more()
            label_settings, report_settings = LabelSettings(), ReportSettings()
            where = gr.Markdown(min_height=24, elem_classes=["a3-second", "a3-hint", "a3-for-runs"])
        with screen.build_sections() as panels:
            with gr.Tab("Label", id="label", elem_id="grader-label") as label_tab, screen.build_results():
                showing = build_label_panel(grading, run, annotator, label_settings)
            with gr.Tab("Report", id="report", elem_id="grader-report") as report_tab, screen.build_results():
                reporting = build_report_panel(grading, run, report_settings, label_settings, panels)
            with gr.Tab("What if", id="what-if", elem_id="grader-what-if") as what_if_tab, screen.build_results():
                build_what_if_panel(grading, fewshot, run, annotator, what_if_tab)
            with gr.Tab("Runs", id="runs", elem_id="grader-runs"), screen.build_results():
                build_runs_panel(grading, run, showing)
            with gr.Tab("Generate", id="generate"), screen.build_results(), gr.Row(elem_classes="a3-columns"):
                with gr.Column(scale=3, min_width=320):
                    build_generation_panel(grading, fewshot, run)
                with gr.Column(scale=2, min_width=300):
                    build_recall_run_panel(grading, checkpoints, run)
            with gr.Tab("Questions", id="questions"), screen.build_results():
                build_schema_panel(grading, run, showing)

    def open_page(remembered: list, request: gr.Request):
        """Where this browser stopped, or what the link names; a signed-in user's name cannot be changed."""
        try:
            runs, location = grading.list_runs(), grading.describe_location()
            query = getattr(request, "query_params", {})
            name = query.get("run") if query.get("tab") == "grader" else None
            infos = grading.store.runs() if name else []
            linked = next((one.id for one in infos if name in (one.name, one.key)), None)
        except ValueError as error:  # the rest of the page works without a database
            return {where: f"⚠ {error}"}
        name, last = remembered or ["", None]
        known = [id_ for _, id_ in runs]
        chosen = next((id_ for id_ in (linked, last, *known) if id_ in known), None)
        user = find_user(request)
        label = "Signed in as" if user else "Your name"
        box = gr.Textbox(value=user or name or propose_annotator(), interactive=user is None, label=label)
        opened = {tabs: gr.Tabs(selected="grader")} if linked else {}
        if linked:  # whose labels the report counts
            names = query.getlist("by")
            opened[report_settings.people] = gr.Dropdown(names, value=names, multiselect=True)
            opened[report_settings.adjudicated] = query.get("adjudicated") != "no"
            opened[panels] = gr.Tabs(selected="report" if query.get("section") == "report" else "label")
        return {run: gr.Dropdown(runs, value=chosen), annotator: box, where: location, **opened}

    whose = [report_settings.people, report_settings.adjudicated]
    page.load(open_page, remembered, [run, annotator, where, panels, tabs, *whose], **screen.QUIET).success(**showing)
    written = [label_tab.select, report_tab.select, *(widget.change for widget in whose)]
    gr.on(written, None, whose, js=read_template(__file__, "write_link.js"), **screen.QUIET)
    opening = [run.change, annotator.submit, annotator.blur]
    screen.follow(opening, fn=lambda *values: list(values), inputs=[annotator, run], outputs=remembered)
    # whoever changes the run, a person or another panel, sees its item: a key must never be meant for another's
    screen.follow(opening, **showing)
    screen.act(report_tab.select, "screen-grader", **reporting)
    # no action of a person: what is wrong with the name stays beside it
    screen.follow(run.change, **reporting)
    add_endpoints(grading)
    return GraderLinks(run, annotator, remembered, panels, showing)


def add_endpoints(grading: GraderService) -> None:
    """What others may read: the report, and the labels as a file. Writing labels is no endpoint."""

    @tells_errors
    def label_report(run: str) -> dict:
        """What people's labels of a run of model responses say: how many answers and explanations are right.

        Shares are between 0 and 1, with their k, n and 95 % Wilson interval (low, high). Ids name the responses that
        a number counts.

        Args:
            run: the run's name as the Grader tab lists it

        Returns:
            report: shares for every prompt kind and model, answer against explanation, paired tests, first wrong steps
            agreement: kappas and alpha of the annotators
            consistency: majority votes over several samples of a question
        """
        import json

        from a3core.grader.report.tables import build_all

        return json.loads(build_all(grading.store, grading.store.find_run(run)).to_json())

    @tells_errors
    def export_labels(run: str, format: str = "jsonl") -> gr.FileData:
        """The labels of a run as a file: one row for each present label of each annotator, beside its response.

        Args:
            run: the run's name as the Grader tab lists it
            format: "jsonl", "csv" or "parquet"

        Returns:
            the file
        """
        from a3core.grader.export.archive import export_labels as write

        return gr.FileData(path=str(write(grading.store, grading.store.find_run(run), format, make_folder())))

    gr.api(label_report, api_name="label_report")
    gr.api(export_labels, api_name="export_labels")
