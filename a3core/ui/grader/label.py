"""Labelling: one item at a time, by keyboard. The view is a gr.HTML component of our own (assets/grading_view)."""

from __future__ import annotations

import gradio as gr

from a3core.grader.session.orders import FILTERS, ORDERS
from a3core.ui.grader.service import Grading, check_run, find_annotator
from a3core.ui.shared.file_view import build_file_view


def build_label_panel(grading: Grading, run: gr.Dropdown, annotator: gr.Textbox) -> dict:
    """Returns the event that shows the item where the annotator stands."""
    with gr.Row():  # one below the other where the page is narrow
        with gr.Column(min_width=300), gr.Row():
            order = gr.Radio(list(ORDERS), value=ORDERS[0], label="Order")
            only = gr.Radio(list(FILTERS), value=FILTERS[0], label="Only")
        with gr.Column(min_width=300), gr.Row():
            blind = gr.Checkbox(True, label="Blind", info="the answer is hidden until the explanation is judged")
            adjudicate = gr.Checkbox(False, label="Adjudicate", info="decide what others disagree about")
    with gr.Row():
        with gr.Column(scale=3):
            view = build_file_view("grading_view", ["view.js"], elem_id="grading", label="Grading")
        with gr.Column(scale=1, min_width=280), gr.Accordion("What the labels mean here", open=True):
            guideline = gr.Markdown()

    def press(run, name, order, only, blind, adjudicate, event: gr.EventData, request: gr.Request) -> dict:
        """One key: what it did, or one sentence on why not. The serial tells the view which key is answered."""
        told = event._data
        serial = {"serial": told.get("serial")}
        try:
            args, chosen = read_args(order, only, blind, adjudicate), check_run(run)
            annotator = find_annotator(name, request)
            if is_of_another(told, chosen, annotator):
                return grading.grader.show(chosen, annotator, args) | serial
            return grading.grader.act(chosen, annotator, str(told.get("action")), told, args) | serial
        except ValueError as error:
            return {"error": str(error)} | serial

    def show(run, name, order, only, blind, adjudicate, request: gr.Request) -> dict:
        """Where the annotator stands; what is missing is said in the view, not over it."""
        try:
            args, chosen = read_args(order, only, blind, adjudicate), check_run(run)
            schema = grading.store.schema(chosen)
            shown = {guideline: describe_schema(schema)}
            return {**shown, view: grading.grader.show(chosen, find_annotator(name, request), args)}
        except ValueError as error:
            return {view: {"error": str(error)}}

    inputs = [run, annotator, order, only, blind, adjudicate]
    direct = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    view.press(press, inputs, view, trigger_mode="multiple", **direct)
    showing = {"fn": show, "inputs": inputs, "outputs": [view, guideline], **direct}
    gr.on([order.input, only.input, blind.input, adjudicate.input], trigger_mode="always_last", **showing)
    return showing


def is_of_another(told: dict, run: int, annotator: str) -> bool:
    """Whether a key was pressed over an item of another run, or under another name, than are chosen by now."""
    return (told.get("run") or run, told.get("annotator") or annotator) != (run, annotator)


def read_args(order: str, only: str, blind: bool, adjudicate: bool):
    from a3core.grader.session.grader import GradingArgs

    return GradingArgs(order, only, blind, adjudicate)


def describe_schema(schema) -> str:
    """The guidelines of all questions; gr.Markdown makes markup of theirs harmless."""
    return "\n\n".join(f"#### {question.text}\n{question.guideline}" for question in schema.questions)
