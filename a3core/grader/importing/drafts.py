"""A file on its way into the store: what it is, what it becomes, what is not clear; nothing is stored before it is.

draft = read_draft(Path("answers.csv"))                        layout or guessed mapping; items, bad rows
draft = read_draft(path, Decisions(mapping=..., skip_bad=True))
plan = plan_import(draft, "pilot")                             the run; unknown values, conflicts, bad rows
imported = import_file(store, path, "pilot", labels=Path("labels.csv"), decisions=Decisions(values={"ok": "correct"}))
imported["run"], imported["responses"], imported["labels"], imported["annotators"], imported["skipped"]
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from a3core.common.nested import list_extra
from a3core.common.tabular import MOST_NAMED, Kind, NotUnicodeError, Table, read_table
from a3core.grader.importing.items import Item, build_items, read_label_rows
from a3core.grader.importing.layouts import LAYOUTS, find_layout, read_layout
from a3core.grader.importing.mapping import Mapping, find_mapping, locate_mapping, propose_mapping
from a3core.grader.importing.values import Unknown, name_first, translate
from a3core.grader.labels.schema import DEFAULT_SCHEMA, Schema
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Label, Response, Run, fold_text

ENCODINGS = ("windows-1252", "iso-8859-15", "iso-8859-2", "mac-roman", "shift_jis", "gb18030", "euc-kr", "koi8-r")
KEEP, REPLACE = "keep", "replace"  # of labels that are there already with another value


@dataclass(frozen=True)
class Decisions:
    """What a person decided about a file; by default nothing."""

    mapping: Mapping | None = None  # None: the layout's, or a guess
    labels_mapping: Mapping | None = None  # of a label file
    values: AnyMapping[str, str] = field(default_factory=dict)  # by value of a label what it means, "" for no label
    skip_bad: bool = False  # leaves bad rows out
    conflicts: str | None = None  # KEEP or REPLACE
    encoding: str | None = None  # of a text that is not Unicode, one of ENCODINGS

    def __post_init__(self):
        if self.conflicts not in (None, KEEP, REPLACE):
            raise ValueError(f"Labels that differ are {KEEP} or {REPLACE}, not {self.conflicts!r}.")
        if self.encoding not in (None, *ENCODINGS):
            raise ValueError(f"The encoding is one of {', '.join(ENCODINGS)}, not {self.encoding!r}.")


@dataclass(frozen=True)
class Draft:
    """A file as it was read."""

    table: Table  # flat, where the layout is nested
    layout: str | None
    mapping: Mapping
    items: list[Item]
    skipped: list[str]  # a sentence for each bad row
    problem: str = ""  # why there are no items

    @property
    def extra(self) -> tuple[str, ...]:
        """Columns that no field is read from: they are stored beside the response."""
        return tuple(dict.fromkeys(column for item in self.items for column in item.extra))

    @property
    def dropped(self) -> tuple[str, ...]:
        """Columns with cells that are too long to be stored."""
        rows = (list_extra(row, self.mapping.used)[1] for row in self.table.rows)
        return tuple(dict.fromkeys(column for columns in rows for column in columns))


class Plan(NamedTuple):
    """What would be stored, and what a person must decide before."""

    run: Run
    unknown: list[Unknown]
    conflicts: list[str]  # a sentence for each label with two values: in the run or earlier in the file, and now
    skipped: list[str]

    def ask(self, decisions: Decisions) -> None:
        """Raises ValueError, one sentence, for what is not decided."""
        if self.unknown:
            named, choices = name_first(list(map(str, self.unknown))), ", ".join(self.unknown[0].choices)
            raise ValueError(
                f"It is not known which label is meant by {named}: give --map VALUE=LABEL, with a label of {choices}; "
                "an empty LABEL drops the value."
            )
        if self.conflicts and decisions.conflicts is None:
            differing = name_first(self.conflicts)
            raise ValueError(f"Labels differ ({differing}): say --conflicts {KEEP} or {REPLACE}; nothing is stored.")
        if self.skipped and not decisions.skip_bad:
            bad = name_first(self.skipped)
            raise ValueError(f"Nothing is stored. {bad}: mend the rows, or leave them out with --skip-bad.")


# Reading


def read_draft(path: Path, decisions: Decisions = Decisions(), only_labels: bool = False) -> Draft:
    """A file as it would come in; `only_labels`: of a run, so that each item has what it can be matched by.

    Raises ValueError for a file that cannot be read; what is wrong with the mapping is the draft's `problem`.
    """
    skipped: list[str] = []
    table = _read_table(path, decisions, skipped)
    mapping = decisions.labels_mapping if only_labels else decisions.mapping
    layout = find_layout(table)
    if layout:
        table, proposed = read_layout(layout, table, skipped)
        mapping = mapping or proposed
    mapping = mapping or propose_mapping(table, ids_repeat=only_labels)
    items, problem = [], ""
    try:
        items = (read_label_rows if only_labels else build_items)(table, mapping, skipped)
    except ValueError as error:
        problem = str(error)
        if not layout and find_mapping(table.columns) not in (None, mapping):
            problem += f"; a file like it was read by --mapping {locate_mapping(table.columns)}"
    return Draft(table, layout, mapping, items, skipped, problem)


def _read_table(path: Path, decisions: Decisions, skipped: list[str]) -> Table:
    try:
        return read_table(path, Kind(sections=True, encoding=decisions.encoding), skipped)
    except NotUnicodeError as error:
        raise NotUnicodeError(f"{error}; or choose its encoding, such as --encoding windows-1252") from error
    except ValueError as error:
        if skipped:
            raise ValueError(f"{path.name}: no row can be read. {'; '.join(skipped[:MOST_NAMED])}") from error
        raise


# What would be stored


def plan_import(draft: Draft, name: str, labels: Draft | None = None, decisions: Decisions = Decisions()) -> Plan:
    """A new run of the file, with its labels and those of a label file. Raises ValueError where there is none."""
    if problem := draft.problem or (labels.problem if labels else ""):
        raise ValueError(problem)
    if not draft.items:
        raise ValueError(f"{draft.table.name}: no row could be read. {'; '.join(draft.skipped[:MOST_NAMED])}")
    responses = tuple(item.response for item in draft.items)
    given = [label._replace(response_id=item.response.id) for item in draft.items for label in item.labels]
    skipped = list(draft.skipped)
    if labels:
        given += match_labels(labels.items, responses, skipped)
        skipped += labels.skipped
    extra = {item.response.id: item.extra for item in draft.items if item.extra}
    run = Run(name, responses, tuple(given), _write_notes(draft, labels), extra)
    return _plan(run, [draft, labels] if labels else [draft], decisions, skipped, DEFAULT_SCHEMA, {})


def plan_labels(store: LabelStore, run: int, labels: Draft, decisions: Decisions = Decisions()) -> Plan:
    """Labels of a file for a run that is there; of the plan's run the labels are new. Raises ValueError."""
    if labels.problem:
        raise ValueError(labels.problem)
    present = {(one.response_id, one.annotator, one.field): one.value for one in store.labels(run)}
    responses, skipped = store.responses(run), list(labels.skipped)
    info = store.run_info(run)
    stored = Run(info.name, responses, tuple(match_labels(labels.items, responses, skipped)))
    return _plan(stored, [labels], decisions, skipped, info.schema, present)


