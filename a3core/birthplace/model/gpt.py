"""A decoder-only GPT of characters or sub-words: 4 layers, 8 heads, 256 wide, about 3.3 M parameters.

The course's shape (assignment, section 2) with three parts of today: rotary positions (Su et al. 2021), normalised
queries and keys (Henry et al. 2020) and squared ReLU (So et al. 2021); they learn the corpus in a tenth of the tokens.
A checkpoint is a folder with `config.json` (the vocabulary is in it) and `model.safetensors` in bf16:

    >>> model = GPT.from_pretrained("checkpoints/pretrained-finetuned")

`decode_greedily` continues a batch of prompts, `decode_steps` token by token.

Axes: B batch, T query positions, S key positions, nh heads, hs head size, C = nh * hs channels, V vocabulary.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from a3core.birthplace.data.corpora import BIRTHPLACE
from a3core.birthplace.model.vocabulary import HEADER, Subwords, Vocabulary

ROTARY_BASE = 10_000.0
TAGGED_FEATURES = 3  # the last ones, that tags are read off


class Cache:
    """Keys and values of the positions read so far, allocated once for `size` positions."""

    def __init__(self, model: GPT, batch: int, size: int):
        shape = (len(model.blocks), 2, batch, model.n_head, size, model.n_embd // model.n_head)
        self.kv = torch.empty(shape, dtype=model.embed.weight.dtype, device=model.embed.weight.device)
        self.length = 0

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Writes the new positions of one layer, (B, nh, T, hs) each, and returns all of them, (B, nh, S, hs)."""
        end = self.length + k.size(2)
        self.kv[layer, 0, :, :, self.length : end] = k
        self.kv[layer, 1, :, :, self.length : end] = v
        return self.kv[layer, 0, :, :, :end], self.kv[layer, 1, :, :, :end]

    def keep(self, rows: Sequence[int]) -> None:
        """Only these rows are read on, in this order."""
        self.kv[:, :, : len(rows), :, : self.length] = self.kv[:, :, rows, :, : self.length]
        self.kv = self.kv[:, :, : len(rows)]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions: turns each pair of channels of x (B, nh, T, hs) by its position's angle."""
    a, b = x.chunk(2, dim=-1)  # (B, nh, T, hs/2) each
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1).to(x.dtype)


