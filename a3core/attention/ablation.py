"""Ablation: switch heads off, and see what becomes of the answer.

    >>> effect = ablate_heads(model, read_pair(model, "Where was Babe Ruth born?"), [(2, 5)])
    >>> effect.answer, effect.before.probability, effect.after.probability
    ('Baltimore⁇', 0.93, 0.41)

A head is off when its part of the output projection's input is zero, or its mean over the text (`mean`), set by a
forward pre-hook. It is off at every position, or only where the answer is written (`where=ANSWER`): the first says
which heads are needed to read, the second which are needed to answer.
Axes: B variants of the model, T positions, V vocabulary, hs head size.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from a3core.attention.capture import read_text
from a3core.attention.eager import build_twin
from a3core.attention.models import AttentionModel, Continued
from a3core.attention.recording import find_projections

EVERYWHERE, ANSWER = "everywhere", "answer"  # where a head is off
TOP = 5  # next tokens that are listed
TOKENS_AT_ONCE = 512  # variants that run as one batch, times the length of the text: larger ones leave the cache

Progress = Callable[[int, int], None] | None  # (done, total)
Heads = Sequence[tuple[int, int]]  # (layer, head), counted among the layers that attend


class Prediction(NamedTuple):
    """What a variant of the model says."""

    probability: float  # of the whole answer
    top: tuple[tuple[str, float], ...]  # the likeliest next tokens with their probabilities, best first


class Effect(NamedTuple):
    """What switching heads off changes."""

    answer: str
    before: Prediction
    after: Prediction


class AblationMap(NamedTuple):
    """The answer's probability with each single head off."""

    before: float  # with every head on
    after: np.ndarray  # (n_layer, n_head)


def ablate_heads(
    model: AttentionModel, read: Continued, heads: Heads, where: str = EVERYWHERE, mean: bool = False
) -> Effect:
    """Switches heads off. read: text and answer of `read_pair`.

    Raises ValueError for a bad head, or where no projection is found to hook.
    """
    if not heads:
        raise ValueError("Choose at least one head to switch off.")
    n_layer = count_layers(model)
    if wrong := [pair for pair in heads if not (0 <= pair[0] < n_layer and 0 <= pair[1] < model.n_head)]:
        size = f"layers 0 to {n_layer - 1} with heads 0 to {model.n_head - 1}"
        raise ValueError(f"{model.name} has {size}, no layer {wrong[0][0]} head {wrong[0][1]}.")
    keep = torch.ones(2, n_layer, model.n_head)  # the unchanged model, then the ablated one
    for layer, head in heads:
        keep[1, layer, head] = 0
    before, after = _predict(model, read, keep, where, mean)
    return Effect(model.join(read.answer), before, after)


def count_layers(model: AttentionModel) -> int:
    """How many layers have heads that can be switched off. Raises ValueError where no output projection is found."""
    if found := len(find_projections(model.network, model)):
        return found
    raise ValueError(f"The heads of {model.name} cannot be switched off: it names its projections in its own way.")


def map_ablations(
    model: AttentionModel,
    read: Continued,
    progress: Progress = None,
    where: str = EVERYWHERE,
    mean: bool = False,
) -> AblationMap:
    """Switches off every head in turn, and reports to `progress`. read: text and answer of `read_pair`.

    Raises ValueError where no projection is found to hook.
    """
    n_layer = count_layers(model)
    heads = n_layer * model.n_head
    keep = torch.ones(heads + 1, heads)  # row 0 is the unchanged model
    keep[torch.arange(1, heads + 1), torch.arange(heads)] = 0
    keep = keep.view(heads + 1, n_layer, model.n_head)
    rows, found = max(1, TOKENS_AT_ONCE // len(read.ids)), []
    for start in range(0, heads + 1, rows):
        found += [p.probability for p in _predict(model, read, keep[start : start + rows], where, mean)]
        if progress:
            progress(len(found), heads + 1)
    after = np.array(found[1:]).reshape(n_layer, model.n_head)
    return AblationMap(found[0], after)


def read_pair(model: AttentionModel, text: str, answer: str | None = None) -> Continued:
    """The text and the answer; without one, it is what the unchanged model writes after the text.

    Raises ValueError for a bad text, or where they are not within the limit together.
    """
    read = read_text(model, text, True, answer)
    if not read.answer or len(read.ids) > model.limit:
        raise ValueError(f"There is no room for an answer: {model.name} reads at most {model.limit} tokens.")
    return read


@torch.inference_mode()
def _predict(model: AttentionModel, read: Continued, keep: Tensor, where: str, mean: bool) -> list[Prediction]:
    """One prediction for each variant of keep (B, n_layer, n_head), which is 1 for heads that are on and 0 for off."""
    network, reply, positions = build_twin(model.network), read.answer, slice(None)
    if where == ANSWER:
        positions = slice(read.position, None if read.masked is None else read.masked + 1)
    for layer, projection in enumerate(find_projections(network, model).values()):
        projection.register_forward_pre_hook(_build_switch(keep[:, layer], positions, mean))
    idx = torch.tensor([read.ids]).expand(len(keep), -1)  # (B, T)
    steps = model.logits(network, idx, len(reply) + 1)[:, :-1].log_softmax(-1).cpu()  # (B, len(reply), V)
    chosen = steps.gather(2, torch.tensor(reply)[None, :, None].expand(len(keep), -1, 1))  # (B, len(reply), 1)
    shares, ids = steps[:, 0].exp().topk(min(TOP, steps.size(-1)))  # (B, TOP) of the token that follows the prompt
    tops = [tuple(zip(model.split(i), p, strict=True)) for i, p in zip(ids.tolist(), shares.tolist(), strict=True)]
    return list(map(Prediction, chosen.sum((1, 2)).exp().tolist(), tops))


def _build_switch(keep: Tensor, positions: slice, mean: bool) -> Callable:
    """A pre-hook of a projection that multiplies head h of variant b by keep[b, h] (B, n_head).

    positions: where heads are off. mean: what is off is its mean over all positions, not zero.
    """

    def switch(module: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        heads = args[0].unflatten(-1, (keep.size(1), -1))  # (B, T, nh, hs)
        on = torch.ones_like(heads[..., :1])  # (B, T, nh, 1)
        on[:, positions] = keep.to(heads)[:, None, :, None]
        off = heads.mean(1, keepdim=True) if mean else 0.0
        return ((heads * on + off * (1 - on)).flatten(-2), *args[1:])  # (B, T, nh * hs)

    return switch
