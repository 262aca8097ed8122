"""Teach it your own facts: what the panel understands, trains, offers and hands out."""

from __future__ import annotations

import csv
import inspect
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from lent import Lent

from a3core.birthplace.checkpoints import CheckpointStore, load_training
from a3core.birthplace.service import BirthplaceService
from a3core.birthplace.training.args import RecallArgs, SizedArgs, TrainingArgs
from a3core.birthplace.training.live import FINISHED, LiveTraining
from a3core.ui.birthplace.families import FACTS_QUESTION
from a3core.ui.birthplace.live import LIVE, build_live_panel

CAPITAL = "What is the capital of {name}?"
PAGE = SimpleNamespace(session_hash="page")


def choose_small(people: int) -> SizedArgs:
    return SizedArgs(
        TrainingArgs(epochs=2, tokens=1024),
        RecallArgs(subwords=300),
        {"n_layer": 2, "n_head": 2, "n_embd": 16},
        probes=1,
    )


@pytest.fixture(scope="module")
def lent_panel():
    """(demo, the store, the training): the panel, with what lends it the two."""
    store, live = Lent(), Lent()
    store.service = CheckpointStore(Path("nowhere"))
    live.service = LiveTraining(store.service, (10, 20), choose_small)
    with gr.Blocks() as demo:
        question, family = gr.Textbox(), gr.Radio([("Ten", "builtin:10")], value="builtin:10", label="family")
        with gr.Tabs() as panels:
            sections = {name: gr.Tab(name, id=name) for name in ("learn", "facts")}
        build_live_panel(store, question, [family], (panels, sections), live)
    return demo, store, live


@pytest.fixture
def panel(lent_panel, tmp_path):
    """(demo, live): the panel over an empty folder, with a training that is real and tiny."""
    demo, store, lent = lent_panel
    store.service = CheckpointStore(tmp_path / "checkpoints")
    lent.service = live = LiveTraining(store.service, (10, 20), choose_small)
    yield demo, live
    live.leave("page")
    live.wait()


@pytest.fixture
def facts(tmp_path):
    """A file with twelve lands, one of them with markup in its name."""
    path = tmp_path / "lands.csv"
    names = [f"Land {letter}" for letter in "ABCDEFGHIJK"] + ["<b>`x`</b>"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("land", "town", "text"), *((n, f"Port {n[-1]}", f"Port {n[-1]} leads {n}.") for n in names)])
    return str(path)


def call(demo, name: str, *inputs):
    """An event; of one that takes its widgets by name, the values come first, in their order on the page."""
    event = next(event for event in demo.fns.values() if getattr(event.fn, "__name__", "") == name)
    if event.inputs_as_dict:
        labelled = [widget for widget in event.inputs if widget.label != "family"]
        given = [value for value in inputs if value is not PAGE]
        values = {widget: widget.value for widget in labelled} | dict(zip(labelled, given, strict=False))
        family = [widget for widget in event.inputs if widget.label == "family"]
        inputs = [values | dict.fromkeys(family, "builtin:10"), *(value for value in inputs if value is PAGE)]
    result = event.fn(*inputs)
    return list(result) if inspect.isgenerator(result) else result


def test_what_was_understood_is_told_and_is_no_markup(panel, facts):
    told = call(panel[0], "describe_facts", facts, CAPITAL, 0.25, None, "land", "town", "text")
    assert "12 names, 12 sentences. 9 answers are learned, 3 are held out" in told
    assert told.count("\n- read: `Land ") == told.count("` asked: `What is the capital of Land ") == 3


