"""The panels below the answers: knowing when not, why pretraining helps, a file of questions, the training curves."""

from __future__ import annotations

from collections.abc import Mapping
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
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import LONG_JOB, make_folder

WHY = (
    "Pretraining hides a span of a sentence and asks for it. The assignment claims three things: the text read that "
    "way holds the birthplaces; the model remembers them; and finetuning, which only shows it the form of the "
    "question, does not make it forget. Measured (BENCHMARKS.md), the first two hold; the third holds in part: much "
    "of what can be asked for as a question can no longer be filled in as a span. Try the pretrained model itself: "
    f"write a sentence with {MASK} (or ___) where a span is missing. It has never been asked a question."
)
SENTENCES = {
    "builtin": [
        f"Babe Ruth was born in {MASK}.",
        f"Yogi Berra, {MASK}, was born in St. Louis.",
        f"Willie Mays {MASK} for the San Francisco Giants.",
    ],
    "course": [f"John Millen. John Millen was born in {MASK}", f"Tony Conran. Tony Conran (born in {MASK}) is a poet"],
}
TRAINING_COLUMNS = ["checkpoint", "stage", "starts from", "tokens", "counted in", "minutes", "dev questions right"]
WHEN_NOT = (
    "A checkpoint that recites judges itself: by the probability of its sentence, that of the place it answers, and "
    "the lead over the next place. Together they are one **confidence**, fitted on train questions that the training "
    "did not see. *Sure* means right at least 19 times in 20, *fairly sure* 3 in 4, *unsure* about every other time; "
    "below 40 % it is *guessing*. Below: what is right if it answers only the questions that it is surest of."
)
NO_CONFIDENCE = (
    "No checkpoint of this family has a confidence. `python -m a3core train-recall --hold-out 200` fits one, on the "
    "questions that it holds out."
)


def build_confidence_panel(checkpoints: CheckpointStore, family: gr.Radio) -> None:
    """Accuracy against coverage on the questions that the confidence was fitted on."""
    with gr.Accordion("Knowing when it does not know", open=False) as accordion:
        gr.Markdown(WHEN_NOT)
        message = gr.Markdown(visible=False)
        picture = gr.Plot(label="Accuracy against coverage, held-out train questions")
        table = gr.Dataframe(label="Accuracy against coverage", interactive=False)

    @tells_errors
    def show_coverage(corpus: str):
        curves = checkpoints.coverage(corpus)
        rows = gr.Dataframe(tabulate_curves(curves), visible=True) if curves else gr.Dataframe(visible=False)
        return gr.Markdown(NO_CONFIDENCE, visible=not curves), draw_coverage(curves), rows

    outputs = [message, picture, table]
    gr.on([accordion.expand, family.change], show_coverage, family, outputs, api_visibility="private")


def tabulate_curves(curves: dict[str, list[CoveragePoint]]) -> pd.DataFrame:
    """The tables of all checkpoints, one below the other."""
    tables = [tabulate_coverage(points).assign(checkpoint=name) for name, points in curves.items()]
    table = pd.concat(tables, ignore_index=True)
    return table[["checkpoint", *table.columns.drop("checkpoint")]]


def build_memory_panel(checkpoints: CheckpointStore, family: gr.Radio) -> None:
    """The pretrained model fills a span of the person's own sentence."""
    with gr.Accordion("Why pretraining helps: ask the memory itself", open=False):
        gr.Markdown(WHY)
        sentence = gr.Textbox(
            f"Babe Ruth was born in {MASK}.",
            label="A sentence with one missing span",
            submit_btn="Fill the span",
            max_length=500,
        )
        sources = [CorpusSpec.parse(corpus).source for corpus in checkpoints.families]
        gr.Examples([text for source in sources for text in SENTENCES.get(source, [])], sentence, label="Sentences")
        filled = gr.HTML()

    @tells_errors
    def fill_sentence(text: str, corpus: str) -> str:
        from a3core.birthplace.prediction.direct import fill_span

        names = checkpoints.names(corpus, answering=False)
        if not names:
            raise ValueError("no checkpoint of this family was pretrained on spans: choose another family above")
        text = (text or "").replace("___", MASK)
        span = fill_span(checkpoints.predictor(names[0]).model, text)
        before, after = map(escape, text.split(MASK))
        return (
            f'<p>{before}<mark class="a3-filled">{escape(span.place)}</mark>{after}</p>'
            f"<p>{escape(names[0])}, probability of the whole span {span.probability:.1%}</p>"
        )

    sentence.submit(fill_sentence, [sentence, family], filled, api_visibility="private")


