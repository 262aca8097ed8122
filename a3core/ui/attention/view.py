"""The attention view as a component of the page; its files belong to `a3core.attention.template`."""

from __future__ import annotations

import gradio as gr

from a3core.attention.template import read_file, read_markup, read_script
from a3core.ui.attention.models import AttentionModels
from a3core.ui.attention.questions import fetch_matrix


def build_pattern_view(models: AttentionModels, slot: str, value: dict | None = None) -> gr.HTML:
    """A view of one capture; its value is `a3core.attention.payload.build_payload` with the `request` that made it.

    slot "first" writes the page's address and triggers `choose`, `ask` and `birthplace`;
    "second" is beside it.
    """

    def fetch_pattern(request: dict) -> dict:
        return fetch_matrix(models, request)

    return gr.HTML(
        value,
        html_template=read_markup(slot),
        css_template=read_file("view.css"),
        js_on_load=read_script(),
        apply_default_css=False,
        server_functions=[fetch_pattern],
        elem_id=f"pattern-{slot}",
        label=f"Attention pattern, {slot} model",
        visible=slot == "first",
    )
