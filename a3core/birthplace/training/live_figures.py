"""Pictures of a training while it runs, each with a table behind it; plotly is imported when one is drawn."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from a3core.common.plotting import COLOURS, style

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from a3core.birthplace.training.live import TrainingSnapshot
    from a3core.birthplace.training.live_probe import HeadOnName

CURVE_COLUMNS = ["epoch", "loss", "dev people recited word for word", "dev people answered right"]
SPACE = "␣"
BEFORE = "written before"
LOSS_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)
ROW_PIXELS, BADGE = 18, 64  # of a row of the picture, and kept free for its label above


def plot_progress(snapshot: TrainingSnapshot) -> Figure:
    """Above, the loss of each epoch; below, the shares of dev people recited word for word and answered right."""
    from plotly.subplots import make_subplots

    titles = ("Loss (nats a token)", "Dev people, never asked about in training")
    figure = make_subplots(rows=2, cols=1, subplot_titles=titles, shared_xaxes=True, vertical_spacing=0.12)
    epochs = [epoch.epoch for epoch in snapshot.curve]
    figure.add_scatter(
        x=epochs,
        y=[epoch.loss for epoch in snapshot.curve],
        name="loss",
        mode="lines",
        line_color=COLOURS[0],
        showlegend=False,
        hovertemplate="epoch %{x}: loss %{y:.3f}<extra></extra>",
    )
    _add_shares(figure, snapshot, "exact", "recited word for word", COLOURS[2])
    _add_shares(figure, snapshot, "right", "answered right", COLOURS[1])
    figure.update_xaxes(range=[0, max(1, snapshot.epochs)])
    figure.update_xaxes(title="epoch", row=2)
    figure.update_yaxes(type="log", tickvals=LOSS_TICKS, row=1)
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%", row=2)
    return style(figure, height=480, legend={"orientation": "h", "y": -0.16}).update_layout(margin_t=BADGE)


def _add_shares(figure: Figure, snapshot: TrainingSnapshot, field: str, name: str, colour: str) -> None:
    accuracies = [getattr(probe, field) for probe in snapshot.probes]
    figure.add_scatter(
        x=[probe.epoch for probe in snapshot.probes],
        y=[accuracy.share for accuracy in accuracies],
        name=name,
        mode="lines+markers",
        line_color=colour,
        marker_symbol="circle" if field == "exact" else "diamond",
        customdata=[(accuracy.correct, accuracy.total) for accuracy in accuracies],
        hovertemplate="epoch %{x}: %{customdata[0]} of %{customdata[1]} " + name + "<extra></extra>",
        row=2,
        col=1,
    )


def tabulate_progress(snapshot: TrainingSnapshot) -> list[list]:
    """One row a probe: CURVE_COLUMNS."""
    losses = {epoch.epoch: f"{epoch.loss:.3f}" for epoch in snapshot.curve}
    rows = []
    for probe in snapshot.probes:
        exact, right = (f"{accuracy.correct} of {accuracy.total}" for accuracy in (probe.exact, probe.right))
        rows.append([probe.epoch, losses.get(probe.epoch, ""), exact, right])
    return rows


def plot_head(head: HeadOnName) -> Figure:
    """A row for each token written, from the top down; how much the head looks at each token of the prompt then."""
    from plotly.graph_objects import Figure

    columns = list_columns(head)
    figure = Figure()
    figure.add_heatmap(
        z=head.weights,
        zmin=0,
        zmax=1,
        colorscale=[(0, "rgba(0,114,178,0)"), (1, "rgba(0,114,178,1)")],
        colorbar={"title": "weight", "tickformat": ".0%", "thickness": 12},
        customdata=[[(row, column) for column in columns] for row in map(make_visible, head.written)],
        hovertemplate="writing %{customdata[0]}: %{z:.0%} on %{customdata[1]}<extra></extra>",
    )
    for start, end in find_runs(head.on_name):  # a frame around the name
        figure.add_shape(
            type="rect", x0=start - 0.5, x1=end + 0.5, y0=-0.5, y1=len(head.written) - 0.5, line={"color": COLOURS[1]}
        )
    figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=columns, tickangle=-60, title="looks at")
    figure.update_xaxes(showgrid=False, zeroline=False)
    names = [make_visible(token) for token in head.written]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, autorange="reversed", title="writing")
    figure.update_yaxes(showgrid=False, zeroline=False)
    return style(figure, height=160 + ROW_PIXELS * len(names)).update_layout(margin_t=BADGE)


def list_columns(head: HeadOnName) -> list[str]:
    """What the columns of `head.weights` are of."""
    return [*map(make_visible, head.prompt), BEFORE]


def tabulate_head(head: HeadOnName) -> list[list]:
    """For each token of the prompt the weight that it gets, mean over the tokens written; the name's are marked."""
    means = [sum(column) / len(head.weights) for column in zip(*head.weights, strict=True)]
    named = ["name" if is_named else "" for is_named in (*head.on_name, False)]
    rows = zip(list_columns(head), named, means, strict=True)
    return [[column, of_name, f"{mean:.1%}"] for column, of_name, mean in rows]


def find_runs(flags) -> list[tuple[int, int]]:
    """First and last position of each run of true flags: [F, T, T, F, T] has (1, 2) and (4, 4)."""
    runs, start = [], 0
    for is_set, run in groupby(flags):
        end = start + len(list(run))
        if is_set:
            runs.append((start, end - 1))
        start = end
    return runs


def make_visible(token: str) -> str:
    """Spaces as a sign, so that a token of one space can be snapshot."""
    return token.replace(" ", SPACE)
