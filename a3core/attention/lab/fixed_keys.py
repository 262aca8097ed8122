"""Claims 1.1 and 1.2: attention on keys that carry no noise; what varies over the draws are the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # loads scipy.special when it is first used

from a3core.attention.lab import theory
from a3core.attention.lab.result import LabResult, Quantity, exact, root_mean_square, sentence, share_of
from a3core.attention.lab.softmax import (
    A,
    B,
    attention_weights,
    dominated_keys,
    draw_distances,
    orthonormal_vectors,
    softmax,
)

ANGLES = np.linspace(0, 90, 7)  # degrees, where 1.2a's picture is measured


def scales_around(H: float) -> np.ndarray:
    """Query scales for a curve (21,), logarithmic, wide enough to hold H."""
    return np.geomspace(min(0.1, H), max(100, H), 21)


def distance_quantity(name: str, offsets: np.ndarray, d: int, sample: np.ndarray) -> Quantity:
    """Root mean square of |sum of offsets_i v_i|: predicted offsets (n,), measured distances (draws,)."""
    mean, variance = theory.squared_length(offsets)
    return root_mean_square(name, float(mean), sample, float(np.sqrt(variance / d)))


# --- 1.1 -------------------------------------------------------------------------------------------------------------


def claim_1_1(n: int, d: int, H: float, cosine: float, draws: int, seed: int) -> LabResult:
    """One key dominates: its weight, and the distance of the output to its value, as H grows."""
    rng = np.random.default_rng(seed)
    cases = {"opposite": -1.0, "orthogonal": 0.0, f"cosine {cosine:g}": cosine}
    scales = np.append(scales_around(H), H)
    keys = [dominated_keys(rng, n, d, each) for each in cases.values()]
    weights = np.stack([attention_weights(k, scales[:, None] * k[A]) for k in keys])  # (3, scales, n)
    distances, gram = draw_distances(rng, weights[:, -1] - np.eye(n)[A], draws, d)  # (3, draws), (n, n)
    quantities: list[Quantity] = []
    for (name, each), weight, sample in zip(cases.items(), weights[:, -1, A], distances, strict=True):
        quantities += dominance_quantities(name, theory.dominant_weight(H, n, each), weight, n, d, sample)
    quantities += check_distribution(rng, n, H, draws)
    rows, remark = dominance_rows(cases, scales, weights, gram), dominance_remark(quantities, cases)
    return LabResult("1.1", tuple(quantities), remark, True, rows, {"cases": cases, "H": H})


def dominance_quantities(
    name: str, predicted: float, weight: float, n: int, d: int, distances: np.ndarray
) -> tuple[Quantity, Quantity]:
    """The weight of k_j and the distance of the output to v_j, for one way the other keys may lie."""
    offsets = theory.weights_of_one(predicted, n) - np.eye(n)[A]
    return (
        exact(f"weight of k_j, others {name}", predicted, weight),
        distance_quantity(f"distance of c to v_j, others {name}", offsets, d, distances),
    )


def check_distribution(rng: np.random.Generator, n: int, H: float, draws: int) -> list[Quantity]:
    """That the weights are positive and sum to one, for a random query of scale H in every draw."""
    weights = softmax(H * rng.standard_normal((draws, n)))  # a normal query on orthonormal keys has normal scores
    off = float(np.abs(weights.sum(axis=-1) - 1).max())
    return [
        exact("largest distance of a draw's sum of weights from one", 0, off),
        share_of("draws with a negative weight", 0, (weights < 0).any(axis=-1)),
    ]


def dominance_rows(cases: dict[str, float], scales: np.ndarray, weights: np.ndarray, gram: np.ndarray) -> list[dict]:
    """One row per case and H: the weight of k_j and the root mean square distance, predicted and measured."""
    n = weights.shape[-1]
    offsets = weights - np.eye(n)[A]
    distances = np.sqrt(np.maximum(((offsets @ gram) * offsets).sum(axis=-1), 0))  # (3, scales)
    return [
        {
            "others": name,
            "H": float(scale),
            "predicted weight": float(predicted := theory.dominant_weight(scale, n, cosine)),
            "measured weight": float(weight[A]),
            "predicted distance": float((1 - predicted) * np.sqrt(n / (n - 1))),
            "measured distance": float(distance),
        }
        for (name, cosine), by_scale, far in zip(cases.items(), weights, distances, strict=True)
        for scale, weight, distance in sorted(zip(scales, by_scale, far, strict=True), key=lambda row: row[0])
    ]


def dominance_remark(quantities: list[Quantity], cases: dict[str, float]) -> str:
    """Both cases of the assignment, and the third, in one sentence each."""
    weights_beside = [f"others {name}: {w.measured:.4g}" for name, w in zip(cases, quantities[0:6:2], strict=True)]
    far = [f"{q.predicted:.3g} predicted, {q.measured:.3g} ± {q.spread:.2g} measured" for q in quantities[1:6:2]]
    return (
        f"Weight of k_j with {', '.join(weights_beside)}. Distance of the output to v_j: {'; '.join(far)}. "
        "Opposite keys are sufficient, not necessary: orthogonal or merely smaller ones need a larger H. "
        f"The weights of every draw sum to one within {quantities[6].measured:.1g} and none is negative."
    )


# --- 1.2a ------------------------------------------------------------------------------------------------------------


def claim_1_2a(m: int, d: int, angle: float, draws: int, seed: int) -> LabResult:
    """The projection onto A, and the assignment's own matrix, on v_a + v_b with A and B at an angle (degrees)."""
    rng = np.random.default_rng(seed)
    if 2 * m > d:
        raise ValueError(f"Two subspaces of dimension {m} need {2 * m} dimensions, but d is {d}: keep 2 m <= d.")
    frame = orthonormal_vectors(rng, 2 * m, d)
    skew = np.linspace(0.5, 2, m)[:, None] * orthonormal_vectors(rng, m, m)  # any invertible matrix would do
    coefficients = rng.uniform(-np.sqrt(3), np.sqrt(3), (2, draws, m))  # of v_a and of v_b
    angles = np.append(ANGLES, angle)
    errors = [projection_errors(frame, skew, coefficients, each) for each in angles]
    quantities = projection_quantities(errors[-1], coefficients[1], abs(scipy.special.cosdg(angle)))
    rows = projection_rows(angles, errors, coefficients[1])
    remark, caveat = projection_remark(quantities), angle_caveat(angle)
    return LabResult("1.2a", quantities, remark, not caveat, rows, {"angle": angle}, caveat)


