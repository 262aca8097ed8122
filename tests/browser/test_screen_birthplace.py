"""The screen on which a name is asked, at 1366 x 768: in view, never stale, errors beside the field, narrow, dark."""

from __future__ import annotations

import pytest
from browsing import SHIFT
from playwright.sync_api import expect

pytestmark = pytest.mark.slow
ANSWERS = "section[aria-label=Answers]"


@pytest.fixture
def page(open_page):
    page = open_page(width=1366, height=768)
    page.locator(ANSWERS).wait_for()
    page.wait_for_timeout(1000)  # until the texts in the fields count as settled
    return page


def test_it_opens_on_a_finished_example_in_view(page):
    expect(page.get_by_label("Name or question")).to_have_value("Albert Pujols")
    box = page.locator(ANSWERS).bounding_box()
    assert box["y"] > 92 and box["y"] + box["height"] <= 768
    settings = page.locator("#screen-ask .a3-settings").bounding_box()
    assert settings["x"] + settings["width"] <= box["x"]


def test_a_changed_name_makes_the_answer_stale_without_a_request_until_it_is_undone(page):
    requests, screen = [], page.locator("#screen-ask")
    page.on("request", lambda request: requests.append(request.url) if "/queue/" in request.url else None)
    for _ in range(20):  # the other tabs ask while the page starts
        before = len(requests)
        page.wait_for_timeout(1500)
        if len(requests) == before:
            break
    requests.clear()
    page.get_by_label("Name or question").fill("Babe Ruth")
    expect(screen).to_have_attribute("data-stale", "")
    assert page.locator(".a3-status .stale").is_visible()
    page.get_by_label("Name or question").fill("Albert Pujols")
    expect(screen).not_to_have_attribute("data-stale", "")
    assert requests == []


def test_one_action_answers_and_settles(page):
    page.get_by_label("Name or question").fill("Babe Ruth")
    page.get_by_label("Name or question").press("Enter")
    expect(page.locator("#screen-ask")).to_have_attribute("data-busy", "")
    page.locator(f"{ANSWERS}[aria-busy=false]", has_text="Where was Babe Ruth born?").wait_for()
    expect(page.locator("#screen-ask")).not_to_have_attribute("data-busy", "")
    expect(page.locator("#screen-ask")).not_to_have_attribute("data-stale", "")
    box = page.locator(ANSWERS).bounding_box()
    assert box["y"] + box["height"] <= 768


def test_an_example_is_asked_by_one_click(page):
    page.get_by_role("button", name="Mickey Mantle").click()
    page.get_by_role("heading", name="Where was Mickey Mantle born?").wait_for()


def test_an_error_is_beside_the_field_until_it_changes(page):
    page.get_by_label("Name or question").fill("")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator("#screen-ask .a3-settings [role=alert]", has_text="type a name").wait_for()
    assert page.locator(ANSWERS).is_visible() and not page.locator("[data-testid=toast-body]:visible").count()
    page.get_by_label("Name or question").fill("Babe Ruth")
    expect(page.locator("#screen-ask [role=alert]")).to_have_count(0)


def test_a_phone_has_the_answer_below_the_question(open_page, switch_mode):
    page = open_page(width=360, height=780)
    page.locator(ANSWERS).wait_for()
    for mode in ("light", "dark"):
        switch_mode(page, mode)
        assert page.locator(ANSWERS).bounding_box()["y"] < 620


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1366, 768)])
def test_nothing_moves_without_a_hand(open_page, width, height):
    page = open_page(width=width, height=height)
    page.locator(ANSWERS).wait_for()
    page.wait_for_timeout(1000)
    assert page.evaluate(SHIFT) < 0.05
