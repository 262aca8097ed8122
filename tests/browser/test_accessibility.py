"""axe-core over every place of the page, light and dark: it finds nothing, not even what is minor.

What Gradio's own markup does wrong and this project cannot mend is in GRADIO: by rule, words of the markup.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

GRADIO = {
    "aria-prohibited-attr": (
        '<div aria-label="Empty value"',  # a plot without a figure yet
        'aria-label="Static column"',  # in the head of a table of which another column can be edited
    ),
    "image-redundant-alt": ('alt="Settings"',),  # in the footer
    "scrollable-region-focusable": ('class="cm-scroller"',),  # the editor in it is contenteditable: it has the focus
}
# What waits for a new value is dimmed, and fades in.
SETTLED = """() => !document.querySelector('.pending, [data-busy]')
    && document.getAnimations().every(({ playState, effect }) =>
        playState !== 'running' || effect.getComputedTiming().endTime === Infinity)"""


@pytest.fixture(scope="module")
def axe():
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()


def list_barriers(axe, page, **options) -> list[str]:
    """ "rule: selector, message" of every violation, of any impact, that is not Gradio's own."""
    found = axe.run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}, {node['failureSummary']}\n{node['html'][:300]}"
        for rule in found
        for node in rule["nodes"]
        if not any(known in node["html"] for known in GRADIO.get(rule["id"], ()))
    ]


def test_no_place_has_a_barrier(axe, open_page, open_place, places, switch_mode):
    page, barriers = open_page(), {}
    for place in places:
        open_place(page, place)
        if place in FILLED:
            FILLED[place](page)
        for mode in ("light", "dark"):
            switch_mode(page, mode)
            page.wait_for_function(SETTLED)
            barriers[place, mode] = list_barriers(axe, page)
    assert {place: found for place, found in barriers.items() if found} == {}


def fill_birthplace(page) -> None:
    page.get_by_label("Name or question").fill("Where was Babe Ruth born?")
    page.get_by_label("Name or question").press("Enter")
    page.locator("section[aria-label=Answers][aria-busy=false]", has_text="Where was Babe Ruth born?").wait_for()


def fill_attention(page) -> None:
    page.get_by_role("button", name="Show attention", exact=True).click()
    page.locator("#pattern-first .status", has_text=" with ").wait_for()


def fill_few_shot(page) -> None:
    page.get_by_placeholder("Which river flows through Vienna?").fill("Which river flows through Vienna?")
    page.get_by_placeholder("Which river flows through Vienna?").press("Enter")
    page.get_by_role("heading", name="Which river flows through Vienna?").wait_for()


def fill_label(page) -> None:
    page.get_by_label("Your name").fill("axe")
    page.get_by_label("Your name").press("Enter")
    page.locator("#grading .question").wait_for()
    page.locator("#grading fieldset:not(:disabled) button[aria-pressed=false]").first.click()
    page.locator("#grading fieldset button[aria-pressed=true]").wait_for()


FILLED = {"birthplace": fill_birthplace, "attention": fill_attention, "few-shot": fill_few_shot, "label": fill_label}


def test_the_landmarks_lead_through_the_page(axe, open_page):
    """One main part with one title, the path as navigation, every tab's content named by its tab."""
    page = open_page()
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    page.locator("#a3-tour").click()
    assert page.get_by_role("navigation", name="A guided path").count() == 1
    rules = ["landmark-one-main", "page-has-heading-one", "document-title", "html-has-lang", "region", "bypass"]
    found = axe.run(page, options={"runOnly": rules}).response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == []
