"""Running the common beginning of several prompts once: its keys and values are computed for one row and repeated.

    rows     <s> Question: A ... Question: Who        laid out     [shared prefix][pads][rest of the row]
             <s> Question: A ... Question: Where in

Positions are counted without the pads, so the answers are those of the complete prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

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


@torch.inference_mode()
def build_cache(network: PreTrainedModel, prefix: Tensor, n_rows: int) -> DynamicCache | None:
    """Keys and values of `prefix` (1, P), repeated for `n_rows` rows; None for an empty prefix."""
    if not prefix.shape[1]:
        return None
    cache = DynamicCache(config=network.config.get_text_config(decoder=True))
    network(prefix, past_key_values=cache, use_cache=True, logits_to_keep=1)
    cache.batch_repeat_interleave(n_rows)
    return cache


@torch.inference_mode()
def build_beam_cache(
    network: PreTrainedModel, ids: Tensor, mask: Tensor, shared: int, beams: int
) -> DynamicCache | None:
    """Keys and values of all but the last token of each prompt in `ids` (B, T), repeated for its beams.

    generate() would run every prompt once for each beam. With one beam only the first `shared` tokens are run here.
    """
    config = network.config.get_text_config(decoder=True)
    if beams == 1 or ids.shape[1] - shared < 2 or not _caches_only_keys(config):
        return build_cache(network, ids[:1, :shared], len(ids) * beams)
    cache = build_cache(network, ids[:1, :shared], len(ids)) or DynamicCache(config=config)
    rest = {"attention_mask": mask[:, :-1], "position_ids": positions(mask)[:, shared:-1]}
    network(ids[:, shared:-1], past_key_values=cache, use_cache=True, logits_to_keep=1, **rest)
    cache.batch_repeat_interleave(beams)
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
