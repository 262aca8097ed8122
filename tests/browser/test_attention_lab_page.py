"""The laboratory in a real browser, on a tab that was hidden when the page was loaded."""

from __future__ import annotations

import socket

import pytest

from a3core.attention.lab.claims import CLAIMS, plot_claim, run_claim

pytestmark = pytest.mark.slow

TEXT_COLOURS = """() => [".xtitle", ".gtitle"].map(each =>
  getComputedStyle(document.querySelector(".a3-lab-picture " + each)).fill)"""


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
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
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
    for claim in CLAIMS.values():
        choose(page, claim.id)
        expect(page.locator(".a3-lab-statement .katex-display").first).to_be_visible()
        assert page.locator(".a3-lab-statement .katex-error").count() == 0
        expect(verdict(page)).to_contain_text("✓ As predicted.")
        expect(page.get_by_role("slider")).to_have_count(len(claim.sliders))
        title = plot_claim(run_claim(claim.id)).layout.title.text
        expect(page.locator(".js-plotly-plot .gtitle")).to_have_text(title)


def test_a_slider_is_moved_by_keys_and_says_its_value(open_lab):
    page = open_lab("1.2b")
    scale = page.get_by_role("slider", name="query scale")
    scale.focus()
    for _ in range(20):
        scale.press("ArrowLeft")
    expect(verdict(page)).to_contain_text("⚠ Outside the assumptions.")
    expect(scale).to_have_attribute("aria-label", "range slider for query scale: H = 1")
    assert scale.input_value() == "0"
    assert scale.evaluate("each => each === document.activeElement")


def test_the_picture_follows_a_slider_while_it_is_dragged(open_lab):
    page = open_lab("1.2a")
    box = page.get_by_role("slider", name="angle").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 8, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=15)
    expect(verdict(page)).to_contain_text("are not orthogonal here")  # the button is still down
    page.mouse.up()


def test_what_is_refused_is_said_and_reset_brings_the_preset_back(open_lab):
    page = open_lab("1.2b")
    dimension = page.get_by_role("spinbutton", name="dimension: d")
    dimension.fill("10")
    expect(verdict(page)).to_contain_text("✗ Refused.")
    expect(verdict(page)).to_contain_text("keep n <= d")
    page.get_by_role("button", name="Reset to preset").click()
    expect(verdict(page)).to_contain_text("✓ As predicted.")
    expect(dimension).to_have_value("64")


def test_a_number_out_of_range_is_put_back_into_it(open_lab):
    page = open_lab("1.2b")
    dimension = page.get_by_role("spinbutton", name="dimension: d")
    dimension.fill("9999")
    page.get_by_text("greater than maximum value 256").first.wait_for()
    dimension.press("Tab")
    expect(dimension).to_have_value("256")


def test_the_table_behind_the_picture_opens(open_lab):
    page = open_lab("1.2b")
    page.get_by_role("button", name="The table behind the picture").click()
    page.get_by_text("weight of all others").last.wait_for()


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_narrow_screen_shows_all_of_the_formula_and_does_not_scroll_sideways(open_lab, claim):
    page = open_lab(claim, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    parts = page.locator(".a3-lab-statement .katex-html .base").all()
    assert parts and all(part.bounding_box()["x"] + part.bounding_box()["width"] <= 360 for part in parts)


def test_the_picture_is_written_in_the_pages_colour(open_lab):
    light, dark = (open_lab("1.2b", dark=dark).evaluate(TEXT_COLOURS) for dark in (False, True))
    assert len(set(light)) == len(set(dark)) == 1 and light != dark
