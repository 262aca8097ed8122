"""Tiny random language models of many architectures, one token a letter."""

from __future__ import annotations

import torch

TEXT = "the cat sat"


def build_tokenizer():
    """One token a letter, `<s>` in front."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = ["<pad>", "<eos>", "<s>", "<unk>", *"\n abcdefghijklmnopqrstuvwxyz?."]
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(letters)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 2)])
    names = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def build_language_model(config):
    from transformers import AutoModelForCausalLM

    from a3core.llm.local import LanguageModel

    torch.manual_seed(0)
    return LanguageModel("tiny", AutoModelForCausalLM.from_config(config).eval(), build_tokenizer())


def build_config(kind: str):
    import transformers

    sizes = {"vocab_size": 34, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
    wide = {**sizes, "intermediate_size": 64, "initializer_range": 0.4, "max_position_embeddings": 128}
    ends = {**wide, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1}
    return {
        "llama": lambda: transformers.LlamaConfig(**wide, num_key_value_heads=2),
        "gemma": lambda: transformers.Gemma3TextConfig(**wide, num_key_value_heads=1, head_dim=16, sliding_window=8),
        "gpt2": lambda: transformers.GPT2Config(vocab_size=34, n_embd=32, n_layer=3, n_head=4, initializer_range=0.4),
        "neox": lambda: transformers.GPTNeoXConfig(**wide),
        "mixtral": lambda: transformers.MixtralConfig(**ends, num_key_value_heads=2, num_local_experts=4),
        "gemma2": lambda: transformers.Gemma2Config(**ends, num_key_value_heads=1, head_dim=16, sliding_window=8),
        "olmo2": lambda: transformers.Olmo2Config(**ends),
        "granite": lambda: transformers.GraniteConfig(
            **ends, num_key_value_heads=2, residual_multiplier=0.5, logits_scaling=2.0, embedding_multiplier=3.0
        ),
        "cohere": lambda: transformers.CohereConfig(**ends, num_key_value_heads=2),
        "falcon": lambda: transformers.FalconConfig(**{**sizes, "initializer_range": 0.4}),
        "falcon-alibi": lambda: transformers.FalconConfig(**{**sizes, "initializer_range": 0.4}, alibi=True),
        "jamba": lambda: transformers.JambaConfig(
            **ends,
            num_key_value_heads=2,
            attn_layer_period=2,
            attn_layer_offset=1,
            mamba_d_state=4,
            mamba_dt_rank=4,
            num_experts=2,
        ),
        "gpt-oss": lambda: transformers.GptOssConfig(
            **ends, num_key_value_heads=2, head_dim=8, num_local_experts=4, num_experts_per_tok=2
        ),
    }[kind]()


def read_own_pattern(model):
    """What a fresh copy of a `HuggingFaceModel` hands out with eager attention: (layers that attend, n_head, T, T)."""
    from transformers import AutoModelForCausalLM

    fresh = AutoModelForCausalLM.from_config(model.network.config, attn_implementation="eager").eval()
    fresh.load_state_dict(model.network.state_dict())
    with torch.inference_mode():
        attentions = fresh(torch.tensor([model.encode(TEXT)]), output_attentions=True).attentions
    return torch.stack([each[0] for each in attentions if each is not None])
