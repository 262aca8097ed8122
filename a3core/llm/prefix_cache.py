"""Rows of a batch: the common beginning of prompts is run once, and a row's numbers are its own.

    rows     <s> Question: A ... Question: Who        laid out     [shared prefix][pads][rest of the row]
             <s> Question: A ... Question: Where in

The prefix's keys and values are computed for one row and repeated. Positions are counted without the pads, so the
answers are those of the complete prompts.

Two things make a row's last digits depend on the rows beside it: attention over pads, whose sums are split elsewhere
than those of the row alone, and products of fewer than four rows, for which the libraries have another routine. So
`compute_each_row` makes every row attend to its own keys only, and pads such products; larger ones are the same for any
number of rows. On a GPU the libraries choose their sums by the size of the batch, and nothing is changed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer
from transformers.masking_utils import sdpa_mask
from transformers.pytorch_utils import Conv1D

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

TOKENS = 512  # run at once: beyond these, memory is slower than the processor
MIN_SHARED = 16  # tokens; a shorter prefix is not worth a forward pass of its own
NAME = "each_row"
NO_SKIP = {"allow_is_causal_skip": False, "allow_is_bidirectional_skip": False}  # of masks: each is written out
QUERIES = 256  # whose scores are in memory at once
LEAST_ROWS, MULTIPLE = 4, 4  # of a product, and, in float32, of the numbers that each of its sums is over


def common_prefix(sequences: Sequence[list[int]]) -> int:
    """Length of the longest common prefix."""
    columns = zip(*sequences, strict=False)  # as many as the shortest has
    return next((i for i, column in enumerate(columns) if len(set(column)) > 1), min(map(len, sequences)))


def shared_length(config: PretrainedConfig, prompts: list[list[int]], lengths: list[int], n_rows: int) -> int:
    """Tokens that all prompts begin with, when running them once pays and changes nothing; else 0.

    A prompt keeps at least one token to predict from. `lengths` are those of the complete rows: pads inside a row push
    its prefix out of a sliding window too early, so there they are allowed only while the window holds all of it.
    """
    shared = min(common_prefix(prompts), min(map(len, prompts)) - 1)
    sliding = getattr(config, "sliding_window", None) or math.inf
    unchanged = len(set(lengths)) == 1 or max(lengths) <= sliding
    return shared if shared >= MIN_SHARED and n_rows > 1 and unchanged and _caches_only_keys(config) else 0


def _caches_only_keys(config: PretrainedConfig) -> bool:
    """Whether what a token leaves behind is keys and values, not a recurrent state."""
    layers = DynamicCache(config=config).layers
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)


class GrowingLayer(DynamicLayer):
    """Keys and values (B, nh, T, hs) of a prompt, `repeats` times, in memory that has room for `new` tokens.

    transformers' own layer copies all of them for every token, and once more when beams change places; here beams,
    which have one prompt, move only what follows it.
    """

    def __init__(self, layer: DynamicLayer, repeats: int, new: int):
        super().__init__()
        self.prompt, self.is_initialized = layer.get_seq_length(), True
        self.buffers = [pad(old.repeat_interleave(repeats, 0), (0, 0, 0, new)) for old in (layer.keys, layer.values)]
        self._cut(self.prompt)

    def _cut(self, end: int) -> None:
        self.keys, self.values = (buffer[:, :, :end] for buffer in self.buffers)

    def update(self, key_states: Tensor, value_states: Tensor, *args, **kwargs) -> tuple[Tensor, Tensor]:
        """All keys and values, with these behind them."""
        start, end = self.keys.shape[2], self.keys.shape[2] + key_states.shape[2]
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, start:end] = states
        self._cut(end)
        return self.keys, self.values

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Row i continues row `beam_idx[i]` of the same prompt."""
        for states in (self.keys, self.values):
            states[:, :, self.prompt :] = states[:, :, self.prompt :][beam_idx]


def copy_cache(cache: DynamicCache, repeats: int, new: int) -> DynamicCache:
    """The same keys and values, each row `repeats` times; what is added, `new` tokens at most, is not in `cache`."""
    copied = copy.copy(cache)
    copied.layers = [_copy_layer(layer, repeats, new) for layer in cache.layers]
    return copied


def _copy_layer(layer: DynamicLayer, repeats: int, new: int) -> DynamicLayer:
    if 0 < layer.get_seq_length() < getattr(layer, "sliding_window", math.inf) - new:
        return GrowingLayer(layer, repeats, new)
    copied = copy.copy(layer)
    copied.batch_repeat_interleave(repeats)
    return copied


