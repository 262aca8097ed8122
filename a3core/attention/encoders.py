"""Encoders and encoder-decoders: the same picture with another mask, and with two texts.

    model = load_model("google-t5/t5-small:cross")                 # or :encoder, :decoder
    capture = capture_encoder(model, "translate to German: the cat ||| die Katze")

Behind ||| is the second sentence of a pair, or what the decoder reads; without it a decoder reads what it writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from a3core.attention.capture import Capture, capture_pattern, check_length, check_text, measure_values
from a3core.attention.models import LIMIT, NEW_TOKENS, AttentionModel, HuggingFaceModel, run_eager
from a3core.attention.recording import Attended, Trace
from a3core.attention.tokens import join_bytes
from a3core.llm.endpoint import is_url
from a3core.llm.local import load_language_model
from a3core.llm.two_sided import is_two_sided, load_two_sided, split_part

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


def load_model(name: str, progress: Callable[[float, str], None] | None = None) -> HuggingFaceModel | EncoderModel:
    """A model of transformers by its hub id or folder, of an encoder-decoder with its part behind a colon.

    In float32: patterns in bfloat16 would have two digits, and rows that do not sum to one. Raises ValueError.
    """
    if is_url(name):
        raise ValueError("A server does not tell its attention weights: name a model that runs on this machine.")
    model, part = split_part(name)
    if not is_two_sided(model):
        return HuggingFaceModel(load_language_model(name, dtype="float32", progress=progress))
    network, tokenizer = load_two_sided(model)
    two_sided = network.config.is_encoder_decoder
    if part in ("decoder", "cross") and not two_sided:
        raise ValueError(f"{model} is an encoder: it has no {part} attention.")
    return EncoderModel(name, network, tokenizer, part or ("cross" if two_sided else "encoder"))


def capture_text(model: AttentionModel | EncoderModel, text: str, generate: bool = False) -> Capture:
    """The pattern of any model. Raises ValueError that says what is wrong with the text or with the model."""
    if isinstance(model, EncoderModel):
        return capture_encoder(model, text)
    return capture_pattern(model, text, generate)


@torch.inference_mode()
def capture_encoder(model: EncoderModel, text: str) -> Capture:
    """Tokens and pattern of a part. Raises ValueError for an empty or a long text, or a model that gives none."""
    first, _, second = (part.strip() for part in text.partition(BEHIND))
    check_text(model, first)
    two_sided = model.network.config.is_encoder_decoder
    read = model.tokenizer(first, None if two_sided else second or None, return_tensors="pt").to(model.network.device)
    if two_sided or not second:
        read.pop("token_type_ids", None)
    check_length(model, read["input_ids"].size(1), "tokens")
    inputs = dict(read)
    if two_sided:
        inputs["decoder_input_ids"] = _decode(model, read, second)
        check_length(model, inputs["decoder_input_ids"].size(1), "tokens of the decoder")
    attended = _read(model, inputs)
    source, target = inputs["input_ids"][0].tolist(), inputs.get("decoder_input_ids", inputs["input_ids"])[0].tolist()
    queries, keys = source if model.part == "encoder" else target, target if model.part == "decoder" else source
    pattern = torch.stack([each.pattern for each in attended]).float().cpu().numpy()  # (n_layer, n_head, Q, K)
    if pattern.shape[2:] != (len(queries), len(keys)) or not np.isfinite(pattern).all():
        raise ValueError(f"{model.name} gives attention weights of shape {pattern.shape}: the picture would be wrong.")
    return Capture(
        model.name,
        tuple(join_bytes(model.tokenizer, queries)),
        len(queries),
        pattern,
        norms=measure_values(Trace(attended)),
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
    """The layers of the part, from a run with eager attention. Raises ValueError if it gives no weights."""
    trace, out = run_eager(model, lambda network, **options: network(**inputs, **options))
    patterns = out.get(f"{model.part}_attentions" if model.network.config.is_encoder_decoder else "attentions")
    if not patterns or any(pattern is None for pattern in patterns):
        raise ValueError(f"{model.name} gives no attention weights: it has no attention, or hides it.")
    patterns = [pattern[0].float() for pattern in patterns]
    read = [each for each in trace.attended if any(torch.equal(each.pattern, pattern) for pattern in patterns)]
    if len(read) == len(patterns):
        return read
    return [Attended(layer, pattern) for layer, pattern in enumerate(patterns)]
