"""Another pool than the built-in bank: uploaded, or named by its path."""

from __future__ import annotations

import gradio as gr

from a3core.common.hosting import is_space
from a3core.common.tabular import SUFFIXES
from a3core.fewshot.pools import BUILTIN, BUILTIN_VALIDATION
from a3core.fewshot.service import FewShot
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render
from a3core.ui.shared.progress import report_to
from a3core.ui.shared.screen import act, build_lead, build_results, build_screen, build_settings

MOST_LISTED = 2000  # questions in the list to take one from
SCREEN = "screen-pool"
LEAD = "A file of questions with answers becomes the pool. Its embeddings are computed once and kept."
COLUMNS = """<div class="a3"><h2>Questions with answers of your own</h2>
<p>JSONL, CSV, TSV, Parquet, workbooks, TriviaQA's own JSON. Without questions to ask, the pool's own are listed.</p>
<table class="a3-t"><thead><tr><th class="l">column</th><th class="l">what it holds</th></tr></thead><tbody>
<tr><td>question</td><td class="l">the question</td></tr>
<tr><td>answers, or answer</td><td class="l">every right answer: a list, or with | between them</td></tr>
<tr><td>value</td><td class="l">the answer that a prompt gives, if there is one</td></tr>
<tr><td>subject, id</td><td class="l">not needed</td></tr></tbody></table></div>"""


def build_pool_panel(
    fewshot: FewShot, pool: gr.State, validation: gr.State, taken: gr.Dropdown, changed: gr.State
) -> list[gr.Component]:
    """Sets the states; the list to take questions from follows. Returns the widgets that `describe_pool` fills."""
    free = not is_space()
    with build_screen(SCREEN):
        with build_settings():
            build_lead(LEAD)
            pool_path = gr.Textbox(
                label="Pool by path",
                placeholder="triviaqa/train_pool.jsonl or hub:triviaqa",
                max_length=1000,
                visible=free,
                elem_classes="a3-field",
            )
            asked_path = gr.Textbox(
                label="Questions by path", placeholder="triviaqa/validation.jsonl", max_length=1000, visible=free
            )
            files = {"file_types": list(SUFFIXES), "height": 110, "elem_classes": "a3-field"}
            pool_file = gr.File(label="Pool", **files)
            asked_file = gr.File(label="Questions to ask", **files)
            with gr.Row():
                use, reset = gr.Button("Use this pool", variant="primary"), gr.Button("Back to the built-in bank")
        with build_results():
            gr.HTML(render(COLUMNS))
            status = gr.Markdown(min_height=40)

    def describe(pool_spec: str, asked_spec: str, progress) -> tuple:
        used = fewshot.pool(pool_spec, report_to(progress)).retriever.pool
        return describe_pool(fewshot, pool_spec, asked_spec, len(used))

    @tells_errors
    def use_pool(file: str, asked: str, path: str, asked_at: str, progress=gr.Progress()):  # noqa: B008
        chosen = file or (path or "").strip() * free
        if not chosen:
            raise ValueError("Choose a pool first: a file, or its path.")
        return describe(chosen, asked or (asked_at or "").strip() * free or chosen, progress)

    @tells_errors
    def use_bank(progress=gr.Progress()):  # noqa: B008
        return describe(BUILTIN, BUILTIN_VALIDATION, progress)

    outputs = [pool, validation, taken, changed, status]
    inputs = [pool_file, asked_file, pool_path, asked_path]
    for button, fn, read in ((use, use_pool, inputs), (reset, use_bank, None)):
        options = {"show_progress": "full", "show_progress_on": status, "concurrency_id": "encoder"}
        act(button.click, SCREEN, fn=fn, inputs=read, outputs=outputs, **options)
    return outputs


def describe_pool(fewshot: FewShot, pool_spec: str, asked_spec: str, n: int) -> tuple:
    """Values for what `build_pool_panel` returns, all at once: else one pool's questions would be asked of another.

    n: how many demonstrations the pool has.
    """
    summary = f"In use: {n:,} demonstrations; {len(fewshot.questions(asked_spec)):,} questions to ask."
    return pool_spec, asked_spec, gr.Dropdown(list_questions(fewshot, asked_spec), value=None), {}, summary


def describe_bank(fewshot: FewShot) -> tuple:
    """Of the built-in bank, which is not embedded for that: the guided path opens its tab at once."""
    return describe_pool(fewshot, BUILTIN, BUILTIN_VALIDATION, len(fewshot.questions(BUILTIN)))


def list_questions(fewshot: FewShot, spec: str) -> list[tuple[str, int]]:
    """The first questions of a validation set, with their positions."""
    rows = fewshot.questions(spec).rows[:MOST_LISTED]
    return [(row.question, i) for i, row in enumerate(rows)]