def build_file_panel(checkpoints: CheckpointStore, family: gr.Radio) -> None:
    """Accuracy of every checkpoint on an uploaded file, with intervals, paired tests and the predictions."""
    with gr.Accordion("Evaluate a file of questions", open=False):
        gr.Markdown(
            "One question a line, `Where was X born?`, a TAB, and the place. Without places there are predictions only."
        )
        upload = gr.File(label="Questions (.tsv or .txt)", file_types=[".tsv", ".txt"], height=120)
        with gr.Row():
            run, cancel = gr.Button("Evaluate", variant="primary"), gr.Button("Cancel")
        status = gr.Markdown(min_height=40)
        accuracy = gr.Dataframe(label="Accuracy", visible=False, interactive=False)
        chart = gr.Plot(label="Accuracy with 95 % intervals", visible=False)
        pairs = gr.Dataframe(label="Exact paired tests", visible=False, interactive=False)
        sure = gr.Plot(label="Accuracy against coverage", visible=False)
        download = gr.File(label="Predictions", visible=False, interactive=False)

    @tells_errors
    def evaluate_file(path: str | None, corpus: str):
        if not path:
            raise ValueError("choose a file of questions first")
        evaluation = FileEvaluation(load_questions(path), checkpoints, corpus)
        for step in evaluation.run():
            yield {status: f"{step.done:,} of {step.total:,} answers …"}
        yield {
            status: escape(evaluation.describe()),
            accuracy: gr.Dataframe(evaluation.accuracy_table(), visible=evaluation.has_answers),
            chart: draw_accuracies(evaluation),
            pairs: gr.Dataframe(evaluation.comparison_table(), visible=evaluation.has_answers),
            sure: draw_coverage(evaluation.coverage()),
            download: gr.File(write_predictions(evaluation), visible=True),
        }

    outputs = [status, accuracy, chart, pairs, sure, download]
    running = run.click(
        evaluate_file, [upload, family], outputs, show_progress_on=status, api_visibility="private", **LONG_JOB
    )
    cancel.click(lambda: "Cancelled: nothing was kept.", None, status, cancels=running, api_visibility="private")


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


def build_curves_panel(checkpoints: CheckpointStore, family: gr.Radio) -> None:
    """How each checkpoint of the family learned."""
    with gr.Accordion("Training curves", open=False) as accordion:
        curves = gr.Plot(label="Loss against tokens read")
        table = gr.Dataframe(label="Checkpoints", interactive=False)

    @tells_errors
    def show_curves(corpus: str):
        from a3core.birthplace.figures import plot_training_curves

        trainings = {name: t for name, t in checkpoints.trainings.items() if t.corpus == corpus}
        units = {name: training.unit for name, training in trainings.items()}
        return plot_training_curves(checkpoints.curves(corpus), units), tabulate_trainings(trainings)

    gr.on([accordion.expand, family.change], show_curves, family, [curves, table], api_visibility="private")


def tabulate_trainings(trainings: Mapping[str, Training]) -> pd.DataFrame:
    """One row per checkpoint: how it was trained and what it scored."""
    rows = [
        {
            "checkpoint": name,
            "stage": training.stage,
            "starts from": training.base or "",
            "tokens": training.tokens,
            "counted in": training.unit,
            "minutes": round(training.seconds / 60, 1),
            "dev questions right": training.score,
        }
        for name, training in trainings.items()
    ]
    return pd.DataFrame(rows, columns=TRAINING_COLUMNS)
