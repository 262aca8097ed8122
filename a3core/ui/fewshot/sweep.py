"""The sweep of the Few-shot tab: the shipped results at once, a folder of one's own, or a small run here."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr
from markupsafe import Markup

from a3core.common.hosting import is_space, require_local
from a3core.common.paths import ASSETS, cache_dir
from a3core.fewshot.retrieval import METHODS
from a3core.fewshot.service import FewShot
from a3core.fewshot.sweep.report import load_results, plot_results
from a3core.fewshot.sweep.run import Sweep, SweepArgs, fit_args, parse_ks
from a3core.llm.decoding import METHODS as DECODINGS
from a3core.ui.fewshot.controls import PromptControls
from a3core.ui.fewshot.reading import Reading, build_reading, render_tables
from a3core.ui.shared import screen
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render
from a3core.ui.shared.limits import LONG_JOB, make_folder

SCREEN = "screen-sweep"
SHIPPED = ASSETS / "fewshot_grid"
MOST_QUESTIONS = 100  # of a run in the page; the command takes any number
LEAD = (
    "Every k, selection and decoding asked the same questions. Shares of right answers resolve only large effects at "
    "this n; the log-probability of the gold answer is finer."
)
SOURCE = """<p>{{ model }}; pool {{ pool.get("name") }} ({{ pool.get("rows") }} questions),
asked {{ validation.get("name") }}; encoder {{ encoder }}.</p>"""


def build_sweep_panel(fewshot: FewShot, controls: PromptControls, tab: gr.Tab) -> Reading:
    """Settings at left: which results, or a run of one's own; pictures, answers, then tables at right."""
    shipped = sorted(folder.name for folder in SHIPPED.glob("*") if (folder / "grid.json").is_file())
    hint = "as `python -m a3core fewshot-eval --out FOLDER` wrote it; Enter opens it"
    own = {"info": hint, "max_length": 1000, "visible": not is_space(), "elem_classes": "a3-field"}
    with screen.build_screen(SCREEN):
        with screen.build_settings(LEAD):
            source = gr.Radio(shipped, value=shipped[0] if shipped else None, label="Shipped results")
            folder = gr.Textbox(label="Or the folder of a run of your own", **own)
            quiet = {"elem_classes": ["a3-quiet-field", "a3-second"]}
            grid = {  # of a small run over the pool in use, by the field of `SweepArgs`
                "k": gr.Textbox("0,2,8", label="k", info="with commas", max_length=200, **quiet),
                "n": gr.Slider(5, MOST_QUESTIONS, 20, step=5, label="Questions", buttons=[], **quiet),
                "selection": gr.CheckboxGroup(list(METHODS), value=["random", "nearest"], label="Selection", **quiet),
                "decoding": gr.CheckboxGroup(list(DECODINGS), value=["greedy"], label="Decoding", **quiet),
            }
            with gr.Row():
                run, cancel = gr.Button("Run", variant="primary"), gr.Button("Cancel")
        with screen.build_results():
            status = gr.Markdown(elem_classes="a3-progress")
            head = gr.HTML(screen.render_status("", busy="Running…"), min_height=60)  # model, pool, questions, encoder
            with gr.Row(elem_classes="a3-result"):
                titles = {"exact_match": "Exact match", "log_probability": "Log-probability of the canonical answer"}
                plots = {name: gr.Plot(label=title, min_width=300) for name, title in titles.items()}
            reading = build_reading()
            tables = gr.HTML(elem_classes="a3-result")
            download = gr.File(label="Answers and tables", visible=False, interactive=False)
    view = [head, *plots.values(), *reading, tables]

    def fill(folder: Path) -> dict:
        results = load_results(folder)
        figures = plot_results(results.summary)
        line = screen.render_status("finished", busy="Running…", again="Run")
        title = screen.render_title("What the sweep found", status=line) + format_source(results.metadata)
        drawn = {plot: gr.Plot(figures.get(name), visible=name in figures) for name, plot in plots.items()}
        return {head: title, tables: render_tables(results), **drawn, **reading.fill(folder)}

    @tells_errors
    def show_shipped(name: str | None, opened: str = ""):
        if opened:
            return {head: gr.skip()}  # what was opened stays
        return fill(SHIPPED / name) if name in shipped else {head: ""}

    @tells_errors
    def show_folder(path: str):
        require_local("Opening a folder")
        if not path.strip():
            raise ValueError("Name the folder of a run first.")
        return fill(Path(path.strip()).expanduser())

    @tells_errors
    def run_grid(values: dict, progress=gr.Progress()):  # noqa: B008
        options = {name: tuple(values[grid[name]]) for name in ("selection", "decoding")}
        options |= {name: values[controls.selection[name]] for name in ("order", "guard", "hide_answer")}
        n = int(values[grid["n"]])
        args = SweepArgs(k=parse_ks(values[grid["k"]]), n=n, n_log_probability=n, **options)
        retriever, model = controls.load_pool(fewshot, values, progress), controls.load_model(fewshot, values, progress)
        args, notes = fit_args(args, model)
        questions, template = fewshot.questions(values[controls.used.validation]), controls.read_template(values)
        # one log for all: what was run is not run again
        sweep = Sweep(retriever, questions, model, args, cache_dir() / "grids", template)
        for step in sweep.run():
            yield {status: str(step)}
        sweep.folder = make_folder()
        sweep.save()
        files = gr.File([str(path) for path in sorted(sweep.folder.glob("*.csv"))], visible=True)
        yield {status: " ".join(["Done.", *notes]), download: files, **fill(sweep.folder)}

    screen.act(tab.select, SCREEN, fn=show_shipped, inputs=[source, reading.folder], outputs=view)
    screen.act(source.input, SCREEN, fn=show_shipped, inputs=source, outputs=view)
    screen.act(folder.submit, SCREEN, fn=show_folder, inputs=folder, outputs=view)
    inputs, outputs = {*controls.inputs, controls.used.validation, *grid.values()}, [status, download, *view]
    options = {"show_progress": "full", "show_progress_on": status, **LONG_JOB}
    running = screen.act(run.click, SCREEN, fn=run_grid, inputs=inputs, outputs=outputs, **options)
    stopped = "Cancelled: the results below are those from before. The same run goes on from there."
    screen.cancel_by(cancel, running, status, stopped)
    return reading


def format_source(metadata: dict) -> Markup:
    """What was run: a folder of one's own may hold anything."""
    model, encoder = str(metadata.get("model")), metadata.get("encoder")
    # as models write themselves: LanguageModel('gemma-3-270m', torch.bfloat16, cpu), EndpointModel('http://...')
    if written := re.fullmatch(r"\w+\('(.*)'(?:, torch\.(\w+), \w+)?\)", model):
        model = f"{written[1]}, computed in {written[2]}" if written[2] else written[1]
    pool, validation = metadata.get("pool", {}), metadata.get("validation", {})
    return render(SOURCE, model=model, pool=pool, validation=validation, encoder=encoder)
