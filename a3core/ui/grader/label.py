"""Labelling: one item at a time, by keyboard. The view is a gr.HTML component of our own (assets/grading_view)."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from a3core.grader.labels.schema import check_annotator
from a3core.grader.session.queue import ORDERS
from a3core.ui.grader.service import GraderService, check_owner, check_run, find_annotator, find_user
from a3core.ui.shared.screen import QUIET, build_file_view, follow

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

    def open_session(values: dict, request: gr.Request, is_reading: bool = False):
        from a3core.grader.session.filters import Condition, Selection
        from a3core.grader.session.grading import GradingSession

        chosen, name = check_run(values[run]), values[annotator] or ""
        if values[settings.adjudicate]:
            check_owner(grading, chosen, request)
        only = [str(one) for one in values[settings.only] or ()]
        # words of the list that were typed to the end and not chosen come as they are
        words = {} if all(one.startswith("[") for one in only) else dict(list_run_conditions(grading, chosen))
        conditions = tuple(Condition.parse(words.get(one, one)) for one in only)
        only = Selection(conditions, values[settings.search] or "", frozenset(values[settings.chosen] or ()))
        options = {key: values[getattr(settings, key)] for key in ("order", "blind", "adjudicate")}
        try:
            who = find_annotator(name, request)
        except ValueError:  # who may not label, may read
            if not is_reading:
                raise
            who = check_annotator(name)
        who = grading.store.resolve(chosen, who if find_user(request) else grading.spell(who))
        return GradingSession(grading.store, chosen, who, only=only, **options)

    def press(values: dict, event: gr.EventData, request: gr.Request) -> dict:
        """One key: what it did, or one sentence on why not. The serial names the key that is answered."""
        payload: dict[str, Any] = event._data
        serial = {"serial": payload.get("serial"), "typed": values[annotator] or ""}
        try:
            session = open_session(values, request)
            current = (session.run, session.annotator)
            if (payload.get("run") or session.run, payload.get("annotator") or session.annotator) != current:
                return session.show() | serial  # pressed over an item of another run, or under another name
            return session.act(str(payload.get("action")), payload) | serial
        except ValueError as error:
            return {"error": str(error)} | serial

    def show(values: dict, request: gr.Request) -> dict:
        """Where the annotator stopped; what is missing is written beside the field, not over the view."""
        names = [] if find_user(request) else grading.list_annotators()
        typed = {"typed": values[annotator] or ""}
        try:
            session = open_session(values, request, is_reading=True)
            info = grading.store.run_info(session.run)
            if not find_user(request) and info.deal:
                names = list(dict.fromkeys([*names, *info.deal.annotators]))
            item = session.show() | {"names": names, "key": info.key} | typed
            # gr.Markdown makes markup in a guideline harmless
            guidelines = [f"## {one.text}\n{one.guideline}" for one in info.schema.questions]
            return {settings.guideline: "\n\n".join(guidelines), view: item}
        except ValueError as error:
            return {view: {"error": str(error), "names": names} | typed}

    def list_choices(run) -> dict:
        """What the run can be narrowed by; nothing is chosen in a run that was just opened."""
        choices = list_run_conditions(grading, int(run)) if str(run or "").isdecimal() else []
        return gr.Dropdown(choices, value=[]), []

    inputs = {run, annotator, *(widget for widget in vars(settings).values() if widget != settings.guideline)}
    direct = {**QUIET, "queue": False}
    view.press(press, inputs, view, trigger_mode="multiple", **direct)
    showing = {"fn": show, "inputs": inputs, "outputs": [view, settings.guideline], **direct}
    chosen = [settings.order.input, settings.only.change, settings.blind.input, settings.adjudicate.input]
    # the event "input" of a text field comes with keys alone, and not with what is pasted, deleted or dictated
    gr.on([*chosen, settings.search.change], trigger_mode="always_last", **showing)
    follow(run.change, fn=list_choices, inputs=run, outputs=[settings.only, settings.chosen], queue=False)
    return showing


def list_run_conditions(grading: GraderService, run: int) -> list[tuple[str, str]]:
    """(words, JSON) of what the items of a run can be narrowed by."""
    from a3core.grader.session.filters import list_conditions

    with grading.store.snapshot(run) as snapshot:
        return [(words, json.dumps(condition, ensure_ascii=False)) for words, condition in list_conditions(snapshot)]
