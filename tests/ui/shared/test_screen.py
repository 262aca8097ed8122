"""What the page's sections share."""

from __future__ import annotations

from collections import Counter


def test_no_progress_is_tracked_on_what_holds_other_widgets(demo):
    """At each change of any status, the page copies all that stands in such a one: in its tabs, the page."""
    events = [event for event in demo.fns.values() if event.fn]
    assert len(events) > 100
    for event in events:
        tracked = event.outputs if event.show_progress_on is None else event.show_progress_on
        assert not [widget for widget in tracked if getattr(widget, "children", None)], event.name


def test_no_two_listeners_of_an_event_call_each_other_without_end(demo):
    """For one that was busy Gradio runs all listeners of an event again: another that is then busy does so too."""
    again = Counter(
        target
        for event in demo.fns.values()
        if event.fn and event.trigger_mode == "always_last"
        for target in event.targets
        if target[0] is not None  # chained to another event, it is run again alone
    )
    assert again and {target: count for target, count in again.items() if count > 1} == {}
