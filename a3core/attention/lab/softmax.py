"""Softmax attention by hand, and the random keys and values on which the laboratory tries it.

    >>> weights = attention_weights(keys, query)       # (n, d), (d,) -> (n,)
    >>> output = weights @ values                      # (n,) @ (n, d) -> (d,)

The two keys of interest are always a = 0 and b = 1. Scores are k_i^T q, without 1/sqrt(d).
"""

import numpy as np
import scipy  # loads scipy.special when it is first used

A, B = 0, 1
MAX_NUMBERS = 100_000_000  # random numbers in one run: about a second of drawing
CHUNK = 2_000_000  # random numbers held at once


def attention_weights(keys: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Weights of one query or of several: keys (n, d), query (..., d) -> (..., n)."""
    return scipy.special.softmax(query @ keys.T, axis=-1)


def check_orthonormal(n: int, d: int) -> None:
    """Refuse orthonormal vectors that cannot be.

    Raises:
        ValueError: n > d, for no more than d vectors can be mutually orthogonal.
    """
    if n > d:
        raise ValueError(
            f"{n} vectors cannot be orthonormal in {d} dimensions, where at most {d} can be mutually orthogonal: "
            "keep n <= d."
        )


def orthonormal_vectors(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """n orthonormal vectors in a random orientation, as rows (n, d); ValueError if n > d."""
    check_orthonormal(n, d)
    return np.linalg.qr(rng.standard_normal((d, n)))[0].T


def unit_vectors(rng: np.random.Generator, shape: tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
    """Random directions: vectors of length one along the last axis."""
    vectors = rng.standard_normal(shape, dtype=dtype)
    return vectors / np.sqrt(np.einsum("...d,...d->...", vectors, vectors))[..., None]


def dominated_keys(rng: np.random.Generator, n: int, d: int, cosine: float) -> np.ndarray:
    """n unit keys (n, d); every other key has this cosine with the first: -1 opposite, 0 orthogonal."""
    frame = orthonormal_vectors(rng, n, d)
    keys = cosine * frame[A] + np.sqrt(1 - cosine**2) * frame
    keys[A] = frame[A]
    return keys


def query_weights(coordinates: np.ndarray, query: tuple[float, float]) -> np.ndarray:
    """Weights (draws, n) of the query x mu_a + y mu_b on keys given by their coordinates (draws, n, 2)."""
    return scipy.special.softmax(coordinates @ np.asarray(query, dtype=float), axis=-1)


def head_weights(coordinates: np.ndarray, H: float, heads: int) -> np.ndarray:
    """Weights (heads, draws, n): one head asks H (mu_a + mu_b); two heads ask H mu_a and H mu_b."""
    return np.stack([query_weights(coordinates, query) for query in ([(H, H)] if heads == 1 else [(H, 0), (0, H)])])


def plane_coordinates(outputs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where outputs (draws, d) lie in the (v_a, v_b) plane: (draws, 2), with v_a at (1, 0) and v_b at (0, 1).

    Least squares, since random values are not quite orthogonal.
    """
    return outputs @ np.linalg.pinv(values[[A, B]])


def draw_distances(rng: np.random.Generator, offsets: np.ndarray, draws: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances |c - target| over draws of random unit values, where c - target = sum of offsets_i v_i.

    offsets (k, n) -> the distances (k, draws) and the mean inner products of the values (n, n).
    A distance comes from the inner products, offsets^T V V^T offsets, so a small one keeps its relative precision.

    Raises:
        ValueError: the run would draw more than MAX_NUMBERS random numbers.
    """
    n = offsets.shape[-1]
    if draws * n * d > MAX_NUMBERS:
        raise ValueError(
            f"{draws:,} draws of {n} values in {d} dimensions are {draws * n * d:,} random numbers; "
            f"at most {MAX_NUMBERS:,} fit in one run, so lower one of the three."
        )
    squares, total, rows = [], np.zeros((n, n)), max(1, CHUNK // (n * d))
    for start in range(0, draws, rows):
        values = unit_vectors(rng, (min(rows, draws - start), n, d), np.float32)  # (rows, n, d)
        gram = (values @ values.swapaxes(1, 2)).astype(np.float64)  # (rows, n, n)
        squares.append(((offsets @ gram) * offsets).sum(axis=-1).T)  # (k, rows)
        total += gram.sum(axis=0)
    return np.sqrt(np.maximum(np.concatenate(squares, axis=1), 0)), total / draws
