"""Every event of the Grader tab: labelling, report, import, generation, export, label questions."""

from __future__ import annotations

import html
import json
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from labelled import label_fields

from a3core.grader.export.archive import export_run, restore_export
from a3core.grader.labels.database import open_database
from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Response, Run
from a3core.ui.grader.example import build_example, load_example
from a3core.ui.grader.questions import indent
from a3core.ui.grader.service import build_origin

ASSETS = Path(__file__).parents[3] / "assets"
HOSTILE = "<script>alert(1)</script> ${1+1} {{value}}"
SETTINGS = ("unlabelled first", [], True, False, "", [])
NOBODY = SimpleNamespace(username=None)


@pytest.fixture
def grading(tmp_path, monkeypatch):
    from a3core.ui.grader.service import GraderService

    monkeypatch.delenv("SPACE_ID", raising=False)
    return GraderService(f"sqlite:///{tmp_path / 'labels.sqlite'}")


@pytest.fixture
def page(grading, fewshot, tmp_path):
    """The tab alone, over a database of its own."""
    from a3core.birthplace.checkpoints import CheckpointStore
    from a3core.ui.grader.tab import build_cot_tab, build_memory

    with gr.Blocks() as page:
        build_cot_tab(grading, fewshot, CheckpointStore(tmp_path), page, build_memory())
    return page


@pytest.fixture
def run(grading) -> int:
    responses = [
        Response(str(i), f"What is {i} + 1?", str(i + 1 + i % 2), f"{i} and 1\nare {i + 1}.", str(i + 1), kind)
        for i, kind in enumerate(["standard", "chain of thought"] * 3)
    ]
    return grading.store.add_run(Run("sums", (*responses, Response("h", HOSTILE, HOSTILE, HOSTILE, "x"))))


def find(page, name: str):
    return next(event for event in page.fns.values() if getattr(event.fn, "__name__", "") == name)


def in_order(event, result: dict) -> list:
    values = [result.get(output) for output in event.outputs]
    return [getattr(value, "value", value) for value in values]


def press(page, run: int, name: str, action: str, settings=SETTINGS, /, request=NOBODY, **told) -> dict:
    event = SimpleNamespace(_data={"action": action, "serial": 7, **told})
    return find(page, "press").fn(run, name, *settings, event, request)


def show(page, run, name: str, settings=SETTINGS) -> dict:
    return in_order(find(page, "show"), find(page, "show").fn(run, name, *settings, NOBODY))[0]


def test_the_shipped_runs_are_there_and_their_accuracy_is_stated(page, grading):
    runs, name, where = in_order(find(page, "open_page"), find(page, "open_page").fn(["ann", None], NOBODY))
    shipped = {run.name: run.id for run in grading.store.runs()}
    facts = {kind: json.loads((ASSETS / kind / "run.json").read_text()) for kind in ("recall_run", "cot_run")}
    assert set(shipped) == {told["name"] for told in facts.values()}
    assert runs == shipped[facts["cot_run"]["name"]] and name == "ann" and "labels.sqlite" in where
    report = find(page, "label_report").fn(facts["cot_run"]["name"])
    assert report["report"]["groups"][0]["n"] >= 100
    suggested = facts["cot_run"]["accuracy"]
    assert 0 < sum(row["correct"] for row in suggested) < sum(row["n"] for row in suggested)


def test_blind_then_revealed_then_next(page, run):
    view = show(page, run, "ann")
    assert view["place"] == ["0", 1, 0] and not view["revealed"] and "gold_answer" not in view
    view = press(page, run, "ann", "label", place=view["place"], field="explanation", value="correct")
    assert view["serial"] == 7 and not view["revealed"]
    locked = press(page, run, "ann", "label", place=view["place"], field="answer", value="correct")
    assert "First judge the explanation" in locked["error"]
    view = press(page, run, "ann", "label", place=view["place"], field="convincing", value="yes")
    assert view["revealed"] and view["gold_answer"] == "1" and view["suggestion"]["value"] == "correct"
    view = press(page, run, "ann", "label", place=view["place"], field="answer", value="correct")
    assert view["progress"].startswith("1 of 7 labelled")
    assert press(page, run, "ann", "next", place=view["place"])["place"][0] == "1"


def test_blind_can_be_switched_off(page, run):
    assert show(page, run, "ann", ("given", [], False, False, "", []))["revealed"]


