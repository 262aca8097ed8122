"""Indexes over a pool's questions: by meaning and by words (BM25). Both give the nearest first.

The dense index is exact up to 100,000 rows, beyond them a graph (FAISS). Its candidates are scored once more in float64
and equal scores go by corpus_id, so that the ids are those of brute force and the same on every machine.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from a3core.common.atomic_io import atomic_write
from a3core.common.paths import cache_dir

if TYPE_CHECKING:
    import faiss

EXACT_ROWS = 100_000  # beyond so many rows the index is a graph
# M, efConstruction and efSearch of HNSW (Malkov & Yashunin 2016): at 100,000 rows of all-MiniLM-L6-v2 built in half a
# minute on two cores, with a recall@8 above 0.99
NEIGHBOURS, BUILD_WIDTH, SEARCH_WIDTH = 32, 100, 256
OVERFETCH = 16  # candidates of the graph beyond those asked for, so that near ties are ordered in float64
MARGIN = 1e-5  # by which scores in float32 may be wrong


class Hit(NamedTuple):
    """A question of the pool that was found."""

    corpus_id: int  # its row in the pool
    score: float  # of the index that found it: cosine, BM25 or fused


class DenseIndex:
    """Nearest rows by inner product, which is the cosine: exact, or by an HNSW graph.

    corpus_embeddings: unit vectors (N, D) float32. `exact` None: exact up to 100,000 rows. `folder` is the graph's
    cache.
    """

    def __init__(self, corpus_embeddings: np.ndarray, exact: bool | None = None, folder: Path | None = None):
        self.corpus_embeddings = np.ascontiguousarray(corpus_embeddings, dtype=np.float32)
        self.exact = len(corpus_embeddings) <= EXACT_ROWS if exact is None else exact
        self.graph = None if self.exact else load_graph(self.corpus_embeddings, folder)

    def search(self, query_embedding: np.ndarray, top_k: int, exclude: Collection[int] = ()) -> list[Hit]:
        """The `top_k` nearest rows to a query (D,) that are not excluded, nearest first; fewer if there are no more."""
        query, wanted = np.asarray(query_embedding, dtype=np.float32), top_k + len(exclude)
        if self.graph is None:
            near = list_best(self.corpus_embeddings @ query, wanted)
        else:
            _, ids = self.graph.search(query[None], min(len(self.corpus_embeddings), wanted + OVERFETCH))
            near = ids[ids >= 0]
        found = [int(corpus_id) for corpus_id in near if corpus_id not in exclude]
        return rank(found, self.similarities(query_embedding, found), top_k)

    def similarities(self, query_embedding: np.ndarray, corpus_ids: Sequence[int]) -> np.ndarray:
        """Cosines (len(corpus_ids),) float64 of the query with some rows."""
        rows = self.corpus_embeddings[np.asarray(corpus_ids, dtype=np.intp)].astype(np.float64)
        return rows @ np.asarray(query_embedding, dtype=np.float64)


def list_best(scores: np.ndarray, top_k: int) -> np.ndarray:
    """Ids of the `top_k` highest of the scores (N,), and of all that are as high within MARGIN."""
    least = np.partition(scores, -top_k)[-top_k] if 0 < top_k < len(scores) else -np.inf
    return np.flatnonzero(scores >= least - MARGIN)


def rank(corpus_ids: Sequence[int], scores: np.ndarray, top_k: int) -> list[Hit]:
    """The best `top_k`, highest score first; scores equal to twelve digits go by corpus_id."""
    order = sorted(range(len(corpus_ids)), key=lambda i: (-round(float(scores[i]), 12), corpus_ids[i]))
    return [Hit(int(corpus_ids[i]), float(scores[i])) for i in order[:top_k]]


def split_words(text: str) -> list[str]:
    """The words of a question, lower case, single letters and digits too: "the letter E" differs by one of them."""
    return re.findall(r"\w+", text.casefold())


class BM25Index:
    """BM25 over the questions' words (bm25s, Lucene's variant; Robertson & Zaragoza 2009)."""

    def __init__(self, questions: Sequence[str]):
        import bm25s

        self.index = bm25s.BM25(method="lucene")
        self.index.index([split_words(question) or [""] for question in questions], show_progress=False)

    def search(self, question: str, top_k: int, exclude: Collection[int] = ()) -> list[Hit]:
        """The `top_k` rows that share the most telling words, best first; rows that share none are not found."""
        known = [word for word in split_words(question) if word in self.index.vocab_dict]
        if not known or top_k < 1:
            return []
        scores = self.index.get_scores(known).copy()  # (N,) float32
        scores[list(exclude)] = 0
        found = [int(i) for i in list_best(scores, top_k) if scores[i] > 0]
        return rank(found, scores[found], top_k)


RRF_K = 60  # of Cormack, Clarke & Buettcher 2009
FUSED_DEPTH = 100  # hits of each list that are fused


def reciprocal_rank_fusion(rankings: Sequence[Sequence[Hit]], top_k: int) -> list[Hit]:
    """Reciprocal rank fusion: the score of a row is the sum of 1 / (60 + its rank) over the rankings that found it.

    Source: Cormack, Clarke & Buettcher, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for position, hit in enumerate(ranking, 1):
            scores[hit.corpus_id] = scores.get(hit.corpus_id, 0.0) + 1 / (RRF_K + position)
    ids = list(scores)
    return rank(ids, np.array([scores[i] for i in ids]), top_k)


