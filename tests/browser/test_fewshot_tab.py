"""The Few-shot tab in a real browser, over the real bank, encoder and language model."""

from __future__ import annotations

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
    page.get_by_role("heading", name=QUESTION).wait_for()
    expect(cards(page).last).to_contain_text("Danube")
    expect(page.locator(".a3-prompt li")).to_have_count(9)
    expect(page.get_by_label("Answer 8")).to_have_value("Vltava")
    page.get_by_role("tab", name="The prompt as text").click()
    text = prompt(page).input_value()
    assert text.endswith(f"Question: {QUESTION}\nAnswer:") and text.count("Question:") == 9
    page.get_by_role("tab", name="Map of the pool").click()
    page.locator(".js-plotly-plot .scatterlayer path.point").first.wait_for()


def test_decodings_side_by_side(page):
    page.get_by_role("tab", name="The prompt as text").click()
    page.get_by_role("button", name="Greedy, beam, sampling").click()
    answers = page.locator("section[aria-label='Answers to the prompt as text'] .a3-card")
    expect(answers).to_have_count(3)
    expect(answers.nth(1)).to_contain_text("beam")
    prompt(page).fill("")
    page.get_by_role("button", name="Answer", exact=True).click()
    page.locator("#screen-prompt [role=alert]", has_text="There is no prompt yet").wait_for()


def test_k_of_zero_is_the_question_alone(page):
    page.get_by_label("number input for k", exact=False).first.fill("0")
    page.get_by_label("number input for k", exact=False).first.press("Enter")
    ask(page, QUESTION)
    expect(cards(page)).to_have_count(1)
    expect(page.locator(".a3-prompt li")).to_have_count(1)


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "${1+1} {{value}}"])
def test_rubbish_is_text(page, text):
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    ask(page, text)
    page.get_by_role("heading", name=text).wait_for()
    expect(page.locator(".a3-prompt li.ask")).to_contain_text(text)
    assert page.locator("section[aria-label='Answers of the language model'] img").count() == 0


def test_the_box_takes_as_much_as_a_question_may_have(page):
    ask(page, "x" * 10_001)
    expect(page.get_by_placeholder(QUESTION)).to_have_value("x" * 10_000)


def test_the_shipped_grid_is_there_at_once(page):
    page.get_by_role("tab", name="Sweep").click()
    page.locator(".js-plotly-plot .scatterlayer path.point").first.wait_for()
    expect(page.get_by_role("region", name="Right answers")).to_contain_text("nearest")
    page.get_by_label("Or the folder of a run").fill("/etc")
    page.get_by_label("Or the folder of a run").press("Enter")
    page.locator("#screen-sweep [role=alert]", has_text="holds no results").wait_for()
    page.get_by_label("triviaqa").check()
    expect(page.locator("#screen-sweep [role=alert]")).to_have_count(0)
    expect(page.locator("#screen-sweep")).to_contain_text("pool train_pool.jsonl")
    assert page.get_by_text("Error", exact=True).filter(visible=True).count() == 0
