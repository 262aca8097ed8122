"""ZeroGPU: generation in a forked process, as the package `spaces` does it, gives what it gives here."""

from __future__ import annotations

import contextvars
import multiprocessing
import pickle
import sys
import time
from types import SimpleNamespace

import pytest
from fakes import build_language_model

from a3core.common.device import choose_device
from a3core.llm import zero_gpu
from a3core.llm.decoding import Decoding

PROMPTS = ["Where was Ada born?", "Who wrote Hamlet?"]
visitor = contextvars.ContextVar("visitor", default=None)


class Spaces:
    """What matters of `spaces.GPU`: arguments are pickled, the work is done in a fork, its pieces come back."""

    def __init__(self):
        self.processes, self.visitors = [], []

    def GPU(self, duration: int):
        assert 0 < duration <= 60
        return lambda task: lambda *args: self.run(task, pickle.dumps(args))

    def run(self, task, sent: bytes):
        self.visitors.append(visitor.get())
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe(duplex=False)

        def work() -> None:
            for piece in task(*pickle.loads(sent)):
                theirs.send(piece)
            theirs.send(StopIteration())

        self.processes.append(context.Process(target=work, daemon=True))
        self.processes[-1].start()
        try:
            while ours.poll(120) and not isinstance(piece := ours.recv(), StopIteration):
                yield piece
        finally:
            self.processes[-1].terminate()
            self.processes[-1].join(60)


@pytest.fixture
def spaces(monkeypatch):
    spaces = Spaces()
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setattr(zero_gpu, "DEVICE", "cpu")
    monkeypatch.setattr(zero_gpu, "_lent", None)
    monkeypatch.setattr(zero_gpu, "_models", {})
    return spaces


@pytest.fixture
def lent(spaces, monkeypatch):
    """On ZeroGPU, after the start of the app."""
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    zero_gpu.enable()
    return spaces


@pytest.fixture(scope="module")
def model():
    return build_language_model()


@pytest.mark.slow
@pytest.mark.parametrize("decoding", [Decoding("greedy"), Decoding("beam"), Decoding("sampling", seed=3)])
def test_a_lent_gpu_writes_the_same(model, spaces, monkeypatch, decoding):
    here = model.generate(PROMPTS, decoding)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    zero_gpu.enable()
    assert model.generate(PROMPTS, decoding) == here
    assert len(spaces.processes) == 1


def test_a_stream_grows_and_leaving_it_ends_the_call(model, lent):
    decoding = Decoding(max_new_tokens=40, stop=None)
    texts = list(model.stream(PROMPTS[0], decoding))
    assert len(texts) > 3 and texts[-1] == model.generate([PROMPTS[0]], decoding)[0][0]
    stream = model.stream(PROMPTS[0], Decoding(max_new_tokens=400, stop=None))
    next(stream)
    stream.close()
    end = time.monotonic() + 60
    # not `join`: the call's own thread joins it, too, and who comes second sees a process without an exit code
    while lent.processes[-1].is_alive() and time.monotonic() < end:
        time.sleep(0.05)
    assert not lent.processes[-1].is_alive()


def test_the_call_knows_whose_it_is(model, lent):
    token = visitor.set("ann")
    try:
        list(model.stream(PROMPTS[0], Decoding(max_new_tokens=2)))
    finally:
        visitor.reset(token)
    assert lent.visitors == ["ann"]


@pytest.mark.slow
def test_a_fork_that_is_older_than_the_model_loads_it(spaces, model):
    asked = []
    load = lambda name, dtype: asked.append((name, dtype)) or model  # noqa: E731
    rows = [(model.encode(PROMPTS[0]), "0")]
    for _ in range(2):
        *_, texts = zero_gpu.generate_in_fork(("tiny", "float32"), load, rows, Decoding())
        assert texts == model.generate_rows(rows, Decoding(), lambda text: None)
    assert asked == [("tiny", "float32")]


def test_elsewhere_the_package_changes_nothing(spaces, model, monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    zero_gpu.enable()
    assert not zero_gpu.enabled()
    monkeypatch.setitem(sys.modules, "spaces", None)  # as if it were not installed
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    zero_gpu.enable()
    assert not zero_gpu.enabled()
    assert model.generate(PROMPTS[:1]) and not spaces.processes


def test_torch_is_not_believed_outside_a_lent_call(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: True)))
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert choose_device() == "cuda"
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert choose_device() == "cpu"
