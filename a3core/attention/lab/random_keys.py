"""Claim 1.3: one head on keys that are drawn anew, in every draw, around orthonormal means."""

from __future__ import annotations

import numpy as np
import scipy  # loads scipy.special when it is first used

from a3core.attention.lab import theory
from a3core.attention.lab.result import (
    LabResult,
    Quantity,
    deviation_of,
    mean_of,
    measured_only,
    root_mean_square,
    sentence,
    share_of,
    variance_of,
)
from a3core.attention.lab.softmax import (
    A,
    B,
    check_orthonormal,
    draw_key_coordinates,
    plane_coordinates,
    query_weights,
    unit_vectors,
)

SMALL = 0.1  # H sqrt(alpha) up to here counts as << 1
EXPANDED = 0.3  # up to here the first terms of an expansion in it predict something
BALANCE = 0.1  # "balanced": a's part of the weight of a and b within this of one half
SWING = 0.9  # "taken over": a weight beyond this
BINS = np.linspace(0, 1, 26)


def average_target(n: int) -> np.ndarray:
    """The weights (n,) of the perfect average: one half on a, one half on b."""
    return theory.weights_of_pair(0.5, n)


def noise_caveat(H: float, alpha: float, n: int | None = None, least: float = np.inf) -> str:
    """Which assumption the parameters strain; empty when none.

    n is given where H >> ln n is assumed, least where the noise must stay below a variance.
    """
    caveats, noise = [], H * np.sqrt(alpha)
    if noise > SMALL:
        caveats.append(f"H sqrt(alpha) = {noise:.2g} is not small")
    if alpha > least:
        caveats.append(f"alpha = {alpha:.2g} is not small beside the extra variance")
    if n is not None and H / np.log(n) < 2:
        caveats.append(f"H = {H:g} is not far above ln n = {np.log(n):.2g}")
    return f"Outside the assumptions: {', and '.join(caveats)}." if caveats else ""


def is_expanded(H: float, alpha: float) -> bool:
    """Whether the noise is small enough for its expansion to predict anything."""
    return bool(H * np.sqrt(alpha) <= EXPANDED)


def average_quantities(
    weights: np.ndarray, values: np.ndarray, small: theory.SmallNoise | None
) -> tuple[Quantity, Quantity]:
    """Weight of a, and distance of c to the average: measured from weights (draws, n), predicted for small noise."""
    target = average_target(len(values))
    distances = np.linalg.norm((weights - target) @ values, axis=-1)
    distance = "distance of c to the average of v_a and v_b"
    if small is None:
        return measured_only("weight of a", weights[:, A]), measured_only(distance, distances)
    return (
        mean_of("weight of a", small.weight(A)[0], weights[:, A], small.weight(A)[1]),
        root_mean_square(
            distance,
            small.squared_distance(values, target)[0],
            distances,
            small.squared_distance(values, target)[1],
        ),
    )


# --- 1.3a ------------------------------------------------------------------------------------------------------------


def claim_1_3a(n: int, d: int, H: float, alpha: float, draws: int, seed: int) -> LabResult:
    """Noise alpha on every key: does q = H (mu_a + mu_b) still average, and in which region of (H, alpha)?"""
    check_orthonormal(n, d)
    rng = np.random.default_rng(seed)
    values = unit_vectors(rng, (n, d))
    coordinates = draw_key_coordinates(rng, n, draws, alpha)
    quantities = difference_quantities(coordinates, H, alpha)
    weights = query_weights(coordinates, (H, H))  # (draws, n)
    if H * np.sqrt(alpha) <= SMALL:
        pair = theory.weights_of_pair(theory.averaging_weight(H, n), n)
        quantities += average_quantities(weights, values, theory.expand_weights(pair[None], 2 * alpha * H**2))
    miss = np.abs(weights[:, A] - 0.5).mean()
    remark = f"{sentence(quantities[1].describe())} {region_remark(n, H, alpha, miss)}"
    scales, alphas, misses = region_misses(rng, n, draws)
    caveat = noise_caveat(H, alpha, n)
    picture = {"H": H, "alpha": alpha, "n": n, "scales": scales, "alphas": alphas, "misses": misses, "miss": miss}
    rows = region_rows(scales, alphas, misses)
    return LabResult("1.3a", quantities, remark, not caveat, rows, picture, caveat)


def difference_quantities(coordinates: np.ndarray, H: float, alpha: float) -> tuple[Quantity, ...]:
    """The score of a minus that of b, exact for every alpha: its deviation, and how often a and b stay balanced."""
    scores = coordinates.sum(axis=-1) * H  # (draws, n)
    difference = scores[:, A] - scores[:, B]
    sd = theory.score_difference_sd(H, alpha)
    measured = deviation_of("standard deviation of the score of a minus that of b", sd, difference)
    balanced = np.abs(scipy.special.expit(difference) - 0.5) <= BALANCE
    name = f"draws in which a has between {0.5 - BALANCE:.0%} and {0.5 + BALANCE:.0%} of the weight of a and b"
    return measured, share_of(name, theory.balanced_share(H, alpha, BALANCE), balanced)


def region_remark(n: int, H: float, alpha: float, miss: float) -> str:
    """Where the point lies between the two boundaries, and how far the weight of a is from one half."""
    noise, ratio = H * np.sqrt(alpha), H / np.log(n)
    return (
        f"H sqrt(alpha) = {noise:.2g} has to be well below 1, and H / ln n = {ratio:.2g} well above 1: "
        f"here the weight of a misses one half by {miss:.2g} on average."
    )


