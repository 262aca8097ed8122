"""What a model computes on one text: patterns, queries, keys, values, what heads write, and the residual stream.

    trace = model.trace(torch.tensor([ids]))
    trace.attended[2].pattern                # (nh, Q, K) of the third layer that attends
    trace.stream[-1]                         # (T, C) before the final norm

Axes: nh heads, Q query positions, K key positions, hs head size, C channels.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

CROSS = ("encoder_attn", "EncDecAttention")  # from the decoder to the encoder
ATTENTION_NAMES = ("attn", "self_attn", "attention", "self_attention", "SelfAttention", *CROSS)
PROJECTION_NAMES = ("o_proj", "c_proj", "out_proj", "dense", "proj", "o", "out_lin")
FINAL_NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm", "final_norm", "embedding_norm", "norm_f")


class Attended(NamedTuple):
    """One layer's attention over one text. Queries, keys and values are None where a model does not hand them out."""

    layer: int  # among all layers of the model
    pattern: Tensor  # (nh, Q, K)
    query: Tensor | None = None  # (nh, Q, hs), after positions are rotated in
    key: Tensor | None = None  # (nh, K, hs)
    value: Tensor | None = None  # (nh, K, hs)
    mask: Tensor | None = None  # (Q, K) or (nh, Q, K): what is added to the scores
    scale: float = 1.0  # of query times key


@dataclass
class Trace:
    """All that `Attended` and the hooks read in one run over one text."""

    attended: list[Attended] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)  # (T, nh * hs) of each output projection
    outputs: list[Tensor] = field(default_factory=list)  # (T, C) of each output projection
    norms: list[nn.Module | None] = field(default_factory=list)  # that each output goes through before the stream
    stream: list[Tensor] = field(default_factory=list)  # (T, C) before each layer, and before the final norm
    logits: Tensor | None = None  # (last, V) at the last positions
    network: nn.Module | None = None  # the twin that ran
    layers: range | None = None  # of the model, those that are read; None: all
    part: str = ""  # "encoder", "decoder" or "cross" of an encoder-decoder


def find_projections(network: nn.Module, chosen=None) -> dict[str, nn.Module]:
    """By path, each layer's output projection, whose input is the heads side by side: o_proj, c_proj, out_proj, ...

    chosen: a model or a trace, with the `layers` and the `part` that are read, where it is not all.
    """
    part, layers = (chosen.part, chosen.layers) if chosen else ("", None)
    found = {}
    for path, module in network.named_modules():
        parent, _, leaf = path.rpartition(".")
        if (leaf in PROJECTION_NAMES and parent.rpartition(".")[2] in ATTENTION_NAMES) or path.endswith(
            "attention.output.dense"
        ):
            side = "encoder" if "encoder" in path.split(".") else "decoder"
            if part in ("", "cross" if parent.endswith(CROSS) else side):
                found[path] = module
    return {path: found[path] for i, path in enumerate(found) if layers is None or i in layers}


def find_layers(network: nn.Module) -> tuple[Sequence[nn.Module], nn.Module]:
    """All layers before the next token, and the final norm; an Identity where each layer ends with a norm.

    Raises ValueError where they have other names than is usual.
    """
    first = next(reversed(find_projections(network)), "")  # of an encoder-decoder a decoder's
    container = re.match(r"(.*?)\.\d+\.", first)
    if container is None:
        raise ValueError("Its layers have names that are not known here, so nothing is read between them.")
    parent = network.get_submodule(container[1].rpartition(".")[0])
    norms = {name: module for name, module in parent.named_children() if name in FINAL_NORMS}
    return network.get_submodule(container[1]), next(iter(norms.values()), nn.Identity())


@contextmanager
def record_stream(network: nn.Module, trace: Trace) -> Iterator[None]:
    """Hooks on a network of one's own: what each projection gets and gives, and the residual stream. One row alone.

    Nothing but patterns is read where `find_layers` does not know the layers.
    """
    try:
        layers, _ = find_layers(network)
    except ValueError:
        yield
        return

    def read_input(module: nn.Module, args: tuple, options: dict) -> None:
        trace.stream.append((args[0] if args else options["hidden_states"])[0])

    written, after = [], {}  # after: number of an output -> the norm that it goes through

    def read_output(module: nn.Module, args: tuple, out: Tensor | tuple) -> None:
        trace.stream.append((out if isinstance(out, Tensor) else out[0])[0])

    def find_norm(norm: nn.Module, args: tuple) -> None:
        if written and args and args[0] is written[-1]:
            after[len(written) - 1] = norm

    with ExitStack() as hooks:  # each is a context of its own, at whose end it is removed
        for projection in find_projections(network, trace).values():
            hooks.enter_context(projection.register_forward_pre_hook(lambda _, args: trace.inputs.append(args[0][0])))
            hooks.enter_context(projection.register_forward_hook(lambda module, args, out: written.append(out)))
        for layer in layers:
            hooks.enter_context(layer.register_forward_pre_hook(read_input, with_kwargs=True))
        hooks.enter_context(layers[-1].register_forward_hook(read_output))
        for norm in (each for each in network.modules() if "norm" in type(each).__name__.lower()):
            hooks.enter_context(norm.register_forward_pre_hook(find_norm))
        yield
    trace.outputs += [out[0] for out in written]
    trace.norms += [after.get(i) for i in range(len(written))]


def freeze_norm(norm: nn.Module, x: Tensor) -> tuple[Tensor, Tensor | float, bool]:
    """A norm as a linear map at x (C,): (gain (C,), bias, whether it subtracts the mean), with the scale of this x.

    Raises ValueError for a norm that is neither a LayerNorm nor an RMSNorm, plain or with 1 + weight.
    """
    weight, bias = getattr(norm, "weight", None), getattr(norm, "bias", None)
    eps = next((getattr(norm, name) for name in ("eps", "variance_epsilon") if hasattr(norm, name)), 1e-6)
    weight = torch.ones_like(x) if weight is None else weight.to(x)
    bias, expected = 0.0 if bias is None else bias.to(x), norm(x[None])[0]
    for centred in (False, True):
        y = x - x.mean() if centred else x
        scale = (y.pow(2).mean() + eps).rsqrt()
        for offset in (0, 1):
            gain = scale * (offset + weight)
            if torch.allclose(y * gain + bias, expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item()):
                return gain, bias, centred
    raise ValueError(f"Its norm, a {type(norm).__name__}, is not known here: nothing is attributed through it.")


def split_projection(projection: nn.Module, n_head: int) -> Tensor:
    """W_O as (nh, hs, C), of a Linear or of the Conv1D of GPT-2, which holds its matrix the other way round."""
    weight = projection.weight if type(projection).__name__ == "Conv1D" else projection.weight.T
    return weight.reshape(n_head, -1, weight.size(1))
