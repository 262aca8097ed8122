"""Encoders and encoder-decoders: BERT, T5 and BART of random weights, against fresh eager runs."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from tiny_models import build_tokenizer

from a3core.attention.encoders import BoundText, EncoderModel, capture_text, load_model
from a3core.attention.measures.answers import Question, answer_question
from a3core.attention.measures.direct import attribute_heads, read_cell
from a3core.attention.models import choose_layers
from a3core.attention.page import build_page
from a3core.attention.payload import build_payload, encode_matrix, select_matrix

SIZES = {"vocab_size": 34, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2, "decoder_start_token_id": 2}
SOURCE, TARGET = "the cat sat", "a dog"


def build_network(kind: str):
    import transformers

    torch.manual_seed(0)
    if "bert" in kind:
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
        config = {"albert": transformers.AlbertConfig}.get(kind, transformers.BertConfig)
        config = config(vocab_size=34, pad_token_id=0, **sizes, initializer_range=0.4)
        kind = transformers.AutoModel if kind == "bert-alone" else transformers.AutoModelForMaskedLM
        return kind.from_config(config).eval()
    if kind == "t5":
        config = transformers.T5Config(**SIZES, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
    else:
        sizes = {f"{part}_{name}": value for part in ("encoder", "decoder") for name, value in
                 (("layers", 2), ("attention_heads", 4), ("ffn_dim", 64))}  # fmt: skip
        config = transformers.BartConfig(**SIZES, d_model=32, **sizes, init_std=0.4, forced_eos_token_id=None)
    return transformers.AutoModelForSeq2SeqLM.from_config(config).eval()


def build_model(kind: str, part: str) -> EncoderModel:
    tokenizer = build_tokenizer()
    tokenizer.mask_token = "?"
    return EncoderModel(f"tiny-{kind}:{part}", build_network(kind), tokenizer, part)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["t5", "bart"])
@pytest.mark.parametrize("part", ["encoder", "decoder", "cross"])
def test_every_part_equals_a_fresh_eager_run(kind, part):
    model = build_model(kind, part)
    capture = capture_text(model, f"{SOURCE} ||| {TARGET}")
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
    capture = capture_text(build_model("t5", "decoder"), SOURCE)
    assert capture.tokens[0] == "<s>" and len(capture.tokens) > 1


def test_an_encoder_attends_both_ways_and_reads_pairs():
    model = build_model("bert", "encoder")
    alone, pair = capture_text(model, SOURCE), capture_text(model, f"{SOURCE} ||| {TARGET}")
    assert np.triu(alone.pattern, 1).any() and not alone.causal and alone.keys == ()
    assert "".join(pair.tokens).replace("<s>", "") == SOURCE + TARGET
    np.testing.assert_allclose(pair.pattern.sum(-1), 1, atol=1e-5)
    for text in ("", " ||| b"):
        with pytest.raises(ValueError, match="Type a text"):
            capture_text(model, text)
    with pytest.raises(ValueError, match=r"601 tokens|600 tokens"):
        capture_text(model, "a" * 600)


def test_all_of_a_matrix_between_two_texts_travels():
    import base64

    capture = capture_text(build_model("bart", "cross"), f"{SOURCE} ||| {TARGET}")
    payload = build_payload(capture)
    assert payload["keys"] == list(capture.keys) and payload["causal"] is False
    sent = np.frombuffer(base64.b64decode(payload["matrices"]), "<f2").reshape(capture.pattern.shape)
    np.testing.assert_allclose(sent, capture.pattern, rtol=1e-3, atol=1e-6)
    matrix = select_matrix(capture, [(0, 1)])
    assert len(base64.b64decode(encode_matrix(matrix, capture.causal))) == 2 * matrix.size
    with pytest.raises(ValueError, match="between two texts there is none"):
        select_matrix(capture, [(0, 1)], rollout=True)


@pytest.mark.slow
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


# Measures: of a decoder's next token, and of an encoder's masked one

MASKED = "the c?t sat"  # "?" is the mask of the tiny tokenizer here
PARTS = [(kind, part) for kind in ("t5", "bart") for part in ("encoder", "decoder", "cross")]
PATHS = {
    "bert": "bert.encoder.layer.{}.attention.output.dense",
    "t5": "{side}.block.{}.layer.{i}.{name}.o",
    "bart": "model.{side}.layers.{}.{name}.out_proj",
}
NAMES = {
    "t5": {"encoder": "SelfAttention", "decoder": "SelfAttention", "cross": "EncDecAttention"},
    "bart": {"encoder": "self_attn", "decoder": "self_attn", "cross": "encoder_attn"},
}


def find_projection(network, kind: str, part: str, layer: int) -> torch.nn.Module:
    """By its path, written out."""
    side, name = "encoder" if part == "encoder" else "decoder", NAMES.get(kind, {}).get(part)
    path = PATHS[kind].format(layer, side=side, name=name, i=int(part == "cross"))
    return network.get_submodule(path)


def run(model: EncoderModel, network) -> tuple[torch.Tensor, int]:
    """By hand: log-probabilities (V,) of the predicted token, and the one that the model predicts."""
    special = model.tokenizer.all_special_ids
    with torch.inference_mode():
        if not network.config.is_encoder_decoder:
            ids = model.tokenizer(MASKED, return_tensors="pt").input_ids
            logits = network(ids).logits[0, ids[0].tolist().index(model.tokenizer.mask_token_id)]
        else:
            target = [2, *(i for i in model.tokenizer(TARGET).input_ids if i not in special)]
            source = torch.tensor([model.tokenizer(SOURCE).input_ids])
            logits = network(input_ids=source, decoder_input_ids=torch.tensor([target])).logits[0, -1]
    return logits.log_softmax(-1), int(logits.argmax())


def text_of(kind: str) -> str:
    return MASKED if kind == "bert" else f"{SOURCE} ||| {TARGET}"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "part"), [("bert", "encoder"), *PARTS])
def test_the_lens_of_an_encoder_or_a_part_ends_with_the_model_itself(kind, part):
    model = build_model(kind, part)
    shares, written = run(model, model.network)
    answer = answer_question(model, Question("lens", text_of(kind), True, [(0, 0)]))
    assert len(answer["rows"]) == 3 and answer["rows"][0] != answer["rows"][1] != answer["rows"][2]
    last = answer["rows"][-1]
    assert [share for _, share in last["top"]] == pytest.approx(shares.exp().topk(5).values.tolist(), rel=1e-3)
    assert last["rank"] == 1 and last["probability"] == pytest.approx(shares[written].exp().item(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "part"), [("bert", "encoder"), *PARTS])
def test_maps_of_an_encoder_or_a_part_are_heads_switched_off_by_hand(kind, part):
    model = build_model(kind, part)
    before, written = run(model, model.network)
    found = answer_question(model, Question("maps", text_of(kind), True, [(0, 0)]))
    titles = ["Needed to read", *["Needed to answer"][: kind == "bert" or part != "encoder"]]
    titles += ["Writes towards it directly"][: kind == "t5" and part != "encoder"]
    assert [each["title"] for each in found["maps"]] == titles
    assert all(np.shape(each["values"]) == (2, 4) for each in found["maps"])
    if kind != "t5" or part == "encoder":
        assert "goes through more than its last norm to the logit" in found["sentence"]
    for layer, head in ((0, 1), (1, 2)):
        changed = build_network(kind)
        projection = find_projection(changed, kind, part, layer)
        with torch.no_grad():
            projection.weight[:, 8 * head : 8 * head + 8] = 0
        change = run(model, changed)[0][written] - before[written]
        assert found["maps"][0]["values"][layer][head] == pytest.approx(change.item(), abs=1e-3)
    if len(found["maps"]) == 1:
        return
    changed, position = build_network(kind), MASKED.index("?") + 1 if kind == "bert" else -1

    def switch(module, args):
        heads = args[0].clone()
        heads[:, position, 8:16] = 0
        return (heads,)

    find_projection(changed, kind, part, 1).register_forward_pre_hook(switch)
    change = run(model, changed)[0][written] - before[written]
    assert found["maps"][1]["values"][1][1] == pytest.approx(change.item(), abs=1e-3)
    effect = answer_question(model, Question("effect", text_of(kind), True, [(1, 1)]))
    assert np.log(effect["answer"] / effect["before"]) == pytest.approx(change.item(), abs=1e-3)


@pytest.mark.parametrize("part", ["decoder", "cross"])
def test_a_t5_head_writes_directly_what_its_columns_give(part):
    """By hand: the head's vector through the final norm, whose scale is held still, onto the token's column."""
    model = build_model("t5", part)
    bound = BoundText(model, text_of("t5"))
    read = bound.continue_text("")
    trace = bound.trace(torch.tensor([read.lead]), patterns=False)
    found = attribute_heads(bound, trace, read.position)
    with torch.inference_mode():
        network, x = model.network, trace.stream[-1][-1]
        z = trace.inputs[1][-1, 16:24]
        written = find_projection(network, "t5", part, 1).weight[:, 16:24] @ z  # (C,)
        norm = network.decoder.final_layer_norm
        scaled = written * norm.weight * (x.pow(2).mean() + norm.variance_epsilon).rsqrt()
        column = network.lm_head.weight[found.target] - network.lm_head.weight.mean(0)
        logits = bound.logits(network, torch.tensor([read.lead]), 1)[0, -1]
        scale = 32**-0.5 if network.config.scale_decoder_outputs else 1.0
    assert found.heads[1, 2] == pytest.approx((column @ scaled).item() * scale, abs=1e-4)
    assert found.heads.sum() + found.rest == pytest.approx((logits[found.target] - logits.mean()).item(), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "part"), [("bert", "encoder"), *PARTS])
def test_a_cell_is_the_softmax_of_its_row_with_the_bias_of_distances(kind, part):
    bound = BoundText(build_model(kind, part), text_of(kind))
    attended = bound.trace(torch.tensor([bound.ids]), stream=False).attended[1]
    cell = read_cell(attended, 1, query=3, key=2)
    weights = np.where(cell["masked"], 0, np.exp(cell["scores"] - cell["scores"].max()))
    np.testing.assert_allclose(weights / weights.sum(), cell["weights"], atol=1e-5)
    assert cell["products"].sum() + cell["biases"][2] == pytest.approx(cell["scores"][2], rel=1e-5)
    assert (cell["biases"][2] != 0) == (kind == "t5" and part != "cross")
    answer = answer_question(build_model(kind, part), Question("cell", text_of(kind), True, [(1, 1)], 3, 2))
    assert ("with the bias of their distance" in answer["sentence"]) == bool(cell["biases"][2])
    assert len(answer["row"]) == (4 if part == "decoder" else len(bound.key_ids))


def test_an_answer_may_be_typed():
    found = answer_question(build_model("t5", "cross"), Question("effect", text_of("t5"), True, [(0, 0)], answer="cat"))
    assert found["text"] == "cat"
    with pytest.raises(ValueError, match=r"'cat' has 4 tokens in tiny-bert:encoder: one \? is one token"):
        answer_question(build_model("bert", "encoder"), Question("effect", MASKED, True, [(0, 0)], answer="cat"))


def test_what_a_decoder_writes_is_measured_where_nothing_is_given():
    model = build_model("bart", "cross")
    read = BoundText(model, SOURCE).continue_text("")
    assert read.lead == [2] and read.answer and not set(read.answer) & set(model.tokenizer.all_special_ids)


@pytest.mark.parametrize(
    ("kind", "part", "measure", "text", "reason"),
    [
        ("bert", "encoder", "lens", SOURCE, r"Put \? or ___ where tiny-bert:encoder is to guess a word"),
        ("bert-alone", "encoder", "maps", MASKED, "tiny-bert-alone:encoder has no output for a masked token"),
        ("albert", "encoder", "effect", MASKED, "tiny-albert:encoder shares its layers, or names them otherwise"),
        ("bart", "cross", "scores", SOURCE, "between two texts there is no score"),
    ],
)
def test_what_is_not_measured_is_refused_in_one_true_sentence(kind, part, measure, text, reason):
    model = build_model(kind, part)
    assert capture_text(model, text).pattern.size
    with pytest.raises(ValueError, match=reason):
        answer_question(model, Question(measure, text, False, [(0, 0)]))
    with pytest.raises(ValueError, match="Layers cannot be chosen in tiny"):
        choose_layers(model, "1")


def test_a_page_of_an_encoder_has_its_lens_and_scores():
    import json

    page = build_page(build_model("bert", "encoder"), "the c___t sat")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
    assert [answer["kind"] for answer in data["answers"]] == ["lens", "scores"]
    assert len(data["answers"][0]["rows"]) == 3 and data["answers"][1]["scores"]


@pytest.mark.slow
def test_a_page_between_two_texts_has_the_numbers_of_its_cells(browser, tmp_path):
    from a3core.attention.page import render_page

    capture = capture_text(build_model("bart", "cross"), f"{SOURCE} ||| {TARGET}")
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
