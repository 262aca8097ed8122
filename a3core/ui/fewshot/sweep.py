"""The sweep of the Few-shot tab: the shipped results at once, a folder of one's own, or a small run here."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import NamedTuple

import gradio as gr
import pandas as pd

from a3core.common.hosting import is_space, require_local
from a3core.common.paths import ASSETS, cache_dir
from a3core.fewshot.retrieval import METHODS
from a3core.fewshot.service import FewShot
from a3core.fewshot.sweep.figures import plot_results
from a3core.fewshot.sweep.report import Results, load_results
from a3core.fewshot.sweep.run import Sweep, SweepArgs, parse_ks
from a3core.llm.decoding import METHODS as DECODINGS
from a3core.ui.fewshot.controls import PromptControls
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import LONG_JOB, make_folder
from a3core.ui.shared.progress import report_to

SHIPPED = ASSETS / "fewshot_grid"
MOST_QUESTIONS = 100  # of a run in the page; the command takes any number
EXPLANATION = (
    "Every k, selection and decoding asked the same questions. EM resolves only large effects at this n; the "
    "log-probability of the gold answer after each prompt is finer, and paired question by question."
)


class ResultsView(NamedTuple):
    """The widgets that show a sweep's results."""

    source: gr.HTML  # model, pool, questions, encoder
    exact_match: gr.Plot
    log_probability: gr.Plot
    summary: gr.Dataframe
    comparisons: gr.Dataframe

    def fill(self, results: Results) -> dict:
        """Values for the widgets."""
        figures = plot_results(results.summary)
        return {
            self.source: format_source(results.metadata),
            self.exact_match: gr.Plot(figures.get("exact_match"), visible="exact_match" in figures),
            self.log_probability: gr.Plot(figures.get("log_probability"), visible="log_probability" in figures),
            self.summary: round_numbers(results.summary),
            self.comparisons: round_numbers(results.comparisons),
        }


def build_sweep_panel(fewshot: FewShot, controls: PromptControls, validation: gr.State) -> None:
    """Results, then a run of one's own."""
    shipped = sorted(folder.name for folder in SHIPPED.glob("*") if (folder / "grid.json").is_file())
    with gr.Accordion("Does it hold? The grid", open=False) as panel:
        gr.Markdown(EXPLANATION)
        with gr.Row():
            source = gr.Radio(shipped, value=shipped[0] if shipped else None, label="Shipped results")
            folder = gr.Textbox(
                label="Or the folder of a run of your own",
                info="as `python -m a3core fewshot-eval --out FOLDER` wrote it",
                submit_btn="Open",
                max_length=1000,
                visible=not is_space(),
            )
        view = ResultsView(
            source=gr.HTML(),
            exact_match=gr.Plot(label="Exact match"),
            log_probability=gr.Plot(label="Log-probability of the gold answer"),
            summary=gr.Dataframe(label="Every way of asking", interactive=False, wrap=True),
            comparisons=gr.Dataframe(label="Paired tests on the same questions", interactive=False, wrap=True),
        )
        build_run_panel(fewshot, controls, validation, view)

    @tells_errors
    def show_shipped(name: str | None):
        return view.fill(load_results(SHIPPED / name)) if name in shipped else {view.source: ""}

    @tells_errors
    def show_folder(path: str):
        require_local("Opening a folder")
        if not path.strip():
            raise ValueError("Name the folder of a run first.")
        return view.fill(load_results(Path(path.strip()).expanduser()))

    gr.on([panel.expand, source.input], show_shipped, source, list(view), api_visibility="private")
    folder.submit(show_folder, folder, list(view), api_visibility="private")


def build_run_panel(fewshot: FewShot, controls: PromptControls, validation: gr.State, view: ResultsView) -> None:
    """A small sweep over the pool in use, with progress and cancel."""
    with gr.Accordion("Run a small one here", open=False):
        with gr.Row():
            ks = gr.Textbox("0,2,8", label="k", info="with commas", max_length=200)
            n = gr.Slider(5, MOST_QUESTIONS, 20, step=5, label="Questions")
            selections = gr.CheckboxGroup(list(METHODS), value=["random", "nearest"], label="Selection")
            decodings = gr.CheckboxGroup(list(DECODINGS), value=["greedy"], label="Decoding")
        with gr.Row():
            run, cancel = gr.Button("Run", variant="primary"), gr.Button("Cancel")
        status = gr.Markdown(min_height=40)
        download = gr.File(label="Answers and tables", visible=False, interactive=False)

    @tells_errors
    def run_grid(values: dict, progress=gr.Progress()):  # noqa: B008
        args = SweepArgs(
            k=parse_ks(values[ks]),
            selection=tuple(values[selections]),
            decoding=tuple(values[decodings]),
            n=int(values[n]),
            n_log_probability=int(values[n]),
            order=values[controls.selection.order],
            guard=values[controls.selection.guard],
        )
        model = controls.load_model(fewshot, values, progress)
        pool = fewshot.pool(values[controls.pool], report_to(progress))
        questions, template = fewshot.questions(values[validation]), controls.selection.read_template(values)
        log = cache_dir() / "grids"  # one log for all: what was run is not run again
        sweep = Sweep(pool.retriever, questions, model, args, log, template)
        for step in sweep.run():
            yield {status: str(step)}
        sweep.folder = make_folder()
        sweep.save()
        files = [str(path) for path in sorted(sweep.folder.glob("*.csv"))]
        yield {status: "Done.", download: gr.File(files, visible=True)} | view.fill(load_results(sweep.folder))

    running = run.click(
        run_grid,
        {*controls.inputs, validation, ks, n, selections, decodings},
        [status, download, *view],
        show_progress_on=status,
        api_visibility="private",
        **LONG_JOB,
    )
    stopped = "Cancelled: the results above are those from before. The same run goes on where it stood."
    cancel.click(lambda: stopped, None, status, cancels=running, api_visibility="private")


def format_source(metadata: dict) -> str:
    """What was run, escaped: a folder of one's own may hold anything."""
    pool, questions = metadata.get("pool", {}), metadata.get("validation", {})
    parts = (metadata.get("model"), pool.get("name"), pool.get("rows"), questions.get("name"), metadata.get("encoder"))
    model, name, rows, asked, encoder = (escape(str(part)) for part in parts)
    return f"<p>{model}; pool {name} ({rows} questions), asked {asked}; encoder {encoder}.</p>"


def round_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Three significant digits, and spaces in the headings."""
    texts = {name: table[name].map(format_number) for name in table.select_dtypes("float").columns}
    return table.assign(**texts).rename(columns=lambda name: name.replace("_", " "))


def format_number(value: float) -> str:
    """Three significant digits; "" for NaN."""
    return f"{value:.3g}" if pd.notna(value) else ""