def angle_caveat(angle: float) -> str:
    """What goes wrong when A and B are not orthogonal; empty at 90 degrees."""
    if angle == 90:
        return ""
    return (
        f"A and B are not orthogonal here ({angle:g} degrees), so neither matrix gives v_a: both add the part of v_b "
        "that lies in A. (Only a projection along B, which needs B as well, would still do it, at any angle above 0.)"
    )


def projection_errors(
    frame: np.ndarray, skew: np.ndarray, coefficients: np.ndarray, angle: float
) -> dict[str, np.ndarray]:
    """Length of M s - v_a (draws,) for each matrix; B leaves A, frame[:m], by the angle towards frame[m:]."""
    m = len(skew)
    a = frame[:m]
    b = scipy.special.cosdg(angle) * a + scipy.special.sindg(angle) * frame[m:]
    c, e = coefficients
    v_a, v_b = c @ a, e @ b  # (draws, d)
    zero_one = (c > 0).astype(float)
    own = apply_own_matrix(a, c, v_a + v_b)
    misses = {
        "projection": (v_a + v_b) @ project_onto((skew @ a).T) - v_a,
        "assignment": own - v_a,
        "zero_one": apply_own_matrix(a, zero_one, zero_one @ a + v_b) - zero_one @ a,
        "squares": own - c**2 @ a,  # what the assignment's matrix does give
    }
    return {name: np.linalg.norm(miss, axis=-1) for name, miss in misses.items()}


def project_onto(basis: np.ndarray) -> np.ndarray:
    """The projection A (A^T A)^-1 A^T (d, d) from any basis of a subspace, as columns (d, m)."""
    return basis @ np.linalg.solve(basis.T @ basis, basis.T)


def apply_own_matrix(a: np.ndarray, c: np.ndarray, s: np.ndarray) -> np.ndarray:
    """The assignment's sum of c_i a_i a_i^T / a_i^T a_i on each draw's s (draws, d); a (m, d), c (draws, m)."""
    return (c * (s @ a.T) / (a**2).sum(axis=-1)) @ a


