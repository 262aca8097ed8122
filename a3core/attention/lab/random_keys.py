"""Claims 1.3 and 1.4: one head and two on keys that are drawn anew, in every draw, around orthonormal means."""

import numpy as np
import scipy  # loads scipy.special when it is first used

from a3core.attention.lab import result, softmax, svg, theory
from a3core.attention.lab.result import LabResult, Quantity, conclude, mean_of, share_of, variance_of
from a3core.attention.lab.softmax import A, B, head_weights, plane_coordinates, query_weights

SMALL = 0.1  # H sqrt(alpha) up to here counts as << 1
EXPANDED = 0.3  # up to here the first terms of an expansion in it predict something
BALANCE = 0.1  # "balanced": a's part of the weight of a and b within this of one half
SWING = 0.9  # "taken over": a weight beyond this
BINS = np.linspace(0, 1, 26)
FAILURE_SCALES = (3.0, 10.0, 30.0, 100.0, 1000.0)


def draw_noisy_keys(
    n: int, d: int, alpha: float, draws: int, seed: int, extra_variance: float = 0.0
) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    """What claims 1.3 and 1.4 sample: the generator, values (n, d) that are the same in every draw, and keys.

    Keys are k_i ~ N(mu_i, Sigma_i), Sigma_i = alpha I and Sigma_a = alpha I + extra_variance mu_a mu_a^T. The means are
    orthonormal and the queries lie in the plane of mu_a and mu_b, so the coordinates (draws, n, 2) along these two give
    the scores exactly; the other d - 2 drop out. Raises ValueError if n > d.
    """
    softmax.check_orthonormal(n, d)
    rng = np.random.default_rng(seed)
    values = softmax.unit_vectors(rng, (n, d))
    coordinates = np.sqrt(alpha) * rng.standard_normal((draws, n, 2))
    coordinates[:, A, 0] += 1 + np.sqrt(extra_variance) * rng.standard_normal(draws)
    coordinates[:, B, 1] += 1
    return rng, values, coordinates


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
    weights: np.ndarray, values: np.ndarray, noiseless: np.ndarray | None, score_variance: float
) -> list[Quantity]:
    """Weight of a, and distance of c to the average: measured from weights (draws, n), predicted for small noise.

    noiseless: the weights (heads, n) without noise; None where nothing is predicted.
    """
    target, name = theory.spread_weights(0.5, len(values)), "distance of c to the average of v_a and v_b"
    distances = np.linalg.norm((weights - target) @ values, axis=-1)
    if noiseless is None:
        return [mean_of("weight of a", weights[:, A]), mean_of(name, distances)]
    weight, distance = theory.predict_average(noiseless, score_variance, values, target)
    return [mean_of("weight of a", weights[:, A], weight), result.root_mean_square(name, distances, distance)]


def claim_1_3a(n: int, d: int, H: float, alpha: float, draws: int, seed: int) -> LabResult:
    """Noise alpha on every key: does q = H (mu_a + mu_b) still average, and in which region of (H, alpha)?"""
    rng, values, coordinates = draw_noisy_keys(n, d, alpha, draws, seed)
    quantities = difference_quantities(coordinates, H, alpha)
    weights = query_weights(coordinates, (H, H))  # (draws, n)
    noise, ln_n = H * np.sqrt(alpha), np.log(n)
    if noise <= SMALL:
        pair = theory.spread_weights(theory.averaging_weight(H, n), n)
        quantities += average_quantities(weights, values, pair[None], 2 * noise**2)
    miss = np.abs(weights[:, A] - 0.5).mean()
    scales, alphas, misses = region_misses(rng, n, draws)
    table = {
        "H": np.tile(scales, len(alphas)),
        "alpha": np.repeat(alphas, len(scales)),
        "mean distance of the weight of a from one half": misses.ravel(),
    }
    inside = scales[scales**-2.0 >= alphas[0]]  # the part of the boundary within the grid
    picture = {
        "scales": scales,
        "alphas": alphas,
        "misses": misses,
        "miss": miss,
        "chosen H": [H],
        "chosen alpha": [alpha],
        "inside": inside,
        "boundary": inside**-2.0,
        "ln n": [ln_n, ln_n],
        "ends": alphas[[0, -1]],
        "H range": (min(scales[0], H), max(scales[-1], H)),
        "alpha range": (min(alphas[0], alpha) / 1.5, max(alphas[-1], alpha) * 1.5),
    }
    numbers = {"noise": noise, "ratio": H / ln_n, "miss": miss}
    return conclude("1.3a", quantities, table, picture, noise_caveat(H, alpha, n), headline=1, **numbers)


