"""The page as a whole in a real browser: it does not move, a phone reaches all of it, no click is lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

TABS = ("Birthplace", "Attention", "Few-shot", "Grader")
MOST_SHIFT = 0.05
ANSWERS = "section[aria-label=Answers]"
WATCH_SHIFT = """window.shifts = []; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });"""
SMALL = """() => [...document.querySelectorAll("button, [role=tab], input:not([type=range], [type=file]), select")]
  .filter((each) => each.checkVisibility() && each.closest("#a3-header, .a3-settings, [role=tablist]"))
  .map((each) => [each.closest("label") ?? each, each])
  .filter(([target]) => target.getBoundingClientRect().height < 39.5 && target.getBoundingClientRect().height > 1)
  .map(([target, each]) => `${target.tagName} ${(each.innerText || each.ariaLabel || each.type).slice(0, 30)}`)"""


def test_nothing_moves_after_the_first_paint(browser, address):
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.add_init_script(WATCH_SHIFT)
    page.goto(address)
    page.locator(ANSWERS).wait_for()
    page.wait_for_timeout(2000)
    assert page.evaluate("window.shifts.reduce((sum, each) => sum + each, 0)") <= MOST_SHIFT
    page.close()


def test_on_a_phone_all_tabs_are_reached_without_a_menu_and_what_a_finger_taps_has_40_pixels(open_page, open_tab):
    page, small = open_page(width=360, height=780), {}
    for name in TABS:
        box = page.get_by_role("tab", name=name, exact=True).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360, name
    for name in TABS:
        open_tab(page, name)
        page.wait_for_timeout(500)
        small[name] = page.evaluate(SMALL)
    assert {name: found for name, found in small.items() if found} == {}


def test_a_link_leads_back_to_the_question_and_its_family(open_page):
    page = open_page()
    page.get_by_label("Name or question").fill("Babe Ruth")
    page.get_by_label("Name or question").press("Enter")
    page.get_by_role("heading", name="Where was Babe Ruth born?").wait_for()
    expect(page).to_have_url(re.compile("question=Babe"))
    again = page.context.new_page()
    again.goto(page.url)
    again.get_by_role("heading", name="Where was Babe Ruth born?").wait_for()
    expect(again.get_by_label("Name or question")).to_have_value("Babe Ruth")


def test_a_click_while_another_question_runs_is_answered_next(open_page):
    page = open_page()
    page.get_by_label("Name or question").fill("Yogi Berra")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("button", name="Grace Hopper").click()
    page.get_by_role("heading", name="Where was Grace Hopper born?").wait_for()
    expect(page.locator("#screen-ask")).not_to_have_attribute("data-busy", "")
    expect(page.locator("#screen-ask")).not_to_have_attribute("data-stale", "")
    expect(page.get_by_label("Name or question")).to_have_value("Grace Hopper")


def test_the_order_is_that_of_the_course_and_examples_belong_to_the_family(open_page):
    page = open_page(width=1366, height=768)
    radios = page.locator("#screen-ask fieldset label")
    expect(radios.first).to_contain_text("Wikipedia people")
    chips = page.locator("#screen-ask .a3-chips button")
    expect(chips.first).to_have_text("Albert Pujols")
    radios.first.click()
    expect(chips.first).not_to_have_text("Albert Pujols")
