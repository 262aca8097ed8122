"""Watch it learn: a small recall model trains while the page shows what it recites, its scores, one of its heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr
from gradio.context import get_blocks_context

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.corpora import CorpusSpec
from a3core.birthplace.training.live import PAUSED, PUBLIC_SIZES, SIZES, LiveTraining, TrainingSnapshot
from a3core.birthplace.training.live_figures import (
    CURVE_COLUMNS,
    plot_head,
    plot_progress,
    tabulate_head,
    tabulate_progress,
)
from a3core.common.hosting import is_space
from a3core.llm.offered import list_models
from a3core.ui.birthplace.facts import build_facts_panel
from a3core.ui.birthplace.live_cards import cut_noise, describe_head, render_recited, render_state
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import LONG_JOB

if TYPE_CHECKING:
    from a3core.ui.attention.tab import AttentionLinks

RUNNING_SECONDS, IDLE_SECONDS = 2, 15  # between two updates of an open panel
INTRODUCTION = (
    "A new, small model reads **one sentence about each person**, and for four people in five also the question with "
    "its sentence and answer. The people below are of the other fifth: it reads their sentence, and is never asked "
    "about them until you see it here. First it writes noise, then sentences of the right form with somebody else's "
    "facts in them, and at last the true one. Two hundred people take less than three minutes on two idle cores. One "
    "training runs at a time; who comes later watches the same one."
)
HEAD_COLUMNS = ["token", "of the name", "mean weight"]
RECITED_COLUMNS, RECITED_WIDTHS = ["epoch", "person", "recited", "answer"], ["70px", "20%", "55%", "20%"]


class LivePanel:
    """Everything that an update sets, from the buttons to the tables behind the pictures."""

    def __init__(self, family: gr.Radio):
        self.version = gr.State(0)  # of the snapshot that the page shows
        with gr.Row():
            self.start = gr.Button("Start", variant="primary")
            self.pause, self.stop = gr.Button("Pause", interactive=False), gr.Button("Stop", interactive=False)
        self.state = gr.HTML(render_state(TrainingSnapshot(), ""))
        with gr.Row(visible=False) as self.uses:
            self.ask = gr.Button("Ask this model, above")
            self.open_attention = gr.Button("Look at it in the Attention tab")
        self.recited = gr.HTML()
        self.progress = gr.Plot(label="Loss, and marks on dev people", visible=False)
        self.head_text = gr.Markdown()
        self.head = gr.Plot(label="Where one head looks", visible=False)
        with gr.Accordion("The numbers behind the pictures", open=False):
            self.curve_table = gr.Dataframe(headers=CURVE_COLUMNS, label="The training so far", interactive=False)
            self.recited_table = gr.Dataframe(
                headers=RECITED_COLUMNS,
                column_widths=RECITED_WIDTHS,
                label="Every recitation",
                interactive=False,
                wrap=True,
            )
            self.head_table = gr.Dataframe(headers=HEAD_COLUMNS, label="What the head looks at", interactive=False)
        self.family = family
        self.fast = gr.Timer(RUNNING_SECONDS, active=False)
        self.slow = gr.Timer(IDLE_SECONDS, active=False)


def build_live_panel(
    checkpoints: CheckpointStore, question: gr.Textbox, family: gr.Radio, live: LiveTraining | None = None
):
    """Widgets, then wiring; returns the button that `link_live` wires once the Attention tab is built."""
    live = live or LiveTraining(checkpoints, PUBLIC_SIZES if is_space() else SIZES)
    families = list(family.choices)
    with gr.Accordion("Watch it learn", open=False) as accordion:
        gr.Markdown(INTRODUCTION)
        people = gr.Radio([(f"{n:,}", n) for n in live.sizes], value=live.sizes[0], label="People to learn")
        panel = LivePanel(family)
    outputs = list(vars(panel).values())

    def show(current: str, request: gr.Request):
        return update_panel(panel, live.snapshot, name_page(request), families, checkpoints, current)

    def tick(version: int, current: str, request: gr.Request):
        """Nothing is sent while nothing has changed."""
        return {panel.version: gr.skip()} if version == live.snapshot.version else show(current, request)

    @tells_errors
    def start(count: int, current: str, request: gr.Request):
        live.start(name_page(request), count)
        yield show(current, request)
        live.wait()  # so long it has the slot of the long jobs
        yield show(current, request)

    @tells_errors
    def pause(current: str, request: gr.Request):
        switch = live.resume if live.snapshot.state == PAUSED else live.pause
        switch(name_page(request))
        return show(current, request)

    @tells_errors
    def stop(current: str, request: gr.Request):
        live.stop(name_page(request))
        return show(current, request)

    @tells_errors
    def ask(request: gr.Request):
        _, corpus = find_result(checkpoints, name_page(request))
        return corpus, checkpoints.ask_somebody(corpus)

    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on([accordion.expand], show, family, outputs, **quiet)
    gr.on([panel.fast.tick, panel.slow.tick], tick, [panel.version, family], outputs, queue=False, **quiet)
    accordion.collapse(lambda: [gr.Timer(active=False)] * 2, None, [panel.fast, panel.slow], queue=False, **quiet)
    panel.start.click(
        start, [people, family], outputs, show_progress_on=panel.state, api_visibility="private", **LONG_JOB
    )
    panel.pause.click(pause, family, outputs, **quiet)
    panel.stop.click(stop, family, outputs, **quiet)
    panel.ask.click(ask, None, [family, question], **quiet)

    with accordion:
        build_facts_panel(live, show, family, outputs, name_page)

    def leave(request: gr.Request) -> None:
        live.leave(name_page(request))

    get_blocks_context().root_block.unload(leave)
    return panel.open_attention


def update_panel(
    panel: LivePanel, snapshot: TrainingSnapshot, page: str, families: list, checkpoints: CheckpointStore, current: str
) -> dict:
    """Values for every widget of the panel, as one page gets a snapshot; `families`: the choices of every page."""
    own = snapshot.active and snapshot.owner == page
    choices = [*families, *(name_result(corpus, name) for name, corpus in checkpoints.live_of(page).items())]
    is_offered = current in [corpus for _, corpus in choices]  # what is chosen stays, unless it is gone
    return {
        panel.version: snapshot.version,
        panel.state: render_state(snapshot, page),
        panel.start: gr.Button(interactive=not snapshot.active),
        panel.pause: gr.Button("Resume" if snapshot.state == PAUSED else "Pause", interactive=own),
        panel.stop: gr.Button(interactive=own),
        panel.uses: gr.Row(visible=len(choices) > len(families)),
        panel.fast: gr.Timer(active=snapshot.active),
        panel.slow: gr.Timer(active=not snapshot.active),
        panel.family: gr.Radio(choices) if is_offered else gr.Radio(choices, value=choices[0][1]),
        **update_pictures(panel, snapshot),
    }


def name_result(corpus: str, name: str) -> tuple[str, str]:
    """What the menu of families calls a live model: ("builtin:200#3", "live-3") is "Live: 200 people (live-3)"."""
    spec = CorpusSpec.parse(corpus)
    return f"Live: {f'{int(spec.size):,} people' if spec.size else spec.source} ({name})", corpus


def update_pictures(panel: LivePanel, snapshot: TrainingSnapshot) -> dict:
    """Nothing is drawn, and plotly not imported, before there is something to see."""
    if not snapshot.probes:
        hidden = {panel.progress: gr.Plot(visible=False), panel.head: gr.Plot(visible=False)}
        return {**hidden, panel.recited: "", panel.head_text: ""}
    probe = snapshot.probes[-1]
    return {
        panel.recited: render_recited(probe),
        panel.progress: gr.Plot(plot_progress(snapshot), visible=True),
        panel.head_text: describe_head(probe),
        panel.head: gr.Plot(plot_head(probe.head), visible=True),
        panel.curve_table: tabulate_progress(snapshot),
        panel.recited_table: [
            [probe.epoch, person.name, cut_noise(person.sentence), person.place]
            for probe in snapshot.probes
            for person in probe.recited
        ],
        panel.head_table: tabulate_head(probe.head),
    }


def name_page(request: gr.Request | None) -> str:
    """The open page that asks: reloaded, it is another one."""
    return getattr(request, "session_hash", None) or ""


def find_result(checkpoints: CheckpointStore, page: str) -> tuple[str, str]:
    """(name, corpus) of the live model of a page. Raises ValueError if it has none."""
    if not (own := checkpoints.live_of(page)):
        raise ValueError("this page has trained no model yet, or another training has replaced it: press Start")
    return list(own.items())[-1]


def link_live(button: gr.Button, checkpoints: CheckpointStore, attention: AttentionLinks, tabs: gr.Tabs) -> None:
    """The button opens the Attention tab, one of the page's `tabs`, on the model of this page."""

    @tells_errors
    def open_attention(request: gr.Request):
        page = name_page(request)
        name, corpus = find_result(checkpoints, page)
        return {
            attention.model: gr.Dropdown([*checkpoints.menu(page), *list_models()], value=name),
            attention.text: checkpoints.ask_somebody(corpus),
            tabs: gr.Tabs(selected="attention"),
        }

    button.click(open_attention, None, [attention.model, attention.text, tabs], api_visibility="private")
