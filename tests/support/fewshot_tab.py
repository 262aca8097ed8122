"""The Few-shot tab without a browser: its events are found by name and called."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

QUESTION = "Which river flows through Vienna?"


def find_events(demo, *names: str) -> list[int]:
    return [i for i, event in demo.fns.items() if getattr(event.fn, "__name__", "") in names]


def find_event(demo, name: str) -> int:
    return find_events(demo, name)[0]


def list_clicks(demo, label: str) -> list[list]:
    """For each button of this label, what its click starts, in that order."""
    buttons = [block for block in demo.blocks.values() if isinstance(block, gr.Button) and block.value == label]
    return [[event for event in demo.fns.values() if (button._id, "click") in event.targets] for button in buttons]


def values_of(demo, name: str, **changes) -> dict:
    """{component: value} for the inputs of an event: as the page opens, but for `changes` by label."""
    inputs = demo.fns[find_event(demo, name)].inputs
    values = {component: component.value for component in inputs}
    by_label = {component.label: component for component in inputs if getattr(component, "label", None)}
    return values | {by_label[label.replace("_", " ")]: value for label, value in changes.items()}


def call(demo, name: str, **changes) -> list:
    """The outputs in their order. The page's own call takes no event that reads a state, so the function is called."""
    event = demo.fns[find_event(demo, name)]
    result = event.fn(values_of(demo, name, **changes), no_progress)
    return in_order(event, list(result)[-1] if isinstance(result, Iterator) else result)


def run(demo, name: str, **changes) -> list:
    """What a generator yields."""
    return list(demo.fns[find_event(demo, name)].fn(values_of(demo, name, **changes), no_progress))


def in_order(event, result) -> list:
    if isinstance(result, dict):
        values = [result.get(output) for output in event.outputs]
    else:
        values = result if isinstance(result, tuple) else [result]
    return [getattr(value, "value", value) for value in values]


def no_progress(*args, **options) -> None:
    """Nothing is shown."""


def call_plainly(demo, name: str, *inputs) -> list:
    """For events whose inputs are a list."""
    event = demo.fns[find_event(demo, name)]
    return in_order(event, event.fn(*inputs))
