"""Capture, rollout, ablation and payload on tiny random models, against what they claim, written out by hand."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_models import TEXT, build_config, build_language_model

from a3core.attention import ablation
from a3core.attention.ablation import ablate_heads, map_ablations, read_pair
from a3core.attention.capture import Capture, capture_pattern
from a3core.attention.eager import build_eager, build_twin
from a3core.attention.models import GPTModel, HuggingFaceModel
from a3core.attention.payload import (
    build_payload,
    build_thumbnails,
    choose_side,
    encode_matrix,
    select_matrix,
)
from a3core.attention.recording import find_projections
from a3core.birthplace.checkpoints import build_predictor
from a3core.birthplace.model.gpt import Block
from a3core.birthplace.model.vocabulary import build_subwords

QUESTION = "Where was Ada born?"


@pytest.fixture(scope="module", params=["gpt", "recall", "llama", "gemma", "gpt2", "neox"])
def model(request, build_gpt):
    if request.param == "gpt":
        return GPTModel("tiny", build_predictor(build_gpt(vocabulary="□⁇ .?ABDLWabcdehnorstwx", n_head=2)))
    if request.param == "recall":  # a short block: what a random model recites does not end by itself
        vocabulary = build_subwords([TEXT] * 3, 265).text
        return GPTModel("tiny", build_predictor(build_gpt(vocabulary, block_size=32, n_head=2, tagged=True)))
    return HuggingFaceModel(build_language_model(build_config(request.param)))


@pytest.fixture(scope="module")
def gpt_model(build_gpt) -> GPTModel:
    return GPTModel("tiny", build_predictor(build_gpt()))


# Capture


def test_the_pattern_is_complete_causal_and_a_distribution(model):
    capture = capture_pattern(model, TEXT)
    T = len(capture.tokens)
    assert capture.pattern.shape == (model.n_layer, model.n_head, T, T)
    np.testing.assert_allclose(capture.pattern.sum(-1), 1, atol=1e-5)
    assert not np.triu(capture.pattern, 1).any() and (capture.pattern >= 0).all()
    assert "".join(capture.tokens).removeprefix("<s>") == TEXT and capture.n_prompt == T


@pytest.mark.parametrize("kind", ["llama", "gemma", "gpt2", "neox"])
def test_eager_equals_fast(kind):
    model = HuggingFaceModel(build_language_model(build_config(kind)))
    idx = torch.tensor([model.encode(TEXT)])
    fast = model.network.config._attn_implementation
    eager = build_eager(model.network)
    assert model.network.config._attn_implementation == fast != eager.config._attn_implementation
    with torch.inference_mode():
        assert (model.logits(eager, idx, 12) - model.logits(model.network, idx, 12)).abs().max() < 1e-4


def test_a_gpts_pattern_is_what_fused_attention_computes(gpt_model):
    """The naive oracle: PyTorch's attention over the identity as values returns its weights."""
    gpt, idx = gpt_model.network, torch.tensor([gpt_model.encode(QUESTION)])
    pattern = capture_pattern(gpt_model, QUESTION).pattern
    x, T = gpt.embed(idx), idx.size(1)
    cos, sin, eye = gpt.cos[:T], gpt.sin[:T], torch.eye(T).expand(1, gpt.n_head, T, T)
    mask = torch.full((T, T), float("-inf")).triu(1)
    for layer, block in enumerate(gpt.blocks):
        q, k, _ = block.attn.split_heads(block.norm_attn(x), cos, sin)
        weights = F.scaled_dot_product_attention(q, k, eye, is_causal=True)[0]
        np.testing.assert_allclose(pattern[layer], weights.detach(), atol=1e-4)
        x = block(x, cos, sin, mask, None, layer)


@pytest.mark.slow
def test_generated_text_is_part_of_the_capture(model):
    capture = capture_pattern(model, TEXT, generate=True)
    ids = model.encode(TEXT)
    assert capture.n_prompt == len(ids) < len(capture.tokens) <= model.limit
    assert capture.tokens[len(ids) :] == tuple(model.split(model.continue_text(TEXT)[2]))
    np.testing.assert_allclose(
        capture.pattern[..., : len(ids), : len(ids)], capture_pattern(model, TEXT).pattern, atol=1e-5
    )


