"""The sweep of the Few-shot tab: the shipped results at once, a folder of one's own, or a small run here."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import gradio as gr
from markupsafe import Markup

from a3core.common.hosting import is_space, require_local
from a3core.common.paths import ASSETS, cache_dir
from a3core.fewshot.retrieval import METHODS
from a3core.fewshot.service import FewShot
from a3core.fewshot.sweep.figures import plot_results
from a3core.fewshot.sweep.report import Results, load_results
from a3core.fewshot.sweep.run import Sweep, SweepArgs, fit_args, parse_ks
from a3core.llm.decoding import METHODS as DECODINGS
from a3core.ui.fewshot.answers import stop_by
from a3core.ui.fewshot.controls import PromptControls
from a3core.ui.fewshot.tables import render_tables
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render
from a3core.ui.shared.limits import LONG_JOB, make_folder
from a3core.ui.shared.screen import act, build_lead, build_results, build_screen, build_settings, render_status

SCREEN = "screen-sweep"
SHIPPED = ASSETS / "fewshot_grid"
MOST_QUESTIONS = 100  # of a run in the page; the command takes any number
LEAD = (
    "Every k, selection and decoding asked the same questions. Shares of right answers resolve only large effects at "
    "this n; the log-probability of the gold answer is finer."
)
SOURCE = "<p>{{ model }}; pool {{ name }} ({{ rows }} questions), asked {{ asked }}; encoder {{ encoder }}.</p>"


class ResultsView(NamedTuple):
    """The widgets that show a sweep's results."""

    source: gr.HTML  # model, pool, questions, encoder
    exact_match: gr.Plot
    log_probability: gr.Plot
    tables: gr.HTML

    def fill(self, results: Results) -> dict:
        """Values for the widgets."""
        figures = plot_results(results.summary)
        return {
            self.source: render_status("finished", busy="Running…", again="Run") + format_source(results.metadata),
            self.exact_match: gr.Plot(figures.get("exact_match"), visible="exact_match" in figures),
            self.log_probability: gr.Plot(figures.get("log_probability"), visible="log_probability" in figures),
            self.tables: render_tables(results),
        }


class RunControls(NamedTuple):
    """What a small run is of."""

    ks: gr.Textbox
    n: gr.Slider
    selections: gr.CheckboxGroup
    decodings: gr.CheckboxGroup
    run: gr.Button
    cancel: gr.Button

    def read(self, values: dict, controls: PromptControls) -> SweepArgs:
        """Raises ValueError."""
        return SweepArgs(
            k=parse_ks(values[self.ks]),
            selection=tuple(values[self.selections]),
            decoding=tuple(values[self.decodings]),
            n=int(values[self.n]),
            n_log_probability=int(values[self.n]),
            order=values[controls.selection["order"]],
            guard=values[controls.selection["guard"]],
            hide_answer=values[controls.selection["hide_answer"]],
        )


def build_sweep_panel(fewshot: FewShot, controls: PromptControls, validation: gr.State, tab: gr.Tab) -> None:
    """Settings at left: which results, or a run of one's own; pictures before tables at right."""
    shipped = sorted(folder.name for folder in SHIPPED.glob("*") if (folder / "grid.json").is_file())
    with build_screen(SCREEN):
        with build_settings():
            build_lead(LEAD)
            source = gr.Radio(shipped, value=shipped[0] if shipped else None, label="Shipped results")
            folder = gr.Textbox(
                label="Or the folder of a run of your own",
                info="as `python -m a3core fewshot-eval --out FOLDER` wrote it; Enter opens it",
                max_length=1000,
                visible=not is_space(),
                elem_classes="a3-field",
            )
            run = build_run_controls()
        with build_results():
            status = gr.Markdown(min_height=24)
            source_of = gr.HTML(render_status("", busy="Running…"), min_height=60)
            with gr.Row(elem_classes="a3-result"):
                exact_match = gr.Plot(label="Exact match", min_width=300)
                log_probability = gr.Plot(label="Log-probability of the canonical answer", min_width=300)
            view = ResultsView(source_of, exact_match, log_probability, tables=gr.HTML(elem_classes="a3-result"))
            download = gr.File(label="Answers and tables", visible=False, interactive=False)

    @tells_errors
    def show_shipped(name: str | None):
        return view.fill(load_results(SHIPPED / name)) if name in shipped else {view.source: ""}

    @tells_errors
    def show_folder(path: str):
        require_local("Opening a folder")
        if not path.strip():
            raise ValueError("Name the folder of a run first.")
        return view.fill(load_results(Path(path.strip()).expanduser()))

    @tells_errors
    def run_grid(values: dict, progress=gr.Progress()):  # noqa: B008
        model = controls.load_model(fewshot, values, progress)
        args, notes = fit_args(run.read(values, controls), model)
        pool = controls.load_pool(fewshot, values, progress)
        questions, template = fewshot.questions(values[validation]), controls.read_template(values)
        log = cache_dir() / "grids"  # one log for all: what was run is not run again
        sweep = Sweep(pool.retriever, questions, model, args, log, template)
        for step in sweep.run():
            yield {status: str(step)}
        sweep.folder = make_folder()
        sweep.save()
        files = [str(path) for path in sorted(sweep.folder.glob("*.csv"))]
        yield {status: " ".join(["Done.", *notes]), download: gr.File(files, visible=True)} | view.fill(
            load_results(sweep.folder)
        )

    opening = {"fn": show_shipped, "inputs": source, "outputs": list(view)}
    act(tab.select, SCREEN, **opening)
    act(source.input, SCREEN, **opening)
    act(folder.submit, SCREEN, fn=show_folder, inputs=folder, outputs=list(view))
    running = act(
        run.run.click,
        SCREEN,
        fn=run_grid,
        inputs={*controls.inputs, validation, *run[:4]},
        outputs=[status, download, *view],
        show_progress="full",
        show_progress_on=status,
        **LONG_JOB,
    )
    stopped = "Cancelled: the results below are those from before. The same run goes on from there."
    stop_by(run.cancel, SCREEN, running)
    run.cancel.click(lambda: stopped, None, status, queue=False, api_visibility="private")


def build_run_controls() -> RunControls:
    """The fields of a small run over the pool in use."""
    quiet = {"elem_classes": ["a3-quiet-field", "a3-second"]}
    ks = gr.Textbox("0,2,8", label="k", info="with commas", max_length=200, **quiet)
    n = gr.Slider(5, MOST_QUESTIONS, 20, step=5, label="Questions", buttons=[], **quiet)
    selections = gr.CheckboxGroup(list(METHODS), value=["random", "nearest"], label="Selection", **quiet)
    decodings = gr.CheckboxGroup(list(DECODINGS), value=["greedy"], label="Decoding", **quiet)
    with gr.Row():
        run, cancel = gr.Button("Run", variant="primary"), gr.Button("Cancel")
    return RunControls(ks, n, selections, decodings, run, cancel)


def format_source(metadata: dict) -> Markup:
    """What was run: a folder of one's own may hold anything."""
    pool, questions = metadata.get("pool", {}), metadata.get("validation", {})
    return render(
        SOURCE,
        model=metadata.get("model"),
        name=pool.get("name"),
        rows=pool.get("rows"),
        asked=questions.get("name"),
        encoder=metadata.get("encoder"),
    )
