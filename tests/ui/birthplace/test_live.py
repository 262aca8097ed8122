"""Every event of the panel "Watch it learn", called through the page; the training is made of three made-up epochs."""

from __future__ import annotations

import inspect
import time
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.evaluation import Accuracy
from a3core.birthplace.training.live import FAILED, FINISHED, PAUSED, RUNNING, TrainingSnapshot
from a3core.birthplace.training.live_probe import HeadOnName, Probe, Recited
from a3core.birthplace.training.trainer import Epoch
from a3core.ui.attention.tab import AttentionLinks
from a3core.ui.birthplace.live import (
    LIVE,
    LivePanel,
    build_live_panel,
    describe_head,
    highlight_matches,
    link_live,
    update_panel,
)

FAMILIES = [("Ten", "builtin:10")]
HEAD = HeadOnName(
    1, 3, 0.6, ("Where", " Ada", "?"), (False, True, False), (" was", "⁇"), ((0.2, 0.6, 0.1, 0.1),) * 2, ((0.1, 0.6),)
)
TOLD = Recited("Ada <i>", "Ada was <b>born</b> in Turin.", "Ada was born in Leeds.", "Turin", "Leeds")
PROBE = Probe(2, (TOLD,), Accuracy(1, 4), Accuracy(2, 4), HEAD)
RUNS = TrainingSnapshot(
    RUNNING,
    number=1,
    version=5,
    owner="mine",
    people=200,
    parameters=900_000,
    epochs=60,
    curve=(Epoch(1, 3.0, 1.0, 10, 4.0), Epoch(2, 2.0, 1.0, 20, 8.0)),
    probes=(PROBE,),
    seconds=8.0,
)


