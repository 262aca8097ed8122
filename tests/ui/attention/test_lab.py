"""The laboratory panel without a browser: every event through the page's own machinery, as a visit calls it."""

from __future__ import annotations

import asyncio
import json
import re

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from a3core.attention.lab.claims import CLAIMS, run_claim
from a3core.attention.lab.result import STATEMENTS, LabResult, exact
from a3core.attention.lab.svg import typeset
from a3core.ui.attention import lab as attention_lab
from a3core.ui.attention.lab import FILE, build_lab_panel, draw_run, list_claims, render_result

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page():
    with gr.Blocks(analytics_enabled=False) as page, gr.Tab("Attention"):
        build_lab_panel()
    return page


@pytest.fixture
def run(page):
    """Runs a claim as the settings' script asks for it: what came back for settings, result, statement and table."""
    (event,) = [each for each in page.fns.values() if each.name == "run_lab"]

    def run(claim: str, **parameters) -> dict:
        data = gr.EventData(None, {"claim": claim, "parameters": parameters})
        output = asyncio.run(page.process_api(event, [], state=SessionState(page), event_data=data))["data"]
        names = ("settings", "result", "statement", "table")
        return {name: each for name, each in zip(names, output, strict=True) if not is_skip(each)}

    return run


def is_skip(update) -> bool:
    return isinstance(update, dict) and update.keys() <= {"__type__", "props"}  # gr.HTML's has empty props too


def test_the_page_opens_on_the_first_claim_as_it_is_drawn_today(page):
    assert json.loads(FILE.read_text(encoding="utf-8")) == draw_run("1.1", {})
    values = [str(getattr(block, "value", "")) for block in page.blocks.values()]
    assert any("✓ As predicted" in value and "<svg" in value for value in values)


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_chosen_claim_brings_statement_picture_verdict_numbers_and_table(run, claim):
    made, result = run(claim, **STATEMENTS[claim].preset), run_claim(claim)
    assert made["settings"] == {"error": ""}
    assert typeset(result.statement.title) in made["result"] and result.statement.formula in made["statement"]
    assert all(assumption in made["statement"] for assumption in result.statement.assumptions)
    assert "✓ As predicted" in made["result"] and "<svg" in made["result"]
    assert made["result"].count("✓ yes") == len(result.quantities)
    assert made["table"].count("<tr>") == len(result.table) + 1
    assert made["table"].count('scope="col"') == len(result.table[0])


def test_the_sliders_are_the_parameters_and_their_numbers_are_the_values():
    for each in list_claims():
        sliders = {slider["name"]: slider for slider in each["sliders"]}
        assert {name: slider["preset"] for name, slider in sliders.items()} == STATEMENTS[each["id"]].preset
    assert sliders["H"] | {"label": ""} == {
        "name": "H",
        "label": "",
        "preset": 10,
        "minimum": 0.1,
        "maximum": 1e6,
        "step": 0.05,
        "log": True,
        "is_integer": False,
    }


def test_a_typed_number_is_the_value_itself(run):
    made = run("1.2b", n=20, d=64, H=10, draws=1000, seed=0)
    assert made["result"] == str(render_result(run_claim("1.2b", H=10)))


def test_outside_the_assumptions_says_so(run):
    assert "⚠ Outside the assumptions" in run("1.2b", H=1)["result"]
    assert "not far above ln n" in run("1.2b", H=1)["result"]


@pytest.mark.parametrize(
    ("claim", "parameters"), [("1.4b", {"alpha": 0.01, "H": 1000}), ("1.3b", {"alpha": 1, "H": 20})]
)
def test_where_no_formula_holds_nothing_is_predicted(run, claim, parameters):
    made = run(claim, **parameters)["result"]
    verdict = made.partition('aria-label="Verdict"')[2].partition("</section>")[0]
    assert "nothing is predicted" in verdict and "predicted 1" not in verdict and "counted" in verdict
    assert "100.0%" not in made


