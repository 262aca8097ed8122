"""A run goes out as a file and comes back: the same responses, labels, events and times, whatever stood in them."""

from __future__ import annotations

import json
import zipfile

import pytest
from labelled import label_fields, restore_export, with_guideline

from a3core.common.tabular import read_table
from a3core.grader.export.archive import FORMATS, export_labels, export_run
from a3core.grader.labels.database import open_database
from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Label, Response, Run

HOSTILE = "=1+1 <script>alert(1)</script> ${1+1} {{value}} \u202eabc"

EXTRA = {"2": {"topic": HOSTILE, "nested": '{"a": [1]}'}}


@pytest.fixture
def build_store(tmp_path):
    numbers = iter(range(100))
    return lambda: LabelStore(open_database(f"sqlite:///{tmp_path / f'{next(numbers)}.sqlite'}"))


@pytest.fixture
def store(build_store):
    """Two annotators, an undo, an adjudication, a schema that changed, a label that came with the data."""
    store = build_store()
    responses = (
        Response("1", "How many?", "", "a\nb", None, "standard", "m", 1, ("a", "b")),
        Response("2", HOSTILE, "-5", "null \0 half \ud800 " + HOSTILE, "", "chain of thought"),
    )
    run = store.add_run(Run("eggs / 1", responses, (Label("1", "rater", "answer", "wrong"),), ("a note",), EXTRA))
    store.label(run, "1", "ann", "explanation", "correct")
    label_fields(store, run, "2", "ann", {"explanation": "flawed", "note": HOSTILE})
    store.undo(run, "ann")
    store.set(run, schema=with_guideline(DEFAULT_SCHEMA, "answer", "another"))
    store.label(run, "1", "bob", "explanation", "flawed")
    store.label(run, "1", "cleo", "explanation", "correct", kind="adjudication")
    store.set(run, repeat_share=0.1)
    return store


def facts(store, run: int):
    info = store.run_info(run)
    events = [event._replace(id=0, refers=None) for event in store.history(run).events]
    kept = store.extra(run), info.notes, info.created, info.repeat_share, info.schema.version
    return store.responses(run), events, [*map(str, store.labels(run))], kept, store.schemas(run)


def without_ids(told):
    return str(told).replace("event=", "").translate(str.maketrans("", "", "0123456789"))


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_what_goes_out_comes_back_exactly(store, build_store, tmp_path, format):
    run = store.find_run("eggs / 1")
    path = export_run(store, run, format, tmp_path)
    other = build_store()
    again = restore_export(other, path)
    before, after = facts(store, run), facts(other, again)
    assert before[0] == after[0] and before[1] == after[1] and before[3:] == after[3:]
    assert without_ids(before[2]) == without_ids(after[2])
    assert other.run_info(again).name == "eggs / 1"
    assert [event.refers is not None for event in store.history(run).events] == [
        event.refers is not None for event in other.history(again).events
    ]


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_the_bundle_has_everything_to_work_with(store, tmp_path, format):
    path = export_run(store, 1, format, tmp_path)
    with zipfile.ZipFile(path) as bundle:
        names = set(bundle.namelist())
        assert {f"{table}.{format}" for table in ("responses", "labels", "events")} <= names
        assert json.loads(bundle.read("report.json"))["report"]["groups"][0]["n"] == 2
        bundle.extract(f"labels.{format}", tmp_path)
    rows = read_table(tmp_path / f"labels.{format}").rows
    assert {row["role"] for row in rows} == {"annotator", "adjudicator"}
    assert {row["annotator"] for row in rows} == {"ann", "bob", "cleo", "rater"}


def test_a_spreadsheet_runs_nothing(store, tmp_path):
    store.label(1, "2", "ann", "note", "=cmd|' /C calc'!A0")
    text = export_labels(store, 1, "csv", tmp_path).read_text(encoding="utf-8")
    assert "'=cmd" in text and ",=" not in text


def test_under_another_name_beside_the_first(store, tmp_path):
    path = export_run(store, 1, "jsonl", tmp_path)
    with pytest.raises(ValueError, match="eggs"):
        restore_export(store, path)
    assert store.run_info(restore_export(store, path, "again")).total == 2


def test_what_is_no_export_is_one_sentence_and_adds_nothing(store, tmp_path):
    bad = {"no.zip": b"GIF89a", "cut.zip": export_run(store, 1, "jsonl", tmp_path).read_bytes()[:200]}
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="no zip file"):
            restore_export(store, tmp_path / name)
    for members, says in (
        ({"../../evil.jsonl": "x"}, "it holds '../../evil.jsonl'"),
        ({"run.json": "{}"}, "no export of a run, or a damaged one"),
        ({"run.json": "[]", "responses.jsonl": "1"}, "no export of a run, or a damaged one"),
    ):
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bundle:
            for name, text in members.items():
                bundle.writestr(name, text)
        with pytest.raises(ValueError, match=says):
            restore_export(store, tmp_path / "bad.zip")
    assert len(store.runs()) == 1


@pytest.mark.slow
def test_a_bomb_is_not_unpacked(store, tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle,
        bundle.open("run.json", "w") as file,
    ):
        for _ in range(501):
            file.write(bytes(1_000_000))
    with pytest.raises(ValueError, match="unpacks to over 500 MB"):
        restore_export(store, tmp_path / "bomb.zip")


def test_a_bomb_that_lies_about_its_size_is_one_sentence(store, tmp_path):
    """The sizes in a zip are its maker's: what is unpacked is no more than they say, and then it is found damaged."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("run.json", bytes(50_000_000))
    size = (50_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="no zip file that can be read"):
        restore_export(store, path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"sequences": {"1": 1e999}}',
        '{"name": ' + "9" * 10_000 + "}",
        '{"sequences": {"1": {}}}',
        '{"replaced": 1}',
        '{"sequences": {"x": 1}}',
    ],
)
def test_json_that_breaks_readers_is_one_sentence_and_adds_nothing(store, tmp_path, text):
    path = export_run(store, 1, "jsonl", tmp_path)
    with zipfile.ZipFile(path) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    if text.startswith("{"):
        whole = json.loads(members["run.json"])
        text = json.dumps(whole)[:-1] + ", " + text[1:]
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in (members | {"run.json": text.encode()}).items():
            bundle.writestr(name, content)
    with pytest.raises(ValueError, match=r"^eggs-1.zip is no export of a run, or a damaged one: [^\n]*$"):
        restore_export(store, path, "again")
    assert len(store.runs()) == 1


def test_bad_formats_and_nothing_to_export(store, build_store, tmp_path):
    with pytest.raises(ValueError, match="The format is one of"):
        export_run(store, 1, "xlsx", tmp_path)
    empty = build_store()
    run = empty.add_run(Run("empty", (Response("1", "q", "a"),)))
    with pytest.raises(ValueError, match="no labels yet"):
        export_labels(empty, run, "csv", tmp_path)
    assert restore_export(build_store(), export_run(empty, run, "csv", tmp_path))
