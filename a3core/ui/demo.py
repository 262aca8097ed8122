"""The table of contents: a page, and a tab for each room."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from a3core.birthplace.asking import Checkpoints
from a3core.fewshot.asking import FewShot
from a3core.ui.attention_tab import build_attention_tab
from a3core.ui.birthplace_tab import build_birthplace_tab
from a3core.ui.cot_parts import Grading
from a3core.ui.cot_tab import build_cot_tab, build_memory
from a3core.ui.fewshot_tab import build_fewshot_tab

ASSETS = Path(__file__).resolve().parents[2] / "assets"
INTRODUCTION = (
    "# What a transformer remembers\n"
    "A transformer **attends**; it **remembers** what it was pretrained on; it answers better **when shown the right "
    "demonstrations**; and best when it **first says what it knows**. Every figure here is measured, on models this "
    "project trained."
)
# System fonts and no analytics: the page asks nothing of any other host.
THEME = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
STYLES = [ASSETS / "style.css", ASSETS / "attention_lab.css"]
LAUNCH = {"theme": THEME, "css_paths": STYLES, "footer_links": ["api", "gradio", "settings"]}


def build_demo(checkpoints: Path, fewshot: FewShot | None = None, grading: Grading | None = None) -> gr.Blocks:
    """The page over the checkpoints of one folder; `fewshot` and `grading` are the real ones, or a test's."""
    fewshot = fewshot or FewShot()
    shelf = Checkpoints(checkpoints)
    with gr.Blocks(title="What a transformer remembers", analytics_enabled=False) as demo:
        gr.Markdown(INTRODUCTION)
        remembered = build_memory()
        with gr.Tabs() as tabs:
            with gr.Tab("Birthplace", id="birthplace"):
                question = build_birthplace_tab(shelf)
            with gr.Tab("Attention", id="attention"):
                attention = build_attention_tab(shelf, question, tabs)
            with gr.Tab("Few-shot", id="fewshot"):
                build_fewshot_tab(fewshot, attention, tabs)
            with gr.Tab("Grader", id="grader"):
                build_cot_tab(grading or Grading(), fewshot, demo, remembered)
    return demo
