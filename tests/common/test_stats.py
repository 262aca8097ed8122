"""Statistics that several rooms use, against a library."""

from __future__ import annotations

import random

import numpy as np
import pytest

from a3core.common.stats import compute_fisher, compute_mcnemar, correct_by_holm, wilson_interval


def test_holm_is_that_of_statsmodels(monkeypatch):
    from statsmodels.stats.multitest import multipletests

    monkeypatch.setattr("gc.collect", lambda: 0)  # it collects all garbage in each call
    draw = random.Random(0)
    for _ in range(200):
        p = [draw.choice([draw.random(), draw.random() / 50, 0.01, 0.04, 0.0, 1.0]) for _ in range(draw.randint(1, 20))]
        np.testing.assert_allclose(correct_by_holm(p), multipletests(p, method="holm")[1], atol=1e-12)


def test_wilson_is_that_of_scipy():
    from scipy.stats import binomtest

    for total in (1, 2, 10, 43, 500, 2000):
        for correct in {0, 1, total // 3, total // 2, total - 1, total}:
            expected = binomtest(correct, total).proportion_ci(method="wilson")
            assert wilson_interval(correct, total) == (expected.low, expected.high)
    with pytest.raises(ValueError, match="at least one answer"):
        wilson_interval(0, 0)


def test_no_test_has_no_correction():
    assert correct_by_holm([]) == []


def test_exact_tests_are_those_of_scipy():
    from scipy.stats import binomtest, fisher_exact

    draw = random.Random(0)
    for size in (1, 3, 20, 400):
        for _ in range(20):
            a, b, c, d = (draw.randrange(size + 1) for _ in range(4))
            assert compute_fisher(a, b, c, d) == pytest.approx(fisher_exact([[a, b], [c, d]]).pvalue, rel=1e-9)
            expected = binomtest(a, a + b).pvalue if a + b else 1.0
            assert compute_mcnemar(a, b) == pytest.approx(expected, rel=1e-9)
    assert compute_mcnemar(0, 20_000) == 0.0 and compute_fisher(5_000, 0, 0, 5_000) == 0.0  # below all floats
