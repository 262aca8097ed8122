"""The label questions of a run: their guidelines can be edited, and more of the schema as JSON."""

from __future__ import annotations

import gradio as gr

from a3core.ui.grader.service import GraderService, check_owner, check_run, find_user
from a3core.ui.shared.errors import tells_errors

RESERVED = frozenset("bszZrge?0123456789")  # keys that move, undo, mark and help
SHIPPED = (
    "The questions of a run that comes with this project are the same for everybody. Export it and put it back under "
    "another name to ask your own."
)
INTRODUCTION = (
    "What annotators are asked, and what the choices mean here. A change makes a new version; labels that were given "
    "keep the version they were given under. Fields: `field`, `text`, `guideline` (Markdown), `choices`, and the `keys`"
    " that give them. With `revealed`, a question is asked only once the answer is seen."
)


def build_schema_panel(grading: GraderService, run: gr.Dropdown, showing: dict) -> None:
    """`showing` is the event that shows the annotator's item, which new questions change."""
    gr.Markdown(INTRODUCTION)
    schema = gr.Code(label="Label questions", language="json", lines=20, interactive=True)
    share = gr.Slider(
        0, 0.5, 0, step=0.05, label="Items that come back silently", info="to measure agreement with oneself"
    )
    with gr.Row():
        load, save = gr.Button("Show this run's"), gr.Button("Save as this run's", variant="primary")
    status = gr.Markdown(min_height=24)

    @tells_errors
    def show(chosen: int | None):
        info = grading.store.run_info(check_run(chosen))
        return indent(grading.store.schema(info.id)), info.repeat_share, f"Version {info.schema_version}"

    @tells_errors
    def store(chosen: int | None, text: str, repeat_share: float, request: gr.Request):
        check_owner(grading, check_run(chosen), request)
        parsed, by = parse(text), find_user(request) or ""
        if grading.is_shipped(chosen) and parsed != grading.store.schema(chosen):
            raise ValueError(SHIPPED)
        grading.store.set_schema(chosen, parsed, by)
        grading.store.set_repeat_share(chosen, repeat_share, by)
        return f"Saved as version {parsed.version}. The next item is asked so."

    private = {"api_visibility": "private", "trigger_mode": "always_last"}
    gr.on([load.click, run.change], show, run, [schema, share, status], show_progress="hidden", **private)
    save.click(store, [run, schema, share], status, api_visibility="private").success(**showing)


def indent(schema) -> str:
    import json

    return json.dumps(json.loads(schema.to_json()), indent=2, ensure_ascii=False)


def parse(text: str):
    """Raises ValueError for what is no schema, and for keys that mean something else already."""
    from a3core.grader.labels.schema import Schema

    schema = Schema.from_json(text or "")
    taken = sorted({key for question in schema.questions for key in question.keys if len(key) != 1 or key in RESERVED})
    if taken:
        raise ValueError(f"These keys are taken, or no single key: {' '.join(taken)}. Choose other letters.")
    return schema
