"""The models whose attention can be looked at, by name: this project's checkpoints, and causal language models."""

from __future__ import annotations

from collections.abc import Callable

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.common.lru_cache import LRUCache
from a3core.llm.endpoint import is_url
from a3core.llm.local import GEMMA_TERMS, MODEL_NAME, load_language_model
from a3core.llm.offered import check_model, list_models
from a3core.llm.two_sided import is_two_sided, split_part

LANGUAGE_MODELS_KEPT = 2  # in memory, to stand side by side: each can be gigabytes
CAPTURE_BYTES = 400_000_000  # of patterns that are kept, so that a head can be fetched when it is looked at

Progress = Callable[[float, str], None]


class AttentionModels:
    """Loads each model when it is first asked for, and keeps the captures that are being looked at."""

    def __init__(self, checkpoints: CheckpointStore):
        self.checkpoints = checkpoints
        self._language_models = LRUCache(LANGUAGE_MODELS_KEPT, lambda model: 1)
        self._captures = LRUCache(CAPTURE_BYTES, lambda capture: capture.pattern.nbytes)

    @property
    def names(self) -> list[str]:
        """What the menu offers; elsewhere than on a public Space, any hub id or folder can be typed as well."""
        return [*self.checkpoints.trainings, *(name for name in list_models() if not is_url(name))]

    def load(self, name: str | None, progress: Progress | None = None):
        """The model as an `AttentionModel`. Raises ValueError that says why there is none."""
        name = (name or "").strip()
        if name in self.checkpoints.trainings:
            from a3core.attention.models import GPTModel

            return GPTModel(name, self.checkpoints.predictor(name))
        check_name(split_part(name)[0])
        return self._language_models.get(name, lambda: load_hugging_face(name, progress))

    def capture(self, name: str | None, text: str, generate: bool, progress: Progress | None = None):
        """The `Capture` of a text, kept for the next look. Raises ValueError."""
        from a3core.attention.capture import capture_pattern
        from a3core.attention.encoders import EncoderModel, capture_encoder

        name = (name or "").strip()

        def make():
            model = self.load(name, progress)
            if isinstance(model, EncoderModel):
                return capture_encoder(model, text)
            return capture_pattern(model, text, generate)

        return self._captures.get((name, text, generate), make)

    def find_capture(self, name: str, text: str, generate: bool):
        """A `Capture` that was made before; nothing is computed. Raises ValueError if there is none."""

        def refuse():
            raise ValueError("This pattern is no longer at hand: press Show.")

        return self._captures.get((name.strip(), text, generate), refuse)


def check_name(name: str) -> None:
    """Raises ValueError for a name that must not, or cannot, be loaded as a language model."""
    if not name:
        raise ValueError("Choose a model first.")
    if is_url(check_model(name)):
        raise ValueError("A server does not tell its attention weights: name a model that runs on this machine.")


def load_hugging_face(name: str, progress: Progress | None):
    """In float32: patterns in bfloat16 would have two digits, and rows that do not sum to one."""
    from a3core.attention.encoders import load_encoder
    from a3core.attention.models import HuggingFaceModel

    if is_two_sided(split_part(name)[0]):
        return load_encoder(name)

    return HuggingFaceModel(load_language_model(name, dtype="float32", progress=progress))


def describe_terms(name: str | None) -> str:
    """The notice that must be shown with a model, if there is one."""
    return GEMMA_TERMS if name == MODEL_NAME else ""
