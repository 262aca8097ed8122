"""The laboratory of the Attention tab: choose a claim, move its sliders, and see theory beside sample.

One set of widgets serves every claim: a claim just chosen brings its preset, and after that only its numbers move.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from html import escape
from typing import Any

import gradio as gr
import pandas as pd

from a3core.attention.lab.claims import CLAIMS, Slider, plot_claim, run_claim
from a3core.attention.lab.result import LabResult, Quantity, sentence
from a3core.ui.shared.errors import tells_errors

FIRST = next(iter(CLAIMS))
LAST_SLIDERS = ("draws", "seed")  # how a claim is sampled stands below what it is about
POWER = "The slider moves the power of ten."
AS_PREDICTED, NOT_AS_PREDICTED = ("right", "✓ As predicted"), ("wrong", "✗ Not as predicted")
OUTSIDE_WORDS = "Outside the assumptions"
OUTSIDE, REFUSED = ("outside", f"⚠ {OUTSIDE_WORDS}"), ("wrong", "✗ Refused")
OUTSIDE_TOO = {True: "Theory and sample agree here all the same.", False: "Theory and sample differ here."}
KEPT = "Picture and numbers are still those of the last values that were allowed."
EXAMPLE = '{"n": 20, "H": 10}'
COLUMNS = ("quantity", "predicted", "measured", "spread over the draws", "sampling error", "agree")


def build_lab_panel() -> None:
    """Widgets, then wiring. `shown` holds the claim and the parameters of the last run; None asks for the preset."""
    names = list_sliders()
    claim_shown = gr.State()
    claim = gr.Radio([(name_claim(each), each) for each in CLAIMS], value=FIRST, label="Claim of section 1")
    statement = gr.Markdown(render_statement(FIRST), elem_classes="a3-lab-statement")
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            sliders = [gr.Slider(**place_slider(FIRST, name), buttons=[]) for name in names]
            reset = gr.Button("Reset to preset")
        with gr.Column(scale=3, min_width=280):
            verdict = gr.HTML(elem_classes="a3-lab-html")
            picture = gr.Plot(label="Theory and sample", show_label=False, elem_classes="a3-lab-picture")
    details = gr.HTML(elem_classes="a3-lab-html")
    with gr.Accordion("The table behind the picture", open=False):
        table = gr.Dataframe(label="The table behind the picture", interactive=False)

    def run_lab(before: tuple | None, chosen: str, *positions: float):
        if before and before[0] == chosen:
            parameters = read_sliders(chosen, dict(zip(names, positions, strict=True)))
            settings, update = [relabel_slider(chosen, name, parameters) for name in names], {}
        else:
            parameters = CLAIMS[chosen].preset
            settings, update = [place_slider(chosen, name) for name in names], {statement: render_statement(chosen)}
        if before == (chosen, parameters):
            return gr.skip()
        update |= {slider: gr.update(**each) for slider, each in zip(sliders, settings, strict=True)}
        update |= dict(zip(results, show_claim(chosen, parameters), strict=True))
        return update | {claim_shown: (chosen, parameters)}

    results = [verdict, picture, details, table]
    running = {
        "fn": run_lab,
        "inputs": [claim_shown, claim, *sliders],
        "outputs": [claim_shown, statement, *sliders, *results],
        "show_progress": "hidden",
        "trigger_mode": "always_last",
        "api_visibility": "private",
    }
    forget = {"fn": lambda: None, "outputs": claim_shown, "show_progress": "hidden", "api_visibility": "private"}
    gr.on([claim.change, *(slider.change for slider in sliders)], **running)
    reset.click(**forget).then(**running)
    gr.on(**forget).then(**running)  # without a trigger: when the page has loaded
    gr.api(attention_lab, api_name="attention_lab")


def list_sliders() -> list[str]:
    """The parameters of all claims, each once."""
    names = dict.fromkeys(slider.name for claim in CLAIMS.values() for slider in claim.sliders)
    return sorted(names, key=lambda name: name in LAST_SLIDERS)


def name_claim(claim: str) -> str:
    return f"{claim} {CLAIMS[claim].statement.title}"


def find_slider(claim: str, name: str) -> Slider:
    """The claim's slider of this name; where it has none, that of another claim, for a slider that is hidden."""
    sliders = [slider for each in (CLAIMS[claim], *CLAIMS.values()) for slider in each.sliders]
    return next(slider for slider in sliders if slider.name == name)


