"""The label questions of a run, edited in a form, or as JSON."""

from __future__ import annotations

import json

import gradio as gr

from a3core.ui.grader.service import GraderService, check_owner, check_run, find_user
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import read_template
from a3core.ui.shared.screen import PRIVATE, QUIET, follow

RESERVED = frozenset("bszZrge?0123456789")  # keys that move, undo, mark and help
SHIPPED = (
    "The questions of a run that comes with this project are the same for everybody. Export it and put it back under "
    "another name to ask your own."
)
LETTERS = "cfynawxodhijklmpqtuvCDEFGHIJKL"  # keys of new choices, in turn


def build_schema_panel(grading: GraderService, run: gr.Dropdown, showing: dict) -> None:
    """`showing` is the event that shows the annotator's item, which new questions change."""
    gr.Markdown(read_template(__file__, "questions.md"))
    current = gr.State(0)  # the question in the form; those before it are in the JSON
    with gr.Row(elem_classes="a3-columns"):
        with gr.Column(scale=2, min_width=300):
            which = gr.Radio([], label="Questions, as they are asked")
            with gr.Row():
                add, up, drop = (
                    gr.Button(words, size="sm", min_width=90) for words in ("Add one", "Move up", "Take out")
                )
            share = gr.Slider(
                0, 0.5, 0, step=0.05, label="Items that come back silently", info="to measure agreement with oneself"
            )
            save = gr.Button("Save", variant="primary")
            status = gr.Markdown(min_height=24)
            with gr.Accordion("The same as JSON", open=False):
                schema = gr.Code(label="Label questions", language="json", lines=20, interactive=True)
                with gr.Row():
                    load, save_json = gr.Button("Show this run's"), gr.Button("Save the JSON")
        with gr.Column(scale=3, min_width=320):
            text = gr.Textbox(label="The question", max_length=500)
            field = gr.Textbox(label="Field", info="its name in files and reports", max_length=100)
            choices = gr.Textbox(
                label="Choices", info="one a line: its key, a space, the choice", lines=3, max_length=5000
            )
            revealed = gr.Checkbox(label="asked only once the answer is seen")
            guideline = gr.Textbox(label="Guideline, in Markdown", lines=6, max_length=20_000)
            gr.Markdown("How annotators read it:")
            preview = gr.Markdown(elem_classes="a3-guideline", elem_id="grader-preview")
    form = [field, text, guideline, choices, revealed]
    filled = [schema, current, which, *form, preview]

    @tells_errors
    def show_questions(chosen: int | None):
        info = grading.store.run_info(check_run(chosen))
        text = dump(json.loads(info.schema.to_json()))
        return *fill_form(text, 0), info.repeat_share, f"Version {info.schema.version}"

    @tells_errors
    def store(chosen: int | None, text: str, repeat_share: float, request: gr.Request):
        check_owner(grading, check_run(chosen), request)
        parsed, by = parse(text), find_user(request) or ""
        if grading.is_shipped(chosen) and parsed != grading.store.run_info(chosen).schema:
            raise ValueError(SHIPPED)
        grading.store.set(chosen, by, schema=parsed, repeat_share=repeat_share)
        return f"Saved as version {parsed.version}. The next item is asked so."

    def edit_by(change):
        """What a button does to the list of questions, after what is in the form was put into it."""

        @tells_errors
        def edit(text: str, index: int, wanted: int | None, *values):
            entries = put_form(text, index, values)
            index = change(entries, index, wanted)
            return fill_form(dump(entries), index)

        return edit

    quiet = {**QUIET, "trigger_mode": "always_last"}
    listing = {"fn": show_questions, "inputs": run, "outputs": [*filled, share, status], **quiet}
    follow([load.click, run.change], **listing)
    edits = {add.click: add_entry, up.click: move_up, drop.click: take_out}
    edits[which.input] = lambda entries, index, wanted: index if wanted is None else int(wanted)
    for event, change in edits.items():
        event(edit_by(change), [schema, current, which, *form], filled, **quiet)
    guideline.change(lambda text: text, guideline, preview, **quiet)
    put = save.click(
        edit_by(lambda entries, index, _: index),
        [schema, current, which, *form],
        filled,
        trigger_mode="always_last",
        **PRIVATE,
    )
    for saved in (put.success, save_json.click):
        saved(store, [run, schema, share], status, **PRIVATE).success(**showing).success(**listing)


# The questions as a list of objects, which the form changes one by one


def fill_form(text: str, index: int) -> tuple:
    """JSON, the question's index, the list of questions, and the question's values with the preview."""
    entries = json.loads(text)
    own = entries[index]
    listed = [(entry["text"] or entry["field"], number) for number, entry in enumerate(entries)]
    lines = "\n".join(f"{key} {choice}" for key, choice in zip(own["keys"], own["choices"], strict=False))
    values = own["field"], own["text"], own["guideline"], lines, own.get("revealed", False)
    return text, index, gr.Radio(listed, value=index), *values, own["guideline"]


def put_form(text: str, index: int, values: tuple) -> list[dict]:
    """The questions with what the form holds. Raises ValueError for what is no list of questions."""
    field, question, guideline, lines, revealed = values
    pairs = [line.strip().partition(" ") for line in (lines or "").splitlines() if line.strip()]
    entries = json.loads(parse(text).to_json())
    entries[index] = {
        "field": field.strip(),
        "text": question.strip(),
        "guideline": guideline,
        "choices": [choice.strip() for _, _, choice in pairs],
        "keys": [key for key, *_ in pairs],
        "revealed": revealed,
    }
    parse(dump(entries))
    return entries


def add_entry(entries: list[dict], index: int, wanted: int | None) -> int:
    """One more question behind the others, with keys that are free."""
    free = [letter for letter in LETTERS if not any(letter in entry["keys"] for entry in entries)]
    fields = {entry["field"] for entry in entries}
    field = next(name for name in (f"question {n}" for n in range(1, len(entries) + 2)) if name not in fields)
    new = {"field": field, "text": "A new question?", "guideline": "", "choices": ["yes", "no"], "revealed": False}
    entries.append(new | {"keys": free[:2]})
    return len(entries) - 1


def move_up(entries: list[dict], index: int, wanted: int | None) -> int:
    """The question is asked before the one before it."""
    before = max(index - 1, 0)
    entries[before], entries[index] = entries[index], entries[before]
    return before


def take_out(entries: list[dict], index: int, wanted: int | None) -> int:
    """The question is not asked any more. Raises ValueError for the last one."""
    if len(entries) < 2:
        raise ValueError("Annotators are asked one question at least.")
    del entries[index]
    return max(index - 1, 0)


def dump(entries: list[dict]) -> str:
    """The questions as they are shown and edited."""
    return json.dumps(entries, indent=2, ensure_ascii=False)


def parse(text: str):
    """Raises ValueError for what is no schema, and for keys that mean something else already."""
    from a3core.grader.labels.schema import Schema

    schema = Schema.from_json(text or "")
    taken = sorted({key for question in schema.questions for key in question.keys if len(key) != 1 or key in RESERVED})
    if taken:
        raise ValueError(f"These keys are taken, or no single key: {' '.join(taken)}. Choose other letters.")
    return schema
