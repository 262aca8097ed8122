"""The board of a report: its numbers are the report's, and no text of a run is markup."""

from __future__ import annotations

import html
import json
import re

import pytest

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.build import build_report
from a3core.grader.runs.responses import Label, Response
from a3core.ui.grader.report import CARDS, MEASURES, render_board

HOSTILE = "<script>alert(1)</script> ${1+1} {{ x }}"
VALUES = (("answer", "correct", "wrong"), ("explanation", "correct", "flawed"), ("convincing", "yes", "no"))


@pytest.fixture(scope="module")
def report():
    kinds = ("standard", HOSTILE)
    responses = [Response(str(i), f"{i}?", "1", "One.\nTwo.", prompt_kind=kinds[i % 2]) for i in range(12)]
    labels = [
        Label(str(i), "Ada", field, right if i // (k + 1) % 3 else wrong)
        for i in range(12)
        for k, (field, right, wrong) in enumerate(VALUES)
    ]
    return build_report(responses, labels, DEFAULT_SCHEMA)


def read_numbers(markup: str) -> dict[str, str]:
    """Text of each number of the board by what opens it, as JSON."""
    return {html.unescape(number): text for number, text in re.findall(r'data-open="([^"]*)"[^>]*>([^<]*)<', markup)}


def read_kinds(markup: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r'scope="rowgroup">([^<]*)<', markup)]


def test_shares_intervals_and_cells_are_the_reports(report):
    board = render_board(report, "run", ["Ada"])
    numbers = read_numbers(board)
    assert read_kinds(board) == [group.prompt_kind for group in report.groups[1:]]
    for group in report.groups[1:]:
        for measure, _ in MEASURES:
            share = group.shares[measure]
            assert numbers[json.dumps(["share", group.prompt_kind, None, measure])] == f"{round(100 * share.share)} %"
            assert f"left:{100 * share.low}%;width:{100 * (share.high - share.low)}%" in board
    for measure, _ in CARDS:
        share = report.overall.shares[measure]
        low, high = round(100 * share.low), round(100 * share.high)
        assert f"{share.k} of {share.n} · [{low}, {high}]" in board
    cells = [numbers[json.dumps(["cell", right, sound])] for right in (True, False) for sound in (True, False)]
    assert cells == [str(cell["n"]) for cell in report.overall.table["cells"]]
    assert re.findall(r'<em style="left:([0-9.]+)%', board) == ["10.0"]  # the assignment's accuracy of "standard"


def test_models_are_apart_and_too_many_kinds_are_one_row():
    labels = [Label("1", "Ada", "answer", "correct"), Label("2", "Ada", "answer", "correct")]
    two = [Response("1", "?", "1", model="m"), Response("2", "?", "1", model="n")]
    assert read_kinds(render_board(build_report(two, labels, DEFAULT_SCHEMA), "run", [])) == [
        "standard · m",
        "standard · n",
    ]
    many = [Response(str(i), "?", "1", prompt_kind=str(i)) for i in range(60)]
    assert read_kinds(render_board(build_report(many, labels, DEFAULT_SCHEMA), "run", [])) == ["all responses"]


def test_no_text_is_markup_and_nothing_is_drawn_of_nothing(report):
    board = render_board(report, HOSTILE, [HOSTILE], [HOSTILE], HOSTILE)
    assert "<script" not in board and board.count("&lt;script&gt;") >= 4
    empty = build_report([Response("1", "?", "1")], [], DEFAULT_SCHEMA)
    board = render_board(empty, "run", [])
    assert "a3-big" not in board and "No explanation has been judged" in board