def difference_quantities(coordinates: np.ndarray, H: float, alpha: float) -> list[Quantity]:
    """The score of a minus that of b, exact for every alpha: its deviation, and how often a and b stay balanced."""
    scores = coordinates.sum(axis=-1) * H  # (draws, n)
    difference = scores[:, A] - scores[:, B]  # centred and normal
    sd, measured = theory.score_difference_sd(H, alpha), float(np.sqrt((difference**2).mean()))
    balanced = np.abs(scipy.special.expit(difference) - 0.5) <= BALANCE
    name = f"draws in which a has between {0.5 - BALANCE:.0%} and {0.5 + BALANCE:.0%} of the weight of a and b"
    error = sd / np.sqrt(2 * len(difference))
    return [
        Quantity("standard deviation of the score of a minus that of b", sd, measured, 0.0, error),
        share_of(name, balanced, theory.balanced_share(H, alpha, BALANCE)),
    ]


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


def claim_1_3b(n: int, d: int, H: float, alpha: float, extra_variance: float, draws: int, seed: int) -> LabResult:
    """Extra variance along mu_a: gamma, the distribution of the weight of a, and the output's swing."""
    _, values, coordinates = draw_noisy_keys(n, d, alpha, draws, seed, extra_variance)
    weights = query_weights(coordinates, (H, H))  # (draws, n)
    odds = theory.log_odds_of_a(H, n, extra_variance, alpha) if is_expanded(H, alpha) else None
    gamma, variance = coordinates[:, A, 0], extra_variance + alpha  # gamma = k_a^T mu_a is N(1, variance)
    leaves = theory.leaves_interval(extra_variance, alpha)
    quantities = [
        *swing_quantities(weights[:, A], odds),
        mean_of("gamma", gamma, (1.0, np.sqrt(variance))),
        variance_of("variance of gamma", (gamma - gamma.mean()) ** 2, (variance, np.sqrt(2) * variance)),
        share_of("draws with gamma outside [1/2, 3/2]", np.abs(gamma - 1) > 0.5, leaves),
    ]
    counted = np.histogram(weights[:, A], BINS)[0] / draws
    table = {"from": BINS[:-1], "to": BINS[1:], "predicted share": [None] * len(counted), "counted share": counted}
    picture = {"outputs": plane_coordinates(weights @ values, values), "middles": (BINS[:-1] + BINS[1:]) / 2}
    predicted = ""
    if odds is not None:
        table["predicted share"] = picture["predicted"] = np.diff([0.0, *odds.below(BINS[1:-1]), 1.0])
        predicted = f" (predicted {quantities[0].predicted:.1%} and {quantities[1].predicted:.1%})"
    numbers = {"predicted": predicted, "sd": np.sqrt(variance), "draws": draws}
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


