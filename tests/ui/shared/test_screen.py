"""What the page's sections share."""

from __future__ import annotations


def test_no_progress_is_tracked_on_what_holds_other_widgets(demo):
    """At each change of any status, the page copies all that stands in such a one: in its tabs, the page."""
    events = [event for event in demo.fns.values() if event.fn]
    assert len(events) > 100
    for event in events:
        tracked = event.outputs if event.show_progress_on is None else event.show_progress_on
        assert not [widget for widget in tracked if getattr(widget, "children", None)], event.name
