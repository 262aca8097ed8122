"""The graph that takes the place of exact search in pools of more than 100,000 rows: built once and kept."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from a3core.common.atomic_io import write_whole
from a3core.llm.gemma import cache_dir
from a3core.llm.local import Cancelled

if TYPE_CHECKING:
    import faiss

# M, efConstruction and efSearch of HNSW (Malkov & Yashunin 2016): at 100,000 rows of all-MiniLM-L6-v2 built in half a
# minute on two cores, with a recall@8 above 0.99
NEIGHBOURS, BUILD_WIDTH, SEARCH_WIDTH = 32, 100, 256
CHUNK = 4096  # rows between two reports of progress


def load_graph(
    corpus_embeddings: np.ndarray,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
    folder: Path | None = None,
) -> faiss.IndexHNSWFlat:
    """The HNSW graph of unit vectors (N, D) float32: read from the cache, or built and put there.

    `progress(done, total)` counts rows. Raises Cancelled once `cancel` is set, and ValueError when the cache folder
    cannot be written.
    """
    import faiss

    settings = f"{NEIGHBOURS}/{BUILD_WIDTH}/{corpus_embeddings.shape}".encode()
    key = hashlib.sha256(settings + corpus_embeddings.tobytes()).hexdigest()[:40]
    path = (folder or cache_dir() / "graphs") / f"{key}.faiss"
    try:
        graph = faiss.read_index(str(path))
    except RuntimeError:  # missing or damaged
        with write_whole(path, ": the variable A3_CACHE names another folder") as partial:
            graph = build_graph(corpus_embeddings, progress, cancel)
            faiss.write_index(graph, str(partial))
    graph.hnsw.efSearch = SEARCH_WIDTH
    return graph


def build_graph(
    corpus_embeddings: np.ndarray,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> faiss.IndexHNSWFlat:
    """The graph by inner product, which is the cosine; built in chunks."""
    import faiss

    graph = faiss.IndexHNSWFlat(corpus_embeddings.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = BUILD_WIDTH
    for start in range(0, len(corpus_embeddings), CHUNK):
        if cancel is not None and cancel.is_set():
            raise Cancelled
        graph.add(corpus_embeddings[start : start + CHUNK])
        if progress is not None:
            progress(graph.ntotal, len(corpus_embeddings))
    return graph
