"""Forward passes in which a row's numbers do not depend on the rows beside it, so that a text does not, either.

    compute_each_row(network)        changes a transformers model on a CPU in place

Two things make a row's last digits depend on its batch: attention over pads, whose sums are split elsewhere than those
of the row alone, and products of fewer than four rows, for which the libraries have another routine. So here every row
attends to its own keys only, and such products are padded; larger ones are the same for any number of rows. On a GPU
the libraries choose their sums by the size of the batch, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import sdpa_mask
from transformers.pytorch_utils import Conv1D

NAME = "each_row"
QUERIES = 256  # whose scores are in memory at once
LEAST_ROWS, MULTIPLE = 4, 4  # of a product, and, in float32, of the numbers that each of its sums is over


class Group(NamedTuple):
    """Rows that follow each other and have the same keys."""

    rows: slice
    columns: slice | Tensor  # of the keys that any query sees
    mask: Tensor | None  # (rows, 1, Q, K) bool of those columns; None where every query sees all


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


def group_rows(*sizes, **options) -> list[Group]:
    """What `attend` gets instead of a mask: the rows by the keys that they see. Arguments as of `sdpa_mask`."""
    mask = sdpa_mask(*sizes, **options | {"allow_is_causal_skip": False})  # (B, 1, Q, K)
    visible = mask[:, 0].any(1)  # (B, K)
    return [_build_group(mask, visible, rows) for rows in _split_runs(visible)]


def _split_runs(visible: Tensor) -> Iterator[slice]:
    """Slices of rows that are equal and follow each other."""
    first = 0
    for _, run in groupby(row.tobytes() for row in visible.numpy()):
        last = first + len(list(run))
        yield slice(first, last)
        first = last


def _build_group(mask: Tensor, visible: Tensor, rows: slice) -> Group:
    columns = visible[rows.start].nonzero()[:, 0]
    first, last = (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 0)
    own = slice(first, last) if last - first == len(columns) else columns
    mask = mask[rows][..., own]
    return Group(rows, own, None if mask.all() else mask)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    groups: list[Group],
    scaling: float | None = None,
    **options,
) -> tuple[Tensor, None]:
    """Attention (B, T, nh, hs) of query (B, nh, T, hs) over key and value (B, nh or less, K, hs), without weights."""
    scale, out = scaling or query.shape[-1] ** -0.5, []
    for rows, columns, mask in groups:
        keys, values = key[rows][:, :, columns], value[rows][:, :, columns]
        masks = [None] * len(query) if mask is None else mask.split(QUERIES, dim=2)
        parts = zip(query[rows].split(QUERIES, dim=2), masks, strict=False)
        out.append(torch.cat([_attend_group(q, keys, values, m, scale) for q, m in parts], dim=2))
    return torch.cat(out).transpose(1, 2).contiguous(), None


def _attend_group(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """(B, nh, T, hs). Queries that share a key's head are rows of one product; sums are in float32."""
    (B, nh, T, hs), (heads, K) = q.shape, k.shape[1:3]
    if q.dtype == torch.float32 and (short := -K % MULTIPLE):
        k, v = pad(k, (0, 0, 0, short)), pad(v, (0, 0, 0, short))
        mask = pad(mask if mask is not None else q.new_ones(B, 1, T, K, dtype=torch.bool), (0, short))
    rows = q.reshape(B, heads, -1, hs)  # (B, heads, nh / heads * T, hs)
    short = max(0, LEAST_ROWS - rows.shape[2])
    scores = (pad(rows, (0, 0, 0, short)) @ k.transpose(-1, -2)).float().mul_(scale)  # (B, heads, M, K)
    if mask is not None:
        hidden = ~mask.repeat(1, 1, nh // heads, 1)
        scores[:, :, : rows.shape[2]].masked_fill_(hidden, torch.finfo(scores.dtype).min)
    pattern = scores.softmax(-1).to(q.dtype)
    return (pattern @ v)[:, :, : rows.shape[2]].reshape(B, nh, T, hs)
