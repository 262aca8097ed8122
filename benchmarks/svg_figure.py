"""A line chart as an SVG file, for docs/benchmarks/: no library here draws one without a browser.

>>> svg = draw_lines("Accuracy", [Series("recall", [(500, 0.9), (2000, 0.8)])], Axis("people", (500, 2000), log=True),
...                  Axis("right", (0, 0.5, 1), "{:.0%}"))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from a3core.common.atomic_io import atomic_write
from a3core.common.plotting import COLOURS

FIGURES = Path(__file__).resolve().parent / "figures"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 64, 20, 64, 52  # pixels; the frame's margins
STYLE = (
    "text{font:13px sans-serif;fill:#333}.t{font-size:15px;font-weight:bold}.g{stroke:#888;stroke-opacity:.3}"
    "@media (prefers-color-scheme:dark){text{fill:#ddd}}"
)
DASHES = ("none", "7 4", "2 3", "9 3 2 3")


class Axis(NamedTuple):
    """From its first to its last tick."""

    title: str
    ticks: Sequence[float]
    form: str = "{:,.0f}"
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1; values beyond them are cut."""
        first, last, value = (math.log(x) if self.log else x for x in (self.ticks[0], self.ticks[-1], value))
        return min(1.0, max(0.0, (value - first) / (last - first)))


class Series(NamedTuple):
    """One line; `bars` are the ends (low, high) of each point's interval, drawn as a band where there are no dots."""

    label: str
    points: Sequence[tuple[float, float]]
    bars: Sequence[tuple[float, float]] = ()
    dots: bool = True


def draw_lines(title: str, series: Sequence[Series], x: Axis, y: Axis) -> str:
    """The chart as SVG text, readable on light and dark pages."""
    told = "; ".join(f"{one.label}: {_tell(one, x, y)}" for one in series if one.dots)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><desc>{escape(told)}</desc><style>{STYLE}</style>",
        f'<text class="t" x="{LEFT}" y="20">{escape(title)}</text>',
        *_draw_axes(x, y),
        *(part for i, one in enumerate(series) for part in _draw_series(i, one, x, y)),
        *_draw_legend(series),
        "</svg>\n",
    ])  # fmt: skip


def _tell(series: Series, x: Axis, y: Axis) -> str:
    return ", ".join(f"{x.form.format(a)}: {y.form.format(b)}" for a, b in series.points)


def _place(x: Axis, y: Axis, point: tuple[float, float]) -> tuple[float, float]:
    """A point in pixels."""
    across, up = x.share(point[0]), y.share(point[1])
    return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def _draw_axes(x: Axis, y: Axis) -> list[str]:
    parts = []
    for tick in y.ticks:
        left, level = _place(x, y, (x.ticks[0], tick))
        parts.append(f'<line class="g" x1="{left}" x2="{WIDTH - RIGHT}" y1="{level:.1f}" y2="{level:.1f}"/>')
        parts.append(f'<text x="{left - 6}" y="{level + 4:.1f}" text-anchor="end">{y.form.format(tick)}</text>')
    for tick in x.ticks:
        across, floor = _place(x, y, (tick, y.ticks[0]))
        parts.append(f'<text x="{across:.1f}" y="{floor + 18}" text-anchor="middle">{x.form.format(tick)}</text>')
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x.title)}</text>')
    height = TOP + (HEIGHT - TOP - BOTTOM) / 2
    turned = f'transform="rotate(-90 14 {height})"'
    return [*parts, f'<text x="14" y="{height}" {turned} text-anchor="middle">{escape(y.title)}</text>']


def _draw_series(i: int, series: Series, x: Axis, y: Axis) -> list[str]:
    places = [_place(x, y, point) for point in series.points]
    line = f'<polyline points="{_path(places)}" {_stroke(i)}/>'
    lows, highs = (
        [_place(x, y, (point[0], bar[end])) for point, bar in zip(series.points, series.bars, strict=False)]
        for end in (0, 1)
    )
    if not series.dots:
        return [f'<polygon points="{_path([*lows, *highs[::-1]])}" fill="{_colour(i)}" fill-opacity="0.2"/>', line]
    bars = [f'<polyline points="{_path(ends)}" {_stroke(i, False)}/>' for ends in zip(lows, highs, strict=True)]
    dots = [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{_colour(i)}"/>' for a, b in places]
    return [line, *bars, *dots]


def _path(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{across:.1f},{level:.1f}" for across, level in places)


def _draw_legend(series: Sequence[Series]) -> list[str]:
    """Side by side above the frame."""
    parts, left = [], LEFT
    for i, one in enumerate(series):
        parts.append(f'<line x1="{left}" x2="{left + 26}" y1="42" y2="42" {_stroke(i)}/>')
        parts.append(f'<text x="{left + 32}" y="46">{escape(one.label)}</text>')
        left += 52 + 7 * len(one.label)
    return parts


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _stroke(i: int, dashed: bool = True) -> str:
    dash = DASHES[i % len(DASHES)] if dashed else "none"
    return f'fill="none" stroke="{_colour(i)}" stroke-width="2" stroke-dasharray="{dash}"'


def stack(charts: Sequence[str]) -> str:
    """Charts of `draw_lines`, one below the other."""
    parts = [
        chart.replace("<svg ", f'<svg y="{i * HEIGHT}" width="{WIDTH}" height="{HEIGHT}" ', 1)
        for i, chart in enumerate(charts)
    ]
    whole = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT * len(charts)}">'
    return "\n".join([whole, *parts, "</svg>\n"])


def list_decades(values: Sequence[float]) -> list[float]:
    """Powers of ten from below the least value to above the greatest, for a logarithmic axis."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def save_figure(name: str, svg: str, alt: str) -> str:
    """Writes benchmarks/figures/`name`.svg, and gives the line of Markdown that shows it in docs/benchmarks/."""
    with atomic_write(FIGURES / f"{name}.svg") as partial:
        partial.write_text(svg, encoding="utf-8")
    return f"![{alt}](../../benchmarks/figures/{name}.svg)"
