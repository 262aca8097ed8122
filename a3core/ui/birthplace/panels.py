"""Sections beside the answers: knowing when not, why pretraining helps, a file of questions, the training curves.

Each builder gets the checkpoints and its section, and returns the section's choice of a family.
"""

from __future__ import annotations

from html import escape

import gradio as gr
import pandas as pd

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data import corpora, loading
from a3core.birthplace.file_evaluation import FileEvaluation
from a3core.birthplace.model.vocabulary import MASK
from a3core.birthplace.prediction.confidence import CoveragePoint, tabulate_coverage
from a3core.common import csv_safety, hosting, paths
from a3core.ui.birthplace.families import FAMILY, build_family, load_section, load_texts
from a3core.ui.shared import errors, html, limits, screen

MEMORY = load_texts("memory")
FOLDER = "birthplace-evaluations"  # of the cache: what cancelled evaluations of a file have answered
TRAINING_COLUMNS = ["checkpoint", "stage", "starts from", "tokens", "counted in", "minutes", "dev questions right"]


def build_picture_panel(checkpoints: CheckpointStore, section: gr.Tab, name: str) -> gr.Radio:
    """A screen with a picture and a table of a family, which come when it opens: "confidence" or "curves"."""
    texts = load_texts(name)
    with screen.build_screen(f"screen-{name}"):
        with screen.build_settings(*texts["leads"]):
            family = build_family(checkpoints)
        with screen.build_results(texts["title"]):
            outputs = [gr.Plot(label=texts["title"], visible=False), gr.HTML()]

    @errors.tells_errors
    def show_coverage(corpus: str) -> list:
        curves = checkpoints.coverage(corpus)
        if not curves:
            return [gr.Plot(visible=False), texts["empty"]]
        tables = {name: tabulate_coverage(points) for name, points in curves.items()}
        table = pd.concat(tables, names=["checkpoint"]).reset_index(level="checkpoint")
        return [draw_coverage(curves), html.render_table(table)]

    @errors.tells_errors
    def show_curves(corpus: str) -> list:
        from a3core.birthplace.figures import plot_training_curves

        rows, trainings = [], checkpoints.of(corpus)
        for name, one in trainings.items():
            minutes = round(one.seconds / 60, 1)
            rows.append((name, one.stage, one.base or "", f"{one.tokens:,}", one.unit, minutes, one.score))
        units = {name: training.unit for name, training in trainings.items()}
        figure = plot_training_curves(checkpoints.curves(corpus), units)
        return [gr.Plot(figure, visible=True), html.render_table(pd.DataFrame(rows, columns=TRAINING_COLUMNS))]

    show = {"confidence": show_coverage, "curves": show_curves}[name]
    gr.on([section.select, family.change], show, family, outputs, **screen.QUIET)
    return family


def list_sentences(corpus: str) -> list[str]:
    """Sentences with a missing span about people of a family; of one's own facts, those of the baseball people."""
    return MEMORY["sentences"].get(corpora.CorpusSpec.parse(corpus).source, MEMORY["sentences"]["builtin"])


def build_memory_panel(checkpoints: CheckpointStore) -> gr.Radio:
    """The pretrained model fills a span of the person's own sentence."""
    name = "screen-memory"
    with screen.build_screen(name):
        with screen.build_settings(MEMORY["lead"]):
            sentence = gr.Textbox(label="A sentence with one missing span", max_length=500, elem_classes="a3-field")
            run = gr.Button("Fill the span", variant="primary")
            example = load_section(checkpoints, "memory")
            family = build_family(checkpoints, FAMILY if example else None)
            chips = screen.build_chips(list_sentences(family.value))
            sentence.value = example.get("sentence", chips[0].value)
        with screen.build_results("What the pretrained model remembers", "Filling…", "Fill again"):
            filled = gr.HTML(example.get("result", MEMORY["empty"]), elem_classes=["a3", "a3-result", "a3-recalled"])
            gr.HTML(MEMORY["why"])

    @errors.tells_errors
    def fill_sentence(text: str, corpus: str) -> str:
        return render_filled(checkpoints, text or "", corpus)

    def offer_sentences(corpus: str) -> list[gr.Button]:
        return list(map(gr.Button, list_sentences(corpus)))

    screen.act([run.click, sentence.submit], name, fn=fill_sentence, inputs=[sentence, family], outputs=filled)
    for chip in chips:
        screen.press(chip.click(lambda text: text, chip, sentence, **screen.PRIVATE).success, name)
    family.change(offer_sentences, family, chips, **screen.QUIET)
    return family


