"""Claim 1.4: two heads, one query each, against the single head of 1.3 on the same kind of keys."""

import numpy as np

from a3core.attention.lab import theory
from a3core.attention.lab.random_keys import average_quantities, draw_noisy_keys, is_expanded, noise_caveat
from a3core.attention.lab.result import LabResult, Quantity, conclude, share_of, variance_of
from a3core.attention.lab.softmax import A, B, head_weights, plane_coordinates, query_weights

RATIO = "variance with two heads over that with one"
FAILURE_SCALES = (3.0, 10.0, 30.0, 100.0, 1000.0)


# --- 1.4a ------------------------------------------------------------------------------------------------------------


def claim_1_4a(n: int, d: int, H: float, alpha: float, heads: int, draws: int, seed: int) -> LabResult:
    """One head per value, averaged, under the covariance of 1.3a; one head asks for both, for comparison."""
    _, values, coordinates = draw_noisy_keys(n, d, alpha, draws, seed)
    weights = head_weights(coordinates, H, heads)  # (heads, draws, n)
    predicted = predicted_head_weights(H, n, heads)  # (heads, n)
    small = theory.expand_weights(predicted, (2 if heads == 1 else 1) * alpha * H**2) if is_expanded(H, alpha) else None
    average, means = weights.mean(axis=0), weights.mean(axis=1)  # (draws, n), (heads, n)
    quantities = average_quantities(average, values, small)
    table = {
        "key": ["a", "b", *(str(key + 1) for key in range(2, n))],
        **{f"head {h + 1}": mean for h, mean in enumerate(means)},
        "average": average.mean(axis=0),
        "spread": average.std(axis=0),
        "predicted": predicted.mean(axis=0),
    }
    remark = "One head asks for a and b at once; move to two heads to compare."
    if heads == 2:
        remark = f"Head one gives a {means[0, A]:.4g} of its weight, head two gives b {means[1, B]:.4g}."
    caveat = noise_caveat(H, alpha, n)
    return conclude("1.4a", quantities, table, {"heads": heads}, caveat, headline=1, heads=remark)


def predicted_head_weights(H: float, n: int, heads: int) -> np.ndarray:
    """The closed forms without noise: weights (heads, n)."""
    if heads == 1:
        return theory.spread_weights(theory.averaging_weight(H, n), n)[None]
    return np.stack([theory.spread_weights(theory.dominant_weight(H, n), n, [key]) for key in (A, B)])


# --- 1.4b ------------------------------------------------------------------------------------------------------------


def claim_1_4b(
    n: int, d: int, H: float, alpha: float, extra_variance: float, heads: int, draws: int, seed: int
) -> LabResult:
    """One head against two under the covariance of 1.3b: variances of c, and how often head one fails."""
    _, values, coordinates = draw_noisy_keys(n, d, alpha, draws, seed, extra_variance)
    single, double = (head_weights(coordinates, H, count) for count in (1, 2))
    fails = double[0, :, A] < 0.5
    outputs = [single[0] @ values, double.mean(axis=0) @ values]  # (draws, d) each
    odds = [theory.log_odds_of_a(H, n, extra_variance, alpha, each) for each in (1, 2)] if is_expanded(H, alpha) else []
    quantities = [share_of("draws in which head one fails", fails, odds[1].below(0.5) if odds else None)]
    quantities += ratio_quantities(predict_swings(H, odds, values), outputs)
    scales = np.geomspace(min(FAILURE_SCALES[0], H), max(FAILURE_SCALES[-1], H), 41)
    picture = {
        "outputs": [plane_coordinates(each, values) for each in outputs],  # (draws, 2) each
        "fails": fails,
        "heads": heads,
        "scales": scales,
        "failure": theory.failure_probability(scales, n, extra_variance),
        "limit": theory.failure_probability(np.inf, n, extra_variance),
    }
    table_scales = [*sorted({*FAILURE_SCALES, float(H)}), np.inf]
    counted = [float((query_weights(coordinates, (scale, 0))[:, A] < 0.5).mean()) for scale in table_scales[:-1]]
    lost = coordinates[:, A, 0] < coordinates[:, 1:, 0].max(axis=-1)  # in the limit the largest score takes all
    table = {
        "H": [*table_scales[:-1], "limit"],
        "predicted to fail": theory.failure_probability(np.array(table_scales), n, extra_variance),
        "counted": [*counted, float(lost.mean())],
    }
    numbers = {
        "shares": compare_shares(quantities[-1]),
        "bound": np.log(n - 1) / H,
        "n": n,
        "extra_variance": extra_variance,
        "failures": theory.failure_probability(np.array([10, 100, np.inf]), n, extra_variance),
    }
    caveat = noise_caveat(H, alpha, least=0.01 * extra_variance / n)
    return conclude("1.4b", quantities, table, picture, caveat, **numbers)


def predict_swings(H: float, odds: list[theory.LogOdds], values: np.ndarray) -> list[tuple[float, float] | None]:
    """The variance of c (and the deviation of its square) with one head and with two; only the weight of a moves."""
    if not odds:
        return [None, None]
    n, others = len(values), values[2:].sum(axis=0)
    way_of_one = values[A] - (values[B] + np.exp(-H) * others) / (1 + (n - 2) * np.exp(-H))
    way_of_two = (values[A] - (values[B] + others) / (n - 1)) / 2  # head two does not move
    return [theory.predict_swing(*each) for each in zip(odds, (way_of_one, way_of_two), strict=True)]


def ratio_quantities(swings: list[tuple[float, float] | None], outputs: list[np.ndarray]) -> list[Quantity]:
    """The variances of c (summed over its coordinates), and that of two heads over that of one."""
    names = ("variance of c with one head", "variance of c with two heads")
    squares = [((output - output.mean(axis=0)) ** 2).sum(axis=-1) for output in outputs]
    one, two = (variance_of(*each) for each in zip(names, squares, swings, strict=True))
    ratio = two.predicted / one.predicted if swings[0] else None
    error = np.hypot(two.standard_error, (ratio or 0.0) * one.standard_error)
    measured, error = (each / one.measured if one.measured else np.inf for each in (two.measured, error))
    return [one, two, Quantity(RATIO, ratio, float(measured), 0.0, float(error) if swings[0] else 0.0)]


def compare_shares(ratio: Quantity) -> str:
    """How much less two heads vary, in words."""
    if not np.isfinite(ratio.measured):
        return "One head did not vary in these draws."
    predicted = ""
    if ratio.predicted is not None:
        times = f", {1 / ratio.predicted:.3g} times less" if 0.001 < ratio.predicted < 1 else ""
        predicted = f" (predicted {ratio.predicted:.3g}{times})"
    return f"Two heads have {ratio.measured:.3g} of the variance of one{predicted}."