def projection_quantities(errors: dict[str, np.ndarray], e: np.ndarray, cosine: float) -> tuple[Quantity, ...]:
    """The projection's error over the length of v_b, and the errors of the assignment's matrix per coordinate of A."""
    relative = errors["projection"] / np.linalg.norm(e, axis=-1)
    names = {
        "assignment": "error of the assignment's matrix, any c_i",
        "zero_one": "error of the assignment's matrix, c_i 0 or 1",
        "squares": "distance of its output to the sum of c_i^2 a_i",
    }
    moments, m = theory.own_matrix_moments(cosine), e.shape[1]
    return exact("error of the projection over the length of v_b", cosine, relative.mean()), *(
        root_mean_square(name, moments[key][0], errors[key] / np.sqrt(m), np.sqrt(moments[key][1] / m))
        for key, name in names.items()
    )


def projection_rows(angles: np.ndarray, errors: list[dict[str, np.ndarray]], e: np.ndarray) -> list[dict[str, Any]]:
    """One row per angle: the root mean square error of each matrix over that of v_b, predicted and measured."""
    rows, scale = [], np.sqrt((e**2).sum(axis=-1).mean())
    for angle, measured in sorted(zip(angles, errors, strict=True), key=lambda row: row[0]):
        cosine = abs(scipy.special.cosdg(angle))
        moments = {"projection": (cosine**2, 0.0)} | theory.own_matrix_moments(cosine)
        row: dict[str, Any] = {"angle": float(angle)}
        for key, (mean_square, _) in moments.items():
            row[f"predicted {key}"] = float(np.sqrt(mean_square))
            row[f"measured {key}"] = float(np.sqrt((measured[key] ** 2).mean()) / scale)
        rows.append(row)
    return rows


def projection_remark(quantities: tuple[Quantity, ...]) -> str:
    """What each matrix does, in one sentence each."""
    projection, own, zero_one, _ = quantities
    return (
        f"The projection misses v_a by {projection.measured:.2g} of the length of v_b. "
        f"The assignment's matrix gives the sum of c_i^2 a_i: it misses v_a by {own.measured:.3g} ± {own.spread:.2g} "
        f"per coordinate of size one (predicted {own.predicted:.3g}), and by {zero_one.measured:.2g} (predicted "
        f"{zero_one.predicted:.2g}) when every c_i is 0 or 1. It also has to know the c_i, that is, v_a itself."
    )


# --- 1.2b ------------------------------------------------------------------------------------------------------------


def claim_1_2b(n: int, d: int, H: float, draws: int, seed: int) -> LabResult:
    """q = H (k_a + k_b) on orthonormal keys: the weights, and the distance of the output to the average."""
    rng = np.random.default_rng(seed)
    keys = orthonormal_vectors(rng, n, d)
    scales = np.append(scales_around(H), H)
    weights = attention_weights(keys, scales[:, None] * (keys[A] + keys[B]))  # (scales, n)
    predicted = theory.weights_of_pair(theory.averaging_weight(H, n), n)
    target = theory.weights_of_pair(0.5, n)
    distances, gram = draw_distances(rng, (weights[-1] - target)[None], draws, d)
    quantities = (
        exact("weight of a", predicted[A], weights[-1, A]),
        exact("weight of b", predicted[B], weights[-1, B]),
        distance_quantity("distance of c to the average of v_a and v_b", predicted - target, d, distances[0]),
    )
    rows = averaging_rows(scales, weights, gram)
    far = H / np.log(n) >= 2
    caveat = "" if far else f"H = {H:g} is not far above ln n = {np.log(n):.2g}, so the other keys keep weight."
    rest = max(0.0, 1 - 2 * weights[-1, A])  # rounding may leave a negative crumb
    remark = f"{sentence(quantities[2].describe())} The other keys share {rest:.2g} of the weight."
    return LabResult("1.2b", quantities, remark, bool(far), rows, {"H": H}, caveat)


def averaging_rows(scales: np.ndarray, weights: np.ndarray, gram: np.ndarray) -> list[dict[str, float]]:
    """One row per H: the weights of a and b, the rest, and the distance to the average."""
    n = weights.shape[-1]
    offsets = weights - theory.weights_of_pair(0.5, n)
    distances = np.sqrt(np.maximum(((offsets @ gram) * offsets).sum(axis=-1), 0))
    return [
        {
            "H": float(scales[i]),
            "predicted weight": float(theory.averaging_weight(scales[i], n)),
            "weight of a": float(weights[i, A]),
            "weight of b": float(weights[i, B]),
            "weight of all others": float(weights[i, 2:].sum()),
            "measured distance": float(distances[i]),
        }
        for i in np.argsort(scales)
    ]