def claim_1_4a(n: int, d: int, H: float, alpha: float, heads: int, draws: int, seed: int) -> LabResult:
    """One head per value, averaged, under the covariance of 1.3a; one head asks for both, for comparison."""
    _, values, coordinates = draw_noisy_keys(n, d, alpha, draws, seed)
    weights = head_weights(coordinates, H, heads)  # (heads, draws, n)
    predicted = theory.head_weights(H, n, heads)  # (heads, n)
    average, means = weights.mean(axis=0), weights.mean(axis=1)  # (draws, n), (heads, n)
    table = {
        "key": ["a", "b", *(str(key + 1) for key in range(2, n))],
        **{f"head {h + 1}": mean for h, mean in enumerate(means)},
        "average": average.mean(axis=0),
        "spread": average.std(axis=0),
        "predicted": predicted.mean(axis=0),
    }
    at, remark = np.arange(n), "One head asks for a and b at once; move to two heads to compare."
    picture = {"at": at, "left": at, "right": at}
    if heads == 2:
        picture |= {"left": at - 0.2, "right": at + 0.2}  # bars beside each other
        remark = f"Head one gives a {means[0, A]:.4g} of its weight, head two gives b {means[1, B]:.4g}."
    noiseless, score_variance = predicted if is_expanded(H, alpha) else None, (2 if heads == 1 else 1) * alpha * H**2
    quantities = average_quantities(average, values, noiseless, score_variance)
    return conclude("1.4a", quantities, table, picture, noise_caveat(H, alpha, n), headline=1, heads=remark)


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
    quantities += ratio_quantities(theory.predict_swings(H, odds, values), outputs)
    scales = [*sorted({*FAILURE_SCALES, float(H)}), np.inf]
    counted = [float((query_weights(coordinates, (scale, 0))[:, A] < 0.5).mean()) for scale in scales[:-1]]
    lost = coordinates[:, A, 0] < coordinates[:, 1:, 0].max(axis=-1)  # in the limit the largest score takes all
    failure = theory.failure_probability(np.array(scales), n, extra_variance)
    table = {"H": [*scales[:-1], "limit"], "predicted to fail": failure, "counted": [*counted, float(lost.mean())]}
    curve = np.geomspace(scales[0], scales[-2], 41)
    one, two = (plane_coordinates(each, values)[: svg.CLOUD] for each in outputs)  # (draws, 2) each
    picture = {
        "scales": curve,
        "failure": theory.failure_probability(curve, n, extra_variance),
        "one": one,
        "ends": curve[[0, -1]],
        "limit": failure[[-1, -1]],
        "counted at": scales[:-1],
        "counted": counted,
        **({"two": two[~fails[: svg.CLOUD]], "failing": two[fails[: svg.CLOUD]]} if heads == 2 else {}),
    }
    numbers = {"shares": compare_shares(quantities[-1]), "bound": np.log(n - 1) / H, "n": n}
    numbers["failures"] = theory.failure_probability(np.array([10, 100, np.inf]), n, extra_variance)
    numbers["extra_variance"] = extra_variance
    caveat = noise_caveat(H, alpha, least=0.01 * extra_variance / n)
    return conclude("1.4b", quantities, table, picture, caveat, **numbers)


def ratio_quantities(swings: list[tuple[float, float] | None], outputs: list[np.ndarray]) -> list[Quantity]:
    """The variances of c (summed over its coordinates), and that of two heads over that of one."""
    names = ("variance of c with one head", "variance of c with two heads")
    squares = [((output - output.mean(axis=0)) ** 2).sum(axis=-1) for output in outputs]
    one, two = (variance_of(*each) for each in zip(names, squares, swings, strict=True))
    name = "variance with two heads over that with one"
    measured = two.measured / one.measured if one.measured else np.inf
    if swings[0] is None:
        return [one, two, Quantity(name, None, measured)]
    ratio = two.predicted / one.predicted
    error = float(np.hypot(two.standard_error, ratio * one.standard_error))
    return [one, two, Quantity(name, ratio, measured, 0.0, error / one.measured if one.measured else np.inf)]


def compare_shares(ratio: Quantity) -> str:
    """How much less two heads vary, in words."""
    if not np.isfinite(ratio.measured):
        return "One head did not vary in these draws."
    predicted = ""
    if ratio.predicted is not None:
        times = f", {1 / ratio.predicted:.3g} times less" if 0.001 < ratio.predicted < 1 else ""
        predicted = f" (predicted {ratio.predicted:.3g}{times})"
    return f"Two heads have {ratio.measured:.3g} of the variance of one{predicted}."
