"""The Report section: what it counts, and what its numbers open."""

from __future__ import annotations

import html
import json
import re
from types import SimpleNamespace

import gradio as gr
import pytest
from grader_tab import find, in_order, press, show
from labelled import label_fields

from a3core.ui.grader.report import load_example
from assets.make_report_example import build_example


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
    grading.store.label(run, "1", "judge", "answer", "correct", kind="adjudication")
    assert in_order(event, event.fn(run, ["test"], True, number))[3] == ["1"]
    assert in_order(event, event.fn(run, ["test"], False, number))[3] == []
    assert "What was adjudicated does not count." in report_of(page, run, ["test"], False)[0]


def test_a_run_without_labels_has_the_example_which_is_what_the_code_gives(page, run):
    board, _, _, _, name, _ = report_of(page, run)
    assert "Example" in board and "A program drew these labels" in board and name is None
    assert load_example() == build_example()


def test_text_of_a_run_is_never_markup(page, run):
    assert "<script" not in report_of(page, run)[0]
