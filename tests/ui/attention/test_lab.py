"""The laboratory panel without a browser: every event through the page's own machinery, as a visit calls it."""

from __future__ import annotations

import asyncio
import json
import math
import re

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from a3core.attention.lab.claims import CLAIMS, run_claim
from a3core.attention.lab.result import LabResult, exact
from a3core.ui.attention import lab as attention_lab
from a3core.ui.attention.lab import (
    build_lab_panel,
    find_slider,
    find_state,
    list_sliders,
    place_slider,
    render_details,
    render_result,
    to_position,
    to_value,
)

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page():
    with gr.Blocks(analytics_enabled=False) as page, gr.Tab("Attention"):
        build_lab_panel()
    return page


class Visit:
    """One visitor: what the sliders show, and what the last event changed."""

    def __init__(self, page: gr.Blocks):
        self.page, self.state, self.claim = page, SessionState(page), "1.1"
        self.event = next(event for event in page.fns.values() if event.name == "run_lab")
        self.names = list_sliders()
        self.sliders = {name: place_slider("1.1", name) for name in self.names}

    def choose(self, claim: str) -> dict:
        self.claim = claim
        return self.run()

    def move(self, **values: float) -> dict:
        for name, value in values.items():
            self.sliders[name]["value"] = to_position(find_slider(self.claim, name), value)
        return self.run()

    def run(self) -> dict:
        """What changed: the statement, the sliders by their names, and the four results."""
        inputs = [None, self.claim, *(slider["value"] for slider in self.sliders.values())]
        output = asyncio.run(self.page.process_api(self.event, inputs, state=self.state))["data"]
        for name, update in zip(self.names, output[2:], strict=False):
            self.sliders[name].update(update)
        names = ("statement", *self.names, "verdict", "picture", "details", "table")
        return {name: each for name, each in zip(names, output[1:], strict=True) if not is_skip(each)}


def is_skip(update) -> bool:
    return isinstance(update, dict) and update.keys() <= {"__type__", "props"}  # gr.HTML's has empty props too


@pytest.fixture
def visit(page):
    visit = Visit(page)
    visit.run()  # when the page has loaded
    return visit


def test_a_page_that_was_just_loaded_shows_the_first_claim(page):
    shown = Visit(page).run()
    assert "✓ As predicted." in shown["verdict"]
    assert shown["picture"]["type"] == "plotly"
    assert "1.1" in shown["statement"]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_chosen_claim_brings_statement_sliders_picture_verdict_and_table(visit, claim):
    visit.choose("1.2b" if claim == "1.1" else "1.1")
    shown = visit.choose(claim)
    result = run_claim(claim)
    assert result.title in shown["statement"] and result.formula in shown["statement"]
    assert all(assumption in shown["statement"] for assumption in result.assumptions)
    assert {name for name, slider in visit.sliders.items() if slider["visible"]} == set(result.parameters)
    assert "✓ As predicted." in shown["verdict"]
    assert json.loads(shown["picture"]["plot"])["data"]
    assert shown["details"].count("✓ yes") == len(result.quantities)
    assert shown["table"]["headers"] == list(result.table[0])
    assert len(shown["table"]["data"]) == len(result.table)


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_sliders_stand_on_the_preset_so_nothing_runs_twice(visit, claim, monkeypatch):
    visit.choose("1.2b" if claim == "1.1" else "1.1")
    visit.choose(claim)
    monkeypatch.setattr(attention_lab, "run_claim", None)  # a second run would fail
    assert visit.run() == {}


def test_only_the_chosen_claim_runs(visit, monkeypatch):
    ran = []
    monkeypatch.setattr(attention_lab, "run_claim", lambda claim, **each: ran.append(claim) or run_claim(claim, **each))
    visit.choose("1.3b")
    visit.move(H=20)
    assert ran == ["1.3b", "1.3b"]


