"""Runs in the page: generated, out and back, dealt out, changed."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from grader_tab import NOBODY, find, in_order, show, sign_in
from labelled import restore_export

from a3core.grader.export.archive import export_run
from a3core.grader.labels.database import open_database
from a3core.grader.labels.store import LabelStore


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


def change(page, action: str, run: int, kind: str, which: str, name: str = ""):
    return find(page, f"{action}_thing").fn(run, kind, which, name, NOBODY)


def list_things(page, run: int, kind: str) -> list:
    return find(page, "list_things").fn(run, kind)[0].choices


def test_the_chosen_run_is_renamed_removed_taken_back_and_deleted_for_good(page, run, grading):
    chosen, _ = change(page, "rename", run, "run", str(run), " eggs ")
    assert grading.store.run_info(run).name == "eggs" and chosen.value == run
    with pytest.raises(gr.Error, match="Choose a run"):
        find(page, "list_things").fn(None, "run")
    with pytest.raises(gr.Error, match="Write the name of what is to be deleted for good: eggs"):
        change(page, "delete", run, "run", str(run), "sums")
    with pytest.raises(gr.Error, match="'eggs' is in use: remove it first"):
        change(page, "delete", run, "run", str(run), "eggs")
    chosen, _ = change(page, "hide", run, "run", str(run))
    assert grading.store.run_info(run).removed and run not in dict(grading.list_runs()).values() and chosen.value != run
    other = chosen.value
    assert ("eggs (removed)", str(run)) in list_things(page, other, "run")
    chosen, _ = change(page, "show", other, "run", str(run))
    assert chosen.value == run and not grading.store.run_info(run).removed
    change(page, "hide", run, "run", str(run))
    change(page, "delete", other, "run", str(run), "eggs ")
    assert [one.name for one in grading.store.deletions().values()] == ["eggs"]


def test_an_annotator_and_a_question_are_removed_and_deleted_for_good(page, run, grading):
    grading.store.label(run, "0", "test", "convincing", "yes")
    for kind, name in (("annotator", "test"), ("question", "convincing")):
        assert (name, name) in list_things(page, run, kind)
        change(page, "hide", run, kind, name)
        assert (f"{name} (removed)", name) in list_things(page, run, kind)
        if kind == "annotator":
            assert "these labels are removed" in show(page, run, "test")["progress"]
        change(page, "delete", run, kind, name, name)
        assert name not in str(list_things(page, run, kind))
    assert grading.store.history(run).events == ()
    assert "annotator 'test' deleted for good" in find(page, "list_things").fn(run, "annotator")[1]
    assert "'Test' was deleted from this run for good" in show(page, run, "Test")["error"]


def test_the_questions_of_a_shipped_run_are_not_taken_out(page, grading):
    shipped = grading.store.runs()[0].id
    with pytest.raises(gr.Error, match="The questions of a run that comes with this project are the same"):
        change(page, "hide", shipped, "question", "convincing")


def test_a_shipped_run_that_was_deleted_for_good_does_not_come_back(grading):
    from a3core.ui.grader.service import GraderService

    shipped = grading.store.runs()[0]
    for action in ("hide", "delete"):
        grading.store.change(shipped.id, "run", action)
    again = GraderService(grading.url)
    assert shipped.name not in {info.name for info in again.store.runs(removed=True)}
