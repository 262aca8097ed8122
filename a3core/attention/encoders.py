"""Encoders and encoder-decoders: the same picture with another mask, and with two texts.

    model = load_encoder("google-t5/t5-small:cross")                 # or :encoder, :decoder
    capture = capture_encoder(model, "translate to German: the cat ||| die Katze")

Behind ||| is the second sentence of a pair, or what the decoder reads; without it a decoder reads what it writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from a3core.attention.capture import Capture, check_length
from a3core.attention.models import AGREE, LIMIT, NEW_TOKENS, RECORDS, build_eager
from a3core.attention.recording import Attended
from a3core.attention.tokens import join_bytes
from a3core.llm.two_sided import load_two_sided, split_part

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BEHIND = "|||"


@dataclass(frozen=True)
class EncoderModel:
    """An encoder, or a part of an encoder-decoder."""

    name: str
    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    part: str = "encoder"
    limit: int = LIMIT


def load_encoder(name: str) -> EncoderModel:
    """The model of a hub id or folder, with its part behind a colon. Raises ValueError."""
    model, part = split_part(name)
    network, tokenizer = load_two_sided(model)
    two_sided = network.config.is_encoder_decoder
    if part in ("decoder", "cross") and not two_sided:
        raise ValueError(f"{model} is an encoder: it has no {part} attention.")
    return EncoderModel(name, network, tokenizer, part or ("cross" if two_sided else "encoder"))


@torch.inference_mode()
def capture_encoder(model: EncoderModel, text: str) -> Capture:
    """Tokens and pattern of a part. Raises ValueError for an empty or a long text, or a model that gives none."""
    first, _, second = (part.strip() for part in text.partition(BEHIND))
    if not first:
        raise ValueError("Type a text: there is nothing to look at yet.")
    pair = not model.network.config.is_encoder_decoder and second
    read = model.tokenizer(first, second if pair else None, return_tensors="pt").to(model.network.device)
    if not pair:
        read.pop("token_type_ids", None)
    check_length(model, read["input_ids"].size(1), "tokens")
    inputs = dict(read)
    if model.network.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = _decode(model, read, second)
        check_length(model, inputs["decoder_input_ids"].size(1), "tokens of the decoder")
    attended = _read(model, inputs)
    tokens = {"encoder": inputs["input_ids"][0].tolist()}
    tokens["decoder"] = inputs.get("decoder_input_ids", inputs["input_ids"])[0].tolist()
    queries = tokens["encoder" if model.part == "encoder" else "decoder"]
    keys = tokens["decoder" if model.part == "decoder" else "encoder"]
    pattern = torch.stack([each.pattern for each in attended]).float().cpu().numpy()  # (n_layer, n_head, Q, K)
    if pattern.shape[2:] != (len(queries), len(keys)) or not np.isfinite(pattern).all():
        raise ValueError(f"{model.name} gives attention weights of shape {pattern.shape}: the picture would be wrong.")
    norms = {}
    if all(each.value is not None for each in attended):
        norms["v"] = torch.stack([each.value.norm(dim=-1) for each in attended]).cpu().numpy()
    return Capture(
        model.name,
        tuple(join_bytes(model.tokenizer, queries)),
        len(queries),
        pattern,
        norms=norms,
        keys=tuple(join_bytes(model.tokenizer, keys)) if model.part == "cross" else (),
        causal=model.part == "decoder",
        why="opens on the first head of the first layer",
    )


def _decode(model: EncoderModel, read, second: str) -> torch.Tensor:
    """What the decoder reads (1, T): the start token and the second text, or what it writes."""
    start = model.network.config.decoder_start_token_id
    if not second:
        return model.network.generate(**read, max_new_tokens=NEW_TOKENS, do_sample=False, num_beams=1)
    ids = [i for i in model.tokenizer(text_target=second).input_ids if i != start]
    return torch.tensor([[start, *ids]], device=model.network.device)


def _read(model: EncoderModel, inputs: dict) -> list[Attended]:
    """The layers of the part, from a run with eager attention. Raises ValueError if it computes something else."""
    twin, records = build_eager(model.network), []
    token = RECORDS.set(records)
    try:
        out = twin(**inputs, output_attentions=True)
    finally:
        RECORDS.reset(token)
    fast, eager = ((o.logits if "logits" in o else o.last_hidden_state) for o in (model.network(**inputs), out))
    if not (eager - fast).abs().max() <= AGREE * max(1.0, float(fast.abs().max())):
        raise ValueError(
            f"Eager attention makes {model.name} compute something else: its patterns would not be its own."
        )
    names = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}
    patterns = out.get(names[model.part]) if model.network.config.is_encoder_decoder else out.get("attentions")
    if not patterns or any(pattern is None for pattern in patterns):
        raise ValueError(f"{model.name} gives no attention weights: it has no attention, or hides it.")
    read = [each for each in records if any(_same(each.pattern, pattern[0]) for pattern in patterns)]
    if len(read) == len(patterns):
        return read
    return [Attended(layer, pattern[0].float()) for layer, pattern in enumerate(patterns)]


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and bool(torch.equal(one, other.float()))
