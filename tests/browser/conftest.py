"""Browser tests share one app and its store of labels."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest

ASCII = "□⁇" + "".join(sorted(string.printable.strip() + " "))


@pytest.fixture(scope="module", autouse=True)
def only_shipped_runs():
    """Takes the runs that the tests of a file have added out of the Grader, which opens on the newest one."""
    yield
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore
    from a3core.grader.runs.generation import load_run
    from a3core.ui.grader.service import SHIPPED_RUNS

    store, shipped = LabelStore(open_database()), {load_run(folder).name for folder in SHIPPED_RUNS}
    for info in store.runs():
        if info.name not in shipped:
            store.change(info.id, "run", "hide")


@pytest.fixture
def open_run(open_page, open_tab, store):
    """Opens a run in the Grader under a name; `store`, a fixture of the test file, has that run."""
    from hands import sign_in, watch
    from playwright.sync_api import expect

    def open_run(name: str, annotator: str):
        page = open_page(width=1366, height=768)
        open_tab(page, "Grader")
        box = page.get_by_label("Run", exact=True)
        expect(box).not_to_have_value("")
        watch(page)  # the first visit's warming up, which takes long, is not waited for
        box.click()
        box.fill(name)
        page.get_by_role("option", name=name).first.click()
        sign_in(page, annotator)
        expect(page.locator("#grading .question")).not_to_be_empty()
        page.wait_for_function("document.activeElement.closest('#grading')")
        return page

    return open_run


@pytest.fixture(scope="session")
def attention_checkpoints(tmp_path_factory, build_gpt):
    from a3core.birthplace.checkpoints import CheckpointStore, Training, save_checkpoint

    root = tmp_path_factory.mktemp("checkpoints")
    facts = Training("finetuned", "builtin:10", "a table", "0" * 64, "a command", {}, 1, 200, 9.0, "a machine")
    for seed, stage in enumerate(("finetuned", "pretrained", "pretrained-finetuned")):
        gpt = build_gpt(ASCII, block_size=128, n_layer=2, n_head=3, n_embd=24, seed=seed)
        save_checkpoint(gpt, root / f"tiny-{stage}", replace(facts, stage=stage))
    return CheckpointStore(root)


@pytest.fixture(scope="session")
def attention_address(attention_checkpoints):
    """The tab over tiny checkpoints, the second of its page, so that it is hidden at load."""
    import gradio as gr
    from serving import serve

    from a3core.ui.attention.tab import build_attention_tab

    with gr.Blocks(analytics_enabled=False) as demo, gr.Tabs() as tabs:
        with gr.Tab("Birthplace", id="birthplace"):
            question = gr.Textbox(label="Name or question")
        with gr.Tab("Attention", id="attention"):
            build_attention_tab(attention_checkpoints, question, tabs)
    with serve(demo) as address:
        yield f"{address}/"
