"""Pictures of the laboratory as inline SVG: panels of lines, points, bars and cells in the page's own colours.

    draw_panels([Panel("Weight", Axis("H", log=True), Axis("weight"), [Line(x, y, "predicted", BLUE)])])

Their size is fixed by the markup, so nothing moves when they come; text is `currentColor`, so dark mode needs nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 12, 40
INK, FAINT = "currentColor", "var(--a3-line, #8884)"
DASHES = {"solid": "", "dash": ' stroke-dasharray="7 4"', "dot": ' stroke-dasharray="2 4"'}
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
class Line:
    """A predicted curve."""

    x: Sequence[float]
    y: Sequence[float]
    name: str
    colour: str
    dash: str = "solid"


@dataclass(frozen=True)
class Points:
    """Measured points; `labels` are written beside them, `errors` are half lengths of bars."""

    x: Sequence[float]
    y: Sequence[float]
    name: str
    colour: str
    symbol: str = "circle"  # or circle-open, diamond, square, cross, dash
    size: float = 7
    opacity: float = 1.0
    labels: Sequence[str] = ()
    errors: Sequence[float] = ()


@dataclass(frozen=True)
class Bars:
    """Bars from zero, `width` in units of x, moved by `shift`."""

    x: Sequence[float]
    y: Sequence[float]
    name: str
    colour: str
    width: float
    shift: float = 0.0


@dataclass(frozen=True)
class Cells:
    """A grid of z (len(y), len(x)) in [0, most], the darker the larger."""

    x: Sequence[float]
    y: Sequence[float]
    z: np.ndarray
    name: str
    most: float


Shape = Line | Points | Bars | Cells


@dataclass(frozen=True)
class Panel:
    """One picture with its axes; `rules` are vertical lines with a name."""

    title: str
    x: Axis
    y: Axis
    shapes: Sequence[Shape]
    rules: Sequence[tuple[float, str]] = field(default=())


def draw_panels(panels: Sequence[Panel]) -> str:
    """Markup: the panels side by side where they fit, and one legend for all."""
    named: dict[str, Shape] = {shape.name: shape for panel in panels for shape in panel.shapes}
    keys = "".join(f"<li>{_draw_key(shape)} <span>{typeset(name)}</span></li>" for name, shape in named.items())
    figures = "".join(
        f'<figure><figcaption class="a3-caption">{typeset(panel.title)}</figcaption>{draw_panel(panel)}</figure>'
        for panel in panels
    )
    return f'<div class="a3-panels a3-panels-{len(panels)}">{figures}</div><ul class="a3-legend">{keys}</ul>'


def draw_panel(panel: Panel) -> str:
    """One panel as SVG, WIDTH x HEIGHT in its own units."""
    span_x, span_y = panel.x.fit(_gather(panel, "x")), panel.y.fit(_gather(panel, "y"))

    def to_x(value: float) -> float:
        position = math.log10(value) if panel.x.log else value
        return LEFT + (WIDTH - LEFT - RIGHT) * (position - span_x[0]) / (span_x[1] - span_x[0])

    def to_y(value: float) -> float:
        position = math.log10(max(value, 1e-300)) if panel.y.log else value
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (position - span_y[0]) / (span_y[1] - span_y[0])

    parts = [_draw_axes(panel, span_x, span_y)]
    clip = "clip-" + re.sub(r"\W+", "-", panel.title.lower())
    box = f'x="{LEFT - 6}" y="{TOP - 6}" width="{WIDTH - LEFT - RIGHT + 12}" height="{HEIGHT - TOP - BOTTOM + 12}"'
    parts.append(f'<clipPath id="{clip}"><rect {box}/></clipPath><g clip-path="url(#{clip})">')
    parts += [_DRAW[type(shape)](shape, to_x, to_y) for shape in panel.shapes]
    for value, name in panel.rules:
        x = to_x(value)
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="{INK}" stroke-dasharray="2 4"/>')
        anchor, moved = ("end", x - 4) if x > WIDTH - 90 else ("start", x + 4)
        below, text = HEIGHT - BOTTOM - 6, typeset_svg(name)
        parts.append(f'<text x="{moved:.1f}" y="{below}" text-anchor="{anchor}" fill="{INK}">{text}</text>')
    label = escape(f"{panel.title}: {panel.y.title} against {panel.x.title}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" font-size="11.5" fill="none">'
        f"{''.join(parts)}</g></svg>"
    )


def _gather(panel: Panel, axis: str) -> np.ndarray:
    """All finite numbers of an axis; of a logarithmic one the positive ones."""
    values = [np.ravel(np.asarray(getattr(shape, axis), dtype=float)) for shape in panel.shapes]
    values = np.concatenate([*values, [0.0, 1.0][: not any(len(each) for each in values)]])
    values = values[np.isfinite(values)]
    return values[values > 0] if getattr(panel, axis).log else values


def _draw_axes(panel: Panel, span_x: tuple[float, float], span_y: tuple[float, float]) -> str:
    parts, right, bottom = [], WIDTH - RIGHT, HEIGHT - BOTTOM
    for position, text in panel.y.list_ticks(*span_y):
        y = bottom - (bottom - TOP) * (position - span_y[0]) / (span_y[1] - span_y[0])
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{FAINT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    for position, text in panel.x.list_ticks(*span_x):
        x = LEFT + (right - LEFT) * (position - span_x[0]) / (span_x[1] - span_x[0])
        parts.append(f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{escape(text)}</text>')
    middle = (TOP + bottom) / 2
    parts.append(f'<path d="M{LEFT} {bottom}H{right}" stroke="{INK}" stroke-opacity=".5"/>')
    parts.append(
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{typeset_svg(panel.x.title)}</text>'
    )
    turned = f'transform="translate(11 {middle}) rotate(-90)"'
    parts.append(f'<text {turned} text-anchor="middle">{typeset_svg(panel.y.title)}</text>')
    return f'<g fill="{INK}">{"".join(parts)}</g>'


def _draw_line(line: Line, to_x, to_y) -> str:
    points = " ".join(f"{to_x(x):.1f},{to_y(y):.1f}" for x, y in zip(line.x, line.y, strict=True))
    return f'<polyline points="{points}" stroke="{line.colour}" stroke-width="2"{DASHES[line.dash]}/>'


def _draw_points(points: Points, to_x, to_y) -> str:
    parts = []
    for i, (x, y) in enumerate(zip(points.x, points.y, strict=True)):
        left, top = to_x(x), to_y(y)
        if len(points.errors):
            low, high = to_y(y - points.errors[i]), to_y(y + points.errors[i])
            parts.append(f'<path d="M{left:.1f} {low:.1f}V{high:.1f}" stroke="{points.colour}"/>')
        parts.append(_draw_symbol(points, left, top))
        if len(points.labels):
            text = typeset_svg(points.labels[i])
            parts.append(f'<text x="{left + 6:.1f}" y="{top - 5:.1f}" fill="{INK}">{text}</text>')
    return f'<g opacity="{points.opacity}">{"".join(parts)}</g>'


def _draw_symbol(points: Points, x: float, y: float) -> str:
    r, colour = points.size / 2, points.colour
    if points.symbol == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{colour}"/>'
    if points.symbol == "circle-open":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" stroke="{colour}" stroke-width="1.5"/>'
    paths = {
        "diamond": f"M{x:.1f} {y - r:.1f}l{r} {r}l{-r} {r}l{-r} {-r}z",
        "square": f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}z",
        "cross": f"M{x - r:.1f} {y - r:.1f}l{2 * r} {2 * r}m0 {-2 * r}l{-2 * r} {2 * r}",
        "dash": f"M{x - r:.1f} {y:.1f}h{2 * r}",
    }
    filled = points.symbol in ("diamond", "square")
    style = f'fill="{colour}"' if filled else f'stroke="{colour}" stroke-width="2.5"'
    return f'<path d="{paths[points.symbol]}" {style}/>'


def _draw_bars(bars: Bars, to_x, to_y) -> str:
    parts = []
    for x, y in zip(bars.x, bars.y, strict=True):
        left, right = to_x(x + bars.shift - bars.width / 2), to_x(x + bars.shift + bars.width / 2)
        height = max(to_y(0) - to_y(y), 0)
        box = f'x="{left:.1f}" y="{to_y(y):.1f}" width="{right - left:.1f}" height="{height:.1f}"'
        parts.append(f'<rect {box} fill="{bars.colour}"/>')
    return "".join(parts)


def _draw_cells(cells: Cells, to_x, to_y) -> str:
    ratio_x, ratio_y = (cells.x[1] / cells.x[0]) ** 0.5, (cells.y[1] / cells.y[0]) ** 0.5
    parts = []
    for y, row in zip(cells.y, cells.z, strict=True):
        for x, value in zip(cells.x, row, strict=True):
            left, right, top, bottom = to_x(x / ratio_x), to_x(x * ratio_x), to_y(y * ratio_y), to_y(y / ratio_y)
            box = f'x="{left:.1f}" y="{top:.1f}" width="{right - left + 0.4:.1f}" height="{bottom - top + 0.4:.1f}"'
            shade = round(100 * min(1.0, value / cells.most))
            fill = f"color-mix(in srgb, var(--a3-bar, #6f96d1) {shade}%, var(--a3-surface, #fff))"
            parts.append(f'<rect {box} style="fill: {fill}"/>')
    return "".join(parts)


_DRAW = {Line: _draw_line, Points: _draw_points, Bars: _draw_bars, Cells: _draw_cells}


def _draw_key(shape: Shape) -> str:
    """The sign of a shape in the legend."""
    if isinstance(shape, Line):
        inside = f'<path d="M0 7H22" stroke="{shape.colour}" stroke-width="2"{DASHES[shape.dash]}/>'
    elif isinstance(shape, Points):
        inside = _draw_symbol(shape, 11, 7)
    else:
        colour = shape.colour if isinstance(shape, Bars) else "var(--a3-bar, #6f96d1)"
        inside = f'<rect x="4" y="1" width="14" height="12" fill="{colour}"/>'
    return f'<svg viewBox="0 0 22 14" width="22" height="14" fill="none" aria-hidden="true">{inside}</svg>'


def _typeset(text: str, low: str, high: str) -> str:
    """Greek letters, subscripts and powers of a plain text; `low` and `high` are templates with {}."""
    text = re.sub(r"\b(alpha|beta|gamma|mu|Sigma|theta|Phi)(?=\b|_)", lambda m: GREEK[m[1]], text)
    text = re.sub(r"sqrt\(([^()]*)\)", r"√\1", text).replace("sqrt", "√")
    text = text.replace("<<", "≪").replace(">>", "≫").replace("<=", "≤").replace(">=", "≥").replace("^T", "ᵀ")
    text = escape(text, quote=False)
    text = re.sub(r"(?<=[A-Za-zαγμΣ])_([a-z0-9])(?![a-z0-9])", lambda m: low.format(m[1]), text)
    return re.sub(r"\^(-?\w)", lambda m: high.format(m[1]), text)


def typeset(text: str) -> str:
    """A plain text with k_j, H sqrt(alpha) << 1 and the like, as HTML."""
    return _typeset(text, "<sub>{}</sub>", "<sup>{}</sup>")


def typeset_svg(text: str) -> str:
    """The same inside an SVG text."""
    low = '<tspan font-size="8" dy="3">{}</tspan><tspan dy="-3">&#8203;</tspan>'  # the empty one goes back up
    high = '<tspan font-size="8" dy="-4">{}</tspan><tspan dy="4">&#8203;</tspan>'
    return _typeset(text, low, high)