CONSIDERED = 256  # rows whose margins are computed first, where they may be the best


def mmr_select(
    index: DenseIndex, query_embedding: np.ndarray, top_k: int, weight: float, exclude: Collection[int] = ()
) -> list[Hit]:
    """Maximal marginal relevance: each next row maximises weight * cos(query) - (1 - weight) * max cos(rows taken).

    Over all of the pool, not only the nearest; the hit's score is its cosine to the query. With weight 1 it is
    `search`. Source: Carbonell & Goldstein, "The use of MMR", SIGIR 1998.
    """
    rows, query = index.corpus_embeddings, np.asarray(query_embedding, dtype=np.float32)
    bound = weight * (rows @ query)  # (N,): no row's margin is above it, for redundancy only grows with what is taken
    bound[list(exclude)] = -np.inf
    hits, width = [], CONSIDERED
    while len(hits) < top_k and np.isfinite(bound).any():
        least = np.partition(bound, -width)[-width] if width < len(bound) else -np.inf
        ids = np.flatnonzero(bound >= least)
        near, taken = rows[ids].astype(np.float64), rows[[hit.corpus_id for hit in hits]].astype(np.float64)
        redundancy = (near @ taken.T).max(axis=1, initial=-1.0)  # (len(ids),); one for all before any is taken
        margin = np.where(np.isneginf(bound[ids]), -np.inf, weight * (near @ query) - (1 - weight) * redundancy)
        best = np.argmax(np.round(margin, 12))  # the first of equals
        if margin[best] < least + MARGIN:  # another row may be better: more are looked at
            width *= 4
            continue
        hits.append(Hit(int(ids[best]), float(near[best] @ query)))
        if len(hits) == 1:
            bound -= (1 - weight) * (rows @ rows[ids[best]])
        bound[ids[best]] = -np.inf
    return hits


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

    def project(self, embeddings: np.ndarray) -> np.ndarray:
        """Coordinates on the map, (N, 2), of embeddings (N, D), such as a query's."""
        return (embeddings - self.center) @ self.axes


def load_graph(corpus_embeddings: np.ndarray, folder: Path | None = None) -> faiss.IndexHNSWFlat:
    """The HNSW graph of unit vectors (N, D) float32: read from the cache `folder`, or built and put there.

    Raises ValueError when the folder cannot be written.
    """
    import faiss

    settings = f"{NEIGHBOURS}/{BUILD_WIDTH}/{corpus_embeddings.shape}".encode()
    key = hashlib.sha256(settings + corpus_embeddings.tobytes()).hexdigest()[:40]
    path = (folder or cache_dir() / "graphs") / f"{key}.faiss"
    try:
        graph = faiss.read_index(str(path))
    except RuntimeError:  # missing or damaged
        with atomic_write(path, ": the variable A3_CACHE names another folder") as partial:
            graph = faiss.IndexHNSWFlat(corpus_embeddings.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
            graph.hnsw.efConstruction = BUILD_WIDTH
            graph.add(corpus_embeddings)
            faiss.write_index(graph, str(partial))
    graph.hnsw.efSearch = SEARCH_WIDTH
    return graph
