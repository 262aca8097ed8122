"""What stands in for the real models in tests: a tiny random language model, and an encoder that counts words."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, PreTrainedTokenizerFast

from a3core.fewshot.index import split_words
from a3core.llm.local import LanguageModel

CHARACTERS = "\n abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:?!'-"
SPECIAL = ["<pad>", "<eos>", "<s>", "<unk>"]
SIZES = {
    "vocab_size": len(SPECIAL) + len(CHARACTERS),
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}
LAYERS = ["sliding_attention", "full_attention"]
CONFIGS = {  # random, but with a next token that is clearly likelier than the others
    "llama": LlamaConfig(**SIZES, initializer_range=0.6),
    "gemma": Gemma3TextConfig(
        **SIZES, initializer_range=0.3, sliding_window=64, layer_types=LAYERS, tie_word_embeddings=False
    ),
}


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token a character, `<s>` in front."""
    vocab = {token: i for i, token in enumerate([*SPECIAL, *CHARACTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 2)])
    names = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def build_network(kind: str, seed: int = 0):
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(CONFIGS[kind]).eval()


def build_language_model(kind: str = "llama", name: str = "tiny", dtype: str | None = None) -> LanguageModel:
    return LanguageModel(name, build_network(kind).to(getattr(torch, dtype or "float32")), build_tokenizer())


class BagOfWords:
    """Unit vectors (N, 64): the sum of a random vector for every word. Counts its calls."""

    name = fingerprint = "bag of words"

    def __init__(self):
        self.encoded = 0

    def encode(self, texts) -> np.ndarray:
        self.encoded += len(texts)
        rows = np.array([np.sum([self.vector(word) for word in split_words(text) or [""]], axis=0) for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def vector(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
        return np.random.default_rng(seed).standard_normal(64)


class Stop(Exception):
    """Stands for the kill of a run."""


def stop_after(epochs: int):
    def on_epoch(epoch) -> None:
        if epoch.epoch == epochs:
            raise Stop

    return on_epoch
