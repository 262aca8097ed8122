"""A file becomes a run, or labels of one: its columns are guessed, a person confirms them and sees the first rows.

Every change reads the file again and shows what would be stored; what is not clear is asked, and nothing is stored
before it is. The core is a3core.grader.importing.drafts, as of `python -m a3core grader import`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from a3core.common.tabular import SUFFIXES, NotUnicodeError
from a3core.grader.importing.drafts import (
    ENCODINGS,
    KEEP,
    REPLACE,
    Decisions,
    Draft,
    Imported,
    Plan,
    import_file,
    plan_import,
    plan_labels,
    read_draft,
)
from a3core.grader.importing.mapping import LABEL_FIELDS, RESPONSE_FIELDS, Mapping, find_mapping, save_mapping
from a3core.grader.importing.paths import list_paths
from a3core.ui.grader.report import show_plainly
from a3core.ui.grader.service import GraderService, check_admin, check_run, show_runs
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render
from a3core.ui.shared.limits import make_folder

if TYPE_CHECKING:
    from markupsafe import Markup

NONE, NO_LABEL = "(none)", "(no label)"
NEW_RUN, LABELS_OF_RUN = "a new run", "labels of the run chosen above"
CONFLICTS = [("keep what is there", KEEP), ("replace it", REPLACE)]
LONGEST_EXPLANATION, LONGEST_EXTRA = 500, 100  # characters in the preview
ROWS, ROWS_OF_PATHS, MOST_ASKED, MOST_LISTED = 3, 20, 8, 20
ANSWERED = ("gold_answer", "prompt_kind", "model", "sample", "steps")  # fields that labels alone do not have
LEAD = (
    "JSONL, JSON, CSV, TSV, Excel or Parquet, with the labels they bring. Layouts of lm-evaluation-harness, Label"
    " Studio, Argilla and this page are read. So are step ratings, sets of chains and chat messages. A column can"
    " be a path: `doc.question`, `resps[0][0]`, `messages[-1].content`, `samples[*]` for one row each, or"
    " `premise + hypothesis`."
)
SUMMARY = """<div class="a3 a3-card" role="status">
{% if problem %}<p><strong>Not yet:</strong> {{ problem }}</p>{% else %}
<p><strong>{{ responses }} responses, {{ labels }} labels{% if annotators %}
{{ " by " + annotators | join(", ") }}{% endif %}.</strong> {{ origin }}</p>{% endif %}
{% if extra %}<p>Stored beside the items, of columns that are not used: {{ extra | join(", ") }}.</p>{% endif %}
{% if dropped %}<p>Dropped, for a cell is too long: {{ dropped | join(", ") }}.</p>{% endif %}
{% for title, lines in lists %}<details {% if loop.first %}open{% endif %}><summary>{{ title }}</summary>
<ul>{% for line in lines %}<li>{{ line }}</li>{% endfor %}</ul></details>{% endfor %}</div>"""
FIRST = """<div class="a3 a3-scroll" tabindex="0" role="region" aria-label="The first rows">
<table class="a3-t a3-first"><caption>The first rows, as they will be labelled</caption>
<thead><tr>{% for name in ("id", "question", "explanation", "answer", "gold answer", "prompt kind", "model", "labels",
"stored beside it") %}<th class="l" scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}<tr>
{% for cell in row %}<td class="l">{{ cell }}</td>{% endfor %}</tr>{% endfor %}</tbody></table></div>"""
DONE = """<div class="a3 a3-card" role="status"><p><strong>{{ message }}</strong> {{ notes | join(" ") }}</p>
{% for title, lines in lists %}<details open><summary>{{ title }}</summary>
<ul>{% for line in lines %}<li>{{ line }}</li>{% endfor %}</ul></details>{% endfor %}</div>"""


@dataclass(frozen=True)
class ImportForm:
    """The widgets of the panel; events get the values of all by widget."""

    upload: gr.File
    encoding: gr.Dropdown
    kind: gr.Radio
    menus: dict[str, gr.Dropdown]  # by field of a mapping
    asked: tuple[gr.Dropdown, ...]  # one for each value of a label that is not known
    questions: gr.State  # what those are: [value, ...]
    decided: gr.State  # what values were decided to mean: {"meh": "unsure"}
    skip_bad: gr.Checkbox
    conflicts: gr.Radio
    labels: gr.File
    run: gr.Dropdown

    @property
    def inputs(self) -> set:
        """Every widget."""
        single = (getattr(self, field.name) for field in fields(self) if field.name not in ("menus", "asked"))
        return {*single, *self.menus.values(), *self.asked}

    def read(self, values: dict) -> Decisions:
        """What was decided in the widgets."""
        chosen = {name: values[menu] for name, menu in self.menus.items()}
        labels = tuple(chosen.pop("labels") or ())
        paths = {name: path for name, path in chosen.items() if path and path != NONE}
        mapping = Mapping(**paths, labels=labels) if paths or labels else None
        choices = dict(zip(values[self.questions], (values[menu] for menu in self.asked), strict=False))
        answers = {value: "" if label == NO_LABEL else label for value, label in choices.items() if label}
        is_new = values[self.kind] == NEW_RUN
        return Decisions(
            mapping=mapping if is_new else None,
            labels_mapping=None if is_new else mapping,
            values={**values[self.decided], **answers},
            skip_bad=bool(values[self.skip_bad]),
            conflicts=values[self.conflicts],
            encoding=values[self.encoding] or None,
        )


def build_form(run: gr.Dropdown) -> ImportForm:
    """The widgets that a person decides in, above the preview."""
    upload = gr.File(label="Responses, or labels", file_types=list(SUFFIXES), height=120)
    with gr.Row():
        encoding = gr.Dropdown(list(ENCODINGS), value=None, label="Encoding", visible=False)
        kind = gr.Radio([NEW_RUN, LABELS_OF_RUN], value=NEW_RUN, label="The file becomes")
    with gr.Row():
        options = {"allow_custom_value": True, "min_width": 140}
        menus = {
            name: gr.Dropdown([NONE], value=NONE, label=LABEL_FIELDS.get(name, name.replace("_", " ")), **options)
            for name in (*RESPONSE_FIELDS, *LABEL_FIELDS)
        }
        menus["labels"] = gr.Dropdown([], value=[], multiselect=True, label="columns of labels", **options)
    with gr.Row():
        asked = tuple(gr.Dropdown([], visible=False, min_width=200) for _ in range(MOST_ASKED))
    skip_bad = gr.Checkbox(False, label="Leave bad rows out", visible=False)
    conflicts = gr.Radio(CONFLICTS, value=None, label="Where labels differ", visible=False)
    with gr.Accordion("A further file with labels of these responses", open=False):
        labels = gr.File(label="Labels", file_types=list(SUFFIXES), height=120)
    return ImportForm(
        upload=upload,
        encoding=encoding,
        kind=kind,
        menus=menus,
        asked=asked,
        questions=gr.State([]),
        decided=gr.State({}),
        skip_bad=skip_bad,
        conflicts=conflicts,
        labels=labels,
        run=run,
    )


def build_import_panel(grading: GraderService, run: gr.Dropdown) -> None:
    """The form, what would be stored, and the button that stores it; `run` is the list of runs, and the chosen one."""
    gr.Markdown(LEAD)
    form = build_form(run)
    found = gr.HTML(min_height=24)
    first = gr.HTML()
    with gr.Row():
        name = gr.Textbox(label="Name of the run", max_length=200)
        add = gr.Button("Import", variant="primary", elem_classes="a3-low")
        save = gr.Button("Save the mapping", elem_classes="a3-low")
        use = gr.UploadButton("Use a saved mapping", file_types=[".json"], elem_classes="a3-low")
    file = gr.File(label="The mapping", interactive=False, visible=False)

    def show(values: dict, decisions: Decisions) -> tuple[Draft, dict]:
        """What would be stored, and what is asked."""
        draft, plan, problem = prepare(grading, form, values, decisions)
        unknown = plan.unknown[:MOST_ASKED] if plan else []
        skipped, differing = (plan.skipped, plan.conflicts) if plan else (draft.skipped, [])
        decided = dict(decisions.values)
        menus = {menu: gr.Dropdown(visible=False, value=None) for menu in form.asked}
        for menu, one in zip(form.asked, unknown, strict=False):
            label = f"{one.value!r} of {one.field!r} means"
            menus[menu] = gr.Dropdown([NO_LABEL, *one.choices], value=None, label=show_plainly(label), visible=True)
        return draft, {
            **menus,
            found: summarise(draft, plan, problem),
            first: render_first(draft, plan),
            form.questions: [one.value for one in unknown],
            form.decided: decided,
            form.skip_bad: gr.Checkbox(visible=bool(skipped), label=f"Leave bad rows out: {len(skipped):,}"),
            form.conflicts: gr.Radio(visible=bool(differing)),
        }

    def open_file(values: dict, mapping: Mapping | None = None) -> dict:
        """A file that is new here: its columns are those of its layout, as for the last file like it, or a guess."""
        if not (path := values[form.upload]):
            return {found: "", first: ""}
        only_labels = values[form.kind] != NEW_RUN
        start = Decisions(mapping=mapping, labels_mapping=mapping, encoding=values[form.encoding] or None)
        try:
            draft, outputs = show(values, start)
            saved = None if mapping or draft.layout else find_mapping(draft.table.columns)
            if saved:
                draft, outputs = show(values, replace(start, mapping=saved, labels_mapping=saved, values={}))
        except NotUnicodeError as error:
            asked = render(SUMMARY, problem=str(error), extra=(), dropped=(), lists=())
            return {found: asked, first: "", form.encoding: gr.Dropdown(list(ENCODINGS), value=None, visible=True)}
        columns = [show_plainly(path) for path in list_paths(draft.table.rows[:ROWS_OF_PATHS])]
        for field, menu in form.menus.items():
            value = list(draft.mapping.labels) if field == "labels" else getattr(draft.mapping, field) or NONE
            choices = columns if field == "labels" else [NONE, *columns]
            is_used = field not in ANSWERED or not only_labels
            options = {"allow_custom_value": True, "multiselect": field == "labels"}
            outputs[menu] = gr.Dropdown(choices, value=value, visible=is_used, **options)
        encoding = values[form.encoding]
        return outputs | {
            name: Path(path).stem,
            form.encoding: gr.Dropdown(list(ENCODINGS), value=encoding, visible=bool(encoding)),
        }

    @tells_errors
    def inspect(values: dict):
        """The file that was chosen."""
        return open_file(values | {form.encoding: None})

    @tells_errors
    def read_again(values: dict):
        """The same file in another encoding, or for its labels alone."""
        return open_file(values)

    @tells_errors
    def show_preview(values: dict):
        """What is different after a decision."""
        return show(values, form.read(values))[1] if values[form.upload] else {found: ""}

    @tells_errors
    def use_mapping(values: dict):
        """The mapping of a file, in place of the one that was guessed."""
        if not values[form.upload]:
            raise ValueError("Choose a file first.")
        return open_file(values, Mapping.from_json(Path(values[use]).read_text(encoding="utf-8")))

    @tells_errors
    def save_file(values: dict):
        """The mapping as a file, for `grader import --mapping` or another computer."""
        decisions = form.read(values)
        mapping = (decisions.mapping or decisions.labels_mapping or Mapping()).with_values(dict(decisions.values))
        path = make_folder() / "mapping.json"
        path.write_text(mapping.to_json(), encoding="utf-8")
        return gr.File(str(path), visible=True)

    @tells_errors
    def import_chosen(values: dict, request: gr.Request):
        """Stores it; a mapping that was chosen is offered for the next file like it."""
        check_admin(request)
        if not values[form.upload]:
            raise ValueError("Choose a file first.")
        imported = store_file(grading, form, values, values[name] or "")
        message = f"Imported {imported.responses:,} responses with {imported.labels:,} labels."
        lists = [(f"Rows that were left out: {len(imported.skipped):,}", imported.skipped[:MOST_LISTED])]
        notes = grading.store.run_info(chosen := grading.store.find_run(imported.run)).notes
        text = render(DONE, message=message, notes=notes, lists=lists if imported.skipped else [])
        return {found: text, run: show_runs(grading, chosen)}

    private = {"api_visibility": "private", "inputs": form.inputs | {name, use}}
    outputs = [found, first, name, form.encoding, form.questions, form.decided, form.skip_bad, form.conflicts]
    outputs += [*form.menus.values(), *form.asked]
    form.upload.change(inspect, outputs=outputs, **private)
    gr.on([form.encoding.input, form.kind.input], read_again, outputs=outputs, **private)
    changes = [*form.menus.values(), *form.asked, form.skip_bad, form.conflicts]
    # a path that is typed into a menu of several is a change, and no input
    events = [*(one.input for one in changes), form.menus["labels"].change, form.labels.change]
    gr.on(events, show_preview, outputs=outputs, trigger_mode="always_last", **private)
    use.upload(use_mapping, outputs=outputs, **private)
    save.click(save_file, outputs=file, **private)
    add.click(import_chosen, outputs=[found, run], **private)


def prepare(
    grading: GraderService, form: ImportForm, values: dict, decisions: Decisions
) -> tuple[Draft, Plan | None, str]:
    """The file as it was read, what would be stored of it, or else why not yet."""
    path, labels, only_labels = Path(values[form.upload]), values[form.labels], values[form.kind] != NEW_RUN
    draft = read_draft(path, decisions, only_labels)
    try:
        if only_labels:
            return draft, plan_labels(grading.store, check_run(values[form.run]), draft, decisions), ""
        further = read_draft(Path(labels), replace(decisions, mapping=None), True) if labels else None
        return draft, plan_import(draft, "preview", further, decisions), ""
    except ValueError as error:
        return draft, None, str(error)


def store_file(grading: GraderService, form: ImportForm, values: dict, name: str) -> Imported:
    """Raises ValueError where something must be decided first, or the name is another run's."""
    store, decisions, path, labels = grading.store, form.read(values), values[form.upload], values[form.labels]
    if values[form.kind] != NEW_RUN:
        name = store.run_info(check_run(values[form.run])).name
    elif name in {info.name for info in store.runs()}:
        raise ValueError(f"There is already a run {name!r}: give this one another name.")
    imported = import_file(store, Path(path), name, Path(labels) if labels else None, decisions)
    if mapping := decisions.mapping or decisions.labels_mapping:
        table = read_draft(Path(path), decisions, values[form.kind] != NEW_RUN).table
        save_mapping(mapping.with_values(dict(decisions.values)), table.columns)
    return imported


