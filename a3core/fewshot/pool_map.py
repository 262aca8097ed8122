"""The map of a pool: its embeddings in two dimensions, with the query and its neighbours; drawn by plotly."""

from __future__ import annotations

import random
import textwrap
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from a3core.common.plotting import COLOURS, style
from a3core.fewshot.pools import Pool
from a3core.fewshot.prompt import BuiltPrompt
from a3core.fewshot.retrieval import Retriever

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_POINTS = 3000  # of a larger pool a sample is drawn; neighbours are always there


def plot_pool_map(retriever: Retriever, built: BuiltPrompt) -> Figure:
    """The pool's questions on the plane, the query as a star, its demonstrations joined to it by lines."""
    from plotly.graph_objects import Figure

    pool, pool_map = retriever.pool, retriever.map
    query = pool_map.project(retriever.embed([built.chosen.question]))[0]  # (2,)
    sample = list(range(len(pool)))
    if len(pool) > MOST_POINTS:
        sample = sorted(random.Random(0).sample(sample, MOST_POINTS))  # the same each time
    near = [neighbour.corpus_id for neighbour in built.chosen.neighbours]
    figure = Figure()

    def add_points(ids: list[int], name: str, **marker) -> None:
        text = [format_question(pool, i) for i in ids]
        options = {"mode": "markers", "name": name, "marker": marker, "hovertemplate": "%{text}<extra></extra>"}
        figure.add_scatter(x=pool_map.points[ids, 0], y=pool_map.points[ids, 1], text=text, **options)

    add_points(sample, "pool", color=COLOURS[6], size=4, opacity=0.45)
    lines = np.array([point for i in near for point in (query, pool_map.points[i], (np.nan, np.nan))]).reshape(-1, 2)
    line = {"color": COLOURS[1], "width": 1}
    figure.add_scatter(x=lines[:, 0], y=lines[:, 1], mode="lines", line=line, hoverinfo="skip", showlegend=False)
    add_points(near, "demonstrations", color=COLOURS[1], size=9, opacity=1)
    star = {"symbol": "star", "size": 15, "color": COLOURS[5]}
    label = {"text": [wrap(built.chosen.question)], "hovertemplate": "%{text}<extra>query</extra>"}
    figure.add_scatter(x=[query[0]], y=[query[1]], mode="markers", name="query", marker=star, **label)
    title = f"principal component {{}} (both: {pool_map.explained:.0%} of the variance)"
    figure.update_xaxes(title=title.format(1), showticklabels=False)
    figure.update_yaxes(title="principal component 2", showticklabels=False)
    return style(figure, height=460, legend={"orientation": "h", "y": -0.12})


def format_question(pool: Pool, corpus_id: int) -> str:
    """A question with its subject, if it has one, as the HTML of a point's label."""
    row = pool[corpus_id]
    return wrap(row.question) + (f"<br><i>{escape(row.subject)}</i>" if row.subject else "")


def wrap(text: str) -> str:
    """Escaped, for plotly reads a little HTML, and in lines that fit a phone."""
    return "<br>".join(escape(line) for line in textwrap.wrap(text[:300], 48))
