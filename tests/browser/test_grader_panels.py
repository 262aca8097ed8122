"""In a browser: label questions in their form, a run that is dealt out, the link that says whose labels count.

Each once by the mouse and once by the keyboard alone.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from a3core.grader.labels.dealing import Deal
from a3core.grader.runs.responses import Response, Run

pytestmark = pytest.mark.slow
NAME = "#grader-name input, #grader-name textarea"
BY_HAND = pytest.mark.parametrize("keys", [False, True], ids=["mouse", "keyboard"])


@pytest.fixture
def store(address):
    """The store of the running app."""
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    return LabelStore(open_database())


@pytest.fixture
def run(store, request) -> int:
    """A new run of ten sums."""
    sums = tuple(Response(f"s{i}", f"What is {i} + 2?", f"{i + 2}", f"{i} and 2\nare {i + 2}.") for i in range(10))
    run = store.add_run(Run(request.node.name, sums))
    yield run
    store.change(run, "run", "hide")


@pytest.fixture
def open_section(open_page, store, run):
    def open_section(section: str, annotator: str = "ann"):
        page = open_page(width=1366, height=900, query=f"?tab=grader&run={store.run_info(run).key}")
        expect(page.locator("#grading .question")).to_contain_text("+ 2?")
        expect(page.locator(NAME)).not_to_have_value("")
        page.locator(NAME).fill(annotator)
        page.locator(NAME).press("Enter")
        page.get_by_role("tab", name=section, exact=True).click()
        return page

    return open_section


def press(button, keys: bool) -> None:
    """By a click, or by Enter where the keyboard has come to it."""
    expect(button).to_be_visible()
    if keys:
        button.focus()
        button.page.keyboard.press("Enter")
    else:
        button.click()


@BY_HAND
def test_label_questions_are_added_moved_and_taken_out_in_a_form(open_section, store, run, keys):
    page = open_section("Questions")
    expect(page.get_by_label("The question", exact=True)).not_to_have_value("")
    press(page.get_by_role("button", name="Add one"), keys)
    expect(page.get_by_label("The question", exact=True)).to_have_value("A new question?")
    page.get_by_label("The question", exact=True).fill("Is it short?")
    press(page.get_by_role("button", name="Move up"), keys)
    text = "document.querySelector('#screen-grader').innerText"
    page.wait_for_function(f"() => {text}.indexOf('Is it short?') < {text}.indexOf('Is the answer right?')")
    save(page, store, run, 4, keys)
    assert [question.text for question in store.run_info(run).schema.questions][2] == "Is it short?"
    asked = page.get_by_role("radio", name="Is it short?")
    if keys:
        asked.focus()
        page.keyboard.press("Space")
    else:
        asked.check()
    expect(page.get_by_label("The question", exact=True)).to_have_value("Is it short?")
    press(page.get_by_role("button", name="Take out"), keys)
    expect(asked).to_have_count(0)
    save(page, store, run, 3, keys)
    assert "Is it short?" not in [question.text for question in store.run_info(run).schema.questions]


def save(page, store, run: int, count: int, keys: bool) -> None:
    """Saves what is in the form, which is then that of the new version with `count` questions."""
    press(page.get_by_role("button", name="Save", exact=True), keys)
    for _ in range(100):
        if len(store.run_info(run).schema.questions) == count:
            break
        page.wait_for_timeout(100)
    expect(page.get_by_text(f"Version {store.run_info(run).schema.version}", exact=True)).to_be_visible()


@BY_HAND
def test_a_run_is_dealt_out_and_each_annotator_gets_a_part(open_section, store, run, keys):
    page = open_section("Runs")
    expect(page.get_by_text("It is not dealt out: all get everything.")).to_be_visible()
    page.get_by_label("Annotators", exact=True).fill("ann, bo")
    press(page.get_by_role("button", name="Deal it out"), keys)
    expect(page.get_by_text("Of 10 items: ann 6, bo 6.")).to_be_visible()
    assert store.run_info(run).deal == Deal(0.2, ("ann", "bo"), 1)
    press(page.get_by_role("tab", name="Label", exact=True), keys)
    expect(page.locator(NAME)).to_have_value("ann")
    expect(page.locator("#grading")).to_contain_text("0 of 6 of your part labelled")  # without a reload
    again = page.context.new_page()
    again.goto(page.url)
    expect(again.locator("#grading")).to_contain_text("0 of 6 of your part labelled")


@BY_HAND
def test_the_link_says_whose_labels_count(open_section, address, store, run, keys):
    for name, value in (("ann", "correct"), ("bo", "flawed")):
        store.label(run, "s1", name, "explanation", value)
    page = open_section("Report")
    box = page.get_by_label("Count the labels of", exact=True)
    expect(page.locator("#grader-board")).to_contain_text("bo")
    box.click()
    if keys:
        box.press_sequentially("bo")
        box.press("Enter")
    else:
        page.get_by_role("option", name="bo", exact=True).click()
    page.wait_for_function("() => new URLSearchParams(location.search).getAll('by').join() === 'bo'")
    again = page.context.new_page()
    again.goto(page.url)
    expect(again.locator("#grader-board")).to_be_visible()
    expect(again.locator("#screen-grader .a3-for-report")).to_contain_text("bo")
    again.wait_for_function("() => new URLSearchParams(location.search).getAll('by').join() === 'bo'")