def region_misses(rng: np.random.Generator, n: int, draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far alpha_a is from one half on a grid: scales (17,), alphas (17,), mean distances (17, 17) [alpha, H].

    A few draws serve the whole grid: only the size of the noise changes from cell to cell.
    """
    scales, alphas = np.geomspace(1, 1e4, 17), np.geomspace(1e-8, 1, 17)
    noise = rng.standard_normal((min(draws, max(20, 2000 // n)), n)) * np.sqrt(2)  # (few, n), of k_i^T (mu_a + mu_b)
    scores = 2 * average_target(n) + np.sqrt(alphas)[:, None, None] * noise  # (17, few, n)
    scores = scales[:, None, None] * scores[:, None]  # (17, 17, few, n)
    others = np.exp(np.minimum(scores - scores[..., A : A + 1], 700)).sum(axis=-1)
    return scales, alphas, np.abs(1 / others - 0.5).mean(axis=-1)


def region_rows(scales: np.ndarray, alphas: np.ndarray, misses: np.ndarray) -> list[dict[str, float]]:
    """One row per cell of the grid."""
    return [
        {"H": float(H), "alpha": float(alpha), "mean distance of the weight of a from one half": float(miss)}
        for alpha, row in zip(alphas, misses, strict=True)
        for H, miss in zip(scales, row, strict=True)
    ]


# --- 1.3b ------------------------------------------------------------------------------------------------------------


def claim_1_3b(n: int, d: int, H: float, alpha: float, extra_variance: float, draws: int, seed: int) -> LabResult:
    """Extra variance along mu_a: gamma, the distribution of the weight of a, and the output's swing."""
    check_orthonormal(n, d)
    rng = np.random.default_rng(seed)
    values = unit_vectors(rng, (n, d))
    coordinates = draw_key_coordinates(rng, n, draws, alpha, extra_variance)
    weights = query_weights(coordinates, (H, H))  # (draws, n)
    odds = theory.log_odds_of_a(H, n, extra_variance, alpha) if is_expanded(H, alpha) else None
    gamma = coordinates[:, A, 0]
    quantities = swing_quantities(weights[:, A], odds) + gamma_quantities(gamma, alpha, extra_variance)
    picture = {"outputs": plane_coordinates(weights @ values, values)}  # (draws, 2)
    caveat = noise_caveat(H, alpha)
    remark = swing_remark(quantities, extra_variance + alpha, draws)
    rows = histogram_rows(weights[:, A], odds)
    return LabResult("1.3b", quantities, remark, not caveat, rows, picture, caveat)


def swing_quantities(weight: np.ndarray, odds: theory.LogOdds | None) -> tuple[Quantity, ...]:
    """How often one of the two values takes over, and the spread of alpha_a (draws,)."""
    above, below = f"draws with weight of a above {SWING:g}", f"draws with weight of a below {1 - SWING:.1f}"
    if odds is None:
        return (
            measured_only(above, weight > SWING, is_share=True),
            measured_only(below, weight < 1 - SWING, is_share=True),
            measured_only("weight of a", weight),
            measured_only("variance of the weight of a", (weight - weight.mean()) ** 2),
        )
    mean, variance, variance_of_square = odds.moments()
    return (
        share_of(above, 1 - odds.below(SWING), weight > SWING),
        share_of(below, odds.below(1 - SWING), weight < 1 - SWING),
        mean_of("weight of a", mean, weight, variance**0.5),
        variance_of("variance of the weight of a", variance, (weight - weight.mean()) ** 2, variance_of_square**0.5),
    )


def gamma_quantities(gamma: np.ndarray, alpha: float, extra_variance: float) -> tuple[Quantity, ...]:
    """gamma = k_a^T mu_a (draws,) is N(1, extra_variance + alpha): mean, variance, how often it leaves [1/2, 3/2]."""
    variance = extra_variance + alpha
    leaves = np.abs(gamma - 1) > 0.5
    return (
        mean_of("gamma", 1, gamma, np.sqrt(variance)),
        variance_of("variance of gamma", variance, (gamma - gamma.mean()) ** 2, np.sqrt(2) * variance),
        share_of("draws with gamma outside [1/2, 3/2]", theory.leaves_interval(extra_variance, alpha), leaves),
    )


def swing_remark(quantities: tuple[Quantity, ...], variance: float, draws: int) -> str:
    """The swing, and the one sentence about the assignment's norm from 0 to 1/2."""
    above, below, weight, _, _, _, leaves = quantities
    predicted = "" if above.predicted is None else f" (predicted {above.predicted:.1%} and {below.predicted:.1%})"
    return (
        f"In {above.measured:.1%} of the draws v_a takes over and in {below.measured:.1%} v_b does{predicted}; "
        f"the weight of a is {weight.measured:.2g} ± {weight.spread:.2g}. "
        'The assignment\'s solution argues with a norm that runs "from 0 to 1/2", so scores from H/2 to 3H/2, but '
        f"gamma - 1 has standard deviation {np.sqrt(variance):.3f}: 2 (1 - Phi(0.5/{np.sqrt(variance):.3f})) = "
        f"{leaves.predicted:.1%} of the draws should leave [1/2, 3/2], and {leaves.measured:.1%} of {draws:,} did."
    )


def histogram_rows(weight: np.ndarray, odds: theory.LogOdds | None) -> list[dict[str, float | None]]:
    """One row per bin of alpha_a: the share of the draws in it, predicted (None: by nothing) and counted."""
    counted = np.histogram(weight, BINS)[0] / weight.size
    predicted = [None] * len(counted)
    if odds is not None:
        predicted = np.diff(np.concatenate([[0.0], odds.below(BINS[1:-1]), [1.0]])).tolist()
    return [
        {"from": float(low), "to": float(high), "predicted share": share, "counted share": float(count)}
        for low, high, share, count in zip(BINS[:-1], BINS[1:], predicted, counted, strict=True)
    ]
