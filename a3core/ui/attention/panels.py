"""Below the attention view: heads switched off, and the pattern as a file."""

from __future__ import annotations

import json
import re
from html import escape

import gradio as gr
import numpy as np
import pandas as pd

from a3core.ui.attention.models import AttentionModels
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import make_folder
from a3core.ui.shared.progress import report_to

COLUMNS = ["all heads on", "probability", "heads off", "probability "]


def build_ablation_panel(models: AttentionModels, model: gr.Dropdown, text: gr.Textbox) -> gr.Textbox:
    """Returns the box that lists the heads to switch off, so that the view can fill it."""
    with gr.Accordion("Switch heads off", open=False):
        gr.Markdown(
            "A head is switched off by setting its part of the output projection's input to zero. "
            "What becomes of the answer, and of the next token?"
        )
        with gr.Row():
            heads = gr.Textbox(
                label="Heads", placeholder="L2 H5, L3 H0", info="or choose them in the picture above", max_length=2000
            )
            answer = gr.Textbox(
                label="Answer", placeholder="London", info="empty: what the model itself writes", max_length=500
            )
        with gr.Row():
            switch, map_all = gr.Button("Switch them off", variant="primary"), gr.Button("Map every single head")
        effect = gr.HTML()
        table = gr.Dataframe(headers=COLUMNS, label="The five likeliest next tokens", interactive=False, visible=False)
        picture = gr.Plot(label="Every single head switched off", visible=False)

    @tells_errors
    def switch_off(model: str, text: str, heads: str, answer: str, progress=gr.Progress()):  # noqa: B008
        from a3core.attention.ablation import ablate_heads

        loaded = models.load(model, report_to(progress))
        found = ablate_heads(loaded, text or "", parse_heads(heads), answer or None)
        return render_effect(found), gr.Dataframe(tabulate_top(found), visible=True)

    @tells_errors
    def map_heads(model: str, text: str, answer: str, progress=gr.Progress()):  # noqa: B008
        from a3core.attention.ablation import map_ablations, plot_ablation_map

        loaded = models.load(model, report_to(progress))
        count = lambda done, total: progress((done, total), unit="variants")  # noqa: E731
        return gr.Plot(plot_ablation_map(map_ablations(loaded, text or "", answer or None, count)), visible=True)

    switch.click(switch_off, [model, text, heads, answer], [effect, table], api_visibility="private")
    map_all.click(map_heads, [model, text, answer], picture, api_visibility="private")
    return heads


def parse_heads(text: str | None) -> list[tuple[int, int]]:
    """(layer, head) pairs of "L2 H5, L3 H0" or "2.5 3.0". Raises ValueError if something else is in it."""
    pair = re.compile(r"L?(\d{1,4})[ .:]*H?(\d{1,4})", re.IGNORECASE)
    parts = [part.strip() for part in re.split(r"[,;\n]", text or "") if part.strip()]
    if bad := [part for part in parts if not pair.fullmatch(part)]:
        raise ValueError(f"{bad[0][:40]!r} is no head: write L2 H5 for head 5 of layer 2, with commas between heads")
    return [(int(layer), int(head)) for layer, head in (pair.fullmatch(part).groups() for part in parts)]


def render_effect(found) -> str:
    """One sentence; the answer is escaped, for the model or a visitor wrote it."""
    before, after = found.before.probability, found.after.probability
    ratio = f", {after / before:.2g} times as likely" if before > 0 else ""
    return (
        f"<p>Probability of the answer <strong>{escape(make_visible(found.answer))}</strong>: "
        f"{before:.4g} with all heads on, <strong>{after:.4g}</strong> with these off{ratio}.</p>"
    )


def tabulate_top(found) -> pd.DataFrame:
    rows = [
        (make_visible(a), f"{p:.4f}", make_visible(b), f"{q:.4f}")
        for (a, p), (b, q) in zip(found.before.top, found.after.top, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def make_visible(token: str) -> str:
    """Spaces and line ends as signs, as in the view."""
    return token.replace(" ", "␣").replace("\n", "⏎")


def build_download_panel(models: AttentionModels, model: gr.Dropdown, text: gr.Textbox, generate: gr.Radio) -> None:
    """The pattern of the first model as a file; the picture's own button saves the PNG."""
    with gr.Accordion("Download the pattern", open=False):
        gr.Markdown("`pattern` has the axes layer, head, query_pos, key_pos; `tokens` has one text a position.")
        with gr.Row():
            write_npz, write_json = gr.Button("Write .npz (NumPy)"), gr.Button("Write .json")
        file = gr.File(label="Pattern", visible=False, interactive=False)

    @tells_errors
    def write(model: str, text: str, generate: bool, save) -> gr.File:
        return gr.File(save(models.capture(model, text or "", generate)), visible=True)

    for button, save in ((write_npz, save_npz), (write_json, save_json)):
        button.click(
            lambda *values, save=save: write(*values, save), [model, text, generate], file, api_visibility="private"
        )


def save_npz(capture) -> str:
    """A compressed .npz of its own folder, so that two visitors never share one."""
    path = make_folder() / "attention.npz"
    np.savez_compressed(path, pattern=capture.pattern, tokens=np.array(capture.tokens), model=np.array(capture.model))
    return str(path)


def save_json(capture) -> str:
    path = make_folder() / "attention.json"
    path.write_text(json.dumps({"model": capture.model, **capture.to_json()}, ensure_ascii=False), encoding="utf-8")
    return str(path)
