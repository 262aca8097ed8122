"""What a panel and an API need of the laboratory: the registry, refusals, plain data, pictures."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest

from a3core.attention.lab.claims import CLAIMS, plot_claim, run_claim
from a3core.attention.lab.result import to_plain

EXTREMES = {"H": 1e6, "alpha": 1, "extra_variance": 2, "draws": 2, "n": 2, "d": 2, "m": 1, "angle": 1, "cosine": 0.95}


def extreme(claim):
    return {name: EXTREMES[name] for name in CLAIMS[claim].preset if name in EXTREMES}


def test_every_claim_of_the_assignment_is_there():
    assert list(CLAIMS) == ["1.1", "1.2a", "1.2b", "1.3a", "1.3b", "1.4a", "1.4b"]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_sliders_are_the_parameters_and_presets_are_allowed(claim):
    assert list(inspect.signature(claim.run).parameters) == list(claim.preset)
    for slider in claim.sliders:
        assert slider.check(slider.preset) == slider.preset
        assert slider.check(slider.minimum) < slider.check(slider.maximum)
        assert slider.step > 0 and slider.label
        assert not slider.log or slider.minimum > 0


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_a_statement_has_title_claim_assumptions_and_formula(claim):
    title, words, assumptions, formula = claim.statement
    assert title and words.endswith(".")
    assert all(each.endswith(".") for each in assumptions)
    assert formula.count("$$") % 2 == 0 and formula.startswith("$$")


@pytest.mark.parametrize(
    ("claim", "parameters", "message"),
    [
        ("1.5", {}, r"no claim '1.5'; choose one of 1.1, 1.2a"),
        (["1.1"], {}, "no claim"),
        ("1.1", {"alpha": 0.1}, r"Claim 1.1 has no parameter 'alpha'; it takes n, d, H, cosine, draws, seed"),
        ("1.2b", {"n": 30, "d": 20}, "30 vectors cannot be orthonormal in 20 dimensions.*keep n <= d"),
        ("1.3a", {"n": 30, "d": 20}, "keep n <= d"),
        ("1.4b", {"n": 30, "d": 20}, "keep n <= d"),
        ("1.2a", {"m": 20, "d": 30}, "keep 2 m <= d"),
        ("1.1", {"n": 1}, r"n \(number of keys\) must lie between 2 and 64, not '1'"),
        ("1.1", {"n": 2.5}, "must be a whole number, not '2.5'"),
        ("1.1", {"draws": 0}, "must lie between 2 and 20,000"),
        ("1.1", {"draws": 20_001}, "must lie between 2 and 20,000"),
        ("1.1", {"H": float("nan")}, "must lie between 0.1 and 1,000,000, not 'nan'"),
        ("1.1", {"H": float("inf")}, "must lie between"),
        ("1.1", {"H": 10**400}, "must lie between"),
        ("1.1", {"H": "ten {}"}, r"must be a number, not 'ten \{\}'"),
        ("1.1", {"H": None}, "must be a number"),
        ("1.1", {"n": True}, "must be a number"),
        ("1.1", {"n": 64, "d": 256, "draws": 20_000}, "327,680,000 random numbers"),
    ],
)
def test_bad_parameters_are_refused_in_one_sentence(claim, parameters, message):
    with pytest.raises(ValueError, match=message):
        run_claim(claim, **parameters)


def test_whole_numbers_may_come_as_floats():
    result = run_claim("1.3b", n=5.0, draws=np.float64(50), seed=np.int64(3))
    assert result.parameters["n"] == 5 and isinstance(result.parameters["draws"], int)


@pytest.mark.parametrize("claim", CLAIMS)
def test_results_are_plain_data(claim):
    for parameters in ({}, extreme(claim)):
        plain = run_claim(claim, **parameters).to_json()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["parameters"] == {**CLAIMS[claim].preset, **parameters}
        assert plain["quantities"] and plain["table"] and plain["verdict"]


def test_what_is_not_finite_becomes_none():
    assert to_plain({"a": np.array([1.0, np.inf]), "b": (np.nan, np.bool_(True))}) == {
        "a": [1.0, None],
        "b": [None, True],
    }


@pytest.mark.parametrize("claim", CLAIMS)
def test_pictures_suit_a_dark_page_and_name_their_axes(claim):
    for parameters in ({}, extreme(claim)):
        figure = plot_claim(run_claim(claim, **parameters))
        layout = figure.layout
        assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
        assert layout.title.text and layout.font.color
        axes = [*figure.select_xaxes(), *figure.select_yaxes()]
        assert axes and all(axis.title.text for axis in axes)
        assert all(trace.name for trace in figure.data)
        assert "NaN" not in figure.to_json()


@pytest.mark.parametrize("claim", ["1.4a", "1.4b"])
def test_the_picture_follows_the_number_of_heads(claim):
    one, two = (plot_claim(run_claim(claim, heads=heads)) for heads in (1, 2))
    assert len(two.data) > len(one.data)


def test_the_laboratory_loads_neither_gradio_nor_plotly():
    heavy = ("gradio", "plotly", "torch")
    code = f"import sys, a3core.attention.lab.claims; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
