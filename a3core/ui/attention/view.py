"""The attention view: its markup, style and scripts are files in assets/pattern_view."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from a3core.ui.shared.file_view import build_file_view

SCRIPTS = ("numbers.js", "heads.js", "matrix.js", "events.js")  # in this order; together they are one script


def build_pattern_view(fetch_pattern: Callable[[dict], dict], slot: str, visible: bool = True) -> gr.HTML:
    """A view of one capture; its value is `a3core.attention.payload.build_payload` with the `request` that made it.

    fetch_pattern gets that request with `heads` and `rollout`, and returns {"matrix": base64} or {"error": sentence}.
    slot "first" writes the page's address and triggers `choose`; "second" stands beside it.
    """
    return build_file_view(
        "pattern_view",
        SCRIPTS,
        slot,
        server_functions=[fetch_pattern],
        elem_id=f"pattern-{slot}",
        label=f"Attention pattern, {slot} model",
        visible=visible,
    )
