"""Claim 1.3: one head on keys that are drawn anew, in every draw, around orthonormal means."""

import numpy as np
import scipy  # loads scipy.special when it is first used

from a3core.attention.lab import theory
from a3core.attention.lab.result import (
    LabResult,
    Quantity,
    conclude,
    deviation_of,
    mean_of,
    root_mean_square,
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


def draw_noisy_keys(
    n: int, d: int, alpha: float, draws: int, seed: int, extra_variance: float = 0.0
) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    """What claims 1.3 and 1.4 sample: the generator, values (n, d) that are the same in every draw, and keys.

    Keys are coordinates (draws, n, 2) of `draw_key_coordinates`. Raises ValueError if n > d.
    """
    check_orthonormal(n, d)
    rng = np.random.default_rng(seed)
    values = unit_vectors(rng, (n, d))
    return rng, values, draw_key_coordinates(rng, n, draws, alpha, extra_variance)


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


def average_quantities(weights: np.ndarray, values: np.ndarray, small: theory.SmallNoise | None) -> list[Quantity]:
    """Weight of a, and distance of c to the average: measured from weights (draws, n), predicted for small noise."""
    target, name = theory.spread_weights(0.5, len(values)), "distance of c to the average of v_a and v_b"
    distances = np.linalg.norm((weights - target) @ values, axis=-1)
    if small is None:
        return [mean_of("weight of a", weights[:, A]), mean_of(name, distances)]
    miss = root_mean_square(name, distances, small.squared_distance(values, target))
    return [mean_of("weight of a", weights[:, A], small.weight(A)), miss]


# --- 1.3a ------------------------------------------------------------------------------------------------------------


def claim_1_3a(n: int, d: int, H: float, alpha: float, draws: int, seed: int) -> LabResult:
    """Noise alpha on every key: does q = H (mu_a + mu_b) still average, and in which region of (H, alpha)?"""
    rng, values, coordinates = draw_noisy_keys(n, d, alpha, draws, seed)
    quantities = difference_quantities(coordinates, H, alpha)
    weights = query_weights(coordinates, (H, H))  # (draws, n)
    noise = H * np.sqrt(alpha)
    if noise <= SMALL:
        pair = theory.spread_weights(theory.averaging_weight(H, n), n)
        quantities += average_quantities(weights, values, theory.expand_weights(pair[None], 2 * noise**2))
    miss = np.abs(weights[:, A] - 0.5).mean()
    scales, alphas, misses = region_misses(rng, n, draws)
    table = {
        "H": np.tile(scales, len(alphas)),
        "alpha": np.repeat(alphas, len(scales)),
        "mean distance of the weight of a from one half": misses.ravel(),
    }
    picture = {"H": H, "alpha": alpha, "n": n, "scales": scales, "alphas": alphas, "misses": misses, "miss": miss}
    numbers = {"noise": noise, "ratio": H / np.log(n), "miss": miss}
    return conclude("1.3a", quantities, table, picture, noise_caveat(H, alpha, n), headline=1, **numbers)


def difference_quantities(coordinates: np.ndarray, H: float, alpha: float) -> list[Quantity]:
    """The score of a minus that of b, exact for every alpha: its deviation, and how often a and b stay balanced."""
    scores = coordinates.sum(axis=-1) * H  # (draws, n)
    difference = scores[:, A] - scores[:, B]
    sd = theory.score_difference_sd(H, alpha)
    measured = deviation_of("standard deviation of the score of a minus that of b", sd, difference)
    balanced = np.abs(scipy.special.expit(difference) - 0.5) <= BALANCE
    name = f"draws in which a has between {0.5 - BALANCE:.0%} and {0.5 + BALANCE:.0%} of the weight of a and b"
    return [measured, share_of(name, balanced, theory.balanced_share(H, alpha, BALANCE))]


def region_misses(rng: np.random.Generator, n: int, draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far alpha_a is from one half on a grid: scales (17,), alphas (17,), mean distances (17, 17) [alpha, H].

    A few draws serve the whole grid: only the size of the noise changes from cell to cell.
    """
    scales, alphas = np.geomspace(1, 1e4, 17), np.geomspace(1e-8, 1, 17)
    noise = rng.standard_normal((min(draws, max(20, 2000 // n)), n)) * np.sqrt(2)  # (few, n), of k_i^T (mu_a + mu_b)
    scores = 2 * theory.spread_weights(0.5, n) + np.sqrt(alphas)[:, None, None] * noise  # (17, few, n)
    scores = scales[:, None, None] * scores[:, None]  # (17, 17, few, n)
    others = np.exp(np.minimum(scores - scores[..., A : A + 1], 700)).sum(axis=-1)
    return scales, alphas, np.abs(1 / others - 0.5).mean(axis=-1)


# --- 1.3b ------------------------------------------------------------------------------------------------------------


def claim_1_3b(n: int, d: int, H: float, alpha: float, extra_variance: float, draws: int, seed: int) -> LabResult:
    """Extra variance along mu_a: gamma, the distribution of the weight of a, and the output's swing."""
    _, values, coordinates = draw_noisy_keys(n, d, alpha, draws, seed, extra_variance)
    weights = query_weights(coordinates, (H, H))  # (draws, n)
    odds = theory.log_odds_of_a(H, n, extra_variance, alpha) if is_expanded(H, alpha) else None
    quantities = swing_quantities(weights[:, A], odds)
    quantities += gamma_quantities(coordinates[:, A, 0], alpha, extra_variance)
    counted = np.histogram(weights[:, A], BINS)[0] / draws
    table = {"from": BINS[:-1], "to": BINS[1:], "predicted share": [None] * len(counted), "counted share": counted}
    predicted = ""
    if odds is not None:
        table["predicted share"] = np.diff([0.0, *odds.below(BINS[1:-1]), 1.0])
        predicted = f" (predicted {quantities[0].predicted:.1%} and {quantities[1].predicted:.1%})"
    picture = {"outputs": plane_coordinates(weights @ values, values)}  # (draws, 2)
    numbers = {"predicted": predicted, "sd": np.sqrt(extra_variance + alpha), "draws": draws}
    return conclude("1.3b", quantities, table, picture, noise_caveat(H, alpha), **numbers)


def swing_quantities(weight: np.ndarray, odds: theory.LogOdds | None) -> list[Quantity]:
    """How often one of the two values takes over, and the spread of alpha_a (draws,)."""
    mean, variance, variance_of_square = odds.moments() if odds else (0, 0, 0)
    above, below = f"draws with weight of a above {SWING:g}", f"draws with weight of a below {1 - SWING:.1f}"
    squares = (weight - weight.mean()) ** 2
    return [
        share_of(above, weight > SWING, odds and 1 - odds.below(SWING)),
        share_of(below, weight < 1 - SWING, odds and odds.below(1 - SWING)),
        mean_of("weight of a", weight, odds and (mean, variance**0.5)),
        variance_of("variance of the weight of a", squares, odds and (variance, variance_of_square**0.5)),
    ]


def gamma_quantities(gamma: np.ndarray, alpha: float, extra_variance: float) -> list[Quantity]:
    """gamma = k_a^T mu_a (draws,) is N(1, extra_variance + alpha): mean, variance, how often it leaves [1/2, 3/2]."""
    variance = extra_variance + alpha
    leaves = theory.leaves_interval(extra_variance, alpha)
    return [
        mean_of("gamma", gamma, (1.0, np.sqrt(variance))),
        variance_of("variance of gamma", (gamma - gamma.mean()) ** 2, (variance, np.sqrt(2) * variance)),
        share_of("draws with gamma outside [1/2, 3/2]", np.abs(gamma - 1) > 0.5, leaves),
    ]
