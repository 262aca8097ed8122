"""Ablation: switch heads off, and see what becomes of the answer.

    >>> effect = ablate_heads(model, read_pair(model, "Where was Babe Ruth born?"), [(2, 5)])
    >>> effect.answer, effect.before.probability, effect.after.probability
    ('Baltimore⁇', 0.93, 0.41)

A head is off when its part of the output projection's input is zero, or its mean over the text (`mean`), set by a
forward pre-hook. It is off at every position, or only where the answer is written (`where=ANSWER`): the first says
which heads are needed to read, the second which are needed to answer.
Axes: B variants of the model, T positions, V vocabulary, hs head size.
"""

import copy
import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from itertools import compress
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from a3core.attention.capture import read_text
from a3core.attention.eager import build_twin
from a3core.attention.models import AttentionModel, Continued
from a3core.attention.recording import find_layers, find_projections

EVERYWHERE, ANSWER = "everywhere", "answer"  # where a head is off
TOP = 5  # next tokens that are listed
TOKENS_AT_ONCE = 256  # variants that run as one batch, times the length of the text: larger ones leave the cache

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
    before, after = Variants(model, read, where, mean).predict(keep)
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
    n_layer, variants = count_layers(model), Variants(model, read, where, mean)
    before, heads, found = variants.run_unchanged(), n_layer * model.n_head, []
    keep = (1 - torch.eye(heads)).view(heads, n_layer, model.n_head)
    rows = max(1, TOKENS_AT_ONCE // len(read.ids))
    rows -= rows % model.n_head if rows > model.n_head else 0  # whole layers: a batch begins with its first one
    for start in range(0, heads, rows):
        found += [each.probability for each in variants.predict(keep[start : start + rows])]
        if progress:
            progress(len(found) + 1, heads + 1)
    return AblationMap(before.probability, np.array(found).reshape(n_layer, model.n_head))


def read_pair(model: AttentionModel, text: str, answer: str | None = None) -> Continued:
    """The text and the answer; without one, it is what the unchanged model writes after the text.

    Raises ValueError for a bad text, or where they are not within the limit together.
    """
    read = read_text(model, text, True, answer)
    if not read.answer or len(read.ids) > model.limit:
        raise ValueError(f"There is no room for an answer: {model.name} reads at most {model.limit} tokens.")
    return read


class Variants:
    """Variants of a model over one text, each with some heads off; they run on a twin of its network.

    What comes before the first layer that a batch of variants changes is the same in all of them and in the unchanged
    model: after `run_unchanged` it is not run again. Where the model `broadcasts`, one row is run up to that change.
    """

    def __init__(self, model: AttentionModel, read: Continued, where: str = EVERYWHERE, mean: bool = False):
        self.model, self.read, self.mean, self.network = model, read, mean, build_twin(model.network)
        self.positions = slice(None)  # where heads are off
        if where == ANSWER:
            self.positions = slice(read.position, None if read.masked is None else read.masked + 1)
        self.projections = list(find_projections(self.network, model).values())
        self.known: list[tuple[nn.Module, Tensor | tuple]] = []  # the first layers, with what they give when unchanged

    def run_unchanged(self) -> Prediction:
        """The unchanged model, whose layers are known from here on, if what is left of it then predicts the same."""
        unchanged, outputs, layers = torch.ones(1, len(self.projections), self.model.n_head), [], []
        with suppress(ValueError):  # layers that are not known here are all run anew
            layers, _ = find_layers(self.network)
        with ExitStack() as hooks:
            for layer in layers:
                hooks.enter_context(layer.register_forward_hook(lambda *given: outputs.append(copy.deepcopy(given[2]))))
            (before,) = self.predict(unchanged)
        self.known = list(zip(layers, outputs, strict=False))
        with suppress(RuntimeError, LookupError, TypeError, AttributeError):
            if math.isclose(self.predict(unchanged)[0].probability, before.probability, rel_tol=1e-3):
                return before
        self.known = []
        return before

    @torch.inference_mode()
    def predict(self, keep: Tensor) -> list[Prediction]:
        """One prediction for each variant of keep (B, n_layer, n_head), 1 for heads that are on and 0 for off."""
        reply, changed = self.read.answer, (keep < 1).any(dim=2).any(dim=0).tolist()  # (n_layer,)
        first = self.projections[changed.index(True) if True in changed else -1]
        rows = 1 if self.model.broadcasts else len(keep)
        with ExitStack() as hooks:
            for i, projection in compress(enumerate(self.projections), changed):
                hooks.enter_context(projection.register_forward_pre_hook(self._build_switch(keep[:, i])))
            at = [i for i, (layer, _) in enumerate(self.known) if any(module is first for module in layer.modules())]
            for layer, out in self.known[: at[0] if at else 0]:  # none for heads of another part of the model
                layer.forward = partial(repeat_output, out, rows)
                hooks.callback(delattr, layer, "forward")
            # the last token predicts nothing here; it counts in a mean
            idx = torch.tensor([self.read.ids[: None if self.mean else -1]]).expand(rows, -1)  # (1 or B, T)
            logits = self.model.logits(self.network, idx, len(reply) + self.mean)[:, : len(reply)]
        steps = logits.log_softmax(-1).cpu()  # (B, len(reply), V)
        chosen = steps.gather(2, torch.tensor(reply)[None, :, None].expand(len(keep), -1, 1))  # (B, len(reply), 1)
        shares, ids = steps[:, 0].exp().topk(min(TOP, steps.size(-1)))  # (B, TOP) of the token that follows the prompt
        split = self.model.split
        tops = [tuple(zip(split(i), p, strict=True)) for i, p in zip(ids.tolist(), shares.tolist(), strict=True)]
        return list(map(Prediction, chosen.sum((1, 2)).exp().tolist(), tops))

    def _build_switch(self, keep: Tensor) -> Callable:
        """A pre-hook of a projection that multiplies head h of variant b by keep[b, h] (B, n_head).

        What is off is zero, or with `mean` its mean over all positions.
        """

        def switch(module: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
            heads = args[0].unflatten(-1, (keep.size(1), -1))  # (1 or B, T, nh, hs)
            on = torch.ones_like(heads[..., :1]).repeat(len(keep) // len(heads), 1, 1, 1)  # (B, T, nh, 1)
            on[:, self.positions] = keep.to(heads)[:, None, :, None]
            switched = heads * on + (heads.mean(1, keepdim=True) * (1 - on) if self.mean else 0.0)
            return (switched.flatten(-2), *args[1:])  # (B, T, nh * hs)

        return switch


def repeat_output(out: Tensor | tuple, rows: int, *args, **options) -> Tensor | tuple:
    """What a layer gave for one row (1, T, C), with or without more beside it, in place of its own pass over `rows`."""
    return out.repeat(rows, 1, 1) if isinstance(out, Tensor) else (out[0].repeat(rows, 1, 1), *out[1:])