def test_a_key_over_an_item_of_another_run_stores_nothing(page, run, grading):
    other = grading.store.add_run(Run("other", (Response("0", "Another?", "1", "a\nb", "1"),)))
    view = show(page, run, "ann")
    told = {"place": view["place"], "run": run, "annotator": "ann", "field": "explanation", "value": "correct"}
    answer = press(page, other, "ann", "label", **told)
    assert answer["question"] == "Another?" and answer["run"] == other and answer["serial"] == 7
    assert press(page, run, "bob", "label", **told)["annotator"] == "bob"
    assert grading.store.labels(other) == [] == grading.store.labels(run)
    press(page, run, "ann", "label", **told)
    assert len(grading.store.labels(run)) == 1


def test_undo_goes_back_over_items_and_redo_again(page, run):
    first = press(page, run, "ann", "label", place=["0", 1, 0], field="explanation", value="correct")
    press(page, run, "ann", "label", place=["1", 1, 1], field="explanation", value="flawed")
    undone = press(page, run, "ann", "undo", place=first["place"])
    assert undone["place"][0] == "1" and undone["questions"][0]["label"] == ""
    undone = press(page, run, "ann", "undo", place=undone["place"])
    assert undone["place"][0] == "0" and undone["questions"][0]["label"] == ""
    assert "nothing to undo" in press(page, run, "ann", "undo", place=undone["place"])["said"]
    assert press(page, run, "ann", "redo", place=undone["place"])["questions"][0]["label"] == "correct"


def test_others_labels_are_seen_only_after_ones_own(page, run, grading):
    for field, value in (("explanation", "flawed"), ("convincing", "no"), ("answer", "wrong")):
        grading.store.label(run, "0", "bob", field, value)
        assert show(page, run, "ann")["others"] == []
    for field, value in (("explanation", "correct"), ("convincing", "yes"), ("answer", "correct")):
        view = press(page, run, "ann", "label", place=["0", 1, 0], field=field, value=value)
    assert {(o["annotator"], o["value"]) for o in view["others"]} >= {("bob", "flawed"), ("bob", "wrong")}
    adjudicating = ("given", [], True, True, "", [])
    view = show(page, run, "cleo", adjudicating)
    assert view["place"][0] == "0" and {o["annotator"] for o in view["others"]} == {"ann", "bob"}
    press(page, run, "cleo", "label", adjudicating, place=view["place"], field="explanation", value="correct")
    with grading.store.snapshot(run) as snapshot:
        assert next(field for field, _ in snapshot.find_disagreements(0)) == "explanation"
        assert snapshot.decisions_for(0)["explanation"] == "correct"


@pytest.mark.parametrize(
    ("action", "told", "says"),
    [
        ("dance", {}, "There is no action"),
        ("label", {"place": ["0", 1, 0], "field": "explanation", "value": "perfect"}, "explanation is one of"),
        ("label", {"place": ["0", 1, 0], "field": "mood", "value": "good"}, "there is no label"),
        ("label", {"place": ["zzz", 1, 0], "field": "explanation", "value": "correct"}, "zzz"),
        ("next", {"place": "somewhere"}, "names no item"),
        ("label", {"place": ["0", 9, 0], "field": "explanation", "value": "correct"}, "round"),
    ],
)
def test_a_request_that_makes_no_sense_is_one_sentence(page, run, action, told, says):
    assert says in press(page, run, "ann", action, **told)["error"]


def test_nothing_without_a_run_or_a_name(page, run):
    assert "Choose a run" in show(page, None, "ann")["error"]
    assert "needs a name" in show(page, run, " ")["error"]


def test_a_public_space_is_read_only_and_a_signed_in_user_cannot_choose_his_name(page, run, monkeypatch, grading):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    told = {"place": ["0", 1, 0], "field": "explanation", "value": "correct"}
    assert "read-only" in press(page, run, "ann", "label", **told)["error"]
    session = {"oauth_info": {"userinfo": {"preferred_username": "hana"}}}
    request = SimpleNamespace(username=None, request=SimpleNamespace(session=session))
    press(page, run, "somebody else", "label", request=request, **told)
    assert [label.annotator for label in grading.store.labels(run)] == ["hana"]
    for name, inputs in (("import_chosen", ({}, NOBODY)), ("restore", ("x", "y", NOBODY))):
        with pytest.raises(gr.Error, match="read-only"):
            find(page, name).fn(*inputs)


def sign_in(name: str) -> SimpleNamespace:
    return SimpleNamespace(username=name, request=SimpleNamespace(session={}))


