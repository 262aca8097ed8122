"""Files become runs or labels in the page."""

from __future__ import annotations

import html
import json
from pathlib import Path

import gradio as gr
import pytest
from grader_tab import NOBODY, find, in_order


def write_answers(path: Path) -> str:
    rows = [{"question": "1 + 1?", "pred": "2", "gold": "2", "cot": "1 and 1 are 2."}, {"question": "x", "pred": ""}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return str(path)


QUESTION_TO_GOLD = ["question", "pred", "cot", "gold"]


class ImportPanel:
    """The import panel as a browser has it: the values of its widgets, which are found by their labels."""

    def __init__(self, page):
        self.page, self.values = page, {one: one.value for one in find(page, "show_preview").inputs}
        self.labels = {one: getattr(one, "label", None) for one in self.values}

    def find(self, label: str):
        return next(one for one, own in self.labels.items() if own == label)

    def read(self, label: str):
        return self.values[self.find(label)]

    def call(self, name: str, *more) -> dict:
        event = find(self.page, name)
        result = event.fn(self.values, *more)
        for widget, value in result.items():
            update = getattr(value, "constructor_args", {"value": value})
            self.values[widget] = update.get("value", self.values.get(widget))
            self.labels[widget] = update.get("label", self.labels.get(widget))
        return result

    def open(self, path: str) -> tuple[str, str]:
        self.values[self.find("Responses, or labels")] = path
        found, first, *_ = in_order(find(self.page, "inspect"), self.call("inspect"))
        return found, first

    def change(self, label: str, value) -> str:
        self.values[self.find(label)] = value
        return in_order(find(self.page, "show_preview"), self.call("show_preview"))[0]

    def store(self) -> list:
        return in_order(find(self.page, "import_chosen"), self.call("import_chosen", NOBODY))


@pytest.mark.slow
def test_a_file_is_imported_with_the_columns_that_were_guessed(page, grading, tmp_path):
    path = write_answers(tmp_path / "mine.jsonl")
    form = ImportPanel(page)
    found, first = form.open(path)
    assert "Check the columns" in found and form.read("Name of the run") == "mine"
    assert [form.read(name) for name in ("question", "answer", "explanation", "gold answer")] == QUESTION_TO_GOLD
    assert "1 + 1?</td>" in first
    told, chosen = form.store()
    assert "Imported 2 responses" in told and grading.store.run_info(chosen).name == "mine"
    assert grading.store.responses(chosen)[0].gold_answer == "2"


NESTED = [
    {
        "doc": {"q": "2 + 3?", "level": 1},
        "outs": ["Two and three. The answer is 5.", "6"],
        "meh": ["ok", "0"],
        "who": "ann",
    },
    {"doc": {"q": "2 + 4?"}, "outs": ["Six. The answer is 6."], "meh": ["0"], "who": "bo"},
    {"doc": {"q": ""}, "outs": ["Six."], "meh": ["0"], "who": "bo"},
]


def test_nested_rows_are_mapped_by_paths_and_what_is_not_known_is_asked(page, grading, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_DATA", str(tmp_path / "data"))
    path = tmp_path / "nested.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in NESTED), encoding="utf-8")
    form = ImportPanel(page)
    found, _ = form.open(str(path))
    form.change("question", "doc.q")
    form.change("explanation", "outs[*]")
    form.change("annotator", "who")
    found = form.change("columns of labels", ["meh[*]"])
    assert "3 responses, 2 labels by ann, bo" in found and "doc.level" in found and "ok of meh" in found
    with pytest.raises(gr.Error, match="It is not known which label is meant by"):
        form.store()
    found = form.change("'ok' of 'meh' means", "explanation.correct")
    assert "3 labels" in found and "Rows that cannot be read: 1" in found and "line 3: the question is empty" in found
    with pytest.raises(gr.Error, match="line 3: the question is empty"):
        form.store()
    form.change("Leave bad rows out: 1", True)
    told, chosen = form.store()
    assert "Imported 3 responses with 3 labels" in told and "line 3: the question is empty" in told
    labels = [(one.response_id, one.annotator, one.value) for one in grading.store.labels(chosen)]
    assert labels == [("1-1", "ann", "correct"), ("1-2", "ann", "flawed"), ("2", "bo", "flawed")]
    assert grading.store.extra(chosen) == {"1-1": {"doc.level": "1"}, "1-2": {"doc.level": "1"}}
    again = ImportPanel(page)  # the next file like it
    assert "3 responses, 3 labels" in again.open(str(path))[0] and again.read("question") == "doc.q"


def test_an_encoding_is_asked_for(page, grading, tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("question,answer\nKöln?,ja\n".encode("windows-1252"))
    form = ImportPanel(page)
    assert "this is not UTF-8 text" in form.open(str(path))[0]
    form.values[form.find("Encoding")] = "windows-1252"
    assert "Köln?" in in_order(find(page, "open_file"), form.call("open_file"))[1]


def test_labels_of_the_chosen_run_come_in_and_a_conflict_is_shown_before(page, run, grading, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_DATA", str(tmp_path / "data"))
    path = tmp_path / "more.csv"
    path.write_text("response_id,annotator,question_asked,verdict\n0,eve,answer,correct\n1,eve,answer,wrong\n")
    grading.store.label(run, "1", "eve", "answer", "correct")
    form = ImportPanel(page)
    form.values[form.find("Run")] = run
    form.values[form.find("The file becomes")] = "labels of the run chosen above"
    found, _ = form.open(str(path))
    assert "that are there: 1" in found and "eve, answer of '1': 'correct', now 'wrong'" in html.unescape(found)
    with pytest.raises(gr.Error, match="Labels differ"):
        form.store()
    form.change("Where labels differ", "replace")
    told, _ = form.store()
    assert "0 responses with 2 labels" in told
    assert [one.value for one in grading.store.labels(run, "eve")] == ["correct", "wrong"]


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b'{"a": 1}\n{"a":', b"\xff\xfe\x00"])
def test_a_bad_file_is_one_sentence_and_adds_nothing(page, grading, tmp_path, content):
    (tmp_path / "bad.jsonl").write_bytes(content)
    before = len(grading.store.runs())
    form = ImportPanel(page)
    if content.startswith(b"{"):  # the good row is seen
        found, _ = form.open(str(tmp_path / "bad.jsonl"))
        assert "Not yet" in found and "line 2: not JSON" in found
    else:
        with pytest.raises(gr.Error):
            form.open(str(tmp_path / "bad.jsonl"))
    with pytest.raises(gr.Error):
        form.store()
    assert len(grading.store.runs()) == before
