"""Every architecture that is claimed to work, tiny and random: its pattern is the model's own, or a sentence refuses.

pytest -m slow -n 0 tests/attention/test_architectures.py
"""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import transformers
from tiny_models import TEXT, build_language_model, read_own_pattern

from a3core.attention import ablation
from a3core.attention.capture import capture_pattern
from a3core.attention.models import HuggingFaceModel

pytestmark = pytest.mark.slow

SIZES = {"vocab_size": 34, "initializer_range": 0.4, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1}
LOCAL = {"attention_types": [[["global", "local"], 1]], "window_size": 8}
OLD = {**SIZES, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 128}
PLAIN = {**SIZES, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 128}
WIDE = {**PLAIN, "intermediate_size": 64}
GROUPED = {**WIDE, "num_key_value_heads": 2}
SMALL_HEADS = {**GROUPED, "head_dim": 8}
GEMMA = {**WIDE, "num_key_value_heads": 1, "head_dim": 16, "sliding_window": 8}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
LATENT = {"kv_lora_rank": 8, "q_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 8, "v_head_dim": 8}
DEEPSEEK = {**WIDE, **LATENT, "num_key_value_heads": 4, "moe_intermediate_size": 16, "first_k_dense_replace": 1}
ROUTED = {"n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1}
MAMBA_PARTS = {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_d_state": 4, "mamba_dt_rank": 4}
LINEAR = {"linear_num_value_heads": 2, "linear_num_key_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8}
FALCON = {**PLAIN, "new_decoder_architecture": False}

# name: class of the config, and its options
WORK = {
    "bert as decoder": ("Bert", {**WIDE, "is_decoder": True}),
    "bloom": ("Bloom", {**SIZES, "hidden_size": 32, "n_layer": 3, "n_head": 4}),
    "cohere": ("Cohere", GROUPED),
    "deepseek v3": ("DeepseekV3", {**DEEPSEEK, **ROUTED}),
    "falcon": ("Falcon", FALCON),
    "falcon with alibi": ("Falcon", {**FALCON, "alibi": True, "multi_query": False, "parallel_attn": False}),
    "gemma 2": ("Gemma2", GEMMA),
    "gemma 3": ("Gemma3Text", GEMMA),
    "glm": ("Glm", SMALL_HEADS),
    "gpt-2": ("GPT2", OLD),
    "gpt-j": ("GPTJ", {**OLD, "rotary_dim": 4}),
    "gpt-neo": (
        "GPTNeo",
        {**PLAIN, **LOCAL, "num_hidden_layers": 2},
    ),
    "gpt-neox": ("GPTNeoX", WIDE),
    "gpt-oss": ("GptOss", {**SMALL_HEADS, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 8}),
    "granite": ("Granite", {**GROUPED, "residual_multiplier": 0.5, "logits_scaling": 2.0, "attention_multiplier": 0.3}),
    "jamba": ("Jamba", {**GROUPED, **MAMBA_PARTS, "num_experts": 2}),
    "lfm2": ("Lfm2", {**GROUPED, "layer_types": ["conv", "full_attention", "conv"]}),
    "llama": ("Llama", GROUPED),
    "llama 4": ("Llama4Text", {**SMALL_HEADS, "num_local_experts": 2, "intermediate_size_mlp": 64}),
    "mistral": ("Mistral", {**GROUPED, "sliding_window": 8}),
    "mixtral": ("Mixtral", {**GROUPED, "num_local_experts": 4}),
    "mpt": ("Mpt", {**SIZES, "d_model": 32, "n_layers": 3, "n_heads": 4, "max_seq_len": 128}),
    "olmo 2": ("Olmo2", WIDE),
    "olmoe": ("Olmoe", {**WIDE, "num_experts": 4, "num_experts_per_tok": 2}),
    "opt": ("OPT", {**PLAIN, "ffn_dim": 64, "word_embed_proj_dim": 32, "init_std": 0.4}),
    "phi": ("Phi", WIDE),
    "phi 3": ("Phi3", WIDE),
    "qwen 2": ("Qwen2", GROUPED),
    "qwen 3": ("Qwen3", SMALL_HEADS),
    "qwen 3 moe": ("Qwen3Moe", {**SMALL_HEADS, **EXPERTS}),
    "qwen 3 next": (
        "Qwen3Next",
        {
            **{**SMALL_HEADS, **EXPERTS, **LINEAR, "shared_expert_intermediate_size": 16},
            "layer_types": ["linear_attention", "full_attention", "linear_attention"],
        },
    ),
    "smollm 3": ("SmolLM3", GROUPED),
    "stablelm": ("StableLm", GROUPED),
    "starcoder": ("GPTBigCode", {**OLD, "multi_query": True}),
}
REFUSED = {
    "bert": ("Bert", WIDE, "tiny looks at later tokens: it is no causal language model."),
    "mamba": (
        "Mamba",
        {**SIZES, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4},
        "tiny has no attention weights: its config names no layers of attention heads.",
    ),
    "xlnet": (
        "XLNet",
        {**SIZES, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64},
        "tiny looks at later tokens: it is no causal language model.",
    ),
}
ATTEND = {"jamba": (1,), "lfm2": (1,), "qwen 3 next": (1,)}  # layers, where it is not all


def build_config(kind: str, options: dict):
    return getattr(transformers, f"{kind}Config")(**options)


@pytest.mark.parametrize("name", WORK)
def test_the_pattern_is_complete_and_the_models_own(name):
    model = HuggingFaceModel(build_language_model(build_config(*WORK[name])))
    capture = capture_pattern(model, TEXT)
    T, attend = len(capture.tokens), ATTEND.get(name, ())
    assert capture.pattern.shape == (len(attend) or model.n_layer, model.n_head, T, T) and capture.layers == attend
    assert not np.triu(capture.pattern, 1).any() and (capture.pattern >= 0).all()
    sums = capture.pattern.sum(-1)
    if name == "gpt-oss":
        assert sums.min() < 0.99 and sums.max() <= 1.00001 and "goes to a sink that is no token" in capture.note
    else:
        np.testing.assert_allclose(sums, 1, atol=1e-5)
        assert "Rows sum" not in capture.note
    if name == "falcon with alibi":  # its own eager attention adds ALiBi twice: test_readings has another oracle
        return
    np.testing.assert_allclose(capture.pattern, read_own_pattern(model), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", WORK)
def test_a_map_is_every_head_alone_though_layers_below_are_run_once(name, monkeypatch):
    monkeypatch.setattr(ablation, "TOKENS_AT_ONCE", 1)  # a batch for each head
    model = HuggingFaceModel(build_language_model(build_config(*WORK[name])))
    read = ablation.read_pair(model, TEXT, "at")
    runs = ablation.Variants(model, read)
    found, heads = ablation.map_ablations(model, read), len(runs.projections) * model.n_head
    alone = [runs.predict(each)[0] for each in 1 - torch.eye(heads).view(heads, 1, -1, model.n_head)]
    np.testing.assert_allclose(found.after.ravel(), [each.probability for each in alone], rtol=1e-4)
    runs.run_unchanged()
    assert len(runs.known) == model.n_layer


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_for_its_reason(name):
    kind, options, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        capture_pattern(HuggingFaceModel(build_language_model(build_config(kind, options))), TEXT)
