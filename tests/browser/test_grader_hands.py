"""The Grader in a real browser: keys after every kind of click, lost keys, jumps, search, filters, decisions."""

from __future__ import annotations

import pytest
from hands import NAME, SEARCH, choose, labels_of, press, search, settle, sign_in
from playwright.sync_api import expect

from a3core.grader.runs.responses import Response, Run

pytestmark = pytest.mark.slow


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
    for name in ("hands", "counted", "disputed"):
        store.add_run(Run(name, tuple(sums)))
    steps = "\n".join(f"step number {i}" for i in range(1, 16))
    store.add_run(Run("fifteen", (Response("1", "How many steps?", "15", steps, "15"),)))
    return store


CLICKS = {  # those that last come last
    "the section Label": lambda page: page.get_by_role("tab", name="Label").click(),
    "an order": lambda page: choose(page, "Order", "given"),
    "the order that it had": lambda page: choose(page, "Order", "unlabelled first"),
    "a list that Esc closes": lambda page: (page.get_by_label("Order", exact=True).click(), press(page, ["Escape"])),
    "a button of the item": lambda page: page.get_by_role("button", name="flag").click(),
    "the explanation": lambda page: page.locator("#grading .lines span").first.click(),
    "a radio of another section": lambda page: click_in_runs(page, page.get_by_label("csv", exact=True)),
    "an accordion of another section": lambda page: click_in_runs(page, page.locator("button.label-wrap")),
    "a link": lambda page: page.locator("a.skip").evaluate("(link) => (link.focus(), link.click())"),
    "a check box": lambda page: page.get_by_label("hide the answer at first").click(),
    "a filter": lambda page: choose(page, "Show only", "prompt kind: standard"),
}


def click_in_runs(page, control) -> None:
    page.get_by_role("tab", name="Runs").click()
    control.filter(visible=True).first.click()
    page.get_by_role("tab", name="Label").click()


def test_items_are_labelled_by_keyboard_alone_after_every_kind_of_click(open_run, store, subtests):
    page = open_run("hands", "before any click")
    for clicked in CLICKS:
        with subtests.test(clicked):
            label_after(page, store, clicked, 10 if clicked == "the section Label" else 3)


def label_after(page, store, clicked: str, most: int) -> None:
    annotator, question = f"after {clicked}", page.locator("#grading .question")
    sign_in(page, annotator)
    CLICKS[clicked](page)
    settle(page)
    shown = range(0, 10, 2)[:most] if clicked == "a filter" else range(most)
    press(page, ["ArrowRight"])
    expect(question).to_have_text(f"What is {shown[1]} + 2?")
    press(page, ["ArrowLeft"])
    for i in shown:
        expect(question).to_have_text(f"What is {i} + 2?")
        press(page, "cya\n")
    expect(page.locator("#grading .progress")).to_contain_text(f"{most} of 10 labelled")
    labels = {(id_, field) for id_, field, _ in labels_of(store, "hands", annotator) if field != "flag"}
    assert labels == {(f"s{i}", field) for i in shown for field in ("explanation", "convincing", "answer")}


def test_a_key_in_a_text_field_or_an_open_list_is_text(open_run, store):
    page = open_run("hands", "typist")
    page.locator(SEARCH).fill("")
    page.locator(SEARCH).press_sequentially("cyf")
    settle(page)
    page.locator(SEARCH).fill("")
    expect(page.locator("#grading .question")).to_have_text("What is 0 + 2?")
    page.get_by_label("Show only", exact=True).click()
    press(page, "c")
    settle(page)
    assert labels_of(store, "hands", "typist") == set()
    press(page, ["Escape", "f"])  # Esc leaves it: this is a label
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("flawed")


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
    page.unroute_all(behavior="wait")  # one that still waits would fail in the next test
    assert labels_of(store, "hands", "second") == {("s0", "explanation", "flawed")}
    assert len(labels_of(store, "hands", "first")) == 3


