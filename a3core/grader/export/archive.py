"""A run leaves the store as one file and comes back exactly: responses, everybody's labels, every event, the report.

path = export_run(store, run, "csv", folder)         eggs.zip: responses.csv, labels.csv, events.csv to be read,
                                                     report.json, and what it is restored from, in any format:
                                                     responses.jsonl, events.jsonl, run.json (name, notes, schemas)
again = add_archive(other_store, read_archive(path)) the same run, event by event, with its times
path = export_labels(store, run, "parquet", folder)  one table: each present label beside its response

A copy of a run from another computer adds its events to the one that is here:

copy = compare_copy(store, Path("pilot.zip"))        nothing is stored: copy.added events, copy.conflicts
merge_copy(store, copy)                              each event once, however often and in whatever order copies come
"""

import json
import re
import tempfile
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from a3core.common.atomic_io import atomic_write
from a3core.grader.export.files import FORMATS, write_responses
from a3core.grader.export.restore import Archive, add_events, restore_run
from a3core.grader.labels import history as histories
from a3core.grader.labels.changes import Change, sort_changes
from a3core.grader.labels.dealing import Deal
from a3core.grader.labels.events import Event
from a3core.grader.labels.schema import ROUNDS, Schema
from a3core.grader.labels.store import LabelStore
from a3core.grader.labels.stored_runs import RunInfo
from a3core.grader.report.tables import build_all
from a3core.grader.runs.responses import Response, Run, build_run_key

FACTS, REPORT = "run.json", "report.json"
LARGEST = 500_000_000  # bytes that an export may unpack to
RESTORED = ("responses", "events")
EXTRA = "extra.jsonl"  # where the run has further columns


def export_run(store: LabelStore, run: int, format: str, folder: Path) -> Path:
    """Writes everything about a run as a zip file into `folder`; returns its path. Raises ValueError."""
    check_format(format)
    info, responses, history = store.run_info(run), store.responses(run), store.history(run)
    metadata = {"name": info.name, "notes": info.notes, "created": info.created, "repeat_share": info.repeat_share}
    metadata |= {"schemas": [json.loads(schema.to_json()) for schema in store.schemas(run)]}
    # beside what an export of before holds, only what is not as before: a run with the key that its name and responses
    # give, labelled on one machine, is exported as it always was
    sequences, replaced = histories.find_unordered(history)
    additions = {"key": "" if info.key == build_run_key(info.name, responses) else info.key, "owner": info.owner}
    additions |= {"removed": info.removed, "deal": info.deal and asdict(info.deal)}
    additions |= {"changes": [change._asdict() for change in store.changes(run)]}
    additions |= {"sequences": sequences, "replaced": replaced}
    metadata |= {name: value for name, value in additions.items() if value}
    tables = {
        "responses": list(map(asdict, responses)),
        "labels": list_labels(store, run),
        "events": [event._asdict() for event in history.events],
    }
    files = {FACTS: json.dumps(metadata, indent=2), REPORT: build_all(store, run).to_json()}
    if extra := store.extra(run):
        files[EXTRA] = "".join(f"{json.dumps({'response_id': id_, 'columns': own})}\n" for id_, own in extra.items())
    path = folder / f"{name_file(info.name)}.zip"
    with tempfile.TemporaryDirectory() as scratch, atomic_write(path) as partial:
        members = [f"{name}.{format}" for name in tables] + [f"{name}.jsonl" for name in RESTORED]
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as bundle:
            for member in map(Path(scratch).joinpath, dict.fromkeys(members)):
                # a table without rows is an empty file
                write_responses(rows, member) if (rows := tables[member.stem]) else member.touch()
                bundle.write(member, member.name)
            for name, text in files.items():
                bundle.writestr(name, text)
    return path


def list_labels(store: LabelStore, run: int) -> list[dict[str, Any]]:
    """Each present label beside its response; adjudications are marked as such."""
    responses = {response.id: asdict(response) for response in store.responses(run)}
    given = [(label, "annotator") for label in store.labels(run, rounds=ROUNDS)]
    rows = []
    for label, role in given + [(label, "adjudicator") for label in store.adjudications(run)]:
        own = {"annotator": label.annotator, "role": role, "field": label.field, "value": label.value}
        own |= {"round": label.round, "at": label.at, "schema_version": label.schema_version}
        response = responses[label.response_id]
        rows.append({"response_id": response["id"]} | {k: v for k, v in response.items() if k != "id"} | own)
    return rows


def export_labels(store: LabelStore, run: int, format: str, folder: Path) -> Path:
    """Writes the present labels as one table; returns its path. Raises ValueError where there are none."""
    check_format(format)
    rows = list_labels(store, run)
    if not rows:
        raise ValueError("The run has no labels yet: there is nothing to export.")
    return write_responses(rows, folder / f"{name_file(store.run_info(run).name)}-labels.{format}")


def check_format(format: str) -> None:
    if format not in FORMATS:
        raise ValueError(f"The format is one of {', '.join(FORMATS)}, not {format!r}.")


