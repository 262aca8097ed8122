"""The laboratory of the Attention tab: choose a claim, move its sliders, and see theory beside sample."""

from __future__ import annotations  # the endpoints' results have no schema, as programs know them

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr
from markupsafe import Markup

from a3core.attention.lab.claims import draw_claim, run_claim
from a3core.attention.lab.result import STATEMENTS, LabResult
from a3core.attention.lab.svg import typeset
from a3core.common.paths import ASSETS
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import read_template, render
from a3core.ui.shared.screen import QUIET, build_file_view, build_results, build_screen, build_settings

TEMPLATE = read_template(__file__, "lab.html")  # "result", or "table", the rows behind the picture to four digits
FILE = ASSETS / "attention_lab" / "example.json"  # the first claim as it is drawn today: nothing is computed at start
EXAMPLE = '{"n": 20, "H": 10}'
LEAD = "The claims of section 1 about attention: what theory predicts, beside random draws."
MATHS = [{"left": "$$", "right": "$$", "display": True}, {"left": "$", "right": "$", "display": False}]


def build_lab_panel() -> None:
    """Settings at left; at right verdict, picture and numbers, then formula and table as sections."""
    first = json.loads(FILE.read_text(encoding="utf-8"))
    with build_screen("screen-lab"):
        with build_settings(LEAD):
            settings = build_file_view(
                "attention_lab",
                ["view.js"],
                value={"claims": list_claims()},
                elem_id="lab-settings",
                elem_classes="a3-quiet-field",
                label="The laboratory's settings",
            )
        with build_results():
            result = gr.HTML(first["result"], elem_id="lab-results")
            with gr.Tabs(elem_classes="a3-lab-more"):
                with gr.Tab("Formula and assumptions"):
                    statement = gr.Markdown(first["statement"], elem_classes="a3-lab-statement", latex_delimiters=MATHS)
                with gr.Tab("The table behind the picture"):
                    table = gr.HTML(first["table"])

    parts = {"result": result, "statement": statement, "table": table}

    def run_lab(event: gr.EventData):
        try:
            drawn = draw_run(str(event._data.get("claim")), dict(event._data.get("parameters") or {}))
        except ValueError as error:
            return {settings: {"error": f"{error} Picture and numbers are still those of the last allowed values."}}
        return {settings: {"error": ""}, **{parts[name]: markup for name, markup in drawn.items()}}

    settings.run(run_lab, None, [settings, *parts.values()], trigger_mode="always_last", **QUIET)
    gr.api(attention_lab, api_name="attention_lab")


def list_claims() -> list[dict[str, Any]]:
    """Every claim with its sliders, as the view's script reads them."""

    def describe(slider) -> dict[str, Any]:  # with the letter of the formula
        return slider._asdict() | {"label": slider.label + f" {slider.name}" * (len(slider.name) < 2)}

    return [
        {"id": number, "title": statement.short, "sliders": list(map(describe, statement.sliders))}
        for number, statement in STATEMENTS.items()
    ]


def draw_run(claim: str, parameters: Mapping[str, float]) -> dict[str, str]:
    """Markup of a run: result, statement (Markdown) and table. Raises ValueError for parameters that are refused."""
    result = run_claim(claim, **parameters)
    words = f"{result.statement.claim}\n\n{result.statement.formula}"
    words += f"\n\n**Assumptions.** {' '.join(result.statement.assumptions)}"
    table = render(TEMPLATE, part="table", result=result, typeset=typeset)
    return {"result": render_result(result), "statement": words, "table": table}


def render_result(result: LabResult) -> Markup:
    """HTML: the state, predicted beside measured (the headline, or all that differs), the picture and the numbers."""
    return render(TEMPLATE, part="result", result=result, typeset=typeset, picture=Markup(draw_claim(result)))


def read_parameters(parameters: dict | str | None) -> dict[str, float]:
    """Parameters as a dict, from a dict or from the JSON of one.

    Raises:
        ValueError: neither of the two, or the claim's name among them.
    """
    if isinstance(parameters, str):
        try:
            parameters = json.loads(parameters or "{}")
        except (ValueError, RecursionError) as error:
            raise ValueError(f"The parameters are no JSON ({error}); write {EXAMPLE}.") from None
    parameters = {} if parameters is None else parameters
    if not isinstance(parameters, dict) or "claim" in parameters:
        raise ValueError(f"The parameters must be an object such as {EXAMPLE}, not {str(parameters)[:40]!r}.")
    return parameters


@tells_errors
def attention_lab(claim: str, parameters: dict | str | None = None) -> dict:
    """Run one claim about softmax attention: what theory predicts beside what a random sample shows.

    The claims, with the parameters that each takes:
    1.1 (one key dominates): n, d, H, cosine, draws, seed;
    1.2a (a projection): m, d, angle, draws, seed;
    1.2b (one query averages two values): n, d, H, draws, seed;
    1.3a (small noise on the keys): n, d, H, alpha, draws, seed;
    1.3b (one long key): n, d, H, alpha, extra_variance, draws, seed;
    1.4a (two heads): n, d, H, alpha, heads, draws, seed;
    1.4b (two heads, one long key): n, d, H, alpha, extra_variance, heads, draws, seed.
    n keys (2 to 64) in d dimensions (2 to 256, at least n), query scale H (0.1 to 1e6), noise alpha (1e-12 to 1),
    extra_variance along mu_a (0.05 to 2), heads (1 or 2), cosine of the other keys (-1 to 0.95), subspaces of m
    dimensions (1 to 32, at most d / 2) at an angle (0 to 90 degrees), draws (2 to 20,000), seed (0 to 9,999).

    Args:
        claim: one of "1.1", "1.2a", "1.2b", "1.3a", "1.3b", "1.4a", "1.4b"
        parameters: those to change, as an object or its JSON, e.g. {"n": 20, "H": 10}; the others keep their presets

    Returns:
        claim, title, assumptions, formula, parameters: what was run
        verdict: one sentence
        holds: whether theory and sample agree
        within_assumptions: whether the parameters meet the claim's assumptions
        quantities: a list of predicted, measured, spread, standard_error, tolerance and agrees
        table: the rows behind the page's picture
    """
    return run_claim(claim, **read_parameters(parameters)).to_json()
