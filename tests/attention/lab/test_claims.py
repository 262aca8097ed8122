"""The laboratory: every claim's verdict, theory against sample, at several seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from a3core.attention.lab import theory
from a3core.attention.lab.claims import CLAIMS, run_claim

SEEDS = range(5)
MANY = 20_000


def quantity(result, words):
    """The one quantity of a result whose name holds these words."""
    (found,) = [each for each in result.quantities if words in each.name]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("seed", SEEDS)
def test_theory_and_sample_agree(claim, seed):
    result = run_claim(claim, seed=seed)
    assert result.holds, result.verdict
    assert result.within_assumptions
    assert result.verdict.startswith("Theory and sample agree.")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "parameters"),
    [
        ("1.1", {"H": 1e6, "n": 2, "d": 2, "draws": 2}),
        ("1.1", {"H": 0.1, "cosine": -0.5}),
        ("1.2a", {"m": 1, "d": 2, "angle": 60}),
        ("1.2a", {"m": 32, "angle": 0}),
        ("1.2b", {"H": 2, "n": 64, "d": 64}),
        ("1.2b", {"H": 1e6, "n": 2, "d": 2}),
        ("1.3a", {"H": 1, "alpha": 1e-3, "n": 3}),
        ("1.3a", {"H": 1000, "alpha": 0.1}),
        ("1.3b", {"H": 1e6, "draws": 2}),
        ("1.3b", {"H": 2, "n": 40, "extra_variance": 2}),
        ("1.4a", {"heads": 1, "n": 2}),
        ("1.4a", {"H": 3, "n": 64, "draws": MANY}),
        ("1.4b", {"H": 100, "draws": MANY}),
        ("1.4b", {"H": 1e6, "alpha": 1e-12, "draws": 2}),
        ("1.4b", {"n": 2, "extra_variance": 0.05}),
    ],
)
@pytest.mark.parametrize("seed", [0, 7])
def test_theory_and_sample_agree_at_the_edges(claim, parameters, seed):
    result = run_claim(claim, seed=seed, **parameters)
    assert result.holds, result.verdict


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_wrong_prediction_is_caught(claim):
    result = run_claim(claim, draws=MANY // 4)
    for each in (each for each in result.quantities if each.predicted > 0.01 and each.predicted != 1):
        wrong = replace(each, predicted=each.predicted * (0.7 if each.predicted < 0.5 else 0.9))
        assert not wrong.agrees, wrong


@pytest.mark.parametrize("claim", CLAIMS)
def test_one_seed_is_one_sample(claim):
    first, again, other = (run_claim(claim, seed=seed).to_json() for seed in (1, 1, 2))
    assert first == again
    assert first["quantities"] != other["quantities"]


def test_1_1_opposite_keys_are_sufficient_and_not_necessary():
    result = run_claim("1.1", n=20, H=10, cosine=0.5)
    weights = [quantity(result, f"weight of k_j, others {case}").measured for case in ("opp", "orth", "cosine")]
    assert weights[0] > weights[1] > weights[2] > 0.85
    assert weights[:2] == pytest.approx([1 / (1 + 19 * np.exp(-20)), 1 / (1 + 19 * np.exp(-10))])
    far = run_claim("1.1", H=100)
    assert quantity(far, "weight of k_j, others cosine").measured == pytest.approx(1)
    assert quantity(far, "distance of c to v_j, others cosine").measured < 1e-9
    assert "sufficient, not necessary" in result.verdict


def test_1_1_weight_and_distance_follow_h():
    for case in ("opposite", "orthogonal", "cosine 0.5"):
        rows = [row for row in run_claim("1.1").table if row["others"] == case]
        weights = np.array([row["measured weight"] for row in rows])
        assert (np.diff(weights) >= -1e-12).all()
        assert weights == pytest.approx([row["predicted weight"] for row in rows])
        assert [row["measured distance"] for row in rows] == pytest.approx(
            [row["predicted distance"] for row in rows], rel=0.02, abs=1e-9
        )


def test_1_2a_the_projection_is_right_and_the_own_matrix_only_for_zero_and_one():
    result = run_claim("1.2a")
    assert quantity(result, "projection").measured < 1e-12
    assert quantity(result, "c_i 0 or 1").measured < 1e-12
    assert quantity(result, "sum of c_i^2 a_i").measured < 1e-12
    assert quantity(result, "any c_i").measured > 1
    assert "sum of c_i^2 a_i" in result.verdict


def test_1_2a_everything_fails_when_the_subspaces_are_not_orthogonal():
    result = run_claim("1.2a", angle=60)
    assert not result.within_assumptions
    assert "not orthogonal here (60 degrees)" in result.verdict
    assert quantity(result, "projection").measured == pytest.approx(0.5)
    assert all(each.measured > 0.1 for each in result.quantities)


def test_1_2b_is_the_closed_form_of_the_issue():
    for n, H in ((3, 1.0), (20, 10.0), (64, 4.0)):
        result = run_claim("1.2b", n=n, H=H)
        headline = result.quantities[0]
        assert headline.predicted == pytest.approx(np.exp(H) / (n - 2 + 2 * np.exp(H)))
        assert headline.measured == pytest.approx(headline.predicted)
    assert "not far above ln n" in run_claim("1.2b", n=64, H=4).verdict


def test_1_3a_the_average_survives_inside_the_region_only():
    inside, outside = run_claim("1.3a", H=10, alpha=1e-6), run_claim("1.3a", H=1000, alpha=1e-2)
    assert inside.picture["miss"] < 0.01
    assert quantity(inside, "standard deviation").predicted == pytest.approx(2 * 10 * 1e-3)
    assert outside.picture["miss"] > 0.45
    assert not outside.within_assumptions
    assert quantity(outside, "between 40% and 60%").measured < 0.05
    assert "H sqrt(alpha) = 1e+02 is not small" in outside.verdict
    assert "not far above ln n" in run_claim("1.3a", H=4).verdict


def test_1_3a_the_picture_shows_the_boundaries():
    picture = run_claim("1.3a").picture
    noise = picture["scales"] * np.sqrt(picture["alphas"])[:, None]
    misses = picture["misses"]
    assert (misses[(noise < 0.03) & (picture["scales"] > 3 * np.log(20))] < 0.02).all()
    assert (misses[noise > 30] > 0.4).all()
    assert (misses[:, picture["scales"] < 0.5 * np.log(20)] > 0.2).all()


def test_1_3b_forty_eight_per_cent_leave_the_interval():
    result = run_claim("1.3b", draws=MANY)
    leaves = quantity(result, "gamma outside [1/2, 3/2]")
    assert leaves.predicted == pytest.approx(0.4795, abs=1e-4)
    assert leaves.measured == pytest.approx(0.48, abs=0.015)
    assert quantity(result, "variance of gamma").measured == pytest.approx(0.5, abs=0.03)
    (told,) = [each for each in result.verdict.split(". ") if "[1/2, 3/2]" in each]
    for part in ('"from 0 to 1/2"', "0.707", "48.0%", f"{leaves.measured:.1%} of 20,000"):
        assert part in told


def test_1_3b_the_output_swings_along_the_line_from_v_b_to_v_a():
    result = run_claim("1.3b", H=50)
    points = result.picture["outputs"]
    assert points.sum(axis=1) == pytest.approx(np.ones(1000), abs=1e-6)
    assert min((points[:, 0] > 0.9).mean(), (points[:, 0] < 0.1).mean()) > 0.4
    for column in ("predicted share", "counted share"):
        assert sum(row[column] for row in result.table) == pytest.approx(1)


def test_1_4a_two_heads_bear_noise_that_one_head_does_not():
    alone, both = (run_claim("1.4a", alpha=1e-2, H=20, heads=heads) for heads in (1, 2))
    one, two = alone.quantities[0], both.quantities[0]
    assert one.spread > 0.3
    assert two.spread < 0.01
    assert two.measured == pytest.approx((np.exp(20) + 1) / (2 * (np.exp(20) + 19)), abs=1e-3)
    assert [row["key"] for row in both.table[:3]] == ["a", "b", "3"]


@pytest.mark.parametrize(("H", "predicted"), [(10, 0.159), (100, 0.085)])
def test_1_4b_head_one_fails_as_often_as_predicted(H, predicted):
    result = run_claim("1.4b", n=20, H=H, draws=MANY)
    fails = quantity(result, "head one fails")
    assert fails.predicted == pytest.approx(predicted, abs=5e-4)
    assert fails.measured == pytest.approx(predicted, abs=0.012)
    for part in ("15.9% at H = 10", "8.5% at H = 100", "7.9% in the limit"):
        assert part in result.verdict


def test_1_4b_counts_failures_against_h_up_to_the_limit():
    rows = run_claim("1.4b", H=10, draws=MANY).table
    assert [row["H"] for row in rows] == [3, 10, 30, 100, 1000, "limit"]
    for row in rows:
        assert row["counted"] == pytest.approx(row["predicted to fail"], abs=0.016)


def test_1_4b_two_heads_vary_far_less():
    ratio = quantity(run_claim("1.4b", draws=MANY), "over that with one")
    assert ratio.measured == pytest.approx(ratio.predicted, rel=0.06)
    assert 0.05 < ratio.predicted < 0.1


def test_closed_forms_have_the_numbers_of_the_assignment():
    assert theory.failure_probability(10, 20) == pytest.approx(0.1592, abs=1e-4)
    assert theory.failure_probability(100, 20) == pytest.approx(0.0849, abs=1e-4)
    assert theory.failure_probability(np.inf, 20) == pytest.approx(0.0786, abs=1e-4)
    assert theory.leaves_interval(0.5) == pytest.approx(0.4795, abs=1e-4)
    assert theory.score_difference_sd(10, 1e-4) == pytest.approx(0.2)


@pytest.mark.parametrize(("H", "n"), [(0.5, 2), (3, 5), (10, 20), (100, 64)])
def test_two_heads_have_the_closed_forms_of_1_4(H, n):
    odds = theory.log_odds_of_a(H, n, extra_variance=0.5, heads=2)
    assert odds.below(0.5) == pytest.approx(theory.failure_probability(H, n))
    average = theory.head_weights(H, n, heads=2).mean(axis=0)
    assert average[:2] == pytest.approx((np.exp(H) + 1) / (2 * (np.exp(H) + n - 1)))
    assert average.sum() == pytest.approx(1)


def test_the_log_odds_give_the_formula_of_1_3b():
    H, n, gamma = 5.0, 20, 1.2
    weight = np.exp(gamma * H) / (np.exp(gamma * H) + np.exp(H) + n - 2)
    below_gamma = ndtr((gamma - 1) / np.sqrt(0.5))
    assert theory.log_odds_of_a(H, n, 0.5).below(weight) == pytest.approx(below_gamma)
