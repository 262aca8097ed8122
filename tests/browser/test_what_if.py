"""The section What if of the Grader: a labelled response, its explanation changed, and the packaged model's answers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from a3core.common.paths import ASSETS
from a3core.grader.runs.generation import load_run
from a3core.grader.runs.responses import Response, Run

pytestmark = pytest.mark.slow
NAME = "#grader-name :is(input, textarea)"
ID = "arithmetic-2/chain of thought/0"


@pytest.fixture
def labelled(address) -> Response:
    """A response of the shipped run in a run of its own, the newest one; "kim" has labelled its explanation."""
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    store, shipped = LabelStore(open_database()), load_run(ASSETS / "cot_run")
    response = next(one for one in shipped.responses if one.id == ID)
    if "what if" not in {info.name for info in store.runs()}:
        store.label(store.add_run(Run("what if", (response,))), ID, "kim", "explanation", "correct")
    return response


@pytest.fixture
def open_section(open_page, open_tab):
    def open_section(annotator: str):
        page = open_page(width=1366, height=768)
        open_tab(page, "Grader")
        page.locator("#grading .question").wait_for()
        box = page.get_by_label("Run", exact=True)
        box.click()
        box.fill("what if")
        page.get_by_role("option", name="what if").click()
        page.locator(NAME).fill(annotator)
        page.locator(NAME).press("Enter")
        open_tab(page, "What if")
        return page

    return open_section


def test_an_answer_follows_a_changed_last_line(open_section, labelled):
    page = open_section("kim")
    text = page.get_by_label("Explanation, a step a line")
    expect(text).to_have_value("\n".join(labelled.lines))
    item, n = page.locator("#what-if-item"), len(labelled.lines)
    expect(item).to_contain_text(f"Not asked yet: {n + 1} prompts, about")  # the cost, before it starts
    rows = page.get_by_role("region", name="The answer after each step").locator("tbody tr")
    page.get_by_role("button", name="Answer after each step").click()
    expect(rows).to_have_count(n + 1, timeout=180_000)  # the model is loaded first
    expect(rows.last).to_contain_text(labelled.answer)
    expect(rows.last).to_contain_text("yes")
    head, _, tail = text.input_value().rpartition(labelled.answer)
    text.fill(f"{head}6{tail}")
    text.blur()
    expect(rows).to_have_count(0)  # they are of another text
    page.get_by_role("button", name="Answer after each step").click()
    expect(rows.last).to_contain_text("no")
    expect(rows.last.locator("td").nth(1)).to_have_text("6")


def test_a_slider_goes_over_the_steps_and_a_number_is_changed_by_a_click(open_section, labelled):
    page = open_section("kim")
    text, item, n = page.get_by_label("Explanation, a step a line"), page.locator("#what-if-item"), len(labelled.lines)
    expect(text).to_have_value("\n".join(labelled.lines))
    page.get_by_role("button", name="Answer after each step").click()
    item.locator("tr[aria-current]").filter(has_text=f"{n} of {n}").wait_for(timeout=180_000)
    slider = page.get_by_role("slider", name="Steps that the model reads")
    slider.press("ArrowLeft")
    expect(item.locator("tr[aria-current]")).to_contain_text(f"{n - 1} of {n}")
    expect(item.get_by_role("status")).to_contain_text(f"After {n - 1} of {n} steps:")
    expect(item.locator("li.muted")).to_have_count(1)
    item.locator("li").first.get_by_role("button").last.click()
    changed = text.input_value().split("\n")
    expect(text).not_to_have_value("\n".join(labelled.lines))
    changed = text.input_value().split("\n")
    assert changed[1:] == list(labelled.lines[1:]) and changed[0] != labelled.lines[0]
    expect(slider).to_have_value("1")  # from there the model goes on
    page.get_by_role("button", name="Let the model go on from there").click()
    expect(text).not_to_have_value("\n".join(changed), timeout=180_000)
    assert text.input_value().split("\n")[0] == changed[0]


def test_before_a_label_nothing_is_answered(open_section, labelled):
    page = open_section("somebody")
    expect(page.get_by_text("No explanation of this run is labelled by you yet")).to_be_visible()
    page.get_by_role("button", name="Answer after each step").click()
    expect(page.get_by_role("alert")).to_have_text("Choose a response whose explanation you have labelled.")
