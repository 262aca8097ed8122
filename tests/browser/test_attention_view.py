"""The attention view in a real browser, on a tab that was hidden when the page was loaded."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from attention_page import COLOURS, choose_heads, expect, read_weights, show, show_preset, status

from a3core.attention.ablation import ablate_heads, read_pair
from a3core.attention.models import GPTModel

pytestmark = pytest.mark.slow

HOSTILE = "${1+1} {{value}} <img src=x onerror=alert(1)> `a` \\u0041"


@pytest.fixture(scope="module")
def checkpoints(attention_checkpoints):
    return attention_checkpoints


@pytest.fixture(scope="module")
def address(attention_address):
    return attention_address


@pytest.fixture
def page(open_page):
    """A page that must not open a dialog either."""
    page = open_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    return page


def test_a_tab_opened_second_shows_numbers_that_are_the_models(page, checkpoints):
    show(page, "Ada was born")
    assert page.locator("#pattern-first canvas.matrix").evaluate(COLOURS) > 10
    assert page.locator("#pattern-first button[data-head] canvas").first.evaluate(COLOURS) > 10
    page.locator("#pattern-first button[data-head='1.2']").click()
    page.locator("#pattern-first .chosen", has_text="layer 1, head 2").wait_for()
    matrix = page.locator("#pattern-first canvas.matrix")
    matrix.focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    said = re.fullmatch(r"“(.)” \((\d+)\) looks at “(.)” \((\d+)\) with ([\d.e-]+)", status(page))
    assert said.groups()[:4] == ("r", "10", "d", "1")
    np.testing.assert_allclose(float(said[5]), read_weights(checkpoints, "Ada was born")[1, 2, 10, 1], rtol=2e-3)
    assert matrix.get_attribute("role") == "img" and "“r” (10)" in matrix.get_attribute("aria-label")


def test_pointing_at_matrix_and_text(page):
    show(page, "Ada was born")
    matrix = page.locator("#pattern-first canvas.matrix")
    side = matrix.bounding_box()["width"]
    matrix.hover(position={"x": side - 3, "y": side - 3})
    assert status(page).startswith("“n” (11) looks at “n” (11) with ")
    tokens = page.locator("#pattern-first .token")
    tokens.nth(3).hover()
    assert status(page).startswith("“␣” (3) looks at ")
    tinted = tokens.evaluate_all("spans => spans.map(span => span.style.background !== '')")
    assert any(tinted[:4]) and not any(tinted[4:])
    page.locator("#pattern-first").get_by_label("Direction").select_option("column")
    tokens.nth(5).hover()
    tokens.nth(3).hover()
    assert re.search(r"looks at “␣” \(3\)", status(page))
    page.locator("#pattern-first").get_by_role("tab", name="As a table").click()
    rows = page.locator("#pattern-first .panel tbody tr")
    expect(rows).to_have_count(9)  # the table is filled when it is opened
    expect(rows.first).to_contain_text(re.compile(r"^3\s*␣"))


def test_options_change_the_picture(page):
    show(page, "Ada was born")
    chosen = page.locator("#pattern-first .chosen")
    page.locator("#pattern-first button[data-head='1.0']").click()
    page.locator("#pattern-first").get_by_label("average heads").check()
    page.locator("#pattern-first button[data-head='0.0']").click()
    expect(chosen).to_have_text("mean of 2 heads: L1 H0, L0 H0")
    page.locator("#pattern-first").get_by_label("rollout").check()
    expect(chosen).to_have_text("attention rollout up to layer 1, all heads")
    expect(page.locator("#pattern-first .status")).to_contain_text("draws from")
    before = page.locator("#pattern-first canvas.matrix").evaluate("canvas => canvas.toDataURL()")
    for label in ("log scale", "skip first token"):
        page.locator("#pattern-first").get_by_label(label).check()
        after = page.locator("#pattern-first canvas.matrix").evaluate("canvas => canvas.toDataURL()")
        assert after != before
        before = after
    page.locator("#pattern-first").get_by_label("hide below").fill("1")
    assert page.locator("#pattern-first canvas.matrix").evaluate("canvas => canvas.toDataURL()") != before


def test_hostile_text_is_text(page):
    show(page, HOSTILE)
    assert page.locator("#pattern-first .tokens").inner_text().replace("␣", " ") == HOSTILE
    assert page.locator("#pattern-first img").count() == 0 and "${1+1}" in HOSTILE


def test_dark_and_narrow(page):
    show(page, "Ada was born")
    matrix = page.locator("#pattern-first canvas.matrix")
    light = matrix.evaluate("canvas => canvas.toDataURL()")
    page.evaluate("document.body.classList.add('dark')")
    expect(page.locator("body.dark")).to_have_count(1)
    assert matrix.evaluate("canvas => canvas.toDataURL()") != light
    page.set_viewport_size({"width": 360, "height": 800})
    page.wait_for_function("document.querySelector('#pattern-first .matrix').clientWidth < 340")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert matrix.evaluate(COLOURS) > 10


def test_the_address_brings_the_state_back(page):
    show(page, "Ada was")
    page.locator("#pattern-first button[data-head='0.2']").click()
    page.wait_for_url(re.compile("layer=0&head=2"))
    again = page.context.new_page()
    again.goto(page.url)
    again.locator("#pattern-first .chosen", has_text="layer 0, head 2").wait_for()
    assert again.get_by_label("Text", exact=True).input_value() == "Ada was"


def test_two_models_side_by_side_and_the_way_to_birthplace(page):
    show_preset(page)
    for slot, name in (("first", "tiny-finetuned"), ("second", "tiny-pretrained-finetuned")):
        assert page.locator(f"#pattern-{slot} .title").inner_text() == f"Where {name} looks"
        assert page.locator(f"#pattern-{slot} canvas.matrix").evaluate(COLOURS) > 10
        assert page.locator(f"#pattern-{slot} .token.made").count() > 0
    question = page.get_by_label("Text", exact=True).input_value()
    page.locator("#pattern-first").get_by_role("button", name="Ask this in Birthplace").click()
    expect(page.get_by_label("Name or question")).to_have_value(question)


def test_two_models_point_at_the_same_token_and_have_a_difference(page):
    show_preset(page)
    page.locator("#pattern-first .tokens .token").nth(7).hover()
    named = re.compile(r"^“[^”]+” \(7\) looks at ")
    expect(page.locator("#pattern-first .status")).to_have_text(named)
    expect(page.locator("#pattern-second .status")).to_have_text(named)
    page.locator("#pattern-second .tokens .token").nth(4).hover()
    expect(page.locator("#pattern-first .status")).to_have_text(re.compile(r"^“[^”]+” \(4\) looks at "))
    page.get_by_label("also what the model writes after it").uncheck()
    page.get_by_role("button", name="Show attention", exact=True).click()
    page.locator("#screen-pattern:not([data-busy], [data-stale])").wait_for()
    second = page.locator("#pattern-second canvas.matrix")
    before = second.evaluate("canvas => canvas.toDataURL()")
    page.locator("#pattern-second").get_by_label("first minus this").check()
    expect(page.locator("#pattern-second .status.failed")).to_have_count(0)
    assert second.evaluate("canvas => canvas.toDataURL()") != before
    width = page.viewport_size["width"]
    assert second.bounding_box()["y"] < 700 and second.bounding_box()["x"] > width / 2


def test_the_chosen_head_is_measured_and_typed_heads_are_chosen(page):
    show(page, "Where was Ada born?")
    page.locator("#pattern-first button[data-head='0.1']").click()
    lines = page.locator("#pattern-first .outcome .line")
    expect(lines).to_have_count(3)
    page.get_by_role("button", name="Heads by name").click()
    expect(page.get_by_placeholder("L2 H5")).to_have_value("L0 H1")
    choose_heads(page, "L1")
    expect(page.locator("#pattern-first .chosen")).to_have_text("mean of 3 heads: L1 H0, L1 H1, L1 H2")
    expect(lines).to_have_count(3)
    choose_heads(page, "L9")
    page.get_by_text("There is no layer 9 head 0").wait_for()


def test_chosen_layers_are_shown_under_their_own_numbers(page, checkpoints):
    show(page, "Ada was")
    page.get_by_placeholder("all, or 4-7").fill("1")
    page.get_by_role("button", name="Show attention", exact=True).click()
    expect(page.locator("#pattern-first .note")).to_have_text("Layers 1 to 1 of 2, as chosen.")
    expect(page.locator("#screen-pattern[data-busy]")).to_have_count(0)  # its head is in the field by now
    page.get_by_role("button", name="Heads by name").click()
    choose_heads(page, "L1 H2")
    expect(page.locator("#pattern-first .chosen")).to_have_text("layer 1, head 2")
    page.locator("#pattern-first .tokens .token").nth(5).hover()
    query, key, weight = re.search(r"\((\d+)\) looks at .*\((\d+)\) with ([\d.e-]+)", status(page)).groups()
    expected = read_weights(checkpoints, "Ada was")[1, 2, int(query), int(key)]
    assert float(weight) == pytest.approx(expected, rel=1e-2)
    choose_heads(page, "L0 H0")
    expect(page.locator("#pattern-first .status")).to_have_text("None of these layers is in this picture.")
    page.get_by_placeholder("all, or 4-7").fill("5-9")
    page.get_by_role("button", name="Show attention", exact=True).click()
    page.get_by_text("has layers 0 to 1, not 5-9").wait_for()
    again = page.context.new_page()
    again.goto(page.url)
    again.locator("#pattern-first .chosen", has_text="layer 1, head 2").wait_for()
    assert again.get_by_placeholder("all, or 4-7").input_value() == "1"


def test_the_effect_belongs_to_the_text_that_is_on_the_screen(page, checkpoints):
    show(page, "Where was Ada born?")
    page.get_by_label("Text", exact=True).fill("Where was Bo born?")  # and Show is not pressed
    page.locator("#pattern-first button[data-head='1.1']").click()
    before = page.locator("#pattern-first .outcome .line").first
    expect(before).to_contain_text("%")
    model = GPTModel("tiny-finetuned", checkpoints.predictor("tiny-finetuned"))
    effect = ablate_heads(model, read_pair(model, "Where was Ada born?"), [(1, 1)])
    assert float(before.locator(".num").inner_text().removesuffix(" %")) == pytest.approx(
        100 * effect.before.probability, rel=0.1, abs=0.05
    )


def test_three_maps_the_lens_and_the_others_are_of_this_text(page):
    show(page, "Where was Ada born?")
    view = page.locator("#pattern-first")
    view.get_by_role("button", name="Map every head").click()
    expect(view.locator(".maps figure")).to_have_count(3)
    view.get_by_role("tab", name="If it stopped here").click()
    expect(view.locator(".panel tbody tr")).to_have_count(3)
    view.get_by_role("tab", name="How one number").click()
    expect(view.locator(".panel .vector")).to_have_count(3)
    view.get_by_role("tab", name="Find heads").click()
    view.get_by_label("Sort heads by").select_option("first token")
    view.locator(".panel button").first.click()
    expect(view.locator(".panel tbody tr")).to_have_count(6)
    show(page, "Ada was born")
    expect(view.locator(".panel tbody tr")).to_have_count(6)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_picture_is_saved_with_its_text(page, kind):
    show(page, "Where was <Ada> & Bo?")
    with page.expect_download() as download:
        page.locator(f"#pattern-first .{kind}").click()
    assert download.value.suggested_filename == f"attention.{kind}"
    content = download.value.path().read_bytes()
    if kind == "png":
        assert content.startswith(b"\x89PNG")
    else:
        texts = [each.text for each in ElementTree.fromstring(content).iter("{http://www.w3.org/2000/svg}text")]
        assert {"query: the token that looks", "key: what it looks at", "Where␣was␣<Ada>␣&␣Bo?"} <= set(texts)
        assert any("(the largest)" in text for text in texts)


def test_the_pattern_is_written_as_a_file(page):
    show(page, "Ada was born")
    page.get_by_role("button", name="Download the pattern").click()
    for name in ("npz", "json"):
        page.get_by_role("button", name=f"Write .{name}").click()
        page.locator(f"a[href*='attention.{name}']").first.wait_for(state="attached")


def test_bad_text_is_told_and_the_page_goes_on(page):
    page.get_by_role("tab", name="Attention").click()
    for text, message in (("", "Type a text"), ("Ada 😀", "never read"), ("a" * 200, "at most 128 tokens")):
        page.get_by_label("Text", exact=True).fill(text)
        page.get_by_role("button", name="Show attention", exact=True).click()
        page.get_by_text(message).filter(visible=True).first.wait_for()
    show(page, "Ada was born")
