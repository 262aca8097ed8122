"""Another pool than the built-in bank: uploaded, or named by its path."""

from __future__ import annotations

import os
from typing import NamedTuple

import gradio as gr

from a3core.common.hosting import is_space
from a3core.common.tabular import SUFFIXES
from a3core.fewshot.datasets import HUB
from a3core.fewshot.pools import BUILTIN, BUILTIN_VALIDATION, SKIP, split_spec
from a3core.fewshot.service import FewShot
from a3core.ui.shared import screen
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import read_template, render

MOST_LISTED = 2000  # questions in the list to take one from
SCREEN = "screen-pool"
LEAD = "A file of questions with answers becomes the pool. Its embeddings are computed once and kept."
NOTED = '{{ summary }}{% for note in notes %}<p class="a3-warning" role="note">{{ note }}</p>{% endfor %}'


class PoolInPage(NamedTuple):
    """Which pool is in use, and what follows from it."""

    pool: gr.State  # as `load_pool` names it
    validation: gr.State  # the questions to ask, named in the same manner
    taken: gr.Dropdown  # the list to take one of them from
    changed: gr.State  # answers changed by hand, by demonstration id
    name: gr.Textbox  # hidden: the page still has it where the session's states are gone, after a restart


def build_pool_panel(fewshot: FewShot, used: PoolInPage, section: gr.Tab) -> list[gr.Component]:
    """Sets what is in use. Returns the widgets that `describe_pool` fills."""
    free = not is_space()
    with screen.build_screen(SCREEN):
        with screen.build_settings(LEAD):
            text = {"max_length": 1000, "visible": free}
            hint, label = "own.jsonl, hub:triviaqa or hub:OWNER/NAME:train", "Pool by path, or of the hub"
            pool_path = gr.Textbox(label=label, placeholder=hint, elem_classes="a3-field", **text)
            asked_path = gr.Textbox(label="Questions by path", placeholder="triviaqa/validation.jsonl", **text)
            files = {"file_types": list(SUFFIXES), "height": 110, "elem_classes": "a3-field"}
            pool_file = gr.File(label="Pool", **files)
            asked_file = gr.File(label="Questions to ask", **files)
            example, info = "question=title&answers=gold[*].text", "where they are called otherwise, in both files"
            columns = gr.Textbox(label="Columns", placeholder=example, info=info, max_length=1000)
            skip = gr.Checkbox(False, label="Skip rows that cannot be read, and list them")
            use, reset = gr.Button("Use this pool", variant="primary"), gr.Button("Back to the built-in bank")
        with screen.build_results():
            gr.HTML(read_template(__file__, "pool.html"))
            status = gr.HTML(elem_classes="a3-progress")

    def describe(pool_spec: str, asked_spec: str, progress) -> tuple:
        in_memory = fewshot.pool(pool_spec, screen.report_to(progress)).pool
        *values, summary = describe_pool(fewshot, pool_spec, asked_spec, len(in_memory))
        return *values, render(NOTED, summary=summary, notes=in_memory.notes)

    @tells_errors
    def use_pool(
        file: str,
        asked: str,
        path: str,
        asked_at: str,
        skips: bool = False,
        columns: str = "",
        progress=gr.Progress(),  # noqa: B008
    ):
        chosen = file or (path or "").strip() * free
        if not chosen:
            raise ValueError("Choose a pool first: a file, or its path.")
        asked, skip = asked or (asked_at or "").strip() * free or chosen, SKIP * skips
        named = f"#{columns.strip()}" if (columns or "").strip() else ""
        return describe(skip + chosen + named, skip + asked + named, progress)

    @tells_errors
    def use_bank(progress=gr.Progress()):  # noqa: B008
        return describe(BUILTIN, BUILTIN_VALIDATION, progress)

    outputs = [*used, status]
    screen.act(section.select, SCREEN, fn=tells_errors(check_pool), inputs=[used.pool, used.name])
    inputs = [pool_file, asked_file, pool_path, asked_path, skip, columns]
    for button, fn, read in ((use, use_pool, inputs), (reset, use_bank, None)):
        options = {
            "show_progress": "full",
            "show_progress_on": status,
            "concurrency_id": "pool",
            "concurrency_limit": 1,
        }
        screen.act(button.click, SCREEN, fn=fn, inputs=read, outputs=outputs, **options)
    return outputs


def describe_pool(fewshot: FewShot, pool_spec: str, asked_spec: str, n: int) -> tuple:
    """Values for what `build_pool_panel` returns, all at once: else one pool's questions would be asked of another.

    n: how many demonstrations the pool has.
    """
    summary = f"In use: {n:,} demonstrations; {len(fewshot.questions(asked_spec)):,} questions to ask."
    listed = gr.Dropdown(list_questions(fewshot, asked_spec), value=None)
    return pool_spec, asked_spec, listed, {}, name_pool(pool_spec), summary


def name_pool(spec: str) -> str:
    """What the page calls a pool: "" the built-in bank."""
    return "" if spec == BUILTIN else os.path.basename(split_spec(spec)[1])


def check_pool(spec: str, name: str) -> None:
    """Raises ValueError where the pool of the session is no longer the one that the page names."""
    _, path, _ = split_spec(spec)
    is_file = not path.startswith((BUILTIN, HUB))
    if name != name_pool(spec) or (is_file and not os.path.isfile(os.path.expanduser(path))):
        raise ValueError(f"Your pool {name} is gone: choose it again below “Your own pool”, or go back to the bank.")


def list_questions(fewshot: FewShot, spec: str) -> list[tuple[str, int]]:
    """The first questions of a validation set, with their positions."""
    return [(row.question, i) for i, row in enumerate(fewshot.questions(spec).rows[:MOST_LISTED])]
