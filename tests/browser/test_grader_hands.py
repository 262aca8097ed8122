"""The Grader in a real browser: keys after every kind of click, lost keys, jumps, search, filters, decisions."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from a3core.grader.runs.responses import Response, Run

pytestmark = pytest.mark.slow
NAME = "#grader-name input, #grader-name textarea"
SEARCH = "#grader-search input, #grader-search textarea"


@pytest.fixture(scope="module")
def store(address):
    """The store of the running app, with sums in two kinds, and an explanation of fifteen steps."""
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    store = LabelStore(open_database())
    sums = [
        Response(f"s{i}", f"What is {i} + 2?", f"{i + 2}", f"{i} and 2\nare {i + 2}.", f"{i + 2}", kind)
        for i, kind in enumerate(["standard", "chain of thought"] * 5)
    ]
    for name in ("hands", "disputed"):
        store.add_run(Run(name, tuple(sums)))
    steps = "\n".join(f"step number {i}" for i in range(1, 16))
    store.add_run(Run("fifteen", (Response("1", "How many steps?", "15", steps, "15"),)))
    return store


@pytest.fixture
def open_run(open_page, open_tab, store):
    def open_run(name: str, annotator: str):
        page = open_page(width=1366, height=768)
        open_tab(page, "Grader")
        box = page.get_by_label("Run", exact=True)
        expect(box).not_to_have_value("")
        box.click()
        box.fill(name)
        page.get_by_role("option", name=name).first.click()
        page.locator(NAME).fill(annotator)
        page.locator(NAME).press("Enter")
        expect(page.locator("#grading .question")).to_contain_text("many steps" if name == "fifteen" else "What is")
        page.wait_for_function("document.activeElement.closest('#grading')")
        page.wait_for_timeout(700)  # leaving the field opens the item once more
        return page

    return open_run


def press(page, keys: str) -> None:
    for key in keys:
        page.keyboard.press({"\n": "Enter"}.get(key, key))


def choose(page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option).first.click()


def labels_of(store, run: str, annotator: str) -> set:
    labels = store.labels(store.find_run(run))
    return {(label.response_id, label.field, label.value) for label in labels if label.annotator == annotator}


CLICKS = {
    "the section Label": lambda page: page.get_by_role("tab", name="Label").click(),
    "a check box": lambda page: page.get_by_label("hide the answer at first").click(),
    "an order": lambda page: choose(page, "Order", "given"),
    "a filter": lambda page: choose(page, "Show only", "prompt kind: standard"),
    "a button of the item": lambda page: page.get_by_role("button", name="flag").click(),
    "a radio of another section": lambda page: click_radio(page),
}


def click_radio(page) -> None:
    page.get_by_role("tab", name="Runs").click()
    page.get_by_label("csv", exact=True).click()
    page.get_by_role("tab", name="Label").click()


@pytest.mark.parametrize("clicked", CLICKS)
def test_keys_and_enter_work_after_every_kind_of_click(open_run, store, clicked):
    annotator = f"after {clicked}"
    page = open_run("hands", annotator)
    CLICKS[clicked](page)
    page.wait_for_timeout(500)
    press(page, "cya\ncya\n")
    expect(page.locator("#grading .progress")).to_contain_text("2 of 10 labelled")
    second = "s2" if clicked == "a filter" else "s1"
    labels = {(id_, field) for id_, field, _ in labels_of(store, "hands", annotator) if field != "flag"}
    assert labels == {(id_, field) for id_ in ("s0", second) for field in ("explanation", "convincing", "answer")}


def test_a_key_in_a_text_field_or_an_open_list_is_text(open_run, store):
    page = open_run("hands", "typist")
    page.locator(SEARCH).fill("")
    page.locator(SEARCH).press_sequentially("cyf")
    page.get_by_label("Show only", exact=True).click()
    press(page, "c")
    page.keyboard.press("Escape")
    assert labels_of(store, "hands", "typist") == set()


def test_a_button_that_was_reached_with_tab_is_pressed_by_enter(open_run, store):
    page = open_run("hands", "tabber")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("flawed"):
            break
    press(page, "\n")
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("flawed")
    press(page, "n\n")  # the label took the focus back: Enter is next again
    assert ("s0", "explanation", "flawed") in labels_of(store, "hands", "tabber")


def test_a_key_waits_for_the_items_of_a_name_that_was_just_typed(open_run, store):
    """The answer to the name takes a while: a key meanwhile is neither lost nor meant for the last person's item."""
    page = open_run("hands", "first")
    press(page, "cya\n")
    expect(page.locator("#grading .question")).to_have_text("What is 1 + 2?")
    page.route("**/gradio_api/**", lambda route: (page.wait_for_timeout(1500), route.continue_()))
    page.locator(NAME).fill("second")
    page.locator(NAME).press("Enter")
    press(page, "f")
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("flawed")
    page.unroute("**/gradio_api/**")
    assert labels_of(store, "hands", "second") == {("s0", "explanation", "flawed")}
    assert len(labels_of(store, "hands", "first")) == 3


