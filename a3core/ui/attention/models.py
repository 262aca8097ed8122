"""The models whose attention can be looked at, by name: this project's checkpoints, and causal language models.

What the view asks of them: a capture, a matrix of it, and measures of the text that it shows.
"""

from collections.abc import Callable

import numpy as np

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.common.batching import LRUCache
from a3core.llm.endpoint import is_url
from a3core.llm.offered import check_model, list_models, split_part

MOST_LANGUAGE_MODELS = 2  # in memory, to stand side by side: each can be gigabytes
CAPTURE_BYTES = 400_000_000  # of patterns that are kept, so that a head can be fetched when it is looked at

Progress = Callable[[float, str], None]


class AttentionModels:
    """Loads each model when it is first asked for, and keeps the captures that are being looked at."""

    def __init__(self, checkpoints: CheckpointStore):
        self.checkpoints = checkpoints
        self._language_models = LRUCache(MOST_LANGUAGE_MODELS, lambda model: 1)
        self.captures = LRUCache(CAPTURE_BYTES, lambda capture: capture.pattern.nbytes)

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
        return self.captures.get((name, text, generate, layers), make)


# What the view asks


def describe_capture(models: AttentionModels, request: dict, progress: Progress | None = None) -> dict:
    """The payload of the view, with the request that brings it back: {model, text, generate, second, layers}.

    A small model opens with one of the heads that its answer needs, the one that looks most sharply. Raises ValueError.
    """
    from a3core.attention.ablation import map_ablations, read_pair
    from a3core.attention.payload import build_payload

    name, text, layers = request["model"], request["text"] or "", request.get("layers", "")
    capture = models.capture(name, text, request["generate"], progress, layers)
    payload = {**build_payload(capture), "request": {"second": "", **request, "model": capture.model}}
    if name not in models.checkpoints.trainings:
        return payload
    if request["generate"] and capture.n_prompt + capture.n_recited < len(capture.tokens):
        model = models.load(name, layers=layers)
        found = map_ablations(model, read_pair(model, text))
        decided = capture.n_prompt + capture.n_recited - 1  # the position that the answer's first token is read from
        sharpest = capture.pattern[:, :, decided, 1:decided].max(-1, initial=0.0)  # (n_layer, n_head)
        sharpest = np.where(found.after <= max(found.before / 2, found.after.min()), sharpest, -1)
        layer, head = divmod(int(sharpest.argmax()), sharpest.shape[1])
        why = f"opens here: without it the answer is {found.after[layer, head]:.0%} likely"
        payload |= {"start": [layer, head], "why": why}
    return {**payload, "quick": True}  # its heads are measured as they are chosen


def fetch_matrix(models: AttentionModels, request: dict) -> dict:
    """What the view's script asks for when heads are chosen: {"matrix": base64}, or {"error": sentence}."""
    from a3core.attention.payload import encode_matrix, select_matrix

    def refuse():
        raise ValueError("This pattern is no longer at hand: press Show.")

    try:
        heads = [(int(layer), int(head)) for layer, head in request["heads"]]
        key = (str(request["model"]).strip(), str(request["text"]), bool(request["generate"]))
        capture = models.captures.get((*key, str(request.get("layers") or "")), refuse)  # nothing is computed
        matrix = select_matrix(capture, heads, bool(request.get("rollout")), str(request.get("weighing") or ""))
        return {"matrix": encode_matrix(matrix, capture.causal)}
    except ValueError as error:
        return {"error": str(error)}
    except (KeyError, TypeError, AttributeError, OverflowError):
        return {"error": "The request names no heads of a captured pattern."}


def answer_view(
    models: AttentionModels, asked: dict, answer: str | None = None, mean: bool = False, report: Callable | None = None
) -> dict:
    """The answer to {kind, key, request, heads, at}, with the same kind, key and request; or {"error": sentence}.

    A long job calls report(done, total).
    """
    from a3core.attention.measures.answers import Question, answer_question

    same = {name: asked.get(name) for name in ("kind", "key", "request")}
    try:
        request, cell = asked["request"], asked.get("at") or {}
        question = Question(
            str(asked["kind"]),
            str(request["text"]),
            bool(request["generate"]),
            [(int(layer), int(head)) for layer, head in asked["heads"]],
            int(cell.get("query", 0)),
            int(cell.get("key", 0)),
            answer or None,
            bool(mean),
        )
        model = models.load(str(request["model"]), layers=str(request.get("layers") or ""))
        return {**same, **answer_question(model, question, report)}
    except ValueError as error:
        return {**same, "error": str(error)}
    except (KeyError, TypeError, AttributeError, OverflowError):
        return {**same, "error": "The question names no text, model or heads."}
