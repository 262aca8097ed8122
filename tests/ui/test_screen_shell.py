"""The shell of the page in a real browser: header, tour, tokens, and the states of a screen without a request."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr
import pytest
from playwright.sync_api import expect
from serving import serve

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render
from a3core.ui.shared.screen import act, build_results, build_screen, build_sections, build_settings, render_status
from a3core.ui.shared.theme import STYLE
from a3core.ui.tour import build_guide

pytestmark = pytest.mark.slow

TABS = ("Birthplace", "Attention", "Few-shot", "Grader")
TEXTS = [
    ("ink", "paper side surface sunken accent-soft warn-soft"),
    ("ink-2", "paper side surface sunken"),
    ("accent", "paper side surface"),
    ("accent-ink", "accent"),
    ("marker-ink", "marker"),
    ("right", "surface right-soft"),
    ("wrong", "surface side wrong-soft"),
    ("warn", "warn-soft"),
]
BORDERS = [("line-2", "paper side surface"), ("bar", "surface"), ("bar-right", "surface"), ("warn-line", "surface")]


@pytest.fixture(scope="module")
def small_page(tmp_path_factory):
    """The header over a single screen, which echoes a text and refuses an empty one."""

    @tells_errors
    def echo(text: str) -> str:
        if not text.strip():
            raise ValueError("Type a name, <b>such</b> as Babe Ruth.")
        return render_answer(text)

    with gr.Blocks(analytics_enabled=False, fill_width=True) as page:
        build_guide(CheckpointStore(tmp_path_factory.mktemp("none")))
        with gr.Tabs(elem_id="a3-tabs"), gr.Tab("Echo"), build_sections(), gr.Tab("Ask"), build_screen("echo"):
            with build_settings():
                text = gr.Textbox("one", label="Text", elem_classes="a3-field", interactive=True)
                ask = gr.Button("Ask", variant="primary")
            with build_results():
                answer = gr.HTML(render_answer("one"))
                with gr.Row():
                    again = gr.Button("Once more")
        act(ask.click, "echo", fn=echo, inputs=text, outputs=answer)
        act(text.submit, "echo", fn=echo, inputs=text, outputs=answer)
        again.click(echo, text, answer, api_visibility="private")  # no main action
    with serve(page.queue()) as address:
        yield address


def render_answer(text: str) -> str:
    source = '{{ status }}<div class="a3 a3-result" id="answer">{{ text }}</div>'
    return render(source, text=text, status=render_status("done"))


@pytest.fixture
def screen(browser, small_page):
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.asked = []
    page.goto(small_page)
    page.locator("#answer", has_text="one").wait_for()
    page.wait_for_timeout(800)
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    page.close()


def read_tokens(dark: bool) -> dict[str, str]:
    block = re.search(r"^\.dark \{(.*?)^\}" if dark else r"^:root \{(.*?)^\}", STYLE.read_text("utf-8"), re.M | re.S)
    return dict(re.findall(r"--a3-([\w-]+): (#[0-9a-f]{6})", block[1]))


def measure_contrast(one: str, other: str) -> float:
    """WCAG 2: (lighter + 0.05) / (darker + 0.05), of relative luminances."""

    def luminance(colour: str) -> float:
        shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_pair_of_tokens_has_contrast(dark):
    tokens = read_tokens(dark)
    pairs = [(a, b, 4.5) for a, many in TEXTS for b in many.split()]
    pairs += [(a, b, 3.0) for a, many in BORDERS for b in many.split()]
    low = {(a, b): measure_contrast(tokens[a], tokens[b]) for a, b, least in pairs}
    assert {pair: low[pair] for pair, (*_, least) in zip(low, pairs, strict=True) if low[pair] < least} == {}


def test_both_modes_name_the_same_colours():
    assert read_tokens(False).keys() == read_tokens(True).keys()
    used = set(re.findall(r"var\(--(a3-[\w-]+)", "".join(path.read_text("utf-8") for path in list_sources())))
    assert used <= set(re.findall(r"--(a3-[\w-]+):", STYLE.read_text("utf-8")))


def list_sources() -> list[Path]:
    root = STYLE.parents[1]
    return [
        *root.glob("assets/**/*.css"),
        *root.glob("assets/**/*.js"),
        *root.glob("a3core/ui/**/*.py"),
        *root.glob("a3core/ui/**/*.html"),
    ]


def measure_top(page) -> float:
    """Where the bar of sections ends, in pixels."""
    box = page.locator(".a3-sections > .tab-wrapper").locator("visible=true").first.bounding_box()
    return box["y"] + box["height"]


def test_a_change_is_stale_at_once_and_asks_nothing(screen):
    screen.get_by_label("Text").fill("two")
    screen.wait_for_selector("#echo[data-stale]", timeout=1000)
    assert screen.get_by_text("Changed since this answer").is_visible() and screen.asked == []
    screen.get_by_label("Text").fill("one")
    screen.wait_for_selector("#echo:not([data-stale])", timeout=1000)
    screen.get_by_label("Text").fill("two")
    screen.get_by_role("button", name="Ask again").click()
    screen.wait_for_selector("#echo[data-busy]", timeout=1000)
    screen.locator("#answer", has_text="two").wait_for()
    screen.wait_for_selector("#echo:not([data-stale], [data-busy])")


def test_an_error_is_beside_its_field_until_it_changes(screen):
    screen.get_by_label("Text").fill("")
    screen.get_by_role("button", name="Ask", exact=True).click()
    alert = screen.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == "Type a name, <b>such</b> as Babe Ruth."
    field, box = screen.get_by_label("Text").bounding_box(), alert.bounding_box()
    assert 0 <= box["y"] - field["y"] - field["height"] < 24
    screen.wait_for_selector("#echo[data-stale]:not([data-busy])")
    assert screen.locator("#answer").inner_text() == "one"
    assert not screen.get_by_test_id("toast-body").locator("visible=true").count()
    screen.get_by_label("Text").fill("three")
    assert alert.count() == 0
    screen.get_by_label("Text").press("Enter")
    screen.locator("#answer", has_text="three").wait_for()
    screen.wait_for_selector("#echo:not([data-stale], [data-busy])")


def test_an_error_of_another_button_is_below_it_until_something_is_used(screen):
    screen.get_by_label("Text").fill("")
    screen.get_by_role("button", name="Once more").click()
    error = screen.get_by_role("alert")
    expect(error).to_have_text("Type a name, <b>such</b> as Babe Ruth.")
    row, place = screen.get_by_role("button", name="Once more").bounding_box(), error.bounding_box()
    assert row["y"] + row["height"] <= place["y"] < row["y"] + row["height"] + 40
    assert not screen.get_by_test_id("toast-body").locator("visible=true").count()
    screen.get_by_label("Text").fill("two")
    screen.get_by_role("button", name="Once more").click()
    expect(screen.locator("#answer")).to_have_text("two")
    expect(error).to_have_count(0)


def test_reduced_motion_is_respected(browser, small_page):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(small_page)
    page.locator("#echo").wait_for()
    page.evaluate("a3.start('echo')")
    assert page.evaluate("getComputedStyle(document.querySelector('.a3-spin')).animationName") == "none"
    context.close()


def test_skip_link_tour_mode_and_tabs_come_first(screen):
    names = []
    for _ in range(6):
        screen.keyboard.press("Tab")
        names.append(screen.evaluate("document.activeElement.innerText || ''"))
    assert [name.split(" ·")[0].strip() for name in names] == ["Skip to the tabs", "Tour", "◐", "Echo", "Ask", ""]


def test_the_tour_is_turned_on_and_off_by_keyboard(screen):
    assert measure_top(screen) == 92
    screen.locator("#a3-tour").focus()
    screen.keyboard.press("Enter")
    assert measure_top(screen) == 130 and screen.evaluate("document.activeElement.className") == "next"
    assert screen.locator("#guide [aria-current]").count() == 0
    screen.keyboard.press("Escape")
    assert measure_top(screen) == 92 and screen.evaluate("document.activeElement.id") == "a3-tour"


def test_the_mode_is_remembered(screen):
    screen.locator("#a3-mode").click()
    dark = screen.evaluate("document.body.classList.contains('dark')")
    screen.reload()
    screen.locator("#echo").wait_for()
    screen.wait_for_function(f"document.body.classList.contains('dark') === {str(dark).lower()}")


def test_header_and_sections_end_at_92_pixels(open_page, open_tab):
    page = open_page(width=1366, height=768)
    for name in TABS:
        open_tab(page, name)
        assert measure_top(page) == 92, name
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(200)
        assert measure_top(page) == 92, name
        page.locator("#a3-tour").click()
        assert measure_top(page) == 130, name
        page.locator("#a3-tour").click()


def test_no_tab_scrolls_sideways_at_any_width(open_page, open_tab):
    page = open_page(width=1366, height=768)
    wide = {}
    for name in TABS:
        open_tab(page, name)
        for width in (320, 360, 412, 768, 861, 1024, 1366, 1920):
            page.set_viewport_size({"width": width, "height": 780})
            page.wait_for_timeout(150)
            wide[name, width] = page.evaluate("document.documentElement.scrollWidth") - width
    assert {key: over for key, over in wide.items() if over > 0} == {}