def test_on_a_public_space_only_its_owner_changes_what_others_label(page, run, monkeypatch, grading):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    before = grading.store.schema(run), [info.name for info in grading.store.runs()]
    mallory, owner = sign_in("mallory"), sign_in("someone")
    inputs = {"import_chosen": ({},), "restore": ("x", "y"), "store": (run, "", 0.5)}
    for name, values in inputs.items():
        with pytest.raises(gr.Error, match="the owner of this public page"):
            find(page, name).fn(*values, mallory)
    assert (grading.store.schema(run), [info.name for info in grading.store.runs()]) == before
    opened = (run, "", "in order", [], True, True, "", [])
    event = SimpleNamespace(_data={"action": "next"})
    assert "the owner of this public page" in find(page, "press").fn(*opened, event, mallory)["error"]
    assert "the owner of" not in str(find(page, "press").fn(*opened, event, owner))


def test_who_made_a_run_changes_its_questions_and_adjudicates_and_no_other_visitor(page, run, monkeypatch, grading):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    cleo, mallory, owner = (sign_in(name) for name in ("cleo", "mallory", "someone"))
    own = grading.store.add_run(Run("of cleo", grading.store.responses(run)), origin=build_origin(cleo))
    assert grading.store.origin(own).owner == "cleo"
    text = indent(grading.store.schema(own)).replace("Is it convincing?", "Would you believe it?")
    adjudicating, event = ("given", [], True, True, "", []), SimpleNamespace(_data={"action": "next"})
    for chosen, visitor in ((own, mallory), (run, mallory), (run, cleo)):
        with pytest.raises(gr.Error, match="Only who made this run"):
            find(page, "store").fn(chosen, text, 0.1, visitor)
        assert "Only who made this run" in find(page, "press").fn(chosen, "", *adjudicating, event, visitor)["error"]
    assert grading.store.schema(own) == DEFAULT_SCHEMA
    for chosen, visitor in ((own, cleo), (run, owner)):
        assert "Saved as version" in find(page, "store").fn(chosen, text, 0.1, visitor)
        assert "Only who" not in str(find(page, "press").fn(chosen, "", *adjudicating, event, visitor))


def test_the_questions_of_a_shipped_run_are_read_only_and_labels_are_not(page, grading):
    shipped = grading.store.runs()[0].id
    text = indent(grading.store.schema(shipped))
    with pytest.raises(gr.Error, match="Export it and put it back under another name"):
        find(page, "store").fn(shipped, text.replace("Is it convincing?", "Would you believe it?"), 0.1, NOBODY)
    assert grading.store.schema(shipped) == DEFAULT_SCHEMA and grading.store.run_info(shipped).repeat_share == 0
    find(page, "store").fn(shipped, text, 0.1, NOBODY)
    assert grading.store.run_info(shipped).repeat_share == 0.1
    id_ = grading.store.responses(shipped)[0].id
    assert "error" not in press(page, shipped, "ann", "label", place=[id_, 1, 0], field="explanation", value="correct")
    path = find(page, "export_run").fn(shipped, "jsonl")
    copy, *_ = in_order(find(page, "restore"), find(page, "restore").fn(path, "mine", NOBODY))
    find(page, "store").fn(copy, text.replace("Is it convincing?", "Would you believe it?"), 0.1, NOBODY)
    assert grading.store.schema(copy) != DEFAULT_SCHEMA


def find_report(page):
    return next(e for e in page.fns.values() if getattr(e.fn, "__name__", "") == "show" and len(e.outputs) == 6)


def report_of(page, run: int, people=(), adjudicated: bool = True) -> list:
    event = find_report(page)
    return in_order(event, event.fn(run, list(people), adjudicated, None))


def test_the_report_follows_the_labels_and_opens_its_numbers(page, run, grading):
    label_fields(grading.store, run, "1", "ann", {"explanation": "correct", "convincing": "yes", "answer": "correct"})
    board, _, _, _, name, table = report_of(page, run)
    assert "<b>1</b> of 7 responses are labelled by <b>1</b> person" in board and name == "shares"
    assert "Explanations that are correct: 1 of 1" in board and "ids" not in table["headers"]
    event = find(page, "open_row")
    _, title, opened, ids = in_order(event, event.fn(run, [], True, "shares", SimpleNamespace(index=[0, 3])))
    assert opened["id"].tolist() == ids == ["1"] and "shares" in title