def test_an_item_that_comes_late_does_not_replace_that_of_the_name_typed_since(open_run, store):
    page, held = open_run("hands", "early"), []

    def hold_first(route):
        if held or '"early","unlabelled first","",[],false' not in (route.request.post_data or ""):
            return route.continue_()
        held.append(route)  # what the check box asked for

    page.route("**/gradio_api/**", hold_first)
    page.get_by_label("hide the answer at first").click()  # opens the item once more, for the first name
    while not held:
        page.wait_for_timeout(50)
    page.locator(NAME).fill("late")
    page.locator(NAME).press("Enter")
    press(page, "c")
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("correct")
    with page.expect_response(lambda response: response.request == held[0].request) as late:
        held[0].continue_()
    late.value.finished()
    page.wait_for_timeout(1000)  # it is there, and taken or left
    press(page, "y")
    expect(page.locator("#grading button[aria-pressed=true]")).to_have_count(2)
    assert labels_of(store, "hands", "early") == set()
    assert labels_of(store, "hands", "late") == {("s0", "explanation", "correct"), ("s0", "convincing", "yes")}


def test_a_step_beyond_nine_is_two_digits(open_run, store):
    page = open_run("fifteen", "counter")
    wrong = page.locator("#grading .lines li.wrong")
    for keys, step in (("12", "12"), ("3", "3"), ("1", "1")):
        press(page, keys)
        expect(wrong).to_have_count(1)
        expect(wrong).to_contain_text(f"step number {step}")
        expect(wrong.locator("button")).to_contain_text("first wrong step")
    press(page, "19")
    expect(page.locator("#grading .said")).to_contain_text("There is no step 19")
    press(page, "14c")  # what is typed behind the digits waits for them
    expect(wrong).to_contain_text("step number 14")
    expect(page.locator("#grading button[aria-pressed=true]")).to_have_count(2)
    assert labels_of(store, "fifteen", "counter") == {("1", "first_wrong_step", "14"), ("1", "explanation", "correct")}


def test_jump_search_and_filter(open_run, store):
    page = open_run("hands", "seeker")
    expect(page.locator("#grading .total")).to_have_text("of 10")
    press(page, "#")
    page.keyboard.type("s7")
    press(page, "\n")
    expect(page.locator("#grading .jump")).to_have_value("8")
    press(page, "#")
    page.keyboard.type("99")
    press(page, "\n")
    expect(page.locator("#grading .said")).to_contain_text("There is no item '99'")
    press(page, "/")
    page.keyboard.type("4 AND 2")
    expect(page.locator("#grading .matching")).to_have_text("1 of the kind chosen")
    expect(page.locator("#grading .question")).to_have_text("What is 4 + 2?")
    press(page, "\nc")  # Enter leaves the search: this is a label again
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("correct")
    page.locator(SEARCH).fill("")
    choose(page, "Show only", "I: explanation correct")
    expect(page.locator("#grading .matching")).to_have_text("1 of the kind chosen")
    assert labels_of(store, "hands", "seeker") == {("s4", "explanation", "correct")}