class CausalSelfAttention(nn.Module):
    """Attention of every position to itself and those before it."""

    def __init__(self, n_embd: int, n_head: int):
        super().__init__()
        self.n_head = n_head
        self.qkv = nn.Linear(n_embd, 3 * n_embd, bias=False)
        self.proj = nn.Linear(n_embd, n_embd, bias=False)
        self.softmax = nn.Softmax(dim=-1)  # a module of its own, so that a hook can read the pattern

    def split_heads(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of x (B, T, C): three of (B, nh, T, hs), the first two normalised and rotated."""
        B, T, C = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.n_head, C // self.n_head).permute(2, 0, 3, 1, 4)
        q, k = (F.rms_norm(u, (u.size(-1),)) for u in (q, k))
        return rotate(q, cos, sin), rotate(k, cos, sin), v

    def forward(self, x, cos, sin, mask: Tensor, cache: Cache | None, layer: int) -> Tensor:
        """What is added to the residual stream, (B, T, C), of x (B, T, C); mask (1 or B, 1, T, S) is 0 or -inf."""
        q, k, v = self.split_heads(x, cos, sin)  # (B, nh, T, hs)
        if cache is not None:
            k, v = cache.append(layer, k, v)  # (B, nh, S, hs)
        # Written out: on a CPU this trains five times faster than the backward pass of PyTorch's fused attention.
        attn_scores = q @ k.mT * q.size(-1) ** -0.5 + mask.to(q.dtype)  # (B, nh, T, S)
        pattern = self.softmax(attn_scores)  # (B, nh, T, S)
        return self.proj((pattern @ v).transpose(1, 2).flatten(2))  # (B, T, C)


class Block(nn.Module):
    """One layer: attend, then think; each adds to the residual stream."""

    def __init__(self, n_embd: int, n_head: int):
        super().__init__()
        self.norm_attn, self.norm_mlp = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attn = CausalSelfAttention(n_embd, n_head)
        self.up = nn.Linear(n_embd, 4 * n_embd, bias=False)
        self.down = nn.Linear(4 * n_embd, n_embd, bias=False)

    def forward(self, x, cos, sin, mask, cache, layer) -> Tensor:  # (B, T, C) -> (B, T, C)
        """The residual stream behind this layer, (B, T, C), of x (B, T, C); mask (1 or B, 1, T, S) is 0 or -inf."""
        x = x + self.attn(self.norm_attn(x), cos, sin, mask, cache, layer)
        return x + self.down(F.relu(self.up(self.norm_mlp(x))).square())


class TagHead(nn.Module):
    """A logit for each token of a recalled sentence: does it belong to the birthplace?

    A side output on the features of three layers: nothing is written into the sentence, because a marker round the
    place breaks the context that the memory hangs on. `data.spans` makes an answer of the tags.
    """

    def __init__(self, n_embd: int):
        super().__init__()
        self.linear = nn.Linear(TAGGED_FEATURES * n_embd, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Tag logits (B, T) of the features, n_layer + 1 of (B, T, C)."""
        return self.linear(torch.cat(tuple(features[-TAGGED_FEATURES:]), dim=-1))[..., 0]


class GPT(nn.Module, PyTorchModelHubMixin, library_name="a3core", tags=["birthplace"]):
    """The model; its arguments are its `config.json`.

    vocabulary: the characters it knows, in the order of their ids, pad and mask first; or the merges of its sub-words.
    block_size: the most positions it reads, prompt and answer together.
    tied: the embeddings are also the head that turns features into logits.
    tagged: a side output tells which tokens are a birthplace, as recall-then-answer needs it.
    question: the question that it was taught, with {name} in it.
    capital: whether every answer that it was taught opens with a capital letter, as then each of its answers does.
    """

    def __init__(
        self,
        vocabulary: str,
        block_size: int = 128,
        n_layer: int = 4,
        n_head: int = 8,
        n_embd: int = 256,
        tied: bool = False,
        tagged: bool = False,
        question: str = BIRTHPLACE,
        capital: bool = True,
    ):
        super().__init__()
        if n_embd % (2 * n_head):
            raise ValueError(f"n_embd {n_embd} must be a multiple of 2 * n_head = {2 * n_head}")
        if tagged and n_layer + 1 < TAGGED_FEATURES:
            raise ValueError(f"tags are read off {TAGGED_FEATURES} features: at least 2 layers, not {n_layer}")
        self.vocabulary = (Subwords if vocabulary.partition("\n")[0] == HEADER else Vocabulary)(vocabulary)
        self.block_size, self.n_head, self.n_embd = block_size, n_head, n_embd
        self.question, self.capital = question, capital
        self.embed = nn.Embedding(self.vocabulary.size, n_embd)
        self.blocks = nn.ModuleList([Block(n_embd, n_head) for _ in range(n_layer)])
        self.norm = nn.LayerNorm(n_embd)
        self.head = None if tied else nn.Linear(n_embd, self.vocabulary.size, bias=False)
        self.tag = TagHead(n_embd) if tagged else None
        frequency = ROTARY_BASE ** (-torch.arange(0, n_embd // n_head, 2) / (n_embd // n_head))  # (hs/2,)
        angle = torch.arange(block_size)[:, None] * frequency  # (block_size, hs/2)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        self.init_weights()

    def init_weights(self) -> None:
        """Small normal matrices; the layers' last ones are zero, so that each layer starts as the identity."""
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        for block in self.blocks:
            nn.init.zeros_(block.attn.proj.weight)
            nn.init.zeros_(block.down.weight)

    @property
    def recites(self) -> bool:
        """Whether it was made to recite a sentence before it answers."""
        return self.tag is not None

    def read(self, idx: Tensor, cache: Cache | None = None, pad: Tensor | None = None) -> list[Tensor]:
        """Features of idx (B, T): the embedding's and each layer's, the last normalised; n_layer + 1 of (B, T, C).

        cache: what was read before; idx continues it. pad (B,): how many leading positions of each row are padding
        (positions are relative, so padding on the left changes nothing else). Raises ValueError over the block.
        """
        start, T = cache.length if cache else 0, idx.size(1)
        if start + T > self.block_size:
            raise ValueError(f"{start + T} {self.vocabulary.unit}, but the model reads at most {self.block_size}")
        query = torch.arange(start, start + T, device=idx.device)[:, None]
        key = torch.arange(start + T, device=idx.device)
        visible = (key <= query)[None, None]  # (1, 1, T, S): each position sees those before it and itself
        if pad is not None:  # a padded position still sees itself: a row without any key would be NaN
            visible = visible & (key >= pad[:, None, None, None]) | (key == query)  # (B, 1, T, S)
        return self._read(idx, slice(start, start + T), visible, cache)

    def read_beams(self, idx: Tensor, cache: Cache, position: int, visible: Tensor) -> list[Tensor]:
        """`read` for W ways to go on from each row: idx (B, W), all at one position, none of which sees another.

        They are laid side by side in the cache, as in SpecInfer's tree attention (Miao et al. 2024), so that a beam
        costs no copy of its past: visible (B, W, S) tells which of the S cached positions each sees, itself among them.
        """
        return self._read(idx, slice(position, position + 1), visible[:, None], cache)

    def _read(self, idx: Tensor, positions: slice, visible: Tensor, cache: Cache | None) -> list[Tensor]:
        cos, sin = self.cos[positions], self.sin[positions]  # (1 or T, hs/2)
        mask = torch.zeros(visible.shape, device=idx.device).masked_fill(~visible, float("-inf"))  # (1 or B, 1, T, S)
        features = [self.embed(idx)]
        for layer, block in enumerate(self.blocks):
            features.append(block(features[-1], cos, sin, mask, cache, layer))
        if cache is not None:
            cache.length += idx.size(1)
        return [*features[:-1], self.norm(features[-1])]

    def unembed(self, features: Tensor) -> Tensor:
        """Logits (..., V) of normalised features (..., C)."""
        return F.linear(features, self.embed.weight if self.head is None else self.head.weight)

    def forward(self, idx: Tensor, cache: Cache | None = None, pad: Tensor | None = None, tagged: bool = False):
        """Logits (B, T, V) of the tokens that follow idx (B, T); as `read` in all else.

        tagged: gives (logits, tags), tags (B, T) being the logits of "this token belongs to the birthplace".
        """
        features = self.read(idx, cache, pad)
        logits = self.unembed(features[-1])
        return (logits, self.tag(features)) if tagged else logits


# Continuing prompts


class Draft:
    """What a batch of prompts has been continued with so far: allocated once, filled token by token."""

    def __init__(self, model: GPT, prompts: Sequence[list[int]], most: int, stop_ids: Sequence[int]):
        self.stop_ids = stop_ids
        self.prompts, self.pad = pad_left(model, prompts)  # (B, T), (B,)
        self.cache, self.length = Cache(model, len(prompts), self.prompts.size(1) + most), 0
        self.ids, self.logs = torch.zeros(len(prompts), most, dtype=torch.long), torch.zeros(len(prompts), most)

    def row(self, row: int) -> tuple[list[int], list[float]]:
        """(ids, log-probability of each) of a row up to here, or up to and with its first stop."""
        ids, logs = self.ids[row, : self.length].tolist(), self.logs[row, : self.length].tolist()
        end = next((i + 1 for i, token in enumerate(ids) if token in self.stop_ids), len(ids))
        return ids[:end], logs[:end]


@torch.inference_mode()
def decode_steps(model: GPT, prompts: Sequence[list[int]], most: int, stop_ids: Sequence[int]) -> Iterator[Draft]:
    """Likeliest token by likeliest token, at most so many; yields the one `Draft` after each that every row has got."""
    draft, stops = Draft(model, prompts, most, stop_ids), torch.tensor(stop_ids)
    idx, pad, ended = draft.prompts, draft.pad if draft.pad.any() else None, torch.zeros(len(prompts), dtype=torch.bool)
    for step in range(most):
        logits = model(idx, draft.cache, pad)
        draft.logs[:, step : step + 1], idx = logits[:, -1].log_softmax(-1).max(-1, keepdim=True)  # (B, 1) each
        draft.ids[:, step : step + 1] = idx
        draft.length = step + 1
        yield draft
        if (ended := ended | torch.isin(idx[:, 0], stops)).all():
            break


def decode_greedily(
    model: GPT, prompts: Sequence[list[int]], most: int, stop_ids: Sequence[int]
) -> list[tuple[list[int], list[float]]]:
    """(likeliest token by likeliest token behind each prompt, up to and with a stop; the log-probability of each)."""
    draft = deque(decode_steps(model, prompts, most, stop_ids), maxlen=1).pop()
    return [draft.row(row) for row in range(len(prompts))]


def continue_ids(model: GPT, ids: list[int], most: int, stop_ids: Sequence[int]) -> list[int]:
    """At most `most` tokens behind these, up to and with a stop."""
    return decode_greedily(model, [ids], most, stop_ids)[0][0] if most > 0 else []


def pad_left(model: GPT, prompts: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
    """Prompts as one tensor (B, T), their ends in line, and how many leading positions of each are padding (B,)."""
    width = max(map(len, prompts))
    idx = torch.tensor([[model.vocabulary.pad_id] * (width - len(prompt)) + prompt for prompt in prompts])
    return idx, torch.tensor([width - len(prompt) for prompt in prompts])
