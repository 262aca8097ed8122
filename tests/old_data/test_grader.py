"""What the grader wrote at commit 77e427d opens with the present code and gives what it gave then (README.md)."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from labelled import restore_export

from a3core.common.tabular import read_table
from a3core.grader.export.archive import export_labels, export_run
from a3core.grader.export.hub import restore_backup

# All names of the program that these tests use.
from a3core.grader.labels.database import open_database
from a3core.grader.labels.schema import ROUNDS
from a3core.grader.labels.store import LabelStore
from a3core.grader.labels.stored_runs import RunInfo
from a3core.grader.report.tables import build_all
from a3core.grader.session.filters import EVERYTHING, Condition, Selection
from a3core.grader.session.queue import ORDERS, Queue, measure_progress
from tests.grader import conftest as servers

postgres_url, new_postgres_url = servers.postgres_url, servers.new_postgres_url  # fixtures

OLD = Path(__file__).parent / "grader"
HEAD, FIRST_VERSION = "head", "r0001"
DATABASES = (HEAD, FIRST_VERSION)
FORMATS = ("jsonl", "csv", "parquet")
RUN, NAME, FILE_NAME = 1, "Eggs & flies", "Eggs-flies"
# What a report has now and had not then: everything else is compared.
ADDED = {"question_low", "question_high", "p_holm", "models", "by_question", "by_annotator", "by_source", "whose"}
FILTERS = ("all", "mine", "disagreements", "flagged")
PARTS = ("info", "schemas", "responses", "labels", "adjudications", "disagreements", "events", "report", "next")


def describe(store: LabelStore, run: int) -> dict:
    """All that is compared, as JSON has it."""
    parts = {
        "info": describe_info(store.run_info(run)),
        "schemas": [json.loads(schema.to_json()) for schema in store.schemas(run)],
        "responses": [vars(response) for response in store.responses(run)],
        "labels": [label._asdict() for label in store.labels(run, rounds=ROUNDS)],
        "adjudications": [label._asdict() for label in store.adjudications(run)],
        "disagreements": list_disagreements(store, run),
        "events": [event._asdict() for event in store.history(run).events],
        "report": without_added(json.loads(build_all(store, run).to_json())),
        "next": {name: list_next(store, run, name) for name in ("ann", "bo", "new")},
    }
    return parse(json.dumps(parts))


def describe_info(info: RunInfo) -> dict:
    """As a list of runs named it when the files were written."""
    names = ("id", "name", "notes", "created", "total", "repeat_share")
    return {name: getattr(info, name) for name in names} | {"schema_version": info.schema.version}


def without_added(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_added(entry) for key, entry in value.items() if key not in ADDED}
    return [without_added(entry) for entry in value] if isinstance(value, list) else value


def list_disagreements(store: LabelStore, run: int) -> list[dict]:
    with store.snapshot(run) as snapshot:
        return [
            {
                "response_id": id_,
                "field": field,
                "values": values,
                "adjudicated": snapshot.decisions_for(position).get(field),
            }
            for position, id_ in enumerate(snapshot.ids)
            for field, values in snapshot.find_disagreements(position)
        ]


def list_next(store: LabelStore, run: int, annotator: str) -> dict:
    """The first three items in each order and filter, and how far the annotator is."""
    with store.snapshot(run) as snapshot:
        done = measure_progress(snapshot, annotator, store.now())
        found = {"progress": [done["done"], done["total"]]}
        for order in ORDERS:
            for only in FILTERS:
                selection = EVERYTHING if only == "all" else Selection((Condition(only),))
                queue = Queue(snapshot, annotator, order, selection)
                places = [queue.find_next()]
                while places[-1] is not None and len(places) < 3:
                    places.append(queue.find_next(after=places[-1]))
                found[f"{order}, {only}"] = places
    return found


def parse(text: str) -> object:
    """JSON with its fractions to 12 digits: another processor may round the last one otherwise."""
    return json.loads(text, parse_float=lambda number: float(f"{float(number):.12g}"))


def check(store: LabelStore, run: int, version: str = HEAD) -> None:
    expected, found = parse((OLD / f"{version}.json").read_text("utf-8")), describe(store, run)
    assert set(expected) == set(PARTS)
    for part in PARTS:
        assert found[part] == expected[part], part


def check_undo(store: LabelStore) -> None:
    """It can be worked on: ann's last step goes back, comes again, and another label is given."""
    before = store.labels(RUN)
    assert [(e.response_id, e.field, e.old, e.new) for e in store.undo(RUN, "ann")] == [
        ("r4", "explanation", "partly correct", "")
    ]
    assert [(e.response_id, e.field, e.old, e.new) for e in store.redo(RUN, "ann")] == [
        ("r4", "explanation", "", "partly correct")
    ]
    assert [label[:6] for label in store.labels(RUN)] == [label[:6] for label in before]
    event = store.label(RUN, "r4", "ann", "convincing", "no")
    assert (event.old, event.new, event.round) == ("", "no", 1) and len(store.labels(RUN)) == len(before) + 1


