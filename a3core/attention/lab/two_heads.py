"""Claim 1.4: two heads, one query each, against the single head of 1.3 on the same kind of keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from a3core.attention.lab import theory
from a3core.attention.lab.random_keys import average_quantities, is_expanded, noise_caveat
from a3core.attention.lab.result import LabResult, Quantity, measured_only, sentence, share_of, variance_of
from a3core.attention.lab.softmax import (
    A,
    B,
    check_orthonormal,
    draw_key_coordinates,
    head_weights,
    plane_coordinates,
    query_weights,
    unit_vectors,
)

RATIO = "variance with two heads over that with one"
FAILURE_SCALES = (3.0, 10.0, 30.0, 100.0, 1000.0)


# --- 1.4a ------------------------------------------------------------------------------------------------------------


def claim_1_4a(n: int, d: int, H: float, alpha: float, heads: int, draws: int, seed: int) -> LabResult:
    """One head per value, averaged, under the covariance of 1.3a; one head asks for both, for comparison."""
    check_orthonormal(n, d)
    rng = np.random.default_rng(seed)
    values = unit_vectors(rng, (n, d))
    weights = head_weights(draw_key_coordinates(rng, n, draws, alpha), H, heads)  # (heads, draws, n)
    predicted = predicted_head_weights(H, n, heads)  # (heads, n)
    small = theory.expand_weights(predicted, (2 if heads == 1 else 1) * alpha * H**2) if is_expanded(H, alpha) else None
    quantities = average_quantities(weights.mean(axis=0), values, small)
    caveat = noise_caveat(H, alpha, n)
    remark = f"{sentence(quantities[1].describe())} {heads_remark(weights)}"
    rows = head_rows(weights, predicted)
    return LabResult("1.4a", quantities, remark, not caveat, rows, {"heads": heads}, caveat)


def predicted_head_weights(H: float, n: int, heads: int) -> np.ndarray:
    """The closed forms without noise: weights (heads, n)."""
    if heads == 1:
        return theory.weights_of_pair(theory.averaging_weight(H, n), n)[None]
    return np.stack([theory.weights_of_one(theory.dominant_weight(H, n), n, key) for key in (A, B)])


def heads_remark(weights: np.ndarray) -> str:
    """What each head does; weights (heads, draws, n)."""
    if len(weights) == 1:
        return "One head asks for a and b at once; move to two heads to compare."
    means = weights.mean(axis=1)
    return f"Head one gives a {means[0, A]:.4g} of its weight, head two gives b {means[1, B]:.4g}."


def head_rows(weights: np.ndarray, predicted: np.ndarray) -> list[dict[str, Any]]:
    """One row per key: its weight in each head and in their average, with the spread over the draws."""
    average = weights.mean(axis=0)
    rows = []
    for key in range(average.shape[1]):
        row: dict[str, Any] = {"key": ("a", "b")[key] if key < 2 else str(key + 1)}
        row |= {f"head {h + 1}": float(weights[h, :, key].mean()) for h in range(len(weights))}
        row |= {"average": float(average[:, key].mean()), "spread": float(average[:, key].std())}
        rows.append(row | {"predicted": float(predicted[:, key].mean())})
    return rows


# --- 1.4b ------------------------------------------------------------------------------------------------------------


def claim_1_4b(
    n: int, d: int, H: float, alpha: float, extra_variance: float, heads: int, draws: int, seed: int
) -> LabResult:
    """One head against two under the covariance of 1.3b: variances of c, and how often head one fails."""
    check_orthonormal(n, d)
    rng = np.random.default_rng(seed)
    values = unit_vectors(rng, (n, d))
    coordinates = draw_key_coordinates(rng, n, draws, alpha, extra_variance)
    single, double = (head_weights(coordinates, H, count) for count in (1, 2))
    fails = double[0, :, A] < 0.5
    outputs = [single[0] @ values, double.mean(axis=0) @ values]  # (draws, d) each
    quantities = measure_failure(fails, H, n, extra_variance, alpha)
    swings = predict_swings(H, n, alpha, extra_variance, values) if is_expanded(H, alpha) else None
    quantities += ratio_quantities(swings, outputs)
    points = [plane_coordinates(each, values) for each in outputs]  # (draws, 2) each
    picture = {"outputs": points, "fails": fails, "heads": heads} | failure_curve(H, n, extra_variance)
    caveat = noise_caveat(H, alpha, least=0.01 * extra_variance / n)
    remark = failure_remark(quantities, n, H, extra_variance)
    rows = failure_rows(coordinates, n, extra_variance, H)
    return LabResult("1.4b", quantities, remark, not caveat, rows, picture, caveat)


def measure_failure(fails: np.ndarray, H: float, n: int, extra_variance: float, alpha: float) -> tuple[Quantity]:
    """How often head one fails, of fails (draws,) booleans."""
    name = "draws in which head one fails"
    if not is_expanded(H, alpha):
        return (measured_only(name, fails, is_share=True),)
    odds = theory.log_odds_of_a(H, n, extra_variance, alpha, heads=2)
    return (share_of(name, float(odds.below(0.5)), fails),)


def predict_swings(
    H: float, n: int, alpha: float, extra_variance: float, values: np.ndarray
) -> list[tuple[float, float]]:
    """The variance of c (and the deviation of its square) with one head and with two; only the weight of a moves."""
    others = values[2:].sum(axis=0)
    way_of_one = values[A] - (values[B] + np.exp(-H) * others) / (1 + (n - 2) * np.exp(-H))
    way_of_two = (values[A] - (values[B] + others) / (n - 1)) / 2  # head two does not move
    odds = [theory.log_odds_of_a(H, n, extra_variance, alpha, heads) for heads in (1, 2)]
    return [theory.predict_swing(*each) for each in zip(odds, (way_of_one, way_of_two), strict=True)]


def ratio_quantities(swings: list[tuple[float, float]] | None, outputs: list[np.ndarray]) -> tuple[Quantity, ...]:
    """The variances of c (summed over its coordinates), and that of two heads over that of one."""
    names = ("variance of c with one head", "variance of c with two heads")
    squares = [((output - output.mean(axis=0)) ** 2).sum(axis=-1) for output in outputs]
    if swings is None:
        one, two = (measured_only(name, square) for name, square in zip(names, squares, strict=True))
        share = two.measured / one.measured if one.measured else np.inf
        return one, two, Quantity(RATIO, None, float(share))
    one, two = (
        variance_of(name, variance, square, sd)
        for name, (variance, sd), square in zip(names, swings, squares, strict=True)
    )
    ratio = two.predicted / one.predicted
    error = np.hypot(two.standard_error, ratio * one.standard_error)
    measured, error = (each / one.measured if one.measured else np.inf for each in (two.measured, error))
    return one, two, Quantity(RATIO, ratio, float(measured), 0.0, float(error))


def failure_remark(quantities: tuple[Quantity, ...], n: int, H: float, extra_variance: float) -> str:
    """The variance ratio, and what the derivation overlooks."""
    _, _, _, ratio = quantities
    limit = theory.failure_limit(extra_variance)
    predicted = ""
    if ratio.predicted is not None:
        times = f", {1 / ratio.predicted:.3g} times less" if 0.001 < ratio.predicted < 1 else ""
        predicted = f" (predicted {ratio.predicted:.3g}{times})"
    shares = f"Two heads have {ratio.measured:.3g} of the variance of one{predicted}. "
    return (
        f"{shares if np.isfinite(ratio.measured) else 'One head did not vary in these draws. '}"
        f"Head one fails when gamma < ln(n - 1)/H = {np.log(n - 1) / H:.3g}, for gamma ~ N(1, {extra_variance:g}) may "
        f"come near zero or below; at n = {n} that is {theory.failure_probability(10, n, extra_variance):.1%} at "
        f"H = 10, {theory.failure_probability(100, n, extra_variance):.1%} at H = 100 and {limit:.1%} in the limit."
    )


def failure_curve(H: float, n: int, extra_variance: float) -> dict[str, Any]:
    """How often head one should fail, against H (41,), and in the limit."""
    scales = np.geomspace(min(FAILURE_SCALES[0], H), max(FAILURE_SCALES[-1], H), 41)
    failure = theory.failure_probability(scales, n, extra_variance)
    return {"scales": scales, "failure": failure, "limit": theory.failure_limit(extra_variance)}


def failure_rows(coordinates: np.ndarray, n: int, extra_variance: float, H: float) -> list[dict[str, Any]]:
    """One row per H, and one for the limit: how often head one fails, predicted and counted on the same draws."""
    rows: list[dict[str, Any]] = []
    for scale in sorted({*FAILURE_SCALES, float(H)}):
        counted = float((query_weights(coordinates, (scale, 0))[:, A] < 0.5).mean())
        predicted = float(theory.failure_probability(scale, n, extra_variance))
        rows.append({"H": scale, "predicted to fail": predicted, "counted": counted})
    lost = coordinates[:, A, 0] < coordinates[:, 1:, 0].max(axis=-1)  # the largest score takes all
    return [
        *rows,
        {"H": "limit", "predicted to fail": theory.failure_limit(extra_variance), "counted": float(lost.mean())},
    ]
