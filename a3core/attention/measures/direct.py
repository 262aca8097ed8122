"""What heads write towards the next token directly, what the model would predict after each layer, one weight.

    trace = model.trace(torch.tensor([ids]))
    found = attribute_heads(model, trace, position=29)
    found.heads.sum() + found.rest == found.total          # within 1e-3: every norm's scale is that of this text

Direct logit attribution (Elhage et al. 2021, "A mathematical framework for transformer circuits") does not see what a
head does through later layers. The logit lens is of nostalgebraist (2020). Axes: nh heads, C channels, V vocabulary.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from a3core.attention.models import AttentionModel
from a3core.attention.recording import Attended, Trace, find_layers, find_projections, freeze_norm, split_projection

TOP = 5  # tokens of a row of the lens
SAME = 1e-3  # relative: how far the parts may miss the logit


class Attribution(NamedTuple):
    """The next token's logit less the mean of all logits, as a sum; before a cap on the logits, where there is one."""

    target: int  # the token's id
    heads: np.ndarray  # (n_layer, n_head) float32, of the layers that attend
    rest: float  # embeddings, MLPs and biases
    total: float


@torch.inference_mode()
def attribute_heads(model: AttentionModel, trace: Trace, position: int, target: int | None = None) -> Attribution:
    """What each head adds to the logit of `target` behind `position`; by default of the likeliest token.

    Raises ValueError where a part of the model is not known here, or the parts do not sum to the logit.
    """
    _, final = find_layers(trace.network)
    if isinstance(final, nn.Identity) or trace.part == "encoder":
        raise ValueError(f"What heads write in {model.name} goes through more than its last norm to the logit.")
    x = trace.stream[-1][position].float()  # (C,)
    gain, bias, centred = freeze_norm(final, x)
    weight, added = (None if each is None else each.float() for each in model.unembedding())  # (V, C), (V,)
    raw = final(x[None])[0] @ weight.T + (0 if added is None else added)  # (V,)
    scale = _find_scale(model, trace, position, raw)
    target = int(raw.argmax()) if target is None else target
    mean = weight.mean(0)  # (C,): of all tokens, so that a push on every logit counts for nothing
    column = weight[target] - mean
    direction = gain * column
    if centred:
        direction = direction - direction.mean()
    heads = torch.stack([each @ direction for each in _list_written(model, trace, position)]) * scale
    constant = column @ bias if isinstance(bias, Tensor) else torch.tensor(0.0)
    constant += 0 if added is None else added[target] - added.mean()
    total = float((raw[target] - raw.mean()) * scale)
    rest = float((direction @ x + constant) * scale - heads.sum())
    if abs(float(heads.sum()) + rest - total) > SAME * max(1.0, abs(total)):
        raise ValueError(f"The parts of {model.name} do not sum to its logit: nothing is attributed.")
    return Attribution(target, heads.float().cpu().numpy(), rest, total)


def _find_scale(model: AttentionModel, trace: Trace, position: int, raw: Tensor) -> float:
    """By what the model multiplies its logits; a cap s tanh(logit / s) is left out. Raises ValueError if by nothing."""
    back = trace.inputs[0].size(0) - position  # of the logits, the last alone may have been computed
    if back > len(trace.logits):
        return 1.0
    logits = trace.logits[-back].to(raw)
    scale = float(logits @ raw / (raw @ raw))
    cap = getattr(getattr(model.network, "config", None), "final_logit_softcapping", None)
    for candidate, expected in ((1.0, raw), (scale, scale * raw), (1.0, cap and cap * torch.tanh(raw / cap))):
        if expected is not None and (logits - expected).abs().max() <= SAME * max(1.0, float(logits.abs().max())):
            return candidate
    raise ValueError(f"The logits of {model.name} are made in a manner that is not known here.")


