"""The laboratory's pictures, one function per claim: a LabResult in, a plotly Figure out.

They are read on a light and on a dark page alike: transparent background, one grey ink for text and lines, and the
colours of Okabe and Ito (2008), which colour-blind people tell apart; symbols and dashes repeat what colours say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from a3core.attention.lab.result import LabResult

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BLUE, VERMILLION, GREEN, PURPLE, ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
COLOURS = (BLUE, VERMILLION, GREEN)
SYMBOLS = ("circle", "diamond", "square")
INK, FAINT = "#7a7a7a", "rgba(128, 128, 128, 0.25)"  # 4.3 to 1 on white and on Gradio's dark page
CLEAR = "rgba(0, 0, 0, 0)"
SHOWN = 2000  # draws in a cloud of points: more only cost bytes


def axis(title: str, **settings: Any) -> dict[str, Any]:
    """An axis with its title in words."""
    return {
        "title": {"text": title, "standoff": 8},
        "gridcolor": FAINT,
        "zerolinecolor": FAINT,
        "linecolor": INK,
        **settings,
    }


def figure(traces: list[dict[str, Any]], title: str, height: int = 420, **layout: Any) -> Figure:
    """A figure in the laboratory's dress; layout holds the axes, shapes and annotations."""
    from plotly.graph_objects import Figure

    dress = {
        "template": "none",
        "title": {"text": title, "font": {"size": 15}},
        "height": height,
        "font": {"color": INK, "size": 13},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "margin": {"l": 60, "r": 20, "t": 50, "b": 50},
        "legend": legend(-0.26),
    }
    return Figure({"data": traces, "layout": {**dress, **layout}})


def legend(y: float) -> dict[str, Any]:
    """A legend below the picture, in as many columns as fit."""
    return {"orientation": "h", "y": y, "yanchor": "top", "itemsizing": "constant"}


def two_panels(first: tuple[dict, dict], second: tuple[dict, dict]) -> dict[str, Any]:
    """Layout of two pictures, one above the other, so that they fit a narrow screen: (x axis, y axis) each."""
    return {
        "xaxis": {**first[0], "anchor": "y"},
        "yaxis": {**first[1], "domain": [0.58, 1]},
        "xaxis2": {**second[0], "anchor": "y2"},
        "yaxis2": {**second[1], "domain": [0, 0.42], "anchor": "x2"},
        "height": 720,
        "legend": legend(-0.13),
    }


def line(x: Any, y: Any, name: str, colour: str, dash: str = "solid", **settings: Any) -> dict[str, Any]:
    """A predicted curve."""
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, **settings} | {
        "line": {"color": colour, "dash": dash, "width": 2}
    }


def markers(x: Any, y: Any, name: str, colour: str, symbol: str = "circle", size: int = 7, **settings: Any) -> dict:
    """Measured points."""
    return {"type": "scatter", "mode": "markers", "x": x, "y": y, "name": name, **settings} | {
        "marker": {"color": colour, "symbol": symbol, "size": size}
    }


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    """One column of a result's table."""
    return [row[name] for row in rows]


