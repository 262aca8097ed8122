"""The charts of BENCHMARKS.md."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from benchmarks import svg_figure
from benchmarks.svg_figure import Axis, Series


def test_a_chart_is_whole_and_within_its_frame():
    x, y = Axis("people", (10, 100, 1000), log=True), Axis("right <%>", (0, 0.5, 1), "{:.0%}")
    line = Series("recall & answer", [(10, 0.0), (100, 0.5), (1000, 2.0)], [(0.0, 0.1), (0.4, 0.6), (0.9, 1.0)])
    root = ElementTree.fromstring(svg_figure.draw_lines("One", [line], x, y))
    name = "{http://www.w3.org/2000/svg}"
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter(f"{name}circle")]
    left, right, top, bottom = 64, 620, 64, 308
    assert dots == [(left, bottom), ((left + right) / 2, (top + bottom) / 2), (right, top)]  # what is beyond is cut
    assert (
        root.find(f"{name}title").text == "One" and "recall & answer: 10: 0%, 100: 50%" in root.find(f"{name}desc").text
    )
    texts = [text.text for text in root.iter(f"{name}text")]
    assert {"people", "right <%>", "1,000", "50%", "recall & answer"} <= set(texts)


def test_decades_hold_the_values():
    assert svg_figure.list_decades([3.0, 250.0]) == [1.0, 10.0, 100.0, 1000.0]
    assert svg_figure.list_decades([10.0]) == [10.0, 100.0]
