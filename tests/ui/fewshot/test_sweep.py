"""The Few-shot tab's grid: it is run, its answers are read and opened, and the shipped one is there at once."""

from __future__ import annotations

import re
import shutil
from types import SimpleNamespace

import gradio as gr
import pytest
from fewshot_tab import call_plainly, find_event, no_progress, values_of

from a3core.ui.fewshot.sweep import format_source


@pytest.mark.slow
def test_a_small_grid_is_run_and_shown(demo, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_CACHE", str(tmp_path))
    event, values = demo.fns[find_event(demo, "run_grid")], values_of(demo, "run_grid", Questions=5)
    ks = next(component for component in event.inputs if getattr(component, "info", "") == "with commas")
    steps = list(event.fn(values | {ks: "0,1"}, no_progress))
    assert "prompts" in next(iter(steps[0].values())) and len(steps) > 2
    tables = next(v for v in steps[-1].values() if isinstance(v, str) and "exact match" in v)
    assert tables.count("<td>zero-shot</td>") == 4  # once among the answers, the nats, and twice among the counts
    assert "The answer in sight" in tables and "Holm" in tables and "95 % interval" in tables
    with pytest.raises(gr.Error, match="k takes numbers with commas"):
        list(event.fn(values | {ks: "1,two"}, no_progress))


@pytest.mark.slow
def test_the_answers_of_a_sweep_are_read_filtered_and_opened(demo, fewshot, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_CACHE", str(tmp_path))
    event, values = demo.fns[find_event(demo, "run_grid")], values_of(demo, "run_grid", Questions=5)
    ks = next(component for component in event.inputs if getattr(component, "info", "") == "with commas")
    *_, last = event.fn(values | {ks: "0,2", **read_selection(values)}, no_progress)
    by_label = {getattr(component, "label", ""): value for component, value in last.items()}
    table = by_label["Answers, question by question"]
    assert table.count("<tr>") == 1 + 5 and "<th" in table and table.count("data-cell") == 5 * 2
    assert [name for name, _ in by_label["Right in"].choices] == ["any", "zero-shot, greedy", "nearest, k = 2, greedy"]
    folder = next(value for component, value in last.items() if isinstance(component, gr.State))
    asked = fewshot.questions("builtin:validation")
    id_, cell = re.search(r'data-id="([^"]+)" data-cell="(nearest[^"]+)"', table).groups()
    opened = demo.fns[find_event(demo, "open_in_builder")].fn
    prompt, question, gold, _, k, selection, sections = opened(folder, asked.name, SimpleNamespace(id=id_, cell=cell))
    row = next(row for row in asked.rows if row.id == id_)
    assert prompt.count("Question: ") == 3 and prompt.endswith(f"Question: {row.question}\nAnswer:")
    assert (question, gold, k, selection) == (row.question, " | ".join(row.gold), 2, "nearest")
    assert sections.selected == "prompt"
    (none,) = call_plainly(demo, "filter_answers", folder, cell, cell)
    assert "No question has such answers" in none and "<table" not in none
    shutil.rmtree(folder)  # as old results are
    with pytest.raises(gr.Error, match="These answers are gone"):
        opened(folder, asked.name, SimpleNamespace(id=id_, cell=cell))


def read_selection(values: dict) -> dict:
    """Nearest alone."""
    chosen = next(each for each in values if isinstance(each, gr.CheckboxGroup) and each.label == "Selection")
    return {chosen: ["nearest"]}


def test_the_shipped_grid_is_shown_at_once(demo):
    source, exact, likely, reading, *_, tables = call_plainly(demo, "show_shipped", "builtin")
    assert not reading.visible  # nothing is drawn for answers that are not shipped
    assert "builtin" in source and exact is not None and likely is not None
    assert tables.count("<tr>") > 60 and "Holm" in tables
    with pytest.raises(gr.Error, match="holds no results"):
        call_plainly(demo, "show_folder", "/there/is/nothing")


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("LanguageModel('gemma-3-270m', torch.bfloat16, cpu)", "gemma-3-270m, computed in bfloat16;"),
        ("EndpointModel('http://localhost:8000/v1#llama')", "http://localhost:8000/v1#llama;"),
        ("another (model)", "another (model);"),
    ],
)
def test_the_model_of_a_sweep_is_named_in_words(written, named):
    assert f"<p>{named}" in format_source({"model": written})
