"""What travels to the page: a small picture of every head at once, and one head's numbers when they are looked at.

At 512 tokens both together stay under 2 MB, however many heads there are.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

import numpy as np

from a3core.attention.capture import Capture
from a3core.attention.rollout import roll_out

SIDE = 64  # pixels of a thumbnail, at most
THUMBNAIL_BYTES = 900_000  # of all thumbnails together, before base64 adds a third


def build_payload(capture: Capture) -> dict:
    """The capture as the view first needs it: tokens, and thumbnails as base64 of uint8 (n_layer * n_head, side, side).

    A pixel holds 255 times the square root of the largest weight that it covers, so that small weights survive.
    """
    n_layer, n_head, T, _ = capture.pattern.shape
    side = choose_side(T, n_layer * n_head)
    return {
        "model": capture.model,
        "tokens": list(capture.tokens),
        "n_prompt": capture.n_prompt,
        "n_recited": capture.n_recited,
        "n_layer": n_layer,
        "n_head": n_head,
        "side": side,
        "thumbnails": _to_base64(build_thumbnails(capture.pattern, side)),
    }


def choose_side(T: int, heads: int) -> int:
    """Pixels along a thumbnail of T x T weights, so that all heads together fit."""
    return max(1, min(SIDE, T, int((THUMBNAIL_BYTES / heads) ** 0.5)))


def build_thumbnails(pattern: np.ndarray, side: int) -> np.ndarray:
    """The largest weight under each pixel: pattern (n_layer, n_head, T, T) -> uint8 (n_layer, n_head, side, side)."""
    starts = np.arange(side) * pattern.shape[-1] // side
    pooled = np.maximum.reduceat(np.maximum.reduceat(pattern, starts, axis=-1), starts, axis=-2)
    return np.rint(255 * np.sqrt(pooled.clip(0, 1))).astype(np.uint8)


def select_matrix(capture: Capture, heads: Sequence[tuple[int, int]], rollout: bool = False) -> np.ndarray:
    """The mean of the chosen (layer, head) pairs, or the rollout up to the last layer among them: (T, T) float32.

    Raises ValueError for a head that the model does not have.
    """
    n_layer, n_head = capture.pattern.shape[:2]
    if not heads or not all(0 <= layer < n_layer and 0 <= head < n_head for layer, head in heads):
        raise ValueError(f"{capture.model} has layers 0 to {n_layer - 1} with heads 0 to {n_head - 1}, not {heads}.")
    layers, columns = (list(part) for part in zip(*heads, strict=True))
    if rollout:
        return roll_out(capture.pattern[: max(layers) + 1])[-1]
    return capture.pattern[layers, columns].mean(axis=0)


def encode_matrix(matrix: np.ndarray) -> str:
    """The lower triangle of a causal matrix (T, T), row by row, as base64 of little-endian float16."""
    return _to_base64(matrix[np.tril_indices(len(matrix))].astype("<f2"))


def _to_base64(array: np.ndarray) -> str:
    return b64encode(array.tobytes()).decode("ascii")
