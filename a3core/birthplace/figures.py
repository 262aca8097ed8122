"""Pictures of the birthplace room; plotly is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from a3core.birthplace.prediction.confidence import TARGET_ACCURACY, find_point
from a3core.common.plotting import COLOURS, style

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from a3core.birthplace.evaluation import Accuracy
    from a3core.birthplace.prediction.confidence import CoveragePoint
    from a3core.birthplace.training.trainer import Epoch


def plot_accuracies(accuracies: Mapping[str, Accuracy]) -> Figure:
    """A bar per predictor with its 95 % Wilson interval."""
    from plotly.graph_objects import Figure

    shares = [accuracy.share for accuracy in accuracies.values()]
    low, high = zip(*(accuracy.interval for accuracy in accuracies.values()), strict=True)
    figure = Figure()
    figure.add_bar(
        x=list(accuracies),
        y=shares,
        marker_color=COLOURS[0],
        text=[f"{share:.1%}" for share in shares],
        textposition="inside",
        insidetextanchor="start",
        error_y={
            "array": [h - s for h, s in zip(high, shares, strict=True)],
            "arrayminus": [s - b for s, b in zip(shares, low, strict=True)],
            "color": COLOURS[1],
        },
        hovertemplate="%{x}: %{y:.1%}<extra></extra>",
    )
    figure.update_yaxes(title="accuracy, 95 % interval", tickformat=".0%", rangemode="tozero")
    return style(figure, height=320)


def plot_training_curves(curves: Mapping[str, Sequence[Epoch]], units: Mapping[str, str] | None = None) -> Figure:
    """Loss against tokens read, a line per checkpoint, both axes logarithmic; units: characters unless told."""
    from plotly.graph_objects import Figure

    figure, counted = Figure(), {name: (units or {}).get(name, "characters") for name in curves}
    one = next(iter(counted.values())) if len(set(counted.values())) == 1 else None
    for i, (name, epochs) in enumerate(curves.items()):
        figure.add_scatter(
            x=[epoch.tokens for epoch in epochs],
            y=[max(epoch.loss, 1e-4) for epoch in epochs],
            name=name,
            mode="lines",
            line={"color": COLOURS[i % len(COLOURS)], "dash": ("solid", "dash", "dot")[i % 3]},
            customdata=[(epoch.epoch, epoch.seconds / 60) for epoch in epochs],
            hovertemplate="epoch %{customdata[0]}, %{customdata[1]:.1f} min: loss %{y:.3f} after %{x:,} "
            + f"{counted[name]}<extra>{name}</extra>",
        )
    figure.update_xaxes(title=f"{one or 'tokens (characters or sub-words)'} asked for", type="log")
    figure.update_yaxes(title=f"loss (nats a {one.removesuffix('s') if one else 'token'})", type="log")
    return style(figure, height=360, legend={"orientation": "h", "y": -0.3})


def plot_coverage(curves: Mapping[str, Sequence[CoveragePoint]], wished: float = TARGET_ACCURACY) -> Figure:
    """Accuracy of the answers that are given against the share of questions answered, surest first.

    A line per model; a dot where it answers most at the wished accuracy.
    """
    from plotly.graph_objects import Figure

    figure = Figure()
    for i, (name, points) in enumerate(curves.items()):
        names = {"name": name, "legendgroup": name}
        figure.add_scatter(
            x=[point.coverage for point in points],
            y=[point.accuracy for point in points],
            mode="lines",
            line={"color": COLOURS[i % len(COLOURS)], "shape": "hv", "dash": ("solid", "dash", "dot")[i % 3]},
            customdata=[(point.correct, point.answered, point.confidence) for point in points],
            hovertemplate="%{x:.1%} answered, %{customdata[0]} of %{customdata[1]} right: %{y:.1%}<br>"
            "confidence at least %{customdata[2]:.1%}<extra>" + name + "</extra>",
            **names,
        )
        if point := find_point(points, wished):
            marker = {"color": COLOURS[i % len(COLOURS)], "size": 11}
            x, y = [point.coverage], [point.accuracy]
            figure.add_scatter(x=x, y=y, mode="markers", marker=marker, showlegend=False, hoverinfo="skip", **names)
    figure.add_hline(wished, line={"color": "#888888", "dash": "dot"}, annotation_text=f"{wished:.0%} right")
    figure.update_xaxes(title="share of the questions answered, surest first", tickformat=".0%", range=[0, 1.01])
    lowest = min((points[-1].accuracy for points in curves.values()), default=0.0)  # the left is noise
    figure.update_yaxes(title="share of the answers right", tickformat=".0%", range=[max(0.0, lowest - 0.15), 1.01])
    return style(figure, height=360, legend={"orientation": "h", "y": -0.3})
