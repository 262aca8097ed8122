"""What the derivations predict: the closed forms of section 1, written out apart from the code that samples.

Notation: n keys, query scale H, noise alpha, extra variance beta along mu_a (the assignment has 1/2).
Phi is the standard normal distribution function.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy  # loads scipy.special when it is first used

from a3core.attention.lab.softmax import A, B

GRID = np.linspace(-8, 8, 8001)  # standard normal nodes, close enough for weights that jump from 0 to 1
MASS = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()


def dominant_weight(H: float | np.ndarray, n: int, cosine: float = 0.0) -> float | np.ndarray:
    """1.1: weight of k_j under q = H k_j when all other keys have this cosine with it (-1 opposite, 0 orthogonal)."""
    return 1 / (1 + (n - 1) * np.exp(-H * (1 - cosine)))


def averaging_weight(H: float | np.ndarray, n: int) -> float | np.ndarray:
    """1.2b: e^H / (n - 2 + 2 e^H), divided by e^H so that it does not overflow."""
    return 1 / (2 + (n - 2) * np.exp(-H))


def spread_weights(weight: float, n: int, favoured: Sequence[int] = (A, B)) -> np.ndarray:
    """The whole distribution (n,) when each favoured key has this weight and the others share the rest equally."""
    others = n - len(favoured)
    weights = np.full(n, (1 - len(favoured) * weight) / others if others else 0.0)
    weights[list(favoured)] = weight
    return weights


def head_weights(H: float, n: int, heads: int) -> np.ndarray:
    """1.4a without noise: weights (heads, n) of one head that asks for a and b, or of two that ask for one each."""
    if heads == 1:
        return spread_weights(averaging_weight(H, n), n)[None]
    return np.stack([spread_weights(dominant_weight(H, n), n, [key]) for key in (A, B)])


def squared_length(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean of |sum of offsets_i v_i|^2 over random unit vectors, and d times its variance.

    The inner products v_i^T v_k have mean 0 and variance 1/d and are pairwise uncorrelated, hence
    mean = sum offsets_i^2 and variance = (2/d) ((sum offsets_i^2)^2 - sum offsets_i^4). offsets (..., n) -> (...).
    """
    squares = offsets**2
    mean = squares.sum(axis=-1)
    return mean, 2 * (mean**2 - (squares**2).sum(axis=-1))


def projection_moments(cosine: float) -> dict[str, tuple[float, float]]:
    """1.2a: mean and variance of one coordinate's squared error, over the size of v_b, under each matrix.

    The projection's is exact. That of the assignment's own matrix is c (c - 1 + e cos), where e comes from v_b, for c
    like e and for c in {0, 1}; against the sum of c_i^2 a_i it is c e cos. Here c and e are uniform with variance one,
    whose even moments are 1, 9/5, 27/7, 9.
    """
    t, fourth, sixth, eighth = cosine**2, 9 / 5, 27 / 7, 9
    fourth_power = eighth + 6 * sixth + fourth + 6 * t * (sixth + fourth) + (t * fourth) ** 2
    return {
        "projection": (t, 0.0),
        "assignment": (fourth + 1 + t, fourth_power - (fourth + 1 + t) ** 2),
        "zero_one": (t / 2, t**2 * (fourth / 2 - 1 / 4)),
        "squares": (t, t**2 * (fourth**2 - 1)),
    }


def score_difference_sd(H: float, alpha: float, extra_variance: float = 0.0) -> float:
    """1.3a: standard deviation of the score of a minus that of b under q = H (mu_a + mu_b): 2 H sqrt(alpha) and more.

    Each score has variance alpha |q|^2 = 2 alpha H^2; the extra variance moves the score of a alone.
    """
    return H * np.sqrt(4 * alpha + extra_variance)


def balanced_share(H: float, alpha: float, tolerance: float = 0.1) -> float:
    """1.3a: probability that a's part of the weight of a and b lies within the tolerance of one half.

    That part is the logistic function of the difference of the two scores, a centred normal variable.
    """
    sd = score_difference_sd(H, alpha)
    return 1.0 if sd == 0 else float(1 - 2 * scipy.special.ndtr(-scipy.special.logit(0.5 + tolerance) / sd))


def leaves_interval(extra_variance: float, alpha: float = 0.0, half_width: float = 0.5) -> float:
    """1.3b: probability that gamma ~ N(1, extra_variance + alpha) leaves [1 - half_width, 1 + half_width]."""
    return float(2 * scipy.special.ndtr(-half_width / np.sqrt(extra_variance + alpha)))


