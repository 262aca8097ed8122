"""What the pictures of all rooms have in common: colours, and a look for light and dark pages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
    from plotly.graph_objs.layout import Template

# Okabe and Ito (2008): colours that colour-blind people can tell apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999")
GREY, CLEAR = "#888888", "rgba(0,0,0,0)"


def style(figure: Figure, **layout) -> Figure:
    """Readable on a light and on a dark page: no background of its own, grey text and lines."""
    figure.update_layout(template=_template(), **layout)
    figure.update_annotations(font_size=13)
    return figure


@cache
def _template() -> Template:
    """Instead of Plotly's own; made once, for Plotly takes long over each property that is set."""
    from plotly.graph_objs.layout import Template

    axis = {"gridcolor": "rgba(136,136,136,0.25)", "zerolinecolor": GREY, "automargin": True, "title": {"standoff": 15}}
    colours = {"paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR, "font": {"color": GREY}, "colorway": COLOURS}
    return Template(layout={**colours, "margin": {"l": 10, "r": 10, "t": 40, "b": 10}, "xaxis": axis, "yaxis": axis})
