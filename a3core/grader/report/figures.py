"""Pictures of a report; plotly is imported when one is drawn. Behind each stands a table of the same numbers:

    plot_shares               report_tables.tabulate_shares
    plot_answer_explanation   report_tables.tabulate_answer_explanation
    plot_first_wrong_steps    report_tables.tabulate_first_wrong_steps
    plot_agreement            agreement.tabulate_agreement

They are read on a light and on a dark page: no background of their own, grey text and lines, the colours of Okabe and
Ito (2008), and symbols that repeat what colours say. Names are data: plotly would read tags in them, so they are
escaped, and cut where they are long.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from a3core.common.plotting import COLOURS, style
from a3core.grader.report.agreement import COHEN, Agreement, Coefficient
from a3core.grader.report.build import ACCURACY, CONVINCES, EXPLAINED, Group, Report
from a3core.grader.report.measures import format_proportion

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up")
PALE = "#D6E8F3"  # the empty cell of a table; the full one has the first colour
MEASURES = (ACCURACY, EXPLAINED, CONVINCES)
MOST_ROWS = 40  # of the agreement picture: with more, it leaves the pairs to the table
NAME_LENGTH = 40


def plot_shares(report: Report) -> Figure:
    """Answer correct, explanation correct and convincing for each prompt kind (and model), with Wilson's intervals."""
    from plotly.graph_objects import Figure

    figure, groups = Figure(), _find_leaves(report)
    for i, measure in enumerate(MEASURES):
        known = [(place, group) for place, group in enumerate(groups) if group.shares[measure].n]
        shares = [group.shares[measure] for _, group in known]
        figure.add_scatter(
            x=[place + 0.2 * (i - 1) for place, _ in known],
            y=[share.share for share in shares],
            error_y={
                "array": [share.high - share.share for share in shares],
                "arrayminus": [share.share - share.low for share in shares],
                "thickness": 1.5,
            },
            mode="markers",
            marker={"color": COLOURS[i], "symbol": SYMBOLS[i], "size": 10},
            name=measure,
            hovertext=[
                f"{_name(group)}<br>{measure}: {format_proportion(group.shares[measure])}" for _, group in known
            ],
            hoverinfo="text",
        )
    names = {"tickvals": list(range(len(groups))), "ticktext": [_name(group) for group in groups]}
    figure.update_xaxes(**names, range=[-0.5, max(len(groups), 1) - 0.5], showgrid=False, zeroline=False)
    figure.update_yaxes(title="share, 95 % interval", tickformat=".0%", range=[-0.03, 1.03])
    return style(figure, height=380, legend={"orientation": "h", "y": -0.2})


def _find_leaves(report: Report) -> Sequence[Group]:
    """Prompt kinds, by model where there are several; all responses where there are too many kinds."""
    both = [group for group in report.groups if group.prompt_kind is not None and group.model is not None]
    return both or [group for group in report.groups if group.prompt_kind is not None] or report.groups


def _name(group: Group) -> str:
    if group.prompt_kind is None:
        return "all responses"
    kind = show_text(group.prompt_kind)
    return kind if group.model is None else f"{kind}<br>{show_text(group.model)}"


def plot_answer_explanation(group: Group) -> Figure:
    """The answer x explanation table of a group: counts, and their share of all that are in it."""
    from plotly.graph_objects import Figure

    table = group.table
    counts = [[table.cell(answer, explanation).n for explanation in (True, False)] for answer in (True, False)]
    figure = Figure()
    figure.add_heatmap(
        z=counts,
        x=["explanation correct", "explanation flawed"],
        y=["answer correct", "answer not correct"],
        text=[[f"{n}<br>{n / table.n:.0%}" if table.n else "0" for n in row] for row in counts],
        texttemplate="%{text}",
        textfont={"size": 18},
        colorscale=[[0, PALE], [1, COLOURS[0]]],
        zmin=0,
        zmax=max(table.n, 1),
        showscale=False,
        xgap=3,
        ygap=3,
        hovertemplate="%{y}, %{x}: %{z}<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", showgrid=False, title={"text": table.sentence, "font": {"size": 13}})
    return style(figure, height=320)


