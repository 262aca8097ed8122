"""Leaving out each demonstration over a validation set: a question with a tiny model, figures counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import BagOfWords, build_language_model

from a3core.fewshot.encoder import embed_texts
from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.retrieval import Retriever
from benchmarks.leave_each_out import compute_auc, measure, summarise

QUESTION = Demonstration("q", "Where was Ann born?", ("Rome",))


@pytest.fixture
def retriever() -> Retriever:
    rows = [Demonstration(f"{i}", f"Where was person {i} of town {i % 4} born?", (f"town {i}",)) for i in range(12)]
    pool = Pool("towns", tuple(rows))
    return Retriever(pool, BagOfWords(), embed_texts(BagOfWords(), pool.questions))


def test_a_question_is_measured_without_each(retriever):
    found = measure(retriever, build_language_model(), QUESTION)
    lists = [found[name] for name in ("effect", "position", "similarity", "attention")]
    assert {len(each) for each in lists} == {7} and found["position"] == list(range(7))  # its window holds no eighth
    assert found["log_p"] < 0 and 0 <= found["changed"] <= 7 and found["right"] is False
    assert all(0 < share < 1 for share in found["attention"]) and 0.3 < sum(found["attention"]) < 1
    assert len(set(found["effect"])) > 1 and abs(found["all_against_none"]) > 0


def build_row(right: bool, changed: int, log_p: float, ups: bool) -> dict:
    effect = [0.1, 0.2, 0.3] if ups else [0.3, 0.2, 0.1]
    numbers = {"position": [0, 1, 2], "similarity": [0.9, 0.8, 0.7], "attention": [0.1, 0.3, 0.2]}
    return numbers | {
        "right": right,
        "changed": changed,
        "log_p": log_p,
        "all_against_none": 2.0,
        "effect": effect,
    }


@pytest.mark.slow
def test_the_figures_are_those_counted_by_hand():
    rows = (
        [build_row(True, 0, -1.0, True)] * 3 + [build_row(False, 2, -0.5, True)] * 2 + [build_row(False, 0, -3, True)]
    )
    text = "\n".join(summarise(rows))
    assert "changes the answer: 2 of 6: 33.3 %" in text
    assert "none changes: 3 of 4: 75.0 %" in text and "one changes: 0 of 2: 0.0 %" in text
    assert "how few leave-outs change it, area under ROC: +0.83" in text  # 2 of 3 wrong ones below, one at the same
    assert "its own probability, area under ROC: +0.33" in text and "by the second, area under ROC: +0.50" in text
    assert "All against none, nats, mean over questions: +2.00 [+2.00, +2.00], n = 6" in text
    assert "Absolute effect of one, nats, mean over questions: +0.20" in text
    assert "Spearman of position with effect, mean over questions: +1.00" in text
    assert "Spearman of similarity with effect, mean over questions: -1.00" in text
    assert "Spearman of attention with effect, mean over questions: +0.50" in text


def test_no_curve_without_both_kinds():
    assert np.isnan(compute_auc(np.zeros(3), np.ones(3)))
