"""The Few-shot tab in a real browser, over the real bank, encoder and language model."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

QUESTION = "Which river flows through Vienna?"


@pytest.fixture
def page(open_page, open_tab):
    page = open_page()
    open_tab(page, "Few-shot")
    return page


def ask(page, text: str) -> None:
    box = page.get_by_placeholder(QUESTION)
    box.fill(text)
    box.press("Enter")


def cards(page):
    return page.locator("section[aria-label='Answers of the language model'] .a3-card")


def prompt(page):
    return page.get_by_label("The prompt, exactly as the model reads it")


def test_a_question_by_keyboard_is_answered_from_its_neighbours(page):
    ask(page, QUESTION)
    cards(page).first.wait_for()
    expect(cards(page).first).to_contain_text("Danube")
    text = prompt(page).input_value()
    assert text.endswith(f"Question: {QUESTION}\nAnswer:") and text.count("Question:") == 9
    expect(page.get_by_role("grid").first).to_contain_text("Which river flows through Prague?")
    page.get_by_role("button", name="The pool in two dimensions").click()
    page.locator(".js-plotly-plot .scatterlayer path.point").first.wait_for()


def test_ways_of_asking_side_by_side(page):
    ask(page, QUESTION)
    cards(page).first.wait_for()
    page.get_by_label("Right answers").fill("Danube")
    page.get_by_role("button", name="Zero-shot, random, nearest").click()
    expect(cards(page)).to_have_count(3)
    expect(cards(page).nth(2)).to_contain_text("exact match")
    page.get_by_role("button", name="Greedy, beam, sampling").click()
    expect(cards(page).nth(1)).to_contain_text("beam")


def test_moving_k_builds_the_prompt_anew(page):
    ask(page, QUESTION)
    cards(page).first.wait_for()
    page.get_by_label("number input for k", exact=False).first.fill("0")
    page.get_by_label("number input for k", exact=False).first.press("Enter")
    page.get_by_role("button", name="Build the prompt").click()
    expect(prompt(page)).to_have_value(f"Question: {QUESTION}\nAnswer:")


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "${1+1} {{value}}"])
def test_rubbish_is_text(page, text):
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    ask(page, text)
    expect(prompt(page)).to_have_value(re.compile(re.escape(f"Question: {text}\nAnswer:") + "$"))
    assert page.locator("section[aria-label='Answers of the language model'] img").count() == 0


def test_the_box_takes_as_much_as_a_question_may_have(page):
    ask(page, "x" * 10_001)
    expect(page.get_by_placeholder(QUESTION)).to_have_value("x" * 10_000)


@pytest.mark.parametrize(("dark", "width"), [(True, 1280), (False, 360)])
def test_dark_and_narrow(open_page, open_tab, dark, width):
    page = open_page(dark=dark, width=width)
    open_tab(page, "Few-shot")
    ask(page, QUESTION)
    cards(page).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_shipped_grid_is_there_at_once(page):
    page.get_by_role("button", name="Does it hold? The grid").click()
    page.locator(".js-plotly-plot .scatterlayer path.point").first.wait_for()
    expect(page.get_by_role("grid").filter(has_text="exact match").first).to_contain_text("nearest")
