"""Change the sentence: is what the model recalls the reason of its answer, or decoration?"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

import gradio as gr

from a3core.birthplace.data.corpora import build_question, parse_name
from a3core.birthplace.service import BirthplaceService
from a3core.common import paths, stats
from a3core.ui.birthplace.families import FAMILY, build_family, list_examples, load_section, load_texts
from a3core.ui.shared import errors, html, limits, screen

if TYPE_CHECKING:
    from a3core.birthplace.prediction.predictor import Prediction

SCREEN, TEXTS = "screen-change", load_texts("change")
UNCHANGED, PLACE_EDITS = TEXTS["empty"], TEXTS["measured"]
MEASURED = paths.ASSETS / "changed_sentences.json"  # by `python -m benchmarks.changed_sentences`


def build_changed_sentence_panel(service: BirthplaceService) -> gr.Radio:
    """Widgets, then wiring; returns the choice of a family, whose models that recall answer from one sentence."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    with screen.build_screen(SCREEN):
        with screen.build_settings(TEXTS["lead"]):
            question = gr.Textbox(label="Name", max_length=500, elem_classes="a3-field")
            recall = gr.Button("Recall the sentence")
            sentence = gr.Textbox(label="Sentence", info="it opens with the name", lines=3, max_length=1000)
            edits = screen.build_chips(TEXTS["edits"])
            answer = gr.Button("Answer from this sentence", variant="primary")
            example = load_section(service.checkpoints, "change")
            family = build_family(service.checkpoints, FAMILY if example else None)
            question.value = example.get("question") or list_examples(service.checkpoints, family.value)[0]
            sentence.value = example.get("sentence")
        with screen.build_results("Does the answer follow the sentence?", "Recalling…", "Answer again"):
            result = gr.HTML(example.get("result", UNCHANGED), elem_classes="a3-result")
            shares = gr.HTML(render_shares(family.value, measured))

    @errors.tells_errors
    def recall_sentence(text: str, corpus: str):
        return recall_own(service, text, corpus)[-1].sentence, UNCHANGED

    @errors.tells_errors
    def change_sentence(text: str, corpus: str, edit: str):
        return edit_sentence(service, corpus, *recall_own(service, text, corpus), edit.lower())

    @errors.tells_errors
    def answer_from_sentence(text: str, corpus: str, sentence: str) -> str:
        return answer_by_all(service, corpus, text, sentence or "")

    def offer(corpus: str) -> list:
        return [list_examples(service.checkpoints, corpus)[0], "", render_shares(corpus, measured)]

    inputs = [question, family]
    screen.act([recall.click, question.submit], SCREEN, fn=recall_sentence, inputs=inputs, outputs=[sentence, result])
    for button in edits:
        changing = {"fn": change_sentence, "inputs": [*inputs, button], "outputs": sentence, **limits.PREDICTION}
        screen.press(screen.act(button.click, SCREEN, **changing).success, SCREEN)
    answering = {"fn": answer_from_sentence, "inputs": [*inputs, sentence], "outputs": result, **limits.PREDICTION}
    screen.act([answer.click, sentence.submit], SCREEN, **answering)
    family.change(offer, family, [question, sentence, shares], queue=False, **screen.QUIET)
    return family


def recall_own(service: BirthplaceService, text: str, corpus: str) -> tuple[str, str, Prediction]:
    """The first model of a family that recalls, the name as its sentence spells it, and its answer.

    Raises ValueError without such a model, and without a name.
    """
    if not (models := service.checkpoints.recalling(corpus)):
        raise ValueError("no model of this family recalls a sentence")
    form = service.checkpoints.question(corpus)
    if not (name := parse_name(text or "", form)):
        raise ValueError("type a name first")
    own = service.predict(models[0], build_question(name, form))
    opening = own.sentence[: len(name)]
    return models[0], opening if opening.casefold() == name.casefold() else name, own


def answer_by_all(service: BirthplaceService, corpus: str, text: str, sentence: str) -> str:
    """A table of what each model answers from its own sentence and from this one. Raises ValueError as `recall_own`."""
    first, name, recalled = recall_own(service, text, corpus)
    question, answers = build_question(name, service.checkpoints.question(corpus)), []
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
        others = {person.name: build_question(person.name, form) for person in people.values() if person.name != name}
        drawn = random.sample(list(others), len(others))
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
