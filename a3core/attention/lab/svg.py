"""Pictures of the laboratory as inline SVG: panels of lines, points, bars and cells in the page's own colours.

    draw_panels(STATEMENTS["1.2b"].panels, {"H": scales, "weight of a": weights, ...})

What a panel draws is data of claims.toml, the markup is in panels.html. Its size is fixed by the markup, so nothing
moves when it comes; text is `currentColor`, so dark mode needs nothing.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup, escape

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 456, 12, 260  # of the panel within its axes
INK = "currentColor"
GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "mu": "μ", "Sigma": "Σ", "theta": "θ", "Phi": "Φ"}
CLOUD = 400  # points of a cloud, at most: more only cost bytes


def draw_panels(panels: Sequence[dict[str, Any]], numbers: Mapping[str, Any]) -> str:
    """Markup: the panels side by side where they fit, WIDTH x HEIGHT in their own units, and one legend for all.

    panels: as claims.toml describes them. numbers: what their shapes, axes and rules name; a shape whose numbers are
    missing is left out.
    """
    filled = [_fill_panel(panel, numbers) for panel in panels]
    named = {shape["name"]: shape for panel in filled for shape in panel["shapes"]}
    return load_template("panels.html").render(panels=filled, named=named.values())


def _fill_panel(panel: dict[str, Any], numbers: Mapping[str, Any]) -> dict[str, Any]:
    """A panel with numbers in place of their names, the ticks of its axes in pixels, and the pixel of a value."""

    def fill(entry: dict[str, Any]) -> dict[str, Any]:
        names = {key: entry[key] for key in ("x", "y", "z", "errors", "cloud", "range", "categories") if key in entry}
        found = {key: numbers.get(name) if isinstance(name, str) else name for key, name in names.items()}
        if found.get("cloud") is not None:  # (draws, 2)
            found["x"], found["y"] = found["cloud"][:CLOUD].T
        return {**entry, **found}

    shapes = [shape for shape in map(fill, panel["shapes"]) if shape.get("y") is not None]
    for shape in shapes:
        shape["name"] = shape["name"].format_map(numbers)
    (x_ticks, x_of), (y_ticks, y_of) = (
        _scale(fill(panel[axis]), np.concatenate([np.asarray(shape[axis], dtype=float) for shape in shapes]), *ends)
        for axis, ends in (("x", (LEFT, RIGHT)), ("y", (BOTTOM, TOP)))
    )
    rules = [(numbers[number], name) for number, name in panel.get("rules", {}).items()]
    clip = "clip-" + re.sub(r"\W+", "-", panel["title"].lower())
    scales = {"x_ticks": x_ticks, "y_ticks": y_ticks, "x_of": x_of, "y_of": y_of}
    return {**panel, **scales, "shapes": shapes, "rules": rules, "clip": clip}


def _scale(
    axis: dict[str, Any], values: np.ndarray, start: int, end: int
) -> tuple[list[tuple[float, str]], Callable[[float], float]]:
    """Of an axis and all values (N,) along it: at most seven ticks as (pixel, text), and the pixel of a value."""
    log, categories = axis.get("log", False), axis.get("categories", ())
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    low, high = map(float, axis.get("range") or (values.min(), values.max()))
    if categories:
        low, high = -0.6, len(categories) - 0.4
    elif log:
        low, high = math.log10(low), math.log10(high)
    elif "range" not in axis:
        low, high = min(low, 0.0), high * 1.05
    if high <= low:
        low, high = low - 0.5, low + 0.5
    if categories:
        ticks = [(i, categories[i]) for i in range(0, len(categories), -(-len(categories) // 22))]
    elif log:
        powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1, max(1, math.ceil((high - low) / 6)))
        ticks = [(p, f"{10.0**p:g}" if -4 < p < 5 else f"1e{p}") for p in powers]
    else:
        step = 10 ** math.floor(math.log10(high - low))
        step = next(step * share for share in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if (high - low) / (step * share) <= 6)
        at = np.arange(math.ceil(low / step - 1e-9), high / step + 1e-9) * step + 0.0
        ticks = [(t, f"{100 * t:.4g} %" if axis.get("percent") else f"{t:.4g}") for t in at.tolist()]

    def find_pixel(value: float, log: bool = log) -> float:
        position = math.log10(max(value, 1e-300)) if log else value
        return start + (end - start) * (position - low) / (high - low)

    return [(find_pixel(position, False), text) for position, text in ticks], find_pixel


def _typeset(low: str, high: str, text: str) -> Markup:
    """Greek letters, subscripts and powers of a plain text; `low` and `high` are templates with {}."""
    text = re.sub(r"\b(alpha|beta|gamma|mu|Sigma|theta|Phi)(?=\b|_)", lambda m: GREEK[m[1]], text)
    text = re.sub(r"sqrt\(([^()]*)\)", r"√\1", text).replace("sqrt", "√")
    text = text.replace("<<", "≪").replace(">>", "≫").replace("<=", "≤").replace(">=", "≥").replace("^T", "ᵀ")
    text = str(escape(text))
    text = re.sub(r"(?<=[A-Za-zαγμΣ])_([a-z0-9])(?![a-z0-9])", lambda m: low.format(m[1]), text)
    return Markup(re.sub(r"\^(-?\w)", lambda m: high.format(m[1]), text))


# A plain text with k_j, H sqrt(alpha) << 1 and the like, as HTML and inside an SVG text.
typeset = partial(_typeset, "<sub>{}</sub>", "<sup>{}</sup>")
typeset_svg = partial(
    _typeset,
    '<tspan font-size="8" dy="3">{}</tspan><tspan dy="-3">&#8203;</tspan>',  # the empty one goes back up
    '<tspan font-size="8" dy="-4">{}</tspan><tspan dy="4">&#8203;</tspan>',
)


@cache
def load_template(name: str) -> Template:
    """A template beside this module."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    environment.filters |= {"f1": "{:.1f}".format, "typeset": typeset, "typeset_svg": typeset_svg}
    names = ("WIDTH", "HEIGHT", "LEFT", "RIGHT", "TOP", "BOTTOM", "INK")
    environment.globals |= {name: globals()[name] for name in names}
    return environment.get_template(name)