@pytest.fixture
def open_copy(tmp_path):
    """Opens a copy of one of the old files, or a new database."""
    engines = []

    def open_one(name: str | None = None) -> LabelStore:
        path = tmp_path / f"{name or 'new'}.sqlite"
        if name:
            shutil.copy(OLD / path.name, path)
        engines.append(open_database(f"sqlite:///{path}"))
        return LabelStore(engines[-1])

    yield open_one
    for engine in engines:
        engine.dispose()


# Databases


@pytest.mark.parametrize(("name", "version"), [(FIRST_VERSION, "0001_runs_and_labels"), (HEAD, "0002_silent_repeats")])
def test_the_files_are_of_the_versions_that_they_are_named_after(name, version, tmp_path):
    path = shutil.copy(OLD / f"{name}.sqlite", tmp_path / "old.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM label_database_version").fetchall() == [(version,)]
        columns = {row[1] for row in connection.execute("PRAGMA table_info(label_events)")}
    assert ("round" in columns) == (name == HEAD)


@pytest.mark.parametrize("name", DATABASES)
def test_an_old_sqlite_database_gives_what_it_gave(name, open_copy):
    store = open_copy(name)
    assert [info.name for info in store.runs()] == [NAME]
    check(store, RUN, name)


@pytest.mark.parametrize("name", DATABASES)
def test_an_old_sqlite_database_can_be_worked_on(name, open_copy):
    check_undo(open_copy(name))


@pytest.mark.slow
def test_an_old_postgres_database_gives_what_it_gave(new_postgres_url):
    import psycopg

    with psycopg.connect(new_postgres_url, autocommit=True) as connection:
        connection.execute((OLD / "head.sql").read_text("utf-8"))
    engine = open_database(new_postgres_url)
    check(LabelStore(engine), RUN)
    check_undo(LabelStore(engine))
    engine.dispose()


# Exports


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_an_old_export_is_restored(format, open_copy):
    store = open_copy()
    check(store, restore_export(store, OLD / "exports" / format / f"{FILE_NAME}.zip"))
    check_undo(store)


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_holds_what_it_held(format, open_copy, tmp_path):
    store = open_copy(HEAD)
    path = export_run(store, RUN, format, tmp_path / "export")
    assert path.name == f"{FILE_NAME}.zip"
    assert read_members(path, tmp_path / "present") == read_members(
        OLD / "exports" / format / path.name, tmp_path / "old"
    )


@pytest.mark.parametrize("format", FORMATS)
def test_the_labels_as_a_table_are_what_they_were(format, open_copy, tmp_path):
    path = export_labels(open_copy(HEAD), RUN, format, tmp_path / "export")
    assert path.name == f"{FILE_NAME}-labels.{format}"
    assert read_member(path) == read_member(OLD / "exports" / format / path.name)


def read_members(path: Path, folder: Path) -> dict:
    with zipfile.ZipFile(path) as bundle:
        bundle.extractall(folder)
    return {member.name: read_member(member) for member in folder.iterdir()}


def read_member(path: Path) -> object:
    """Text byte by byte, the report as it is parsed, and Parquet, whose bytes are its writer's, by its rows."""
    if path.suffix == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        return table.schema.names, table.to_pylist()
    return without_added(parse(path.read_text("utf-8"))) if path.name == "report.json" else path.read_bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_an_old_table_of_labels_is_read_as_it_was_written(format):
    """Formulas, half characters and NUL among the notes come back."""
    rows = read_table(OLD / "exports" / format / f"{FILE_NAME}-labels.{format}").rows
    expected = parse((OLD / f"{HEAD}.json").read_text("utf-8"))
    labels = [*expected["labels"], *expected["adjudications"]]
    facts = ("response_id", "annotator", "field", "value")
    assert [[row[fact] for fact in facts] for row in rows] == [[label[fact] for fact in facts] for label in labels]


# The hub


class Folder:
    """What of the hub's api restoring needs, over a folder."""

    def __init__(self, path: Path):
        self.path = path

    def repo_exists(self, repo_id, **options):
        return self.path.is_dir()

    def list_repo_files(self, repo_id, **options):
        return [path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file()]

    def hf_hub_download(self, repo_id, name, **options):
        return str(self.path / name)


@pytest.mark.parametrize(
    ("layout", "file"), [("pushed", f"runs/{FILE_NAME}.zip"), ("backup", f"runs/1/{FILE_NAME}.zip")]
)
def test_an_old_dataset_of_the_hub_is_restored(layout, file, open_copy, tmp_path):
    api, store = Folder(shutil.copytree(OLD / "hub" / layout, tmp_path / "hub")), open_copy()
    assert file in api.list_repo_files("ann/labels")
    assert restore_backup(store, "ann/labels", api) == 1 and [info.name for info in store.runs()] == [NAME]
    check(store, RUN)
    assert restore_backup(store, "ann/labels", api) == 0  # it is there already