def rule(x: float, text: str, log: bool = False) -> dict[str, Any]:
    """Layout of a vertical line through all panels at a value of x, with its name above."""
    at = float(np.log10(x)) if log else x  # annotations on a logarithmic axis stand at the exponent
    annotation = {"x": at, "y": 1, "yref": "paper", "text": text, "showarrow": False, "yanchor": "bottom"}
    stroke = {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper"}
    return {"shapes": [stroke | {"line": {"color": INK, "dash": "dot"}}], "annotations": [annotation]}


def plot_dominance(result: LabResult) -> Figure:
    """1.1: weight of k_j and distance of the output to v_j, against H, for three ways the other keys may lie."""
    traces = []
    for name, colour, symbol in zip(result.picture["cases"], COLOURS, SYMBOLS, strict=True):
        rows = [row for row in result.table if row["others"] == name]
        for what, axes in (("weight", {}), ("distance", {"xaxis": "x2", "yaxis": "y2", "showlegend": False})):
            scales = column(rows, "H")
            traces.append(line(scales, column(rows, f"predicted {what}"), f"{name}, predicted", colour, **axes))
            points = column(rows, f"measured {what}")
            traces.append(markers(scales, points, f"{name}, measured", colour, symbol, **axes))
    scale = axis("query scale H", type="log")
    panels = two_panels(
        (scale, axis("weight of the key k_j", range=[-0.03, 1.05])), (scale, axis("distance of output to v_j"))
    )
    return figure(traces, "One key dominates as H grows", **panels, **rule(result.picture["H"], "H", log=True))


def plot_projection(result: LabResult) -> Figure:
    """1.2a: how far each matrix misses v_a, against the angle between the subspaces."""
    traces, angles = [], column(result.table, "angle")
    names = {"projection": "projection", "assignment": "own matrix, any c_i", "zero_one": "own matrix, c_i 0 or 1"}
    for (key, name), colour, symbol in zip(names.items(), COLOURS, SYMBOLS, strict=True):
        traces.append(line(angles, column(result.table, f"predicted {key}"), f"{name}, predicted", colour))
        points = column(result.table, f"measured {key}")
        traces.append(markers(angles, points, f"{name}, measured", colour, symbol))
    return figure(
        traces,
        "How far M s lands from v_a",
        460,
        xaxis=axis("angle between A and B in degrees", range=[-5, 97]),
        yaxis=axis("error over the size of v_b", rangemode="tozero"),
        **rule(result.picture["angle"], "chosen"),
    )


def plot_average(result: LabResult) -> Figure:
    """1.2b: the weights of a, of b and of all others, against H."""
    rows = result.table
    scales = column(rows, "H")
    traces = [
        line(scales, column(rows, "predicted weight"), "weight of a and of b, predicted", INK),
        markers(scales, column(rows, "weight of a"), "weight of a, measured", BLUE, "circle-open", 11),
        markers(scales, column(rows, "weight of b"), "weight of b, measured", VERMILLION, "diamond", 6),
        markers(scales, column(rows, "weight of all others"), "weight of all others", GREEN, "square"),
    ]
    axes = {"xaxis": axis("query scale H", type="log"), "yaxis": axis("attention weight", range=[-0.03, 1.05])}
    title = "Two keys share the weight"
    return figure(traces, title, **axes, **rule(result.picture["H"], "H", log=True))


def plot_region(result: LabResult) -> Figure:
    """1.3a: where in the (H, alpha) plane the query averages: measured miss, and the two boundaries."""
    picture = result.picture
    scales, alphas = picture["scales"], picture["alphas"]
    heat = {"type": "heatmap", "x": scales, "y": alphas, "z": picture["misses"], "colorscale": "Cividis"}
    heat |= {"zmin": 0, "zmax": 0.5, "colorbar": {"thickness": 14}, "name": "measured"}
    heat["hovertemplate"] = "H %{x:.3g}, alpha %{y:.2g}: weight of a misses 1/2 by %{z:.2f}<extra></extra>"
    floor = max(np.log(picture["n"]), 1e-9)
    inside = scales**-2.0 >= alphas[0]  # the part of the boundary within the grid
    traces = [
        heat,
        line(scales[inside], scales[inside] ** -2.0, "H sqrt(alpha) = 1", VERMILLION),
        line([floor, floor], [alphas[0], alphas[-1]], "H = ln n", VERMILLION, "dash"),
        markers([picture["H"]], [max(picture["alpha"], 1e-12)], "chosen", PURPLE, "x", 13),
    ]
    return figure(
        traces,
        "How far the weight of a is from one half",
        500,
        xaxis=axis("query scale H", type="log"),
        yaxis=axis("noise alpha on the keys", type="log", exponentformat="power"),
    )


def plane_traces(outputs: np.ndarray, name: str, colour: str, symbol: str = "circle") -> dict[str, Any]:
    """The outputs of all draws as points in the (v_a, v_b) plane; outputs (draws, 2)."""
    cloud = markers(outputs[:, 0], outputs[:, 1], name, colour, symbol, 5)
    cloud["marker"]["opacity"] = 0.5
    cloud["hovertemplate"] = "%{x:.2f} v_a + %{y:.2f} v_b<extra></extra>"
    return cloud


def landmarks() -> dict[str, Any]:
    """v_a, v_b and their average in the plane."""
    points = markers([1, 0, 0.5], [0, 1, 0.5], "v_a, v_b and their average", INK, "cross-thin", 14)
    points["marker"]["line"] = {"color": INK, "width": 2}
    return points | {
        "mode": "markers+text",
        "text": ["v_a", "v_b", "average"],
        "textposition": "top right",
    }


def plane_axes() -> tuple[dict[str, Any], dict[str, Any]]:
    """The axes of the (v_a, v_b) plane."""
    return axis("part of v_a in the output", range=[-0.25, 1.25]), axis(
        "part of v_b in the output", range=[-0.25, 1.25]
    )


def plot_swing(result: LabResult) -> Figure:
    """1.3b: the output of every draw in the (v_a, v_b) plane, and the distribution of the weight of a."""
    rows = result.table
    middles = (np.array(column(rows, "from")) + np.array(column(rows, "to"))) / 2
    second = {"xaxis": "x2", "yaxis": "y2"}
    bars = {"type": "bar", "x": middles, "y": column(rows, "counted share"), "name": "draws, counted", **second}
    predicted = markers(middles, column(rows, "predicted share"), "predicted", VERMILLION, "line-ew", 14, **second)
    predicted["marker"]["line"] = {"color": VERMILLION, "width": 3}
    traces = [
        plane_traces(result.picture["outputs"][:SHOWN], "output of one draw", BLUE),
        landmarks(),
        bars | {"marker": {"color": BLUE}},
        predicted,
    ]
    panels = two_panels(plane_axes(), (axis("weight of a", range=[0, 1]), axis("share of the draws")))
    return figure(traces, "One head swings between v_a and v_b", **panels, bargap=0.05)


def plot_heads(result: LabResult) -> Figure:
    """1.4a: the weight of every key in each head, and in their average."""
    rows = result.table
    keys = column(rows, "key")
    traces = [
        {"type": "bar", "x": keys, "y": column(rows, f"head {h + 1}"), "name": f"head {h + 1}"}
        | {"marker": {"color": COLOURS[h]}}
        for h in range(result.picture["heads"])
    ]
    average = markers(keys, column(rows, "average"), "average of heads, measured", GREEN, "square", 9)
    average["error_y"] = {"type": "data", "array": column(rows, "spread"), "color": GREEN}
    predicted = markers(keys, column(rows, "predicted"), "average, predicted", INK, "line-ew", 22)
    predicted["marker"]["line"] = {"color": INK, "width": 2}
    axes = {"xaxis": axis("key", type="category"), "yaxis": axis("attention weight, mean of draws")}
    return figure([*traces, average, predicted], "What each head looks at", **axes)


def plot_two_heads(result: LabResult) -> Figure:
    """1.4b: the outputs of one head and of two, those where head one fails apart; and how often it fails, against H."""
    picture = result.picture
    one, two, fails = (each[:SHOWN] for each in (*picture["outputs"], picture["fails"]))
    traces = [plane_traces(one, "one head", ORANGE, "circle-open")]
    if picture["heads"] == 2:
        traces.append(plane_traces(two[~fails], "two heads", BLUE))
        traces.append(plane_traces(two[fails], "two heads, head one fails", VERMILLION, "x"))
    traces += [landmarks(), *failure_traces(result)]
    panels = two_panels(
        plane_axes(),
        (
            axis("query scale H", type="log"),
            axis("head one fails, share of draws", rangemode="tozero", tickformat=".0%"),
        ),
    )
    return figure(traces, "Two heads stay near the average", **panels)


def failure_traces(result: LabResult) -> list[dict[str, Any]]:
    """How often head one fails against H, predicted and counted, and the limit."""
    rows, axes = result.table[:-1], {"xaxis": "x2", "yaxis": "y2"}
    scales, failure, limit = (result.picture[name] for name in ("scales", "failure", "limit"))
    return [
        line(scales, failure, "fails, predicted", INK, **axes),
        markers(column(rows, "H"), column(rows, "counted"), "fails, counted", GREEN, "square", 9, **axes),
        line(scales[[0, -1]], [limit, limit], "limit", INK, "dot", **axes),
    ]
