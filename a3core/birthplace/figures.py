"""Pictures of the birthplace room; plotly is imported when one is drawn. What never changes in them: figures.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from a3core.birthplace.prediction.confidence import TARGET_ACCURACY, find_point
from a3core.common.plotting import COLOURS, style

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from a3core.birthplace.evaluation import Accuracy
    from a3core.birthplace.prediction.confidence import CoveragePoint
    from a3core.birthplace.training.snapshot import Epoch, HeadOnName, TrainingSnapshot

PICTURES = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
LINES = [{"color": colour, "dash": ("solid", "dash", "dot")[i % 3]} for i, colour in enumerate(COLOURS)]
ROW_PIXELS = 18  # of a row of the picture of a head


def add_line(figure: Figure, points: Sequence[tuple], hover: str, **options) -> None:
    """A line through the points (x, y, what else `hover` writes of each); options: of plotly's scatter."""
    x, y, customdata = zip(*points, strict=True) if points else ((), (), ())
    figure.add_scatter(x=x, y=y, customdata=customdata, hovertemplate=hover, **options)


def plot_accuracies(accuracies: Mapping[str, Accuracy]) -> Figure:
    """A bar per predictor with its 95 % Wilson interval."""
    from plotly.graph_objects import Figure

    figure, picture = Figure(), PICTURES["accuracies"]
    shares = [accuracy.share for accuracy in accuracies.values()]
    above = [accuracy.interval[1] - accuracy.share for accuracy in accuracies.values()]
    below = [accuracy.share - accuracy.interval[0] for accuracy in accuracies.values()]
    error = {"array": above, "arrayminus": below, "color": COLOURS[1]}
    figure.add_bar(x=list(accuracies), y=shares, marker_color=COLOURS[0], error_y=error, **picture["trace"])
    return style(figure, **picture["layout"])


def plot_training_curves(curves: Mapping[str, Sequence[Epoch]], units: Mapping[str, str]) -> Figure:
    """Loss against tokens read, a line per checkpoint, both axes logarithmic; units: what the tokens of each are."""
    from plotly.graph_objects import Figure

    figure, picture = Figure(), PICTURES["curves"]
    for (name, epochs), line in zip(curves.items(), cycle(LINES)):
        points = [(each.tokens, max(each.loss, 1e-4), (each.epoch, each.seconds / 60)) for each in epochs]
        hover = f"{picture['hover']}{units[name]}<extra>{name}</extra>"
        add_line(figure, points, hover, name=name, mode="lines", line=line)
    unit = "tokens" if len(set(units.values())) > 1 else next(iter(units.values()), "tokens")
    figure.update_xaxes(title=f"{unit} asked for")
    figure.update_yaxes(title=f"loss (nats a {unit.removesuffix('s')})")
    return style(figure, **picture["layout"])


def plot_coverage(curves: Mapping[str, Sequence[CoveragePoint]]) -> Figure:
    """Accuracy of the answers that are given against the share of questions answered, surest first.

    A line per model; a dot where it answers most at TARGET_ACCURACY.
    """
    from plotly.graph_objects import Figure

    figure, picture = Figure(), PICTURES["coverage"]
    for (name, points), line in zip(curves.items(), cycle(LINES)):
        names, hover = {"name": name, "legendgroup": name}, f"{picture['hover']}<extra>{name}</extra>"
        rows = [(each.coverage, each.accuracy, (each.correct, each.answered, each.confidence)) for each in points]
        add_line(figure, rows, hover, mode="lines", line={**line, "shape": "hv"}, **names)
        if point := find_point(points):
            dot = {"x": [point.coverage], "y": [point.accuracy], "marker": {"color": line["color"], "size": 11}}
            figure.add_scatter(**dot, mode="markers", showlegend=False, hoverinfo="skip", **names)
    figure.add_hline(TARGET_ACCURACY, annotation_text=f"{TARGET_ACCURACY:.0%} right", **picture["target"])
    lowest = min((points[-1].accuracy for points in curves.values()), default=0.0)  # the left is noise
    figure.update_yaxes(range=[max(0.0, lowest - 0.15), 1.01])
    return style(figure, **picture["layout"])


def plot_progress(snapshot: TrainingSnapshot) -> Figure:
    """Above, the loss of each epoch; below, the shares of dev people recited word for word and answered right."""
    from plotly.subplots import make_subplots

    picture = PICTURES["progress"]
    rows = {"rows": 2, "cols": 1, "shared_xaxes": True, "vertical_spacing": 0.12}
    figure = make_subplots(subplot_titles=[title.format(unit=snapshot.unit) for title in picture["titles"]], **rows)
    points = [(epoch.epoch, epoch.loss, None) for epoch in snapshot.curve]
    hover = "epoch %{x}: loss %{y:.3f}<extra></extra>"
    add_line(figure, points, hover, name="loss", line_color=COLOURS[0], **picture["loss"])
    for field, colour in (("exact", COLOURS[2]), ("right", COLOURS[1])):
        shares = [(probe.epoch, getattr(probe, field)) for probe in snapshot.probes]
        points = [(epoch, share.share, (share.correct, share.total)) for epoch, share in shares]
        hover = f"epoch %{{x}}: %{{customdata[0]}} of %{{customdata[1]}} {picture[field]['name']}<extra></extra>"
        add_line(figure, points, hover, line_color=colour, row=2, col=1, **picture[field])
    figure.update_xaxes(range=[0, max(1, snapshot.epochs)])
    return style(figure, **picture["layout"])


def plot_head(head: HeadOnName) -> Figure:
    """A row for each token written, from the top down; how much the head looks at each token of the prompt then."""
    from plotly.graph_objects import Figure

    columns, written = list_columns(head), list(map(make_visible, head.written))
    figure, picture = Figure(), PICTURES["head"]
    pairs = [[(row, column) for column in columns] for row in written]
    figure.add_heatmap(z=head.weights, customdata=pairs, **picture["trace"])
    first, last = head.on_name.index(True) - 0.5, head.on_name.index(True) + sum(head.on_name) - 0.5
    figure.add_shape(type="rect", x0=first, x1=last, y0=-0.5, y1=len(written) - 0.5, line={"color": COLOURS[1]})
    figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=columns)
    figure.update_yaxes(tickvals=list(range(len(written))), ticktext=written)
    return style(figure, height=160 + ROW_PIXELS * len(written), **picture["layout"])


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
