"""The Few-shot screen in a real browser, at 1366 x 768: in view, never stale, errors beside the field, narrow, dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow
SCREEN, QUESTION = "#screen-fewshot", "Which river flows through Vienna?"
PARTS = ["Question", "Right answers, if you know them"]
SHIFT = """() => { window.shift = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true }); }"""
SMALL = """() => [...document.querySelectorAll('#screen-fewshot :is(button, input)')].filter((each) => {
  const box = each.getBoundingClientRect();
  return box.width && box.height < 40 && !/checkbox|radio|range/.test(each.type);
}).map((each) => each.outerHTML.slice(0, 90))"""


@pytest.fixture
def page(open_page, open_tab):
    return open_screen(open_page, open_tab, width=1366, height=768)


def open_screen(open_page, open_tab, **size):
    page = open_page(**size)
    open_tab(page, "Few-shot")
    page.locator("#fewshot-asked").wait_for()
    page.wait_for_timeout(1000)  # until the texts in the fields count as settled
    return page


def ask(page, question: str = QUESTION) -> None:
    page.get_by_label("Question", exact=True).fill(question)
    page.get_by_label("Question", exact=True).press("Enter")
    page.get_by_role("heading", name=question).wait_for()
    expect(page.locator(SCREEN)).not_to_have_attribute("data-busy", "")


def answers(page):
    return page.locator("section[aria-label='Answers of the language model']")


def assert_in_view(page) -> None:
    table = page.locator(".a3-prompt").bounding_box()
    assert answers(page).bounding_box()["y"] < 200
    assert table["y"] + table["height"] <= 768 and page.evaluate("scrollY") == 0
    assert page.locator(".a3-prompt li.ask").bounding_box()["y"] < 768


def test_it_opens_on_a_finished_example_in_view(page):
    expect(answers(page).locator("article").last).to_contain_text("scapula")
    assert_in_view(page)
    settings = page.locator(f"{SCREEN} .a3-settings")
    assert settings.evaluate("each => each.scrollHeight - each.clientHeight") <= 0
    box = settings.bounding_box()
    assert box["y"] == 92 and box["x"] + box["width"] <= answers(page).bounding_box()["x"]


def test_one_action_gives_prompt_and_answers_in_view(page):
    page.evaluate(SHIFT)
    before = page.evaluate("window.shift")
    ask(page)
    expect(page.locator(".a3-prompt li.ask")).to_contain_text(QUESTION)
    expect(answers(page).locator("article")).to_have_count(3)
    expect(page.locator(SCREEN)).not_to_have_attribute("data-stale", "")
    assert_in_view(page)
    assert page.evaluate("window.shift") - before < 0.05


@pytest.mark.parametrize("folded", [False, True], ids=["seen", "folded"])
def test_a_change_makes_the_answers_stale_without_asking(page, folded):
    requests, screen = [], page.locator(SCREEN)
    # another tab's timer asks for itself; what this tab asks for has its order in it
    page.on("request", lambda each: requests.append(each.url) if "nearest last" in (each.post_data or "") else None)
    changes = {"number input for k": "3", "Answer 8": "collarbone", "Question": QUESTION}
    if folded:
        page.get_by_role("button", name="Order, template").click()
        changes = {"Template": "Q {question} A {answer}"}
    for label, text in changes.items():
        expect(screen).not_to_have_attribute("data-stale", "")
        field = page.get_by_label(label, exact=label == "Question").first
        before = field.input_value()
        field.fill(text)
        expect(screen).to_have_attribute("data-stale", "")
        assert page.locator(f"{SCREEN} .a3-status .stale").is_visible() and requests == [], label
        expect(page.locator("#fewshot-asked .a3-result")).to_have_css("opacity", "0.58")  # once it has faded
        field.fill(before)  # a question takes its right answers with it, so it is the last


def test_an_answer_written_over_in_the_prompt_is_asked_by_enter(page):
    page.get_by_label("Answer 8").fill("collarbone")
    page.get_by_label("Answer 8").press("Enter")
    expect(page.locator(SCREEN)).to_have_attribute("data-busy", "")
    expect(page.locator(SCREEN)).not_to_have_attribute("data-busy", "")
    expect(page.get_by_label("Answer 8")).to_have_value("collarbone")


def test_the_gold_answer_that_was_typed_stays_and_another_question_s_goes(page):
    question, gold = (page.get_by_label(label, exact=True) for label in PARTS)
    expect(gold).to_have_value("scapula")
    question.click()
    question.press("End")
    question.type("x")
    expect(gold).to_have_value("")
    question.fill("What is the capital of Peru?")
    gold.fill("Lima")
    question.press("Enter")
    page.get_by_role("heading", name="What is the capital of Peru?").wait_for()
    expect(gold).to_have_value("Lima")
    expect(answers(page).locator("article").last).to_contain_text("✓ right")
    gold.fill("Quito")
    gold.press("Enter")
    expect(answers(page).locator("article").last).to_contain_text("✗ wrong")


def test_an_error_is_beside_the_field_until_it_changes(page):
    page.get_by_label("Question", exact=True).fill("")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(f"{SCREEN} .a3-settings [role=alert]", has_text="The question is empty").wait_for()
    expect(answers(page).locator("article").last).to_contain_text("scapula")
    assert not page.locator("[data-testid=toast-body]:visible").count()
    page.get_by_label("Question", exact=True).fill("W")
    expect(page.locator(f"{SCREEN} [role=alert]")).to_have_count(0)


def test_tab_through_the_settings_is_no_error(page):
    page.get_by_label("Question", exact=True).focus()
    for _ in range(20):
        page.keyboard.press("Tab")
    page.wait_for_timeout(1000)
    assert page.locator("[role=alert]:visible, [data-testid=toast-body]:visible").count() == 0
    expect(page.get_by_label("Question", exact=True)).to_have_value("What do doctors call the shoulder blade?")


def test_a_link_asks_the_same_again(page, open_page, address):
    page.get_by_label("number input for k", exact=False).first.fill("2")
    page.get_by_label("number input for k", exact=False).first.press("Tab")
    ask(page)
    page.wait_for_url("**tab=fewshot**k=2**")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("heading", name=QUESTION).wait_for()
    expect(other.locator(".a3-prompt li")).to_have_count(3)
    expect(other.get_by_label("number input for k", exact=False).first).to_have_value("2")


def test_a_phone_has_the_answers_below_the_question(open_page, open_tab, switch_mode):
    page = open_screen(open_page, open_tab, width=360, height=780)
    for mode in ("light", "dark"):
        switch_mode(page, mode)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert answers(page).bounding_box()["y"] < 620
        assert page.evaluate(SMALL) == []
    ask(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
