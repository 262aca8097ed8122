"""Prompt kinds compared question by question."""

from __future__ import annotations

import pytest
from labelled import ask, label

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.build import build_report
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT


def test_pairs_of_prompt_kinds():
    """Nine questions: two right under both, one under neither, six only with chain of thought."""
    responses, labels = [], []
    for i in range(9):
        for kind, right in ((STANDARD, i < 2), (CHAIN_OF_THOUGHT, i < 8)):
            responses.append(ask(f"{kind}{i}", f"Question  {i}?" if kind == STANDARD else f"question {i}? ", kind))
            labels += label(responses[-1].id, "c--" if right else "x--")
    (pair,) = build_report(responses, labels, DEFAULT_SCHEMA).pairs
    assert (pair["n"], pair["both"], pair["only_a"], pair["only_b"], pair["neither"], pair["tied"]) == (
        9,
        2,
        0,
        6,
        1,
        0,
    )
    assert pair["p"] == pytest.approx(2 * 0.5**6)
    assert pair["neither_ids"] == (f"{STANDARD}8", f"{CHAIN_OF_THOUGHT}8") and len(pair["only_b_ids"]) == 12


def test_several_samples_count_by_their_majority():
    verdicts = {"s": ["c--", "c--", "w--"], "v": ["c--", "w--"], "t": ["w--", "w--", "c--"]}
    kinds = {"s": STANDARD, "v": VARIANT, "t": CHAIN_OF_THOUGHT}
    responses = [ask(f"{k}{i}", kind=kinds[k], sample=i) for k, given in verdicts.items() for i in range(len(given))]
    labels = [
        one for k, given in verdicts.items() for i, letters in enumerate(given) for one in label(f"{k}{i}", letters)
    ]
    report = build_report(responses, labels, DEFAULT_SCHEMA)
    pairs = {(pair["kind_a"], pair["kind_b"]): pair for pair in report.pairs}
    tied, decided = pairs[STANDARD, VARIANT], pairs[STANDARD, CHAIN_OF_THOUGHT]
    assert (tied["n"], tied["tied"], tied["p"]) == (0, 1, None) and len(tied["tied_ids"]) == 5
    assert (decided["n"], decided["only_a"], decided["p"]) == (1, 1, 1.0)
    assert "several samples" in report.notes[0]


def test_questions_are_compared_within_a_model():
    responses = [ask("1", model="m"), ask("2", kind=VARIANT, model="n"), ask("3", kind=VARIANT, model="m")]
    labels = label("1", "c--") + label("2", "c--") + label("3", "w--")
    (pair,) = build_report(responses, labels, DEFAULT_SCHEMA).pairs
    assert (pair["n"], pair["only_a_ids"]) == (1, ("1", "3"))
