"""A gr.HTML component of our own from a folder of files: view.html is its markup, view.css its style.

The template holds no text of anybody: the scripts write it, as text, when a value arrives (`watch("value", ...)`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from a3core.common.paths import ASSETS


def build_file_view(folder: str, scripts: Sequence[str], slot: str = "", **options) -> gr.HTML:
    """The view of assets/<folder>; the scripts run as one, in their order. `slot` stands for SLOT in the markup."""
    files = ASSETS / folder
    return gr.HTML(
        html_template=read(files / "view.html").replace("SLOT", slot),
        css_template=read(files / "view.css"),
        js_on_load="\n".join(read(files / script) for script in scripts),
        apply_default_css=False,
        **options,
    )


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
