"""The language model on tiny random networks, against transformers' plain `generate`."""

import threading
import time
from functools import cache

import numpy as np
import pytest
import torch
from fakes import CONFIGS, SPECIAL, build_language_model, build_network, build_tokenizer

from a3core.llm import decoding as decoding_module
from a3core.llm import prefix_cache as shared_prefix
from a3core.llm.decoding import METHODS, Cancelled, Decoding, hold_back, iterate_in_thread
from a3core.llm.local import LanguageModel

PROMPTS = ["Who?", "Question: where was Ann born?", "a", "The capital of France is", "Question: when"]
SHARED = "Question: one?\nAnswer: two\n\n"


@pytest.fixture(scope="module", params=sorted(CONFIGS))
def model(request) -> LanguageModel:
    return build_language_model(request.param)


@cache  # what does not depend on the size of a batch is computed once
def plain_generate(model: LanguageModel, prompt: str, **options) -> str:
    """The oracle: one prompt at a time, no shared prefix, transformers' own stopping."""
    ids = torch.tensor([model.encode(prompt)])
    out = model.network.generate(ids, attention_mask=torch.ones_like(ids), tokenizer=model.tokenizer, **options)
    stop = options.get("stop_strings")
    text = model.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    return text.split(stop)[0] if stop else text


# Decoding


@pytest.mark.slow
@pytest.mark.parametrize("stop", [None, "n", "\n"])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_greedy_is_plain_generate(model, stop, batch_size):
    expected = [[plain_generate(model, p, max_new_tokens=12, do_sample=False, stop_strings=stop)] for p in PROMPTS]
    assert model.generate(PROMPTS, Decoding(max_new_tokens=12, stop=stop), batch_size=batch_size) == expected


@pytest.mark.slow
@pytest.mark.parametrize("stop", [None, "n"])
def test_beam_search_is_plain_generate(model, stop):
    options = {"max_new_tokens": 8, "num_beams": 3, "do_sample": False, "stop_strings": stop}
    expected = [[plain_generate(model, p, **options)] for p in PROMPTS]
    assert model.generate(PROMPTS, Decoding("beam", width=3, max_new_tokens=8, stop=stop)) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("top_p", "nucleus"), [(0.8, 512), (0.8, 2), (1.0, 512)])
def test_sampling_draws_from_transformers_distribution(model, top_p, nucleus, monkeypatch):
    monkeypatch.setattr(decoding_module, "NUCLEUS", nucleus)
    decoding = Decoding("sampling", temperature=3.0, top_p=top_p, n=3000, max_new_tokens=1, stop=None)
    drawn = model.generate(["Who?"], decoding, batch_size=3000)[0]
    ids = torch.tensor([model.encode("Who?")])
    options = {"do_sample": True, "temperature": 3.0, "top_p": top_p, "top_k": 0, "max_new_tokens": 1}
    out = model.network.generate(ids, output_scores=True, return_dict_in_generate=True, **options)
    expected = out.scores[0][0].softmax(-1).numpy()
    counted = np.bincount([model.encode(t)[1] if t else 1 for t in drawn], minlength=len(expected)) / len(drawn)
    seen = expected > 0
    assert seen.sum() > 3 and counted[~seen][len(SPECIAL) :].sum() == 0
    assert abs(counted - expected)[len(SPECIAL) :].sum() / 2 < 0.08  # total variation


@pytest.mark.slow
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


def test_no_prompts_have_no_answers(model):
    assert model.generate([]) == []


# Shared prefix


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [1, 3], ids=["inside the sliding window", "beyond it"])
@pytest.mark.parametrize("decoding", [Decoding(max_new_tokens=8), Decoding("beam", width=3, max_new_tokens=8)])
def test_a_shared_prefix_changes_nothing(model, repeats, decoding, monkeypatch):
    prompts = [SHARED * repeats + "Question: " + end for end in ("who?", "where?", "Xy")]
    shared = model.generate(prompts, decoding)
    monkeypatch.setattr(shared_prefix, "MIN_SHARED", 10_000)
    assert model.generate(prompts, decoding) == shared == [model.generate([p], decoding)[0] for p in prompts]


def test_a_shared_prefix_is_run_once(monkeypatch):
    model = LanguageModel("tiny", build_network("llama"), build_tokenizer())
    shapes = record_shapes(model, monkeypatch)
    model.generate([SHARED * 3 + end for end in ("who?", "Xy")], Decoding(max_new_tokens=1))
    assert shapes == [(1, 1 + 3 * len(SHARED)), (2, 3), (2, 1)]  # the prefix, the rest, the last token


