"""Pictures of the birthplace room; plotly is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from a3core.birthplace.prediction.confidence import TARGET_ACCURACY, find_point
from a3core.common.plotting import COLOURS, style

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from a3core.birthplace.evaluation import Accuracy
    from a3core.birthplace.prediction.confidence import CoveragePoint
    from a3core.birthplace.training.snapshot import Epoch, HeadOnName, TrainingSnapshot

LINES = [{"color": colour, "dash": ("solid", "dash", "dot")[i % 3]} for i, colour in enumerate(COLOURS)]
LEGEND = {"orientation": "h", "y": -0.3}
LOSS_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)
ROW_PIXELS, BADGE = 18, 64  # of a row of the picture of a head, and kept free for the label above a picture


def plot_accuracies(accuracies: Mapping[str, Accuracy]) -> Figure:
    """A bar per predictor with its 95 % Wilson interval."""
    from plotly.graph_objects import Figure

    shares = [accuracy.share for accuracy in accuracies.values()]
    above = [accuracy.interval[1] - accuracy.share for accuracy in accuracies.values()]
    below = [accuracy.share - accuracy.interval[0] for accuracy in accuracies.values()]
    figure = Figure()
    figure.add_bar(
        x=list(accuracies),
        y=shares,
        marker_color=COLOURS[0],
        texttemplate="%{y:.1%}",
        error_y={"array": above, "arrayminus": below, "color": COLOURS[1]},
        hovertemplate="%{x}: %{y:.1%}<extra></extra>",
    )
    figure.update_yaxes(title="accuracy, 95 % interval", tickformat=".0%", rangemode="tozero")
    return style(figure, height=320)


def plot_training_curves(curves: Mapping[str, Sequence[Epoch]], units: Mapping[str, str]) -> Figure:
    """Loss against tokens read, a line per checkpoint, both axes logarithmic; units: what the tokens of each are."""
    from plotly.graph_objects import Figure

    figure, unit = Figure(), "tokens" if len(set(units.values())) > 1 else next(iter(units.values()), "tokens")
    for (name, epochs), line in zip(curves.items(), cycle(LINES)):
        figure.add_scatter(
            x=[epoch.tokens for epoch in epochs],
            y=[max(epoch.loss, 1e-4) for epoch in epochs],
            name=name,
            mode="lines",
            line=line,
            customdata=[(epoch.epoch, epoch.seconds / 60) for epoch in epochs],
            hovertemplate="epoch %{customdata[0]}, %{customdata[1]:.1f} min: loss %{y:.3f} after %{x:,} "
            + f"{units[name]}<extra>{name}</extra>",
        )
    figure.update_xaxes(title=f"{unit} asked for", type="log")
    figure.update_yaxes(title=f"loss (nats a {unit.removesuffix('s')})", type="log")
    return style(figure, height=360, legend=LEGEND)


def plot_coverage(curves: Mapping[str, Sequence[CoveragePoint]]) -> Figure:
    """Accuracy of the answers that are given against the share of questions answered, surest first.

    A line per model; a dot where it answers most at TARGET_ACCURACY.
    """
    from plotly.graph_objects import Figure

    figure = Figure()
    for (name, points), line in zip(curves.items(), cycle(LINES)):
        names = {"name": name, "legendgroup": name}
        figure.add_scatter(
            x=[point.coverage for point in points],
            y=[point.accuracy for point in points],
            mode="lines",
            line={**line, "shape": "hv"},
            customdata=[(point.correct, point.answered, point.confidence) for point in points],
            hovertemplate="%{x:.1%} answered, %{customdata[0]} of %{customdata[1]} right: %{y:.1%}<br>"
            "confidence at least %{customdata[2]:.1%}<extra>" + name + "</extra>",
            **names,
        )
        if point := find_point(points):
            dot = {"x": [point.coverage], "y": [point.accuracy], "marker": {"color": line["color"], "size": 11}}
            figure.add_scatter(**dot, mode="markers", showlegend=False, hoverinfo="skip", **names)
    target = {"line": {"color": "#888888", "dash": "dot"}, "annotation_text": f"{TARGET_ACCURACY:.0%} right"}
    figure.add_hline(TARGET_ACCURACY, **target)
    figure.update_xaxes(title="share of the questions answered, surest first", tickformat=".0%", range=[0, 1.01])
    lowest = min((points[-1].accuracy for points in curves.values()), default=0.0)  # the left is noise
    figure.update_yaxes(title="share of the answers right", tickformat=".0%", range=[max(0.0, lowest - 0.15), 1.01])
    return style(figure, height=360, legend=LEGEND)


def plot_progress(snapshot: TrainingSnapshot) -> Figure:
    """Above, the loss of each epoch; below, the shares of dev people recited word for word and answered right."""
    from plotly.subplots import make_subplots

    titles = ("Loss (nats a token)", "Dev people, never asked about in training")
    figure = make_subplots(rows=2, cols=1, subplot_titles=titles, shared_xaxes=True, vertical_spacing=0.12)
    figure.add_scatter(
        x=[epoch.epoch for epoch in snapshot.curve],
        y=[epoch.loss for epoch in snapshot.curve],
        name="loss",
        mode="lines",
        line_color=COLOURS[0],
        showlegend=False,
        hovertemplate="epoch %{x}: loss %{y:.3f}<extra></extra>",
    )
    exact, right = ("exact", "recited word for word", "circle", 2), ("right", "answered right", "diamond", 1)
    for field, name, symbol, colour in (exact, right):
        accuracies = [getattr(probe, field) for probe in snapshot.probes]
        figure.add_scatter(
            x=[probe.epoch for probe in snapshot.probes],
            y=[accuracy.share for accuracy in accuracies],
            name=name,
            mode="lines+markers",
            line_color=COLOURS[colour],
            marker_symbol=symbol,
            customdata=[(accuracy.correct, accuracy.total) for accuracy in accuracies],
            hovertemplate="epoch %{x}: %{customdata[0]} of %{customdata[1]} " + name + "<extra></extra>",
            row=2,
            col=1,
        )
    figure.update_xaxes(range=[0, max(1, snapshot.epochs)])
    figure.update_xaxes(title="epoch", row=2)
    figure.update_yaxes(type="log", tickvals=LOSS_TICKS, row=1)
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%", row=2)
    return style(figure, height=480, legend={"orientation": "h", "y": -0.16}).update_layout(margin_t=BADGE)


def plot_head(head: HeadOnName) -> Figure:
    """A row for each token written, from the top down; how much the head looks at each token of the prompt then."""
    from plotly.graph_objects import Figure

    columns, written = list_columns(head), list(map(make_visible, head.written))
    figure = Figure()
    figure.add_heatmap(
        z=head.weights,
        zmin=0,
        zmax=1,
        colorscale=[(0, "rgba(0,114,178,0)"), (1, "rgba(0,114,178,1)")],
        colorbar={"title": "weight", "tickformat": ".0%", "thickness": 12},
        customdata=[[(row, column) for column in columns] for row in written],
        hovertemplate="writing %{customdata[0]}: %{z:.0%} on %{customdata[1]}<extra></extra>",
    )
    first, last = head.on_name.index(True) - 0.5, head.on_name.index(True) + sum(head.on_name) - 0.5
    figure.add_shape(type="rect", x0=first, x1=last, y0=-0.5, y1=len(written) - 0.5, line={"color": COLOURS[1]})
    figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=columns, tickangle=-60, title="looks at")
    figure.update_yaxes(tickvals=list(range(len(written))), ticktext=written, title="writing")
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(showgrid=False, zeroline=False, autorange="reversed")
    return style(figure, height=160 + ROW_PIXELS * len(written)).update_layout(margin_t=BADGE)


def list_columns(head: HeadOnName) -> list[str]:
    """What the columns of `head.weights` are of."""
    return [*map(make_visible, head.prompt), "written before"]


def tabulate_head(head: HeadOnName) -> list[tuple[str, str, str]]:
    """(token, "name" where it is of the name, the weight that it gets, mean over the tokens written) of the prompt."""
    means = [f"{sum(column) / len(head.weights):.1%}" for column in zip(*head.weights, strict=True)]
    named = ["name" if is_named else "" for is_named in (*head.on_name, False)]
    return list(zip(list_columns(head), named, means, strict=True))


def make_visible(token: str) -> str:
    """Spaces as a sign, so that a token of one space can be seen."""
    return token.replace(" ", "␣")
