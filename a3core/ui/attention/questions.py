"""What the attention view asks of the server: a capture, a matrix of it, and measures of the text that it shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from a3core.ui.attention.models import AttentionModels, Progress


def describe_capture(
    models: AttentionModels,
    name: str,
    text: str,
    generate: bool,
    second: str = "",
    layers: str = "",
    progress: Progress | None = None,
) -> dict:
    """The payload of the view, with the request that brings it back. Raises ValueError."""
    from a3core.attention.payload import build_payload

    capture = models.capture(name, text or "", generate, progress, layers)
    request = {"model": capture.model, "text": text, "generate": generate, "second": second}
    request |= {"layers": layers} if layers else {}
    payload = build_payload(capture)
    if name not in models.checkpoints.trainings:
        return {**payload, "request": request}
    if generate and capture.n_prompt + capture.n_recited < len(capture.tokens):
        payload |= choose_needed(models.load(name, layers=layers), text, capture)
    return {**payload, "quick": True, "request": request}  # quick: its heads are measured as they are chosen


def choose_needed(model, text: str, capture) -> dict:
    """The head to open with in a small model: of those that its answer needs, the one that looks most sharply."""
    from a3core.attention.ablation import map_ablations

    found = map_ablations(model, text)
    decided = capture.n_prompt + capture.n_recited - 1  # the position that the answer's first token is read from
    sharpest = capture.pattern[:, :, decided, 1:decided].max(-1, initial=0.0)  # (n_layer, n_head)
    sharpest = np.where(found.after <= max(found.before / 2, found.after.min()), sharpest, -1)
    layer, head = divmod(int(sharpest.argmax()), sharpest.shape[1])
    why = f"opens here: without it the answer is {found.after[layer, head]:.0%} likely"
    return {"start": [layer, head], "why": why}


def fetch_matrix(models: AttentionModels, request: dict) -> dict:
    """What the view's script asks for when heads are chosen: {"matrix": base64}, or {"error": sentence}."""
    from a3core.attention.payload import encode_matrix, select_matrix

    try:
        heads = [(int(layer), int(head)) for layer, head in request["heads"]]
        layers = str(request.get("layers") or "")
        capture = models.find_capture(str(request["model"]), str(request["text"]), bool(request["generate"]), layers)
        weighing = str(request.get("weighing") or "")
        matrix = select_matrix(capture, heads, bool(request.get("rollout")), weighing)
        return {"matrix": encode_matrix(matrix, capture.causal)}
    except ValueError as error:
        return {"error": str(error)}
    except (KeyError, TypeError, AttributeError, OverflowError):
        return {"error": "The request names no heads of a captured pattern."}


def answer_view(
    models: AttentionModels,
    asked: dict,
    answer: str | None = None,
    mean: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict:
    """The answer to {kind, key, request, heads, at}, with the same kind, key and request; or {"error": sentence}."""
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
        return {**same, **answer_question(model, question, progress)}
    except ValueError as error:
        return {**same, "error": str(error)}
    except (KeyError, TypeError, AttributeError, OverflowError):
        return {**same, "error": "The question names no text, model or heads."}
