"""What the pictures of all rooms have in common: colours, and a look for light and dark pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe and Ito (2008): colours that colour-blind people can tell apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999")


def style(figure: Figure, **layout) -> Figure:
    """Readable on a light and on a dark page: no background of its own, grey text and lines."""
    grey = "#888888"
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": grey},
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        **layout,
    )
    figure.update_annotations(font_size=13)
    figure.update_xaxes(gridcolor="rgba(136,136,136,0.25)", zerolinecolor=grey, automargin=True)
    figure.update_yaxes(gridcolor="rgba(136,136,136,0.25)", zerolinecolor=grey, automargin=True)
    return figure
