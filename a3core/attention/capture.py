"""Capture: a text in, its tokens and every attention weight of the model out.

>>> capture = capture_pattern(model, "Where was Babe Ruth born?", generate=True)
>>> capture.pattern.shape            # (n_layer, n_head, T, T): [layer, head, query_pos, key_pos]
(4, 8, 35, 35)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from a3core.attention.models import GPTModel, HuggingFaceModel

AttentionModel = GPTModel | HuggingFaceModel

MAX_NUMBERS = 4_000_000  # numbers in a JSON answer: some 30 MB of text


@dataclass(frozen=True)
class Capture:
    """The attention of one model over one text."""

    model: str
    tokens: tuple[str, ...]
    n_prompt: int  # the tokens from here on were generated
    pattern: np.ndarray  # (n_layer, n_head, T, T) float32; rows sum to one, nothing above the diagonal
    n_recited: int = 0  # of the generated tokens, those that were recited before the answer

    def to_json(self) -> dict:
        """{tokens, shape, pattern}, the pattern as nested lists. Raises ValueError if that would be huge."""
        if self.pattern.size > MAX_NUMBERS:
            raise ValueError(
                f"{self.pattern.size:,} numbers are too many for JSON (at most {MAX_NUMBERS:,}): "
                "shorten the text, or download the pattern as .npz."
            )
        return {
            "tokens": list(self.tokens),
            "shape": list(self.pattern.shape),
            "pattern": np.round(self.pattern.astype(float), 6).tolist(),
        }


def capture_pattern(model: AttentionModel, text: str, generate: bool = False) -> Capture:
    """Tokens and pattern of `text`, followed by what the model writes after it if `generate`.

    Raises ValueError that says what is wrong with the text or with the model.
    """
    prompt, sentence, answer = encode_text(model, text), [], []
    if generate:
        prompt, sentence, answer = model.continue_text(text)
        check_length(model, len(prompt), "tokens")
    ids = (prompt + sentence + answer)[: model.limit]
    if len(ids) < 2:
        raise ValueError("One token has nothing but itself to look at: write a longer text.")
    layers = model.read_patterns(torch.tensor([ids]))
    check_complete(model, layers, len(ids))
    pattern = torch.stack(layers).float().cpu().numpy()  # (n_layer, n_head, T, T)
    return Capture(model.name, tuple(model.split(ids)), len(prompt), pattern, len(sentence))


def encode_text(model: AttentionModel, text: str) -> list[int]:
    """Token ids of a text. Raises ValueError for one that is empty, unreadable or over the model's limit."""
    if not text.strip():
        raise ValueError("Type a text: there is nothing to look at yet.")
    if "\0" in text:
        raise ValueError("The text holds a NUL character, which is no text: leave it out.")
    if len(text) > 100 * model.limit:
        check_length(model, len(text), "characters")
    ids = model.encode(text)
    check_length(model, len(ids), "tokens")
    return ids


def check_length(model: AttentionModel, length: int, unit: str) -> None:
    if length > model.limit:
        raise ValueError(
            f"The text has {length:,} {unit}, but {model.name} shows at most {model.limit} tokens: shorten it."
        )


def check_complete(model: AttentionModel, layers: list, T: int) -> None:
    """Raises ValueError unless every layer gave a causal pattern (n_head, T, T) of finite numbers."""
    if not layers:
        raise ValueError(f"{model.name} gives no attention weights: it has no attention, or hides it.")
    shapes = {tuple(layer.shape) for layer in layers}
    if len(layers) != model.n_layer or shapes != {(model.n_head, T, T)}:
        raise ValueError(
            f"{model.name} gives attention weights of {len(layers)} layers with shapes {sorted(shapes)}, "
            f"not of {model.n_layer} with {(model.n_head, T, T)}: the picture would be incomplete."
        )
    if not all(layer.isfinite().all() for layer in layers):
        raise ValueError(f"{model.name} computes attention weights that are no numbers (NaN) on this text.")
    if any(layer.triu(1).any() for layer in layers):
        raise ValueError(f"{model.name} looks at later tokens: it is no causal language model.")
