"""The laboratory's pictures, one function per claim: a LabResult in, one or two panels out.

The colours of Okabe and Ito (2008), which colour-blind people tell apart; symbols and dashes repeat what colours say.
"""

from typing import Any

import numpy as np

from a3core.attention.lab.result import LabResult
from a3core.attention.lab.svg import INK, Axis, Bars, Cells, Line, Panel, Points, Shape

BLUE, VERMILLION, GREEN, PURPLE, ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
COLOURS = (BLUE, VERMILLION, GREEN)
SYMBOLS = ("circle", "diamond", "square")
CLOUD = 400  # draws in a cloud of points, at most: more only cost bytes
WEIGHT = (-0.03, 1.05)  # range of an axis of weights


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    """One column of a result's table."""
    return [row[name] for row in rows]


def plot_dominance(result: LabResult) -> list[Panel]:
    """1.1: weight of k_j and distance of the output to v_j, against H, for three ways the other keys may lie."""
    shapes: dict[str, list] = {"weight": [], "distance": []}
    for name, colour, symbol in zip(result.picture["cases"], COLOURS, SYMBOLS, strict=True):
        rows = [row for row in result.table if row["others"] == name]
        for quantity, drawn in shapes.items():
            scales, points = column(rows, "H"), column(rows, f"measured {quantity}")
            drawn.append(Line(scales, column(rows, f"predicted {quantity}"), f"{name}, predicted", colour))
            drawn.append(Points(scales, points, f"{name}, measured", colour, symbol))
    rules, scale = [(result.picture["H"], "H")], Axis("query scale H", log=True)
    return [
        Panel("Weight of the key k_j", scale, Axis("weight", range=WEIGHT), shapes["weight"], rules),
        Panel("Distance of the output to v_j", scale, Axis("distance"), shapes["distance"], rules),
    ]


def plot_projection(result: LabResult) -> list[Panel]:
    """1.2a: how far each matrix misses v_a, against the angle between the subspaces."""
    shapes, angles = [], column(result.table, "angle")
    names = {"projection": "projection", "assignment": "own matrix, any c_i", "zero_one": "own matrix, c_i 0 or 1"}
    for (key, name), colour, symbol in zip(names.items(), COLOURS, SYMBOLS, strict=True):
        shapes.append(Line(angles, column(result.table, f"predicted {key}"), f"{name}, predicted", colour))
        points = column(result.table, f"measured {key}")
        shapes.append(Points(angles, points, f"{name}, measured", colour, symbol))
    axes = Axis("angle between A and B in degrees", range=(-5, 97)), Axis("error over the size of v_b")
    return [Panel("How far M s lands from v_a", *axes, shapes, [(result.picture["angle"], "chosen")])]


def plot_average(result: LabResult) -> list[Panel]:
    """1.2b: the weights of a, of b and of all others, against H."""
    rows = result.table
    scales = column(rows, "H")
    shapes = [
        Line(scales, column(rows, "predicted weight"), "weight of a and of b, predicted", INK),
        Points(scales, column(rows, "weight of a"), "weight of a, measured", BLUE, "circle-open", 11),
        Points(scales, column(rows, "weight of b"), "weight of b, measured", VERMILLION, "diamond", 6),
        Points(scales, column(rows, "weight of all others"), "weight of all others", GREEN, "square"),
    ]
    axes = Axis("query scale H", log=True), Axis("attention weight", range=WEIGHT)
    return [Panel("Two keys share the weight", *axes, shapes, [(result.picture["H"], "H")])]


def plot_region(result: LabResult) -> list[Panel]:
    """1.3a: where in the (H, alpha) plane the query averages: measured miss, and the two boundaries."""
    picture = result.picture
    scales, alphas = picture["scales"], picture["alphas"]
    floor = max(np.log(picture["n"]), 1e-9)
    inside = scales**-2.0 >= alphas[0]  # the part of the boundary within the grid
    shapes = [
        Cells(scales, alphas, "weight of a misses one half, up to 0.5", z=picture["misses"], most=0.5),
        Line(scales[inside], scales[inside] ** -2.0, "H sqrt(alpha) = 1", VERMILLION),
        Line([floor, floor], [alphas[0], alphas[-1]], "H = ln n", VERMILLION, "dash"),
        Points([picture["H"]], [max(picture["alpha"], 1e-12)], "chosen", PURPLE, "cross", 13),
    ]
    low, high = min(alphas[0], picture["alpha"]), max(alphas[-1], picture["alpha"])
    scale = Axis("query scale H", log=True, range=(min(scales[0], picture["H"]), max(scales[-1], picture["H"])))
    noise = Axis("noise alpha on the keys", log=True, range=(low / 1.5, high * 1.5))
    return [Panel("How far the weight of a is from one half", scale, noise, shapes)]


