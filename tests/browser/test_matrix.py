"""Every tab against what can go wrong anywhere: hostile text, the keyboard alone, a phone, two visitors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

HOSTILE = {
    "markup": "<img src=x onerror=window.hit=1><b data-hostile>b</b><script>window.hit=1</script> "
    "${window.hit=1} {{value}} {{{value}}} {% x %} `x` \\u0041 \u202eevil\u2066 \u0645\u0631\u062d\u0628\u0627 "
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001d518\U0001d52b '; DROP TABLE runs; -- \" OR 1=1",
    "very long": "x" * 20_000,
    "NUL": "a\0b\x1b[31m\x7f",  # may be refused, and what is in the same text with it
    "path": "../../../../../etc/passwd",
}
FIELDS = "input[type=text], input[type=search], input:not([type]), textarea, [contenteditable=true]"
HOSTILE_PLACES = (
    *("birthplace", "facts", "change", "memory", "attention"),
    *("laboratory", "few-shot", "label", "runs", "questions"),
)
BANK_QUESTION = "Which river flows through Vienna?"


def list_fields(page) -> list:
    return [field for field in page.locator(FIELDS).filter(visible=True).all() if field.is_editable()]


def ask_birthplace(page, name: str = "Babe Ruth") -> None:
    box = page.get_by_label("Name or question")
    box.fill(name)
    box.press("Enter")
    expect(page.get_by_role("heading", name=f"Where was {name} born?")).to_be_visible()


def show_attention(page, text: str = "Ada was born") -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_label("also what the model writes after it").uncheck()
    page.get_by_role("button", name="Show attention", exact=True).click()
    expect(page.locator("#pattern-first .facts")).to_contain_text(f"{len(text)} tokens")


def build_prompt(page, question: str = BANK_QUESTION) -> None:
    page.get_by_placeholder(BANK_QUESTION).fill(question)
    page.get_by_placeholder(BANK_QUESTION).press("Enter")
    page.get_by_role("heading", name=question).wait_for()
    expect(page.locator("#screen-fewshot .a3-prompt li.ask")).to_contain_text(question)


def start_labelling(page) -> None:
    box = page.get_by_label("Your name")
    box.fill("matrix")
    box.press("Enter")
    expect(page.locator("#grading .question")).not_to_be_empty()


JOBS: dict[str, Callable] = {
    "birthplace": ask_birthplace,
    "attention": show_attention,
    "few-shot": build_prompt,
    "label": start_labelling,
}


def test_hostile_text_in_every_field_is_text(open_page, open_place, subtests):
    """Another visitor, who has the page open all the time, goes on with his work."""
    another, page, dialogs = open_page(), open_page(), []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for place in HOSTILE_PLACES:
        with subtests.test(place):
            type_hostile_text(page, open_place, place)
            open_place(another, place, unfold=False)
            if place in JOBS:
                JOBS[place](another)
    assert dialogs == []


def type_hostile_text(page, open_place, place: str) -> None:
    open_place(page, place)
    fields = list_fields(page)
    assert fields or place == "laboratory"
    for text in HOSTILE.values():
        for field in fields:
            if not field.count():  # a name that is refused takes the item away, and the fields in it
                continue
            field.fill(text)
            field.press("Tab" if field.evaluate("each => each.tagName !== 'INPUT'") else "Enter")
    page.wait_for_timeout(1000)  # what was answered is on the page
    assert page.locator("[data-hostile]").count() == 0
    assert page.evaluate("window.hit") is None


def test_a_tab_opened_after_all_others_does_its_job(open_page, open_place, places, subtests):
    page = open_page()
    for place in places:
        open_place(page, place, unfold=False)
    for place, do in JOBS.items():
        with subtests.test(place):
            open_place(page, place, unfold=False)
            do(page)


def test_no_place_scrolls_sideways(open_page, open_place, places, list_overflows):
    page = open_page(width=360, height=740)
    page.locator("#a3-tour").click()
    for place in places:
        open_place(page, place)
        if place in JOBS:
            JOBS[place](page)
        assert list_overflows(page) == {}, place


KEYED = {  # by keyboard alone: keys to press in a widget, and what then is on the page
    "birthplace": (
        lambda page: page.get_by_label("Name or question"),
        ["Babe Ruth", "Enter"],
        "h2:has-text('Babe Ruth')",
    ),
    "attention": (
        lambda page: page.get_by_role("button", name="Show attention", exact=True),
        ["Enter"],
        "#pattern-first .token",
    ),
    "laboratory": (lambda page: page.get_by_role("button", name="Reset to preset"), ["Enter"], ".a3-lab-verdict"),
    "few-shot": (
        lambda page: page.get_by_placeholder(BANK_QUESTION),
        [BANK_QUESTION, "Enter"],
        f"h2:has-text('{BANK_QUESTION}')",
    ),
    "label": (lambda page: page.get_by_label("Your name"), ["keys", "Enter"], "#grading fieldset"),
    "report": (lambda page: page.get_by_role("button", name="Refresh"), ["Enter"], "#grader-board .a3-card"),
}


def test_by_keyboard_alone(open_page, places, subtests):
    """From the top of the page with Tab, Enter and letters; what has the focus is seen to have it."""
    page = open_page()
    for place, (find, keys, shown) in KEYED.items():
        with subtests.test(place):
            page.locator("a.skip").focus()
            for name in places[place]:
                go_to(page, page.get_by_role("tab", name=name, exact=True))
                page.keyboard.press("Enter")
            go_to(page, find(page))
            for key in keys:
                page.keyboard.press(key) if key == "Enter" else page.keyboard.type(key)
            page.locator(shown).filter(visible=True).first.wait_for()


def go_to(page, widget) -> None:
    """Presses Tab until the widget has the focus, and looks at how that is shown."""
    widget.wait_for()
    for _ in range(80):
        page.keyboard.press("Tab")
        if widget.evaluate("each => each === document.activeElement"):
            break
    else:
        pytest.fail(f"Tab does not come to {widget}")
    assert widget.evaluate(LOOKS_FOCUSED), f"the focus on {widget} is not seen"


LOOKS_FOCUSED = """each => {
  const look = (s) => [s.outlineStyle, s.outlineWidth, s.boxShadow, s.borderColor].join();
  const style = getComputedStyle(each);
  const focused = look(style), wide = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
  each.blur();
  const changed = look(getComputedStyle(each)) !== focused;
  each.focus();
  return wide || changed;
}"""


def test_two_visitors_at_once_do_not_see_each_other(open_page, open_place):
    first, second = open_page(), open_page()
    for page in (first, second):
        open_place(page, "attention", unfold=False)
    show_attention(first, "Ada was born")
    show_attention(second, "Bo sat")
    assert "Bo" not in first.locator("#pattern-first .tokens").inner_text()
    for page in (first, second):
        open_place(page, "few-shot", unfold=False)
    build_prompt(first)
    other = "Which river flows through Prague?"
    build_prompt(second, other)
    assert BANK_QUESTION in first.locator("#screen-fewshot .a3-prompt li.ask").inner_text()
    assert BANK_QUESTION not in second.locator("#screen-fewshot .a3-prompt li.ask").inner_text()
    open_place(first, "birthplace")
    assert first.get_by_label("Name or question").input_value() == "Albert Pujols"  # the example of every page