def _plan(run: Run, drafts: list[Draft], decisions: Decisions, skipped: list[str], schema: Schema, there: dict) -> Plan:
    """`run` has labels as files write them, `there` are the values in the store, by response, annotator and field.

    Values of the file mean what the mappings say, and over that what was decided.
    """
    values = {value: choice for draft in drafts for value, choice in draft.mapping.values} | dict(decisions.values)
    labels, unknown = translate(run.labels, schema, values)
    conflicts, chosen = [], {}
    for label in labels:
        key = (label.response_id, label.annotator, label.field)
        earlier = chosen[key].value if key in chosen else there.get(key, label.value)
        if earlier != label.value:
            of = f"{label.annotator}, {label.field} of {label.response_id!r}"
            conflicts.append(f"{of}: {earlier!r}, now {label.value!r}")
            if decisions.conflicts != REPLACE:
                continue
        chosen[key] = label
    return Plan(replace(run, labels=tuple(chosen.values())), unknown, conflicts, skipped)


def match_labels(items: Iterable[Item], responses: Sequence[Response], skipped: list[str]) -> list[Label]:
    """The labels with the response they are of: the one of their id, else of their question and text.

    `skipped` gets a sentence for each row that is of no response, or of several.
    """
    by_id, by_text = {response.id: [response.id] for response in responses}, defaultdict(list)
    for response in responses:
        for text in {response.explanation, response.answer, ""}:
            by_text[response.question_key, fold_text(text)].append(response.id)
    labels = []
    for item in items:
        own = item.response
        texts = [text for text in (own.explanation, own.answer) if text] or [""]
        possible = [by_id.get(own.id), *(by_text.get((own.question_key, fold_text(text))) for text in texts)]
        matches = next(filter(None, possible), [])
        if len(matches) != 1:
            what = f"{len(matches)} responses have its question and text" if matches else "no response is it of"
            skipped.append(f"{item.location}: {what}: {(own.id or own.question)[:60]!r}")
            continue
        labels += [label._replace(response_id=matches[0]) for label in item.labels]
    return labels


def _write_notes(draft: Draft, labels: Draft | None) -> tuple[str, ...]:
    """Where a run is from, and what its file does not have."""
    layout = f" ({draft.layout})" if draft.layout else ""
    notes = [f"Imported from {draft.table.name}{layout}."]
    notes += LAYOUTS[draft.layout].get("notes", ()) if draft.layout else ()
    if draft.mapping.answer is None:
        found = sum(bool(item.response.answer) for item in draft.items)
        notes.append(f"The file has no answers: {found} of {len(draft.items)} were read out of the explanations.")
    if draft.mapping.gold_answer is None:
        notes.append("The file has no gold answers.")
    return (*notes, *([f"Labels from {labels.table.name}."] if labels else ()))


# Storing


def import_file(store: LabelStore, path: Path, name: str, labels: Path | None, decisions: Decisions) -> dict[str, Any]:
    """A file becomes a run; or its labels are added to the run of that name, where there is one.

    Returns: run, its name; how many new responses and new or changed labels; annotators of the labels, sorted; skipped,
    a sentence for each row that was left out.

    Raises ValueError, one sentence, where something must be decided first: then nothing is stored.
    """
    known = next((info.id for info in store.runs() if info.name == name), None)
    if known is None:
        further = read_draft(labels, decisions, only_labels=True) if labels else None
        plan = plan_import(read_draft(path, decisions), name, further, decisions)
    else:
        plan = plan_labels(store, known, read_draft(labels or path, decisions, only_labels=True), decisions)
        if not plan.run.labels and not plan.unknown:
            raise ValueError(f"There is already a run {name!r}, and {(labels or path).name} has no labels of it.")
    plan.ask(decisions)
    if known is None:
        store.add_run(plan.run)
        counts = {"responses": len(plan.run.responses), "labels": len(plan.run.labels)}
    else:
        counts = {"responses": 0, "labels": store.add_labels(known, plan.run.labels)}
    annotators = sorted({label.annotator for label in plan.run.labels})
    return {"run": plan.run.name, **counts, "annotators": annotators, "skipped": plan.skipped}
