"""The Grader in a real browser: ten responses by keyboard alone, hostile text, a reload, the report, two visitors."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error, expect

from a3core.grader.runs.responses import Response, Run

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(1)> ${1+1} {{value}} \u202eabc"


@pytest.fixture(scope="module")
def store(address):
    """The store of the running app, with ten sums and a hostile response."""
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    store = LabelStore(open_database())
    sums = [
        Response(f"{i}", f"What is {i} + 2?", f"{i + 2}", f"{i} and 2\nare {i + 2}.", f"{i + 2}") for i in range(10)
    ]
    store.add_run(Run("ten sums", tuple(sums)))
    store.add_run(Run("hostile", (Response("1", HOSTILE, HOSTILE, f"{HOSTILE}\nnull \0", HOSTILE, HOSTILE),)))
    return store


@pytest.fixture
def open_run(open_page, open_tab, store):
    def open_run(name: str, annotator: str, **look):
        page = open_page(**look)
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        open_tab(page, "Grader")
        choose_run(page, name)
        box = page.get_by_label("Your name")
        box.fill(annotator)
        box.press("Enter")
        page.locator("#grading .question").wait_for()
        box.blur()
        return page

    return open_run


def choose_run(page, name: str) -> None:
    box = page.get_by_label("Run", exact=True)
    expect(box).not_to_have_value("")
    if not box.is_visible():  # on a phone the settings are folded away
        page.locator("#screen-grader .a3-more").click()
    box.click()
    box.fill(name)
    page.get_by_role("option", name=name).first.click()


def choose(page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def progress(page):
    return page.locator("#grading .progress")


def press(page, keys: str) -> None:
    for key in keys:
        page.keyboard.press({"\n": "Enter"}.get(key, key))


def test_ten_responses_by_keyboard_alone(open_run, store):
    page = open_run("ten sums", "kim")
    for i in range(10):
        expect(page.locator("#grading .question")).to_have_text(f"What is {i} + 2?")
        press(page, "fn1" if i == 3 else "cy0")
        expect(page.locator("#grading .answer")).to_contain_text("gold answer")
        press(page, "w\n" if i == 3 else "a\n")
    expect(page.locator("#grading .said")).to_contain_text("Everything in this queue is labelled")
    run = store.find_run("ten sums")
    labels = [label for label in store.labels(run) if label.annotator == "kim"]
    assert len(labels) == 40
    wrong = {(label.field, label.value) for label in labels if label.response_id == "3"}
    assert wrong == {("explanation", "flawed"), ("convincing", "no"), ("first_wrong_step", "1"), ("answer", "wrong")}
    page.get_by_role("tab", name="Report").click()
    expect(page.locator("#grader-board .a3-facts")).to_contain_text("10 of 10 responses are labelled")


def test_keys_typed_fast_are_all_stored(open_run, store):
    page = open_run("ten sums", "fast")
    press(page, "cya\n" * 10)
    expect(progress(page)).to_contain_text("10 of 10 labelled")
    labels = [label for label in store.labels(store.find_run("ten sums")) if label.annotator == "fast"]
    assert len(labels) == 30


def test_keys_typed_ahead_are_meant_for_the_item_that_is_then_shown(open_run, store):
    page = open_run("ten sums", "ada")
    press(page, "1gcya\n1gcya\n")  # on the second item, too, the first step is wrong, and it is flagged
    expect(progress(page)).to_contain_text("2 of 10 labelled")
    expect(page.locator("#grading .question")).to_have_text("What is 2 + 2?")
    labels = [label for label in store.labels(store.find_run("ten sums")) if label.annotator == "ada"]
    fields = {"explanation", "convincing", "answer", "first_wrong_step", "flag"}
    for id_ in ("0", "1"):
        assert {label.field for label in labels if label.response_id == id_} == fields


def test_a_run_that_comes_in_is_shown_before_a_key_can_be_meant_for_it(open_run, store, tmp_path):
    page = open_run("ten sums", "ines")
    file = tmp_path / "new.jsonl"
    file.write_text('{"question": "A new one?", "answer": "1", "explanation": "It is\\nnew."}\n', encoding="utf-8")
    page.get_by_role("tab", name="Runs").click()
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.get_by_label("Name of the run").first).to_have_value("new")  # its columns are guessed by now
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Imported 1 responses")).to_be_visible()
    page.get_by_role("tab", name="Label").click()
    expect(page.locator("#grading .question")).to_have_text("A new one?")
    press(page, "c")
    chosen = page.locator("#grading fieldset[data-field=explanation] button[aria-pressed=true]")
    expect(chosen).to_contain_text("correct")
    (label,) = store.labels(store.find_run("new"))
    assert (label.annotator, label.value) == ("ines", "correct")


def test_leaving_the_name_field_late_does_not_move_a_labelled_item(open_run, store):
    page = open_run("ten sums", "lena")
    press(page, "cya")
    expect(progress(page)).to_contain_text("1 of 10")
    page.get_by_label("Your name").focus()
    with page.expect_response(is_show):
        page.get_by_label("Your name").blur()
    page.get_by_label("hide the answer at first").focus()  # another round of the event loop: what came is drawn
    expect(page.locator("#grading .question")).to_have_text("What is 0 + 2?")
    with page.expect_response(is_show):
        choose(page, "Order", "given")  # another queue, in which another item is next
    expect(page.locator("#grading .question")).to_have_text("What is 1 + 2?")


def is_show(response) -> bool:
    """Whether this is the answer to the event that shows where an annotator stands."""
    try:
        return "gradio_api" in response.url and '"progress"' in response.text()
    except Error:  # the browser has thrown that body away
        return False


def test_undo_note_flag_and_help(open_run, store):
    page = open_run("ten sums", "una")
    press(page, "c")
    chosen = page.locator("#grading fieldset[data-field=explanation] button[aria-pressed=true]")
    expect(chosen).to_contain_text("correct")
    press(page, "z")
    expect(chosen).to_have_count(0)
    page.keyboard.press("Shift+Z")
    expect(chosen).to_contain_text("correct")
    press(page, "e")
    page.keyboard.type("a note with c and f")  # keys in a field are text
    page.keyboard.press("Escape")
    press(page, "g")
    expect(page.locator("#grading .flag")).to_have_attribute("aria-pressed", "true")
    press(page, "?")
    expect(page.locator("#grading .keys")).to_be_visible()
    labels = {
        label.field: label.value for label in store.labels(store.find_run("ten sums")) if label.annotator == "una"
    }
    assert labels == {"explanation": "correct", "note": "a note with c and f", "flag": "yes"}


def test_another_visit_goes_on_where_the_last_one_stood(open_run, open_tab):
    page = open_run("ten sums", "rita")
    press(page, "cya\n")
    expect(page.locator("#grading .question")).to_have_text("What is 1 + 2?")
    again = page.context.new_page()
    again.goto(page.url)
    open_tab(again, "Grader")
    expect(again.locator("#grading .question")).to_have_text("What is 1 + 2?")
    expect(again.get_by_label("Your name")).to_have_value("rita")


def test_hostile_text_is_text(open_run):
    page = open_run("hostile", "hal")
    expect(page.locator("#grading .question")).to_contain_text("<script>alert(1)</script>")
    press(page, "cy")
    expect(page.locator("#grading .answer")).to_contain_text("${1+1} {{value}}")
    assert page.locator("#grading img, #grading script").count() == 0


def test_two_annotators_do_not_see_each_other(open_run):
    first, second = open_run("ten sums", "one"), open_run("ten sums", "two")
    press(first, "cya")
    expect(progress(first)).to_contain_text("1 of 10")
    expect(second.locator("#grading .others li")).to_have_count(0)
    press(second, "fnw")
    expect(second.locator("#grading .others")).to_contain_text("one: explanation is correct")


def test_dark_and_narrow(open_run, list_overflows):
    page = open_run("ten sums", "dana")
    expect(page.locator("#grading fieldset")).to_have_count(3)
    assert list_overflows(page) == {}


def test_labels_of_two_machines_that_differ_are_found_and_decided_by_a_click(open_run, store, tmp_path):
    from a3core.grader.export.restore import Archive, add_events
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    run, other = store.find_run("ten sums"), LabelStore(open_database(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    copy = other.add_run(Run("ten sums", store.responses(run)))
    store.label(run, "4", "ulf", "explanation", "correct")
    other.label(copy, "4", "ulf", "explanation", "flawed")
    add_events(store, run, Archive(None, other.history(copy), other.schemas(copy)))
    page = open_run("ten sums", "ulf")
    expect(page.locator("#grading .undecided")).to_contain_text("1 label was given differently on two machines.")
    page.get_by_role("button", name="show the next").click()
    expect(page.locator("#grading .question")).to_have_text("What is 4 + 2?")
    line = page.get_by_role("group", name="Different on two machines")
    expect(line).to_contain_text("explanation was given differently on two machines:")
    line.get_by_role("button", name="flawed").click()
    expect(line).to_be_empty()
    expect(page.locator("#grading .undecided")).to_be_hidden()
    assert [label.value for label in store.labels(run, "ulf")] == ["flawed"]


def test_an_export_of_another_laptop_is_merged_in_the_page(open_run, store, tmp_path):
    from labelled import restore_export

    from a3core.grader.export.archive import export_run
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    run, other = store.find_run("ten sums"), LabelStore(open_database(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    copy = restore_export(other, export_run(store, run, "jsonl", tmp_path))
    store.label(run, "6", "uri", "explanation", "correct")
    other.label(copy, "6", "uri", "explanation", "flawed")
    other.label(copy, "7", "uri", "explanation", "flawed")
    page = open_run("ten sums", "uri")
    page.get_by_role("tab", name="Runs").click()
    page.get_by_text("Export, and put an export back").click()
    box = page.locator("input[type=file][accept*='.zip']")
    box.set_input_files(str(export_run(other, copy, "jsonl", tmp_path / "there")))
    expect(page.get_by_text("this copy has 2 further changes of labels")).to_be_visible()
    expect(page.get_by_text("uri: explanation of 6 is correct or flawed")).to_be_visible()
    assert len(store.labels(run, "uri")) == 1  # nothing is stored yet
    page.get_by_role("button", name="Merge it").click()
    expect(page.get_by_text("Merged.", exact=True)).to_be_visible()
    assert len(store.labels(run, "uri")) == 2
    page.get_by_role("tab", name="Label").click()
    expect(page.locator("#grading .undecided")).to_contain_text("1 label was given differently on two machines.")
