"""The cache of embeddings: computed once, by content and model, complete or not there at all."""

from __future__ import annotations

import numpy as np
import pytest
from disk import full_disk

from a3core.fewshot import encoder as encoder_module
from a3core.fewshot.encoder import cache_key, embed_corpus, embed_texts, load_encoder

TEXTS = [f"question number {i} about {'a long ' * (i % 5)}thing" for i in range(20)]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(encoder_module, "CHUNK", 6)


def test_rows_stand_in_the_order_of_the_texts(encoder):
    assert np.array_equal(embed_texts(encoder, TEXTS), encoder.encode(TEXTS))


def test_computed_once(encoder, tmp_path):
    first = embed_corpus(encoder, TEXTS, folder=tmp_path)
    again = embed_corpus(encoder, TEXTS, folder=tmp_path)
    assert np.array_equal(first, again) and first.dtype == np.float32
    assert encoder.encoded == len(TEXTS)
    assert [file.name for file in tmp_path.iterdir()] == [f"{cache_key(encoder, TEXTS)}.npy"]


def test_the_key_is_content_and_model(encoder):
    keys = {cache_key(encoder, texts) for texts in (TEXTS, TEXTS[::-1], TEXTS[1:], ["ab", "c"], ["a", "bc"])}
    encoder.fingerprint = "another"
    assert len(keys | {cache_key(encoder, TEXTS)}) == 6


def test_progress_ends_at_all(encoder, tmp_path):
    reports = []
    embed_corpus(encoder, TEXTS, lambda done, total: reports.append((done, total)), folder=tmp_path)
    assert reports[:3] == [(6, 20), (12, 20), (18, 20)] and reports[-1] == (20, 20)
    embed_corpus(encoder, TEXTS, lambda done, total: reports.append("cached"), folder=tmp_path)
    assert reports[-1] == "cached" and reports.count("cached") == 1


def test_who_leaves_while_it_works_leaves_nothing_behind(encoder, tmp_path):
    def break_down(done, total):
        raise OSError("gone")

    with pytest.raises(ValueError, match="gone"):
        embed_corpus(encoder, TEXTS, break_down, tmp_path)
    assert list(tmp_path.iterdir()) == [] and encoder.encoded == 6


def test_an_error_leaves_nothing_behind(encoder, tmp_path):
    encoder.encode = lambda texts: 1 / 0
    with pytest.raises(ZeroDivisionError):
        embed_corpus(encoder, TEXTS, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY half", "cut", "fewer rows", "not finite"])
def test_a_damaged_file_is_computed_again(encoder, tmp_path, damage):
    expected = embed_corpus(encoder, TEXTS, folder=tmp_path)
    path = tmp_path / f"{cache_key(encoder, TEXTS)}.npy"
    if damage == "fewer rows":
        np.save(path, expected[:-1])
    elif damage == "not finite":
        np.save(path, expected * np.nan)
    else:
        path.write_bytes(path.read_bytes()[:-40] if damage == "cut" else damage)
    assert np.array_equal(embed_corpus(encoder, TEXTS, folder=tmp_path), expected)
    assert encoder.encoded == 2 * len(TEXTS) and np.array_equal(np.load(path), expected)


def test_a_folder_that_cannot_be_written_is_known_before_the_work(encoder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cannot write .*A3_CACHE"):
        embed_corpus(encoder, TEXTS, folder=tmp_path / "file")
    assert encoder.encoded == 0


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(encoder, tmp_path):
    with full_disk(), pytest.raises(ValueError, match=r"^cannot write .*: the variable A3_CACHE names another folder$"):
        embed_corpus(encoder, TEXTS, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(embed_corpus(encoder, TEXTS, folder=tmp_path)) == len(TEXTS)


def test_the_cache_is_where_the_variable_says(encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_CACHE", str(tmp_path))
    embed_corpus(encoder, TEXTS)
    assert len(list((tmp_path / "embeddings").glob("*.npy"))) == 1


def test_nothing_to_embed(encoder, tmp_path):
    with pytest.raises(ValueError, match="no questions"):
        embed_corpus(encoder, [], folder=tmp_path)


@pytest.mark.slow
def test_a_model_that_is_not_there(tmp_path):
    for name in ("no/such-model", str(tmp_path)):
        with pytest.raises(ValueError, match="is no sentence encoder that can be loaded here"):
            load_encoder(name)


@pytest.mark.slow
def test_the_packaged_encoder(real_encoder):
    texts = ["Which river flows through Vienna?", "What river runs through Vienna?", "Who wrote Faust?", "x" * 100_000]
    embeddings = real_encoder.encode(texts)
    assert embeddings.shape == (4, 384) and embeddings.dtype == np.float32
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert embeddings[0] @ embeddings[1] > 0.9 > 0.4 > embeddings[0] @ embeddings[2]
    assert real_encoder.fingerprint == load_encoder().fingerprint