def summarise(draft: Draft, plan: Plan | None, problem: str) -> Markup:
    """What would be stored, what of the file is not used, and what a person must decide."""
    labels = plan.run.labels if plan else ()
    lists = []
    if plan and plan.unknown:
        lines = [f"{one.value} of {one.field}" for one in plan.unknown[:MOST_LISTED]]
        lists.append(("It is not known what these labels mean: say it above", lines))
    if plan and plan.conflicts:
        lines = [
            f"{one.annotator}, {one.field} of {one.response_id}: {one.values[0]}, now {one.values[1]}"
            for one in plan.conflicts[:MOST_LISTED]
        ]
        lists.append((f"Labels that differ from those that are there: {len(plan.conflicts):,}", lines))
    if skipped := plan.skipped if plan else draft.skipped:
        lists.append((f"Rows that cannot be read: {len(skipped):,}", skipped[:MOST_LISTED]))
    if plan and plan.run.notes:
        lists.append(("Notes", plan.run.notes))
    return render(
        SUMMARY,
        problem=show_plainly(problem),
        origin=f"Recognised: {draft.layout}." if draft.layout else "Check the columns, then import.",
        responses=f"{len(draft.items):,}",
        labels=f"{len(labels):,}",
        annotators=sorted({show_plainly(label.annotator) for label in labels})[:MOST_LISTED],
        extra=[show_plainly(column) for column in draft.extra],
        dropped=[show_plainly(column) for column in draft.dropped],
        lists=[(title, [show_plainly(line) for line in lines]) for title, lines in lists],
    )


def render_first(draft: Draft, plan: Plan | None) -> Markup | str:
    """The first responses as they will be, with their labels and further columns."""
    rows = []
    for item in draft.items[:ROWS]:
        one, own = item.response, plan.run.labels if plan else ()
        labels = [f"{x.annotator}: {x.field} {x.value}" for x in own if x.response_id == one.id]
        labels = labels or [f"{x.annotator}: {x.field} {x.value}" for x in item.given]
        explanation = "\n".join(one.lines)[:LONGEST_EXPLANATION]
        beside = [f"{column}: {text[:LONGEST_EXTRA]}" for column, text in item.extra.items()]
        texts = (one.id, one.question, explanation, one.answer, one.gold_answer or "", one.prompt_kind, one.model)
        rows.append([show_plainly(text) for text in (*texts, "\n".join(labels), "\n".join(beside))])
    return render(FIRST, rows=rows) if rows else ""
