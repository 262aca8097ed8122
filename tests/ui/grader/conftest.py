"""The Grader tab alone, over a database of its own."""

from __future__ import annotations

import gradio as gr
import pytest
from grader_tab import HOSTILE
from lent import Lent

from a3core.grader.runs.responses import Response, Run


@pytest.fixture(scope="session")
def lent_page(fewshot, tmp_path_factory):
    """(the tab alone, what lends it a service)"""
    from a3core.birthplace.checkpoints import CheckpointStore
    from a3core.ui.grader.tab import build_cot_tab, build_memory

    lent = Lent()
    with gr.Blocks() as page:
        build_cot_tab(lent, fewshot, CheckpointStore(tmp_path_factory.mktemp("none")), page, build_memory(), gr.Tabs())
    return page, lent


@pytest.fixture
def page(lent_page, grading):
    page, lent_page[1].service = lent_page[0], grading
    return page


@pytest.fixture
def run(grading) -> int:
    responses = [
        Response(str(i), f"What is {i} + 1?", str(i + 1 + i % 2), f"{i} and 1\nare {i + 1}.", str(i + 1), kind)
        for i, kind in enumerate(["standard", "chain of thought"] * 3)
    ]
    return grading.store.add_run(Run("sums", (*responses, Response("h", HOSTILE, HOSTILE, HOSTILE, "x"))))
