"""What travels to the page: every head at once, as numbers where they are few, as small pictures where they are many.

At 512 tokens a payload and one matrix together stay under 2 MB, however many heads there are.
"""

from base64 import b64encode
from collections.abc import Sequence
from functools import reduce

import numpy as np

from a3core.attention.capture import Capture

SIDE = 64  # pixels of a thumbnail, at most
THUMBNAIL_BYTES = 900_000  # of all thumbnails together, before base64 adds a third
MATRICES_BYTES = 300_000  # of all matrices together, up to which they travel at once
WEIGHINGS = ("", "v", "vo")  # raw, times |v|, times |v W_O|


def build_payload(capture: Capture, matrices: bool | None = None) -> dict:
    """The capture as the view first needs it: tokens, and `matrices` (float16) or `thumbnails` (uint8) as base64.

    matrices: whether all weights travel; by default where they are few. A thumbnail's pixel is 255 times the square
    root of the largest weight that it covers, so that small weights survive.
    """
    n_layer, n_head, Q, K = capture.pattern.shape
    side = choose_side(min(Q, K), n_layer * n_head)
    rows = list_cells(Q, K, capture.causal)
    few = 2 * n_layer * n_head * len(rows[0]) <= MATRICES_BYTES if matrices is None else matrices
    if few:
        weights = {"matrices": to_base64(capture.pattern[:, :, *rows].astype("<f2"))}
    else:
        weights = {"thumbnails": to_base64(build_thumbnails(capture.pattern, side))}
    same = ("model", "causal", "n_prompt", "n_recited", "why", "note")
    return {
        **{name: getattr(capture, name) for name in same},
        "tokens": list(capture.tokens),
        "keys": list(capture.keys) or None,
        "n_layer": n_layer,
        "n_head": n_head,
        "layers": list(capture.layers) or list(range(n_layer)),
        "side": side,
        "norms": {name: to_base64(norms.astype("<f4")) for name, norms in capture.norms.items()},
        "start": list(capture.start),
        **weights,
    }


def list_cells(Q: int, K: int, causal: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells that travel, row by row: the lower triangle, or all of Q x K."""
    return np.tril_indices(Q) if causal else np.indices((Q, K)).reshape(2, -1)


def choose_side(T: int, heads: int) -> int:
    """Pixels along a thumbnail of T x T weights, so that all heads together fit."""
    return max(1, min(SIDE, T, int((THUMBNAIL_BYTES / heads) ** 0.5)))


def build_thumbnails(pattern: np.ndarray, side: int) -> np.ndarray:
    """The largest weight under each pixel: pattern (n_layer, n_head, Q, K) -> uint8 (n_layer, n_head, side, side)."""
    rows, columns = (np.arange(side) * size // side for size in pattern.shape[-2:])
    pooled = np.maximum.reduceat(np.maximum.reduceat(pattern, columns, axis=-1), rows, axis=-2)
    return np.rint(255 * np.sqrt(pooled.clip(0, 1))).astype(np.uint8)


def select_matrix(
    capture: Capture, heads: Sequence[tuple[int, int]], rollout: bool = False, weighing: str = ""
) -> np.ndarray:
    """The mean of the chosen (layer, head) pairs, or the rollout up to the last layer among them: (T, T) float32.

    The rollout is how much of each input token reaches a position of a layer, if attention were all that moves
    information: the layers' patterns, averaged over heads and mixed half and half with the residual stream, multiplied
    from the bottom up (Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928, section 3); rows sum to one if they
    did. weighing "v" or "vo" multiplies each weight by |v| or |v W_O| of its key, over the largest of that head.
    Raises ValueError for a head that the model does not have, or values that it does not hand out.
    """
    n_layer, n_head = capture.pattern.shape[:2]
    if not heads or not all(0 <= layer < n_layer and 0 <= head < n_head for layer, head in heads):
        raise ValueError(f"{capture.model} has layers 0 to {n_layer - 1} with heads 0 to {n_head - 1}, not {heads}.")
    if weighing not in WEIGHINGS or (weighing and weighing not in capture.norms):
        raise ValueError(f"{capture.model} does not hand out its values, so its weights stay raw.")
    layers, columns = (list(part) for part in zip(*heads, strict=True))
    if rollout and capture.keys:
        raise ValueError("Rollout goes through layers of one text: between two texts there is none.")
    if rollout:
        pattern = capture.pattern[: max(layers) + 1].astype(np.float32)
        mixed = 0.5 * pattern.mean(axis=1) + 0.5 * np.eye(pattern.shape[-1], dtype=pattern.dtype)  # (n_layer, T, T)
        return reduce(lambda below, layer: layer @ below, mixed)
    chosen = capture.pattern[layers, columns].astype(np.float32)  # (heads, T, T)
    if weighing:
        norms = capture.norms[weighing][layers, columns]  # (heads, T)
        chosen = chosen * (norms / norms.max(axis=-1, keepdims=True).clip(1e-30))[:, None]
    return chosen.mean(axis=0)


def encode_matrix(matrix: np.ndarray, causal: bool = True) -> str:
    """The lower triangle of a causal matrix (T, T), or all of another (Q, K), as base64 of little-endian float16."""
    return to_base64(matrix[tuple(list_cells(*matrix.shape, causal))].astype("<f2"))


def to_base64(array: np.ndarray) -> str:
    """The bytes of an array as text."""
    return b64encode(array.tobytes()).decode("ascii")
