"""The attention view: a gr.HTML component of our own, whose markup, style and script are files in assets/pattern_view.

The template holds no text of anybody: the script writes it, as text, when a value arrives (`watch("value", ...)`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gradio as gr

FILES = Path(__file__).resolve().parents[2] / "assets" / "pattern_view"
SCRIPTS = ("numbers.js", "heads.js", "matrix.js", "events.js")  # in this order; together they are one script


def build_pattern_view(fetch_pattern: Callable[[dict], dict], slot: str, visible: bool = True) -> gr.HTML:
    """A view of one capture; its value is `a3core.attention.payload.build_payload` with the `request` that made it.

    fetch_pattern gets that request with `heads` and `rollout`, and returns {"matrix": base64} or {"error": sentence}.
    slot "first" writes the page's address and triggers `choose`; "second" stands beside it.
    """
    return gr.HTML(
        html_template=read("view.html").replace("SLOT", slot),
        css_template=read("view.css"),
        js_on_load="\n".join(map(read, SCRIPTS)),
        apply_default_css=False,
        server_functions=[fetch_pattern],
        elem_id=f"pattern-{slot}",
        label=f"Attention pattern, {slot} model",
        visible=visible,
        min_width=320,
    )


def read(file: str) -> str:
    return (FILES / file).read_text(encoding="utf-8")
