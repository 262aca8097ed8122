"""The map of a pool: its embeddings in two dimensions, on which the query and its neighbours are marked."""

from __future__ import annotations

import numpy as np


class PoolMap:
    """The plane of the two directions in which the embeddings vary most (principal components).

    points: (N, 2); explained: the share of the variance that the plane shows, in [0, 1].
    """

    def __init__(self, corpus_embeddings: np.ndarray):
        self.center = corpus_embeddings.mean(axis=0)  # (D,)
        centered = corpus_embeddings - self.center  # (N, D)
        variances, directions = np.linalg.eigh(centered.T @ centered)  # ascending
        self.axes = directions[:, ::-1][:, :2]  # (D, 2)
        self.axes = self.axes * np.sign(self.axes[np.abs(self.axes).argmax(axis=0), range(self.axes.shape[1])])
        self.explained = float(variances[-2:].sum() / max(variances.sum(), 1e-12))
        self.points = centered @ self.axes

    def place(self, embeddings: np.ndarray) -> np.ndarray:
        """Where embeddings (N, D), such as a query's, stand on the map: (N, 2)."""
        return (embeddings - self.center) @ self.axes
