"""The example that the tab opens on is what the packaged model answers, and is there without loading anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from a3core.ui.fewshot import cards
from a3core.ui.fewshot.cards import render_asked
from assets import make_fewshot_example


def list_results(demo) -> list[str]:
    return [block.value for block in demo.blocks.values() if "fewshot-asked" in str(getattr(block, "value", ""))]


def test_neighbours_help_where_none_and_random_ones_do_not():
    shipped = cards.load_example()
    assert [answered.score.exact_match for answered in shipped.answers] == [False, False, True]
    assert len(shipped.rows) == 8 and shipped.prompt.endswith(f"Question: {make_fewshot_example.QUESTION}\nAnswer:")


def test_the_page_opens_on_it(demo):
    assert list_results(demo) == [render_asked(cards.load_example())]


def test_it_comes_back_as_it_was_written(tmp_path, monkeypatch):
    asked = replace(cards.load_example(), seconds=1.5)
    for module in (cards, make_fewshot_example):
        monkeypatch.setattr(module, "EXAMPLE", tmp_path / "example.json")
    make_fewshot_example.save_example(asked)
    assert cards.load_example() == asked


@pytest.mark.slow
def test_the_packaged_model_answers_so_today():
    shipped, today = cards.load_example(), make_fewshot_example.build_example()
    assert replace(today, answers=(), seconds=0, rows=()) == replace(shipped, answers=(), seconds=0, rows=())
    for row, expected in zip(today.rows, shipped.rows, strict=True):
        assert replace(row, similarity=0.0) == replace(expected, similarity=0.0)
        assert row.similarity == pytest.approx(expected.similarity, abs=1e-4)
    for answered, expected in zip(today.answers, shipped.answers, strict=True):
        assert (answered.name, answered.answer, answered.score) == (expected.name, expected.answer, expected.score)
        assert answered.log_probability == pytest.approx(expected.log_probability, abs=0.3)  # bfloat16, by machine
