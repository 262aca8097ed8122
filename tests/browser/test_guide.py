"""The guided path in a real browser, from its first click to a label in the Grader."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

QUESTION = "Where was Albert Pujols born?"


def steps(page):
    """The steps of the tour, which is off until it is asked for."""
    tour = page.get_by_role("button", name=re.compile("^Tour"))
    if tour.get_attribute("aria-expanded") == "false":
        tour.click()
    return page.get_by_role("navigation", name="A guided path").get_by_role("listitem").get_by_role("button")


def take(page, verb: str) -> None:
    step = steps(page).filter(has_text=verb)
    step.click()
    expect(step).to_have_attribute("aria-current", "step")
    expect(page.locator("#guide [aria-current=step]")).to_have_count(1)


def is_offered(page, verb: str) -> bool:
    return steps(page).filter(has_text=verb).count() > 0


def test_five_clicks_end_with_a_label(open_page):
    page = open_page()
    take(page, "It remembers")
    expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()
    take(page, "It attends")
    page.locator("#pattern-first .status", has_text=" with ").wait_for()
    expect(page.get_by_label("Text", exact=True)).to_have_value(QUESTION)
    take(page, "It is shown")
    expect(page.locator("section[aria-label='Answers of the language model'] .a3-card")).to_have_count(3)
    if is_offered(page, "It says what it knows"):
        take(page, "It says what it knows")
        expect(page.get_by_role("heading", name="Where was Mickey Mantle born?")).to_be_visible()
        cards = page.locator(".a3-card")
        expect(cards.filter(has_text="recalls first")).to_contain_text("✓ right")
        expect(cards.filter(has_text="pretrained-finetuned")).to_contain_text("✗ wrong")
    take(page, "You judge")
    expect(page.locator("#grading .question")).not_to_be_empty()
    page.locator("#grading fieldset:not(:disabled) button").first.click()
    expect(page.locator("#grading .said")).to_contain_text("Your labels will be signed visitor-")
    page.get_by_role("button", name="Sign them so").click()
    expect(page.locator("#grading fieldset button[aria-pressed=true]")).to_have_count(1)
    expect(page.get_by_label("Your name")).to_have_value(re.compile("^visitor-"))


def test_the_path_is_walked_by_keyboard(open_page):
    page = open_page()
    tour = page.locator("#a3-tour")
    for _ in range(10):
        page.keyboard.press("Tab")
        if tour.evaluate("each => each === document.activeElement"):
            break
    page.keyboard.press("Enter")  # opens the tour, whose next step then has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("tab", name="Attention")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#guide [role=status]")).to_contain_text("choose a head")


def test_where_a_visitor_stands_is_known_to_his_page_alone(open_page):
    first, second = open_page(), open_page()
    take(first, "It is shown")
    expect(second.locator("#guide [aria-current=step]")).to_have_count(0)
    expect(second.get_by_role("tab", name="Birthplace")).to_have_attribute("aria-selected", "true")
    again = first.context.new_page()
    again.goto(first.url)
    steps(again).first.wait_for()
    expect(again.locator("#guide [aria-current=step]")).to_have_count(0)


def test_the_inner_tabs_are_opened_too(open_page, open_tab):
    page = open_page()
    open_tab(page, "Attention")
    open_tab(page, "Laboratory")
    take(page, "It attends")
    expect(page.get_by_label("Text", exact=True)).to_have_value(QUESTION)
    open_tab(page, "Grader")
    open_tab(page, "Report")
    take(page, "You judge")
    expect(page.locator("#grading .question")).not_to_be_empty()


@pytest.mark.parametrize(("width", "height", "most"), [(1280, 720, 52), (360, 640, 92)])
def test_the_tabs_are_on_the_first_screen(open_page, width, height, most):
    page = open_page(width=width, height=height)
    expect(page.locator("#guide")).to_be_hidden()
    box = page.get_by_role("tab", name="Birthplace").bounding_box()
    assert box["y"] + box["height"] <= most
