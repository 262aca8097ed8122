"""Pictures of the laboratory as inline SVG: panels of lines, points, bars and cells in the page's own colours.

    draw_panels([Panel("Weight", Axis("H", log=True), Axis("weight"), [Line(x, y, "predicted", BLUE)])])

Their size is fixed by the markup, so nothing moves when they come; text is `currentColor`, so dark mode needs nothing.
The markup is in panels.html.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Axis:
    """One axis: its title in words, and its range; without one it is that of the data."""

    title: str
    log: bool = False
    range: tuple[float, float] | None = None
    percent: bool = False
    categories: Sequence[str] = ()

    def fit(self, values: np.ndarray) -> tuple[float, float]:
        """The range in positions, log10 of the values where the axis is logarithmic."""
        if self.categories:
            return -0.6, len(self.categories) - 0.4
        low, high = self.range or (float(values.min()), float(values.max()))
        low, high = (math.log10(low), math.log10(high)) if self.log else (low, high)
        if self.range is None:
            low, high = (low, high) if self.log else (min(low, 0.0), high * 1.05)
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    def list_ticks(self, low: float, high: float) -> list[tuple[float, str]]:
        """(position, text) of at most seven ticks."""
        if self.categories:
            step = -(-len(self.categories) // 22)
            return [(i, self.categories[i]) for i in range(0, len(self.categories), step)]
        if self.log:
            step = max(1, math.ceil((high - low) / 6))
            powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1, step)
            return [(p, f"{10.0**p:g}" if -4 < p < 5 else f"1e{p}") for p in powers]
        step = 10 ** math.floor(math.log10(high - low))
        step = next(step * share for share in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if (high - low) / (step * share) <= 6)
        ticks = np.arange(math.ceil(low / step - 1e-9), high / step + 1e-9) * step
        return [(float(t), f"{100 * t:.4g} %" if self.percent else f"{t:.4g}") for t in ticks + 0.0]


@dataclass(frozen=True)
class Shape:
    """What a panel draws: a line, points, bars from zero, or a grid of cells that are the darker the larger."""

    kind: str  # line, points, bars, cells
    x: Sequence[float]
    y: Sequence[float]
    name: str
    colour: str = ""
    symbol: str = ""  # of points circle, circle-open, diamond, square, cross, dash; of a line dash or dot
    size: float = 7  # of points
    opacity: float = 1.0
    labels: Sequence[str] = ()  # beside points
    errors: Sequence[float] = ()  # half lengths of bars at points
    width: float = 0.0  # of bars, in units of x
    shift: float = 0.0  # of bars
    z: np.ndarray | None = None  # of cells (len(y), len(x)), in [0, most]
    most: float = 1.0


Line, Points, Bars, Cells = (partial(Shape, kind) for kind in ("line", "points", "bars", "cells"))


@dataclass(frozen=True)
class Panel:
    """One picture with its axes; `rules` are vertical lines with a name."""

    title: str
    x: Axis
    y: Axis
    shapes: Sequence[Shape]
    rules: Sequence[tuple[float, str]] = ()


def draw_panels(panels: Sequence[Panel]) -> str:
    """Markup: the panels side by side where they fit, WIDTH x HEIGHT in their own units, and one legend for all."""
    named = {shape.name: shape for panel in panels for shape in panel.shapes}
    return load_template("panels.html").render(panels=[_scale_panel(panel) for panel in panels], named=named.values())


def _scale_panel(panel: Panel) -> dict[str, Any]:
    """What the template draws of a panel: its texts and shapes, its ticks in pixels, and the pixels of a value."""
    (x_ticks, x_of), (y_ticks, y_of) = _scale(panel, "x", LEFT, RIGHT), _scale(panel, "y", BOTTOM, TOP)
    clip = "clip-" + re.sub(r"\W+", "-", panel.title.lower())
    texts = {"title": panel.title, "x_title": panel.x.title, "y_title": panel.y.title, "clip": clip}
    scales = {"x_ticks": x_ticks, "y_ticks": y_ticks, "x_of": x_of, "y_of": y_of}
    return {**texts, **scales, "shapes": panel.shapes, "rules": panel.rules}


def _scale(panel: Panel, name: str, start: int, end: int) -> tuple[list[tuple[float, str]], Callable[[float], float]]:
    """Of the axis "x" or "y": ticks as (pixel, text), and the pixel of a value."""
    axis = getattr(panel, name)
    values = np.concatenate([np.ravel(np.asarray(getattr(shape, name), dtype=float)) for shape in panel.shapes])
    values = values[np.isfinite(values) & ((values > 0) | (not axis.log))]
    low, high = axis.fit(values)

    def find_pixel(position: float) -> float:
        return start + (end - start) * (position - low) / (high - low)

    def find_pixel_of(value: float) -> float:
        return find_pixel(math.log10(max(value, 1e-300)) if axis.log else value)

    return [(find_pixel(position), text) for position, text in axis.list_ticks(low, high)], find_pixel_of


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
