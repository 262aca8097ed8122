"""The Few-shot tab in a browser over a tiny model: what waits, and a sweep whose answers are read."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect
from serving import serve

pytestmark = pytest.mark.slow
QUESTION = "Which river flows through Vienna?"
OVERLAP = """() => {
  const drawn = [...document.querySelectorAll("#screen-fewshot .progress-level *, #screen-fewshot .progress-text")];
  const others = [...document.querySelectorAll("#fewshot-asked, .a3-terms")];
  const box = (each) => each.getBoundingClientRect();
  const overlap = (a, b) => a.height && a.top < b.bottom && b.top < a.bottom;
  return drawn.filter((each) => others.some((other) => overlap(box(each), box(other)))).map((each) => each.className);
}"""


@pytest.fixture(scope="module")
def address(demo):
    with serve(demo) as address:
        yield address


@pytest.mark.parametrize("size", [{"width": 1366, "height": 768}, {"width": 360, "height": 780}])
def test_progress_lies_over_nothing_and_moves_nothing(open_page, open_tab, fewshot, monkeypatch, size):
    load = fewshot.pool

    def load_slowly(spec, progress):
        progress(0.4, "embedding 1,024 of 2,560 questions")
        time.sleep(2)
        return load(spec)

    monkeypatch.setattr(fewshot, "pool", load_slowly)
    page = open_page(**size)
    open_tab(page, "Few-shot")
    page.wait_for_timeout(1000)
    gap = """() => document.querySelector("#screen-fewshot .block.a3-terms").getBoundingClientRect().top
      - document.querySelector("#fewshot-asked").getBoundingClientRect().bottom"""
    page.get_by_label("Question", exact=True).fill(QUESTION)
    before = page.evaluate(gap)
    page.get_by_label("Question", exact=True).press("Enter")
    page.locator("#screen-fewshot .progress-level", has_text="1,024 of 2,560").wait_for()
    assert page.evaluate(OVERLAP) == [] and page.evaluate(gap) == pytest.approx(before, abs=1)
    page.get_by_role("heading", name=QUESTION).wait_for()


def test_the_answers_of_a_sweep_are_filtered_and_opened(open_page, open_tab, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_CACHE", str(tmp_path))
    page = open_page(width=1366, height=768)
    open_tab(page, "Few-shot")
    page.get_by_role("tab", name="Sweep", exact=True).click()
    screen = page.locator("#screen-sweep")
    expect(screen.locator(".a3-reading")).to_have_count(0)  # the shipped results have no answers
    screen.get_by_role("button", name="Run", exact=True).click()
    rows = screen.locator(".a3-reading tbody tr")
    expect(rows).to_have_count(20)
    expect(rows.first.locator("button")).to_have_count(5)  # zero-shot once
    asked = rows.nth(2).locator("td").first.inner_text()
    rows.nth(2).locator("button").last.click()
    prompt = page.get_by_label("The prompt, exactly as the model reads it")
    expect(prompt).to_be_visible()
    assert prompt.input_value().endswith(f"Question: {asked}\nAnswer:")
    page.get_by_role("tab", name="Ask", exact=True).last.click()
    expect(page.get_by_label("Question", exact=True)).to_have_value(asked)
    expect(page.locator("#screen-fewshot")).to_have_attribute("data-stale", "")
    page.get_by_role("tab", name="Sweep", exact=True).click()
    screen.get_by_label("Right in").click()
    page.get_by_role("option", name="zero-shot, greedy").click()
    screen.get_by_text("No question has such answers").wait_for()  # the tiny model is never right


def test_a_screen_that_is_first_drawn_by_its_own_action_is_busy(open_page, fewshot, monkeypatch):
    load = fewshot.pool

    def load_slowly(spec, progress):
        time.sleep(3)
        return load(spec)

    monkeypatch.setattr(fewshot, "pool", load_slowly)
    page = open_page(width=1366, height=768)
    page.locator("#a3-tour").click()
    page.locator("#guide li button[data-verb='It is shown']").click()  # it opens the tab and asks
    page.locator("#screen-fewshot[data-busy]").wait_for()
    expect(page.locator("#screen-fewshot")).not_to_have_attribute("data-busy", "")
    expect(page.locator("#screen-fewshot")).not_to_have_attribute("data-stale", "")
