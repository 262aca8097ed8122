"""The Grader tab alone, over a database of its own."""

from __future__ import annotations

import gradio as gr
import pytest
from grader_tab import HOSTILE

from a3core.grader.runs.responses import Response, Run


@pytest.fixture
def grading(tmp_path, monkeypatch):
    from a3core.ui.grader.service import GraderService

    monkeypatch.delenv("SPACE_ID", raising=False)
    return GraderService(f"sqlite:///{tmp_path / 'labels.sqlite'}")


@pytest.fixture
def page(grading, fewshot, tmp_path):
    """The tab alone, over a database of its own."""
    from a3core.birthplace.checkpoints import CheckpointStore
    from a3core.ui.grader.tab import build_cot_tab, build_memory

    with gr.Blocks() as page:
        build_cot_tab(grading, fewshot, CheckpointStore(tmp_path), page, build_memory())
    return page


@pytest.fixture
def run(grading) -> int:
    responses = [
        Response(str(i), f"What is {i} + 1?", str(i + 1 + i % 2), f"{i} and 1\nare {i + 1}.", str(i + 1), kind)
        for i, kind in enumerate(["standard", "chain of thought"] * 3)
    ]
    return grading.store.add_run(Run("sums", (*responses, Response("h", HOSTILE, HOSTILE, HOSTILE, "x"))))
