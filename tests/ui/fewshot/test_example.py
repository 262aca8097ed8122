"""The example that the tab opens on is what the packaged model answers, and is there without loading anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from a3core.ui.fewshot import example
from a3core.ui.fewshot.cards import render_asked


def list_results(demo) -> list[str]:
    return [block.value for block in demo.blocks.values() if "fewshot-asked" in str(getattr(block, "value", ""))]


def test_neighbours_help_where_none_and_random_ones_do_not():
    shipped = example.load_example()
    assert [answered.score.exact_match for answered in shipped.answers] == [False, False, True]
    assert len(shipped.rows) == 8 and shipped.prompt.endswith(f"Question: {example.QUESTION}\nAnswer:")


def test_the_page_opens_on_it(demo):
    assert list_results(demo) == [render_asked(example.load_example())]


def test_it_comes_back_as_it_was_written(tmp_path, monkeypatch):
    asked = replace(example.load_example(), seconds=1.5)
    monkeypatch.setattr(example, "FILE", tmp_path / "example.json")
    example.save_example(asked)
    assert example.load_example() == asked


@pytest.mark.slow
def test_the_packaged_model_answers_so_today():
    shipped, today = example.load_example(), example.build_example()
    assert replace(today, answers=(), seconds=0, rows=()) == replace(shipped, answers=(), seconds=0, rows=())
    for row, expected in zip(today.rows, shipped.rows, strict=True):
        assert replace(row, similarity=0.0) == replace(expected, similarity=0.0)
        assert row.similarity == pytest.approx(expected.similarity, abs=1e-4)
    for answered, expected in zip(today.answers, shipped.answers, strict=True):
        assert (answered.name, answered.answer, answered.score) == (expected.name, expected.answer, expected.score)
        assert answered.log_probability == pytest.approx(expected.log_probability, abs=0.3)  # bfloat16, by machine
