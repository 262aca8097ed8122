"""Running the common beginning of several prompts once: its keys and values are computed for one row and repeated.

    rows     <s> Question: A ... Question: Who        laid out     [shared prefix][pads][rest of the row]
             <s> Question: A ... Question: Where in

Positions are counted without the pads, so the answers are those of the complete prompts.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

TOKENS = 512  # run at once: beyond these, memory is slower than the processor
MIN_SHARED = 16  # tokens; a shorter prefix is not worth a forward pass of its own


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
    sliding = getattr(config, "sliding_window", None) or float("inf")
    unchanged = len(set(lengths)) == 1 or max(lengths) <= sliding
    return shared if shared >= MIN_SHARED and n_rows > 1 and unchanged and _caches_only_keys(config) else 0


def _caches_only_keys(config: PretrainedConfig) -> bool:
    """Whether what a token leaves behind is keys and values, not a recurrent state."""
    layers = DynamicCache(config=config).layers
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)


def copy_cache(cache: DynamicCache, repeats: int = 1) -> DynamicCache:
    """The same keys and values, each row `repeats` times; what is added to the copy is not in `cache`."""
    copied = copy.copy(cache)
    copied.layers = [copy.copy(layer) for layer in cache.layers]
    if repeats > 1:
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
        cache = copy_cache(prefix, len(ids[rows]))
        options = {"attention_mask": mask[rows], "position_ids": positions(mask[rows])[:, shared:]}
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


def positions(mask: Tensor) -> Tensor:
    """Position of every token in its row, pads not counted (B, T)."""
    return (mask.cumsum(-1) - 1).clamp(min=0)
