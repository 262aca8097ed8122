"""Every layout in a real browser and by command: the same responses, labels and further columns."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect
from samples import FOLDER, SAMPLES, describe_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(address):
    """The store of the running app."""
    from a3core import grader

    return grader.open_store()


@pytest.fixture
def panel(open_page, open_tab):
    """The page with the import panel in front."""
    page = open_page(width=1366)
    open_tab(page, "Grader")
    page.get_by_role("tab", name="Runs", exact=True).click()
    page.locator("input[type=file]").first.wait_for(state="attached")
    return page


def open_again(page, open_tab):
    """The panel in another tab of the browser."""
    again = page.context.new_page()
    again.goto(page.url)
    open_tab(again, "Grader")
    expect(again.locator("#grading .question")).not_to_be_empty()  # what the link names is there, and moves no more
    again.get_by_role("tab", name="Runs", exact=True).click()
    return again


def choose_file(page, path) -> None:
    """In the place of the one before."""
    panel = page.locator("#grader-runs")
    if (earlier := panel.get_by_label("Clear", exact=True).filter(visible=True)).count():
        earlier.click()
        expect(panel.get_by_text(re.compile(r"responses.* labels")).filter(visible=True)).to_have_count(0)
    panel.locator("input[type=file]").first.set_input_files(path)


@pytest.fixture
def run_command(run):
    """Gives what python -m a3core grader writes as JSON."""

    def run_command(*words) -> dict:
        code, out, errors = run("grader", *words, "--json")
        assert code in (0, None) and out.count("\n") == 1, errors
        return json.loads(out)

    return run_command


def test_files_come_in_on_the_page_as_by_command(panel, store, run_command, subtests):
    for name in SAMPLES:
        with subtests.test(name):
            import_on_page(panel, name)
            import_by_command(run_command, name)
            on_page, by_command = (describe_run(store, store.find_run(f"{how} {name}")) for how in ("page", "command"))
            assert on_page == by_command


def import_on_page(panel, name: str) -> None:
    sample = SAMPLES[name]
    choose_file(panel, FOLDER / name)
    summary = panel.get_by_text(f"{sample.responses} responses, {sample.labels} labels").first
    expect(summary).to_be_visible()
    if sample.layout:
        expect(panel.get_by_text(f"Recognised: {sample.layout}").first).to_be_visible()
    panel.get_by_label("Name of the run").first.fill(f"page {name}")
    panel.get_by_role("button", name="Import", exact=True).click()
    done = f"Imported {sample.responses} responses with {sample.labels} labels."
    expect(panel.get_by_text(done)).to_be_visible()


def import_by_command(run_command, name: str) -> None:
    sample = SAMPLES[name]
    assert run_command("import", FOLDER / name, "--run", f"command {name}") == {
        "run": f"command {name}",
        "responses": sample.responses,
        "labels": sample.labels,
        "annotators": list(sample.annotators),
        "skipped": 0,
    }


def test_an_encoding_is_asked_for(panel, store):
    choose_file(panel, FOLDER / "sheet_cp1252.csv")
    expect(panel.get_by_text("this is not UTF-8 text").first).to_be_visible()
    box = panel.get_by_label("Encoding")
    box.click()
    panel.get_by_role("option", name="windows-1252").click()
    expect(panel.get_by_text("1 responses, 0 labels").first).to_be_visible()
    expect(panel.get_by_text("Zürich").first).to_be_visible()


def test_a_file_of_labels_comes_into_a_run_that_is_there(panel, open_tab, store, run_command):
    run_command("import", FOLDER / "responses_for_labels_long.jsonl", "--run", "five")
    panel = open_again(panel, open_tab)
    run = panel.get_by_label("Run", exact=True)
    expect(run).not_to_have_value("")
    run.click()
    run.fill("five")
    panel.get_by_role("option", name="five").first.click()
    panel.get_by_label("labels of the run chosen above").check()
    choose_file(panel, FOLDER / "labels_long.csv")
    expect(panel.get_by_text("10 labels by ann, bob").first).to_be_visible()
    panel.get_by_role("button", name="Import", exact=True).click()
    expect(panel.get_by_text("Imported 0 responses with 10 labels.")).to_be_visible()
    labels = store.labels(store.find_run("five"))
    assert len(labels) == 10 and {label.at[:10] for label in labels if label.response_id == "r2"} == {"2026-03-02"}


NESTED = [
    {"doc": {"q": "How many are left?", "level": 1}, "outs": ["Two and three.", "It is 6."], "marks": ["ok", "0"]},
    {"doc": {"q": "What is half of 30?"}, "outs": ["Thirty by two."], "marks": ["0"]},
    {"doc": {"q": ""}, "outs": ["Six."], "marks": ["0"]},
]


def type_path(page, label: str, path: str) -> None:
    """Types a path into a menu, as one that is not on its list."""
    menu = page.get_by_label(label, exact=True).first
    menu.click()
    menu.fill(path)
    menu.press("Enter")


def test_paths_are_typed_and_what_is_not_known_is_asked(panel, open_tab, store, tmp_path):
    file = tmp_path / "nested.jsonl"
    file.write_text("".join(json.dumps(row | {"who": "ann"}) + "\n" for row in NESTED), encoding="utf-8")
    choose_file(panel, file)
    expect(panel.get_by_text("choose the column of the answer or of the explanation").first).to_be_visible()
    type_path(panel, "explanation", "outs[*]")
    type_path(panel, "annotator", "who")
    type_path(panel, "columns of labels", "marks[*]")
    expect(panel.get_by_text("3 responses, 2 labels by ann").first).to_be_visible()
    meaning = panel.get_by_label("'ok' of 'marks' means")
    meaning.click()
    panel.get_by_role("option", name="explanation.correct").click()
    expect(panel.get_by_text("3 responses, 3 labels by ann").first).to_be_visible()
    panel.get_by_label("Leave bad rows out: 1").check()
    panel.get_by_role("button", name="Import", exact=True).click()
    expect(panel.get_by_text("Imported 3 responses with 3 labels.")).to_be_visible()
    labels = [(x.response_id, x.value) for x in store.labels(store.find_run("nested"))]
    assert labels == [("1-1", "correct"), ("1-2", "flawed"), ("2", "flawed")]
    again = open_again(panel, open_tab)  # the next file like it
    choose_file(again, file)
    expect(again.get_by_text("3 responses, 3 labels by ann").first).to_be_visible()
    again.wait_for_timeout(1500)  # its columns are in the menus now, which ask for the preview once more
    expect(again.get_by_text("3 responses, 3 labels by ann").first).to_be_visible()
    expect(again.get_by_label("'ok' of 'marks' means")).to_be_hidden()
