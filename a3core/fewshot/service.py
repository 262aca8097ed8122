"""What the tab and its endpoints ask: pools, the encoder and language models, each loaded when it is first needed."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from a3core.common.batching import LRUCache
from a3core.common.hosting import MOST_POOL_QUESTIONS, check_size
from a3core.fewshot.encoder import Encoder, embed_corpus, load_encoder
from a3core.fewshot.pools import BUILTIN, Pool, load_pool, split_spec
from a3core.fewshot.retrieval import Retriever
from a3core.llm.gemma import Progress
from a3core.llm.local import load_language_model
from a3core.llm.offered import check_model

POOL_BYTES = 600_000_000  # of embeddings in memory
QUESTIONS_KEPT = 200_000  # of validation sets
MODELS_KEPT = 2  # in memory: each can be gigabytes


class FewShot:
    """Loads each part once for all visitors. `load_encoder` and `load_model` are the real loaders, or a test's."""

    def __init__(
        self,
        load_encoder: Callable[[], Encoder] = load_encoder,
        load_model: Callable[..., Any] = load_language_model,
        cache: Path | None = None,
    ):
        self._load_encoder, self._load_model, self.cache = load_encoder, load_model, cache
        self._encoder: Encoder | None = None
        self._pools = LRUCache(POOL_BYTES, lambda pool: pool.dense.corpus_embeddings.nbytes)
        self._questions = LRUCache(QUESTIONS_KEPT, len)
        self._models = LRUCache(MODELS_KEPT, lambda model: 1)
        self._lock = Lock()

    def encoder(self) -> Encoder:
        """The sentence encoder, loaded at the first call. Raises ValueError."""
        with self._lock:
            self._encoder = self._encoder or self._load_encoder()
            return self._encoder

    def pool(self, spec: str = BUILTIN, progress: Progress | None = None) -> Retriever:
        """The pool as `load_pool` names it, embedded. Raises ValueError."""
        report = progress or (lambda share, what: None)

        def embed() -> Retriever:
            pool = load_pool(spec)
            check_size(len(pool), MOST_POOL_QUESTIONS, "questions of a pool")
            report(0.0, "loading the sentence encoder")
            encoder = self.encoder()
            on_rows = lambda done, total: report(done / total, f"embedding {done:,} of {total:,} questions")  # noqa: E731
            return Retriever(pool, encoder, embed_corpus(encoder, pool.questions, on_rows, folder=self.cache))

        return self._pools.get(name_content(spec), embed)

    def questions(self, spec: str) -> Pool:
        """The questions to ask, as `load_pool` names them. Raises ValueError."""
        return self._questions.get(name_content(spec), lambda: load_pool(spec))

    def model(self, name: str | None = None, progress: Progress | None = None, **options) -> Any:
        """The language model called `name`, else the default one; `options` such as dtype. Raises ValueError."""
        name = check_model(name)
        key = (name, *options.values())
        return self._models.get(key, lambda: self._load_model(name, progress=progress, **options))


def name_content(spec: str) -> tuple:
    """The key of a pool in memory, (spec,) or (spec, ns, bytes) of a file: a file that was changed is another pool."""
    path = Path(split_spec(spec)[1])
    try:
        status = path.stat() if path.is_file() else None
    except OSError:  # such as a name that is too long: `load_pool` raises with a sentence
        status = None
    return (spec, status.st_mtime_ns, status.st_size) if status else (spec,)