class FakeLive:
    """Notes what was pressed, and shows what it is told to."""

    sizes = (200, 500)

    def __init__(self):
        self.snapshot, self.pressed = TrainingSnapshot(), []

    def __getattr__(self, name: str):
        def press(*values):
            if name == "start" and self.snapshot.active:
                raise ValueError("one runs at a time")
            self.pressed.append((name, *values))

        return press


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(demo, live): the panel alone, over an empty folder."""
    store, live = CheckpointStore(tmp_path_factory.mktemp("none")), FakeLive()
    with gr.Blocks() as demo:
        question, family = gr.Textbox(), gr.Radio(FAMILIES, value="builtin:10")
        with gr.Tabs() as tabs, gr.Tab():
            model, text = gr.Dropdown(), gr.Textbox()
        with gr.Tabs() as panels:
            sections = {name: gr.Tab(name, id=name) for name in ("ask", "learn", "facts")}
        button = build_live_panel(store, question, [family, gr.Radio(FAMILIES)], (panels, sections), live)
        attention = AttentionLinks(
            model, text, gr.Dropdown(), gr.Checkbox(), lambda trigger: None, gr.Textbox(), panels
        )
        link_live(button, store, attention, tabs)
    return demo, live


@pytest.fixture
def page(built):
    """The panel, as nobody has pressed anything yet."""
    built[1].snapshot, built[1].pressed = TrainingSnapshot(), []
    return built


def call(demo, name: str, *inputs):
    """An event as the page "other" causes it: the updates by widget."""
    event = next(event for event in demo.fns.values() if getattr(event.fn, "__name__", "") == name)
    result = event.fn(*inputs, SimpleNamespace(session_hash="other"))
    return list(result)[-1] if inspect.isgenerator(result) else result


def list_drawn(update: dict) -> list[str]:
    return [widget.label for widget, value in update.items() if isinstance(value, gr.Plot) and value.visible]


def read_text(update: dict) -> str:
    return " ".join(str(value) for value in update.values() if isinstance(value, str | list))


def test_idle_nothing_is_drawn(page):
    update = call(page[0], "show", "builtin:10")
    assert "press Start" in read_text(update) and list_drawn(update) == []


def test_what_runs_is_shown_to_everybody(page):
    demo, live = page
    live.snapshot = RUNS
    update = call(demo, "show", "builtin:10")
    shown = read_text(update)
    assert len(list_drawn(update)) == 2
    for expected in ("epoch 2 of 60", "you are watching", "Layer 1, head 3", "1 of 4", "2 of 4", "2.000", "60.0%"):
        assert expected in shown


def test_a_tick_sends_nothing_while_nothing_has_changed(page):
    demo, live = page
    live.snapshot = RUNS
    [skipped] = call(demo, "tick", RUNS.version, "builtin:10").values()
    assert skipped == gr.skip()
    assert len(list_drawn(call(demo, "tick", RUNS.version - 1, "builtin:10"))) == 2


def test_the_buttons_reach_the_training(page):
    demo, live = page
    call(demo, "start", 200, "builtin:10")
    call(demo, "pause", "builtin:10")
    live.snapshot = TrainingSnapshot(PAUSED, 1, 6, "other", 200)
    call(demo, "pause", "builtin:10")
    call(demo, "stop", "builtin:10")
    call(demo, "leave")
    owner = "other"
    assert live.pressed == [
        ("start", owner, 200),
        ("wait",),  # so that it has the slot of the long jobs until the training ends
        ("pause", owner),
        ("resume", owner),
        ("stop", owner),
        ("leave", owner),
    ]


def test_a_second_start_is_one_clear_sentence(page):
    demo, live = page
    live.snapshot = RUNS
    with pytest.raises(gr.Error, match="one runs at a time"):
        call(demo, "start", 200, "builtin:10")


@pytest.mark.parametrize("event", ["ask", "open_attention"])
def test_without_a_model_of_this_page_there_is_nothing_to_ask(page, event):
    with pytest.raises(gr.Error, match="press Start"):
        call(page[0], event)


def test_only_the_page_that_started_it_has_its_buttons_and_result(tmp_path, training):
    store = CheckpointStore(tmp_path)
    store.add_live("live-1", replace(training, corpus="builtin:200#1"), "mine", tmp_path)
    with gr.Blocks():
        panel = LivePanel([gr.Radio(FAMILIES, value="builtin:10"), gr.Radio(FAMILIES)], (200, 500))
    mine, others = (update_panel(panel, RUNS, page, FAMILIES, store, "builtin:200#1") for page in ("mine", "other"))
    assert mine[panel.pause].interactive and mine[panel.stop].interactive and not mine[panel.start].interactive
    assert not others[panel.pause].interactive and not others[panel.stop].interactive
    assert mine[panel.family].choices[-1] == ("Live: 200 people (live-1)", "builtin:200#1")
    assert others[panel.family].value == "builtin:10"  # what it had chosen is gone
    assert mine[panel.others[0]].choices == mine[panel.family].choices  # every section offers the new model
    assert mine[panel.uses].visible and not others[panel.uses].visible
    assert mine[panel.fast].active and not mine[panel.slow].active


def test_plumbing_is_private(page):
    assert {event.api_visibility for event in page[0].fns.values()} == {"private"}


def test_every_state_is_a_sentence():
    assert "Another page" in LIVE.state(RUNS, "other") and "Another page" not in LIVE.state(RUNS, "mine")
    assert "about 3.9 minutes left" in LIVE.state(RUNS, "mine")  # 4 s an epoch, 58 epochs
    ended = replace(RUNS, state=FINISHED)
    assert "press Start" in LIVE.state(ended, "other") and "press Start" not in LIVE.state(ended, "mine")
    failed = LIVE.state(TrainingSnapshot(FAILED, error="no <b>room</b>"), "mine")
    assert "The training failed. no &lt;b&gt;room" in failed


def test_words_that_are_right_are_marked_and_text_is_never_markup():
    marked = highlight_matches(TOLD.sentence, TOLD.truth)
    assert (
        marked
        == '<mark class="a3-match">Ada was</mark> &lt;b&gt;born&lt;/b&gt; <mark class="a3-match">in</mark> Turin.'
    )
    card = LIVE.recited(PROBE)
    assert "Ada &lt;i&gt;" in card and "✗ wrong" in card and "word for word</span>" not in card


@pytest.mark.parametrize("truth", ["a " * 500_000, "Ada " + "x" * 1_000_000])
def test_a_megabyte_is_marked_at_once(truth):
    start = time.perf_counter()
    assert "<mark" in highlight_matches(truth, truth)
    assert time.perf_counter() - start < 0.5


def test_noise_is_cut():
    assert len(highlight_matches("x" * 1000, "Ada")) < 300


def test_the_head_is_described():
    assert "Layer 1, head 3" in describe_head(PROBE) and "60%" in describe_head(PROBE)
