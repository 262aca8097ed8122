"""The Grader tab without a browser: its events are found by name and called."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

ASSETS = Path(__file__).parents[2] / "assets"
HOSTILE = "<script>alert(1)</script> ${1+1} {{value}}"
SETTINGS = ("unlabelled first", [], True, False, "", [])
NOBODY = SimpleNamespace(username=None)


def find(page, name: str):
    return next(event for event in page.fns.values() if getattr(event.fn, "__name__", "") == name)


def in_order(event, result: dict) -> list:
    values = [result.get(output) for output in event.outputs]
    return [getattr(value, "value", value) for value in values]


def fill(event, *values) -> dict:
    """Of run, name and settings the values by widget, as the event gets them."""
    labels = ("Run", "Your name", "Order", "Show only", "hide the answer at first", "settle disagreements", "Search")
    given = dict(zip((*labels, None), values, strict=True))
    return {widget: given[getattr(widget, "label", None)] for widget in event.inputs}


def press(page, run: int, name: str, action: str, settings=SETTINGS, /, request=NOBODY, **told) -> dict:
    event = SimpleNamespace(_data={"action": action, "serial": 7, **told})
    key = find(page, "press")
    return key.fn(fill(key, run, name, *settings), event, request)


def show(page, run, name: str, settings=SETTINGS) -> dict:
    event = find(page, "show")
    return in_order(event, event.fn(fill(event, run, name, *settings), NOBODY))[0]


def sign_in(name: str) -> SimpleNamespace:
    return SimpleNamespace(username=name, request=SimpleNamespace(session={}))
