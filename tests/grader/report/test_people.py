"""Who counts: people have votes, sources are compared with them, and one person can be left out."""

from __future__ import annotations

import json

import pytest
from labelled import ask, label, label_fields

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.build import build_report
from a3core.grader.report.measures import ACCURACY
from a3core.grader.report.tables import build_all
from a3core.grader.runs.responses import STANDARD, VARIANT, Label, Run, is_source


@pytest.fixture
def run(store) -> int:
    """Four responses with the verdict of their file: right, right, wrong, wrong."""
    responses = tuple(ask(str(i), f"{i} eggs?", gold_answer="10") for i in range(4))
    verdicts = [Label(str(i), "dataset", "answer", "correct" if i < 2 else "wrong") for i in range(4)]
    return store.add_run(Run("eggs", responses, tuple(verdicts)))


def give(store, run: int, clock, annotator: str, values: str) -> None:
    for i, letter in enumerate(values):
        clock.forward(minutes=1)
        label_fields(store, run, str(i), annotator, {"answer": {"c": "correct", "w": "wrong"}[letter]})


def test_a_source_never_votes_and_makes_nothing_labelled(store, run, clock):
    everything = build_all(store, run)
    assert everything.report.overall.labelled == 0 and everything.report.overall.shares[ACCURACY].n == 0
    assert everything.whose == "Nobody has labelled this run yet." and everything.by_annotator == ()
    give(store, run, clock, "ann", "wcww")  # against the verdict of the first: no tie
    everything = build_all(store, run)
    assert everything.report.overall.shares[ACCURACY].ids == ("1",) and everything.report.ties == ()
    assert {who for one in everything.agreement["coefficients"] for who in one.annotators} <= {"ann"}


def test_sources_are_compared_with_people_on_their_own(store, run, clock):
    give(store, run, clock, "ann", "wcww")
    dataset, rule = build_all(store, run).by_source
    assert (dataset["source"], dataset["labels"], dataset["same"].k, dataset["same"].n) == ("dataset", 4, 3, 4)
    assert dataset["same"].rest_ids == ("0",) and dataset["kappa"] == pytest.approx(0.5)  # observed 3/4, expected 1/2
    assert (rule["source"], rule["same"].k, rule["same"].n) == ("rule", 1, 4)  # it takes every 10 for right
    table = build_all(store, run).tables["sources"]
    assert list(table["source"]) == ["dataset", "rule"] and list(table["k"]) == [3, 1]


def test_leaving_an_annotator_out_changes_every_number(store, run, clock):
    give(store, run, clock, "ann", "ccww")
    give(store, run, clock, "bo", "ccww")
    give(store, run, clock, "test", "wwcc")
    everyone, some = build_all(store, run), build_all(store, run, annotators=["ann", "bo"])
    assert everyone.report.overall.shares[ACCURACY].k == some.report.overall.shares[ACCURACY].k == 2
    assert len(everyone.agreement["coefficients"]) > len(some.agreement["coefficients"])
    alone = build_all(store, run, annotators=["test"])
    assert alone.report.overall.shares[ACCURACY].ids == ("2", "3") and alone.by_source[0]["same"].k == 0
    assert some.whose == "The labels of ann, bo count. Left out: test. What was adjudicated counts first."
    assert [(one["annotator"], one["counts"]) for one in some.by_annotator] == [
        ("ann", True),
        ("bo", True),
        ("test", False),
    ]
    with pytest.raises(ValueError, match="'eva' has no labels in this run: it has those of ann, bo, test"):
        build_all(store, run, annotators=["eva"])


def test_what_was_adjudicated_counts_first_or_not(store, run, clock):
    give(store, run, clock, "ann", "wwww")
    store.label(run, "0", "judge", "answer", "correct", kind="adjudication")
    assert build_all(store, run).report.overall.shares[ACCURACY].k == 1
    assert build_all(store, run, adjudicated=False).report.overall.shares[ACCURACY].k == 0


def test_each_person_has_labels_pace_and_agreement(store, run, clock):
    give(store, run, clock, "ann", "ccww")
    give(store, run, clock, "bo", "ccwc")
    clock.forward(hours=3)  # a break is no work
    store.label(run, "0", "ann", "answer", "wrong", round=2)
    ann, bo = build_all(store, run).by_annotator
    assert (ann["responses"], ann["labels"], ann["per_hour"]) == (4, 5, pytest.approx(60))
    assert (ann["with_others"], ann["with_others_n"], bo["with_others"]) == (0.75, 4, 0.75)
    assert (ann["with_oneself"], ann["with_oneself_n"], bo["with_oneself"]) == (0.0, 1, None)


def test_a_report_follows_the_labels(store, run, clock):
    give(store, run, clock, "ann", "c")
    assert build_all(store, run) is build_all(store, run)  # nothing new: nothing is counted again
    store.label(run, "0", "ann", "answer", "wrong")
    assert build_all(store, run).report.overall.shares[ACCURACY].k == 0
    assert json.loads(build_all(store, run).to_json())["whose"].startswith("The labels of ann count.")


SOURCES = ("dataset", "dataset (strict-match)", "rule", "model: m")


@pytest.mark.parametrize(
    ("name", "expected"), [*((name, True) for name in SOURCES), ("ann", False), ("dataset ann", False)]
)
def test_names_of_sources(name, expected):
    assert is_source(name) is expected


def test_models_are_compared_on_the_same_questions_with_holms_correction():
    """Eight questions: right under both kinds for model n, wrong for m; three kinds or models make several tests."""
    responses = [
        ask(f"{m}{k}{i}", f"{i}?", kind, model=m)
        for m in "mn"
        for k, kind in enumerate((STANDARD, VARIANT))
        for i in range(8)
    ]
    labels = [one for r in responses for one in label(r.id, "c--" if r.model == "n" else "w--")]
    report = build_report(responses, labels, DEFAULT_SCHEMA)
    ((models,), (kinds,)) = report.models, report.pairs
    assert (models["kind_a"], models["kind_b"], models["n"], models["only_b"], models["both"]) == ("m", "n", 16, 16, 0)
    assert models["p"] == pytest.approx(2 * 0.5**16) and models["p_holm"] == pytest.approx(2 * models["p"])
    assert (kinds["p"], kinds["p_holm"]) == (1.0, 1.0)


def test_intervals_by_question_are_wider_where_answers_to_a_question_are_alike():
    """Twenty questions of five equal responses: as if there were twenty responses."""
    responses = [ask(f"{q}/{i}", f"{q}?", sample=i) for q in range(20) for i in range(5)]
    labels = [one for r in responses for one in label(r.id, "c--" if int(r.id.split("/")[0]) < 10 else "w--")]
    report = build_report(responses, labels, DEFAULT_SCHEMA)
    share = report.overall.shares[ACCURACY]
    assert share.low == pytest.approx(0.404, abs=0.001)  # Wilson, 50 of 100
    assert share.question_low == pytest.approx(0.3, abs=0.05) and share.question_high == pytest.approx(0.7, abs=0.05)
    assert "draw whole questions" in report.by_question and "answer correct 50.0 %" in report.by_question
    alone = build_report(responses[::5], labels[::5], DEFAULT_SCHEMA)
    assert alone.overall.shares[ACCURACY].question_low is None and alone.by_question == ""
