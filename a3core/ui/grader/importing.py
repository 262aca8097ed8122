"""A file of responses becomes a run: its columns are guessed, a person confirms them, and sees the first rows."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pandas as pd

from a3core.ui.grader.report import show_plainly
from a3core.ui.grader.service import GraderService, check_admin, show_runs
from a3core.ui.shared.errors import tells_errors

FIELDS = ("question", "answer", "explanation", "gold_answer", "prompt_kind", "model", "sample", "id", "steps")
SUFFIXES = [".jsonl", ".json", ".csv", ".tsv", ".parquet"]
NONE = "(none)"


def build_import_panel(grading: GraderService, run: gr.Dropdown) -> None:
    gr.Markdown(
        "JSONL, JSON, CSV, TSV or Parquet. Several samples of a question are welcome. GSM8K model solutions, MultiArith"
        " zero-shot-CoT, BIG-Bench Mistake and three-rater explanations are recognised, with the labels they bring."
    )
    upload = gr.File(label="Responses", file_types=SUFFIXES, height=120)
    found = gr.Markdown(min_height=24)
    with gr.Row():
        columns = [gr.Dropdown([NONE], value=NONE, label=field.replace("_", " "), min_width=140) for field in FIELDS]
    first = gr.Dataframe(label="The first rows, as they will be labelled", interactive=False, wrap=True, visible=False)
    with gr.Row():
        name = gr.Textbox(label="Name of the run", max_length=200)
        add = gr.Button("Import", variant="primary", elem_classes="a3-low")

    @tells_errors
    def inspect(path: str | None):
        """What the file is, and the columns as they are guessed."""
        from a3core.grader.importing.dataset_formats import recognise
        from a3core.grader.importing.mapping import propose_mapping

        if not path:
            return {found: ""}
        table = read(path)
        named, proposed = recognise(table), propose_mapping(table)
        chosen = [getattr(proposed, field) or NONE for field in FIELDS]
        menus = [gr.Dropdown([NONE, *table.columns], value=column) for column in chosen]
        message = f"Recognised: **{named}**; the columns are known." if named else "Check the columns, then import."
        rows = gr.Dataframe(show_first(path, *chosen), visible=True)
        return {found: message, name: Path(path).stem, first: rows, **dict(zip(columns, menus, strict=True))}

    @tells_errors
    def show_preview(path: str | None, *chosen: str):
        return gr.Dataframe(show_first(path, *chosen), visible=True) if path else gr.Dataframe(visible=False)

    @tells_errors
    def import_file(path: str | None, name: str, request: gr.Request, *chosen: str):
        check_admin(request)
        imported = build_run(path, name, *chosen)
        id_ = grading.store.add_run(imported)
        message = f"Imported {len(imported.responses):,} responses with {len(imported.labels):,} labels."
        return {found: f"{message} {' '.join(imported.notes)}", run: show_runs(grading, id_)}

    private = {"api_visibility": "private"}
    upload.change(inspect, upload, [found, name, first, *columns], **private)
    gr.on([menu.input for menu in columns], show_preview, [upload, *columns], first, **private)
    add.click(import_file, [upload, name, *columns], [found, run], **private)


def read(path: str):
    from a3core.common.tabular import read_table

    return read_table(Path(path))


def build_run(path: str | None, name: str, *chosen: str):
    """Raises ValueError that names the first bad rows."""
    from a3core.grader.importing.dataset_formats import import_known, recognise
    from a3core.grader.importing.mapping import Mapping, import_run

    if not path:
        raise ValueError("Choose a file first.")
    table = read(path)
    if recognise(table):
        return import_known(name, table)
    mapping = Mapping(
        **{field: None if column == NONE else column for field, column in zip(FIELDS, chosen, strict=True)}
    )
    return import_run(name, table, mapping)


def show_first(path: str, *chosen: str) -> pd.DataFrame:
    """The first responses as the mapping makes them; what is wrong with it, in one cell."""
    try:
        responses = build_run(path, "preview", *chosen).responses[:5]
    except ValueError as error:
        return pd.DataFrame({"not yet": [show_plainly(str(error))]})
    rows = [[r.question, r.explanation[:500], r.answer, r.gold_answer or "", r.prompt_kind, r.model] for r in responses]
    columns = ["question", "explanation", "answer", "gold answer", "prompt kind", "model"]
    return pd.DataFrame([[show_plainly(cell) for cell in row] for row in rows], columns=columns)
