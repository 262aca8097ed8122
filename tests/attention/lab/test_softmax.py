"""Attention by hand: the short cuts of the sampling against the long way round."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from a3core.attention.lab import theory
from a3core.attention.lab.random_keys import draw_noisy_keys
from a3core.attention.lab.softmax import (
    MAX_NUMBERS,
    A,
    B,
    attention_weights,
    dominated_keys,
    draw_distances,
    head_weights,
    orthonormal_vectors,
    plane_coordinates,
    query_weights,
    unit_vectors,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_weights_bear_a_huge_scale():
    assert attention_weights(np.eye(3), np.array([1e6, 1e6, -1e6])).tolist() == [0.5, 0.5, 0.0]


def test_orthonormal_vectors_and_unit_vectors(rng):
    frame = orthonormal_vectors(rng, 5, 7)
    assert frame @ frame.T == pytest.approx(np.eye(5), abs=1e-12)
    assert np.linalg.norm(unit_vectors(rng, (3, 4, 7)), axis=-1) == pytest.approx(np.ones((3, 4)))


def test_more_orthonormal_vectors_than_dimensions_are_refused(rng):
    with pytest.raises(ValueError, match=r"8 vectors cannot be orthonormal in 7 dimensions.*keep n <= d"):
        orthonormal_vectors(rng, 8, 7)


@pytest.mark.parametrize("cosine", [-1, -0.3, 0, 0.9])
def test_dominated_keys_have_the_cosine_asked_for(rng, cosine):
    keys = dominated_keys(rng, 4, 6, cosine)
    assert np.linalg.norm(keys, axis=1) == pytest.approx(np.ones(4))
    assert keys[1:] @ keys[A] == pytest.approx(np.full(3, cosine), abs=1e-12)


def test_two_coordinates_give_the_scores_of_whole_keys(rng):
    n, d, alpha, extra, draws = 4, 6, 0.04, 0.5, 40_000
    means = orthonormal_vectors(rng, n, d)
    keys = means + np.sqrt(alpha) * rng.standard_normal((draws, n, d))
    keys[:, A] += np.sqrt(extra) * rng.standard_normal((draws, 1)) * means[A]
    whole = keys @ (3 * (means[A] + means[B]))
    short = draw_noisy_keys(n, d, alpha, draws, 7, extra)[2] @ np.array([3.0, 3.0])
    assert short.mean(axis=0) == pytest.approx(whole.mean(axis=0), abs=0.06)
    assert np.cov(short.T) == pytest.approx(np.cov(whole.T), abs=0.15)


def test_two_heads_ask_for_one_key_each():
    coordinates = draw_noisy_keys(5, 5, 0.0, 10, 0)[2]
    one, two = head_weights(coordinates, 50.0, 1), head_weights(coordinates, 50.0, 2)
    assert one.shape == (1, 10, 5) and two.shape == (2, 10, 5)
    assert one[0, :, [A, B]] == pytest.approx(np.full((2, 10), 0.5))
    assert two[0, :, A] == pytest.approx(np.ones(10)) and two[1, :, B] == pytest.approx(np.ones(10))
    keys = np.eye(5)
    assert query_weights(coordinates, (2, 1))[0] == pytest.approx(attention_weights(keys, 2 * keys[A] + keys[B]))


def test_the_plane_has_v_a_and_v_b_as_its_units(rng):
    values = unit_vectors(rng, (4, 9))
    outputs = np.array([values[A], values[B], 0.3 * values[A] + 0.7 * values[B]])
    assert plane_coordinates(outputs, values) == pytest.approx(np.array([[1, 0], [0, 1], [0.3, 0.7]]), abs=1e-12)


def test_distances_from_inner_products_are_distances(monkeypatch):
    monkeypatch.setattr("a3core.attention.lab.softmax.CHUNK", 100)
    offsets = np.array([[-0.5, 0.2, 0.3], [-1e-9, 5e-10, 5e-10]])
    distances, gram = draw_distances(np.random.default_rng(1), offsets, 20, 8)
    rng = np.random.default_rng(1)
    chunks = [unit_vectors(rng, (4, 3, 8), np.float32).astype(float) for _ in range(5)]
    values = np.concatenate(chunks)
    assert distances == pytest.approx(np.linalg.norm(offsets @ values, axis=-1).T, rel=1e-5)
    assert gram == pytest.approx((values @ values.swapaxes(1, 2)).mean(axis=0), abs=1e-6)


def test_squared_length_has_the_moments_of_random_values(rng):
    offsets = np.array([-0.6, 0.1, 0.2, 0.3])
    squares = ((offsets @ unit_vectors(rng, (40_000, 4, 5))) ** 2).sum(axis=-1)
    mean, variance = theory.squared_length(offsets)
    assert squares.mean() == pytest.approx(mean, rel=0.02)
    assert squares.var() == pytest.approx(variance / 5, rel=0.05)


def test_too_many_random_numbers_are_refused(rng):
    with pytest.raises(ValueError, match="random numbers; at most 100,000,000 fit in one run"):
        draw_distances(rng, np.zeros((1, 2)), MAX_NUMBERS, 2)


def test_small_noise_is_right_to_second_order(rng):
    weights, variance = softmax([[2.0, 2.0, 0.0, 0.0]], axis=-1), 0.01
    sample = softmax(np.array([2.0, 2.0, 0.0, 0.0]) + 0.1 * rng.standard_normal((400_000, 4)), axis=-1)
    for key in range(4):
        weight, sd = theory.predict_average(np.roll(weights, -key, axis=1), variance, np.eye(4), weights[0])[0]
        assert sample[:, key].mean() - weights[0, key] == pytest.approx(weight - weights[0, key], abs=1.5e-4)
        assert sample[:, key].std() == pytest.approx(sd, rel=0.02)
    values = unit_vectors(rng, (4, 6))
    squares = (((sample - weights[0]) @ values) ** 2).sum(axis=-1)
    _, (mean, sd) = theory.predict_average(weights, variance, values, weights[0])
    assert (squares.mean(), squares.std()) == pytest.approx((mean, sd), rel=0.05)


def test_a_projection_along_b_exists_at_any_angle(rng):
    """The claim's caveat: orthogonality is what the formula needs, not what a matrix with M s = v_a needs."""
    a, b = rng.standard_normal((2, 6, 2))
    along_b = np.hstack([a, np.zeros_like(b)]) @ np.linalg.pinv(np.hstack([a, b]))
    c, e = rng.standard_normal((2, 2))
    assert along_b @ (a @ c + b @ e) == pytest.approx(a @ c)