def test_a_prompt_is_run_once_for_all_its_decodings(monkeypatch):
    model = LanguageModel("tiny", build_network("llama"), build_tokenizer())
    alone = {d: model.generate(PROMPTS, Decoding(d, max_new_tokens=3, stop=None)) for d in METHODS}
    model.generate(["another"])
    shapes = record_shapes(model, monkeypatch)
    assert {d: model.generate(PROMPTS, Decoding(d, max_new_tokens=3, stop=None)) for d in METHODS} == alone
    assert len([tokens for _, tokens in shapes if tokens > 1]) == 1


def record_shapes(model, monkeypatch) -> list[tuple[int, int]]:
    """(rows, tokens) of everything that the network is run on from now on."""
    shapes, forward = [], model.network.base_model.forward

    def note(input_ids=None, **options):
        shapes.append(tuple(input_ids.shape))
        return forward(input_ids, **options)

    monkeypatch.setattr(model.network.base_model, "forward", note)
    return shapes


# A row's numbers are its own


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_a_batch_changes_no_bit(kind, dtype, monkeypatch):
    """Alone, in batches, in another order, with a shared prefix and without: the same numbers, not only nearly."""
    model = LanguageModel("tiny", build_network(kind).to(dtype), build_tokenizer())
    assert model.reproducible
    prompts = [*PROMPTS, *(SHARED + end for end in PROMPTS), *(SHARED + "Question: " * n for n in (1, 2, 3))]
    continuations = [" Ann" + "e" * (i % 4) for i in range(len(prompts))]
    alone = [model.log_probability([p], [c])[0] for p, c in zip(prompts, continuations, strict=True)]
    together = model.log_probability(prompts, continuations)
    assert together == alone and all(together)
    turned = model.log_probability(prompts[::-1], continuations[::-1], batch_size=5)
    assert turned[::-1] == alone
    monkeypatch.setattr(shared_prefix, "TOKENS", 90)  # run a few rows at a time
    assert model.log_probability(prompts, continuations) == alone
    methods = {"sampling": {"temperature": 1.5}, "beam": {"width": 3}, "greedy": {}}
    for decoding in [Decoding(method, max_new_tokens=4, stop=None, **given) for method, given in methods.items()]:
        texts = [model.generate([prompt], decoding)[0] for prompt in prompts]
        assert model.generate(prompts[::-1], decoding, batch_size=4)[::-1] == texts


def test_noise_is_of_seed_step_and_token():
    """A token keeps its noise when another one's probability changes; the next step has other noise."""
    scores = torch.zeros(2, 50)
    first, again = (decoding_module.DrawToken(["a", "b"], 1.0, 1.0) for _ in range(2))
    drawn = [first(None, scores).argmax(-1).tolist() for _ in range(4)]
    assert len({tuple(step) for step in drawn}) > 1 and any(a != b for a, b in drawn)
    unlikely = scores.clone()
    loser = next(i for i in range(50) if i not in drawn[0])
    unlikely[:, loser] = -1.0
    assert again(None, unlikely).argmax(-1).tolist() == drawn[0]
    alone = decoding_module.DrawToken(["b"], 1.0, 1.0)
    assert alone(None, scores[:1]).argmax(-1).tolist() == drawn[0][1:]


def test_sharing_stops_where_it_would_change_the_answer():
    prompts = [[2, *range(5, 45)], [2, *range(5, 43)]]
    window = {name: shared_prefix.shared_length(config, prompts, [45, 43], 2) for name, config in CONFIGS.items()}
    beyond = {name: shared_prefix.shared_length(config, prompts, [70, 68], 2) for name, config in CONFIGS.items()}
    assert window == {"llama": 38, "gemma": 38}
    assert beyond == {"llama": 38, "gemma": 0}
    assert shared_prefix.shared_length(CONFIGS["gemma"], [prompts[0]] * 2, [70, 70], 2) == 40  # no pads, no harm


# Streaming and cancelling


@pytest.mark.slow
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


def test_a_text_and_a_stop_of_a_megabyte_take_no_time():
    start = time.process_time()
    assert hold_back("a" * 1_000_000 + "b", "a" * 1_000_000)[-1] == "b"
    assert time.process_time() - start < 0.5
    with pytest.raises(ValueError, match="stop is a string of 1 to 1,000 characters"):
        Decoding(stop="a" * 1_000_000)


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
