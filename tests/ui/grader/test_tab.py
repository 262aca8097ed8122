"""Every event of the Grader tab: labelling, report, import, generation, export, label questions."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from grader_tab import ASSETS, NOBODY, fill, find, in_order, press, show, sign_in

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.runs.responses import Response, Run
from a3core.ui.grader import report
from a3core.ui.grader.questions import dump
from a3core.ui.grader.service import find_user


def test_the_shipped_runs_are_there_and_their_accuracy_is_stated(page, grading):
    runs, name, where, *_ = in_order(find(page, "open_page"), find(page, "open_page").fn(["ann", None], NOBODY))
    shipped = {run.name: run.id for run in grading.store.runs()}
    facts = {kind: json.loads((ASSETS / kind / "run.json").read_text()) for kind in ("recall_run", "cot_run")}
    assert set(shipped) == {told["name"] for told in facts.values()}
    assert runs == shipped[facts["cot_run"]["name"]] and name == "ann" and "labels.sqlite" in where
    report = find(page, "label_report").fn(facts["cot_run"]["name"])
    assert report["report"]["groups"][0]["n"] >= 100
    suggested = facts["cot_run"]["accuracy"]
    assert 0 < sum(row["correct"] for row in suggested) < sum(row["n"] for row in suggested)


def test_the_words_of_a_condition_can_be_typed(page, run):
    chosen = show(page, run, "ann", ("given", ['["column", "prompt kind", "standard"]'], True, False, "", []))
    typed = show(page, run, "ann", ("given", ["prompt kind: standard"], True, False, "", []))
    assert typed["matching"] == chosen["matching"] == 4 and typed["conditions"] == chosen["conditions"]
    assert (
        "no condition: 'prompt kind'"
        in show(page, run, "ann", ("given", ["prompt kind"], True, False, "", []))["error"]
    )


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


def test_on_a_public_space_only_its_owner_changes_what_others_label(page, run, monkeypatch, grading):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    before = grading.store.run_info(run).schema, [info.name for info in grading.store.runs()]
    mallory, owner = sign_in("mallory"), sign_in("someone")
    inputs = {"import_chosen": ({},), "restore": ("x", "y"), "store": (run, "", 0.5)}
    for name, values in inputs.items():
        with pytest.raises(gr.Error, match="the owner of this public page"):
            find(page, name).fn(*values, mallory)
    assert (grading.store.run_info(run).schema, [info.name for info in grading.store.runs()]) == before
    opened = (run, "", "in order", [], True, True, "", [])
    key, event = find(page, "press"), SimpleNamespace(_data={"action": "next"})
    assert "the owner of this public page" in key.fn(fill(key, *opened), event, mallory)["error"]
    assert "the owner of" not in str(key.fn(fill(key, *opened), event, owner))


def test_who_made_a_run_changes_its_questions_and_adjudicates_and_no_other_visitor(page, run, monkeypatch, grading):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    cleo, mallory, owner = (sign_in(name) for name in ("cleo", "mallory", "someone"))
    own = grading.store.add_run(Run("of cleo", grading.store.responses(run)), owner=find_user(cleo))
    assert grading.store.run_info(own).owner == "cleo"
    text = dump(json.loads(grading.store.run_info(own).schema.to_json()))
    text = text.replace("Is it convincing?", "Would you believe it?")
    adjudicating, event = ("given", [], True, True, "", []), SimpleNamespace(_data={"action": "next"})
    key = find(page, "press")
    for chosen, visitor in ((own, mallory), (run, mallory), (run, cleo)):
        with pytest.raises(gr.Error, match="Only who made this run"):
            find(page, "store").fn(chosen, text, 0.1, visitor)
        assert "Only who made this run" in key.fn(fill(key, chosen, "", *adjudicating), event, visitor)["error"]
    assert grading.store.run_info(own).schema == DEFAULT_SCHEMA
    for chosen, visitor in ((own, cleo), (run, owner)):
        assert "Saved as version" in find(page, "store").fn(chosen, text, 0.1, visitor)
        assert "Only who" not in str(key.fn(fill(key, chosen, "", *adjudicating), event, visitor))


def test_the_questions_of_a_shipped_run_are_read_only_and_labels_are_not(page, grading):
    shipped = grading.store.runs()[0].id
    text = dump(json.loads(grading.store.run_info(shipped).schema.to_json()))
    with pytest.raises(gr.Error, match="Export it and put it back under another name"):
        find(page, "store").fn(shipped, text.replace("Is it convincing?", "Would you believe it?"), 0.1, NOBODY)
    assert (
        grading.store.run_info(shipped).schema == DEFAULT_SCHEMA and grading.store.run_info(shipped).repeat_share == 0
    )
    find(page, "store").fn(shipped, text, 0.1, NOBODY)
    assert grading.store.run_info(shipped).repeat_share == 0.1
    id_ = grading.store.responses(shipped)[0].id
    assert "error" not in press(page, shipped, "ann", "label", place=[id_, 1, 0], field="explanation", value="correct")
    path = find(page, "export_run").fn(shipped, "jsonl")
    copy, *_ = in_order(find(page, "restore"), find(page, "restore").fn(path, "mine", NOBODY))
    find(page, "store").fn(copy, text.replace("Is it convincing?", "Would you believe it?"), 0.1, NOBODY)
    assert grading.store.run_info(copy).schema != DEFAULT_SCHEMA


def test_the_export_endpoint_gives_a_file(page, run, grading):
    grading.store.label(run, "0", "ann", "explanation", "correct")
    for format in ("jsonl", "csv", "parquet"):
        assert Path(find(page, "export_labels").fn("sums", format).path).suffix == f".{format}"
    with pytest.raises(gr.Error, match="There is no run"):
        find(page, "export_labels").fn("nothing", "csv")


def test_opening_the_grader_loads_what_its_report_needs(demo, monkeypatch):
    loaded = threading.Event()
    monkeypatch.setattr(report, "import_module", lambda name: loaded.set() if name == "plotly.subplots" else None)
    (event,) = [fn for fn in demo.fns.values() if fn.name == "warm_up"]
    event.fn()
    assert loaded.wait(10)
