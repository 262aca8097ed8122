"""The example that the tab opens on is what the shipped checkpoints answer, and is there without loading one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import gradio as gr
import pytest

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.loading import HELD_OUT
from a3core.birthplace.service import BASELINE
from a3core.common.paths import CHECKPOINTS
from a3core.ui.birthplace import families
from assets.make_birthplace_examples import build_example, build_sections, save_example, write_facts


@pytest.fixture
def shipped():
    return families.load_example(CheckpointStore(CHECKPOINTS))


@pytest.fixture(scope="module")
def opened(fewshot):
    """The page over the shipped checkpoints, built while no model can be loaded."""
    from a3core.ui.demo import build_demo

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CheckpointStore, "predictor", lambda self, name: pytest.fail(f"{name} is loaded"))
        return build_demo(CHECKPOINTS, fewshot=fewshot)


def list_answers(demo) -> list[str]:
    """What stands in the page's answers before anything is asked."""
    return [block.value for block in demo.blocks.values() if 'aria-label="Answers"' in str(getattr(block, "value", ""))]


def test_it_is_a_held_out_person_whom_reading_helps(shipped):
    assert shipped.is_complete and shipped.person.split == HELD_OUT
    right = {answer.checkpoint: answer.place == shipped.person.place for answer in shipped.answers}
    assert right["builtin-recall"] and not right["builtin-finetuned"] and not right[BASELINE]


@pytest.mark.slow
def test_the_page_opens_on_it_without_loading_a_model(opened):
    (answers,) = list_answers(opened)
    assert "Where was Albert Pujols born?" in answers and "✓ right" in answers and 'aria-busy="false"' in answers


SECTIONS = {
    "Ask the memory": '<mark class="a3-filled">Baltimore</mark>',
    "Change the sentence": "picked from the sentence",
    "A file of questions": "<td>builtin-recall</td><td>208</td><td>208</td>",
    "tests between models": "Exact paired tests (McNemar)",
    "Watch it learn": "✓ word for word",
    "what was learned": "Below is an example: 200 people, learned before",
    "Facts of your own": "120 answers are learned, 30 are held out",
}


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_on_a_finished_example(opened, demo, section):
    def list_texts(page) -> list[str]:
        return [str(getattr(block, "value", "")) for block in page.blocks.values()]

    assert any(SECTIONS[section] in text for text in list_texts(opened))
    if section != "Facts of your own":  # these need no checkpoint
        assert not any(SECTIONS[section] in text for text in list_texts(demo))


def test_an_opened_training_shows_the_pictures_of_the_example(opened):
    show = next(event for event in opened.fns.values() if getattr(event.fn, "__name__", "") == "show")
    update = show.fn(families.FAMILY, SimpleNamespace(session_hash="page"))
    plots = [value for value in update.values() if isinstance(value, gr.Plot)]
    assert len(plots) == 2 and all(plot.visible for plot in plots)


def test_the_table_of_facts_is_the_one_that_the_script_writes(tmp_path):
    write_facts(tmp_path / "facts.csv")
    assert (tmp_path / "facts.csv").read_bytes() == families.FACTS.read_bytes()


def test_other_checkpoints_have_no_example(demo, tmp_path):
    assert list_answers(demo) == []
    assert families.load_example(CheckpointStore(tmp_path)) is None


def test_it_comes_back_as_it_was_written(shipped, tmp_path, monkeypatch):
    monkeypatch.setattr(families, "FILE", tmp_path / "example.json")
    reply = replace(shipped, answers=(replace(shipped.answers[0], lead=float("inf")), *shipped.answers[1:]))
    save_example(reply, families.FILE)
    assert families.load_example(CheckpointStore(CHECKPOINTS)) == reply


@pytest.mark.slow
def test_the_sections_are_so_today():
    assert build_sections() == json.loads(families.SECTIONS.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_shipped_checkpoints_answer_so_today(shipped):
    today = build_example()
    assert (today.name, today.person, today.question) == (shipped.name, shipped.person, shipped.question)
    assert today.familiarity == pytest.approx(shipped.familiarity, abs=1e-3)
    for answer, expected in zip(today.answers, shipped.answers, strict=True):
        assert [candidate.place for candidate in answer.top] == [candidate.place for candidate in expected.top]
        for key, value in asdict(expected).items():
            if isinstance(value, float) and key != "seconds":
                assert getattr(answer, key) == pytest.approx(value, rel=1e-2, abs=1e-3), key
            elif key not in ("seconds", "top"):
                assert getattr(answer, key) == getattr(expected, key), key
