"""The laboratory of the Attention tab: choose a claim, move its sliders, and see theory beside sample.

One set of widgets serves every claim: a claim just chosen brings its preset, and after that only its numbers move.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr
import pandas as pd

from a3core.attention.lab import CLAIMS, Slider, plot_claim, run_claim
from a3core.attention.lab_result import LabResult, Quantity, sentence
from a3core.attention.lab_text import Statement
from a3core.ui.errors import tells_errors

FIRST = next(iter(CLAIMS))
LAST_SLIDERS = ("draws", "seed")  # how a claim is sampled stands below what it is about
POWER = "The slider moves the power of ten."
AGREES, DIFFERS = ("right", "✓ As predicted"), ("wrong", "✗ Not as predicted")
OUTSIDE, REFUSED = ("outside", "⚠ Outside the assumptions"), ("wrong", "✗ Refused")
OUTSIDE_TOO = {True: "Theory and sample agree here all the same.", False: "Theory and sample differ here."}
KEPT = "The picture and the numbers below are still those of the last values that were allowed."
HEADS = ("quantity", "predicted", "measured", "spread over the draws", "sampling error", "agree")


def build_lab_panel() -> None:
    """Widgets, then wiring. `shown` holds the claim whose preset the sliders have been given; None asks for it again."""
    names = list_sliders()
    shown = gr.State()
    claim = gr.Radio([(name_claim(each), each) for each in CLAIMS], value=FIRST, label="Claim of section 1")
    statement = gr.Markdown(render_statement(CLAIMS[FIRST].statement), elem_classes="a3-lab-statement")
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            sliders = [gr.Slider(**place_slider(FIRST, name)) for name in names]
            reset = gr.Button("Reset to preset")
        with gr.Column(scale=3, min_width=280):
            verdict = gr.HTML(label="Verdict")
            picture = gr.Plot(label="Theory and sample", show_label=False)
    with gr.Accordion("Every number: predicted beside measured, and the table behind the picture", open=False):
        numbers = gr.HTML(label="Predicted beside measured")
        table = gr.Dataframe(label="The table behind the picture", interactive=False)

    def run_lab(before: str | None, chosen: str, *positions: float):
        if before == chosen:
            parameters = read_sliders(chosen, dict(zip(names, positions, strict=True)))
            moved = [gr.update(label=label_slider(chosen, name, parameters)) for name in names]
            update = dict(zip(sliders, moved, strict=True))
        else:
            parameters = CLAIMS[chosen].preset
            moved = [gr.update(**place_slider(chosen, name)) for name in names]
            update = dict(zip(sliders, moved, strict=True))
            update |= {shown: chosen, statement: render_statement(CLAIMS[chosen].statement)}
        return update | dict(zip(results, show_claim(chosen, parameters), strict=True))

    results = [verdict, picture, numbers, table]
    running = {
        "fn": run_lab,
        "inputs": [shown, claim, *sliders],
        "outputs": [shown, statement, *sliders, *results],
        "show_progress": "hidden",
        "trigger_mode": "always_last",
        "api_visibility": "private",
    }
    again = {"fn": lambda: None, "outputs": shown, "show_progress": "hidden", "api_visibility": "private"}
    gr.on([claim.change, *(slider.input for slider in sliders)], **running)
    reset.click(**again).then(**running)
    gr.on(**again).then(**running)  # without a trigger: when the page has loaded
    gr.api(attention_lab, api_name="attention_lab")


@tells_errors
def attention_lab(claim: str, parameters: dict | str | None = None) -> dict:
    """Runs one claim of section 1 of the assignment: what theory predicts beside what a sample shows."""
    return run_claim(claim, **read_parameters(parameters)).to_json()
