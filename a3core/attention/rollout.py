"""Attention rollout (Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928, section 3).

How much of each input token reaches a position of a layer, if attention were all that moves information: the layers'
patterns, averaged over heads and mixed half and half with the residual stream, multiplied from the bottom up.
"""

import numpy as np


def roll_out(pattern: np.ndarray) -> np.ndarray:
    """Rollout up to each layer: pattern (n_layer, n_head, T, T) -> (n_layer, T, T); rows sum to one if they did."""
    identity = np.eye(pattern.shape[-1], dtype=pattern.dtype)
    mixed = 0.5 * pattern.mean(axis=1) + 0.5 * identity  # (n_layer, T, T)
    rolled = [mixed[0]]
    for layer in mixed[1:]:
        rolled.append(layer @ rolled[-1])
    return np.stack(rolled)