def _list_written(model: AttentionModel, trace: Trace, position: int) -> list[Tensor]:
    """What each head adds to the stream at a position: (nh, C) for each layer that attends.

    Raises ValueError unless the heads of each layer sum to what its projection gave.
    """
    projections = find_projections(trace.network, trace).values()
    factor = float(getattr(getattr(model.network, "config", None), "residual_multiplier", 1.0))
    found = []
    for projection, z, out, norm in zip(projections, trace.inputs, trace.outputs, trace.norms, strict=True):
        z, out = z[position].float(), out[position].float()
        w_o = split_projection(projection, model.n_head).float()  # (nh, hs, C)
        written = torch.einsum("hs,hsc->hc", z.view(model.n_head, -1), w_o)
        bias = 0 if getattr(projection, "bias", None) is None else projection.bias
        if not torch.allclose(written.sum(0) + bias, out, rtol=1e-3, atol=1e-4 * float(out.abs().max())):
            raise ValueError("The heads do not sum to what their projection gives: its layout is not known here.")
        if norm is not None:
            gain, _, centred = freeze_norm(norm, out)
            written = (written - written.mean(-1, keepdim=True) if centred else written) * gain
        found.append(written * factor)
    return found


@torch.inference_mode()
def read_lens(model: AttentionModel, trace: Trace, position: int, target: int | None = None) -> list[dict]:
    """A row for the embedding and for each layer: the next token behind `position` if the model stopped there.

    layer: how many layers have run. top: the likeliest tokens with their probabilities, best first. rank, probability:
    of the target, by default the token that the model does write; 1 is the likeliest.

    The model's own norm and output read each row. Raises ValueError where its layers are not known here.
    """
    layers, _ = find_layers(trace.network)
    features = torch.stack([x[position] for x in trace.stream])[:, None]  # (n_layer + 1, 1, C)

    def stop_here(layer: nn.Module, args: tuple, out: Tensor | tuple) -> Tensor | tuple:
        return features if isinstance(out, Tensor) else (features, *out[1:])

    with layers[-1].register_forward_hook(stop_here):  # what follows is position by position: one of them is enough
        logits = model.logits(trace.network, torch.zeros(len(features), 1, dtype=torch.long), 1)[:, -1]
    shares = logits.softmax(-1)  # (n_layer + 1, V)
    target = int(shares[-1].argmax()) if target is None else target
    return [
        {
            "layer": i,
            "top": list(zip(model.split(top.indices.tolist()), top.values.tolist(), strict=True)),
            "rank": int((row > row[target]).sum()) + 1,
            "probability": float(row[target]),
        }
        for i, row in enumerate(shares)
        for top in [row.topk(min(TOP, len(row)))]
    ]


def read_cell(attended: Attended, head: int, query: int, key: int) -> dict[str, np.ndarray]:
    """One weight of one head from its vectors: the cell [head, query, key] of a layer.

    Returns:
        query, key: (hs,), after positions are rotated in
        products: (hs,) per dimension, with the scale; they sum to the score less the bias
        scores: (K,) of the row before the softmax, with a bias of positions and without the mask
        biases: (K,) of the row's distances, where the model has them
        masked: (K,) bool
        weights: (K,) of the pattern

    Raises ValueError where the model does not hand out its vectors.
    """
    if attended.query is None:
        raise ValueError("This model does not hand out its queries and keys: its weights alone can be read.")
    q, keys = attended.query[head, query].double(), attended.key[head].double()  # (hs,), (K, hs)
    scores = keys @ q * attended.scale  # (K,)
    mask = torch.zeros_like(attended.pattern) if attended.mask is None else attended.mask
    bias = (mask if mask.dim() == 2 else mask[head])[query].double()  # (K,)
    masked = bias < -1e4
    bias = bias.masked_fill(masked, 0.0)
    found = {"query": q, "key": keys[key], "products": q * keys[key] * attended.scale, "scores": scores + bias}
    found |= {"biases": bias, "masked": masked, "weights": attended.pattern[head, query]}
    return {name: each.cpu().numpy() for name, each in found.items()}