def plot_first_wrong_steps(report: Report) -> Figure:
    """In how many explanations a step is the first wrong one: by its number, and by fifth of the explanation."""
    from plotly.subplots import make_subplots

    steps = report.first_wrong_steps
    figure = make_subplots(rows=2, cols=1, vertical_spacing=0.28)
    for row, (counts, colour) in enumerate(zip((steps.absolute, steps.relative), COLOURS, strict=False), 1):
        places, numbers = [count.position for count in counts], [count.n for count in counts]
        figure.add_bar(x=places, y=numbers, marker_color=colour, text=numbers, textposition="auto", row=row, col=1)
    figure.update_traces(hovertemplate="%{x}: %{y}<extra></extra>", showlegend=False)
    few = len(steps.absolute) > 0 and steps.absolute[-1].position <= 20
    figure.update_xaxes(title="first wrong step", tickformat="d", dtick=1 if few else None, row=1, col=1)
    figure.update_xaxes(title="where in the explanation", row=2, col=1)
    figure.update_yaxes(title="explanations", rangemode="tozero", tickformat="d")
    return style(figure, height=460)


def plot_agreement(agreement: Agreement) -> Figure:
    """Kappas and alpha with their 95 % intervals, a colour for each label question; what has no value is left out."""
    from plotly.graph_objects import Figure

    known = [one for one in agreement.coefficients if one.value is not None]
    if len(known) > MOST_ROWS:
        known = [one for one in known if one.name != COHEN]
    figure = Figure()
    for i, field in enumerate(dict.fromkeys(one.field for one in known)):
        rows = [(place, one) for place, one in enumerate(known) if one.field == field]
        figure.add_scatter(**_mark_coefficients(rows, i), name=show_text(field))
    names = [f"{show_text(one.name)}, {show_text(one.who)}" for one in known]
    places = {"tickvals": list(range(len(known))), "ticktext": names}
    figure.update_yaxes(**places, autorange="reversed", showgrid=False, zeroline=False)
    figure.update_xaxes(title="agreement beyond chance, 95 % interval", range=[min(-0.05, *_lows(known)), 1.05])
    return style(figure, height=140 + 26 * len(known), legend={"orientation": "h", "y": 1.05, "yanchor": "bottom"})


def _lows(known: Sequence[Coefficient]) -> list[float]:
    return [one.value - 0.05 if one.low is None else one.low - 0.05 for one in known] or [0.0]


def _mark_coefficients(rows: Sequence[tuple[int, Coefficient]], i: int) -> dict[str, Any]:
    values = [one.value for _, one in rows]
    return {
        "x": values,
        "y": [place for place, _ in rows],
        "error_x": {
            "array": [0 if one.high is None else one.high - one.value for _, one in rows],
            "arrayminus": [0 if one.low is None else one.value - one.low for _, one in rows],
            "thickness": 1.5,
        },
        "mode": "markers",
        "marker": {"color": COLOURS[i % len(COLOURS)], "symbol": SYMBOLS[i % len(SYMBOLS)], "size": 9},
        "hovertext": [_describe(one) for _, one in rows],
        "hoverinfo": "text",
    }


def _describe(one: Coefficient) -> str:
    interval = "no interval" if one.low is None else f"95 % interval {one.low:.2f} to {one.high:.2f}"
    return f"{show_text(one.who)}<br>{one.value:.2f}, {interval}<br>raw agreement {one.raw:.0%}, n = {one.n}"


def show_text(text: str) -> str:
    """A name as plotly shows it letter by letter: its tags, formulas and direction marks have no effect."""
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))
    short = line if len(line) <= NAME_LENGTH else f"{line[: NAME_LENGTH - 1]}…"
    return html.escape(short, quote=False).replace("$", "&#36;").replace("%{", "&#37;{")
