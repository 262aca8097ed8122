"""Finding items in a real browser: search in all that is read, filters by labels; keys label what comes."""

from __future__ import annotations

import pytest
from hands import SEARCH, choose, labels_of, press, search, settle
from playwright.sync_api import expect

from a3core.grader.runs.responses import Response, Run

pytestmark = pytest.mark.slow
TALES = [
    ("bread", "the heron", "The floor was wet.\nA feather lay there."),
    ("cheese", "the otter", "A tail left a line.\nIt leads to the river."),
    ("plums", "the heron", "The branch is high.\nNobody else is so tall."),
    ("cake", "the badger", "Crumbs lead to a hole.\nIt smelled of earth."),
]
TASTES = {"bread": "salty", "cheese": "salty", "plums": "sweet", "cake": "sweet"}  # a further column of the file
NONE = "No item is of this kind"


@pytest.fixture(scope="module")
def store(address):
    """The store of the running app; in "disputed", two people differ about the cheese and the cake."""
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    store = LabelStore(open_database())
    tales = tuple(Response(thing, f"Who took the {thing}?", who, why, who) for thing, who, why in TALES)
    for name in ("tales", "disputed"):
        run = store.add_run(Run(name, tales, extra={thing: {"taste": taste} for thing, taste in TASTES.items()}))
    for annotator, cheese, cake in (("one", "correct", "yes"), ("two", "flawed", "no")):
        store.label(run, "bread", annotator, "explanation", "correct")
        store.label(run, "cheese", annotator, "explanation", cheese)
        store.label(run, "cake", annotator, "convincing", cake)
    return store


def expect_item(page, thing: str, matching: int) -> None:
    expect(page.locator("#grading .matching")).to_have_text(f"{matching} of the kind chosen")
    expect(page.locator("#grading .question")).to_have_text(f"Who took the {thing}?")
    settle(page)


def expect_none(page) -> None:
    expect(page.locator("#grading .said")).to_contain_text(NONE)
    expect(page.locator("#grading .item")).to_be_hidden()


def test_question_and_explanation_are_searched_and_what_comes_is_labelled(open_run, store):
    page = open_run("tales", "reader")
    for words, thing in (("THE PLUMS", "plums"), ("feather lay", "bread"), ("smelled", "cake")):
        search(page, words)
        expect_item(page, thing, 1)
        press(page, "\nc")
        settle(page)
    found = {(thing, "explanation", "correct") for thing in ("plums", "bread", "cake")}
    assert labels_of(store, "tales", "reader") == found


def test_a_note_is_searched_by_the_one_who_wrote_it(open_run, store):
    store.label(store.find_run("tales"), "cake", "somebody", "note", "strange, too")
    page = open_run("tales", "writer")
    press(page, "#3\n")
    expect(page.locator("#grading .question")).to_have_text("Who took the plums?")
    press(page, "e")
    page.keyboard.type("How strange!")
    page.keyboard.press("Escape")
    settle(page)
    search(page, "strange")
    expect_item(page, "plums", 1)


def test_a_search_does_not_give_a_hidden_answer_away(open_run, store):
    page = open_run("tales", "blind")
    search(page, "heron")
    expect_none(page)
    press(page, "\nc")  # there is no item that it could be meant for
    settle(page)
    assert labels_of(store, "tales", "blind") == set()
    page.locator(SEARCH).fill("")
    expect(page.locator("#grading .item")).to_be_visible()  # a key without an item is meant for none
    expect(page.locator("#grading .question")).to_have_text("Who took the bread?")
    page.locator(SEARCH).press("Enter")
    press(page, "cy")
    expect(page.locator("#grading .answer")).to_contain_text("the heron")
    search(page, "heron")
    expect_item(page, "bread", 1)  # the one whose explanation is judged, and not the plums
    page.get_by_label("hide the answer at first").click()
    expect_item(page, "bread", 2)
    press(page, "a\n")
    expect_item(page, "plums", 2)


def by_mouse(page, option: str) -> None:
    choose(page, "Show only", option)


def by_keyboard(page, option: str) -> None:
    page.get_by_label("Show only", exact=True).focus()
    page.keyboard.type(option)
    press(page, "\n")


CHOSEN = {  # the first of two items, the key for the second one, the cake, and the label that it gives
    "disagreements": ("cheese", "n", ("convincing", "no")),
    "taste: sweet": ("plums", "c", ("explanation", "correct")),
}


@pytest.mark.parametrize("option", CHOSEN)
@pytest.mark.parametrize("choose_only", [by_mouse, by_keyboard])
def test_items_of_a_kind_or_a_further_column_are_chosen_and_labelled_by_keys(open_run, store, choose_only, option):
    annotator, (first, key, label) = f"{option} {choose_only.__name__}", CHOSEN[option]
    page = open_run("disputed", annotator)
    choose_only(page, option)
    expect_item(page, first, 2)
    press(page, "cya\n")
    expect_item(page, "cake", 2)
    press(page, key)
    settle(page)
    answered = {("explanation", "correct"), ("convincing", "yes"), ("answer", "correct")}
    expected = {(first, field, value) for field, value in answered} | {("cake", *label)}
    assert labels_of(store, "disputed", annotator) == expected


@pytest.mark.parametrize("choose_only", [by_mouse, by_keyboard])
def test_labels_of_anybody_are_chosen_and_blind_ones_do_not_count(open_run, store, choose_only):
    annotator = f"anybody {choose_only.__name__}"
    page = open_run("disputed", annotator)
    choose_only(page, "anybody: explanation flawed")
    expect_none(page)  # what others say is not shown before the own labels
    page.get_by_label("hide the answer at first").click()
    expect_item(page, "cheese", 1)
    press(page, "cya")
    settle(page)
    page.get_by_label("hide the answer at first").click()
    settle(page)
    expect_item(page, "cheese", 1)
    assert {thing for thing, _, _ in labels_of(store, "disputed", annotator)} == {"cheese"}
