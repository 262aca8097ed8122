"""What is read of a model: architectures that need care, precision and memory, chosen layers, tokens as text."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import TEXT, build_config, build_language_model, read_own_pattern

from a3core.attention.ablation import ablate_heads, map_ablations, read_pair
from a3core.attention.capture import capture_pattern
from a3core.attention.measures.direct import attribute_heads
from a3core.attention.models import GPTModel, HuggingFaceModel, choose_layers
from a3core.birthplace.checkpoints import build_predictor


def build_hugging_face(kind: str) -> HuggingFaceModel:
    return HuggingFaceModel(build_language_model(build_config(kind)))


@pytest.fixture(scope="module")
def gpt_model(build_gpt) -> GPTModel:
    return GPTModel("tiny", build_predictor(build_gpt()))


# Architectures that were refused, or shown without a word


def test_falcon_is_read_though_switching_does_not_take():
    model = build_hugging_face("falcon")
    capture = capture_pattern(model, TEXT)
    np.testing.assert_allclose(capture.pattern, read_own_pattern(model), atol=1e-5, rtol=1e-4)
    assert not np.triu(capture.pattern, 1).any() and capture.norms == {}


def test_falcon_with_alibi_has_the_pattern_that_its_fast_attention_computes():
    """The oracle: fused attention over the identity as values returns its weights; its mask holds ALiBi once."""
    import torch.nn.functional as F

    model, fused, found = build_hugging_face("falcon-alibi"), F.scaled_dot_product_attention, []

    def attend(query, key, value, attn_mask, **options):
        eye = torch.eye(key.size(-2)).expand(*query.shape[:2], -1, -1)
        found.append(fused(query, key.expand(-1, query.size(1), -1, -1), eye, attn_mask=attn_mask)[0])
        return fused(query, key, value, attn_mask=attn_mask, **options)

    capture = capture_pattern(model, TEXT)
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        patch.setattr(F, "scaled_dot_product_attention", attend)
        model.logits(model.network, torch.tensor([model.encode(TEXT)]), 1)
    np.testing.assert_allclose(capture.pattern, torch.stack(found), atol=1e-5)
    assert not np.triu(capture.pattern, 1).any()


def test_a_hybrid_shows_the_layers_that_attend():
    model = build_hugging_face("jamba")
    capture = capture_pattern(model, TEXT)
    assert capture.pattern.shape[0] == 1 and capture.layers == (1,)
    assert capture.note == "Only layers 1 of 3 attend; layers 0, 2 mix tokens otherwise."
    assert ablate_heads(model, read_pair(model, TEXT), [(0, 1)]).after.probability > 0
    with pytest.raises(ValueError, match="layers 0 to 0"):
        ablate_heads(model, read_pair(model, TEXT), [(1, 1)])


def test_a_sink_takes_the_rest_of_a_row_and_says_so():
    capture = capture_pattern(build_hugging_face("gpt-oss"), TEXT)
    assert capture.pattern.sum(-1).min() < 0.99 and "goes to a sink that is no token" in capture.note


def test_half_precision_is_read_in_float32():
    model = build_hugging_face("llama")
    expected = capture_pattern(model, TEXT).pattern
    model.network.to(torch.bfloat16)
    before = {name: each.clone() for name, each in model.network.state_dict().items()}
    capture = capture_pattern(model, TEXT)
    assert capture.pattern.dtype == np.float32 and model.network.dtype == torch.bfloat16
    np.testing.assert_allclose(capture.pattern, expected, atol=0.05)
    np.testing.assert_allclose(capture.pattern.sum(-1), 1, atol=1e-5)
    assert all(torch.equal(each, before[name]) for name, each in model.network.state_dict().items())


def test_memory_is_estimated_before_a_capture(gpt_model, monkeypatch):
    monkeypatch.setattr("a3core.attention.capture.MAX_BYTES", 1000)
    monkeypatch.setattr(gpt_model, "trace", lambda *args: pytest.fail("it was captured"))
    with pytest.raises(ValueError, match=r"patterns of 10 tokens would take 0\.0 GB of memory: shorten"):
        capture_pattern(gpt_model, "Ada was bo")


# Chosen layers


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gpt", "llama", "gpt2", "falcon"])
def test_chosen_layers_are_rows_of_everything(kind, gpt_model):
    model = gpt_model if kind == "gpt" else build_hugging_face(kind)
    last = model.n_layer - 1
    chosen, text = choose_layers(model, f"1-{last}"), "Ada was bo" if kind == "gpt" else TEXT
    everything, capture = capture_pattern(model, text), capture_pattern(chosen, text)
    np.testing.assert_allclose(capture.pattern, everything.pattern[1:], atol=1e-6)
    assert capture.layers == tuple(range(1, last + 1)) and capture.norms.keys() == everything.norms.keys()
    assert capture.note == f"Layers 1 to {last} of {last + 1}, as chosen." and everything.note == ""
    for name in capture.norms:
        np.testing.assert_allclose(capture.norms[name], everything.norms[name][1:], rtol=1e-5)
    read = read_pair(model, text)
    np.testing.assert_allclose(map_ablations(chosen, read).after, map_ablations(model, read).after[1:], rtol=1e-3)
    trace = chosen.trace(torch.tensor([model.encode(text)]))
    found = attribute_heads(chosen, trace, position=5)
    expected = attribute_heads(model, model.trace(torch.tensor([model.encode(text)])), position=5)
    np.testing.assert_allclose(found.heads, expected.heads[1:], atol=1e-4)
    assert found.heads.sum() + found.rest == pytest.approx(found.total, abs=1e-3)
    assert found.total == pytest.approx(expected.total, abs=1e-3)


def test_layers_that_are_not_chosen_are_never_held(monkeypatch):
    model = build_hugging_face("llama")
    asked, run = [], model._run
    chosen = choose_layers(model, "L1")
    monkeypatch.setattr(chosen, "_run", lambda *args, **options: asked.append(options) or run(*args, **options))
    assert [each.layer for each in chosen.trace(torch.tensor([model.encode(TEXT)])).attended] == [1]
    assert asked and not any(options.get("output_attentions") for options in asked)
    assert model.layers is None and choose_layers(model, " All ") is model


def test_fewer_layers_are_what_a_short_memory_needs(gpt_model, monkeypatch):
    size = 4 * gpt_model.n_layer * gpt_model.n_head * 10 * 10
    monkeypatch.setattr("a3core.attention.capture.MAX_BYTES", size - 1)
    with pytest.raises(ValueError, match=r"shorten the text or choose layers\.$"):
        capture_pattern(gpt_model, "Ada was bo")
    assert capture_pattern(choose_layers(gpt_model, "1"), "Ada was bo").pattern.shape[0] == 1


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("two", "'two' are no layers: write 4-7 for layers 4 to 7"),
        ("1-", "are no layers"),
        ("2", "has layers 0 to 1, not 2"),
        ("1-0", "has layers 0 to 1, not 1-0"),
        ("0-99", "has layers 0 to 1"),
    ],
)
def test_what_are_no_layers_is_refused(gpt_model, typed, message):
    with pytest.raises(ValueError, match=message):
        choose_layers(gpt_model, typed)


def test_layers_of_a_hybrid_cannot_be_chosen():
    with pytest.raises(ValueError, match="Layers cannot be chosen in"):
        choose_layers(build_hugging_face("jamba"), "1")


def test_large_patterns_are_held_in_half_the_memory(gpt_model, monkeypatch):
    monkeypatch.setattr("a3core.attention.capture.HALF_FROM", 100)
    assert capture_pattern(gpt_model, "Ada was bo").pattern.dtype == np.float16


def test_the_first_head_says_something(gpt_model):
    capture = capture_pattern(gpt_model, "Ada was bo", generate=True)
    ids = [*gpt_model.continue_text("Ada was bo")[0], *gpt_model.continue_text("Ada was bo")[2]]
    found = attribute_heads(
        gpt_model, gpt_model.trace(torch.tensor([ids])), capture.n_prompt - 1, ids[capture.n_prompt]
    )
    assert capture.start == np.unravel_index(found.heads.argmax(), found.heads.shape)
    assert "writes most directly towards the next token" in capture.why


# Tokens


def test_pieces_of_a_character_are_one_text():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from a3core.attention.models import join_bytes

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({each: i for i, each in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    for text in ("日本 👩‍🔬 naïve café", "العربية", "plain", "\u202eabc"):
        pieces = join_bytes(fast, fast(text).input_ids)
        assert "".join(pieces) == text and len(pieces) == len(text.encode())
    assert join_bytes(fast, fast("ï").input_ids) == ["ï", ""]
    assert "\ufffd" not in "".join(join_bytes(fast, fast("日").input_ids[:2]))
