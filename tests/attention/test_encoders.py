"""Encoders and encoder-decoders: BERT, T5 and BART of random weights, against fresh eager runs."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from tiny_models import build_tokenizer

from a3core.attention.encoders import EncoderModel, capture_encoder, load_model
from a3core.attention.measures.answers import Question, answer_question
from a3core.attention.models import choose_layers
from a3core.attention.page import build_page
from a3core.attention.payload import build_payload, encode_matrix, select_matrix

SIZES = {"vocab_size": 34, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2, "decoder_start_token_id": 2}
SOURCE, TARGET = "the cat sat", "a dog"


def build_network(kind: str):
    import transformers

    torch.manual_seed(0)
    if kind == "bert":
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
        config = transformers.BertConfig(vocab_size=34, pad_token_id=0, **sizes, initializer_range=0.4)
        return transformers.AutoModel.from_config(config).eval()
    if kind == "t5":
        config = transformers.T5Config(**SIZES, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
    else:
        sizes = {f"{part}_{name}": value for part in ("encoder", "decoder") for name, value in
                 (("layers", 2), ("attention_heads", 4), ("ffn_dim", 64))}  # fmt: skip
        config = transformers.BartConfig(**SIZES, d_model=32, **sizes, init_std=0.4, forced_eos_token_id=None)
    return transformers.AutoModelForSeq2SeqLM.from_config(config).eval()


def build_model(kind: str, part: str) -> EncoderModel:
    return EncoderModel(f"tiny-{kind}:{part}", build_network(kind), build_tokenizer(), part)


@pytest.mark.parametrize("kind", ["t5", "bart"])
@pytest.mark.parametrize("part", ["encoder", "decoder", "cross"])
def test_every_part_equals_a_fresh_eager_run(kind, part):
    model = build_model(kind, part)
    capture = capture_encoder(model, f"{SOURCE} ||| {TARGET}")
    fresh = build_network(kind)
    fresh.set_attn_implementation("eager")
    source = torch.tensor([model.tokenizer(SOURCE).input_ids])
    target = torch.tensor([[2, *(i for i in model.tokenizer(TARGET).input_ids if i != 2)]])
    with torch.inference_mode():
        out = fresh(input_ids=source, decoder_input_ids=target, output_attentions=True)
    names = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}
    np.testing.assert_allclose(capture.pattern, torch.stack(out[names[part]])[:, 0], atol=1e-5)
    np.testing.assert_allclose(capture.pattern.sum(-1), 1, atol=1e-5)
    assert "".join(capture.tokens).removeprefix("<s>") == (SOURCE if part == "encoder" else TARGET)
    assert "".join(capture.keys).removeprefix("<s>") == (SOURCE if part == "cross" else "")
    assert capture.causal == (part == "decoder") == (not np.triu(capture.pattern, 1).any())
    assert capture.norms["v"].shape == capture.pattern.shape[:2] + capture.pattern.shape[3:]


def test_a_decoder_reads_what_it_writes_where_nothing_is_given():
    capture = capture_encoder(build_model("t5", "decoder"), SOURCE)
    assert capture.tokens[0] == "<s>" and len(capture.tokens) > 1


def test_an_encoder_attends_both_ways_and_reads_pairs():
    model = build_model("bert", "encoder")
    alone, pair = capture_encoder(model, SOURCE), capture_encoder(model, f"{SOURCE} ||| {TARGET}")
    assert np.triu(alone.pattern, 1).any() and not alone.causal and alone.keys == ()
    assert "".join(pair.tokens).replace("<s>", "") == SOURCE + TARGET
    np.testing.assert_allclose(pair.pattern.sum(-1), 1, atol=1e-5)
    for text in ("", " ||| b"):
        with pytest.raises(ValueError, match="Type a text"):
            capture_encoder(model, text)
    with pytest.raises(ValueError, match=r"601 tokens|600 tokens"):
        capture_encoder(model, "a" * 600)


def test_all_of_a_matrix_between_two_texts_travels():
    import base64

    capture = capture_encoder(build_model("bart", "cross"), f"{SOURCE} ||| {TARGET}")
    payload = build_payload(capture)
    assert payload["keys"] == list(capture.keys) and payload["causal"] is False
    sent = np.frombuffer(base64.b64decode(payload["matrices"]), "<f2").reshape(capture.pattern.shape)
    np.testing.assert_allclose(sent, capture.pattern, rtol=1e-3, atol=1e-6)
    matrix = select_matrix(capture, [(0, 1)])
    assert len(base64.b64decode(encode_matrix(matrix, capture.causal))) == 2 * matrix.size
    with pytest.raises(ValueError, match="between two texts there is none"):
        select_matrix(capture, [(0, 1)], rollout=True)


def test_from_folders_with_the_part_behind_the_name(tmp_path, checkpoint_root):
    from a3core.birthplace.checkpoints import CheckpointStore
    from a3core.ui.attention.models import AttentionModels

    for kind in ("t5", "bert"):
        build_network(kind).save_pretrained(tmp_path / kind)
        build_tokenizer().save_pretrained(tmp_path / kind)
    assert load_model(str(tmp_path / "t5")).part == "cross" and load_model(str(tmp_path / "bert")).part == "encoder"
    with pytest.raises(ValueError, match="is an encoder: it has no cross attention"):
        load_model(f"{tmp_path / 'bert'}:cross")
    models = AttentionModels(CheckpointStore(checkpoint_root))
    capture = models.capture(f"{tmp_path / 't5'}:encoder", SOURCE, True)
    assert not capture.causal and capture.keys == () and capture.model.endswith("t5:encoder")


@pytest.mark.parametrize(("kind", "part"), [("bert", "encoder"), ("t5", "encoder"), ("bart", "decoder")])
def test_what_is_measured_in_causal_models_alone_is_refused_in_one_true_sentence(kind, part):
    model = build_model(kind, part)
    for measure in ("lens", "maps", "effect", "cell", "scores"):
        reason = f"^This is measured in causal language models alone: tiny-{kind}:{part} is none, so its attention"
        with pytest.raises(ValueError, match=reason):
            answer_question(model, Question(measure, SOURCE, False, [(0, 0)]))
    with pytest.raises(ValueError, match="Layers cannot be chosen in tiny"):
        choose_layers(model, "1")


def test_a_page_of_an_encoder_says_why_it_has_no_lens():
    import json

    page = build_page(build_model("bert", "encoder"), SOURCE)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
    assert [answer["kind"] for answer in data["answers"]] == ["lens", "scores"]
    assert all("causal language models alone" in answer["error"] for answer in data["answers"])


@pytest.mark.slow
def test_a_page_between_two_texts_has_the_numbers_of_its_cells(browser, tmp_path):
    from a3core.attention.page import render_page

    capture = capture_encoder(build_model("bart", "cross"), f"{SOURCE} ||| {TARGET}")
    path = tmp_path / "page.html"
    path.write_text(render_page(capture), encoding="utf-8")
    page, complaints = browser.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.locator(".status", has_text=" with ").wait_for()
    page.locator("button[data-head='1.2']").click()
    page.locator(".keys .token").nth(9).hover()
    sentence = page.locator(".status").inner_text()
    query, key, weight = re.search(r"\((\d+)\) looks at .*\((\d+)\) with ([\d.e-]+)", sentence).groups()
    assert key == "9" and float(weight) == pytest.approx(capture.pattern[1, 2, int(query), 9], rel=1e-2)
    assert page.locator("input.rollout").is_disabled() and complaints == []
    page.close()