def paste(page, text: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+v")


# an input method, dictation and another program put text in without a key
@pytest.mark.parametrize("put", [paste, lambda page, text: page.keyboard.insert_text(text)], ids=["paste", "insert"])
def test_what_is_pasted_into_the_search_or_deleted_is_searched(open_run, store, put):
    page = open_run("hands", "paster")
    press(page, "/")
    put(page, "4 + 2")
    expect(page.locator("#grading .question")).to_have_text("What is 4 + 2?")
    expect(page.locator("#grading .matching")).to_have_text("1 of the kind chosen")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(page.locator("#grading .matching")).to_have_text("")
    expect(page.locator("#grading .question")).to_have_text("What is 0 + 2?")


def test_a_filter_is_typed_to_the_end_and_the_next_key_is_a_label(open_run, store):
    page = open_run("hands", "filterer")
    page.get_by_label("Show only", exact=True).focus()
    page.keyboard.type("prompt kind: chain of thought")
    press(page, "\n")
    expect(page.locator("#grading .matching")).to_have_text("5 of the kind chosen")
    expect(page.locator("#grading .question")).to_have_text("What is 1 + 2?")
    page.wait_for_function("document.activeElement.closest('#grading')")
    press(page, "c")
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("correct")
    assert labels_of(store, "hands", "filterer") == {("s1", "explanation", "correct")}


def test_from_a_number_of_the_report_to_its_items_and_to_labelling(open_run, store):
    run = store.find_run("hands")
    for field, value in (("explanation", "correct"), ("convincing", "yes"), ("answer", "wrong")):
        store.label(run, "s9", "reporter", field, value)
    page = open_run("hands", "reader")
    page.get_by_role("tab", name="Report").click()
    cell = page.locator("#grader-board .crossed tbody tr").nth(1).locator("button").first
    expect(cell).to_be_visible()
    cell.click()
    expect(page.locator("#grader-opened")).to_contain_text("answer not right, explanation correct")
    expect(page.locator("#grader-opened")).to_contain_text("What is 9 + 2?")
    page.get_by_role("button", name="Label these").click()
    expect(page.locator("#grading .question")).to_have_text("What is 9 + 2?")
    expect(page.locator("#grading .matching")).to_contain_text("of the kind chosen")


def test_disagreements_are_marked_counted_and_decided_with_the_first_wrong_step(open_run, store):
    run = store.find_run("disputed")
    for name, value, step in (("one", "correct", "none"), ("two", "flawed", "2")):
        store.label(run, "s5", name, "explanation", value)
        store.label(run, "s6", name, "first_wrong_step", step)
    page = open_run("disputed", "judge")
    page.get_by_label("settle disagreements").click()
    expect(page.locator("#grading .question")).to_have_text("What is 5 + 2?")
    expect(page.locator("#grading fieldset.differs")).to_contain_text("one: correct · two: flawed")
    left = page.locator("#grading .progress")
    before = int(left.text_content().split()[0])
    press(page, "f\n")
    expect(page.locator("#grading .question")).to_have_text("What is 6 + 2?")
    expect(page.locator("#grading .steps.differs")).to_be_visible()
    press(page, "2")
    expect(page.locator("#grading .lines li.wrong")).to_have_count(1)
    expect(left).to_contain_text(f"{before - 2} ")
    assert labels_of(store, "disputed", "judge") == set()
    decided = {(d.response_id, d.field, d.value) for d in store.adjudications(run)}
    assert decided == {("s5", "explanation", "flawed"), ("s6", "first_wrong_step", "2")}


def test_names_of_one_person_are_one_and_known_ones_are_offered(open_run, store):
    page = open_run("hands", "ursula")
    press(page, "c")
    expect(page.locator("#grading button[aria-pressed=true]")).to_have_count(1)
    again = open_run("hands", " URSULA ")
    expect(again.locator("#grader-names option[value=ursula]")).to_have_count(1)
    expect(again.locator("#grading button[aria-pressed=true]")).to_have_count(1)
    press(again, "y")
    expect(again.locator("#grading button[aria-pressed=true]")).to_have_count(2)
    assert len(labels_of(store, "hands", "ursula")) == 2 and "URSULA" not in store.annotators(store.find_run("hands"))


def test_a_key_without_a_connection_is_seen_waits_and_is_sent_once(open_page, open_run, store):
    page = open_run("hands", "offline")
    press(page, "#")
    page.keyboard.type("3")
    press(page, "\n")
    expect(page.locator("#grading .question")).to_have_text("What is 2 + 2?")
    page.route("**/gradio_api/**", lambda route: route.abort("connectionrefused"))
    press(page, "c")
    expect(page.locator("#grading .said")).to_contain_text("No connection: your last key waits")
    assert labels_of(store, "hands", "offline") == set()
    page.unroute("**/gradio_api/**")
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("correct")
    expect(page.locator("#grading .question")).to_have_text("What is 2 + 2?")  # and not the first tab
    press(page, "y")
    expect(page.locator("#grading button[aria-pressed=true]")).to_have_count(2)
    assert labels_of(store, "hands", "offline") == {("s2", "explanation", "correct"), ("s2", "convincing", "yes")}
    open_page.complaints.clear()  # the refused requests