def test_every_number_of_the_board_opens_its_responses_which_can_be_labelled(page, run, grading):
    labels = {"explanation": "correct", "convincing": "yes", "answer": "correct"}
    label_fields(grading.store, run, "1", "ann", labels)
    label_fields(grading.store, run, "2", "ann", labels | {"answer": "wrong"})
    opened = re.findall(r'data-open="([^"]*)"', report_of(page, run)[0])
    numbers = [json.loads(html.unescape(text)) for text in opened]
    assert len(numbers) >= 6
    event, found = find(page, "open_number"), {}
    for number in numbers:
        _, _, rows, ids = in_order(event, event.fn(run, [], True, SimpleNamespace(_data={"open": number})))
        found[json.dumps(number)] = ids
        assert rows["id"].tolist() == ids
    assert found['["cell", true, true]'] == ["1"] and found['["cell", false, true]'] == ["2"]
    with pytest.raises(gr.Error, match="no number of the report"):
        event.fn(run, [], True, SimpleNamespace(_data={"open": ["share", "x", None, "y"]}))
    _, only, ids = find(page, "label_these").fn(run, ["2"])
    settings = ("unlabelled first", only.value, True, False, "", ids)
    view = show(page, run, "bo", settings)
    assert view["place"][0] == "2" and view["matching"] == 1
    assert press(page, run, "bo", "next", settings, place=view["place"])["place"][0] == "2"


def test_a_person_says_whose_labels_the_report_counts(page, run, grading):
    """All people, some, or without what was adjudicated; a number opens by the same choice."""
    for name, value in (("ann", "correct"), ("test", "wrong")):
        label_fields(grading.store, run, "1", name, {"explanation": "correct", "answer": value})
    shown = find_report(page).fn(run, [], True, None)
    assert [one.choices for one in shown.values() if isinstance(one, gr.Dropdown)] == [
        [("ann", "ann"), ("test", "test")]
    ]
    assert "by <b>2</b> people" in report_of(page, run)[0]
    board, _, _, people, *_ = report_of(page, run, ["ann", "who left"])
    assert "The labels of ann count. Left out: test. What was adjudicated counts first." in board and people == ["ann"]
    event, number = find(page, "open_number"), SimpleNamespace(_data={"open": ["cell", True, True]})
    opened = {who: in_order(event, event.fn(run, [who], True, number))[3] for who in ("ann", "test")}
    assert opened == {"ann": ["1"], "test": []}
    grading.store.adjudicate(run, "1", "judge", "answer", "correct")
    assert in_order(event, event.fn(run, ["test"], True, number))[3] == ["1"]
    assert in_order(event, event.fn(run, ["test"], False, number))[3] == []
    assert "What was adjudicated does not count." in report_of(page, run, ["test"], False)[0]


def test_a_run_without_labels_has_the_example_which_is_what_the_code_gives(page, run):
    board, _, _, _, name, _ = report_of(page, run)
    assert "Example" in board and "A program drew these labels" in board and name is None
    assert load_example() == build_example()


def test_text_of_a_run_is_never_markup(page, run):
    assert "<script" not in report_of(page, run)[0]


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
    assert "that are there: 1" in found and "eve, answer of 1: correct, now wrong" in found
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


