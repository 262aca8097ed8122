"""Pictures of a report, beside tables of the same numbers; plotly is imported when one is drawn.

    plot_first_wrong_steps    RunReport.tables["first wrong steps"]
    plot_agreement            RunReport.tables["agreement"]

They are read on a light and on a dark page: no background of their own, grey text and lines, the colours of Okabe and
Ito (2008), and symbols that repeat what colours say. Names are data: plotly would read tags in them, so they are
escaped, and cut where they are long.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from a3core.common.plotting import COLOURS, style
from a3core.grader.report.agreement import COHEN, Coefficient
from a3core.grader.report.build import Report
from a3core.grader.report.measures import Row

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up")
MOST_ROWS = 40  # of the agreement picture: with more, it leaves the pairs to the table
NAME_LENGTH = 40


def plot_first_wrong_steps(report: Report) -> Figure:
    """In how many explanations a step is the first wrong one: by its number, and by fifth of the explanation."""
    from plotly.subplots import make_subplots

    steps = report.first_wrong_steps
    figure = make_subplots(rows=2, cols=1, vertical_spacing=0.28)
    for row, (counts, colour) in enumerate(zip((steps["absolute"], steps["relative"]), COLOURS, strict=False), 1):
        places, numbers = [count["position"] for count in counts], [count["n"] for count in counts]
        figure.add_bar(x=places, y=numbers, marker_color=colour, text=numbers, textposition="auto", row=row, col=1)
    figure.update_traces(hovertemplate="%{x}: %{y}<extra></extra>", showlegend=False)
    few = len(steps["absolute"]) > 0 and steps["absolute"][-1]["position"] <= 20
    figure.update_xaxes(title="first wrong step", tickformat="d", dtick=1 if few else None, row=1, col=1)
    figure.update_xaxes(title="where in the explanation", row=2, col=1)
    figure.update_yaxes(title="explanations", rangemode="tozero", tickformat="d")
    return style(figure, height=460)


def plot_agreement(agreement: Row) -> Figure:
    """Kappas and alpha with their 95 % intervals, a colour for each label question; what has no value is left out."""
    from plotly.graph_objects import Figure

    known = [one for one in agreement["coefficients"] if one.value is not None]
    if len(known) > MOST_ROWS:
        known = [one for one in known if one.name != COHEN]
    figure = Figure()
    for i, field in enumerate(dict.fromkeys(one.field for one in known)):
        rows = [place for place, one in enumerate(known) if one.field == field]
        own = [known[row] for row in rows]
        above = [0 if one.high is None else one.high - one.value for one in own]
        below = [0 if one.low is None else one.value - one.low for one in own]
        figure.add_scatter(
            x=[one.value for one in own],
            y=rows,
            error_x={"array": above, "arrayminus": below, "thickness": 1.5},
            mode="markers",
            marker={"color": COLOURS[i % len(COLOURS)], "symbol": SYMBOLS[i % len(SYMBOLS)], "size": 9},
            hovertext=[_describe(one) for one in own],
            hoverinfo="text",
            name=show_text(field),
        )
    names = [f"{show_text(one.name)}, {show_text(one.who)}" for one in known]
    places = {"tickvals": list(range(len(known))), "ticktext": names}
    figure.update_yaxes(**places, autorange="reversed", showgrid=False, zeroline=False)
    lowest = min([0.0, *(one.value if one.low is None else one.low for one in known)]) - 0.05
    figure.update_xaxes(title="agreement beyond chance, 95 % interval", range=[lowest, 1.05])
    return style(figure, height=140 + 26 * len(known), legend={"orientation": "h", "y": 1.05, "yanchor": "bottom"})


def _describe(one: Coefficient) -> str:
    interval = "no interval" if one.low is None else f"95 % interval {one.low:.2f} to {one.high:.2f}"
    return f"{show_text(one.who)}<br>{one.value:.2f}, {interval}<br>raw agreement {one.raw:.0%}, n = {one.n}"


def show_text(text: str) -> str:
    """A name as plotly shows it letter by letter: its tags, formulas and direction marks have no effect."""
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))
    short = line if len(line) <= NAME_LENGTH else f"{line[: NAME_LENGTH - 1]}…"
    return html.escape(short, quote=False).replace("$", "&#36;").replace("%{", "&#37;{")
