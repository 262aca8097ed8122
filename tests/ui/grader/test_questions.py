"""The label questions of a run in the page."""

from __future__ import annotations

import gradio as gr
import pytest
from grader_tab import NOBODY, find

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.ui.grader.questions import fill_form


def test_label_questions_are_edited_and_versioned(page, run, grading):
    text, *_, share, version = find(page, "show_questions").fn(run)
    assert DEFAULT_SCHEMA.version in version and share == 0
    edited = text.replace("Is it convincing?", "Would you believe it?")
    said = find(page, "store").fn(run, edited, 0.1, NOBODY)
    assert DEFAULT_SCHEMA.version not in said
    assert grading.store.run_info(run).schema.question("convincing").text == "Would you believe it?"
    bads = {text.replace('"c"', '"z"'): "keys are taken", "{": "no label schema", "[]": "at least one"}
    for bad, says in (bads | {"[" * 100_000: "no label schema.*too many brackets"}).items():
        with pytest.raises(gr.Error, match=says):
            find(page, "store").fn(run, bad, 0, NOBODY)


def edits(page) -> list:
    """The events of the form's buttons: add, move up, take out, select, save."""
    return [event for event in page.fns.values() if getattr(event.fn, "__name__", "") == "edit"]


def read_form(text: str, index: int) -> list:
    return list(fill_form(text, index)[3:-1])


def test_a_question_is_added_moved_and_taken_out_in_the_form(page, run, grading):
    text, index, _, *form, preview, share, _ = find(page, "show_questions").fn(run)
    assert form[0] == "explanation" and form[3].startswith("c correct\nf flawed") and preview == form[2] and share == 0
    add, up, out, select, save = edits(page)
    text, index, listed, *form, preview = add.fn(text, index, 0, *form)
    assert index == 3 and form[0] == "question 1" and len(listed.choices) == 4
    form = ["mood", "Mood?", "**good**: it is.", "o good\nd  not so good", False]
    text, index, _, *form, preview = up.fn(text, index, 3, *form)
    assert index == 2 and preview == "**good**: it is." and form[3] == "o good\nd not so good"
    text, index, _, *form, preview = select.fn(text, index, 0, *form)
    assert index == 0 and form[0] == "explanation"
    form[1] = "Is it sound?"
    text, index, _, *form, preview = save.fn(text, index, 0, *form)
    find(page, "store").fn(run, text, 0.1, NOBODY)
    schema = grading.store.run_info(run).schema
    assert schema.fields == ("explanation", "convincing", "mood", "answer")
    assert schema.question("explanation").text == "Is it sound?" and schema.question("mood").keys == ("o", "d")
    text, index, _, *form, preview = out.fn(text, 2, 2, *read_form(text, 2))
    find(page, "store").fn(run, text, 0.1, NOBODY)
    assert grading.store.run_info(run).schema.fields == ("explanation", "convincing", "answer")
    for place, value, message in (
        (3, "z good", "keys are taken"),
        (3, "", "at least one"),
        (0, "answer", "none twice"),
    ):
        with pytest.raises(gr.Error, match=message):
            save.fn(text, 0, 0, *[value if n == place else own for n, own in enumerate(read_form(text, 0))])
