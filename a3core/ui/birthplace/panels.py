"""Sections beside the answers: knowing when not, why pretraining helps, a file of questions, the training curves.

Each builder gets the checkpoints and its section, and returns the section's choice of a family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

import gradio as gr
import pandas as pd

from a3core.birthplace.checkpoints import CheckpointStore, Training
from a3core.birthplace.data.corpora import CorpusSpec
from a3core.birthplace.data.loading import load_questions
from a3core.birthplace.file_evaluation import FileEvaluation
from a3core.birthplace.model.vocabulary import MASK
from a3core.birthplace.prediction.confidence import CoveragePoint, tabulate_coverage
from a3core.common.csv_safety import save_csv
from a3core.ui.birthplace.families import build_family
from a3core.ui.shared import screen
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render, render_table
from a3core.ui.shared.limits import LONG_JOB, make_folder

PRIVATE = {"api_visibility": "private"}
QUIET = {**PRIVATE, "show_progress": "hidden"}
MEMORY = (
    "Pretraining hides a span of a sentence and asks for it. Write ___ where a span is missing. The pretrained model "
    "fills it; no training has asked it a question."
)
WHY = """<div class="a3"><h3>Why pretraining helps</h3><p>The assignment makes three claims. The text that is read holds
the birthplaces. The model remembers them. Finetuning adds the form of the question, and forgets nothing.</p>
<p>Measured (BENCHMARKS.md), the first two hold. The third holds in part: much of what can be asked for can no longer be
filled in.</p></div>"""
UNFILLED = '<p class="muted">Fill the span: the sentence appears here, with what the model remembers in yellow.</p>'
FILLED = """<p>{{ parts[0] }}<mark class="a3-filled">{{ span.place }}</mark>{{ parts[1] }}</p>
<p class="small muted">{{ checkpoint }}, probability of the whole span {{ span.probability | percent(1) }}</p>"""
SENTENCES = {
    "builtin": [
        f"Babe Ruth was born in {MASK}.",
        f"Yogi Berra, {MASK}, was born in St. Louis.",
        f"Willie Mays {MASK} for the San Francisco Giants.",
    ],
    "course": [
        f"John Millen. John Millen was born in {MASK}",
        f"Tony Conran. Tony Conran (born in {MASK}) is a poet",
        f"John Millen. John Millen {MASK}",
    ],
}
TRAINING_COLUMNS = ["checkpoint", "stage", "starts from", "tokens", "counted in", "minutes", "dev questions right"]
WHEN_NOT = (
    "A recall model judges itself: by the probabilities of its sentence and place, and its lead over the next place. "
    "Together they are its <b>confidence</b>, fitted on questions that the training did not have.",
    "<b>Sure</b> means right at least 19 times in 20, <b>fairly sure</b> 3 in 4, <b>unsure</b> every other time. "
    "Below 40 % it is <b>guessing</b>.",
)
CURVES = "How each checkpoint learned: its loss after each epoch, and what the training took."
NO_CONFIDENCE = """<p class="a3 muted">No checkpoint of this family has a confidence.
<code>python -m a3core train-recall --hold-out 200</code> fits one, on the questions that it holds out.</p>"""
FILE = "One question a line, <code>Where was X born?</code>, a TAB, and the place. Without places, nothing is scored."


def build_picture_panel(
    checkpoints: CheckpointStore, section: gr.Tab, name: str, leads: Sequence[str], title: str, show: Callable
) -> gr.Radio:
    """A screen with a picture and a table of a family: `show(corpus)` gives both when the section opens."""
    with screen.build_screen(name):
        with screen.build_settings():
            for lead in leads:
                screen.build_lead(lead)
            family = build_family(checkpoints)
        with screen.build_results():
            gr.HTML(screen.render_title(title))
            outputs = [gr.Plot(label=title, visible=False), gr.HTML()]
    gr.on([section.select, family.change], show, family, outputs, **QUIET)
    return family


def build_confidence_panel(checkpoints: CheckpointStore, section: gr.Tab) -> gr.Radio:
    """Accuracy against coverage on the questions that the confidence was fitted on."""

    @tells_errors
    def show_coverage(corpus: str) -> list:
        curves = checkpoints.coverage(corpus)
        return [draw_coverage(curves), render_table(tabulate_curves(curves)) if curves else NO_CONFIDENCE]

    title = "What is right if it answers only what it is surest of"
    return build_picture_panel(checkpoints, section, "screen-confidence", WHEN_NOT, title, show_coverage)


def tabulate_curves(curves: dict[str, list[CoveragePoint]]) -> pd.DataFrame:
    """The tables of all checkpoints, one below the other."""
    tables = [tabulate_coverage(points).assign(checkpoint=name) for name, points in curves.items()]
    table = pd.concat(tables, ignore_index=True)
    return table[["checkpoint", *table.columns.drop("checkpoint")]]


def list_sentences(corpus: str) -> list[str]:
    """Sentences with a missing span about people of a family; of one's own facts, those of the baseball people."""
    return SENTENCES.get(CorpusSpec.parse(corpus).source, SENTENCES["builtin"])


