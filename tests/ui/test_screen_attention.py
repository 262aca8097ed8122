"""The Attention tab and the Laboratory on one screen: what a person changes and what it changes, side by side."""

from __future__ import annotations

from itertools import product

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

SHIFT = """() => { window.shift = 0; new PerformanceObserver((list) => { for (const each of list.getEntries())
  if (!each.hadRecentInput) window.shift += each.value; }).observe({ type: "layout-shift", buffered: false }); }"""
MATRIX = "#pattern-first canvas.matrix"


@pytest.fixture
def open_attention(open_page, open_tab):
    def open_attention(**options):
        page = open_page(**{"width": 1366, "height": 768, **options})
        open_tab(page, "Attention")
        page.locator("#pattern-first .status", has_text=" with ").wait_for()
        page.wait_for_timeout(500)  # the example's texts are settled
        return page

    return open_attention


@pytest.fixture
def open_lab(open_attention):
    def open_lab(**options):
        page = open_attention(**options)
        page.get_by_role("tab", name="Laboratory", exact=True).click()
        page.locator(".a3-lab-picture svg").first.wait_for()
        page.wait_for_timeout(300)
        return page

    return open_lab


def measure(page, selector: str) -> dict:
    return page.locator(selector).first.bounding_box()


def test_it_opens_on_a_finished_example_without_a_model_in_view_with_the_tour_too(open_attention):
    page = open_attention()
    assert page.locator("#pattern-first .tokens").inner_text().startswith("Where␣was␣Albert␣Pujols␣born?⁇Santo␣Domingo")
    expect(page.locator("#pattern-first .outcome .line")).to_have_count(3)
    assert "Albert Pujols" in page.get_by_label("Text", exact=True).input_value()
    assert page.locator("#screen-pattern[data-stale]").count() == 0
    for _ in ("without", "with the tour"):
        panes, matrix = measure(page, "#pattern-first .panes"), measure(page, MATRIX)
        assert panes["y"] + panes["height"] <= 768
        assert measure(page, "#screen-pattern textarea")["y"] > 92
        assert abs(matrix["width"] - matrix["height"]) < 1 and matrix["width"] > 400
        page.locator("#a3-tour").click()
        page.wait_for_timeout(300)


def test_a_change_is_stale_and_enter_shows_it(open_attention):
    page = open_attention()
    box = page.get_by_label("Text", exact=True)
    box.fill("Where was Babe Ruth born?")
    page.locator("#screen-pattern[data-stale]").wait_for()
    assert page.get_by_text("Changed since this picture").is_visible()
    box.press("Enter")
    page.locator("#pattern-first .tokens", has_text="Babe␣Ruth").wait_for()
    page.locator("#screen-pattern:not([data-stale], [data-busy])").wait_for()
    expect(page.locator("#pattern-first .outcome .line")).to_have_count(3)


def test_an_error_is_beside_the_text(open_attention):
    page = open_attention()
    page.get_by_label("Text", exact=True).fill("")
    page.get_by_role("button", name="Show attention", exact=True).click()
    alert = page.locator("#screen-pattern .a3-field [role=alert]")
    alert.wait_for()
    assert "Type a text" in alert.inner_text()
    assert not page.get_by_test_id("toast-body").locator("visible=true").count()
    page.get_by_label("Text", exact=True).fill("Ada was born")
    expect(alert).to_have_count(0)


def test_a_ticked_option_looks_ticked(open_attention, switch_mode):
    page = open_attention()
    for mode, option in product(("light", "dark"), ("skip", "log", "rollout", "several")):
        switch_mode(page, mode)
        box = page.locator(f"#pattern-first input.{option}")
        box.uncheck()
        page.locator("#pattern-first .facts").hover()
        before = box.screenshot()
        box.check()
        page.locator("#pattern-first .facts").hover()
        assert box.screenshot() != before, (mode, option)
        assert box.evaluate("each => getComputedStyle(each).appearance") == "auto"


def test_a_link_restores_model_text_head_and_options(open_attention):
    page = open_attention()
    page.get_by_label("Text", exact=True).fill("Where was Babe Ruth born?")
    page.get_by_label("Text", exact=True).press("Enter")
    page.locator("#pattern-first .tokens", has_text="Babe␣Ruth").wait_for()
    page.locator("#pattern-first button[data-head='2.3']").click()
    page.locator("#pattern-first input.log").check()
    page.locator("#pattern-first select.weighing").select_option("vo")
    page.wait_for_url("**weighing=vo**")
    again = page.context.new_page()
    again.goto(page.url)
    again.locator("#pattern-first .chosen", has_text="layer 2, head 3, times |v W_O|").wait_for()
    assert again.locator("#pattern-first input.log").is_checked()
    assert again.get_by_label("Text", exact=True).input_value() == "Where was Babe Ruth born?"
    assert again.locator("#screen-pattern").is_visible()


def test_a_phone_has_the_picture_below_its_text(open_attention, switch_mode):
    page = open_attention(width=360, height=780)
    for mode in ("light", "dark"):
        switch_mode(page, mode)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert measure(page, "#pattern-first .head")["y"] < 620
        buttons = page.locator("#pattern-first :is(.sections button, .links button, .heads button[data-head])")
        small = "all => all.filter(each => each.offsetParent && each.offsetHeight < 40).map(each => each.outerHTML)"
        assert buttons.evaluate_all(small) == []


def test_nothing_moves_once_the_tab_is_opened(open_page, open_tab):
    page = open_page(width=1366, height=768)
    page.wait_for_timeout(1500)  # the first tab is drawn
    page.evaluate(SHIFT)
    open_tab(page, "Attention")
    page.locator("#pattern-first .status", has_text=" with ").wait_for()
    page.wait_for_timeout(1200)
    assert page.evaluate("window.shift") < 0.05
    page.locator("#pattern-first button[data-head='3.1']").click()
    page.wait_for_timeout(1200)
    assert page.evaluate("window.shift") < 0.05


def test_sliders_verdict_and_picture_are_in_view_together_and_never_stale(open_lab):
    page = open_lab()
    for claim in ("1.1", "1.2a", "1.3a", "1.4b"):
        page.get_by_role("radio", name=f"{claim} ").check()
        page.get_by_role("heading", name=f"{claim} ").wait_for()
        page.wait_for_timeout(200)
        picture, settings = measure(page, ".a3-lab-picture"), measure(page, "#lab-settings .reset")
        assert picture["y"] + picture["height"] <= 768, claim
        assert settings["y"] + settings["height"] <= 768, claim
        assert measure(page, ".a3-lab-verdict")["y"] > 92
    assert page.evaluate("document.querySelector('#screen-lab .a3-settings').scrollHeight") <= 676
    page.get_by_role("radio", name="1.1 ").check()
    page.get_by_role("spinbutton", name="query scale H").fill("3")
    page.wait_for_timeout(800)
    assert page.locator("#screen-lab[data-stale]").count() == 0


def test_the_laboratory_stands_on_a_phone(open_lab):
    page = open_lab(width=360, height=780)
    for claim in ("1.1", "1.3b", "1.4b"):
        page.get_by_role("radio", name=f"{claim} ").check()
        page.get_by_role("heading", name=f"{claim} ").wait_for()
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        sliders, picture = measure(page, "#lab-settings .lab > .sliders"), measure(page, ".a3-lab-picture svg")
        assert 0 < picture["y"] - sliders["y"] - sliders["height"] < 80, claim  # a panel's title is between them
        assert picture["y"] + picture["height"] - sliders["y"] <= 780 - 92, claim  # both are on the screen at once
        assert measure(page, ".a3-lab-verdict")["y"] > picture["y"]
