"""The models whose attention can be looked at, by name: this project's checkpoints, and causal language models."""

from collections.abc import Callable

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.common.batching import LRUCache
from a3core.llm.endpoint import is_url
from a3core.llm.offered import check_model, list_models, split_part

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

    def load(self, name: str | None, progress: Progress | None = None, layers: str = ""):
        """The model as an `AttentionModel`, of which all layers or those of "4-7" are read. Raises ValueError."""
        from a3core.attention import encoders, models

        name = (name or "").strip()
        if not name:
            raise ValueError("Choose a model first.")
        if name in self.checkpoints.trainings:
            model = models.GPTModel(name, self.checkpoints.predictor(name))
        else:
            check_model(split_part(name)[0])
            model = self._language_models.get(name, lambda: encoders.load_model(name, progress))
        return models.choose_layers(model, layers)

    def capture(self, name: str | None, text: str, generate: bool, progress: Progress | None = None, layers: str = ""):
        """The `Capture` of a text, kept for the next look. Raises ValueError."""
        from a3core.attention.encoders import capture_text

        name = (name or "").strip()
        make = lambda: capture_text(self.load(name, progress, layers), text, generate)  # noqa: E731
        return self._captures.get((name, text, generate, layers), make)

    def find_capture(self, name: str, text: str, generate: bool, layers: str = ""):
        """A `Capture` that was made before; nothing is computed. Raises ValueError if there is none."""

        def refuse():
            raise ValueError("This pattern is no longer at hand: press Show.")

        return self._captures.get((name.strip(), text, generate, layers), refuse)
