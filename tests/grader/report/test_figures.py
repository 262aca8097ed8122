"""The pictures show the report's own numbers, on any page, and names in them are data."""

from __future__ import annotations

import json

import pytest

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.agreement import build_agreement
from a3core.grader.report.build import build_report
from a3core.grader.report.figures import (
    MOST_ROWS,
    plot_agreement,
    plot_first_wrong_steps,
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


def test_first_wrong_steps(report):
    absolute, relative = plot_first_wrong_steps(report).data
    assert list(absolute.x) == [2] and list(absolute.y) == [8] and list(relative.y) == [0, 0, 8, 0, 0]


def test_agreement_has_a_point_for_each_coefficient(agreement):
    figure = plot_agreement(agreement)
    values = [one.value for one in agreement["coefficients"] if one.value is not None]
    assert sorted(value for trace in figure.data for value in trace.x) == sorted(values) and len(values) == 6
    assert len(figure.layout.yaxis.ticktext) == 6


def test_many_pairs_are_left_to_the_table():
    many = build_agreement(build_labels(12, [f"annotator {i}" for i in range(8)]), DEFAULT_SCHEMA)
    assert len(many["coefficients"]) > MOST_ROWS and len(plot_agreement(many).layout.yaxis.ticktext) == 6


def test_nothing_to_draw_is_an_empty_picture():
    report = build_report([Response("1", "?", "1")], [], DEFAULT_SCHEMA)
    assert json.loads(plot_first_wrong_steps(report).to_json())["layout"]
    assert not plot_agreement(build_agreement([], DEFAULT_SCHEMA)).data


def test_pictures_have_no_background_and_names_are_data(report, agreement):
    for figure in (plot_first_wrong_steps(report), plot_agreement(agreement)):
        text = figure.to_json()
        look = figure.layout.template.layout
        assert look.paper_bgcolor == look.plot_bgcolor == "rgba(0,0,0,0)"
        assert "<script" not in text and "${1" not in text and "%{x}\\" not in text
        assert text.encode("utf-8")
    assert any("&lt;script&gt;" in name for name in plot_agreement(agreement).layout.yaxis.ticktext)


def test_names_are_shown_letter_by_letter():
    assert show_text("a <b> & $x$") == "a &lt;b&gt; &amp; &#36;x&#36;"
    assert show_text("a\x00b\u202e\ud83d\nc") == "a\ufffdb\ufffd\ufffd c" and len(show_text("x" * 10**6)) == 40
