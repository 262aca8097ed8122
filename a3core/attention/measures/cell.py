"""How one weight comes about: the query and key of a cell, their product, the row's scores, the mask, the softmax."""

from dataclasses import dataclass

import numpy as np
import torch

from a3core.attention.recording import Attended


@dataclass(frozen=True)
class Cell:
    """One weight of one head, from its vectors."""

    query: np.ndarray  # (hs,), after positions are rotated in
    key: np.ndarray  # (hs,)
    products: np.ndarray  # (hs,): per dimension, with the scale; they sum to the score
    scores: np.ndarray  # (K,) of the row before the softmax, with a bias of positions and without the mask
    masked: np.ndarray  # (K,) bool
    weights: np.ndarray  # (K,) of the pattern
    bias: float  # of the cell's distance, where the model has one: what its score is beside the products

    @property
    def cosine(self) -> float:
        """Between the query and the key."""
        return float(self.query @ self.key / (np.linalg.norm(self.query) * np.linalg.norm(self.key) or 1))


def read_cell(attended: Attended, head: int, query: int, key: int) -> Cell:
    """The cell [head, query, key] of a layer. Raises ValueError where the model does not hand out its vectors."""
    if attended.query is None:
        raise ValueError("This model does not hand out its queries and keys: its weights alone can be read.")
    q, keys = attended.query[head, query].double(), attended.key[head].double()  # (hs,), (K, hs)
    scores = keys @ q * attended.scale  # (K,)
    mask = torch.zeros_like(attended.pattern) if attended.mask is None else attended.mask
    bias = (mask if mask.dim() == 2 else mask[head])[query].double()  # (K,)
    masked = bias < -1e4
    bias = bias.masked_fill(masked, 0.0)
    numbers = (q, keys[key], q * keys[key] * attended.scale, scores + bias, masked, attended.pattern[head, query])
    return Cell(*(each.cpu().numpy() for each in numbers), float(bias[key]))