def test_a_question_is_opened_with_the_mask_as_in_training(gpt_model):
    capture = capture_pattern(gpt_model, QUESTION, generate=True)
    assert capture.tokens[capture.n_prompt - 1] == "⁇"
    prompts = [gpt_model.join(gpt_model.continue_text(text)[0]) for text in ("Ada was ___.", "Ada")]
    assert prompts == ["Ada was ⁇.⁇", "Ada"]


@pytest.mark.slow
def test_capture_leaves_the_model_as_it_was(model):
    before = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.network.modules()]
    capture_pattern(model, TEXT)
    ablate_heads(model, read_pair(model, TEXT), [(0, 0)])
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.network.modules()] == before
    twin = build_twin(model.network)
    assert all(a is b for a, b in zip(twin.parameters(), model.network.parameters(), strict=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Type a text"),
        ("  \n ", "Type a text"),
        ("A", "One token"),
        ("Ada 😀", "never read.*😀"),
        ("Ada\0", "NUL"),
        ("a" * 65, "65 tokens.*at most 64"),
        ("a" * 10_000, "10,000 characters.*at most 64|10,000 tokens.*at most 64"),
    ],
)
def test_bad_text_is_one_clear_sentence(gpt_model, text, message):
    with pytest.raises(ValueError, match=message):
        capture_pattern(gpt_model, text)


def test_the_limit_is_512_where_a_model_could_read_more():
    config = build_config("llama")
    config.max_position_embeddings = 4096
    model = HuggingFaceModel(build_language_model(config))
    assert model.limit == 512
    with pytest.raises(ValueError, match=r"513 tokens.*at most 512"):
        capture_pattern(model, "a" * 512)


def test_a_model_without_attention_weights():
    from transformers import MambaConfig

    config = MambaConfig(vocab_size=34, hidden_size=16, num_hidden_layers=2, state_size=4)
    with pytest.raises(ValueError, match="no attention weights"):
        capture_pattern(HuggingFaceModel(build_language_model(config)), TEXT)


def change_patterns(monkeypatch, model, change) -> None:
    """The model's trace, with every layer's pattern changed."""
    trace = model.trace

    def traced(idx, stream=True):
        found = trace(idx, stream)
        found.attended = [each._replace(pattern=change(each.pattern)) for each in found.attended]
        return found

    monkeypatch.setattr(model, "trace", traced)


def test_an_incomplete_capture_is_refused(gpt_model, monkeypatch):
    with monkeypatch.context() as patch:
        change_patterns(patch, gpt_model, lambda pattern: pattern[:1])
        with pytest.raises(ValueError, match=r"shapes \[\(1, 19, 19\)\].*incomplete"):
            capture_pattern(gpt_model, QUESTION)
    with monkeypatch.context() as patch:
        change_patterns(patch, gpt_model, lambda pattern: pattern.mT)
        with pytest.raises(ValueError, match="later tokens"):
            capture_pattern(gpt_model, QUESTION)


def test_rows_that_do_not_sum_to_one_are_explained(gpt_model, monkeypatch):
    assert capture_pattern(gpt_model, QUESTION).note == ""
    change_patterns(monkeypatch, gpt_model, lambda pattern: pattern / 2)
    assert capture_pattern(gpt_model, QUESTION).note.startswith("Rows sum to less than one, down to 0.5: the rest goes")


