"""Samples of the same question: majority votes, and what is no consistent answer."""

from __future__ import annotations

import pytest
from labelled import ask

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.agreement import build_agreement
from a3core.grader.report.build import build_report
from a3core.grader.report.consistency import build_consistency
from a3core.grader.report.tables import RunReport
from a3core.grader.runs.responses import STANDARD, VARIANT, Response


def sample(answers: list[str], gold: str | None = "10", question: str = "How many?", **facts) -> list[Response]:
    return [
        ask(f"{question}{i}", question, answer=one, gold_answer=gold, sample=i, **facts)
        for i, one in enumerate(answers)
    ]


def test_majority_vote():
    report = build_consistency(sample(["10", " 10", "14", "10 ", ""]))
    (vote,), (group,) = report["votes"], report["groups"]
    assert (vote["answer"], vote["votes"], vote["samples"], vote["agreement"], vote["consistent"], vote["right"]) == (
        "10",
        3,
        5,
        0.6,
        True,
        True,
    )
    assert vote["voting_ids"] == ("How many?0", "How many?1", "How many?3")
    assert (group["majority"].k, group["single"].k, group["single"].n, group["inconsistent"].k) == (1, 3, 5, 0)
    assert len(group["majority"].ids) == 5 and group["agreement"] == 0.6


@pytest.mark.parametrize(
    ("answers", "answer", "consistent", "right"),
    [
        (["10", "14"], None, False, False),  # equally frequent: no vote, which is not right
        (["14", "10", "14", "3", "5"], "14", False, False),  # most frequent, but not more than half
        (["", " "], None, False, False),
        (["Ten", "TEN"], "Ten", True, True),
        (["10", "10"], "10", True, True),
    ],
)
def test_votes_that_are_not_clear(answers, answer, consistent, right):
    (vote,) = build_consistency(sample(answers))["votes"]
    assert (vote["answer"], vote["consistent"], vote["right"]) == (answer, consistent, right)


def test_no_consistent_answer_majority_and_single_over_questions():
    responses = sample(["10", "10", "3"]) + sample(["1", "2"], "2", "Who?") + sample(["7"], "7", "Alone?")
    responses += sample(["a", "a"], None, "Without gold?")
    report = build_consistency(responses)
    (group,) = report["groups"]
    assert (group["questions"], group["majority"].k, group["majority"].n) == (3, 1, 2)
    assert (group["single"].k, group["single"].n) == (3, 5) and group["single"].ids == (
        "How many?0",
        "How many?1",
        "Who?1",
    )
    assert (group["inconsistent"].k, group["inconsistent"].n, group["inconsistent"].ids) == (1, 3, ("Who?0", "Who?1"))
    assert report["single_samples_ids"] == ("Alone?0",)
    assert "1 of 2 (50 %" in group["sentence"] and "1 of 3 (33 %" in group["sentence"]
    everything = RunReport(build_report([], [], DEFAULT_SCHEMA), build_agreement([], DEFAULT_SCHEMA), report)
    assert len(everything.tables["samples"]) == 3 and [vote["answer"] for vote in report["votes"]] == ["10", None, "a"]


def test_prompt_kinds_and_models_are_voted_apart_and_numbers_are_compared_by_value():
    responses = sample(["$10", "10.0"]) + sample(["4", "4"], kind=VARIANT) + sample(["5", "5"], model="m")
    assert [(g["prompt_kind"], g["model"], g["majority"].k) for g in build_consistency(responses)["groups"]] == [
        (STANDARD, "", 1),
        (VARIANT, "", 0),
        (STANDARD, "m", 0),
    ]
    assert build_consistency(sample(["7"]))["groups"] == ()