@torch.inference_mode()
def run_rows(
    network: PreTrainedModel, ids: Tensor, mask: Tensor, shared: int, keep: int = 0
) -> Iterator[tuple[DynamicCache, Tensor | None]]:
    """Runs `ids` (B, T), a few rows at a time, those of a text in the processor's cache: keys and values of each part,
    and with `keep` the logits (rows, keep, V) of its last tokens.
    """
    prefix = DynamicCache(config=network.config.get_text_config(decoder=True))
    if shared:
        network.base_model(ids[:1, :shared], past_key_values=prefix, use_cache=True)
    size = max(1, TOKENS // max(1, ids.shape[1] - shared))
    for first in range(0, len(ids), size):
        rows = slice(first, first + size)
        cache = copy_cache(prefix, len(ids[rows]), ids.shape[1] - shared)
        position_ids = (mask[rows].cumsum(-1) - 1).clamp(min=0)[:, shared:]  # pads not counted
        options = {"attention_mask": mask[rows], "position_ids": position_ids}
        options |= {"past_key_values": cache, "use_cache": True}
        logits = None
        if keep:
            logits = network(ids[rows, shared:], logits_to_keep=keep, **options).logits
        elif ids.shape[1] > shared:
            network.base_model(ids[rows, shared:], **options)
        yield cache, logits


def build_cache(network: PreTrainedModel, ids: Tensor, mask: Tensor, shared: int) -> DynamicCache | None:
    """Keys and values of all but the last token of each prompt in `ids` (B, T); None where a model has others.

    They are the same for every decoding; transformers' generate would run every prompt once for each beam.
    """
    if not _caches_only_keys(network.config.get_text_config(decoder=True)) or ids.shape[1] < 2:
        return None
    parts = [cache for cache, _ in run_rows(network, ids[:, :-1], mask[:, :-1], shared)]
    cache = parts[0]
    for layer, *others in zip(*(part.layers for part in parts), strict=True):
        layer.keys = torch.cat([layer.keys, *(other.keys for other in others)])
        layer.values = torch.cat([layer.values, *(other.values for other in others)])
    return cache


def pad_rows(rows: list[list[int]], shared: int, pad_id: int) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, (B, T) both; with nothing shared the pads are at the left end."""
    longest = max(map(len, rows))
    pads = [longest - len(row) for row in rows]
    ids = [row[:shared] + [pad_id] * n + row[shared:] for row, n in zip(rows, pads, strict=True)]
    mask = [[1] * shared + [0] * n + [1] * (longest - shared - n) for n in pads]
    return torch.tensor(ids), torch.tensor(mask)


# A row's numbers are its own


def compute_each_row(network: PreTrainedModel) -> bool:
    """Attention and products row by row, where the model has transformers' interchangeable attention on a CPU.

    Whether that is so.
    """
    if network.device.type != "cpu" or network.config._attn_implementation not in ("sdpa", NAME):
        return False
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, group_rows)
    network.set_attn_implementation(NAME)
    for module in network.modules():
        if type(module) in PADDED:
            module.__class__ = PADDED[type(module)]
    return True


class LeastRows:
    """A linear layer whose product has at least LEAST_ROWS rows."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., out_features) of x (..., in_features)."""
        rows = x.reshape(-1, x.shape[-1])  # (N, C)
        if len(rows) >= LEAST_ROWS:
            return super().forward(x)
        padded = pad(rows, (0, 0, 0, LEAST_ROWS - len(rows)))
        return super().forward(padded)[: len(rows)].view(*x.shape[:-1], -1)


PADDED = {kind: type(kind.__name__, (LeastRows, kind), {}) for kind in (nn.Linear, Conv1D)}


def group_rows(*sizes, **options) -> list[tuple[slice, slice | Tensor, Tensor | None]]:
    """What `attend` gets instead of a mask: rows that follow each other and see the same keys, these keys' columns, and
    the mask (rows, 1, Q, K) bool of those columns; None where every query sees all. Arguments as of `sdpa_mask`.
    """
    mask = sdpa_mask(*sizes, **options | NO_SKIP)  # (B, 1, Q, K)
    visible, groups, last = mask[:, 0].any(1), [], 0  # (B, K): by any query
    for _, run in groupby(row.tobytes() for row in visible.numpy()):
        first, last = last, last + len(list(run))
        columns = visible[first].nonzero()[:, 0]
        if len(columns) and (end := int(columns[-1]) + 1) - int(columns[0]) == len(columns):
            columns = slice(int(columns[0]), end)
        own = mask[first:last][..., columns]
        groups.append((slice(first, last), columns, None if own.all() else own))
    return groups


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, groups: list, scaling: float | None = None, **options
) -> tuple[Tensor, None]:
    """Attention (B, T, nh, hs) of query (B, nh, T, hs) over key and value (B, nh or less, K, hs), without weights."""
    B, nh, T, hs = query.shape
    out, scale = query.new_empty(B, T, nh, value.shape[-1]), scaling or hs**-0.5
    for rows, columns, mask in groups:
        keys, values = key[rows][:, :, columns], value[rows][:, :, columns]
        for first in range(0, T, QUERIES):
            queries = slice(first, first + QUERIES)
            part = None if mask is None else mask[:, :, queries]
            out[rows, queries] = _attend_group(query[rows, :, queries], keys, values, part, scale).transpose(1, 2)
    return out, None


def _attend_group(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """(B, nh, T, hs). Queries that share a key's head are rows of one product; sums are in float32."""
    (B, nh, T, hs), (heads, K) = q.shape, k.shape[1:3]
    if q.dtype == torch.float32 and (short := -K % MULTIPLE):
        k, v = pad(k, (0, 0, 0, short)), pad(v, (0, 0, 0, short))
        mask = pad(mask if mask is not None else q.new_ones(B, 1, T, K, dtype=torch.bool), (0, short))
    rows = q.reshape(B, heads, -1, hs)  # (B, heads, nh / heads * T, hs)
    short = max(0, LEAST_ROWS - rows.shape[2])
    padded = pad(rows, (0, 0, 0, short)) if short else rows  # (B, heads, M, hs)
    scores = (padded @ k.transpose(-1, -2)).float().mul_(scale)  # (B, heads, M, K)
    if mask is not None:
        hidden = ~mask.repeat(1, 1, nh // heads, 1)
        scores[:, :, : rows.shape[2]].masked_fill_(hidden, torch.finfo(scores.dtype).min)
    pattern = scores.softmax(-1).to(q.dtype)
    return (pattern @ v)[:, :, : rows.shape[2]].reshape(B, nh, T, -1)
