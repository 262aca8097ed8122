"""In the settings of the Attention tab: heads by their names, an answer to measure, and the pattern as a file."""

import json
import re
from collections.abc import Callable
from functools import partial

import gradio as gr
import numpy as np

from a3core.ui.attention.models import AttentionModels
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render
from a3core.ui.shared.limits import make_folder
from a3core.ui.shared.screen import PRIVATE, QUIET

HEAD = re.compile(
    r"(?<![^\s,;])(?:L(\d{1,4})[ .]*H(\d{1,4})|L?(\d{1,4})\.(\d{1,4})|L(\d{1,4}))(?![^\s,;])", re.IGNORECASE
)
ERROR = '<p class="a3-error" role="alert">{{ sentence }}</p>'


def build_heads_panel(models: AttentionModels, model: gr.Dropdown) -> tuple[gr.Textbox, gr.Checkbox, Callable]:
    """A fold with heads; returns the answer that they are measured on, the kind of ablation, and what wires a view.

    Typed heads are chosen in the view; heads chosen there are typed here.
    """
    with gr.Accordion("Heads by name, another answer", open=False, elem_classes=["a3-fold", "a3-second"]):
        quiet = {"max_length": 2000, "elem_classes": "a3-quiet-field"}
        heads = gr.Textbox(label="Heads", placeholder="L2 H5, L3", info="L3 is all of layer 3", **quiet)
        error = gr.HTML()
        answer = gr.Textbox(
            label="Answer", placeholder="London", info="empty: what the model writes; a space is put before it", **quiet
        )
        mean = gr.Checkbox(False, label="off is the mean, not zero", elem_classes=["a3-check", "a3-quiet-field"])
        button = gr.Button("Choose and measure", size="sm")

    def wire(view: gr.HTML) -> None:
        def choose(name: str, typed: str):
            try:
                loaded = models.load(name)
                found = parse_heads(typed, loaded.n_layer, loaded.n_head)
                if not found:
                    raise ValueError("Write a head, such as L2 H5.")
            except ValueError as problem:
                return {error: render(ERROR, sentence=problem)}
            return {view: {"heads": found}, error: ""}

        for trigger in (button.click, heads.submit, answer.submit):
            trigger(choose, [model, heads], [view, error], **QUIET)
        view.choose(name_heads, None, heads, **PRIVATE, queue=False)

    return answer, mean, wire


def parse_heads(text: str | None, n_layer: int = 1000, n_head: int = 1000) -> list[tuple[int, int]]:
    """(layer, head) pairs of "L2 H5, L3.0", "2.5 3.0" or "L12" (the layer's every head).

    Raises ValueError if something else is in it, or the model has no such head.
    """
    if rest := HEAD.sub("", text or "").strip(" ,;\n\t"):
        bad = re.split(r"[,;\n]", rest)[0].strip()[:40]
        raise ValueError(f"{bad!r} is no head: write L2 H5 for head 5 of layer 2, or L2 for all of its heads.")
    found = []
    for match in HEAD.finditer(text or ""):
        layer, head = int(match[1] or match[3] or match[5]), match[2] or match[4]
        found += [(layer, int(head))] if head is not None else [(layer, each) for each in range(n_head)]
    for layer, head in found:
        if layer >= n_layer or head >= n_head:
            raise ValueError(
                f"There is no layer {layer} head {head}: the model has {n_layer} layers of {n_head} heads, from 0 on."
            )
    return list(dict.fromkeys(found))


def name_heads(event: gr.EventData) -> str:
    """The heads chosen in the view, as the box lists them."""
    return ", ".join(f"L{int(layer)} H{int(head)}" for layer, head in event.heads)


def build_download_panel(
    models: AttentionModels, model: gr.Dropdown, text: gr.Textbox, generate: gr.Checkbox, layers: gr.Textbox
) -> None:
    """The pattern of the first model as a file; the picture's own buttons save PNG and SVG."""
    with gr.Accordion("Download the pattern", open=False, elem_classes=["a3-fold", "a3-second"]):
        gr.Markdown("`pattern` has the axes layer, head, query_pos, key_pos; `tokens` has one text a position.")
        with gr.Row():
            write_npz, write_json = gr.Button("Write .npz", size="sm"), gr.Button("Write .json", size="sm")
        file = gr.File(label="Pattern", visible=False, interactive=False)

    @tells_errors
    def write(suffix: str, model: str, text: str, generate: bool, layers: str) -> gr.File:
        capture = models.capture(model, text or "", generate, layers=(layers or "").strip())
        return gr.File(save_pattern(capture, suffix), visible=True)

    inputs = [model, text, generate, layers]
    for button, suffix in ((write_npz, "npz"), (write_json, "json")):
        button.click(partial(write, suffix), inputs, file, **PRIVATE)
    # a file is of the text and model that it was made of
    gr.on([each.change for each in inputs], lambda: gr.File(None, visible=False), None, file, **QUIET, queue=False)


def save_pattern(capture, suffix: str) -> str:
    """A compressed "npz" or "json" in a folder of its own, so that two visitors never share one.

    Raises ValueError for a pattern that would be huge as JSON.
    """
    path = make_folder() / f"attention.{suffix}"
    if suffix == "npz":
        tokens, model = np.array(capture.tokens), np.array(capture.model)
        np.savez_compressed(path, pattern=capture.pattern, tokens=tokens, model=model)
    else:
        path.write_text(json.dumps({"model": capture.model, **capture.to_json()}, ensure_ascii=False), encoding="utf-8")
    return str(path)
