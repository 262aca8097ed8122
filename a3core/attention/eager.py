"""A network run once more on a twin: with eager attention, whose weights are recorded, and what it computes beside it.

    trace, out = run_recorded(model, lambda network, **options: network(idx, **options), patterns=True, stream=False)

Nothing here changes a model that others use at the same time: hooks and the eager attention live on a twin, which has
modules of its own and shares the weights.
"""

import copy
import sys
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import ContextVar
from itertools import chain

import torch
from torch import Tensor, nn

from a3core.attention.recording import Attended, Trace, record_stream

AGREE = 1e-3  # relative to the largest logit
RECORDING = "a3_recording"  # the name of our attention function in transformers
RECORDS: ContextVar[Trace | None] = ContextVar("RECORDS", default=None)  # where it appends, while it is set


def build_twin(network: nn.Module, full_precision: bool = False) -> nn.Module:
    """The same network with modules and a config of its own; the weights are shared, or float32 copies of them."""
    shared = {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}
    if full_precision:
        for key, tensor in shared.items():
            if tensor.dtype in (torch.bfloat16, torch.float16):
                copied = tensor.detach().float()
                shared[key] = nn.Parameter(copied, False) if isinstance(tensor, nn.Parameter) else copied
    return copy.deepcopy(network, shared)


def run_recorded(model, run: Callable, patterns: bool, stream: bool, last: int | None = None) -> tuple[Trace, dict]:
    """What `run(network, **options)` computes, and its ModelOutput: for patterns on a twin with eager attention.

    model: an `AttentionModel`. last: positions at the end that are compared; None: all.

    Raises ValueError if the model's own attention gives something else at one of the last positions.
    """
    twin = build_eager(model.network) if patterns else build_twin(model.network, full_precision=True)
    trace = Trace(network=twin, layers=model.layers, part=model.part)
    # with chosen layers the patterns of the others are never held, where the model lets itself be recorded
    held = patterns and (model.layers is None or twin.config._attn_implementation != RECORDING)
    token = RECORDS.set(trace)
    try:
        with record_stream(twin, trace) if stream else nullcontext():
            out = run(twin, output_attentions=held)
    finally:
        RECORDS.reset(token)
    if not patterns:
        return trace, out
    fast = run(model.network if twin.dtype == model.network.dtype else build_twin(model.network, full_precision=True))
    kind = "logits" if "logits" in out else "last_hidden_state"
    one, other = (each[kind][:, -(last or 0) :].float() for each in (out, fast))
    difference = (one - other).abs().max().item()
    if not difference <= AGREE * max(1.0, other.abs().max().item()):
        raise ValueError(
            f"Eager attention gives {model.name} other outputs (they differ by {difference:.3g}): "
            "its patterns would not be those of the model."
        )
    return trace, out


def build_eager(network: nn.Module) -> nn.Module:
    """A twin of a transformers model with eager attention, which is recorded where the model lets it be."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    AttentionInterface.register(RECORDING, record_attention)
    AttentionMaskInterface.register(RECORDING, eager_mask)
    twin = build_twin(network, full_precision=True)  # in bfloat16 eager and fast attention differ by whole logits
    name = RECORDING if hasattr(sys.modules[type(twin).__module__], "eager_attention_forward") else "eager"
    for module in twin.modules():
        if hasattr(module, "config"):  # set_attn_implementation leaves Falcon and its like as they are
            module.config._attn_implementation_internal = name
        if type(module).__name__ == "FalconAttention":
            module.register_forward_pre_hook(add_alibi_once, with_kwargs=True)
    return twin


def add_alibi_once(module: nn.Module, args: tuple, options: dict) -> tuple[tuple, dict]:
    """Falcon's mask holds ALiBi already; its eager attention would add it a second time, its fast one does not."""
    if options.get("alibi") is not None:
        options["alibi"] = torch.zeros_like(options["alibi"])
    return args, options


def record_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options
) -> tuple[Tensor, Tensor]:
    """The model's own eager attention; what it computes with is added to RECORDS. Shapes (1, nh or less, T, hs)."""
    eager = sys.modules[type(module).__module__].eager_attention_forward
    output, pattern = eager(module, query, key, value, attention_mask, **options)
    trace, layer = RECORDS.get(), getattr(module, "layer_idx", None)
    if trace is None or (trace.layers and layer is not None and layer not in trace.layers):
        return output, pattern
    groups = query.size(1) // key.size(1)
    key, value = (part[0].repeat_interleave(groups, 0).float() for part in (key, value))
    bias = options.get("position_bias")  # of T5
    mask = bias if attention_mask is None else attention_mask if bias is None else attention_mask + bias
    mask = None if mask is None else mask[0, ..., : key.size(1)].squeeze(0)
    scale = options.get("scaling") or query.size(-1) ** -0.5
    layer = len(trace.attended) if layer is None else layer
    trace.attended.append(Attended(layer, pattern[0].float(), query[0].float(), key, value, mask, scale))
    return output, pattern
