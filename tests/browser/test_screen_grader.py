"""The Grader's screens at 1366 x 768: what opens, what is in view, one key to the first label, narrow, dark, links."""

from __future__ import annotations

import pytest
from browsing import SHIFT
from playwright.sync_api import expect

pytestmark = pytest.mark.slow
NAME = "#grader-name input, #grader-name textarea"


@pytest.fixture
def open_grader(open_page, open_tab):
    def open_grader(width: int = 1366, height: int = 768, dark: bool = False):
        page = open_page(width=width, height=height, dark=dark)
        open_tab(page, "Grader")
        page.locator("#grading .question").wait_for()
        expect(page.locator(NAME)).not_to_have_value("")
        return page

    return open_grader


def ends(page, selector: str) -> float:
    """The lowest pixel of an element."""
    box = page.locator(selector).first.bounding_box()
    return box["y"] + box["height"]


def test_it_opens_on_an_item_with_its_keys_and_guideline_in_view_and_one_key_stores_a_label(open_grader):
    page = open_grader()
    assert page.locator("#grading .item").bounding_box()["y"] > 92
    assert ends(page, "#grading .item") <= 768 and ends(page, "#grading .moves") <= 768
    guideline = page.locator("#screen-grader .a3-guideline p").first
    expect(guideline).to_contain_text("correct")
    assert guideline.bounding_box()["y"] + 40 <= 768
    for name in ("correct", "wrong"):  # each choice has its key on it
        expect(page.locator("#grading fieldset button", has_text=name).locator("kbd").first).to_be_visible()
    page.keyboard.press("a")  # the name was proposed: it signs nothing yet
    expect(page.locator("#grading .said")).to_contain_text("Your labels will be signed visitor-")
    expect(page.locator("#grading button[aria-pressed=true]")).to_have_count(0)
    page.locator(NAME).fill("kim")
    page.locator(NAME).press("Enter")
    expect(page.locator("#grading")).to_have_js_property("hidden", False)
    page.wait_for_function("document.activeElement.closest('#grading')")
    page.keyboard.press("a")
    expect(page.locator("#grading fieldset[data-field=answer] button[aria-pressed=true]")).to_contain_text("correct")


@pytest.fixture
def open_new_run(open_grader, address):
    """Opens the Grader on a run of one response that nobody has labelled; the other tests open on the shipped one."""
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore
    from a3core.grader.runs.responses import Response, Run

    store, added = LabelStore(open_database()), []

    def open_new_run(name: str, explanation: str):
        added.append(store.add_run(Run(name, (Response("1", "How long?", "1", explanation, "1"),))))
        page = open_grader()
        box = page.get_by_label("Run", exact=True)
        box.click()
        box.fill(name)
        page.get_by_role("option", name=name).first.click()
        expect(page.locator("#grading .question")).to_have_text("How long?")
        return page

    yield open_new_run
    for run in added:
        store.change(run, "run", "hide")


def test_a_long_explanation_leaves_the_keys_in_view(open_new_run):
    step = "is a sentence that is long enough to fill most of a line of the card."
    page = open_new_run("long", "\n".join(f"Step {i} {step}" for i in range(40)))
    assert ends(page, "#grading .moves") <= 768
    assert ends(page, "#grading fieldset[data-field=explanation]") <= 768


def test_the_report_opens_on_a_marked_example_with_sentences_and_pictures_in_view(open_new_run, open_tab):
    page = open_new_run("unlabelled", "It is one.")
    open_tab(page, "Report")
    expect(page.locator("#grader-board [role=note]")).to_contain_text("A program drew these labels")
    sentences = page.get_by_role("list", name="The three sentences of the assignment").locator(".sentence")
    expect(sentences).to_have_count(3)
    assert ends(page, "#grader-board .a3-three") <= 768 and ends(page, "#grader-board .a3-pictures") <= 768
    page.get_by_role("button", name="Label responses of your own").click()
    expect(page.locator("#grading .question")).to_be_visible()


def test_an_error_is_beside_the_field_until_it_changes(open_grader):
    page = open_grader()
    page.locator(NAME).fill("")
    page.locator(NAME).press("Enter")
    expect(page.locator("#grader-name [role=alert]")).to_contain_text("needs a name")
    assert page.locator("[data-testid=toast-body]:visible").count() == 0
    page.locator(NAME).fill("kim")
    expect(page.locator("#grader-name [role=alert]")).to_have_count(0)
    page.locator(NAME).press("Enter")
    expect(page.locator("#grading .question")).to_be_visible()


def test_a_link_restores_run_and_item(open_grader, open_page):
    page = open_grader()
    page.keyboard.press("#")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(page.locator("#grading .jump")).to_have_value("7")
    page.wait_for_function("location.search.includes('item=7')")
    question = page.locator("#grading .question").text_content()
    other = open_page(query="?" + page.url.partition("?")[2])
    expect(other.locator("#grading .jump")).to_have_value("7")  # the tab is open, too
    expect(other.locator("#grading .question")).to_have_text(question)


def test_a_phone_has_the_item_below_the_name_and_wide_targets(open_grader, switch_mode):
    page = open_grader(width=360, height=780)
    for mode in ("light", "dark"):
        switch_mode(page, mode)
        assert page.locator("#grading .item").bounding_box()["y"] < 620
        heights = page.locator("#grading button:visible").evaluate_all("all => all.map((b) => b.offsetHeight)")
        assert min(heights) >= 40


def test_nothing_moves_without_a_hand(open_grader, open_tab):
    page = open_grader()
    assert page.evaluate(SHIFT) < 0.05
    open_tab(page, "Report")
    page.wait_for_timeout(1000)
    assert page.evaluate(SHIFT) < 0.05
