"""Labelling: one item at a time, by keyboard. The view is a gr.HTML component of our own (assets/grading_view)."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from a3core.ui.cot_parts import Grading, check_run, find_annotator

FILES = Path(__file__).resolve().parents[2] / "assets" / "grading_view"
ORDERS = ("unlabelled first", "random", "given")
FILTERS = ("all", "mine", "disagreements", "flagged")


def build_label_panel(grading: Grading, run: gr.Dropdown, annotator: gr.Textbox) -> dict:
    """Returns the event that shows the item where the annotator stands."""
    with gr.Row():
        order = gr.Radio(list(ORDERS), value=ORDERS[0], label="Order")
        only = gr.Radio(list(FILTERS), value=FILTERS[0], label="Only")
        blind = gr.Checkbox(True, label="Blind", info="the answer is hidden until the explanation is judged")
        adjudicate = gr.Checkbox(False, label="Adjudicate", info="decide what others disagree about")
    with gr.Row():
        with gr.Column(scale=3):
            view = build_grading_view()
        with gr.Column(scale=1, min_width=280), gr.Accordion("What the labels mean here", open=True):
            guideline = gr.Markdown()

    def press(run, name, order, only, blind, adjudicate, event: gr.EventData, request: gr.Request) -> dict:
        """One key: what it did, or one sentence on why not. The serial tells the view which key is answered."""
        told = event._data
        serial = {"serial": told.get("serial")}
        try:
            args = read_args(order, only, blind, adjudicate)
            action = str(told.get("action"))
            return grading.grader.act(check_run(run), find_annotator(name, request), action, told, args) | serial
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
            return {view: {"error": str(error), "run": run, "annotator": name}}

    inputs = [run, annotator, order, only, blind, adjudicate]
    direct = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    view.press(press, inputs, view, trigger_mode="multiple", **direct)
    showing = {"fn": show, "inputs": inputs, "outputs": [view, guideline], **direct}
    gr.on([order.input, only.input, blind.input, adjudicate.input], **showing)
    return showing


def build_grading_view() -> gr.HTML:
    return gr.HTML(
        html_template=read("view.html"),
        css_template=read("view.css"),
        js_on_load=read("view.js"),
        apply_default_css=False,
        elem_id="grading",
        label="Grading",
        min_width=320,
    )


def read(file: str) -> str:
    return (FILES / file).read_text(encoding="utf-8")


def read_args(order: str, only: str, blind: bool, adjudicate: bool):
    from a3core.cot.grading import GradingArgs

    return GradingArgs(order, only, blind, adjudicate)


def describe_schema(schema) -> str:
    """The guidelines of all questions; gr.Markdown makes markup of theirs harmless."""
    return "\n\n".join(f"#### {question.text}\n{question.guideline}" for question in schema.questions)
