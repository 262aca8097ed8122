"""Encoders and encoder-decoders: the same picture with another mask, and with two texts.

    model = load_model("google-t5/t5-small:cross")                 # or :encoder, :decoder
    capture = capture_text(model, "translate to German: the cat ||| die Katze")

Behind ||| is the second sentence of a pair, or what the decoder reads; without it a decoder reads what it writes.
What is measured is a decoder's next token, and in an encoder the first masked one: ___ is another spelling of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from a3core.attention.capture import Capture, capture_pattern, check_length, check_text, measure_values
from a3core.attention.eager import run_recorded
from a3core.attention.models import LIMIT, NEW_TOKENS, AttentionModel, Continued, HuggingFaceModel
from a3core.attention.recording import Attended, Trace, find_projections
from a3core.llm import endpoint, local, offered

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BEHIND = "|||"


@dataclass(frozen=True)
class EncoderModel:
    """An encoder, or a part of an encoder-decoder; `BoundText` is what is measured of it."""

    name: str
    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    part: str = "encoder"
    limit: int = LIMIT


class BoundText(AttentionModel):
    """An encoder, or a part of an encoder-decoder, over one text, as an `AttentionModel`: rows are the part's tokens.

    Raises ValueError for an empty or a long text.
    """

    def __init__(self, model: EncoderModel, text: str):
        self.name, self.network, self.tokenizer, self.limit = model.name, model.network, model.tokenizer, model.limit
        first, _, second = (
            part.strip() for part in text.replace("___", model.tokenizer.mask_token or "").partition(BEHIND)
        )
        check_text(model, first)
        config, self.two_sided = self.network.config, self.network.config.is_encoder_decoder
        self.part, self.given = model.part if self.two_sided else "", bool(second)
        read = self.tokenizer(first, None if self.two_sided else second or None, return_tensors="pt")
        if self.two_sided or not second:
            read.pop("token_type_ids", None)
        self.source = dict(read.to(self.network.device))
        read_ids = self.source["input_ids"][0].tolist()
        check_length(model, len(read_ids), "tokens")
        self.target = read_ids
        if self.two_sided:  # the decoder reads the start token and the second text, or what it writes
            start = config.decoder_start_token_id
            if second:
                self.target = [start, *(i for i in self.tokenizer(text_target=second).input_ids if i != start)]
            else:
                options = {"max_new_tokens": NEW_TOKENS, "do_sample": False, "num_beams": 1}
                self.target = self.network.generate(**self.source, **options)[0].tolist()
        check_length(model, len(self.target), "tokens of the decoder")
        self.ids = read_ids if self.part == "encoder" else self.target
        self.key_ids = self.target if self.part == "decoder" else read_ids
        side = "encoder" if self.part in ("", "encoder") else "decoder"
        layers = (f"{side}_layers", f"num_{side}_layers", "num_hidden_layers")
        heads = (f"{side}_attention_heads", "num_attention_heads")
        self.n_layer, self.n_head = (
            next(filter(None, (getattr(config, name, None) for name in each))) for each in (layers, heads)
        )

    def encode(self, text: str) -> list[int]:
        """Token ids of the rows."""
        return self.ids

    def continue_text(self, text: str, answer: str | None = None) -> Continued:
        """What is predicted: the first masked token, the token behind the second text, or all that a decoder writes.

        Raises ValueError without a mask, for an answer that does not fit into it, or where heads are not found.
        """
        if len(find_projections(self.network, self)) != self.n_layer:
            raise ValueError(
                f"{self.name} shares its layers, or names them otherwise: its weights are all that is read."
            )
        if not self.two_sided:
            return self._fill_mask(answer)
        special = self.tokenizer.all_special_ids
        text_ids = [i for i, token in enumerate(self.target) if token not in special] or [len(self.target) - 1]
        end = text_ids[-1] + 1 if self.given else text_ids[0]
        lead, written = self.target[:end], self.target[end : text_ids[-1] + 1]
        if answer:
            written = self.tokenizer(text_target=answer, add_special_tokens=False).input_ids
        return Continued(lead, [], written or [self._predict(lead)])

    def _fill_mask(self, answer: str | None) -> Continued:
        mask, ids = self.tokenizer.mask_token, self.ids
        if self.network.get_output_embeddings() is None:
            raise ValueError(
                f"{self.name} has no output for a masked token: its attention weights are all that is read."
            )
        if self.tokenizer.mask_token_id not in ids:
            raise ValueError(f"Put {mask} or ___ where {self.name} is to guess a word: it predicts nothing else.")
        filled = Continued(ids, [], [], ids.index(self.tokenizer.mask_token_id))
        if not answer:
            return filled._replace(answer=[self._predict(ids)])
        typed = self.tokenizer(f" {answer.strip()}", add_special_tokens=False).input_ids
        if len(typed) != 1:
            raise ValueError(f"{answer[:40]!r} has {len(typed)} tokens in {self.name}: one {mask} is one token.")
        return filled._replace(answer=typed)

    @torch.inference_mode()
    def _predict(self, lead: list[int]) -> int:
        return int(self.logits(self.network, torch.tensor([lead]), 1)[0, -1].argmax())

    def _build_inputs(self, idx: Tensor) -> dict[str, Tensor]:
        """Of rows idx (B, T); what an encoder predicts is not read by it."""
        idx = idx.to(self.network.device)
        inputs = {name: each.expand(len(idx), -1) for name, each in self.source.items()}
        if self.two_sided:
            return {**inputs, "decoder_input_ids": idx}
        T = min(idx.size(1), len(self.ids))
        return {name: each[:, :T] for name, each in inputs.items()} | {"input_ids": idx[:, :T]}

    def logits(self, network: nn.Module, idx: Tensor, last: int) -> Tensor:
        """Logits (B, last, V) at the last positions of idx (B, T); of an encoder those of the masked one, repeated."""
        logits = network(**self._build_inputs(idx)).logits.float()
        if self.two_sided:
            return logits[:, -last:]
        at = min(self.ids.index(self.tokenizer.mask_token_id), logits.size(1) - 1)
        return logits[:, at : at + 1].expand(-1, last, -1)

    @torch.inference_mode()
    def trace(self, idx: Tensor, patterns: bool = True, stream: bool = True) -> Trace:
        """What it computes on the rows idx (1, T), an encoder-decoder's encoder beside what its decoder reads.

        Raises ValueError if it gives no weights, or eager attention predicts something else.
        """
        idx = torch.tensor([self.target]) if self.part == "encoder" else idx
        inputs = self._build_inputs(idx)
        trace, out = run_recorded(self, lambda network, **options: network(**inputs, **options), patterns, stream)
        trace.logits = out.logits[0].float() if "logits" in out else None
        if not patterns:
            return trace
        given = out.get(f"{self.part}_attentions" if self.part else "attentions")
        if not given or any(pattern is None for pattern in given):
            raise ValueError(f"{self.name} gives no attention weights: it has no attention, or hides it.")
        given = [pattern[0].float() for pattern in given]
        read = [each for each in trace.attended if any(torch.equal(each.pattern, pattern) for pattern in given)]
        plain = [Attended(layer, pattern) for layer, pattern in enumerate(given)]
        trace.attended = [each._replace(layer=i) for i, each in enumerate(read)] if len(read) == len(given) else plain
        return trace


def load_model(name: str, progress: Callable[[float, str], None] | None = None) -> HuggingFaceModel | EncoderModel:
    """A model of transformers by its hub id or folder, of an encoder-decoder with its part behind a colon.

    In float32: patterns in bfloat16 would have two digits, and rows that do not sum to one. Raises ValueError.
    """
    if endpoint.is_url(name):
        raise ValueError("A server does not tell its attention weights: name a model that runs on this machine.")
    model, part = offered.split_part(name)
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    folder = None if model == local.MODEL_NAME else local.find_folder(offered.check_model(model))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) if folder else {}
    encodes = config.get("model_type") in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.get("is_decoder")
    if not (encodes or config.get("is_encoder_decoder")):
        return HuggingFaceModel(local.load_language_model(name, dtype="float32", progress=progress))
    network, tokenizer = _load_two_sided(model, folder)
    two_sided = network.config.is_encoder_decoder
    if part in ("decoder", "cross") and not two_sided:
        raise ValueError(f"{model} is an encoder: it has no {part} attention.")
    return EncoderModel(name, network, tokenizer, part or ("cross" if two_sided else "encoder"))


def _load_two_sided(name: str, folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """An encoder (BERT) or an encoder-decoder (T5, BART) in float32, with its folder's output, and its tokenizer.

    Raises ValueError where it cannot be loaded, or lacks weights.
    """
    from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

    with local.explain_loading(f"{name} cannot be loaded here"):
        two_sided = AutoConfig.from_pretrained(folder, **local.SAFE).is_encoder_decoder
        kind = AutoModelForSeq2SeqLM if two_sided else AutoModelForMaskedLM
        tokenizer = AutoTokenizer.from_pretrained(folder, **local.SAFE)
        network, info = kind.from_pretrained(folder, dtype="float32", **local.SAFE_WEIGHTS)
        if info["missing_keys"] and not two_sided:  # an encoder alone, as of sentence embeddings
            network, info = AutoModel.from_pretrained(folder, dtype="float32", **local.SAFE_WEIGHTS)
    # nothing is read behind a pooler
    local.check_weights(name, [key for key in info["missing_keys"] if "pooler" not in key])
    return network.eval(), tokenizer


@torch.inference_mode()
def capture_text(model: AttentionModel | EncoderModel, text: str, generate: bool = False) -> Capture:
    """The pattern of any model. Raises ValueError that says what is wrong with the text or with the model."""
    if not isinstance(model, EncoderModel):
        return capture_pattern(model, text, generate)
    bound = BoundText(model, text)
    trace = bound.trace(torch.tensor([bound.ids]), stream=False)
    pattern = torch.stack([each.pattern for each in trace.attended]).float().cpu().numpy()  # (n_layer, n_head, Q, K)
    if pattern.shape[2:] != (len(bound.ids), len(bound.key_ids)) or not np.isfinite(pattern).all():
        raise ValueError(f"{model.name} gives attention weights of shape {pattern.shape}: the picture would be wrong.")
    return Capture(
        model.name,
        tuple(bound.split(bound.ids)),
        len(bound.ids),
        pattern,
        norms=measure_values(trace),
        keys=tuple(bound.split(bound.key_ids)) if model.part == "cross" else (),
        causal=model.part == "decoder",
        why="opens on the first head of the first layer",
    )