def test_an_item_that_comes_while_a_name_is_typed_leaves_the_focus_there(open_run, store):
    page, held = open_run("hands", "slow"), []
    page.route("**/gradio_api/**", lambda route: held.append(route))
    choose(page, "Order", "given")  # another queue, whose item is still on its way
    page.locator(NAME).fill("")
    while not held:
        page.wait_for_timeout(50)
    for route in held:
        route.continue_()
    page.unroute("**/gradio_api/**")
    settle(page)
    page.keyboard.type("fay")
    expect(page.locator(NAME)).to_have_value("fay")


def test_an_item_that_comes_after_a_search_leaves_a_list_open(open_run):
    page, held = open_run("hands", "chooser"), []
    search(page, "4 AND 2")
    expect(page.locator("#grading .matching")).to_have_text("1 of the kind chosen")
    page.route("**/gradio_api/**", lambda route: held.append(route))
    page.locator(SEARCH).fill("")
    while not held:
        page.wait_for_timeout(50)
    page.get_by_label("Show only", exact=True).click()
    option = page.get_by_role("option", name="prompt kind: standard").first
    expect(option).to_be_visible()
    for route in held:
        route.continue_()
    page.unroute("**/gradio_api/**")
    expect(page.locator("#grading .matching")).to_have_text("")
    page.wait_for_timeout(300)  # a list that closes fades
    option.click()
    expect(page.locator("#grading .matching")).to_have_text("5 of the kind chosen")


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
    settle(page)  # it is there, and taken or left
    press(page, "y")
    expect(page.locator("#grading button[aria-pressed=true]")).to_have_count(2)
    assert labels_of(store, "hands", "early") == set()
    assert labels_of(store, "hands", "late") == {("s0", "explanation", "correct"), ("s0", "convincing", "yes")}


def press_at_once(page, keys: str) -> None:
    """With no time between them, on a slow machine, too: a digit waits a second for the next one."""
    press_one = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))"
    page.evaluate(f"(keys) => keys.forEach((key) => {press_one})", list(keys))


def test_a_step_beyond_nine_is_two_digits(open_run, store):
    page = open_run("fifteen", "counter")
    wrong = page.locator("#grading .lines li.wrong")
    for keys, step in (("12", "12"), ("3", "3"), ("1", "1")):
        press_at_once(page, keys)
        expect(wrong).to_have_count(1)
        expect(wrong).to_contain_text(f"step number {step}")
        expect(wrong.locator("button")).to_contain_text("first wrong step")
    press_at_once(page, "19")
    expect(page.locator("#grading .said")).to_contain_text("There is no step 19")
    press_at_once(page, "14c")  # what is typed behind the digits waits for them
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
    search(page, "4 AND 2")
    expect(page.locator("#grading .matching")).to_have_text("1 of the kind chosen")
    expect(page.locator("#grading .question")).to_have_text("What is 4 + 2?")
    press(page, "\nc")  # Enter leaves the search: this is a label again
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("correct")
    page.locator(SEARCH).fill("")
    choose(page, "Show only", "I: explanation correct")
    expect(page.locator("#grading .matching")).to_have_text("1 of the kind chosen")
    assert labels_of(store, "hands", "seeker") == {("s4", "explanation", "correct")}


def test_a_number_that_is_typed_stays_while_an_answer_comes(open_run):
    page = open_run("hands", "jumper")
    jump = page.locator("#grading .jump")
    press(page, "c#")  # the answer to the label comes while the number is typed
    page.keyboard.type("4")
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("correct")
    settle(page)
    press(page, "\n")
    expect(page.locator("#grading .question")).to_have_text("What is 3 + 2?")
    press(page, ["#", "7", "Escape"])
    expect(jump).to_have_value("4")


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
    run = store.find_run("counted")
    for field, value in (("explanation", "correct"), ("convincing", "yes"), ("answer", "wrong")):
        store.label(run, "s9", "reporter", field, value)
    page = open_run("counted", "reader")
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
