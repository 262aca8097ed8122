"""The panel "Watch it learn" in a real browser, with real epochs of a real training, stopped early."""

from __future__ import annotations

import os
import re

import pytest

pytestmark = pytest.mark.slow
expect = pytest.importorskip("playwright.sync_api").expect
TIMEOUT = int(os.environ.get("BROWSER_TIMEOUT_MS", "60000"))  # an epoch of a busy machine may take as long


def open_panel(page):
    page.get_by_role("tab", name="Watch it learn").click()
    page.get_by_text("press Start").or_(page.get_by_text("you are watching")).first.wait_for()
    return page


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def wait_for_epochs(page) -> None:
    page.get_by_text(re.compile(r"epoch [1-9]\d* of")).wait_for(timeout=3 * TIMEOUT)


def test_a_training_is_watched_paused_stopped_asked_and_looked_at(open_page):
    first = open_panel(open_page())
    press(first, "Start")
    wait_for_epochs(first)
    first.locator("section[aria-label=Recitations] .a3-card").nth(2).wait_for()
    first.locator(".js-plotly-plot .heatmaplayer .hm").first.wait_for()
    second = open_panel(open_page(dark=True, width=360))
    second.get_by_text("you are watching").wait_for()
    wait_for_epochs(second)
    assert not second.get_by_role("button", name="Stop", exact=True).is_enabled()
    assert second.evaluate("document.documentElement.scrollWidth") <= 360
    press(first, "Pause")
    first.get_by_text("Paused").wait_for()
    press(first, "Resume")
    first.get_by_text("Training.").wait_for()
    press(first, "Stop")
    first.get_by_text("until you close or reload this page").wait_for(timeout=3 * TIMEOUT)
    press(first, "Ask this model")
    question = first.get_by_label("Name or question")
    expect(question).to_have_value(re.compile("Where was .+ born"), timeout=TIMEOUT)
    first.locator(".a3-hero code", has_text="live-1").wait_for()
    first.get_by_role("tab", name="Watch it learn").click()
    first.locator("#screen-learn").get_by_role("button", name="See its attention").click()
    expect(first.get_by_label("Model", exact=True)).to_have_value("live-1", timeout=TIMEOUT)
    first.get_by_text(re.compile(r"live-1 · \d+ tokens · 3 layers")).wait_for()


def test_a_page_that_closes_takes_its_training_with_it(open_page):
    first, second = open_page(), open_panel(open_page())
    press(open_panel(first), "Start")
    wait_for_epochs(first)
    second.get_by_text("you are watching").wait_for(timeout=3 * TIMEOUT)  # its slow clock has seen it
    first.close()
    second.get_by_text("The page that started it was closed").wait_for(timeout=3 * TIMEOUT)
    assert second.get_by_role("button", name="Start", exact=True).is_enabled()
