"""Cancel, pressed while a long job runs: it says so within seconds, what was done stays, and the next run goes on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from a3core.birthplace.data.loading import list_people

pytestmark = pytest.mark.slow

AT_ONCE = 8_000  # milliseconds in which a page says that it has cancelled
FAMILY = "builtin:1000"
PROGRESS = re.compile(r"([\d,]+) of ([\d,]+) (?:prompts|answers)")


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """The app's cache, in which it finds nothing that was run before."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def address(start_app, cache):
    """The app as a person starts it: shipped checkpoints, and the packaged language model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A3_CACHE", str(cache))
        with start_app() as address:
            yield address


@pytest.fixture
def open_section(open_page, open_tab):
    def open_section(*names: str) -> Page:
        page = open_page()
        for name in names:
            open_tab(page, name)
        return page

    return open_section


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).filter(visible=True).first.click()


def wait_for_progress(page: Page, least: int = 1) -> tuple[int, int]:
    """(done, of how many), once at least so many are done."""
    page.wait_for_function(
        """([pattern, least]) => {
          const found = document.body.innerText.match(new RegExp(pattern));
          return found && Number(found[1].replaceAll(",", "")) >= least;
        }""",
        arg=[PROGRESS.pattern, least],
        timeout=180_000,
    )
    done, total = PROGRESS.search(page.inner_text("body")).groups()
    return int(done.replace(",", "")), int(total.replace(",", ""))


def cancel(page: Page, sentence: str, watched: int = 3000) -> None:
    """Cancelled while it runs: the page says so at once, and again at the end of the batch; no progress comes then."""
    press(page, "Cancel")
    expect(page.get_by_text(sentence).or_(page.get_by_text("Cancelling"))).to_be_visible(timeout=AT_ONCE)
    expect(page.get_by_text(sentence)).to_be_visible()
    page.wait_for_timeout(watched)  # what was not stopped would write by now
    expect(page.get_by_text(sentence)).to_be_visible()
    assert not PROGRESS.search(page.inner_text("body")), "it goes on"


def count_lines(file: Path) -> int:
    return len(file.read_bytes().splitlines())


def test_a_sweep_goes_on_where_it_was_cancelled(open_section, cache):
    page = open_section("Few-shot", "Sweep")
    results = page.locator("#screen-sweep .a3-result").filter(visible=True).first
    expect(results.locator(".js-plotly-plot").first).to_be_visible()
    press(page, "Run")
    done, total = wait_for_progress(page)
    assert 0 < done < total
    cancel(page, "Cancelled: the results below are those from before.")
    expect(results.locator(".js-plotly-plot").first).to_be_visible()
    stored = count_lines(cache / "grids" / "answers.jsonl")
    assert stored >= done
    press(page, "Run")
    again, of_all = wait_for_progress(page)
    assert again >= done and of_all == total, "what was answered is not asked again"
    cancel(page, "Cancelled: the results below are those from before.")


def test_a_run_of_answers_goes_on_where_it_was_cancelled_to_its_end(open_section, cache):
    page = open_section("Grader", "Generate")
    runs = page.get_by_label("Run", exact=True).first
    expect(runs).not_to_have_value("")
    before = runs.input_value()
    press(page, "Generate")
    done, total = wait_for_progress(page)
    assert 0 < done < total
    cancel(page, "Cancelled: no run was added.", watched=0)  # the next click counts, however soon it comes
    assert runs.input_value() == before
    assert done <= count_lines(cache / "cot_runs" / "answers.jsonl") < total
    press(page, "Generate")
    again, of_all = wait_for_progress(page)
    assert again >= done and of_all == total, "what was answered is not asked again"
    expect(runs).not_to_have_value(before, timeout=180_000)
    assert count_lines(cache / "cot_runs" / "answers.jsonl") == total


def test_a_file_of_questions_is_cancelled_and_another_is_answered(open_section):
    page = open_section("Birthplace", "A file of questions")
    names = [person.name for person in list_people(FAMILY).values()]
    shown = page.get_by_role("cell", name="builtin-recall", exact=True).first
    expect(shown).to_be_visible()
    evaluate(page, [f"Where was {name} born?\tRome" for name in names[:1900]])
    done, total = wait_for_progress(page)
    assert 0 < done < total
    cancel(page, "Cancelled. The same file goes on from there.")
    expect(shown).to_be_visible()  # the earlier result stays
    evaluate(page, [f"Where was {name} born?\tRome" for name in names[:1900]])
    again, of_all = wait_for_progress(page)
    assert again >= done and of_all == total, "what was answered is not asked again"
    cancel(page, "Cancelled. The same file goes on from there.")
    evaluate(page, [f"Where was {name} born?\tRome" for name in names[:3]])
    expect(page.get_by_text("3 questions answered.")).to_be_visible()


def evaluate(page: Page, lines: list[str]) -> None:
    if (earlier := page.locator("#screen-file").get_by_role("button", name="Clear")).count():
        earlier.first.click()
    content = {"name": "asked.tsv", "mimeType": "text/plain", "buffer": "\n".join(lines).encode()}
    page.locator("#screen-file input[type=file]").set_input_files(content)
    page.locator("#screen-file").get_by_label("asked.tsv").wait_for()  # it has arrived
    press(page, "Evaluate")
