"""Capture: a text in, its tokens and every attention weight of the model out.

>>> capture = capture_pattern(model, "Where was Babe Ruth born?", generate=True)
>>> capture.pattern.shape            # (n_layer, n_head, T, T): [layer, head, query_pos, key_pos]
(4, 8, 35, 35)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from a3core.attention.measures.direct import attribute_heads
from a3core.attention.models import AttentionModel, Continued
from a3core.attention.recording import Attended, Trace, find_projections, split_projection

MAX_NUMBERS = 4_000_000  # numbers in a JSON answer: some 30 MB of text
MAX_BYTES = 1_000_000_000  # of patterns, while they are captured
HALF_FROM = 100_000_000  # bytes of patterns from which they are held in float16: the view has three digits


@dataclass(frozen=True)
class Capture:
    """The attention of one model over one text."""

    model: str
    tokens: tuple[str, ...]
    n_prompt: int  # the tokens from here on were generated
    pattern: np.ndarray  # (n_layer, n_head, Q, K) float32 or float16, of the layers that attend
    n_recited: int = 0  # of the generated tokens, those that were recited before the answer
    layers: tuple[int, ...] = ()  # the number of each layer in the model, where some do not attend; else empty
    norms: dict[str, np.ndarray] = field(default_factory=dict)  # "v" and "vo": (n_layer, n_head, T), |v| and |v W_O|
    start: tuple[int, int] = (0, 0)  # the head to open with, (row of `pattern`, head)
    why: str = ""  # it is that one
    keys: tuple[str, ...] = ()  # tokens that are attended to, where they are another text than `tokens`
    causal: bool = True  # nothing above the diagonal
    note: str = ""  # on layers that do not attend, and on rows that do not sum to one

    def to_json(self) -> dict:
        """{tokens, shape, pattern}, the pattern as nested lists. Raises ValueError if that would be huge."""
        if self.pattern.size > MAX_NUMBERS:
            raise ValueError(
                f"{self.pattern.size:,} numbers are too many for JSON (at most {MAX_NUMBERS:,}): "
                "shorten the text, or download the pattern as .npz."
            )
        return {
            "tokens": list(self.tokens),
            **({"keys": list(self.keys)} if self.keys else {}),
            "shape": list(self.pattern.shape),
            "pattern": np.round(self.pattern.astype(float), 6).tolist(),
        }


@torch.inference_mode()
def capture_pattern(model: AttentionModel, text: str, generate: bool = False) -> Capture:
    """Tokens and pattern of `text`, followed by what the model writes after it if `generate`.

    Raises ValueError that says what is wrong with the text or with the model.
    """
    read = read_text(model, text, generate)
    ids = read.ids[: model.limit]
    if len(ids) < 2:
        raise ValueError("One token has nothing but itself to attend to: write a longer text.")
    size = 4 * len(model.layers or range(model.n_layer)) * model.n_head * len(ids) ** 2  # bytes of the patterns alone
    if size > MAX_BYTES:
        memory = f"{size / 1e9:.1f} GB of memory"
        raise ValueError(f"The patterns of {len(ids)} tokens would take {memory}: shorten the text or choose layers.")
    trace = model.trace(torch.tensor([ids]))
    patterns = [attended.pattern for attended in trace.attended]
    check_complete(model, patterns, len(ids))
    pattern = torch.stack(patterns).float().cpu().numpy()  # (n_layer, n_head, T, T)
    start, why = choose_head(model, trace, pattern, ids, min(read.position, len(ids) - 1))
    layers, note = number_layers(model, trace.attended)
    if (least := float(pattern.sum(-1, dtype=np.float64).min())) < 0.99:
        note += f" Rows sum to less than one, down to {least:.2g}: the rest goes to a sink that is no token."
    return Capture(
        model.name,
        tuple(model.split(ids)),
        len(read.prompt),
        pattern.astype(np.float16) if pattern.nbytes > HALF_FROM else pattern,
        len(read.sentence),
        layers,
        measure_values(trace),
        start,
        why,
        note=note.strip(),
    )


def choose_head(
    model: AttentionModel, trace: Trace, pattern: np.ndarray, ids: list[int], position: int
) -> tuple[tuple[int, int], str]:
    """The head that writes most towards the next token, else the one with the largest weight off the first token."""
    target = ids[position + 1] if position + 1 < len(ids) else None
    try:
        found = attribute_heads(model, trace, position, target)
        best = np.unravel_index(np.argmax(found.heads), found.heads.shape)
        why = f"opens here: it writes most directly towards the next token, “{model.split([found.target])[0]}”"
    except ValueError:
        weights = pattern[:, :, position, 1 : position or 1]  # neither on the first token nor on itself
        best = np.unravel_index(np.argmax(weights.max(-1)), weights.shape[:2]) if weights.size else (0, 0)
        why = "opens here: it has the largest weight on one token other than the first"
    return (int(best[0]), int(best[1])), why


def measure_values(trace: Trace) -> dict[str, np.ndarray]:
    """|v| and |v W_O| of every key, (n_layer, n_head, K) float32 each; nothing where a model does not hand out values.

    Kobayashi et al. 2020, https://arxiv.org/abs/2004.10102: a weight moves as much as the vector that it weighs.
    """
    if any(attended.value is None for attended in trace.attended):
        return {}
    found = {"v": torch.stack([attended.value.norm(dim=-1) for attended in trace.attended])}
    projections = list(find_projections(trace.network, trace).values())
    if len(projections) == len(trace.attended):
        written = [
            attended.value @ split_projection(projection, len(attended.value)).to(attended.value)  # (nh, K, C)
            for attended, projection in zip(trace.attended, projections, strict=True)
        ]
        found["vo"] = torch.stack([each.norm(dim=-1) for each in written])
    return {name: norms.float().cpu().numpy() for name, norms in found.items()}


def number_layers(model: AttentionModel, attended: Sequence[Attended]) -> tuple[tuple[int, ...], str]:
    """The number of each layer that is read, and why others are not; empty where all are."""
    if len(attended) == model.n_layer:
        return (), ""
    numbers = tuple(each.layer for each in attended)
    if model.layers:
        return numbers, f"Layers {numbers[0]} to {numbers[-1]} of {model.n_layer}, as chosen."
    attend, rest = ", ".join(map(str, numbers)), ", ".join(str(i) for i in range(model.n_layer) if i not in numbers)
    return numbers, f"Only layers {attend} of {model.n_layer} attend; layers {rest} mix tokens otherwise."


def read_text(model: AttentionModel, text: str, generate: bool = False, answer: str | None = None) -> Continued:
    """A text in tokens; if `generate` with what the model writes behind it, or the answer in its place.

    Raises ValueError as `check_text`, and for a text over the model's limit.
    """
    check_text(model, text)
    read = Continued(model.encode(text), [], [])
    check_length(model, len(read.prompt), "tokens")
    if generate:
        read = model.continue_text(text, answer)
        check_length(model, len(read.prompt), "tokens")
    return read


def check_text(model: AttentionModel, text: str) -> None:
    """Raises ValueError for a text that is empty, no text, or far over the model's limit."""
    if not text.strip():
        raise ValueError("Type a text: there is nothing to look at yet.")
    if "\0" in text:
        raise ValueError("The text holds a NUL character, which is no text: leave it out.")
    if len(text) > 100 * model.limit:
        check_length(model, len(text), "characters")


def check_length(model: AttentionModel, length: int, unit: str) -> None:
    """Raises ValueError for a text over the model's limit."""
    if length > model.limit:
        raise ValueError(
            f"The text has {length:,} {unit}, but {model.name} shows at most {model.limit} tokens: shorten it."
        )


def check_complete(model: AttentionModel, layers: list, T: int) -> None:
    """Raises ValueError unless every layer that attends gave a causal pattern (n_head, T, T) of finite numbers."""
    if not layers:
        raise ValueError(f"{model.name} gives no attention weights: it has no attention, or hides it.")
    shapes = {tuple(layer.shape) for layer in layers}
    if shapes != {(model.n_head, T, T)}:
        raise ValueError(
            f"{model.name} gives attention weights with shapes {sorted(shapes)}, not with {(model.n_head, T, T)}: "
            "the picture would be incomplete."
        )
    if not all(layer.isfinite().all() for layer in layers):
        raise ValueError(f"{model.name} computes attention weights that are no numbers (NaN) on this text.")
    if any(layer.triu(1).any() for layer in layers):
        raise ValueError(f"{model.name} looks at later tokens: it is no causal language model.")
