"""What a panel and an API need of the laboratory: the registry, refusals, plain data, pictures."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest

from a3core.attention.lab.claims import CLAIMS, draw_claim, run_claim
from a3core.attention.lab.result import STATEMENTS

EXTREMES = {"H": 1e6, "alpha": 1, "extra_variance": 2, "draws": 2, "n": 2, "d": 2, "m": 1, "angle": 1, "cosine": 0.95}


def extreme(claim):
    return {name: EXTREMES[name] for name in STATEMENTS[claim].preset if name in EXTREMES}


def test_every_claim_of_the_assignment_is_there():
    assert list(CLAIMS) == ["1.1", "1.2a", "1.2b", "1.3a", "1.3b", "1.4a", "1.4b"]


@pytest.mark.parametrize("claim", CLAIMS)
def test_sliders_are_the_parameters_and_presets_are_allowed(claim):
    assert list(inspect.signature(CLAIMS[claim]).parameters) == list(STATEMENTS[claim].preset)
    for slider in STATEMENTS[claim].sliders:
        assert slider.check(slider.preset) == slider.preset
        assert slider.check(slider.minimum) < slider.check(slider.maximum)
        assert slider.step > 0 and slider.label
        assert not slider.log or slider.minimum > 0


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=list(STATEMENTS))
def test_a_statement_has_title_claim_assumptions_and_formula(statement):
    assert statement.title and len(statement.short) < 30 and statement.claim.endswith(".")
    assert all(each.endswith(".") for each in statement.assumptions)
    assert statement.formula.count("$$") % 2 == 0 and statement.formula.startswith("$$")


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
        ("1.1", {"H": None}, "must be a number, not empty"),
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
        assert plain["parameters"] == {**STATEMENTS[claim].preset, **parameters}
        assert plain["quantities"] and plain["table"] and plain["verdict"]


def test_what_is_not_finite_becomes_none():
    ratio = run_claim("1.4b", draws=2, n=2, d=2, H=1e6)
    assert ratio.quantities[-1].measured == np.inf and ratio.to_json()["quantities"][-1]["measured"] is None


@pytest.mark.parametrize("claim", CLAIMS)
def test_pictures_are_sound_svg_with_named_axes_in_the_pages_colours(claim):
    from xml.etree import ElementTree

    for parameters in ({}, extreme(claim)):
        result = run_claim(claim, **parameters)
        markup = draw_claim(result)
        root = ElementTree.fromstring(f"<div>{markup.replace('&#8203;', '')}</div>")
        pictures = [each for each in root.iter("svg") if each.get("role") == "img"]
        assert len(pictures) == len(STATEMENTS[claim].panels) in (1, 2)
        for panel in STATEMENTS[claim].panels:
            assert panel["title"] and panel["x"]["title"] and panel["y"]["title"]
            assert all(shape["name"] for shape in panel["shapes"])
        assert "nan" not in markup.lower() and "inf" not in markup.lower()
        assert "currentColor" in markup


def test_a_point_is_drawn_where_its_axes_say():
    import re

    from a3core.attention.lab.svg import BOTTOM, LEFT, RIGHT, TOP, draw_panels

    shapes = [{"kind": "points", "x": "at", "y": "height", "name": "point", "colour": "red", "symbol": "circle"}]
    axes = {"x": {"title": "x", "log": True, "range": [1, 100]}, "y": {"title": "y", "range": "height range"}}
    numbers = {"at": [10], "height": [1], "height range": (0, 4)}
    drawn = draw_panels([{"title": "one", **axes, "shapes": shapes}], numbers)
    x, y = (float(each) for each in re.search(r'cx="([\d.]+)" cy="([\d.]+)"', drawn).groups())
    assert x == pytest.approx((LEFT + RIGHT) / 2, abs=0.1)
    assert y == pytest.approx(BOTTOM - (BOTTOM - TOP) / 4, abs=0.1)


def test_plain_formulas_are_typeset_and_text_is_no_markup():
    from a3core.attention.lab.svg import typeset

    assert typeset("v_a, H sqrt(alpha) << 1, n <= d") == "v<sub>a</sub>, H √α ≪ 1, n ≤ d".replace("≤", "≤")
    assert typeset("sum of c_i^2 a_i") == "sum of c<sub>i</sub><sup>2</sup> a<sub>i</sub>"
    assert "<img" not in typeset("<img src=x>")


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_shape_of_a_preset_is_drawn(claim):
    legend = draw_claim(run_claim(claim)).partition('<ul class="a3-legend">')[2]
    shapes = [shape for panel in STATEMENTS[claim].panels for shape in panel["shapes"]]
    assert legend.count("<li>") == len({shape["name"] for shape in shapes})


@pytest.mark.parametrize("claim", ["1.4a", "1.4b"])
def test_the_picture_follows_the_number_of_heads(claim):
    one, two = (draw_claim(run_claim(claim, heads=heads)).count("<li>") for heads in (1, 2))
    assert two > one


@pytest.mark.parametrize("claim", ["1.3b", "1.4a", "1.4b"])
def test_nothing_is_predicted_where_the_expansion_does_not_hold(claim):
    """alpha H^2 = 1: the first terms of an expansion in it gave 100 % where 15 % were counted."""
    result = run_claim(claim, alpha=1e-2, H=10)
    assert not result.within_assumptions and any(each.predicted is None for each in result.quantities)
    assert all(each.agrees for each in result.quantities if each.predicted is None)
    inside = run_claim(claim, alpha=1e-5, H=10)
    assert all(each.predicted is not None for each in inside.quantities)


def test_two_draws_that_do_not_vary_give_no_ratio():
    assert "inf" not in run_claim("1.4b", draws=2, seed=3, H=1e6).remark


def test_the_laboratory_loads_neither_gradio_nor_plotly():
    heavy = ("gradio", "plotly", "torch")
    code = f"import sys, a3core.attention.lab.claims; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