def render_filled(checkpoints: CheckpointStore, text: str, corpus: str) -> str:
    """The sentence with what the family's pretrained model puts in place of its one ___ or ⁇.

    Raises ValueError for a family without one, and as `direct.fill_span`.
    """
    from a3core.birthplace.prediction.direct import fill_span

    names = checkpoints.names(corpus, answering=False)
    if not names:
        raise ValueError("no checkpoint of this family was pretrained on spans: choose another family")
    text = text.replace("___", MASK)
    span = fill_span(checkpoints.predictor(names[0]).model, text)
    return html.render(MEMORY["filled"], parts=text.split(MASK), span=span, checkpoint=names[0])


def build_file_panel(checkpoints: CheckpointStore) -> gr.Radio:
    """Accuracy of every checkpoint on an uploaded file, with intervals, paired tests and the predictions."""
    name, texts = "screen-file", load_texts("file")
    with screen.build_screen(name):
        with screen.build_settings(texts["lead"]):
            kinds = {"file_types": [".tsv", ".txt"], "height": 120}
            upload = gr.File(label="Questions (.tsv or .txt)", elem_classes="a3-field", **kinds)
            with gr.Row():
                run, cancel = gr.Button("Evaluate", variant="primary"), gr.Button("Cancel")
            example = load_section(checkpoints, "file")
            family = build_family(checkpoints, FAMILY if example else None)
        with screen.build_results("How many answers are right", "Asking…", "Evaluate again"):
            status = gr.Markdown(example.get("status", texts["empty"]), min_height=40)
            with gr.Column(elem_classes="a3-result"):
                accuracy = gr.HTML(example.get("accuracy"), visible=bool(example))
                chart = gr.Plot(label="Accuracy with 95 % intervals", visible=False)
                pairs = gr.HTML(example.get("pairs"), visible=bool(example))
                sure = gr.Plot(label="Accuracy against coverage", visible=False)
                download = gr.File(label="Predictions", visible=False, interactive=False)

    @errors.tells_errors
    def evaluate_file(path: str | None, corpus: str):
        from a3core.birthplace.figures import plot_accuracies

        if not path:
            raise ValueError("choose a file of questions first")
        evaluation = FileEvaluation(loading.load_questions(path), checkpoints, corpus)
        for step in evaluation.run(None if hosting.is_space() else paths.cache_dir() / FOLDER):
            yield {status: f"{step.done:,} of {step.total:,} answers …"}
        scored, tables = evaluation.has_answers, render_evaluation(evaluation)
        yield {
            status: escape(evaluation.describe()),
            accuracy: gr.HTML(tables["accuracy"], visible=scored),
            chart: gr.Plot(plot_accuracies(evaluation.accuracies()) if scored else None, visible=scored),
            pairs: gr.HTML(tables["pairs"], visible=scored),
            sure: draw_coverage(evaluation.coverage()),
            download: gr.File(write_predictions(evaluation), visible=True),
        }

    outputs = [status, accuracy, chart, pairs, sure, download]
    waiting = {"show_progress": "full", "show_progress_on": status, **limits.LONG_JOB}
    running = screen.act(run.click, name, fn=evaluate_file, inputs=[upload, family], outputs=outputs, **waiting)
    stopped = cancel.click(lambda: texts["cancelled"], None, status, cancels=running, **screen.PRIVATE)
    stopped.success(None, js=f"() => a3.fail('{name}')", **screen.PRIVATE)
    return family


def render_evaluation(evaluation: FileEvaluation) -> dict[str, str]:
    """The accuracy of each checkpoint, and the exact paired tests, each as a table."""
    paired = html.render_table(evaluation.comparison_table(), "Exact paired tests (McNemar)")
    return {"accuracy": html.render_table(evaluation.accuracy_table()), "pairs": paired}


def draw_coverage(curves: dict[str, list[CoveragePoint]]) -> gr.Plot:
    """Accuracy against coverage of the checkpoints that have a confidence; hidden where none has."""
    from a3core.birthplace.figures import plot_coverage

    return gr.Plot(plot_coverage(curves), visible=True) if curves else gr.Plot(visible=False)


def write_predictions(evaluation: FileEvaluation) -> str:
    """A tab-separated file of its own folder, so that two visitors never share one."""
    path = limits.make_folder() / "predictions.tsv"
    csv_safety.save_csv(evaluation.prediction_table(), path, "\t")
    return str(path)
