"""Claims 1.1 and 1.2: attention on keys that carry no noise; what varies over the draws are the values."""

import numpy as np
import scipy  # loads scipy.special when it is first used

from a3core.attention.lab import softmax, theory
from a3core.attention.lab.result import LabResult, Quantity, conclude, exact, root_mean_square, share_of
from a3core.attention.lab.softmax import A, B

ANGLES = np.linspace(0, 90, 7)  # degrees, where 1.2a's picture is measured


def scales_around(H: float) -> tuple[np.ndarray, int]:
    """Query scales for a curve (22,), logarithmic and wide enough, and at which position H is among them."""
    scales = np.sort(np.append(np.geomspace(min(0.1, H), max(100, H), 21), H))
    return scales, int(np.searchsorted(scales, H))


def distance_quantity(name: str, offsets: np.ndarray, d: int, sample: np.ndarray) -> Quantity:
    """Root mean square of |sum of offsets_i v_i|: predicted offsets (n,), measured distances (draws,)."""
    mean, variance = theory.squared_length(offsets)
    return root_mean_square(name, sample, (float(mean), float(np.sqrt(variance / d))))


def measure_distances(offsets: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """Root mean square of |sum of offsets_i v_i| (...), of offsets (..., n) and mean inner products (n, n)."""
    return np.sqrt(np.maximum(((offsets @ gram) * offsets).sum(axis=-1), 0))


def claim_1_1(n: int, d: int, H: float, cosine: float, draws: int, seed: int) -> LabResult:
    """One key dominates: its weight, and the distance of the output to its value, as H grows."""
    rng = np.random.default_rng(seed)
    cases = {"opposite": -1.0, "orthogonal": 0.0, f"cosine {cosine:g}": cosine}
    scales, chosen = scales_around(H)
    keys = [softmax.dominated_keys(rng, n, d, each) for each in cases.values()]
    weights = np.stack([softmax.attention_weights(k, scales[:, None] * k[A]) for k in keys])  # (3, scales, n)
    offsets = weights - np.eye(n)[A]
    samples, gram = softmax.draw_distances(rng, offsets[:, chosen], draws, d)  # (3, draws), (n, n)
    predicted = theory.dominant_weight(scales, n, np.array(list(cases.values()))[:, None])  # (3, scales)
    quantities: list[Quantity] = []
    for case, name in enumerate(cases):
        weight = predicted[case, chosen]
        expected = theory.spread_weights(weight, n, [A]) - np.eye(n)[A]
        quantities.append(exact(f"weight of k_j, others {name}", weight, weights[case, chosen, A]))
        quantities.append(distance_quantity(f"distance of c to v_j, others {name}", expected, d, samples[case]))
    curves = {
        "predicted weight": predicted,
        "measured weight": weights[..., A],
        "predicted distance": (1 - predicted) * np.sqrt(n / (n - 1)),
        "measured distance": measure_distances(offsets, gram),
    }  # (3, scales) each
    table = {"others": np.repeat(list(cases), len(scales)), "H": np.tile(scales, len(cases))}
    table |= {name: curve.ravel() for name, curve in curves.items()}
    picture = {"scales": scales, "chosen": H, "cosine": cosine}
    picture |= {f"{name} {case}": curve[case] for name, curve in curves.items() for case in range(len(cases))}
    # a normal query on orthonormal keys has normal scores
    random = scipy.special.softmax(H * rng.standard_normal((draws, n)), axis=-1)
    off = np.abs(random.sum(axis=-1) - 1).max()
    quantities.append(exact("largest distance of a draw's sum of weights from one", 0, off))
    quantities.append(share_of("draws with a negative weight", (random < 0).any(axis=-1), 0))
    return conclude("1.1", quantities, table, picture, cosine=cosine)


def claim_1_2a(m: int, d: int, angle: float, draws: int, seed: int) -> LabResult:
    """The projection onto A, and the assignment's own matrix, on v_a + v_b with A and B at an angle (degrees)."""
    rng = np.random.default_rng(seed)
    if 2 * m > d:
        raise ValueError(f"Two subspaces of dimension {m} need {2 * m} dimensions, but d is {d}: keep 2 m <= d.")
    frame = softmax.orthonormal_vectors(rng, 2 * m, d)
    skew = np.linspace(0.5, 2, m)[:, None] * softmax.orthonormal_vectors(rng, m, m)  # any invertible matrix would do
    coefficients = rng.uniform(-np.sqrt(3), np.sqrt(3), (2, draws, m))  # of v_a and of v_b
    angles = np.sort(np.append(ANGLES, angle))
    errors = [projection_errors(frame, skew, coefficients, each) for each in angles]
    moments = [theory.projection_moments(abs(scipy.special.cosdg(each))) for each in angles]
    scale = np.sqrt((coefficients[1] ** 2).sum(axis=-1).mean())  # the size of v_b
    table = {"angle": angles}
    for key in ("projection", "assignment", "zero_one", "squares"):
        table[f"predicted {key}"] = np.sqrt([each[key][0] for each in moments])
        table[f"measured {key}"] = np.sqrt([(each[key] ** 2).mean() for each in errors]) / scale
    chosen = int(np.searchsorted(angles, angle))
    relative = errors[chosen]["projection"] / np.linalg.norm(coefficients[1], axis=-1)
    cosine = abs(scipy.special.cosdg(angle))
    quantities = [exact("error of the projection over the length of v_b", cosine, relative.mean())]
    names = {
        "assignment": "error of the assignment's matrix, any c_i",
        "zero_one": "error of the assignment's matrix, c_i 0 or 1",
        "squares": "distance of its output to the sum of c_i^2 a_i",
    }
    for key, name in names.items():  # per coordinate of A
        mean, variance = moments[chosen][key]
        quantities.append(root_mean_square(name, errors[chosen][key] / np.sqrt(m), (mean, np.sqrt(variance / m))))
    return conclude("1.2a", quantities, table, {"chosen": angle}, angle != 90, angle=angle)


def projection_errors(
    frame: np.ndarray, skew: np.ndarray, coefficients: np.ndarray, angle: float
) -> dict[str, np.ndarray]:
    """Length of M s - v_a (draws,) for each matrix; B leaves A, frame[:m], by the angle towards frame[m:]."""
    m = len(skew)
    a = frame[:m]
    b = scipy.special.cosdg(angle) * a + scipy.special.sindg(angle) * frame[m:]
    c, e = coefficients
    v_a, v_b = c @ a, e @ b  # (draws, d)

    def apply_own_matrix(c: np.ndarray, s: np.ndarray) -> np.ndarray:
        return (c * (s @ a.T) / (a**2).sum(axis=-1)) @ a  # sum of c_i a_i a_i^T / a_i^T a_i on each draw's s (draws, d)

    zero_one = (c > 0).astype(float)
    own = apply_own_matrix(c, v_a + v_b)
    basis = (skew @ a).T  # (d, m)
    projection = basis @ np.linalg.solve(basis.T @ basis, basis.T)  # A (A^T A)^-1 A^T
    misses = {
        "projection": (v_a + v_b) @ projection - v_a,
        "assignment": own - v_a,
        "zero_one": apply_own_matrix(zero_one, zero_one @ a + v_b) - zero_one @ a,
        "squares": own - c**2 @ a,  # what the assignment's matrix does give
    }
    return {name: np.linalg.norm(miss, axis=-1) for name, miss in misses.items()}


def claim_1_2b(n: int, d: int, H: float, draws: int, seed: int) -> LabResult:
    """q = H (k_a + k_b) on orthonormal keys: the weights, and the distance of the output to the average."""
    rng = np.random.default_rng(seed)
    keys = softmax.orthonormal_vectors(rng, n, d)
    scales, chosen = scales_around(H)
    weights = softmax.attention_weights(keys, scales[:, None] * (keys[A] + keys[B]))  # (scales, n)
    predicted = theory.spread_weights(theory.averaging_weight(H, n), n)
    target = theory.spread_weights(0.5, n)
    distances, gram = softmax.draw_distances(rng, (weights[[chosen]] - target), draws, d)
    quantities = (
        exact("weight of a", predicted[A], weights[chosen, A]),
        exact("weight of b", predicted[B], weights[chosen, B]),
        distance_quantity("distance of c to the average of v_a and v_b", predicted - target, d, distances[0]),
    )
    table = {
        "H": scales,
        "predicted weight": theory.averaging_weight(scales, n),
        "weight of a": weights[:, A],
        "weight of b": weights[:, B],
        "weight of all others": weights[:, 2:].sum(axis=-1),
        "measured distance": measure_distances(weights - target, gram),
    }
    rest = max(0.0, 1 - 2 * weights[chosen, A])  # rounding may leave a negative crumb
    numbers = {"rest": rest, "H": H, "ln_n": np.log(n)}
    return conclude("1.2b", quantities, table, {"chosen": H}, H / np.log(n) < 2, headline=2, **numbers)