def failure_probability(H: float | np.ndarray, n: int, extra_variance: float = 0.5) -> float | np.ndarray:
    """1.4b: P(gamma < ln(n - 1) / H), that head one gives a less than half: Phi(sqrt 2 (ln(n - 1)/H - 1)) at 1/2.

    In the limit, at an infinite H, that is P(gamma < 0).
    """
    return scipy.special.ndtr((np.log(n - 1) / H - 1) / np.sqrt(extra_variance))


class LogOdds(NamedTuple):
    """The log-odds of key a against all other keys over the draws: normal, with this mean and deviation."""

    mean: float
    sd: float

    def below(self, weight: float | np.ndarray) -> float | np.ndarray:
        """Probability that alpha_a lies below a weight."""
        return scipy.special.ndtr((scipy.special.logit(weight) - self.mean) / self.sd)

    def moments(self) -> tuple[float, float, float]:
        """Of alpha_a, the logistic function of the log-odds: mean, variance, variance of its squared deviation."""
        weights = scipy.special.expit(self.mean + self.sd * GRID)
        mean = MASS @ weights
        squares = (weights - mean) ** 2
        variance = MASS @ squares
        return float(mean), float(variance), float(MASS @ squares**2 - variance**2)


def log_odds_of_a(H: float, n: int, extra_variance: float, alpha: float = 0.0, heads: int = 1) -> LogOdds:
    """1.3b and 1.4b: how alpha_a is distributed under H (mu_a + mu_b) (one head) or H mu_a (the first of two).

    Exact for alpha = 0; noise on the other scores enters by the first two terms of its expansion.
    """
    rest = np.zeros(n - 1)
    rest[0] = H if heads == 1 else 0.0  # the score of b
    noise = alpha * H**2 * (2 if heads == 1 else 1)  # variance of every score
    shared = (scipy.special.softmax(rest) ** 2).sum()
    mean = H - scipy.special.logsumexp(rest) - noise / 2 * (1 - shared)
    return LogOdds(float(mean), float(np.sqrt(H**2 * extra_variance + noise * (1 + shared))))


def predict_swings(H: float, odds: list[LogOdds], values: np.ndarray) -> list[tuple[float, float] | None]:
    """1.4b: variance of c (over the draws, summed over its d coordinates), and deviation of the square behind it.

    With one head and with two, of values (n, d); None without odds. Only the weight w of a moves, so c = w move + a
    constant, where move (d,) leads from the output without a to v_a.
    """
    if not odds:
        return [None, None]
    n, others = len(values), values[2:].sum(axis=0)
    from_one = values[A] - (values[B] + np.exp(-H) * others) / (1 + (n - 2) * np.exp(-H))
    from_two = (values[A] - (values[B] + others) / (n - 1)) / 2  # head two does not move
    found = []
    for each, move in zip(odds, (from_one, from_two), strict=True):
        _, variance, variance_of_square = each.moments()
        found.append((float(move @ move) * variance, float(move @ move) * variance_of_square**0.5))
    return found


def predict_average(
    weights: np.ndarray, score_variance: float, values: np.ndarray, target: np.ndarray
) -> tuple[tuple[float, float], tuple[float, float]]:
    """1.3a and 1.4a: the heads' average when every score has a little independent normal noise, to second order.

    Mean and standard deviation of the weight of a, and of |c - target|^2. weights (heads, n) without noise; target (n,)
    are weights on the same values (n, d). For one head E p_i = p_i + s^2 p_i (sum p_k^2 - p_i), the second derivatives
    of softmax added up.
    """
    concentration = (weights**2).sum(axis=-1, keepdims=True)
    mean = (weights * (1 + score_variance * (concentration - weights))).mean(axis=0)  # (n,)
    slopes = np.hstack([np.diag(p) - np.outer(p, p) for p in weights]) / len(weights)  # in each score (n, heads * n)
    gram, offset = values @ values.T, mean - target
    along = slopes.T @ gram @ offset  # (heads * n,)
    spread = slopes.T @ gram @ slopes  # (heads * n, heads * n)
    squared = offset @ gram @ offset + score_variance * np.trace(spread)
    variance = 4 * score_variance * along @ along + 2 * score_variance**2 * (spread**2).sum()
    weight = float(mean[A]), float(np.sqrt(score_variance * (slopes[A] ** 2).sum()))
    return weight, (float(squared), float(np.sqrt(variance)))