def name_file(name: str) -> str:
    """A run's name as a file's, without anything that means something to a file system."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:80] or "run"


# Back again


def add_archive(store: LabelStore, archive: Archive, name: str | None = None) -> int:
    """Adds a run as it was exported, or nothing; returns its id. Under another name it is another run.

    Raises ValueError.
    """
    if name and name != archive.run.name:
        archive = archive._replace(run=replace(archive.run, name=name), info=archive.info._replace(key=""))
    return restore_run(store, archive)


def read_archive(path: Path) -> Archive:
    """Raises ValueError for a file that is no export, and one that unpacks to over 500 MB."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = unpack(path, Path(scratch))
        try:
            metadata = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            schemas = [Schema.from_json(json.dumps(schema)) for schema in metadata["schemas"]]
            responses = [Response(**row | {"steps": tuple(row["steps"])}) for row in read_rows(folder, "responses")]
            events = [Event(**row) for row in read_rows(folder, "events")]
            extra = read_rows(folder, "extra") if (folder / EXTRA).exists() else []
            extra = {row["response_id"]: dict(row["columns"]) for row in extra}
            run = Run(metadata["name"], tuple(responses), notes=tuple(metadata["notes"]), extra=extra)
            sequences = {int(id_): int(number) for id_, number in metadata.get("sequences", {}).items()}
            replaced = {int(id_): tuple(map(str, ids)) for id_, ids in metadata.get("replaced", {}).items()}
            info = RunInfo(
                key=str(metadata.get("key") or build_run_key(run.name, responses)),
                owner=str(metadata.get("owner", "")),
                created=str(metadata["created"]),
                repeat_share=float(metadata["repeat_share"]),
                removed=bool(metadata.get("removed")),
                deal=Deal(**dealt) if (dealt := metadata.get("deal")) else None,
            )
            changes = sort_changes(Change.of_copy(row) for row in metadata.get("changes", ()))
            return Archive(run, histories.build_history(events, sequences, replaced), schemas, info, changes)
        except (LookupError, TypeError, AttributeError, ValueError, OSError, ArithmeticError, RecursionError) as error:
            raise ValueError(f"{path.name} is no export of a run, or a damaged one: {error}") from error


def unpack(path: Path, folder: Path) -> Path:
    """The members of an export, which are few, flat and not too large, in `folder`."""
    known = {FACTS, REPORT, EXTRA, *(f"{table}.{f}" for table in ("responses", "labels", "events") for f in FORMATS)}
    try:
        with zipfile.ZipFile(path) as bundle:
            members = bundle.infolist()
            if unknown := next((member.filename for member in members if member.filename not in known), None):
                raise ValueError(f"{path.name} is no export of a run: it holds {unknown[:100]!r}.")
            if sum(member.file_size for member in members) > LARGEST:
                raise ValueError(f"{path.name} unpacks to over {LARGEST // 1_000_000} MB: it is no export of a run.")
            bundle.extractall(folder)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise ValueError(f"{path.name} is no zip file that can be read: {error}") from error
    return folder


def read_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one of the tables to restore from."""
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


# A copy of a run from another computer


class Copy(NamedTuple):
    """An export, and what merging it changes."""

    archive: Archive
    run: int | None  # the run that it is a copy of; None: it is new here
    added: int  # events and changes that are not here
    changes: list[Change]  # that are not here: what merging renames, hides or deletes for good
    conflicts: list[histories.Conflict]  # labels that differ here and there, beside those that are known


def compare_copy(store: LabelStore, path: Path) -> Copy:
    """What merging an export would change; nothing is stored.

    Raises ValueError for a file that is no export, and where another run has its name.
    """
    archive = read_archive(path)
    run = find_same(store, archive)
    if run is None:
        return Copy(archive, None, len(archive.history.events), [], [])
    stored = store.changes(run)
    changes = sort_changes([*stored, *archive.changes])
    own, copy = (histories.change_history(history, changes) for history in (store.history(run), archive.history))
    merged, known = histories.merge_histories([own, copy]), histories.find_conflicts(own)
    found = [conflict for conflict in histories.find_conflicts(merged) if conflict not in known]
    new = [change for change in changes if change not in stored]
    return Copy(archive, run, len(merged.events) - len(own.events) + len(new), new, found)


def merge_copy(store: LabelStore, copy: Copy) -> int:
    """Adds the events that are not here, or the whole run; returns its id. Conflicts are kept for their annotators."""
    if copy.run is None:
        return add_archive(store, copy.archive)
    add_events(store, copy.run, copy.archive)
    return copy.run


def find_same(store: LabelStore, archive: Archive) -> int | None:
    """The stored run that an archive is a copy of: by its key, else by its name and responses.

    Raises ValueError where the name is another run's.
    """
    infos = store.runs(removed=True)
    if found := [info.id for info in infos if info.key == archive.info.key]:
        return found[0]
    named = [info for info in infos if info.name == archive.run.name]
    if found := [info.id for info in named if store.responses(info.id) == archive.run.responses]:
        return found[0]
    if not all(info.removed for info in named):
        raise ValueError(f"There is another run {archive.run.name!r}, with other responses.")
    return None


def describe_conflict(conflict: histories.Conflict) -> str:
    """In one line: "ann: explanation of r1 is correct or flawed"."""
    values = " or ".join(value or "(taken back)" for value in conflict.values)
    return f"{conflict.annotator or 'adjudicators'}: {conflict.field} of {conflict.response_id} is {values}"
