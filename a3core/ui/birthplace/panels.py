"""Sections beside the answers: knowing when not, the training curves, why pretraining helps, a file of questions, and
"Change the sentence": is what the model recalls the reason of its answer, or decoration?

Each builder returns the section's choice of a family.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import gradio as gr
import pandas as pd

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data import corpora, loading
from a3core.birthplace.file_evaluation import FileEvaluation
from a3core.birthplace.model.vocabulary import MASK
from a3core.birthplace.prediction.confidence import CoveragePoint, tabulate_coverage
from a3core.birthplace.service import BirthplaceService
from a3core.common import csv_safety, hosting, paths, stats
from a3core.ui.birthplace.families import FAMILY, build_family, list_examples, load_section, load_texts
from a3core.ui.shared import errors, html, limits, screen

if TYPE_CHECKING:
    from a3core.birthplace.prediction.predictor import Prediction

MEMORY, CHANGE = load_texts("memory"), load_texts("change")
PLACE_EDITS = CHANGE["measured"]
MEASURED = paths.ASSETS / "changed_sentences.json"  # by `python -m benchmarks.changed_sentences`
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

    screen.act([run.click, sentence.submit], name, fn=fill_sentence, inputs=[sentence, family], outputs=filled)
    for chip in chips:
        screen.press(chip.click(lambda text: text, chip, sentence, **screen.PRIVATE).success, name)
    family.change(lambda corpus: [*map(gr.Button, list_sentences(corpus))], family, chips, **screen.QUIET)
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
    screen.cancel_by(cancel, running, status, texts["cancelled"])
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


def build_changed_sentence_panel(service: BirthplaceService) -> gr.Radio:
    """Widgets, then wiring; returns the choice of a family, whose models that recall answer from one sentence."""
    name, measured = "screen-change", json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    with screen.build_screen(name):
        with screen.build_settings(CHANGE["lead"]):
            question = gr.Textbox(label="Name", max_length=500, elem_classes="a3-field")
            recall = gr.Button("Recall the sentence")
            sentence = gr.Textbox(label="Sentence", info="it opens with the name", lines=3, max_length=1000)
            edits = screen.build_chips(CHANGE["edits"])
            answer = gr.Button("Answer from this sentence", variant="primary")
            example = load_section(service.checkpoints, "change")
            family = build_family(service.checkpoints, FAMILY if example else None)
            question.value = example.get("question") or list_examples(service.checkpoints, family.value)[0]
            sentence.value = example.get("sentence")
        with screen.build_results("Does the answer follow the sentence?", "Recalling…", "Answer again"):
            result = gr.HTML(example.get("result", CHANGE["empty"]), elem_classes="a3-result")
            shares = gr.HTML(render_shares(family.value, measured))

    @errors.tells_errors
    def recall_sentence(text: str, corpus: str):
        return recall_own(service, text, corpus)[-1].sentence, CHANGE["empty"]

    @errors.tells_errors
    def change_sentence(text: str, corpus: str, edit: str):
        return edit_sentence(service, corpus, *recall_own(service, text, corpus), edit.lower())

    @errors.tells_errors
    def answer_from_sentence(text: str, corpus: str, sentence: str) -> str:
        return answer_by_all(service, corpus, text, sentence or "")

    def offer(corpus: str) -> list:
        return [list_examples(service.checkpoints, corpus)[0], "", render_shares(corpus, measured)]

    inputs = [question, family]
    screen.act([recall.click, question.submit], name, fn=recall_sentence, inputs=inputs, outputs=[sentence, result])
    for button in edits:
        changing = {"fn": change_sentence, "inputs": [*inputs, button], "outputs": sentence, **limits.PREDICTION}
        screen.press(screen.act(button.click, name, **changing).success, name)
    answering = {"fn": answer_from_sentence, "inputs": [*inputs, sentence], "outputs": result, **limits.PREDICTION}
    screen.act([answer.click, sentence.submit], name, **answering)
    family.change(offer, family, [question, sentence, shares], queue=False, **screen.QUIET)
    return family


def recall_own(service: BirthplaceService, text: str, corpus: str) -> tuple[str, str, Prediction]:
    """The first model of a family that recalls, the name as its sentence spells it, and its answer.

    Raises ValueError without such a model, and without a name.
    """
    if not (models := service.checkpoints.recalling(corpus)):
        raise ValueError("no model of this family recalls a sentence")
    form = service.checkpoints.question(corpus)
    if not (name := corpora.parse_name(text or "", form)):
        raise ValueError("type a name first")
    own = service.predict(models[0], corpora.build_question(name, form))
    opening = own.sentence[: len(name)]
    return models[0], opening if opening.casefold() == name.casefold() else name, own


def answer_by_all(service: BirthplaceService, corpus: str, text: str, sentence: str) -> str:
    """A table of what each model answers from its own sentence and from this one. Raises ValueError as `recall_own`."""
    first, name, recalled = recall_own(service, text, corpus)
    question, answers = corpora.build_question(name, service.checkpoints.question(corpus)), []
    for model in service.checkpoints.recalling(corpus):
        own = recalled if model == first else service.predict(model, question)
        changed = service.answer_changed(model, name, sentence)
        answers.append((model, service.answer_changed(model, name, own.sentence), changed))
    return html.render(html.read_template(__file__, "changed_answers.html"), answers=answers)


def edit_sentence(service: BirthplaceService, corpus: str, model: str, name: str, own: Prediction, edit: str) -> str:
    """The own sentence of a name, changed by one of the edits. Raises ValueError where it names no place."""
    from a3core.birthplace.prediction.changed_sentence import EDITS, replace_place, take_sentence

    people = service.checkpoints.people(corpus)
    if edit not in EDITS:
        form, predictor = service.checkpoints.question(corpus), service.checkpoints.predictor(model)
        drawn = [person.name for person in people.values() if person.name != name]
        random.shuffle(drawn)
        others = {other: corpora.build_question(other, form) for other in drawn}
        readable = next((other for other in drawn if not predictor.explain_unreadable(others[other])), None)
        if readable is None:
            raise ValueError("this model can read no other name of its family")
        return take_sentence(service.predict(model, others[readable]), readable, name)
    if not own.span:
        raise ValueError("the sentence states no place: there is none to change")
    places = sorted({person.place for person in people.values()})
    return replace_place(own.sentence, own.place, EDITS[edit](own.sentence, places, random.Random()))


def render_shares(corpus: str, measured: Mapping[str, dict]) -> str:
    """How often the answer follows, in per cent with Wilson's interval; "" for a family that was not measured.

    measured: family -> model -> {people, edits: edit -> reader -> how many follow}.
    """
    template, models = html.read_template(__file__, "changed_shares.html"), measured.get(corpus, {})
    return html.render(template, edits=PLACE_EDITS, models=models, wilson_interval=stats.wilson_interval)
