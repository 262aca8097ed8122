"""A file becomes a run, or labels of one: its columns are guessed, a person confirms them and sees the first rows.

Every change reads the file again and shows what would be stored; what is not clear is asked, and nothing is stored
before it is. The core is a3core.grader.importing.drafts, as of `python -m a3core grader import`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gradio as gr

from a3core.common.nested import list_paths
from a3core.common.tabular import SUFFIXES, NotUnicodeError
from a3core.grader.importing import drafts
from a3core.grader.importing.mapping import LABEL_FIELDS, RESPONSE_FIELDS, Mapping, find_mapping, save_mapping
from a3core.ui.grader.report import show_plainly
from a3core.ui.grader.service import GraderService, check_admin, check_run, show_runs
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import load_macros, read_template
from a3core.ui.shared.limits import make_folder
from a3core.ui.shared.screen import PRIVATE

NONE, NO_LABEL = "(none)", "(no label)"
NEW_RUN, LABELS_OF_RUN = "a new run", "labels of the run chosen above"
CONFLICTS = [("keep what is there", drafts.KEEP), ("replace it", drafts.REPLACE)]
ROWS_OF_PATHS, MOST_ASKED = 20, 8
ANSWERED = ("gold_answer", "prompt_kind", "model", "sample", "steps")  # fields that labels alone do not have
CARDS = load_macros(__file__, "importing.html")


class ImportPanel:
    """The widgets that a person decides in, what would be stored, and the button that stores it.

    `run` is the list of runs, and the chosen one. Events get the values of all widgets, by widget.
    """

    def __init__(self, grading: GraderService, run: gr.Dropdown):
        self.grading, self.run = grading, run
        gr.Markdown(read_template(__file__, "importing.md"))
        self.upload = gr.File(label="Responses, or labels", file_types=list(SUFFIXES), height=120)
        with gr.Row():
            self.encoding = gr.Dropdown(list(drafts.ENCODINGS), value=None, label="Encoding", visible=False)
            self.kind = gr.Radio([NEW_RUN, LABELS_OF_RUN], value=NEW_RUN, label="The file becomes")
        with gr.Row(visible=False) as self.columns:  # once there is a file
            options = {"allow_custom_value": True, "min_width": 140}
            self.menus = {  # by field of a mapping
                name: gr.Dropdown([NONE], value=NONE, label=LABEL_FIELDS.get(name, name.replace("_", " ")), **options)
                for name in (*RESPONSE_FIELDS, *LABEL_FIELDS)
            }
            self.menus["labels"] = gr.Dropdown([], value=[], multiselect=True, label="columns of labels", **options)
        with gr.Row():  # one for each value of a label that is not known
            self.asked = tuple(gr.Dropdown([], visible=False, min_width=200) for _ in range(MOST_ASKED))
        self.skip_bad = gr.Checkbox(False, label="Leave bad rows out", visible=False)
        self.conflicts = gr.Radio(CONFLICTS, value=None, label="Where labels differ", visible=False)
        with gr.Accordion("A further file with labels of these responses", open=False):
            self.labels = gr.File(label="Labels", file_types=list(SUFFIXES), height=120)
        self.questions = gr.State([])  # what the values that are asked about are
        self.decided = gr.State({})  # what values were decided to mean: {"meh": "unsure"}
        self.found, self.first = gr.HTML(min_height=24), gr.HTML()
        with gr.Row():
            self.name = gr.Textbox(label="Name of the run", max_length=200)
            self.add = gr.Button("Import", variant="primary", elem_classes="a3-low")
            self.save = gr.Button("Save the mapping", elem_classes="a3-low")
            self.use = gr.UploadButton("Use a saved mapping", file_types=[".json"], elem_classes="a3-low")
        self.file = gr.File(label="The mapping", interactive=False, visible=False)
        self.wire()

    def wire(self) -> None:
        """Connects the widgets with what they do."""
        decided = [*self.menus.values(), *self.asked, self.skip_bad, self.conflicts]
        cards = [self.found, self.first]
        outputs = [*cards, self.name, self.encoding, self.questions, self.decided, *decided, self.columns]
        inputs = {self.upload, self.kind, self.labels, self.run, self.use, *outputs} - {*cards, self.columns}
        private = {**PRIVATE, "inputs": inputs, "show_progress_on": self.found}
        self.upload.change(self.inspect, outputs=outputs, **private)
        gr.on([self.encoding.input, self.kind.input], self.open_file, outputs=outputs, **private)
        # a path that is typed into a menu of several is a change, and no input
        events = [*(one.input for one in decided), self.menus["labels"].change, self.labels.change]
        gr.on(events, self.show_preview, outputs=outputs, trigger_mode="always_last", **private)
        self.use.upload(self.use_mapping, outputs=outputs, **private)
        self.save.click(self.save_mapping, outputs=self.file, **private)
        self.add.click(self.import_chosen, outputs=[self.found, self.run], **private)

    @tells_errors
    def inspect(self, values: dict):
        """The file that was chosen."""
        return self.open_file(values | {self.encoding: None})

    @tells_errors
    def open_file(self, values: dict, mapping: Mapping | None = None):
        """A file that is new here: its columns are those of its layout, as for the last file like it, or a guess."""
        if not values[self.upload]:
            return {self.columns: gr.Row(visible=False), self.found: "", self.first: ""}
        encoding = values[self.encoding] or None
        start = drafts.Decisions(mapping=mapping, labels_mapping=mapping, encoding=encoding)
        try:
            draft, outputs = self.show(values, start)
            if not mapping and not draft.layout and (saved := find_mapping(draft.table.columns)):
                draft, outputs = self.show(values, replace(start, mapping=saved, labels_mapping=saved))
        except NotUnicodeError as error:
            asked = gr.Dropdown(list(drafts.ENCODINGS), value=None, visible=True)
            return {self.found: CARDS.unreadable(str(error)), self.first: "", self.encoding: asked}
        columns = [show_plainly(path) for path in list_paths(draft.table.rows[:ROWS_OF_PATHS])]
        for field, menu in self.menus.items():
            is_list = field == "labels"
            value = list(draft.mapping.labels) if is_list else getattr(draft.mapping, field) or NONE
            is_used = field not in ANSWERED or values[self.kind] == NEW_RUN
            options = {"visible": is_used, "allow_custom_value": True, "multiselect": is_list}
            outputs[menu] = gr.Dropdown(columns if is_list else [NONE, *columns], value=value, **options)
        return outputs | {
            self.columns: gr.Row(visible=True),
            self.name: Path(values[self.upload]).stem,
            self.encoding: gr.Dropdown(list(drafts.ENCODINGS), value=encoding, visible=bool(encoding)),
        }

    @tells_errors
    def show_preview(self, values: dict):
        """What is different after a decision."""
        return self.show(values, self.read(values))[1] if values[self.upload] else {self.found: ""}

    @tells_errors
    def use_mapping(self, values: dict):
        """The mapping of a file, in place of the one that was guessed."""
        if not values[self.upload]:
            raise ValueError("Choose a file first.")
        return self.open_file(values, Mapping.from_json(Path(values[self.use]).read_text(encoding="utf-8")))

    @tells_errors
    def save_mapping(self, values: dict):
        """The mapping as a file, for `grader import --mapping` or another computer."""
        path = make_folder() / "mapping.json"
        path.write_text((self.read_mapping(values) or Mapping()).to_json(), encoding="utf-8")
        return gr.File(str(path), visible=True)

    @tells_errors
    def import_chosen(self, values: dict, request: gr.Request):
        """Stores it; a mapping that was chosen is offered for the next file like it."""
        check_admin(request)
        if not values[self.upload]:
            raise ValueError("Choose a file first.")
        imported, store = self.store(values), self.grading.store
        chosen = store.find_run(imported["run"])
        text = CARDS.done(imported, store.run_info(chosen).notes)
        return {self.found: text, self.run: show_runs(self.grading, chosen)}

    def show(self, values: dict, decisions: drafts.Decisions) -> tuple[drafts.Draft, dict]:
        """The file as it was read; and what would be stored of it, and what is asked, by widget."""
        draft, plan, problem = self.prepare(values, decisions)
        unknown = plan.unknown[:MOST_ASKED] if plan else []
        skipped, differing = (plan.skipped, plan.conflicts) if plan else (draft.skipped, [])
        menus = {menu: gr.Dropdown(visible=False, value=None) for menu in self.asked}
        for menu, one in zip(self.asked, unknown, strict=False):
            label = show_plainly(f"{one} means")
            menus[menu] = gr.Dropdown([NO_LABEL, *one.choices], value=None, label=label, visible=True)
        return draft, {
            **menus,
            self.found: show_plainly(CARDS.summary(draft, plan, problem)),
            self.first: show_plainly(CARDS.first(draft.items, plan.run.labels if plan else ())),
            self.questions: [one.value for one in unknown],
            self.decided: dict(draft.mapping.values) | dict(decisions.values),  # those of the last file like it, too
            self.skip_bad: gr.Checkbox(visible=bool(skipped), label=f"Leave bad rows out: {len(skipped):,}"),
            self.conflicts: gr.Radio(visible=bool(differing)),
        }

    def prepare(self, values: dict, decisions: drafts.Decisions) -> tuple[drafts.Draft, drafts.Plan | None, str]:
        """The file as it was read, what would be stored of it, or else why not yet."""
        only_labels, labels = values[self.kind] != NEW_RUN, values[self.labels]
        draft = drafts.read_draft(Path(values[self.upload]), decisions, only_labels)
        try:
            if only_labels:
                return draft, drafts.plan_labels(self.grading.store, check_run(values[self.run]), draft, decisions), ""
            further = drafts.read_draft(Path(labels), replace(decisions, mapping=None), True) if labels else None
            return draft, drafts.plan_import(draft, "preview", further, decisions), ""
        except ValueError as error:
            return draft, None, str(error)

    def read(self, values: dict) -> drafts.Decisions:
        """What was decided in the widgets."""
        mapping, is_new = self.read_mapping(values), values[self.kind] == NEW_RUN
        return drafts.Decisions(
            mapping=mapping if is_new else None,
            labels_mapping=None if is_new else mapping,
            values=self.read_values(values),
            skip_bad=bool(values[self.skip_bad]),
            conflicts=values[self.conflicts],
            encoding=values[self.encoding] or None,
        )

    def read_values(self, values: dict) -> dict[str, str]:
        """What values of labels were decided to mean, now and before."""
        choices = zip(values[self.questions], (values[menu] for menu in self.asked), strict=False)
        return values[self.decided] | {value: "" if label == NO_LABEL else label for value, label in choices if label}

    def read_mapping(self, values: dict) -> Mapping | None:
        """What was chosen in the menus, None where nothing was."""
        chosen = {name: values[menu] for name, menu in self.menus.items()}
        labels = tuple(chosen.pop("labels") or ())
        paths = {name: path for name, path in chosen.items() if path and path != NONE}
        means = tuple(self.read_values(values).items())
        return Mapping(**paths, labels=labels, values=means) if paths or labels else None

    def store(self, values: dict) -> dict:
        """Raises ValueError where something must be decided first, or the name is another run's."""
        store, decisions, labels = self.grading.store, self.read(values), values[self.labels]
        path, name, is_new = Path(values[self.upload]), values[self.name] or "", values[self.kind] == NEW_RUN
        if not is_new:
            name = store.run_info(check_run(values[self.run])).name
        elif name in {info.name for info in store.runs()}:
            raise ValueError(f"There is already a run {name!r}: give this one another name.")
        imported = drafts.import_file(store, path, name, Path(labels) if labels else None, decisions)
        if mapping := decisions.mapping or decisions.labels_mapping:
            save_mapping(mapping, drafts.read_draft(path, decisions, not is_new).table.columns)
        return imported
