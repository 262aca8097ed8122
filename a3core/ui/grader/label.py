"""Labelling: one item at a time, by keyboard. The view is a gr.HTML component of our own (assets/grading_view)."""

from __future__ import annotations

from typing import Any

import gradio as gr

from a3core.grader.session.queue import FILTERS, ORDERS
from a3core.ui.grader.service import GraderService, check_owner, check_run, find_annotator
from a3core.ui.shared.file_view import build_file_view


def build_label_panel(grading: GraderService, run: gr.Dropdown, annotator: gr.Textbox) -> dict:
    """Returns the event that shows the item where the annotator stopped."""
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

    def open_session(run, name, order, only, blind, adjudicate, request):
        from a3core.grader.session.grading import GradingSession, QueueOptions

        if adjudicate:
            check_owner(grading, check_run(run), request)
        options = QueueOptions(order=order, filter=only, blind=blind, adjudicate=adjudicate)
        return GradingSession(grading.store, check_run(run), find_annotator(name, request), options)

    def press(run, name, order, only, blind, adjudicate, event: gr.EventData, request: gr.Request) -> dict:
        """One key: what it did, or one sentence on why not. The serial names the key that is answered."""
        payload: dict[str, Any] = event._data
        serial = {"serial": payload.get("serial")}
        try:
            session = open_session(run, name, order, only, blind, adjudicate, request)
            chosen = (session.run, session.annotator)
            if (payload.get("run") or session.run, payload.get("annotator") or session.annotator) != chosen:
                return session.show() | serial  # pressed over an item of another run, or under another name
            return session.act(str(payload.get("action")), payload) | serial
        except ValueError as error:
            return {"error": str(error)} | serial

    def show(run, name, order, only, blind, adjudicate, request: gr.Request) -> dict:
        """Where the annotator stopped; what is missing is written in the view, not over it."""
        try:
            session = open_session(run, name, order, only, blind, adjudicate, request)
            return {guideline: format_guidelines(grading.store.schema(session.run)), view: session.show()}
        except ValueError as error:
            return {view: {"error": str(error)}}

    inputs = [run, annotator, order, only, blind, adjudicate]
    direct = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    view.press(press, inputs, view, trigger_mode="multiple", **direct)
    showing = {"fn": show, "inputs": inputs, "outputs": [view, guideline], **direct}
    gr.on([order.input, only.input, blind.input, adjudicate.input], trigger_mode="always_last", **showing)
    return showing


def format_guidelines(schema) -> str:
    """The guidelines of all questions; gr.Markdown makes markup of theirs harmless."""
    return "\n\n".join(f"#### {question.text}\n{question.guideline}" for question in schema.questions)
