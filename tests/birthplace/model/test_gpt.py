"""The model: the cache and left padding change nothing, the future is not seen, checkpoints come back as they went."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open

from a3core.birthplace.checkpoints import save_checkpoint
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.model.gpt import GPT, Cache
from a3core.birthplace.model.vocabulary import MASK, PAD, build_subwords
from a3core.birthplace.training.args import RecallArgs

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture
def gpt(build_gpt):
    return build_gpt()


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.inference_mode():
        yield


def draw(model: GPT, *shape: int, seed: int = 0) -> torch.Tensor:
    """Random characters, no pads."""
    return torch.randint(1, model.vocabulary.size, shape, generator=torch.Generator().manual_seed(seed))


def read_in_chunks(model: GPT, idx: torch.Tensor, chunks: list[int], pad=None) -> torch.Tensor:
    cache = Cache(model, idx.size(0), idx.size(1))
    logits = [model(chunk, cache, pad) for chunk in idx.split(chunks, dim=1)]
    assert cache.length == idx.size(1)
    return torch.cat(logits, dim=1)  # (B, T, V)


def test_logits_have_one_row_a_character_and_differ(gpt):
    idx = draw(gpt, 3, 20)
    logits = gpt(idx)
    assert logits.shape == (3, 20, gpt.vocabulary.size) and logits.isfinite().all()
    assert logits.std() > 0.1


@pytest.mark.parametrize("chunks", [[64], [63, 1], [1, 63], [10, 1, 20, 33], [1] * 64])
def test_the_cache_gives_what_the_full_forward_pass_gives(gpt, chunks):
    idx = draw(gpt, 3, 64)
    torch.testing.assert_close(read_in_chunks(gpt, idx, chunks), gpt(idx), **CLOSE)


def test_a_cache_keeps_the_rows_it_is_told(gpt):
    idx, rows, further = draw(gpt, 3, 12), [2, 0], draw(gpt, 2, 5, seed=1)
    cache = Cache(gpt, 3, 20)
    gpt(idx, cache)
    cache.keep(rows)
    first, second = gpt(further[:, :2], cache), gpt(further[:, 2:], cache)
    expected = gpt(torch.cat((idx[rows], further), dim=1))[:, 12:]
    torch.testing.assert_close(torch.cat((first, second), dim=1), expected, **CLOSE)


def test_beams_side_by_side_read_what_each_would_read_alone(gpt):
    idx, first, second = draw(gpt, 2, 12), draw(gpt, 2, 3, seed=1), draw(gpt, 2, 2, seed=2)
    beams = torch.tensor([[2, 2], [0, 1]])  # which of the three first ways the two second ones go on from
    cache = Cache(gpt, 2, 12 + 3 + 2)
    gpt(idx, cache)
    visible = torch.cat((torch.ones(2, 3, 12, dtype=torch.bool), torch.eye(3, dtype=torch.bool).expand(2, -1, -1)), -1)
    gpt.read_beams(first, cache, 12, visible)
    past = visible[torch.arange(2)[:, None], beams]
    visible = torch.cat((past, torch.eye(2, dtype=torch.bool).expand(2, -1, -1)), -1)
    read = gpt.read_beams(second, cache, 13, visible)[-1]
    for row in range(2):
        for beam in range(2):
            alone = torch.cat((idx[row], first[row, beams[row, beam]][None], second[row, beam][None]))[None]
            torch.testing.assert_close(read[row, beam], gpt.read(alone)[-1][0, -1], **CLOSE)


@pytest.mark.parametrize("chunks", [None, [20], [14, 1, 1, 4]])
def test_padding_on_the_left_changes_nothing(gpt, chunks):
    lengths = [20, 13, 1]
    texts = [draw(gpt, 1, length, seed=length) for length in lengths]
    pad = torch.tensor([20 - length for length in lengths])
    idx = torch.cat([torch.nn.functional.pad(text, (20 - text.size(1), 0)) for text in texts])
    padded = read_in_chunks(gpt, idx, chunks, pad) if chunks else gpt(idx, pad=pad)
    assert padded.isfinite().all()
    for row, text in enumerate(texts):
        torch.testing.assert_close(padded[row, pad[row] :], gpt(text)[0], **CLOSE)


def test_no_character_sees_those_behind_it(gpt):
    idx = draw(gpt, 2, 30)
    changed = idx.clone()
    changed[:, 17] = (idx[:, 17] + 1) % gpt.vocabulary.size
    before, after = gpt(idx), gpt(changed)
    torch.testing.assert_close(after[:, :17], before[:, :17], atol=1e-6, rtol=0)
    assert (after[:, 17:] - before[:, 17:]).abs().amax(-1).min() > 1e-3, "every later character sees the change"


def test_more_than_the_block_is_an_error_with_both_numbers(gpt):
    gpt(draw(gpt, 1, 64))
    with pytest.raises(ValueError, match="65 characters, but the model reads at most 64"):
        gpt(draw(gpt, 1, 65))
    cache = Cache(gpt, 1, 70)
    gpt(draw(gpt, 1, 60), cache)
    with pytest.raises(ValueError, match="66 characters, but the model reads at most 64"):
        gpt(draw(gpt, 1, 6), cache)


@pytest.fixture
def tagged_gpt(build_gpt):
    return build_gpt(tied=True, tagged=True)


def test_tied_embeddings_are_the_head(tagged_gpt):
    idx = draw(tagged_gpt, 2, 9)
    features = tagged_gpt.read(idx)[-1]
    torch.testing.assert_close(tagged_gpt(idx), features @ tagged_gpt.embed.weight.T)
    assert not any("head" in name for name in tagged_gpt.state_dict())


def test_tags_are_one_a_token_and_leave_the_logits_as_they_are(tagged_gpt):
    idx = draw(tagged_gpt, 3, 20)
    logits, tags = tagged_gpt(idx, tagged=True)
    assert tags.shape == (3, 20) and tags.std() > 0.1
    assert torch.equal(logits, tagged_gpt(idx))


def test_tags_are_read_off_the_last_three_features(tagged_gpt):
    idx = draw(tagged_gpt, 2, 9)
    features = tagged_gpt.read(idx)
    assert [feature.shape for feature in features] == [(2, 9, 16)] * 3  # the embedding's and two layers'
    expected = torch.cat(features, dim=-1) @ tagged_gpt.tag.linear.weight[0] + tagged_gpt.tag.linear.bias
    torch.testing.assert_close(tagged_gpt(idx, tagged=True)[1], expected, **CLOSE)


@pytest.mark.parametrize("chunks", [[10, 1, 9], [1] * 20])
def test_the_cache_and_padding_change_no_tag(tagged_gpt, chunks):
    texts, pad = [draw(tagged_gpt, 1, length) for length in (20, 13)], torch.tensor([0, 7])
    idx = torch.cat([torch.nn.functional.pad(text, (20 - text.size(1), 0)) for text in texts])
    cache = Cache(tagged_gpt, 2, 20)
    tags = torch.cat([tagged_gpt(chunk, cache, pad, tagged=True)[1] for chunk in idx.split(chunks, dim=1)], dim=1)
    for row, text in enumerate(texts):
        torch.testing.assert_close(tags[row, pad[row] :], tagged_gpt(text, tagged=True)[1][0], **CLOSE)


def test_tags_need_two_layers(build_gpt):
    with pytest.raises(ValueError, match="at least 2 layers, not 1"):
        build_gpt(n_layer=1, tagged=True)


def test_a_recall_checkpoint_comes_back_with_its_sub_words(build_gpt, training, tmp_path):
    vocabulary = build_subwords(["Ada was born in Leeds"] * 3, 270)
    gpt = build_gpt(vocabulary.text, tied=True, tagged=True)
    save_checkpoint(gpt, tmp_path, training)
    loaded = GPT.from_pretrained(tmp_path)
    assert loaded.recites and loaded.head is None and loaded.vocabulary.text == vocabulary.text
    ids = torch.tensor([loaded.vocabulary.encode("Ada was born in Łódź")])
    gpt.load_state_dict({name: tensor.bfloat16().float() for name, tensor in gpt.state_dict().items()})
    for ours, theirs in zip(loaded(ids, tagged=True), gpt(ids, tagged=True), strict=True):
        assert torch.equal(ours, theirs)


def test_the_recall_model_stays_under_its_size(training, tmp_path):
    merges = build_subwords(load_corpus("builtin:500").documents, RecallArgs().subwords)
    gpt = GPT(merges.text, 512, tied=True, tagged=True)
    assert merges.size == RecallArgs().subwords
    assert sum(parameter.numel() for parameter in gpt.parameters()) <= 3_500_000
    save_checkpoint(gpt, tmp_path, training)
    assert (tmp_path / "model.safetensors").stat().st_size < 10_000_000


def test_a_new_layer_is_the_identity(gpt):
    gpt.init_weights()
    idx = draw(gpt, 2, 9)
    torch.testing.assert_close(gpt(idx), gpt.head(gpt.norm(gpt.embed(idx))))


def test_heads_need_an_even_share_of_the_channels():
    with pytest.raises(ValueError, match="n_embd 24 must be a multiple of 2 \\* n_head = 16"):
        GPT(PAD + MASK, n_head=8, n_embd=24)


@pytest.fixture(scope="module")
def full_gpt():
    """The shipped shape with 256 characters, more than any corpus here has."""
    return GPT(PAD + MASK + "".join(map(chr, range(0x20, 0x20 + 254))))


def test_the_full_model_has_the_courses_shape_and_size(full_gpt):
    assert (len(full_gpt.blocks), full_gpt.n_head, full_gpt.n_embd, full_gpt.block_size) == (4, 8, 256, 128)
    assert sum(parameter.numel() for parameter in full_gpt.parameters()) <= 3_500_000


def test_the_full_model_is_saved_small(full_gpt, training, tmp_path):
    save_checkpoint(full_gpt, tmp_path, training)
    assert (tmp_path / "model.safetensors").stat().st_size < 10_000_000


def test_a_checkpoint_comes_back_rounded_to_bf16(gpt, training, tmp_path):
    before = {name: tensor.clone() for name, tensor in gpt.state_dict().items()}
    save_checkpoint(gpt, tmp_path, training)
    loaded = GPT.from_pretrained(tmp_path)
    assert loaded.vocabulary.characters == gpt.vocabulary.characters
    assert (loaded.block_size, loaded.n_head, loaded.n_embd, len(loaded.blocks)) == (64, 2, 16, 2)
    assert not loaded.training
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor, before[name].bfloat16().float()), name
        assert torch.equal(gpt.state_dict()[name], before[name]), f"saving changed {name} of the model in memory"
    idx = draw(gpt, 2, 30)
    rounded = GPT(**gpt_arguments(gpt))
    rounded.load_state_dict({name: tensor.bfloat16().float() for name, tensor in before.items()})
    assert torch.equal(loaded(idx), rounded(idx))


def gpt_arguments(model: GPT) -> dict:
    return {
        "vocabulary": model.vocabulary.characters,
        "block_size": model.block_size,
        "n_layer": len(model.blocks),
        "n_head": model.n_head,
        "n_embd": model.n_embd,
        "tied": model.head is None,
        "tagged": model.tag is not None,
        "question": model.question,
        "capital": model.capital,
    }


def test_a_checkpoint_holds_its_arguments_bf16_weights_and_no_pickle(build_gpt, training, tmp_path):
    gpt = build_gpt(PAD + MASK + "aé北𝄞")
    save_checkpoint(gpt, tmp_path, training)
    assert {file.name for file in tmp_path.iterdir()} == {
        "config.json",
        "model.safetensors",
        "training.json",
        "README.md",
    }
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8")) == gpt_arguments(gpt)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(gpt.state_dict())
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.bfloat16}  # noqa: SIM118
    assert GPT.from_pretrained(tmp_path).vocabulary.characters == PAD + MASK + "aé北𝄞"


def test_a_loaded_checkpoint_can_be_saved_again(gpt, training, tmp_path):
    save_checkpoint(gpt, tmp_path / "one", training)
    save_checkpoint(GPT.from_pretrained(tmp_path / "one"), tmp_path / "two", training)
    one, two = (GPT.from_pretrained(tmp_path / name).state_dict() for name in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)
