"""The board of a report: its numbers are the report's, and no text of a run is markup."""

from __future__ import annotations

import pytest

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.build import build_report
from a3core.grader.runs.responses import Label, Response
from a3core.ui.grader.board import MEASURES, build_board, render_board

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


def test_shares_intervals_and_cells_are_the_reports(report):
    board = build_board(report, "run", ["Ada"])
    for kind, group in zip(board["kinds"], report.groups[1:], strict=True):
        assert kind["name"] == group.prompt_kind
        for drawn, (measure, _) in zip(kind["shares"], MEASURES, strict=True):
            share = group.shares[measure]
            assert [drawn[name] for name in ("k", "n", "share", "low", "high")] == list(share[:5])
    assert [cell["n"] for row in board["cells"] for cell in row] == [cell["n"] for cell in report.overall.table.cells]
    assert board["kinds"][0]["shares"][0]["stated"] == 0.1  # the assignment's accuracy of its standard prompt


def test_models_are_apart_and_too_many_kinds_are_one_row():
    labels = [Label("1", "Ada", "answer", "correct")]
    two = [Response("1", "?", "1", model="m"), Response("2", "?", "1", model="n")]
    names = [kind["name"] for kind in build_board(build_report(two, labels, DEFAULT_SCHEMA), "run", [])["kinds"]]
    assert names == ["standard · m", "standard · n"]
    many = [Response(str(i), "?", "1", prompt_kind=str(i)) for i in range(60)]
    names = [kind["name"] for kind in build_board(build_report(many, labels, DEFAULT_SCHEMA), "run", [])["kinds"]]
    assert names == ["all responses"]


def test_no_text_is_markup_and_nothing_is_drawn_of_nothing(report):
    html = render_board(build_board(report, HOSTILE, [HOSTILE], HOSTILE))
    assert "<script" not in html and "&lt;script&gt;" in html
    empty = build_report([Response("1", "?", "1")], [], DEFAULT_SCHEMA)
    html = render_board(build_board(empty, "run", []))
    assert "a3-big" not in html and "No explanation has been judged" in html
