"""python -m a3core grader: what it stores, the one line of JSON, and what it asks before anything is stored."""

from __future__ import annotations

import json

import openpyxl
import pytest

from a3core import grader

ROWS = [
    {"id": "r1", "question": "2 + 3?", "explanation": "Two and three.", "answer": "5", "gold": "5", "topic": "sums"},
    {"id": "r2", "question": "2 + 4?", "explanation": "Two and four.", "answer": "7", "gold": "6", "topic": "sums"},
]
LABELS = (
    "response_id,annotator,question_asked,verdict\nr1,ann,explanation,correct\nr2,ann,explanation,meh\nr2,bo,answer,0\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """With two files; the store is in it."""
    monkeypatch.setenv("A3_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(run, monkeypatch, folder):
    """Runs a command as `python -m a3core grader` does; gives its exit code, output and errors."""

    def run_command(*words) -> tuple[int, str, str]:
        monkeypatch.chdir(folder)
        code, *texts = run("grader", *words)
        return code or 0, *texts

    return run_command


def call(run, *words) -> dict:
    """The one line that a command with --json writes."""
    code, out, err = run(*words, "--json")
    assert code == 0 and out.count("\n") == 1, (out, err)
    return json.loads(out)


def test_responses_with_a_file_of_labels(run):
    code, out, err = run("import", "rows.jsonl", "--run", "pilot", "--labels", "labels.csv", "--json")
    assert (code, out) == (2, "") and err.count("\n") == 1 and "'meh' of 'explanation'" in err and "--map" in err
    assert call(run, "runs") == []
    imported = call(run, "import", "rows.jsonl", "--run", "pilot", "--labels", "labels.csv", "--map", "meh=unsure")
    assert imported == {"run": "pilot", "responses": 2, "labels": 3, "annotators": ["ann", "bo"], "skipped": 0}
    store = grader.open_store()
    labels = grader.read_labels(store, "pilot")
    found = [" ".join(row) for row in labels[["response_id", "annotator", "field", "value"]].values]
    assert found == ["r1 ann explanation correct", "r2 ann explanation unsure", "r2 bo answer wrong"]
    assert grader.read_responses(store, "pilot")["topic"].tolist() == ["sums", "sums"]
    assert grader.list_runs(store)[["run", "responses", "labels"]].values.tolist() == [["pilot", 2, 3]]


def test_labels_are_added_to_a_run_that_is_there(run, folder):
    call(run, "import", "rows.jsonl", "--run", "pilot")
    added = call(run, "import", "labels.csv", "--run", "pilot", "--map", "meh=")
    assert added == {"run": "pilot", "responses": 0, "labels": 2, "annotators": ["ann", "bo"], "skipped": 0}
    (folder / "labels.csv").write_text(LABELS.replace("explanation,correct", "explanation,flawed"), encoding="utf-8")
    code, out, err = run("import", "labels.csv", "--run", "pilot", "--map", "meh=", "--json")
    assert code == 2 and not out and "'correct', now 'flawed'" in err
    code, _, err = run("import", "labels.csv", "--run", "pilot", "--conflicts", "maybe")
    assert code == 2 and "keep or replace, not 'maybe'" in err
    keep = call(run, "import", "labels.csv", "--run", "pilot", "--map", "meh=", "--conflicts", "keep")
    assert keep["labels"] == 0
    replaced = call(run, "import", "labels.csv", "--run", "pilot", "--map", "meh=", "--conflicts", "replace")
    assert replaced["labels"] == 1
    assert grader.read_labels(grader.open_store(), "pilot")["value"].tolist() == ["flawed", "wrong"]


def test_bad_rows_are_refused_or_left_out_and_listed(run, folder):
    (folder / "rows.csv").write_text("question,answer,gold\n2+3?,5,5\n,6,6\n2+5?,7\n", encoding="utf-8")
    code, out, err = run("import", "rows.csv", "--run", "bad", "--json")
    assert code == 2 and not out and "line 3: the question is empty" in err and "line 4: cells: 2" in err
    code, out, err = run("import", "rows.csv", "--run", "bad", "--skip-bad", "--json")
    assert json.loads(out)["responses"] == 1 and json.loads(out)["skipped"] == 2 and err.count("Left out: line") == 2


def test_a_workbook(run, folder):
    book = openpyxl.Workbook()
    for row in (
        ["question", "answer", "gold", "rater 1", "rater 2"],
        ["2 + 3?", 5, 5, 1, 0],
        [None],
        ["2 + 4?", 7, 6, 0, 0],
    ):
        book.active.append(row)
    book.save(folder / "rows.xlsx")
    imported = call(run, "import", "rows.xlsx", "--run", "x", "--map", "label=answer")
    assert imported == {"run": "x", "responses": 2, "labels": 4, "annotators": ["rater 1", "rater 2"], "skipped": 0}
    assert grader.read_responses(grader.open_store(), "x")[["answer", "gold_answer"]].values.tolist() == [
        ["5", "5"],
        ["7", "6"],
    ]
    assert grader.read_labels(grader.open_store(), "x")["value"].tolist() == ["correct", "wrong", "wrong", "wrong"]


def test_another_encoding_is_asked_for(run, folder):
    (folder / "rows.csv").write_bytes("question,answer\nKöln?,ja\n".encode("windows-1252"))
    code, _, err = run("import", "rows.csv", "--run", "x")
    assert code == 2 and "--encoding windows-1252" in err
    code, _, err = run("import", "rows.csv", "--run", "x", "--encoding", "zip")
    assert code == 2 and "The encoding is one of windows-1252" in err
    assert call(run, "import", "rows.csv", "--run", "x", "--encoding", "windows-1252")["responses"] == 1
    assert grader.read_responses(grader.open_store(), "x")["question"].tolist() == ["Köln?"]


def test_a_mapping_in_a_file(run, folder):
    """Two texts a row, each with the marks of its raters."""
    marks = [[{"who": "ann", "ok": True}, {"who": "bo", "ok": False}], [{"who": "ann", "ok": False}]]
    row = {"doc": {"q": "2 + 3?", "level": 1}, "out": [["first", "second"]], "marks": marks}
    (folder / "nested.jsonl").write_text(json.dumps(row), encoding="utf-8")
    mapping = {"a3_import_mapping": 1, "question": "doc.q", "explanation": "out[0][*]"}
    mapping |= {"annotator": "marks[*][*].who", "labels": ["marks[*][*].ok"]}
    (folder / "mapping.json").write_text(json.dumps(mapping), encoding="utf-8")
    imported = call(run, "import", "nested.jsonl", "--run", "x", "--mapping", "mapping.json")
    assert imported == {"run": "x", "responses": 2, "labels": 3, "annotators": ["ann", "bo"], "skipped": 0}
    responses = grader.read_responses(grader.open_store(), "x")
    found = responses[["id", "explanation", "doc.level"]].values.tolist()
    assert found == [["1-1", "first", "1"], ["1-2", "second", "1"]]
    labels = grader.read_labels(grader.open_store(), "x")
    found = [tuple(row) for row in labels[["response_id", "annotator", "value"]].values]
    assert found == [("1-1", "ann", "correct"), ("1-2", "ann", "flawed"), ("1-1", "bo", "flawed")]


@pytest.mark.slow
def test_a_run_is_reported_exported_renamed_and_removed(run, folder):
    call(run, "import", "rows.jsonl", "--run", "pilot", "--labels", "labels.csv", "--map", "meh=")
    assert call(run, "report", "pilot")["report"]["groups"][0]["n"] == 2
    grader.open_store().label(1, "r1", "judge", "explanation", "flawed", kind="adjudication")
    adjudicated = [call(run, "report", "pilot", *flag)["report"]["groups"][0] for flag in ((), ("--no-adjudicated",))]
    assert [group["shares"]["explanation correct"]["k"] for group in adjudicated] == [0, 1]
    exported = call(run, "export", "pilot", "--out", "exports")
    assert exported["run"] == "pilot" and (folder / exported["path"]).is_file()
    assert call(run, "rename", "pilot", "first") == {"run": "first", "before": "pilot"}
    assert [row["run"] for row in call(run, "runs")] == ["first"]
    assert call(run, "remove", "first") == {"run": "first", "removed": True} and call(run, "runs") == []
    code, _, err = run("import", exported["path"], "--run", "again")
    assert code == 2 and "`grader merge` takes it" in err
    code, _, err = run("report", "nothing")
    assert code == 2 and "There is no run 'nothing'" in err


def test_a_run_is_dealt_out(run):
    call(run, "import", "rows.jsonl", "--run", "pilot")
    dealt = call(run, "deal", "pilot", "--share", "0.5", "--annotators", "ann,bo", "--seed", "1")
    assert dealt == {"run": "pilot", "share": 0.5, "seed": 1, "parts": {"ann": 2, "bo": 1}}
    assert "all of ann, bo got 1 of 2 responses" in run("report", "pilot")[1]
    code, _, err = run("deal", "pilot", "--annotators", "ann,Ann")
    assert code == 2 and "named twice" in err
    assert "all get everything" in run("deal", "pilot", "--annotators", "")[1]
    assert grader.open_store().run_info(1).deal is None


def test_an_export_of_another_computer_is_merged_by_its_events(run, folder, monkeypatch):
    call(run, "import", "rows.jsonl", "--run", "pilot")
    path = call(run, "export", "pilot", "--out", "out")["path"]
    monkeypatch.setenv("A3_DATA", str(folder / "other"))
    assert call(run, "merge", path) == {"run": "pilot", "added": 0, "conflicts": []}  # new here: it is put back
    there = grader.open_store()
    there.label(1, "r1", "ann", "explanation", "flawed")
    there.label(1, "r2", "bo", "answer", "wrong")
    path = call(run, "export", "pilot", "--out", "there")["path"]
    monkeypatch.setenv("A3_DATA", str(folder / "data"))
    here = grader.open_store()
    here.label(1, "r1", "ann", "explanation", "correct")
    code, out, err = run("merge", path, "--json")
    assert (code, out) == (2, "") and "ann: explanation of r1 is correct or flawed" in err and "--keep-both" in err
    assert len(here.history(1).events) == 1
    merged = call(run, "merge", path, "--keep-both")
    conflict = {"response_id": "r1", "annotator": "ann", "field": "explanation", "round": 1}
    assert merged == {"run": "pilot", "added": 2, "conflicts": [conflict | {"values": ["correct", "flawed"]}]}
    assert call(run, "merge", path) == {"run": "pilot", "added": 0, "conflicts": []}
    assert len(here.history(1).events) == 3


@pytest.mark.slow
def test_what_is_removed_comes_back_or_is_deleted_for_good(run, folder, monkeypatch):
    call(run, "import", "rows.jsonl", "--run", "pilot", "--labels", "labels.csv", "--map", "meh=unsure")
    assert call(run, "rename", "pilot", "Bob", "--annotator", "bo") == {"run": "pilot", "before": "bo"}
    assert call(run, "runs")[0]["annotators"] == ["Bob", "ann"]
    assert call(run, "remove", "pilot", "--annotator", "ann") == {"run": "pilot", "removed": True, "annotator": "ann"}
    assert call(run, "runs")[0]["labels"] == 1
    assert call(run, "remove", "pilot", "--annotator", "ann", "--back")["removed"] is False
    code, out, err = run("remove", "pilot", "--annotator", "ann", "--for-good", "--json")
    assert (code, out) == (2, "") and "add --yes" in err
    code, _, err = run("remove", "pilot", "--annotator", "ann", "--for-good", "--yes")
    assert code == 2 and "The annotator 'ann' is in use: remove it first" in err
    run("remove", "pilot", "--annotator", "ann")
    monkeypatch.setattr("typer.confirm", lambda question, abort, err: None)
    assert "ann is deleted for good" in run("remove", "pilot", "--annotator", "ann", "--for-good")[1]
    run("remove", "pilot", "--question", "convincing")
    assert call(run, "remove", "pilot", "--question", "convincing", "--for-good", "--yes")["deleted"] is True
    run("remove", "pilot")
    path = call(run, "export", "pilot", "--out", "out", "--removed")["path"]
    assert "There is no run" in run("export", "pilot", "--out", "out")[2]
    assert call(run, "remove", "pilot", "--back") == {"run": "pilot", "removed": False}
    run("remove", "pilot")
    assert call(run, "remove", "pilot", "--for-good", "--yes") == {"run": "pilot", "removed": True, "deleted": True}
    assert "'pilot' was deleted for good" in run("merge", path)[2]
    assert [(one["name"], one["action"]) for one in call(run, "log", "pilot")] == [("pilot", "delete")]
    assert "run 'pilot' deleted for good, by " in run("log", "pilot")[1]
    assert "There is no run 'nothing'" in run("log", "nothing")[2]
