"""The Birthplace tab in a real browser, with the shipped checkpoints."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


def ask(page, text: str) -> None:
    box = page.get_by_label("Name or question")
    box.fill(text)
    box.press("Enter")


def test_a_question_by_keyboard_is_answered_with_cards_and_their_likeliest_places(open_page):
    page = open_page()
    ask(page, "where was   babe RUTH born")
    page.get_by_role("heading", name="Where was Babe Ruth born?").wait_for()
    expect(page.locator("#screen-ask .a3-card")).to_have_count(4)  # three checkpoints and the baseline
    assert "Baltimore" in page.locator(".a3-card", has_text="builtin-pretrained-finetuned").inner_text()
    expect(page.locator("#screen-ask .a3-top5 dt")).to_have_count(10)
    expect(page.locator("#screen-ask .a3-top5 .right dt")).to_contain_text(["✓ Baltimore"])


def test_a_person_chosen_from_the_list_is_asked_about(open_page):
    page = open_page()
    page.get_by_label("Or choose a person").fill("Yogi Ber")
    page.get_by_role("option", name="Yogi Berra").first.click()
    page.get_by_role("heading", name="Where was Yogi Berra born?").wait_for()


def test_surprise_me_asks_at_once(open_page):
    page = open_page()
    page.get_by_role("button", name="Surprise me").click()
    box = page.get_by_label("Name or question")
    expect(box).not_to_have_value("Albert Pujols")  # the example that the page opens on
    page.locator("section[aria-label=Answers][aria-busy=false]", has_text=box.input_value()).wait_for()


def test_a_name_nobody_read_is_called_made_up(open_page):
    page = open_page()
    ask(page, "Wilhelmina Quackenbush")
    page.get_by_role("note").filter(has_text="Made up.").wait_for()


@pytest.mark.parametrize("text", ["${1+1}", "<img src=x onerror=alert(1)>", "{{value}}", "<script>alert(1)</script>"])
def test_hostile_text_is_shown_as_text_or_refused(open_page, text):
    page = open_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    ask(page, text)
    fresh = "section[aria-label=Answers][aria-busy=false]:not(:has-text('Albert Pujols'))"
    page.locator(f"{fresh}, .a3-error").first.wait_for()
    assert page.locator("section[aria-label=Answers] img, section[aria-label=Answers] script").count() == 0


def test_an_error_is_said_and_the_page_goes_on(open_page):
    page = open_page()
    ask(page, "")
    page.get_by_text("type a name").first.wait_for()
    ask(page, "Babe Ruth")
    page.get_by_role("heading", name="Where was Babe Ruth born?").wait_for()


def test_a_span_is_filled_from_memory(open_page, open_tab):
    page = open_page()
    open_tab(page, "Ask the memory")
    page.get_by_role("button", name="Fill the span").click()
    page.locator("p > mark.a3-filled").wait_for()


def test_a_file_is_evaluated_and_its_predictions_downloaded(open_page, open_tab, tmp_path):
    questions = tmp_path / "questions.tsv"
    questions.write_text(
        "Where was Babe Ruth born?\tBaltimore\nWhere was Jack London born?\tLondon\n", encoding="utf-8"
    )
    page = open_page()
    open_tab(page, "A file of questions")
    page.locator("#screen-file input[type=file]").set_input_files(questions)
    page.get_by_role("button", name="Evaluate", exact=True).click()
    page.get_by_text("2 questions answered.").wait_for()
    with page.expect_download() as download:
        page.locator("a[download='predictions.tsv']").first.click()
    assert "London baseline" in download.value.path().read_text(encoding="utf-8")


def test_the_training_curves_appear_when_opened(open_page, open_tab):
    page = open_page()
    open_tab(page, "Training curves")
    page.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for()


def test_two_visitors_do_not_see_each_other(open_page):
    first, second = open_page(), open_page()
    ask(first, "Babe Ruth")
    ask(second, "Yogi Berra")
    first.get_by_role("heading", name="Where was Babe Ruth born?").wait_for()
    second.get_by_role("heading", name="Where was Yogi Berra born?").wait_for()
    assert "Yogi" not in first.locator("section[aria-label=Answers]").inner_text()
