"""One long job runs: the others read how many wait before them; who cancels or leaves is waited for no more."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect
from serving import serve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running():
    """Ends the long job that runs."""
    return threading.Event()


@pytest.fixture(scope="module")
def address(demo, running):
    """The page, on which a map of every head takes until `running` is set."""
    from a3core.ui.attention import tab

    answer = tab.answer_view

    def answer_slowly(models, asked, *rest):
        if asked["kind"] == "maps":
            running.wait(300)
        return answer(models, asked, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tab, "answer_view", answer_slowly)
        with serve(demo) as address:
            yield address


def map_heads(page) -> None:
    page.get_by_role("button", name="Show attention", exact=True).click()
    page.locator("#pattern-first .status", has_text=" with ").wait_for()
    page.locator("#pattern-first").get_by_role("button", name="Map every head").click()


def evaluate(page) -> None:
    page.locator("input[type=file]").last.set_input_files(
        {"name": "a.tsv", "mimeType": "text/plain", "buffer": b"Where was Ada born?\tRome\n"}
    )
    page.get_by_label("a.tsv").wait_for()
    page.get_by_role("button", name="Evaluate", exact=True).click()


def teach(page) -> None:
    table = "name,answer\n" + "".join(f"Name {i},Town {i % 4}\n" for i in range(40))
    page.locator("input[type=file]").first.set_input_files(
        {"name": "facts.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    page.get_by_label("facts.csv").wait_for()
    page.get_by_role("button", name="Learn these facts").click()


def press(name: str):
    return lambda page: page.get_by_role("button", name=name, exact=True).click()


JOBS = {  # the tabs to it, and what begins it
    "a map of heads": (["Attention"], map_heads),
    "a training": (["Birthplace", "Watch it learn"], press("Start")),
    "a file": (["Birthplace", "A file of questions"], evaluate),
    "facts": (["Birthplace", "Facts of your own"], teach),
    "a sweep": (["Few-shot", "Sweep"], press("Run")),
    "a run of answers": (["Grader", "Generate"], press("Generate")),
}


def test_who_waits_for_a_long_job_reads_how_many_are_before(open_page, open_tab, running):
    first = open_page()
    open_tab(first, "Attention")
    map_heads(first)
    first.locator(".progress-text", has_text="processing").wait_for()
    pages = []
    for i, (tabs, begin) in enumerate(JOBS.values()):
        page = open_page()
        for name in tabs:
            open_tab(page, name)
        begin(page)
        words = {0: "You are next", 1: "1 waits before you"}.get(i, f"{i} wait before you")
        line = page.locator(".a3-before").filter(visible=True)
        expect(line).to_have_count(1)  # what the page asked before is answered
        expect(line).to_have_text(words)
        box = line.bounding_box()
        assert box["width"] > 50 and box["height"] > 10
        pages.append(page)
    last = pages[-1].locator(".a3-before")
    pages[2].get_by_role("button", name="Cancel", exact=True).filter(visible=True).click()  # is waited for no more
    last.filter(has_text="4 wait before you").wait_for()
    pages[0].context.close()  # nor is who leaves
    last.filter(has_text="3 wait before you").wait_for()
    for page in pages[1:]:
        page.context.close()
    running.set()
    first.locator("#pattern-first .maps figure").first.wait_for()
