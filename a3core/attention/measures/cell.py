"""How one weight comes about: the query and key of a cell, their product, the row's scores, the mask, the softmax."""

import numpy as np
import torch

from a3core.attention.recording import Attended


def read_cell(attended: Attended, head: int, query: int, key: int) -> dict[str, np.ndarray]:
    """One weight of one head from its vectors: the cell [head, query, key] of a layer.

    Returns:
        query, key: (hs,), after positions are rotated in
        products: (hs,) per dimension, with the scale; they sum to the score less the bias
        scores: (K,) of the row before the softmax, with a bias of positions and without the mask
        biases: (K,) of the row's distances, where the model has them
        masked: (K,) bool
        weights: (K,) of the pattern

    Raises ValueError where the model does not hand out its vectors.
    """
    if attended.query is None:
        raise ValueError("This model does not hand out its queries and keys: its weights alone can be read.")
    q, keys = attended.query[head, query].double(), attended.key[head].double()  # (hs,), (K, hs)
    scores = keys @ q * attended.scale  # (K,)
    mask = torch.zeros_like(attended.pattern) if attended.mask is None else attended.mask
    bias = (mask if mask.dim() == 2 else mask[head])[query].double()  # (K,)
    masked = bias < -1e4
    bias = bias.masked_fill(masked, 0.0)
    found = {"query": q, "key": keys[key], "products": q * keys[key] * attended.scale, "scores": scores + bias}
    found |= {"biases": bias, "masked": masked, "weights": attended.pattern[head, query]}
    return {name: each.cpu().numpy() for name, each in found.items()}
