"""fewshot-eval from its options to its files, with a made-up encoder and a tiny random language model."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from fakes import BagOfWords, build_language_model
from typer.testing import CliRunner

import a3core.fewshot.encoder
import a3core.llm.local
from a3core.__main__ import app
from a3core.fewshot.sweep import run as sweep_run
from a3core.fewshot.sweep.report import load_results

OPTIONS = ["--k", "0,2", "--decoding", "greedy", "--n", "4", "--n-log-probability", "6", "--max-new-tokens", "4"]


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("A3_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(a3core.fewshot.encoder, "load_encoder", lambda name=None: BagOfWords())
    monkeypatch.setattr(
        a3core.llm.local, "load_language_model", lambda name=None, dtype=None: build_language_model(dtype=dtype)
    )
    return lambda *options: CliRunner().invoke(app, ["fewshot-eval", *options, "--out", str(tmp_path / "out")])


@pytest.mark.slow
def test_it_writes_tables_and_figures_and_goes_on_where_it_stood(run, tmp_path):
    first = run(*OPTIONS)
    assert first.exit_code == 0, first.output
    results = load_results(tmp_path / "out")
    assert set(results.summary["k"]) == {0, 2} and results.metadata["args"]["n"] == 4
    assert len(results.comparisons) > 0
    assert {"answers.csv", "exact_match.html", "log_probability.html", "plotly.min.js"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
    assert len(pd.read_csv(tmp_path / "out" / "answers.csv")) == 2 * 2 * (4 + 6)
    log = (tmp_path / "out" / "answers.jsonl").read_text()
    assert len({json.loads(line)["key"] for line in log.splitlines()}) == 3 * (4 + 6)  # zero-shot once
    assert run(*OPTIONS).exit_code == 0
    assert (tmp_path / "out" / "answers.jsonl").read_text() == log


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--k", "1,two"], "k takes numbers"),
        (["--k", "33"], "k goes from 0 to 32"),
        (["--selection", "far"], "selection is of"),
        (["--decoding", "luck"], "decoding is of"),
        (["--pool", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, options, says):
    done = run(*options)
    assert isinstance(done.exception, ValueError) and says in str(done.exception)


@pytest.mark.slow
def test_float32_and_bfloat16_are_different_runs(run, tmp_path):
    """The answers of one are not taken for the other's, and the run's file says what they were computed in."""
    folder = tmp_path / "out"
    for dtype, times in (("float32", 1), ("bfloat16", 2)):
        assert run(*OPTIONS, "--dtype", dtype).exit_code == 0
        assert len((folder / "answers.jsonl").read_text().splitlines()) == times * 3 * (4 + 6)
        metadata = json.loads((folder / "grid.json").read_text())
        assert dtype in metadata["model"] and metadata["reproducible"] is True


@pytest.mark.slow
def test_a_run_that_was_stopped_or_enlarged_is_the_run_in_one_go(run, tmp_path, monkeypatch):
    options = [*OPTIONS[:2], "--decoding", "greedy,sampling,beam", "--dtype", "bfloat16", "--max-new-tokens", "3"]
    large, small = ["--n", "6", "--n-log-probability", "5"], ["--n", "3", "--n-log-probability", "2"]
    monkeypatch.setattr(sweep_run.Sweep, "save", lambda sweep: None)  # the tables are those of the answers in the log
    log = tmp_path / "out" / "answers.jsonl"
    read = lambda: {(e := json.loads(line))["key"]: e | {"seconds": 0} for line in log.read_text().splitlines()}  # noqa: E731
    assert run(*options, *large).exit_code == 0
    expected = read()
    lines = log.read_text().splitlines(keepends=True)
    for kept in (lines[::3], lines[:7]):  # as if killed, in whatever state
        log.write_text("".join(kept))
        assert run(*options, *large).exit_code == 0 and read() == expected
    log.unlink()
    assert run(*options, *small).exit_code == 0 and len(read()) < len(expected)
    monkeypatch.setattr(sweep_run, "CHUNK", 2)
    assert run(*options, *large).exit_code == 0 and read() == expected
