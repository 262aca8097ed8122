"""Change the sentence: is what the model recalls the reason of its answer, or decoration?"""

from __future__ import annotations

import random
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import gradio as gr

from a3core.birthplace.data.corpora import build_question, parse_name
from a3core.birthplace.service import BirthplaceService
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import PREDICTION

if TYPE_CHECKING:
    from a3core.birthplace.prediction.changed_sentence import ChangedAnswer
    from a3core.birthplace.prediction.predictor import Prediction

INTRODUCTION = (
    "The model answers from the sentence that it recalled. Change the sentence: does the answer follow? The place that "
    "is **picked** from the sentence can only follow. The place that the model **writes** behind it need not."
)
EDIT_NAMES = ("another place", "an invented place", "no place", "somebody else’s sentence")
NO_CONFIDENCE = "No confidence is shown: it was fitted on sentences that the model recalled itself."
PRIVATE = {"api_visibility": "private", **PREDICTION}


def build_changed_sentence_panel(service: BirthplaceService, question: gr.Textbox, family: gr.Radio) -> None:
    """Widgets, then wiring, below the answers."""
    checkpoints = service.checkpoints
    with gr.Accordion("Change the sentence", open=False):
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            model = gr.Dropdown([], label="Model", visible=False)
            recall = gr.Button("Recall the sentence of the name above")
        sentence = gr.Textbox(label="Sentence", info="change it as you like; it opens with the name", max_length=1000)
        with gr.Row():
            edits = [gr.Button(edit[0].upper() + edit[1:], size="sm") for edit in EDIT_NAMES]
        answer = gr.Button("Answer from this sentence")
        result = gr.HTML()

    def find_models(corpus: str) -> list[str]:
        if not (found := checkpoints.recalling(corpus)):
            raise ValueError("no model of this family recalls a sentence")
        return found

    def recall_own(text: str, corpus: str, model: str | None) -> tuple[str, str, Prediction]:
        """(model, name as it is spelt, its own answer)"""
        found = find_models(corpus)
        model = model if model in found else found[0]
        form = checkpoints.question(corpus)
        if not (name := parse_name(text or "", form)):
            raise ValueError("type a name above first")
        own = service.predict(model, build_question(name, form))
        opening = own.sentence[: len(name)]  # the name as the sentence spells it
        return model, opening if opening.casefold() == name.casefold() else name, own

    @tells_errors
    def recall_sentence(text: str, corpus: str, chosen: str):
        model, _, own = recall_own(text, corpus, chosen)
        models = find_models(corpus)
        return gr.Dropdown(models, value=model, visible=len(models) > 1), own.sentence, ""

    def change(edit: str):
        @tells_errors
        def change_sentence(text: str, corpus: str, chosen: str):
            model, name, own = recall_own(text, corpus, chosen)
            return edit_sentence(service, corpus, model, name, own, edit)

        return change_sentence

    @tells_errors
    def answer_from_sentence(text: str, corpus: str, chosen: str, sentence: str) -> str:
        model, name, own = recall_own(text, corpus, chosen)
        changed = service.answer_changed(model, name, sentence or "")
        return render_changed(changed, service.answer_changed(model, name, own.sentence))

    def answer_on(trigger: Callable) -> None:
        trigger(answer_from_sentence, [*inputs, sentence], result, **PRIVATE)

    inputs = [question, family, model]
    recall.click(recall_sentence, inputs, [model, sentence, result], **PRIVATE)
    for button, edit in zip(edits, EDIT_NAMES, strict=True):
        answer_on(button.click(change(edit), inputs, sentence, **PRIVATE).success)
    answer_on(answer.click)


def edit_sentence(service: BirthplaceService, corpus: str, model: str, name: str, own: Prediction, edit: str) -> str:
    """The own sentence of a name, changed by one of EDIT_NAMES. Raises ValueError where it names no place."""
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


def render_changed(changed: ChangedAnswer, own: ChangedAnswer) -> str:
    """Both readers before and after, and how likely the sentence is; all text is escaped."""
    rows = [
        ("Picked from the sentence", own.picked, changed.picked, "it can only pick from what is there"),
        ("Written by the model", own.written, changed.written, "it may write any place"),
    ]
    cells = "".join(
        f"<tr><th>{what}</th><td>{escape(before)}</td><td><strong>{escape(after) or '(nothing)'}</strong></td>"
        f"<td>{note}</td></tr>"
        for what, before, after, note in rows
    )
    likely = f"e^{changed.log_probability:.1f}, its own sentence e^{own.log_probability:.2f}"
    return (
        "<table><thead><tr><th></th><th>its own sentence</th><th>this sentence</th><th></th></tr></thead>"
        f"<tbody>{cells}</tbody></table><p>How likely the model finds this sentence: {likely}. {NO_CONFIDENCE}</p>"
    )