def build_memory_panel(checkpoints: CheckpointStore, section: gr.Tab) -> gr.Radio:
    """The pretrained model fills a span of the person's own sentence."""
    name = "screen-memory"
    with screen.build_screen(name):
        with screen.build_settings():
            screen.build_lead(MEMORY)
            sentence = gr.Textbox(label="A sentence with one missing span", max_length=500, elem_classes="a3-field")
            fill = gr.Button("Fill the span", variant="primary")
            family = build_family(checkpoints)
            chips = screen.build_chips(list_sentences(family.value))
            sentence.value = chips[0].value
        with screen.build_results():
            status = screen.render_status("", "Filling…", "Fill again")
            gr.HTML(screen.render_title("What the pretrained model remembers", status=status))
            filled = gr.HTML(UNFILLED, elem_classes=["a3", "a3-result", "a3-recalled"])
            gr.HTML(WHY)

    @tells_errors
    def fill_sentence(text: str, corpus: str) -> str:
        from a3core.birthplace.prediction.direct import fill_span

        names = checkpoints.names(corpus, answering=False)
        if not names:
            raise ValueError("no checkpoint of this family was pretrained on spans: choose another family")
        text = (text or "").replace("___", MASK)
        span = fill_span(checkpoints.predictor(names[0]).model, text)
        return render(FILLED, parts=text.split(MASK), span=span, checkpoint=names[0])

    def offer_sentences(corpus: str) -> list[gr.Button]:
        return list(map(gr.Button, list_sentences(corpus)))

    screen.act([fill.click, sentence.submit], name, fn=fill_sentence, inputs=[sentence, family], outputs=filled)
    for chip in chips:
        screen.press(chip.click(lambda text: text, chip, sentence, **PRIVATE).success, name)
    family.change(offer_sentences, family, chips, **QUIET)
    return family


