"""One screen: what a person changes at left, what it changes at right, and its states busy, stale and failed.

The states are set in the browser by assets/guide/view.js, without a request: `act` marks the screen as busy with the
click, puts the sentence of a ValueError beside the field with the class a3-field, and settles what succeeded.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import gradio as gr
from markupsafe import Markup

from a3core.common.paths import ASSETS
from a3core.ui.shared.html import load_macros, read_template
from a3core.ui.shared.turns import is_pending

PRIVATE = {"api_visibility": "private"}
# On no widget: at each change of any status, the page copies all that stands in each widget whose status it knows.
QUIET = {**PRIVATE, "show_progress": "hidden", "show_progress_on": []}
SCREEN = load_macros(__file__, "screen.html")


def follow(events, **listener):
    """Runs a listener after each of the events, and again for the last that came while it ran.

    Where Gradio runs one again ("always_last", as every `change` does), it runs all listeners of that event: two that
    are busy would call each other without end. One that is chained to the event is run again alone.
    """
    return gr.on(events, None, js="() => []", **QUIET).then(**{**QUIET, "trigger_mode": "always_last", **listener})


def build_sections(**options) -> gr.Tabs:
    """The bar of 40 px below the header; each `gr.Tab` in it is a section."""
    return gr.Tabs(elem_classes="a3-sections", overflow_behavior="wrap", **options)


def build_screen(name: str) -> gr.Row:
    """The grid of a section, found by `name` on the page; in it `build_settings`, then `build_results`."""
    return gr.Row(elem_id=name, elem_classes="a3-screen")


def build_settings(*leads: str) -> gr.Column:
    """324 px at left, sticky, below the `leads`, two or three lines of our own markup.

    Classes for what is in it: a3-field (errors go below it), a3-second (folds away on a phone), a3-quiet-field (a
    change of it makes nothing stale), a3-list, a3-fold.
    """
    with gr.Column(elem_classes="a3-settings", min_width=0) as settings:
        for lead in leads:
            gr.HTML(f'<p class="a3-lead">{lead}</p>')
    return settings


def build_results(title: str = "", busy: str = "", again: str = "") -> gr.Column:
    """The right, or the only column, below its title; what is dimmed while it is stale or busy has the class a3-result.

    busy, again: of the status line beside the title, which has none without them.
    """
    with gr.Column(elem_classes="a3-results", min_width=0) as results:
        if title:
            gr.HTML(render_title(title, status=render_status("", busy, again) if busy else ""))
    return results


def build_more() -> gr.HTML:
    """The button that unfolds a phone's secondary settings; above the first widget with the class a3-second."""
    button = '<button type="button" class="a3-quiet a3-more" aria-expanded="false">Settings</button>'
    return gr.HTML(button, elem_classes="a3-moreslot")


def build_chips(labels: Sequence[str]) -> list[gr.Button]:
    """Small round buttons in a row that wraps: examples."""
    with gr.Row(elem_classes="a3-chips"):
        return [gr.Button(label, size="sm") for label in labels]


def build_file_view(folder: str | Path, scripts: Sequence[str], slot: str = "", **options) -> gr.HTML:
    """A component of our own from a folder, or one of assets/ by its name: view.html is its markup, in which `slot`
    takes the place of SLOT, view.css its style; the scripts run as one, in their order.

    The markup holds no text of anybody: the scripts write it, as text, when a value arrives (`watch("value", ...)`).
    """
    view = str(ASSETS / folder / "view")
    return gr.HTML(
        html_template=read_template(view, "view.html").replace("SLOT", slot),
        css_template=read_template(view, "view.css"),
        js_on_load="\n".join(read_template(view, script) for script in scripts),
        apply_default_css=False,
        **options,
    )


def render_title(title: str, details: Markup | str = "", links: Markup | str = "", status: Markup | str = "") -> Markup:
    """The head of the results, 84 px: what they are of, the buttons that lead elsewhere, and the status line."""
    return SCREEN.title(title, details, links, status)


def render_status(fresh: str, busy: str = "Asking…", again: str = "Ask again") -> Markup:
    """One line of 32 px: `fresh` ("answered in 1.8 s"), `busy`, or that the settings have changed since."""
    return SCREEN.status(fresh, busy, again)


def act(event: Callable | Sequence[Callable], screen: str, **listener):
    """Wires `event`, such as `ask.click` or `before.success`, as the main action of a screen; returns what follows.

    Several, such as [ask.click, question.submit], are one action, so that only one of them runs at a time.

    The screen is busy from the click on. A ValueError is written beside the field, and the old result stays. Who acts
    again meanwhile is answered next, with what the settings hold then.
    """
    wire = event if callable(event) else partial(gr.on, event)
    js = f"(...values) => {{ window.a3?.start('{screen}'); return values; }}"
    ran = wire(**{**QUIET, "trigger_mode": "always_last", **listener}, js=js)
    ran.success(None, js=f"() => window.a3?.settle('{screen}')", **PRIVATE)
    ran.failure(None, js=f"() => window.a3?.fail('{screen}')", **PRIVATE)
    return ran


def cancel_by(button: gr.Button, running, status: gr.Markdown, sentence: str) -> None:
    """The button ends what runs, and says so once it has ended: its batch is computed to the end.

    Until then Gradio's page takes no other click on what is being cancelled.
    """

    async def wait(request: gr.Request):
        yield "Cancelling: what is being computed comes to its end first."
        while is_pending(request.session_hash, running["id"]):
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.3)  # until the page knows it, too
        yield sentence

    button.click(None, cancels=running, **PRIVATE)  # the first, for Gradio's page runs them in turn
    button.click(wait, outputs=status, concurrency_limit=None, **QUIET)


def press(event: Callable, screen: str):
    """Presses the screen's main button at `event`, such as `chip.click` or `filled.success`: one action at a time."""
    return event(None, js=f"(...values) => {{ window.a3?.press('{screen}'); return values; }}", **PRIVATE)


def report_to(progress: gr.Progress) -> Callable[[float, str], None]:
    """Shows on the page what a loader of the core reports: the share that is done, and what is being done."""
    return lambda share, message: progress(share, desc=message)