def test_a_run_is_generated_and_can_be_labelled(page, grading, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_CACHE", str(tmp_path))
    make = find(page, "make").fn
    steps = list(make(["arithmetic"], ["standard"], "tiny", 1, 0, 16, "mine", NOBODY, lambda *a, **k: None))
    assert "prompts" in next(iter(steps[0].values())) and "right by rule" in next(iter(steps[-1].values()))
    assert len(grading.store.responses(grading.store.find_run("mine"))) == 10
    again = list(make(["arithmetic"], ["standard"], "tiny", 1, 0, 16, "again", NOBODY, lambda *a, **k: None))
    assert len(again) < len(steps)  # from the log
    with pytest.raises(gr.Error, match="at least one task set"):
        list(make([], ["standard"], "tiny", 1, 0, 16, "", NOBODY, lambda *a, **k: None))


def test_out_and_back(page, run, grading):
    path = find(page, "export_run").fn(run, "csv")
    chosen, told, _ = in_order(find(page, "restore"), find(page, "restore").fn(path, "again", NOBODY))
    assert told == "Put back." and grading.store.responses(chosen) == grading.store.responses(run)
    with pytest.raises(gr.Error, match="Choose a run"):
        find(page, "export_run").fn(None, "csv")


def test_an_export_of_another_computer_says_what_it_adds_before_it_is_merged(page, run, grading, tmp_path):
    other = LabelStore(open_database(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    first = Path(find(page, "export_run").fn(run, "jsonl"))
    other.label(restore_export(other, first), "1", "ann", "explanation", "flawed")
    grading.store.label(run, "1", "ann", "explanation", "correct")
    path = str(export_run(other, 1, "csv", tmp_path / "out"))
    restore, merge = find(page, "restore"), find(page, "merge_run")
    chosen, told, _ = in_order(restore, restore.fn(path, "", NOBODY))
    assert chosen is None and "1 further changes" in told and "`ann: explanation of 1 is correct or flawed`" in told
    assert len(grading.store.history(run).events) == 1  # nothing is stored yet
    chosen, told, _ = in_order(merge, merge.fn(path, NOBODY))
    assert chosen == run and told == "Merged." and len(grading.store.history(run).events) == 2
    assert show(page, run, "ann")["undecided"] == 1
    assert "here already" in in_order(restore, restore.fn(path, "", NOBODY))[1]
    other.engine.dispose()


def test_label_questions_are_edited_and_versioned(page, run, grading):
    (event, *_) = [e for e in page.fns.values() if getattr(e.fn, "__name__", "") == "show" and len(e.outputs) == 3]
    text, share, version = event.fn(run)
    assert DEFAULT_SCHEMA.version in version and share == 0
    edited = text.replace("Is it convincing?", "Would you believe it?")
    said = find(page, "store").fn(run, edited, 0.1, NOBODY)
    assert DEFAULT_SCHEMA.version not in said
    assert grading.store.schema(run).question("convincing").text == "Would you believe it?"
    bads = {text.replace('"c"', '"z"'): "keys are taken", "{": "no label schema", "[]": "at least one"}
    for bad, says in (bads | {"[" * 100_000: "no label schema.*too many brackets"}).items():
        with pytest.raises(gr.Error, match=says):
            find(page, "store").fn(run, bad, 0, NOBODY)


def test_the_chosen_run_is_renamed_and_removed(page, run, grading):
    found = find(page, "rename_run").fn(run, " eggs ", NOBODY)
    assert grading.store.run_info(run).name == "eggs" and "It is called 'eggs' now." in found.values()
    with pytest.raises(gr.Error, match="Write the name of the run"):
        find(page, "remove_run").fn(run, "sums", NOBODY)
    with pytest.raises(gr.Error, match="Choose a run"):
        find(page, "rename_run").fn(None, "sums", NOBODY)
    find(page, "remove_run").fn(run, "eggs ", NOBODY)
    assert grading.store.is_removed(run) and run not in dict(grading.list_runs()).values()


def test_the_export_endpoint_gives_a_file(page, run, grading):
    grading.store.label(run, "0", "ann", "explanation", "correct")
    for format in ("jsonl", "csv", "parquet"):
        assert Path(find(page, "export_labels").fn("sums", format).path).suffix == f".{format}"
    with pytest.raises(gr.Error, match="There is no run"):
        find(page, "export_labels").fn("nothing", "csv")


def test_opening_the_grader_loads_what_its_report_needs(demo, monkeypatch):
    loaded = threading.Event()
    monkeypatch.setattr("a3core.grader.report.tables.load_packages", loaded.set)
    (event,) = [fn for fn in demo.fns.values() if fn.name == "warm_up"]
    event.fn()
    assert loaded.wait(10)


def test_a_run_is_dealt_out_and_each_sees_the_own_part(page, run, grading, monkeypatch):
    deal = find(page, "deal_out")
    assert deal.fn(run, "ann, bo", 0.3, 1, NOBODY) == "Of 7 items: ann 5, bo 4."
    assert show(page, run, "Ann")["progress"].startswith("0 of 5 of your part labelled")
    assert show(page, run, "cy")["progress"].startswith("0 of 7 labelled")
    assert show(page, run, "cy")["names"] == ["ann", "bo"]
    assert find(page, "show_deal").fn(run) == ("ann, bo", 0.3, 1, "Of 7 items: ann 5, bo 4.")
    assert "all get everything" in deal.fn(run, "", 0.3, 1, NOBODY)
    monkeypatch.setenv("SPACE_ID", "someone/space")
    with pytest.raises(gr.Error, match="Only who made this run"):
        deal.fn(run, "ann, bo", 0.3, 1, sign_in("mallory"))
