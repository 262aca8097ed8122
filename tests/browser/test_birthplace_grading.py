"""From an answer in the Birthplace tab to a stored label, in a real browser over the shipped checkpoints."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 360)])
def test_an_answer_is_graded_and_the_label_stored(open_page, dark, width):
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    page = open_page(dark=dark, width=width)
    page.get_by_label("Name or question").fill("yogi berra")
    page.get_by_label("Name or question").press("Enter")
    page.get_by_role("heading", name="Where was Yogi Berra born?").wait_for()
    page.get_by_role("button", name="Grade these answers").click()
    name = page.get_by_label("Your name")
    name.wait_for()
    name.fill(annotator := f"link {width}")
    name.press("Enter")
    expect(page.locator("#grading .question")).to_have_text("Where was Yogi Berra born?")
    name.blur()
    if page.locator("#grading fieldset[data-field=explanation]").count():  # a recalled sentence comes first
        page.keyboard.press("c")
        page.keyboard.press("y")
    expect(page.locator("#grading .answer")).to_contain_text("St. Louis")
    page.keyboard.press("a")
    expect(page.locator("#grading .progress")).to_contain_text("1 of")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    store = LabelStore(open_database())
    run = next(info.id for info in store.runs() if info.name.startswith("Where was Yogi Berra born?"))
    labels = {label.field: label.value for label in store.labels(run, annotator)}
    assert labels["answer"] == "correct" and store.responses(run)[0].gold_answer == "St. Louis"
