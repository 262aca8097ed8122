"""The laboratory in a real browser, on a tab that was hidden when the page was loaded."""

from __future__ import annotations

import socket

import pytest

from a3core.attention.lab.claims import CLAIMS, run_claim
from a3core.attention.lab.result import STATEMENTS

pytestmark = pytest.mark.slow

TEXT_COLOURS = """() => [...document.querySelectorAll(".a3-lab-picture svg[role=img] text")].map(each =>
  getComputedStyle(each).fill)"""


@pytest.fixture(scope="module")
def address():
    """The panel alone, the second tab of its page."""
    import gradio as gr

    from a3core.ui.attention.lab import build_lab_panel
    from a3core.ui.demo import LAUNCH

    with gr.Blocks(analytics_enabled=False) as demo, gr.Tabs():
        with gr.Tab("Birthplace"):
            gr.Markdown("another room")
        with gr.Tab("Attention"):
            build_lab_panel()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    demo.launch(server_port=port, prevent_thread_lock=True, quiet=True, **LAUNCH)
    yield f"http://127.0.0.1:{port}/"
    demo.close()


@pytest.fixture
def open_lab(open_page):
    """Opens the tab, on a claim. At the end, nothing was logged as an error or asked of another host."""

    def open_lab(claim: str, **settings):
        page = open_page(**settings)
        page.get_by_role("tab", name="Attention").click()
        page.locator(".a3-lab-picture svg").first.wait_for()
        choose(page, claim)
        return page

    return open_lab


def choose(page, claim: str) -> None:
    page.get_by_role("radio", name=f"{claim} ").check()
    page.get_by_role("heading", name=f"{claim} ").wait_for()


def expect(locator):
    from playwright.sync_api import expect

    expect.set_options(timeout=60_000)
    return expect(locator)


def verdict(page):
    return page.get_by_role("region", name="Verdict")


def test_every_claim_has_a_formula_a_picture_and_a_verdict(open_lab):
    page = open_lab("1.1")
    for number, statement in STATEMENTS.items():
        choose(page, number)
        expect(page.locator(".a3-lab-statement .katex-display").first).to_be_visible()
        assert page.locator(".a3-lab-statement .katex-error").count() == 0
        expect(verdict(page)).to_contain_text("✓ As predicted")
        page.get_by_text("Draws and seed").click()
        expect(page.get_by_role("slider")).to_have_count(len(statement.sliders))
        page.get_by_text("Draws and seed").click()
        expect(page.locator(".a3-lab-picture svg[role=img]")).to_have_count(len(statement.panels))


def test_a_slider_is_moved_by_keys_and_says_its_value(open_lab):
    page = open_lab("1.2b")
    scale = page.get_by_role("slider", name="query scale")
    scale.focus()
    for _ in range(20):
        scale.press("ArrowLeft")
    expect(verdict(page)).to_contain_text("⚠ Outside the assumptions")
    expect(scale).to_have_attribute("aria-valuetext", "1")
    expect(page.get_by_role("spinbutton", name="query scale H")).to_have_value("1")
    assert scale.evaluate("each => each === document.activeElement")


def test_a_typed_number_is_the_value_itself(open_lab):
    """10 was taken as the power: H = 1,000,000, "as predicted"."""
    page = open_lab("1.2b")
    scale = page.get_by_role("spinbutton", name="query scale H")
    scale.fill("100")
    expect(page.get_by_role("slider", name="query scale")).to_have_attribute("aria-label", "query scale H, slider")
    expect(page.get_by_role("slider", name="query scale")).to_have_js_property("value", "2")
    weight = run_claim("1.2b", H=100).quantities[2]
    expect(page.get_by_role("region", name="Predicted beside measured")).to_contain_text(f"{weight.measured:.4g}")
    assert "parameters=%7B%22H%22%3A100%7D" in page.url
    again = page.context.new_page()
    again.goto(page.url)
    again.get_by_role("tab", name="Attention").click()
    expect(again.get_by_role("spinbutton", name="query scale H")).to_have_value("100")
    expect(again.get_by_role("heading", name="1.2b ")).to_be_visible()


def test_the_picture_follows_a_slider_while_it_is_dragged(open_lab):
    page = open_lab("1.2a")
    box = page.get_by_role("slider", name="angle").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 8, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=15)
    expect(verdict(page)).to_contain_text("are not orthogonal here")  # the button is still down
    page.mouse.up()


def test_what_is_refused_is_beside_the_sliders_and_reset_brings_the_preset_back(open_lab):
    page = open_lab("1.2b")
    dimension, alert = page.get_by_role("spinbutton", name="dimension d"), page.locator("#lab-settings [role=alert]")
    for typed, sentence in (("10", "keep n <= d"), ("9999", "must lie between 2 and 256"), ("", "must be a number")):
        dimension.fill(typed)
        expect(alert).to_contain_text(sentence)
        expect(page.locator("#lab-results.refused")).to_have_count(1)
    page.get_by_role("button", name="Reset to preset").click()
    expect(alert).to_have_text("")
    expect(page.locator("#lab-results.refused")).to_have_count(0)
    expect(page.get_by_role("spinbutton", name="dimension d")).to_have_value("64")


def test_the_table_behind_the_picture_opens(open_lab):
    page = open_lab("1.2b")
    page.get_by_role("tab", name="The table behind the picture").click()
    page.get_by_role("columnheader", name="weight of all others").wait_for()


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_narrow_screen_shows_all_of_the_formula_and_does_not_scroll_sideways(open_lab, claim):
    page = open_lab(claim, width=360)
    page.locator(".a3-lab-statement .katex-html .base").first.wait_for()  # typeset after the statement is there
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    labels = page.locator("#lab-settings .slider label").all()
    assert labels and all(label.evaluate("each => each.scrollWidth <= each.clientWidth") for label in labels)
    parts = page.locator(".a3-lab-statement .katex-html .base").all()
    assert parts and all(part.bounding_box()["x"] + part.bounding_box()["width"] <= 360 for part in parts)


def test_the_picture_is_written_in_the_pages_colour(open_lab):
    light, dark = (open_lab("1.2b", dark=dark).evaluate(TEXT_COLOURS) for dark in (False, True))
    assert len(set(light)) == len(set(dark)) == 1 and light != dark
