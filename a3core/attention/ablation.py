"""Ablation: switch heads off, and see what becomes of the answer.

    >>> effect = ablate_heads(model, "Where was Babe Ruth born?", [(2, 5)])
    >>> effect.answer, effect.before.probability, effect.after.probability
    ('Baltimore⁇', 0.93, 0.41)

A head is off when its part of the output projection's input is zero (zero ablation), set by a forward pre-hook.
Axes: B variants of the model, T positions, V vocabulary, hs head size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from a3core.attention.capture import AttentionModel, encode_text
from a3core.attention.models import build_twin, find_projections

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TOP = 5  # next tokens that are listed
TOKENS_AT_ONCE = 2048  # variants that run as one batch, times the length of the text


@dataclass(frozen=True)
class Prediction:
    """What a variant of the model says."""

    probability: float  # of the whole answer
    top: tuple[tuple[str, float], ...]  # the likeliest next tokens with their probabilities, best first


@dataclass(frozen=True)
class Effect:
    """What switching heads off changes."""

    answer: str
    before: Prediction
    after: Prediction


@dataclass(frozen=True)
class AblationMap:
    """The answer's probability with each single head off."""

    model: str
    answer: str
    before: float  # with every head on
    after: np.ndarray  # (n_layer, n_head)


def ablate_heads(
    model: AttentionModel, text: str, heads: Sequence[tuple[int, int]], answer: str | None = None
) -> Effect:
    """Switches the (layer, head) pairs off. Without an answer, it is what the whole model writes after the text.

    Raises ValueError for a bad text or head, or where no projection is found to hook.
    """
    check_heads(model, heads)
    prompt, reply = _encode_pair(model, text, answer)
    keep = torch.ones(2, model.n_layer, model.n_head)  # the whole model, then the ablated one
    for layer, head in heads:
        keep[1, layer, head] = 0
    before, after = _predict(model, prompt, reply, keep)
    return Effect(model.join(reply), before, after)


def check_heads(model: AttentionModel, heads: Sequence[tuple[int, int]]) -> None:
    if not heads:
        raise ValueError("Choose at least one head to switch off.")
    if wrong := [pair for pair in heads if not (0 <= pair[0] < model.n_layer and 0 <= pair[1] < model.n_head)]:
        size = f"layers 0 to {model.n_layer - 1} with heads 0 to {model.n_head - 1}"
        raise ValueError(f"{model.name} has {size}, no layer {wrong[0][0]} head {wrong[0][1]}.")


def map_ablations(
    model: AttentionModel, text: str, answer: str | None = None, progress: Callable[[int, int], None] | None = None
) -> AblationMap:
    """Switches off every head in turn, telling `progress(done, total)`. Raises ValueError as `ablate_heads`."""
    prompt, reply = _encode_pair(model, text, answer)
    heads = model.n_layer * model.n_head
    keep = torch.ones(heads + 1, heads)  # row 0 is the whole model
    keep[torch.arange(1, heads + 1), torch.arange(heads)] = 0
    keep = keep.view(heads + 1, model.n_layer, model.n_head)
    rows, found = max(1, TOKENS_AT_ONCE // (len(prompt) + len(reply))), []
    for start in range(0, heads + 1, rows):
        found += [p.probability for p in _predict(model, prompt, reply, keep[start : start + rows])]
        if progress:
            progress(len(found), heads + 1)
    after = np.array(found[1:]).reshape(model.n_layer, model.n_head)
    return AblationMap(model.name, model.join(reply), found[0], after)


def _encode_pair(model: AttentionModel, text: str, answer: str | None) -> tuple[list[int], list[int]]:
    """Ids of the prompt, with the sentence recalled behind it, and of the answer; together within the limit."""
    encode_text(model, text)
    prompt, sentence, reply = model.continue_text(text, answer)
    lead = prompt + sentence
    if not reply or len(lead) + len(reply) > model.limit:
        raise ValueError(f"There is no room for an answer: {model.name} reads at most {model.limit} tokens.")
    return lead, reply


@torch.inference_mode()
def _predict(model: AttentionModel, prompt: list[int], reply: list[int], keep: Tensor) -> list[Prediction]:
    """One prediction for each variant of keep (B, n_layer, n_head), which is 1 for heads that are on and 0 for off."""
    network = build_twin(model.network)
    switch_heads(find_projections(network), keep)
    idx = torch.tensor([prompt + reply]).expand(len(keep), -1)  # (B, T)
    steps = model.logits(network, idx, len(reply) + 1)[:, :-1].log_softmax(-1)  # (B, len(reply), V)
    steps = steps.cpu()
    chosen = steps.gather(2, torch.tensor(reply)[None, :, None].expand(len(keep), -1, 1))  # (B, len(reply), 1)
    return [_summarise(model, row.sum().exp().item(), step[0]) for row, step in zip(chosen, steps, strict=True)]


def _summarise(model: AttentionModel, probability: float, log_probabilities: Tensor) -> Prediction:
    """log_probabilities (V,): of the token that follows the prompt."""
    shares, ids = log_probabilities.exp().topk(min(TOP, len(log_probabilities)))
    return Prediction(probability, tuple(zip(model.split(ids.tolist()), shares.tolist(), strict=True)))


def switch_heads(projections: Sequence[nn.Module], keep: Tensor) -> None:
    """Hooks a pre-hook into each layer's projection that multiplies head h of variant b by keep[b, layer, h].

    Raises ValueError unless there is one projection for each layer of keep (B, n_layer, n_head).
    """
    if len(projections) != keep.size(1):
        raise ValueError(f"Its heads cannot be switched off: {len(projections)} projections in {keep.size(1)} layers.")
    for layer, projection in enumerate(projections):
        projection.register_forward_pre_hook(_build_switch(keep[:, layer]))


def _build_switch(keep: Tensor) -> Callable:
    def switch(module: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        heads = args[0].unflatten(-1, (keep.size(1), -1))  # (B, T, nh, hs)
        return ((heads * keep.to(heads)[:, None, :, None]).flatten(-2), *args[1:])  # (B, T, nh * hs)

    return switch


def plot_ablation_map(found: AblationMap) -> Figure:
    """Change of the answer's probability for each head that is switched off; blue is a loss, orange a gain."""
    from a3core.attention.lab.figures import axis, figure

    change = found.after - found.before  # (n_layer, n_head)
    reach = float(np.abs(change).max()) or 1.0
    trace = {
        "type": "heatmap",
        "z": change.tolist(),
        "customdata": found.after.tolist(),
        "zmin": -reach,
        "zmax": reach,
        "colorscale": [[0, "#0072B2"], [0.5, "#f5f5f5"], [1, "#D55E00"]],
        "colorbar": {"title": {"text": "change"}, "tickformat": "+.2~g"},
        "hovertemplate": "layer %{y}, head %{x}<br>probability %{customdata:.4g} (%{z:+.3g})<extra></extra>",
        "xgap": 1,
        "ygap": 1,
    }
    title = f"One head off: probability of the answer, {found.before:.3g} with all on"
    size = {"height": 180 + 24 * len(change), "yaxis": axis("layer", dtick=1, autorange="reversed")}
    return figure([trace], title, xaxis=axis("head", dtick=1), **size)