def place_slider(claim: str, name: str) -> dict[str, Any]:
    """The settings that put a slider on the claim's preset; those of other claims are hidden."""
    slider = find_slider(claim, name)
    return {
        "minimum": to_position(slider, slider.minimum),
        "maximum": to_position(slider, slider.maximum),
        "value": to_position(slider, slider.preset),
        "step": slider.step,
        "label": label_slider(slider, slider.preset),
        "info": POWER if slider.log else None,
        "visible": name in CLAIMS[claim].preset,
    }


def label_slider(slider: Slider, value: float) -> str:
    """What the slider is, and its letter in the formula; where it moves a power of ten, its value too."""
    symbol = f": {slider.name}" if len(slider.name) == 1 or slider.log else ""
    return slider.label + symbol + (f" = {value:.3g}" if slider.log else "")


def relabel_slider(claim: str, name: str, parameters: Mapping[str, float]) -> dict[str, str]:
    """The settings that bring a slider's label up to date; its value is left to the hand that moves it."""
    slider = find_slider(claim, name)
    return {"label": label_slider(slider, parameters.get(name, slider.preset))}


def to_position(slider: Slider, value: float) -> float:
    """Where the slider stands for a value."""
    return round(math.log10(value), 6) if slider.log else value


def to_value(slider: Slider, position: float) -> float:
    """The value that the slider's position stands for."""
    return min(max(10.0**position, slider.minimum), slider.maximum) if slider.log else position


def read_sliders(claim: str, positions: Mapping[str, float]) -> dict[str, float]:
    """The claim's parameters from the positions of all sliders."""
    return {slider.name: to_value(slider, positions[slider.name]) for slider in CLAIMS[claim].sliders}


def show_claim(claim: str, parameters: Mapping[str, float]) -> tuple:
    """Verdict, picture, details and table of a run; a run that is refused leaves all but the verdict as they are."""
    try:
        result = run_claim(claim, **parameters)
    except ValueError as error:
        return render_verdict(REFUSED, f"{error} {KEPT}"), gr.skip(), gr.skip(), gr.skip()
    return render_result(result), plot_claim(result), render_details(result), tabulate(result)


def render_statement(claim: str) -> str:
    """Markdown: the claim in words, its formula, what it takes for granted."""
    title, words, assumptions, formula = CLAIMS[claim].statement
    return f"### {claim} {title}\n\n{words}\n\n{formula}\n\n**Assumptions.** {' '.join(assumptions)}"


def find_state(result: LabResult) -> tuple[str, str]:
    """One of three states: its class and its words."""
    if not result.within_assumptions:
        return OUTSIDE
    return AS_PREDICTED if result.holds else NOT_AS_PREDICTED


def render_result(result: LabResult) -> str:
    """HTML: the state, any strained assumption, and predicted beside measured: the headline, or all that differs."""
    strays = [quantity for quantity in result.quantities if not quantity.agrees]
    message = sentence("; ".join(quantity.describe() for quantity in strays or result.quantities[:1]))
    if not result.within_assumptions:
        message = f"{result.caveat.removeprefix(f'{OUTSIDE_WORDS}: ')} {OUTSIDE_TOO[result.holds]} {message}"
    return render_verdict(find_state(result), message)


def render_verdict(state: tuple[str, str], message: str) -> str:
    kind, words = state
    return (
        f'<section class="a3-lab-verdict a3-lab-{kind}" aria-label="Verdict">'
        f"<p><strong>{words}.</strong> {escape(message)}</p></section>"
    )


def render_details(result: LabResult) -> str:
    """HTML: what the run teaches, and every quantity, predicted beside measured."""
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    rows = "".join(render_quantity(quantity) for quantity in result.quantities)
    return (
        f"<p>{escape(result.remark)}</p>"
        '<div class="a3-lab-numbers" tabindex="0" role="region" aria-label="Predicted beside measured">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def render_quantity(quantity: Quantity) -> str:
    values = (quantity.predicted, quantity.measured, quantity.spread, quantity.standard_error)
    cells = "".join(f"<td>{value:.4g}</td>" for value in values)
    verdict = "✓ yes" if quantity.agrees else "✗ no"
    return f'<tr><th scope="row">{escape(quantity.name)}</th>{cells}<td>{verdict}</td></tr>'


def tabulate(result: LabResult) -> pd.DataFrame:
    """The table behind the picture, to four digits."""
    return pd.DataFrame([{name: round_number(value) for name, value in row.items()} for row in result.table])


def round_number(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


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
