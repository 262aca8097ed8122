"""Models that are no causal language models: encoders (BERT and its kind) and encoder-decoders (T5, BART)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from a3core.llm.gemma import MODEL_NAME
from a3core.llm.local import SAFE, SAFE_WEIGHTS, check_weights, explain_loading, find_folder
from a3core.llm.offered import check_model

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


PARTS = ("encoder", "decoder", "cross")


def split_part(name: str) -> tuple[str, str]:
    """("google-t5/t5-small", "cross") of "google-t5/t5-small:cross"; the part is "" where none is named."""
    model, _, part = name.rpartition(":")
    return (model, part) if part in PARTS else (name, "")


def is_two_sided(name: str) -> bool:
    """Whether the model of a hub id or folder is an encoder or an encoder-decoder. Raises ValueError if it has none."""
    if name == MODEL_NAME:
        return False
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    config = json.loads((find_folder(check_model(name)) / "config.json").read_text(encoding="utf-8"))
    encodes = config.get("model_type") in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.get("is_decoder")
    return bool(config.get("is_encoder_decoder")) or encodes


def load_two_sided(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model in float32, with the output that its folder holds, and its tokenizer.

    Raises ValueError where it cannot be loaded, or lacks weights.
    """
    from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

    folder = find_folder(check_model(name))
    with explain_loading(f"{name} cannot be loaded here"):
        two_sided = AutoConfig.from_pretrained(folder, **SAFE).is_encoder_decoder
        kind = AutoModelForSeq2SeqLM if two_sided else AutoModelForMaskedLM
        tokenizer = AutoTokenizer.from_pretrained(folder, **SAFE)
        network, info = kind.from_pretrained(folder, dtype="float32", **SAFE_WEIGHTS)
        if info["missing_keys"] and not two_sided:  # an encoder alone, as of sentence embeddings
            network, info = AutoModel.from_pretrained(folder, dtype="float32", **SAFE_WEIGHTS)
    check_weights(name, [key for key in info["missing_keys"] if "pooler" not in key])  # nothing is read behind a pooler
    return network.eval(), tokenizer
