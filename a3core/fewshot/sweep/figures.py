"""Pictures of a sweep's results; plotly is imported when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from a3core.common.plotting import COLOURS, style
from a3core.fewshot.sweep.report import LOG_PROBABILITY

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

DASHES = {"greedy": "solid", "beam": "dash", "sampling": "dot"}


def plot_results(summary: pd.DataFrame) -> dict[str, Figure]:
    """The pictures that a run's table has data for, by file name."""
    measured = {"exact_match": plot_exact_match, "log_probability": plot_log_probability}
    return {name: plot(summary) for name, plot in measured.items() if summary[name].notna().any()}


def plot_exact_match(summary: pd.DataFrame) -> Figure:
    """EM over k with 95 % Wilson intervals: a colour for each selection, a dash for each decoding."""
    rows = summary[summary["decoding"] != LOG_PROBABILITY]
    figure = _plot_lines(rows, "exact_match", rows["high"] - rows["exact_match"], rows["exact_match"] - rows["low"])
    figure.update_yaxes(title="exact match", tickformat=".0%", rangemode="tozero")
    return figure


def plot_log_probability(summary: pd.DataFrame) -> Figure:
    """Mean log-probability of the gold answer over k, with 1.96 standard errors: a colour for each selection."""
    rows = summary[summary["decoding"] == LOG_PROBABILITY]
    error = 1.96 * rows["log_probability_error"]
    figure = _plot_lines(rows, "log_probability", error, error)
    figure.update_yaxes(title="log-probability of the gold answer (nats)")
    return figure


def _plot_lines(rows: pd.DataFrame, column: str, above: pd.Series, below: pd.Series) -> Figure:
    """A line for each selection and decoding; the ks are equally far apart."""
    from plotly.graph_objects import Figure

    figure = Figure()
    selections = list(dict.fromkeys(rows["selection"]))
    for (selection, decoding), line in rows.groupby(["selection", "decoding"], sort=False):
        line = line.sort_values("k")
        figure.add_scatter(
            x=[str(k) for k in line["k"]],
            y=line[column],
            error_y={"array": above[line.index], "arrayminus": below[line.index], "thickness": 1},
            name=selection if decoding == LOG_PROBABILITY else f"{selection}, {decoding}",
            line={"color": COLOURS[selections.index(selection) % len(COLOURS)], "dash": DASHES.get(decoding, "solid")},
        )
    figure.update_xaxes(title="demonstrations (k)", type="category")
    return style(figure, height=420, legend={"orientation": "h", "y": -0.2})
