"""Labelling: one item at a time, by keyboard. The view is a gr.HTML component of our own (assets/grading_view)."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from a3core.grader.labels.schema import check_annotator
from a3core.grader.session.queue import ORDERS
from a3core.ui.grader.service import GraderService, check_owner, check_run, find_annotator, find_user
from a3core.ui.shared.screen import QUIET, build_file_view

QUIET_FIELD = "a3-quiet-field"  # it is applied at once, and makes nothing stale


class LabelSettings:
    """How an annotator goes through a run: the widgets at left, for the section Label alone."""

    def __init__(self):
        with gr.Column(elem_classes=["a3-for-label", "a3-second"], min_width=0):
            with gr.Row():
                self.order = gr.Dropdown(
                    list(ORDERS), value=ORDERS[0], label="Order", filterable=False, elem_classes=QUIET_FIELD
                )
                self.search = gr.Textbox(
                    label="Search",
                    placeholder="press /",
                    max_length=200,
                    elem_id="grader-search",
                    elem_classes=QUIET_FIELD,
                )
            self.only = gr.Dropdown(  # conditions as JSON lists
                [], value=[], multiselect=True, label="Show only", elem_classes=QUIET_FIELD, allow_custom_value=True
            )
            self.blind = gr.Checkbox(True, label="hide the answer at first", elem_classes=[QUIET_FIELD, "a3-check"])
            self.adjudicate = gr.Checkbox(False, label="settle disagreements", elem_classes=[QUIET_FIELD, "a3-check"])
            self.guideline = gr.Markdown(elem_classes="a3-guideline")
        self.chosen = gr.State([])  # the ids behind a number of the report


def build_label_panel(grading: GraderService, run: gr.Dropdown, annotator: gr.Textbox, settings: LabelSettings) -> dict:
    """Returns the event that shows the item where the annotator stopped."""
    view = build_file_view("grading_view", ["view.js", "hands.js"], elem_id="grading", label="Grading")

    def open_session(run, name, order, only, blind, adjudicate, search, chosen, request, is_reading=False):
        from a3core.grader.session.filters import Condition, Selection
        from a3core.grader.session.grading import GradingSession

        if adjudicate:
            check_owner(grading, check_run(run), request)
        selection = Selection(tuple(map(Condition.parse, only or ())), search or "", frozenset(chosen or ()))
        options = {"order": order, "blind": blind, "adjudicate": adjudicate, "only": selection}
        try:
            who = find_annotator(name, request)
        except ValueError:  # who may not label, may read
            if not is_reading:
                raise
            who = check_annotator(name or "")
        who = grading.store.resolve(check_run(run), who if find_user(request) else grading.spell(who))
        return GradingSession(grading.store, check_run(run), who, **options)

    def press(
        run, name, order, only, blind, adjudicate, search, chosen, event: gr.EventData, request: gr.Request
    ) -> dict:
        """One key: what it did, or one sentence on why not. The serial names the key that is answered."""
        payload: dict[str, Any] = event._data
        serial = {"serial": payload.get("serial")}
        try:
            session = open_session(run, name, order, only, blind, adjudicate, search, chosen, request)
            current = (session.run, session.annotator)
            if (payload.get("run") or session.run, payload.get("annotator") or session.annotator) != current:
                return session.show() | serial  # pressed over an item of another run, or under another name
            return session.act(str(payload.get("action")), payload) | serial
        except ValueError as error:
            return {"error": str(error)} | serial

    def show(run, name, order, only, blind, adjudicate, search, chosen, request: gr.Request) -> dict:
        """Where the annotator stopped; what is missing is written beside the field, not over the view."""
        names = [] if find_user(request) else grading.list_annotators()
        try:
            session = open_session(run, name, order, only, blind, adjudicate, search, chosen, request, is_reading=True)
            if not find_user(request) and (dealt := grading.store.deal(session.run)):
                names = list(dict.fromkeys([*names, *dealt.annotators]))
            item = session.show() | {"names": names, "key": grading.store.origin(session.run).key}
            # gr.Markdown makes markup in a guideline harmless
            guidelines = [f"## {one.text}\n{one.guideline}" for one in grading.store.schema(session.run).questions]
            return {settings.guideline: "\n\n".join(guidelines), view: item}
        except ValueError as error:
            return {view: {"error": str(error), "names": names}}

    def list_choices(run) -> dict:
        """What the run can be narrowed by; nothing is chosen in a run that was just opened."""
        choices = list_run_conditions(grading, int(run)) if str(run or "").isdecimal() else []
        return gr.Dropdown(choices, value=[]), []

    inputs = [run, annotator, settings.order, settings.only, settings.blind, settings.adjudicate]
    inputs += [settings.search, settings.chosen]
    direct = {**QUIET, "queue": False}
    view.press(press, inputs, view, trigger_mode="multiple", **direct)
    showing = {"fn": show, "inputs": inputs, "outputs": [view, settings.guideline], **direct}
    chosen = [settings.order.input, settings.only.change, settings.blind.input, settings.adjudicate.input]
    gr.on([*chosen, settings.search.input], trigger_mode="always_last", **showing)
    run.change(list_choices, run, [settings.only, settings.chosen], trigger_mode="always_last", **direct)
    return showing


def list_run_conditions(grading: GraderService, run: int) -> list[tuple[str, str]]:
    """(words, JSON) of what the items of a run can be narrowed by."""
    from a3core.grader.session.filters import list_conditions

    with grading.store.snapshot(run) as snapshot:
        return [(words, json.dumps(condition, ensure_ascii=False)) for words, condition in list_conditions(snapshot)]