def draw_cloud(outputs: np.ndarray, name: str, colour: str, symbol: str = "circle") -> Shape:
    """The outputs of some draws as points in the (v_a, v_b) plane; outputs (draws, 2)."""
    return Points(outputs[:CLOUD, 0], outputs[:CLOUD, 1], name, colour, symbol, 5, opacity=0.5)


def draw_plane(title: str, shapes: list) -> Panel:
    """The (v_a, v_b) plane, with v_a, v_b and their average."""
    labels = ("v_a", "v_b", "average")
    landmarks = Points([1, 0, 0.5], [0, 1, 0.5], "v_a, v_b and their average", INK, "cross", 9, labels=labels)
    reach = (-0.25, 1.25)
    axes = Axis("part of v_a in the output", range=reach), Axis("part of v_b in the output", range=reach)
    return Panel(title, *axes, [*shapes, landmarks])


def plot_swing(result: LabResult) -> list[Panel]:
    """1.3b: the output of every draw in the (v_a, v_b) plane, and the distribution of the weight of a."""
    rows = result.table
    middles = (np.array(column(rows, "from")) + np.array(column(rows, "to"))) / 2
    shapes: list = [Bars(middles, column(rows, "counted share"), "draws, counted", BLUE, width=0.037)]
    if rows[0]["predicted share"] is not None:
        shapes.append(Points(middles, column(rows, "predicted share"), "predicted", VERMILLION, "dash", 14))
    cloud = draw_cloud(result.picture["outputs"], "output of one draw", BLUE)
    axes = Axis("weight of a", range=(0, 1)), Axis("share of the draws")
    return [draw_plane("One head swings between v_a and v_b", [cloud]), Panel("Weight of a", *axes, shapes)]


def plot_heads(result: LabResult) -> list[Panel]:
    """1.4a: the weight of every key in each head, and in their average."""
    rows, heads = result.table, result.picture["heads"]
    keys, at = column(rows, "key"), list(range(len(rows)))
    shapes = [
        Bars(at, column(rows, name), name, colour, width=0.4, shift=(h - (heads - 1) / 2) * 0.4)
        for h, (name, colour) in enumerate(zip(("head 1", "head 2")[:heads], COLOURS, strict=False))
    ]
    average, spread = column(rows, "average"), column(rows, "spread")
    shapes.append(Points(at, average, "average of heads, measured", GREEN, "square", 8, errors=spread))
    shapes.append(Points(at, column(rows, "predicted"), "average, predicted", INK, "dash", 16))
    axes = Axis("key", categories=keys), Axis("attention weight, mean of draws", range=WEIGHT)
    return [Panel("What each head looks at", *axes, shapes)]


def plot_two_heads(result: LabResult) -> list[Panel]:
    """1.4b: the outputs of one head and of two, those where head one fails apart; and how often it fails, against H."""
    picture = result.picture
    one, two, fails = (each[:CLOUD] for each in (*picture["outputs"], picture["fails"]))
    shapes = [draw_cloud(one, "one head", ORANGE, "circle-open")]
    if picture["heads"] == 2:
        shapes.append(draw_cloud(two[~fails], "two heads", BLUE))
        shapes.append(draw_cloud(two[fails], "two heads, head one fails", VERMILLION, "cross"))
    rows = result.table[:-1]
    scales, failure, limit = (picture[name] for name in ("scales", "failure", "limit"))
    failures = [
        Line(scales, failure, "fails, predicted", INK),
        Points(column(rows, "H"), column(rows, "counted"), "fails, counted", GREEN, "square", 9),
        Line(scales[[0, -1]], [limit, limit], "limit", INK, "dot"),
    ]
    axes = Axis("query scale H", log=True), Axis("share of draws", percent=True)
    return [draw_plane("Two heads stay near the average", shapes), Panel("Head one fails", *axes, failures)]
