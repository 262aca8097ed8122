"""Matrices of the attention view that travel one by one, late or never."""

from __future__ import annotations

import pytest
from attention_page import expect, show, status

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(attention_address):
    return attention_address


@pytest.fixture
def page(open_page):
    return open_page()


def hold_matrices(page) -> list:
    """What the page asks of the server from now on, and no one answers."""
    asked = []
    page.route("**/component_server/**", lambda route: asked.append(route))
    return asked


@pytest.fixture
def few_numbers(monkeypatch):
    """Matrices travel one by one, as those of a long text do."""
    monkeypatch.setattr("a3core.attention.payload.MATRICES_BYTES", 0)


def test_a_head_that_travels_lends_its_name_to_nothing(page, few_numbers):
    show(page, "Ada was born")
    chosen, matrix = page.locator("#pattern-first .chosen"), page.locator("#pattern-first canvas.matrix")
    named, drawn = chosen.inner_text(), matrix.evaluate("canvas => canvas.toDataURL()")
    asked = hold_matrices(page)
    page.locator("#pattern-first button[data-head='0.1']").click()
    expect(page.locator("#pattern-first .status")).to_have_text("…")
    matrix.hover()
    page.locator("#pattern-first .token").nth(3).hover()
    page.locator("#pattern-first").get_by_label("hide below").fill("0.1")
    assert status(page) == "…" and "layer 0, head 1" not in matrix.get_attribute("aria-label")
    assert chosen.inner_text() == named and matrix.evaluate("canvas => canvas.toDataURL()") == drawn
    asked[0].continue_()
    expect(chosen).to_have_text("layer 0, head 1")
    expect(page.locator("#pattern-first .status")).to_contain_text(" with ")


@pytest.mark.parametrize(
    ("answer", "says"),
    [('{"error": "It is on holiday."}', "It is on holiday."), ("broken", "No answer from the server")],
)
def test_a_head_that_never_came_lends_its_name_to_nothing(page, few_numbers, answer, says):
    show(page, "Ada was born")
    chosen, png = page.locator("#pattern-first .chosen"), page.locator("#pattern-first .png")
    named, saved = chosen.inner_text(), []
    page.on("download", lambda download: saved.append(download))
    page.route("**/component_server/**", lambda route: route.fulfill(body=answer))
    page.locator("#pattern-first button[data-head='0.1']").click()
    expect(page.locator("#pattern-first .status.failed")).to_contain_text(says)
    page.set_viewport_size({"width": 700, "height": 900})
    page.evaluate("document.body.classList.add('dark')")
    page.locator("#pattern-first").get_by_label("hide below").fill("0.1")
    png.click()
    page.wait_for_timeout(500)
    assert says in status(page) and chosen.inner_text() == named and saved == []
    page.unroute_all()
    page.locator("#pattern-first button[data-head='0.1']").click()
    expect(chosen).to_have_text("layer 0, head 1")
    with page.expect_download():
        png.click()