def test_what_is_refused_leaves_the_result_as_it_is(run):
    made = run("1.4a", n=30, d=10)
    assert "keep n <= d" in made["settings"]["error"] and "still those of the last" in made["settings"]["error"]
    assert made.keys() == {"settings"}
    for wrong in ({"H": None}, {"H": 9e9}, {"n": 2.5}, {"N": 3}):
        assert run("1.2b", **wrong).keys() == {"settings"}
    assert "no claim" in run("9.9")["settings"]["error"]


@pytest.mark.parametrize(
    ("measured", "within", "state"),
    [(1, True, "✓ As predicted"), (2, True, "✗ Not as predicted"), (1, False, "⚠ Outside"), (2, False, "⚠ Outside")],
)
def test_three_states_are_told_in_words(measured, within, state):
    caveat = "" if within else "Outside the assumptions: H is not small."
    picture = run_claim("1.2b")
    quantities = (exact("weight", 1, 1), exact(HOSTILE, 1, measured))
    result = LabResult("1.2b", quantities, "", within, picture.table, picture.picture, caveat)
    html = render_result(result)
    assert f">{state}" in html
    assert html.count("utside the assumptions") == (not within)  # said once
    assert ("differ here" in html) == (measured == 2 and not within)


def test_text_is_never_markup():
    picture = run_claim("1.2b")
    result = LabResult("1.2b", (exact(HOSTILE, 1, 2),), HOSTILE, False, picture.table, picture.picture, HOSTILE)
    assert "<img" not in render_result(result)


@pytest.mark.parametrize("parameters", [{"n": 5, "H": 3}, '{"n": 5, "H": 3}'])
def test_the_endpoint_takes_parameters_as_an_object_or_as_json(page, parameters):
    answer = page("1.2b", parameters, api_name="attention_lab")
    assert answer == run_claim("1.2b", n=5, H=3).to_json()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


@pytest.mark.parametrize("parameters", [None, {}, "", "{}", "null"])
def test_the_endpoint_runs_the_preset_where_nothing_is_given(page, parameters):
    assert page("1.1", parameters, api_name="attention_lab")["parameters"] == STATEMENTS["1.1"].preset


@pytest.mark.parametrize(
    ("claim", "parameters", "says"),
    [
        ("", None, "There is no claim ''"),
        (HOSTILE, None, "There is no claim"),
        (None, None, "There is no claim"),
        ("1.1", "{", "no JSON"),
        ("1.1", "\0", "no JSON"),
        ("1.1", "[" * 10_000, "no JSON|must be an object"),
        ("1.1", "[1]", r"must be an object such as .*, not '\[1\]'"),
        ("1.1", [1], "must be an object"),
        ("1.1", 3, "must be an object such as .*, not '3'"),
        ("1.1", {"N": 3}, "no parameter 'N'; it takes n, d"),
        ("1.1", {"😀": 3}, "no parameter '😀'"),
        ("1.1", {"claim": "1.2b"}, "must be an object such as"),
        ("1.1", {"n": "many"}, "must be a number"),
        ("1.1", '{"n": NaN}', "must lie between"),
        ("1.1", '{"H": 1e999}', "must lie between"),
        ("1.2b", {"n": 30, "d": 20}, "keep n <= d"),
    ],
)
def test_a_bad_call_is_one_clear_sentence(page, claim, parameters, says):
    with pytest.raises(gr.Error) as caught:
        page(claim, parameters, api_name="attention_lab")
    assert re.search(says, caught.value.message)
    assert len(caught.value.message) < 300


def test_the_endpoint_tells_claims_and_parameters(page):
    told = page.get_api_info()["named_endpoints"]["/attention_lab"]
    assert [each["parameter_name"] for each in told["parameters"]] == ["claim", "parameters"]
    for number, statement in STATEMENTS.items():
        line = next(line for line in attention_lab.attention_lab.__doc__.splitlines() if f" {number} " in line)
        assert line.rstrip(";.").endswith(f": {', '.join(statement.preset)}")


def test_plumbing_is_private(page):
    public = [event.api_name for event in page.fns.values() if event.api_visibility == "public"]
    assert public == ["attention_lab"]
