"""The pictures show the report's own numbers, on any page, and names in them are data."""

from __future__ import annotations

import json

import pytest

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.agreement import build_agreement
from a3core.grader.report.build import build_report
from a3core.grader.report.figures import (
    MEASURES,
    MOST_ROWS,
    plot_agreement,
    plot_answer_explanation,
    plot_first_wrong_steps,
    plot_shares,
    show_text,
)
from a3core.grader.runs.responses import Label, Response

HOSTILE = "<script>alert(1)</script> ${1+1}$ %{x}\x00\u202e\ud83d"
VALUES = (("answer", "correct", "wrong"), ("explanation", "correct", "flawed"), ("convincing", "yes", "no"))


def build_labels(n: int, annotators=("Ada", HOSTILE)) -> list[Label]:
    return [
        Label(str(i), who, field, right if (i // (k + 1) + j) % 3 else wrong)
        for i in range(n)
        for j, who in enumerate(annotators)
        for k, (field, right, wrong) in enumerate(VALUES)
    ]


@pytest.fixture(scope="module")
def report():
    kinds = ("standard", HOSTILE)
    responses = [Response(str(i), f"{i}?", "1", "One.\nTwo.\nThree.", prompt_kind=kinds[i % 2]) for i in range(12)]
    steps = [Label(str(i), "Ada", "first_wrong_step", "2" if i % 3 else "none") for i in range(12)]
    return build_report(responses, build_labels(12, [HOSTILE]) + steps, DEFAULT_SCHEMA)


@pytest.fixture(scope="module")
def agreement():
    return build_agreement(build_labels(12), DEFAULT_SCHEMA)


def test_shares_and_their_intervals_are_the_reports(report):
    figure = plot_shares(report)
    assert [trace.name for trace in figure.data] == list(MEASURES)
    for trace in figure.data:
        shares = [group.shares[trace.name] for group in report.groups[1:]]
        known = [share for share in shares if share.n]
        assert list(trace.y) == [share.share for share in known]
        assert [y + up for y, up in zip(trace.y, trace.error_y.array, strict=True)] == pytest.approx(
            [s.high for s in known]
        )
        assert [y - down for y, down in zip(trace.y, trace.error_y.arrayminus, strict=True)] == pytest.approx(
            [share.low for share in known]
        )


def test_models_and_too_many_kinds():
    two = [Response("1", "?", "1", model="m"), Response("2", "?", "1", model="n")]
    labels = [Label("1", "Ada", "answer", "correct")]
    assert list(plot_shares(build_report(two, labels, DEFAULT_SCHEMA)).layout.xaxis.ticktext) == [
        "standard<br>m",
        "standard<br>n",
    ]
    many = [Response(str(i), "?", "1", prompt_kind=str(i)) for i in range(60)]
    assert list(plot_shares(build_report(many, labels, DEFAULT_SCHEMA)).layout.xaxis.ticktext) == ["all responses"]


def test_the_table_is_the_groups(report):
    (trace,) = plot_answer_explanation(report.overall).data
    cells = [cell.n for cell in report.overall.table.cells]
    assert [n for row in trace.z for n in row] == cells == [6, 2, 2, 2]
    assert trace.text[0][0].startswith(f"{cells[0]}<br>")


def test_first_wrong_steps(report):
    absolute, relative = plot_first_wrong_steps(report).data
    assert list(absolute.x) == [2] and list(absolute.y) == [8] and list(relative.y) == [0, 0, 8, 0, 0]


def test_agreement_has_a_point_for_each_coefficient(agreement):
    figure = plot_agreement(agreement)
    values = [one.value for one in agreement.coefficients if one.value is not None]
    assert sorted(value for trace in figure.data for value in trace.x) == sorted(values) and len(values) == 6
    assert len(figure.layout.yaxis.ticktext) == 6


def test_many_pairs_are_left_to_the_table():
    many = build_agreement(build_labels(12, [f"annotator {i}" for i in range(8)]), DEFAULT_SCHEMA)
    assert len(many.coefficients) > MOST_ROWS and len(plot_agreement(many).layout.yaxis.ticktext) == 6


def test_nothing_to_draw_is_an_empty_picture():
    report = build_report([Response("1", "?", "1")], [], DEFAULT_SCHEMA)
    for figure in (plot_shares(report), plot_answer_explanation(report.overall), plot_first_wrong_steps(report)):
        assert json.loads(figure.to_json())["layout"]
    assert not plot_agreement(build_agreement([], DEFAULT_SCHEMA)).data


def test_pictures_have_no_background_and_names_are_data(report, agreement):
    figures = (plot_shares(report), plot_answer_explanation(report.overall), plot_first_wrong_steps(report))
    for figure in (*figures, plot_agreement(agreement)):
        text = figure.to_json()
        look = figure.layout.template.layout
        assert look.paper_bgcolor == look.plot_bgcolor == "rgba(0,0,0,0)"
        assert "<script" not in text and "${1" not in text and "%{x}\\" not in text
        assert text.encode("utf-8")
    assert any("&lt;script&gt;" in name for name in figures[0].layout.xaxis.ticktext)


def test_names_are_shown_letter_by_letter():
    assert show_text("a <b> & $x$") == "a &lt;b&gt; &amp; &#36;x&#36;"
    assert show_text("a\x00b\u202e\ud83d\nc") == "a\ufffdb\ufffd\ufffd c" and len(show_text("x" * 10**6)) == 40