def test_a_moved_slider_changes_the_picture_and_keeps_its_place(visit):
    visit.choose("1.2b")
    shown = visit.move(H=1)
    assert shown["H"] == {"label": "query scale: H = 1", "__type__": "update"}
    assert "⚠ Outside the assumptions." in shown["verdict"]
    assert "not far above ln n" in shown["verdict"]
    assert "statement" not in shown


def test_a_claim_chosen_again_has_its_preset_again(visit):
    visit.choose("1.2b")
    visit.move(n=5, H=3)
    visit.choose("1.1")
    visit.choose("1.2b")
    assert visit.sliders["n"]["value"] == 20 and visit.sliders["H"]["label"] == "query scale: H = 10"


def test_reset_brings_the_preset_back(visit, page):
    visit.choose("1.3a")
    visit.move(alpha=0.5)
    forget = next(event for event in page.fns.values() if event.name == "<lambda>" and event.targets[0][1] == "click")
    asyncio.run(page.process_api(forget, [], state=visit.state))
    shown = visit.run()
    assert visit.sliders["alpha"]["value"] == -6
    assert "✓ As predicted." in shown["verdict"]


def test_more_keys_than_dimensions_are_refused_and_the_page_goes_on(visit):
    visit.choose("1.4a")
    shown = visit.move(n=30, d=10)
    assert "✗ Refused." in shown["verdict"] and "keep n &lt;= d" in shown["verdict"]
    assert not {"picture", "details", "table"} & set(shown)
    assert "✓ As predicted." in visit.move(d=64)["verdict"]


def test_two_visits_do_not_share_their_claim(page):
    one, two = Visit(page), Visit(page)
    one.run(), two.run()
    one.choose("1.4b")
    assert "statement" not in two.move(n=7)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_positions_and_values_go_there_and_back(claim):
    for slider in claim.sliders:
        for value in (slider.minimum, slider.preset, slider.maximum):
            back = to_value(slider, to_position(slider, value))
            assert slider.check(back) == pytest.approx(value, rel=1e-5)
        if slider.log:
            assert to_position(slider, slider.preset) == pytest.approx(math.log10(slider.preset))


@pytest.mark.parametrize(
    ("measured", "within", "state"),
    [(1, True, "✓ As predicted"), (2, True, "✗ Not as predicted"), (1, False, "⚠ Outside"), (2, False, "⚠ Outside")],
)
def test_three_states_are_told_in_words(measured, within, state):
    caveat = "" if within else "Outside the assumptions: H is not small."
    result = LabResult("1.2b", (exact("weight", 1, 1), exact(HOSTILE, 1, measured)), "", within, [{}], {}, caveat)
    html = render_result(result)
    assert find_state(result)[1].startswith(state) and f"<strong>{state}" in html
    assert html.count("utside the assumptions") == (not within)  # said once
    assert ("differ here" in html) == (measured == 2 and not within)


def test_text_is_never_markup():
    result = LabResult("1.2b", (exact(HOSTILE, 1, 2),), HOSTILE, False, [{}], {}, HOSTILE)
    assert "<img" not in render_result(result) + render_details(result)


@pytest.mark.parametrize("parameters", [{"n": 5, "H": 3}, '{"n": 5, "H": 3}'])
def test_the_endpoint_takes_parameters_as_an_object_or_as_json(page, parameters):
    answer = page("1.2b", parameters, api_name="attention_lab")
    assert answer == run_claim("1.2b", n=5, H=3).to_json()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


@pytest.mark.parametrize("parameters", [None, {}, "", "{}", "null"])
def test_the_endpoint_runs_the_preset_where_nothing_is_given(page, parameters):
    assert page("1.1", parameters, api_name="attention_lab")["parameters"] == CLAIMS["1.1"].preset


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
    for claim in CLAIMS.values():
        line = next(line for line in attention_lab.attention_lab.__doc__.splitlines() if f" {claim.id} " in line)
        assert line.rstrip(";.").endswith(f": {', '.join(claim.preset)}")


def test_plumbing_is_private(page):
    public = [event.api_name for event in page.fns.values() if event.api_visibility == "public"]
    assert public == ["attention_lab"]
