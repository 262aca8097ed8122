"""What hands do in the Grader's section Label, in a real browser.

watch(page)                          once, before the first click
choose(page, "Order", "given")
settle(page)                         what that asks the app for is answered and drawn
press(page, "cya\\n")
assert labels_of(store, "sums", "ann") == {("s0", "explanation", "correct"), ...}
"""

from __future__ import annotations

NAME = "#grader-name input, #grader-name textarea"
SEARCH = "#grader-search input, #grader-search textarea"
# counts the events that were sent to the app and are not answered; its open streams are none
WATCH = """() => {
  const send = window.fetch;
  window.asked = window.quiet = 0;
  window.fetch = async (...given) => {
    if (!/\\/(run|queue\\/join)/.test(String(given[0]?.url ?? given[0]))) return send(...given);
    window.asked += 1;
    try {
      const response = await send(...given);
      await response.clone().text();
      return response;
    } finally {
      setTimeout(() => (window.asked -= 1));
    }
  };
}"""
# by the page's own frames, which take longer where the machine is slow: a click has sent its event by then
QUIET = "() => (window.quiet = window.asked ? 0 : window.quiet + 1) > 20"


def watch(page) -> None:
    page.evaluate(WATCH)


def settle(page) -> None:
    """Waits until nothing is on its way between page and app."""
    page.evaluate("window.quiet = 0")
    page.wait_for_function(QUIET)


def sign_in(page, name: str) -> None:
    page.locator(NAME).fill(name)
    page.locator(NAME).press("Enter")
    settle(page)


def press(page, keys: str) -> None:
    for key in keys:
        page.keyboard.press({"\n": "Enter"}.get(key, key))


def choose(page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option).first.click()


def search(page, text: str) -> None:
    """Into the field by its key; the focus stays there."""
    press(page, "/")
    page.keyboard.type(text)


def labels_of(store, run: str, annotator: str) -> set:
    labels = store.labels(store.find_run(run))
    return {(label.response_id, label.field, label.value) for label in labels if label.annotator == annotator}
