"""The table of contents: a page, and a tab for each room."""

from pathlib import Path

import gradio as gr

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.service import BirthplaceService
from a3core.fewshot.service import FewShot
from a3core.ui.attention.tab import build_attention_tab
from a3core.ui.birthplace.tab import build_birthplace_tab, link_attention
from a3core.ui.fewshot.tab import build_fewshot_tab
from a3core.ui.grader.birthplaces import link_to_grader
from a3core.ui.grader.report import warm_up
from a3core.ui.grader.service import GraderService
from a3core.ui.grader.tab import build_cot_tab, build_memory
from a3core.ui.shared.limits import CLEANING, LIMITS, QUEUE
from a3core.ui.shared.screen import PRIVATE
from a3core.ui.shared.theme import STYLE, build_theme
from a3core.ui.shared.turns import share_fairly
from a3core.ui.tour import build_guide, lead_through

LAUNCH = {"theme": build_theme(), "css_paths": [STYLE], "footer_links": ["api", "gradio", "settings"], **LIMITS}


def build_demo(*checkpoints: Path, fewshot: FewShot | None = None, grading: GraderService | None = None) -> gr.Blocks:
    """The page over the checkpoints of some folders; `fewshot` and `grading` are the real ones, or a test's."""
    fewshot = fewshot or FewShot()
    store, grading = CheckpointStore(*checkpoints), grading or GraderService()
    service = BirthplaceService(store)
    with gr.Blocks(
        title="What a transformer remembers", analytics_enabled=False, delete_cache=CLEANING, fill_width=True
    ) as demo:
        path = build_guide(store)
        remembered = build_memory()
        with gr.Tabs(elem_id="a3-tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab("Birthplace", id="birthplace"):
                birthplace = build_birthplace_tab(service)
            with gr.Tab("Attention", id="attention"):
                attention = build_attention_tab(store, birthplace and birthplace.question, tabs)
            with gr.Tab("Few-shot", id="fewshot"):
                fewshot_links = build_fewshot_tab(
                    fewshot, attention_model=attention.model, attention_text=attention.text, tabs=tabs
                )
            with gr.Tab("Grader", id="grader") as grader_tab:
                grader = build_cot_tab(grading, fewshot, store, demo, remembered, tabs)
        grader_tab.select(warm_up, queue=False, **PRIVATE)
        if birthplace:
            link_to_grader(birthplace, service, grading, grader, tabs)
            link_attention(birthplace, store, attention, tabs)
        lead_through(path, tabs, store, fewshot, grading, (birthplace, attention, fewshot_links, grader))
    return share_fairly(demo.queue(**QUEUE))