def test_the_json_answer(gpt_model):
    answer = capture_pattern(gpt_model, "Ada").to_json()
    assert answer["tokens"] == list("Ada") and answer["shape"] == [2, 2, 3, 3]
    assert np.allclose(np.array(answer["pattern"]).sum(-1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="too many for JSON"):
        Capture("m", ("a",), 1, np.zeros((4, 4, 512, 512), np.float32)).to_json()


# Rollout


def test_rollout_is_stochastic_and_by_the_paper(model):
    capture = capture_pattern(model, TEXT)
    rolled = [select_matrix(capture, [(layer, 0)], rollout=True) for layer in range(2)]
    np.testing.assert_allclose(np.stack(rolled).sum(-1), 1, atol=1e-5)
    assert not np.triu(rolled, 1).any()
    mixed = [(layer.mean(0) + np.eye(layer.shape[-1])) / 2 for layer in capture.pattern]
    np.testing.assert_allclose(rolled[1], mixed[1] @ mixed[0], atol=1e-5)


# Ablation


def zero_by_hand(model, heads) -> torch.nn.Module:
    """The network with the columns of the projection that read these heads set to zero."""
    twin = build_twin(model.network)
    for layer, head in heads:
        projection = list(find_projections(twin).values())[layer]
        weight = projection.weight.detach().clone()
        rows = type(projection).__name__ == "Conv1D"  # GPT-2 keeps its matrices the other way round
        size = weight.size(0 if rows else 1) // model.n_head
        weight.narrow(0 if rows else 1, head * size, size).zero_()
        projection.weight = torch.nn.Parameter(weight)
    return twin


@pytest.mark.slow
@pytest.mark.parametrize("heads", [[(0, 0)], [(1, 1)], [(0, 1), (1, 0), (1, 1)]])
def test_ablation_changes_what_a_zeroed_projection_changes(model, heads):
    reply = model.continue_text(TEXT)[2]
    effect = ablate_heads(model, read_pair(model, TEXT), heads)
    assert effect.answer == model.join(reply)
    idx = torch.tensor([model.encode(TEXT) + reply])
    for prediction, network in ((effect.before, model.network), (effect.after, zero_by_hand(model, heads))):
        with torch.inference_mode():
            steps = model.logits(network, idx, len(reply) + 1)[0, :-1].log_softmax(-1)
        expected = steps[range(len(reply)), reply].sum().exp().item()
        assert prediction.probability == pytest.approx(expected, rel=1e-3)
        shares, ids = steps[0].exp().topk(5)
        assert [token for token, _ in prediction.top] == model.split(ids.tolist())
        assert [share for _, share in prediction.top] == pytest.approx(shares.tolist(), rel=1e-3)
    assert effect.before.probability != effect.after.probability


def test_the_map_is_every_single_ablation(model):
    told = []
    found = map_ablations(model, read_pair(model, TEXT, "at"), lambda done, total: told.append((done, total)))
    assert found.after.shape == (model.n_layer, model.n_head)
    heads = model.n_layer * model.n_head
    assert told[-1] == (heads + 1, heads + 1)
    effect = ablate_heads(model, read_pair(model, TEXT, "at"), [(1, 1)])
    assert found.after[1, 1] == pytest.approx(effect.after.probability, rel=1e-3)
    assert found.before == pytest.approx(effect.before.probability, rel=1e-3)


def test_layers_below_what_is_changed_are_run_once_for_all(gpt_model, monkeypatch):
    rows, forward, read = [], Block.forward, read_pair(gpt_model, QUESTION, "D")
    expected = [ablate_heads(gpt_model, read, [divmod(i, 2)]).after.probability for i in range(4)]
    monkeypatch.setattr(Block, "forward", lambda self, x, *others: rows.append(len(x)) or forward(self, x, *others))
    found = map_ablations(gpt_model, read)
    assert found.after.ravel() == pytest.approx(expected, rel=1e-4)
    # both layers of the unchanged model, and what is left of it; one row becomes four where the first variants differ
    assert rows == [1, 1, 1, *[1, 4]]
    rows.clear()
    monkeypatch.setattr(ablation, "TOKENS_AT_ONCE", 3 * len(read.ids))
    assert map_ablations(gpt_model, read).after.ravel() == pytest.approx(expected, rel=1e-4)
    assert rows == [1, 1, 1, *[1, 2], 1]  # two variants of each layer, those of the second without the first


@pytest.mark.parametrize("error", [None, KeyError])
def test_layers_that_need_those_below_are_all_run(gpt_model, monkeypatch, error):
    """As where a later layer reads the keys of an earlier one beside the stream."""
    below, forward, read = [], Block.forward, read_pair(gpt_model, QUESTION, "D")
    expected = [ablate_heads(gpt_model, read, [divmod(i, 2)]).after.probability for i in range(4)]

    def run(self, x, cos, sin, mask, cache, layer):
        if layer == 1 and not below:
            if error:
                raise error("keys of layer 0")
            x = torch.flip(x, [-1])
        below[:] = [0] if layer == 0 else []
        return forward(self, x, cos, sin, mask, cache, layer)

    monkeypatch.setattr(Block, "forward", run)
    monkeypatch.setattr(ablation, "TOKENS_AT_ONCE", 1)
    assert map_ablations(gpt_model, read).after.ravel() == pytest.approx(expected, rel=1e-4)


def test_ablation_tells_what_is_wrong(gpt_model):
    for heads, message in (
        ([], "at least one head"),
        ([(2, 0)], "no layer 2 head 0"),
        ([(0, -1)], "no layer 0 head -1"),
    ):
        with pytest.raises(ValueError, match=message):
            ablate_heads(gpt_model, read_pair(gpt_model, QUESTION), heads)
    with pytest.raises(ValueError, match="no room"):
        ablate_heads(gpt_model, read_pair(gpt_model, "a" * 64), [(0, 0)])


def test_a_typed_answer_is_closed_as_in_training(gpt_model):
    read = read_pair(gpt_model, QUESTION, "London".replace("L", "D"))
    assert ablate_heads(gpt_model, read, [(0, 0)]).answer == "Dondon⁇"


# Payload


def test_a_thumbnail_keeps_the_largest_weight():
    pattern = np.zeros((1, 1, 100, 100), np.float32)
    pattern[0, 0, 50, 3] = 0.25
    (small,) = build_thumbnails(pattern, 10)[0]
    assert small.dtype == np.uint8 and small[5, 0] == 128 and small.sum() == 128
    assert (build_thumbnails(pattern, 100)[0, 0] == np.rint(255 * np.sqrt(pattern[0, 0]))).all()


@pytest.mark.parametrize(("n_layer", "n_head"), [(4, 8), (18, 4), (30, 9), (32, 32)])
def test_512_tokens_stay_under_two_megabytes(n_layer, n_head):
    side = choose_side(512, n_layer * n_head)
    assert side <= 64
    thumbnails = n_layer * n_head * side * side * 4 / 3
    matrix = len(encode_matrix(np.zeros((512, 512), np.float32)))
    assert thumbnails + matrix + 512 * 20 < 2_000_000


def test_the_number_shown_is_the_number(gpt_model):
    capture = capture_pattern(gpt_model, QUESTION)
    payload = build_payload(capture)
    assert payload["tokens"] == list(QUESTION) and payload["side"] == len(QUESTION)
    sent = np.frombuffer(base64.b64decode(payload["matrices"]), "<f2").reshape(2, 2, -1)
    np.testing.assert_allclose(sent, capture.pattern[(..., *np.tril_indices(len(QUESTION)))], rtol=1e-3, atol=1e-7)
    thumbnails = build_payload(capture, matrices=False)["thumbnails"]
    assert len(base64.b64decode(thumbnails)) == 4 * len(QUESTION) ** 2
    matrix = select_matrix(capture, [(0, 1), (1, 0)])
    sent = np.frombuffer(base64.b64decode(encode_matrix(matrix)), "<f2")
    mean = (capture.pattern[0, 1] + capture.pattern[1, 0]) / 2
    np.testing.assert_allclose(sent, mean[np.tril_indices(len(mean))], rtol=1e-3, atol=1e-7)
    lower, upper = (select_matrix(capture, heads, rollout=True) for heads in ([(0, 1)], [(0, 1), (1, 0)]))
    assert np.array_equal(upper, select_matrix(capture, [(1, 1)], rollout=True)) and not np.allclose(lower, upper)
    with pytest.raises(ValueError, match="layers 0 to 1"):
        select_matrix(capture, [(5, 0)])
