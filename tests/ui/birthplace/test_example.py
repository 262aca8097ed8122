"""The example that the tab opens on is what the shipped checkpoints answer, and is there without loading one."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.people import HELD_OUT
from a3core.common.paths import CHECKPOINTS
from a3core.ui.birthplace import example


@pytest.fixture
def shipped():
    return example.load_example(CheckpointStore(CHECKPOINTS))


def list_answers(demo) -> list[str]:
    """What stands in the page's answers before anything is asked."""
    return [block.value for block in demo.blocks.values() if 'aria-label="Answers"' in str(getattr(block, "value", ""))]


def test_it_is_a_held_out_person_whom_reading_helps(shipped):
    assert shipped.is_complete and shipped.person.split == HELD_OUT
    right = {answer.checkpoint: answer.place == shipped.person.place for answer in shipped.answers}
    assert right["builtin-recall"] and not right["builtin-finetuned"] and not right[example.BASELINE]


def test_the_page_opens_on_it_without_loading_a_model(fewshot, monkeypatch):
    from a3core.ui.demo import build_demo

    monkeypatch.setattr(CheckpointStore, "predictor", lambda self, name: pytest.fail(f"{name} is loaded"))
    (answers,) = list_answers(build_demo(CHECKPOINTS, fewshot=fewshot))
    assert "Where was Albert Pujols born?" in answers and "✓ right" in answers and 'aria-busy="false"' in answers


def test_other_checkpoints_have_no_example(demo, tmp_path):
    assert list_answers(demo) == []
    assert example.load_example(CheckpointStore(tmp_path)) is None


def test_it_comes_back_as_it_was_written(shipped, tmp_path, monkeypatch):
    monkeypatch.setattr(example, "FILE", tmp_path / "example.json")
    reply = replace(shipped, answers=(replace(shipped.answers[0], lead=float("inf")), *shipped.answers[1:]))
    example.save_example(reply)
    assert example.load_example(CheckpointStore(CHECKPOINTS)) == reply


@pytest.mark.slow
def test_the_shipped_checkpoints_answer_so_today(shipped):
    today = example.build_example()
    assert (today.name, today.person, today.question) == (shipped.name, shipped.person, shipped.question)
    assert today.familiarity == pytest.approx(shipped.familiarity, abs=1e-3)
    for answer, expected in zip(today.answers, shipped.answers, strict=True):
        assert [candidate.place for candidate in answer.top] == [candidate.place for candidate in expected.top]
        for key, value in asdict(expected).items():
            if isinstance(value, float) and key != "seconds":
                assert getattr(answer, key) == pytest.approx(value, rel=1e-2, abs=1e-3), key
            elif key not in ("seconds", "top"):
                assert getattr(answer, key) == getattr(expected, key), key