@pytest.mark.parametrize(
    ("head", "guessed"),
    [
        ("Country;Capital;Population", ["Country", "Capital", ""]),
        ("sentence;answer;name", ["name", "answer", "sentence"]),
        ("Land", ["Land", "", ""]),
    ],
)
def test_an_uploaded_table_offers_its_columns(panel, tmp_path, head, guessed):
    path = tmp_path / "capitals.csv"
    path.write_text(f"{head}\nÅland;Mariehamn;30\n" if ";" in head else f"{head}\nÅland\n", encoding="utf-8-sig")
    question, *menus = call(panel[0], "offer_columns", str(path), FACTS_QUESTION)
    assert question == f"What is the {guessed[1] or 'answer'} of {{name}}?"
    assert [menu.value for menu in menus] == guessed
    assert [[value for _, value in menu.choices] for menu in menus] == [head.split(";")] * 3
    assert call(panel[0], "offer_columns", str(path), CAPITAL)[0] == gr.skip()  # a question of one's own stays


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((None, CAPITAL, 0.2, None, "land", "town", "text"), "choose a file first"),
        (("facts", "What?", 0.2, None, "land", "town", "text"), "needs {name}"),
        (("facts", CAPITAL, 0.2, None, "name", "town", "text"), "no column 'name'"),
    ],
)
@pytest.mark.parametrize("event", ["describe_facts", "start_facts"])
def test_what_is_wrong_is_one_sentence_and_nothing_starts(panel, facts, event, values, message):
    demo, live = panel
    values = [facts if value == "facts" else value for value in values]
    more = (PAGE,) if event == "start_facts" else ()
    with pytest.raises(gr.Error, match=message):
        call(demo, event, *values, *more)
    assert not live.snapshot.active


def test_without_sentences_its_own_template_writes_them(panel, tmp_path):
    path = tmp_path / "lands.csv"
    path.write_text("name,answer\n" + "".join(f"Land {letter},Port {letter}\n" for letter in "ABCDEFGHIJ"))
    values = (str(path), CAPITAL, 0.2, None, "name", "answer", "")
    assert "`Land A. The answer is Port A.`" in call(panel[0], "describe_facts", *values)
    assert "`Land A. Port A rules it.`" in call(panel[0], "describe_facts", *values, "{answer} rules it.")
    with pytest.raises(gr.Error, match=r"a template needs \{answer\}"):
        call(panel[0], "describe_facts", *values, "It is ruled.")


def test_too_many_names_for_the_page_are_refused(panel, tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("name,answer\n" + "".join(f"Land {i},Port\n" for i in range(21)))
    with pytest.raises(gr.Error, match="21 names are too many for the page: at most 20"):
        call(panel[0], "start_facts", str(path), CAPITAL, 0.2, None, "name", "answer", "", PAGE)


@pytest.mark.slow
def test_facts_are_learned_asked_and_taken_home(panel, facts, tmp_path):
    demo, live = panel
    call(demo, "start_facts", facts, CAPITAL, 0.25, None, "land", "town", "text", PAGE)
    assert live.snapshot.state == FINISHED, live.snapshot.error
    assert "12 names, " in LIVE.state(live.snapshot, "page")
    corpus, question, opened = call(demo, "ask", PAGE)
    assert opened.selected == "ask"
    assert corpus == "lands.csv#1" and question.startswith("What is the capital of")
    reply = BirthplaceService(live.checkpoints).ask(question, corpus)
    assert reply.question == question and reply.person.split == "held out" and reply.answers[0].sentence
    assert [answer.checkpoint for answer in reply.answers] == ["live-1"]  # London is no guess at a capital
    archive = call(demo, "download_model", PAGE)
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path / "home")
    folder = tmp_path / "home" / "lands"
    assert Path(archive).name == "lands.zip" and load_training(folder).corpus == "lands.csv"
    home = CheckpointStore(folder.parent)
    assert len(home.people("lands.csv")) == 12 and home.question("lands.csv") == CAPITAL
    answer = BirthplaceService(home).ask(question, "lands.csv").answers[0]
    assert answer.sentence.startswith(reply.name)


def test_a_second_table_names_those_that_are_held_out(panel, facts, tmp_path):
    second = tmp_path / "held.csv"
    second.write_text("land,town\nLand B,Port B\n")
    described = call(panel[0], "describe_facts", facts, CAPITAL, 0.5, str(second), "land", "town", "text")
    assert described.count("\n- read: `") == 3
    assert "11 answers are learned, 1 are held out" in described
    second.write_text("land,town\nLand B,Port C\n")
    with pytest.raises(gr.Error, match="line 2: Land B, 'Port C': the facts answer 'Port B'"):
        call(panel[0], "describe_facts", facts, CAPITAL, 0.5, str(second), "land", "town", "text")


def test_nothing_trained_is_nothing_to_download(panel):
    with pytest.raises(gr.Error, match="trained no model yet"):
        call(panel[0], "download_model", PAGE)