def build_file_panel(checkpoints: CheckpointStore, section: gr.Tab) -> gr.Radio:
    """Accuracy of every checkpoint on an uploaded file, with intervals, paired tests and the predictions."""
    name = "screen-file"
    with screen.build_screen(name):
        with screen.build_settings():
            screen.build_lead(FILE)
            upload = gr.File(
                label="Questions (.tsv or .txt)", file_types=[".tsv", ".txt"], height=120, elem_classes="a3-field"
            )
            with gr.Row():
                run, cancel = gr.Button("Evaluate", variant="primary"), gr.Button("Cancel")
            family = build_family(checkpoints)
        with screen.build_results():
            status = screen.render_status("", "Asking…", "Evaluate again")
            gr.HTML(screen.render_title("How many answers are right", status=status))
            status = gr.Markdown("Choose a file: every checkpoint of the family answers it.", min_height=40)
            with gr.Column(elem_classes="a3-result"):
                accuracy = gr.HTML(visible=False)
                chart = gr.Plot(label="Accuracy with 95 % intervals", visible=False)
                pairs = gr.HTML(visible=False)
                sure = gr.Plot(label="Accuracy against coverage", visible=False)
                download = gr.File(label="Predictions", visible=False, interactive=False)

    @tells_errors
    def evaluate_file(path: str | None, corpus: str):
        if not path:
            raise ValueError("choose a file of questions first")
        evaluation = FileEvaluation(load_questions(path), checkpoints, corpus)
        for step in evaluation.run():
            yield {status: f"{step.done:,} of {step.total:,} answers …"}
        scored, paired = evaluation.has_answers, evaluation.comparison_table()
        yield {
            status: escape(evaluation.describe()),
            accuracy: gr.HTML(render_table(evaluation.accuracy_table()), visible=scored),
            chart: draw_accuracies(evaluation),
            pairs: gr.HTML(PAIRED + render_table(paired), visible=scored),
            sure: draw_coverage(evaluation.coverage()),
            download: gr.File(write_predictions(evaluation), visible=True),
        }

    outputs = [status, accuracy, chart, pairs, sure, download]
    waiting = {"show_progress": "full", "show_progress_on": status, **LONG_JOB}
    running = screen.act(run.click, name, fn=evaluate_file, inputs=[upload, family], outputs=outputs, **waiting)
    stopped = cancel.click(lambda: "Cancelled: nothing was stored.", None, status, cancels=running, **PRIVATE)
    stopped.success(None, js=f"() => a3.fail('{name}')", **PRIVATE)
    return family


PAIRED = '<h3 class="a3">Exact paired tests (McNemar)</h3>'


def draw_accuracies(evaluation: FileEvaluation) -> gr.Plot:
    """The accuracy of each checkpoint with its interval; hidden where the file has no places."""
    from a3core.birthplace.figures import plot_accuracies

    if not evaluation.has_answers:
        return gr.Plot(visible=False)
    return gr.Plot(plot_accuracies(evaluation.accuracies()), visible=True)


def draw_coverage(curves: dict[str, list[CoveragePoint]]) -> gr.Plot:
    """Accuracy against coverage of the checkpoints that have a confidence; hidden where none has."""
    from a3core.birthplace.figures import plot_coverage

    return gr.Plot(plot_coverage(curves), visible=True) if curves else gr.Plot(visible=False)


def write_predictions(evaluation: FileEvaluation) -> str:
    """A tab-separated file of its own folder, so that two visitors never share one."""
    path = make_folder() / "predictions.tsv"
    save_csv(evaluation.prediction_table(), path, "\t")
    return str(path)


def build_curves_panel(checkpoints: CheckpointStore, section: gr.Tab) -> gr.Radio:
    """How each checkpoint of the family learned."""

    @tells_errors
    def show_curves(corpus: str) -> list:
        from a3core.birthplace.figures import plot_training_curves

        trainings = checkpoints.of(corpus)
        units = {name: training.unit for name, training in trainings.items()}
        figure = plot_training_curves(checkpoints.curves(corpus), units)
        return [gr.Plot(figure, visible=True), render_table(tabulate_trainings(trainings))]

    title = "Loss against tokens read"
    return build_picture_panel(checkpoints, section, "screen-curves", [CURVES], title, show_curves)


def tabulate_trainings(trainings: Mapping[str, Training]) -> pd.DataFrame:
    """One row per checkpoint: how it was trained and what it scored."""
    rows = [
        {
            "checkpoint": name,
            "stage": training.stage,
            "starts from": training.base or "",
            "tokens": f"{training.tokens:,}",
            "counted in": training.unit,
            "minutes": round(training.seconds / 60, 1),
            "dev questions right": training.score,
        }
        for name, training in trainings.items()
    ]
    return pd.DataFrame(rows, columns=TRAINING_COLUMNS)
