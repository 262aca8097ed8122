"""Shared by all tests: one thread, no network, and a GPT small enough to be checked by hand."""

from __future__ import annotations

import gc
import inspect
import os
import shutil
import socket
import string
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import typer.testing
from hypothesis import settings

pytest_plugins = ["browsing"]  # tests/support: a browser over the running app

os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes that a test starts inherit it
DATA = tempfile.TemporaryDirectory(prefix="a3-tests-", ignore_cleanup_errors=True)  # gone at the end
os.environ["A3_DATA"] = DATA.name  # no label of a test among a person's own
os.environ["HF_HUB_OFFLINE"] = "1"  # what no checkpoint folder holds is an error, never a download

gc.set_threshold(100_000, 50, 100)  # what the libraries bring is not looked through again for each page that is built


def pytest_collection_finish() -> None:
    gc.freeze()  # nor at the end


def get_file(thing, real=inspect.getfile) -> str:
    """`inspect.getfile`, but for gradio's own classes: it would write type stubs of them, a second at each import."""
    if getattr(thing, "__module__", "").startswith("gradio."):
        raise OSError("its source is not asked for")
    return real(thing)


inspect.getfile = get_file
typer.testing._get_command = cache(typer.testing._get_command)  # the commands are built once, not for each call

settings.register_profile("few", max_examples=20, deadline=None)
settings.register_profile("many", max_examples=100, deadline=None)  # pytest -m hypothesis --hypothesis-profile many
settings.load_profile("few")

ROOT = Path(__file__).resolve().parents[1]
ASCII = "\u25a1\u2047" + "".join(sorted(string.printable.strip() + " "))
LETTERS = "\u25a1\u2047 .?ABDLWabdehnorsw"  # pad and mask first; enough for "Where was Ada born?"


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def build_gpt():
    """Builds a GPT in which every weight is random: `init_weights` leaves layers that change nothing."""
    import torch

    from a3core.birthplace.model.gpt import GPT

    def build(vocabulary=LETTERS, block_size=64, n_layer=2, n_head=2, n_embd=16, seed=0, std=0.3, **options) -> GPT:
        torch.manual_seed(seed)
        model = GPT(vocabulary, block_size, n_layer, n_head, n_embd, **options)
        for parameter in model.parameters():
            parameter.data.mul_(parameter.dim() == 1).add_(torch.randn_like(parameter), alpha=std)
        return model.eval()

    return build


@pytest.fixture(scope="session")
def taught():
    """A recall model that has five made-up people by heart (`taught`); no test changes it."""
    from a3core.birthplace.checkpoints import load_checkpoint

    return load_checkpoint(ROOT / "tests" / "old_data" / "runs" / "checkpoints" / "own-recall")


@pytest.fixture
def training():
    """How a checkpoint came to be, filled in."""
    from a3core.birthplace.checkpoints import Training

    return Training(
        stage="finetuned",
        corpus="builtin:10",
        source="a table",
        sha256="0" * 64,
        command="python -m a3core finetune --corpus builtin:10",
        args={"epochs": 1, "rate": 0.004, "bf16": True},
        parameters=12_345,
        tokens=6_789,
        seconds=90.0,
        machine="2 CPU cores",
    )


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a command as `python -m a3core` does; gives its exit code, output and errors."""

    def run_command(*words) -> tuple[int, str, str]:
        from a3core.__main__ import main

        monkeypatch.setattr(sys, "argv", ["a3core", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setenv("NO_COLOR", "1")
        capsys.readouterr()
        with pytest.raises(SystemExit) as done:
            main()
        code = done.value.code
        return code, *capsys.readouterr()

    return run_command


@pytest.fixture(scope="session")
def checkpoint_root(tmp_path_factory, build_gpt):
    """A folder of tiny checkpoints on ten built-in people, as the tabs expect it: real files, random weights."""
    from a3core.birthplace.checkpoints import Training, save_checkpoint
    from a3core.birthplace.prediction.familiarity import Calibration
    from a3core.birthplace.training.trainer import Epoch, write_curve

    root = tmp_path_factory.mktemp("checkpoints")
    facts = Training("finetuned", "builtin:10", "a table", "0" * 64, "a command", {}, 1, 200, 9.0, "a machine")
    for seed, stage in enumerate(("finetuned", "pretrained", "pretrained-finetuned")):
        folder = root / f"builtin-{stage}"
        save_checkpoint(build_gpt(ASCII, block_size=128, seed=seed), folder, replace(facts, stage=stage))
        write_curve(folder, [Epoch(1, 3.0, 1.0, 100, 4.0), Epoch(2, 2.0, 0.0, 200, 9.0)])
    Calibration(slope=1.0, intercept=0.0, auroc=0.9, names=10).save(root / "builtin-pretrained")
    return root


@pytest.fixture(scope="session")
def fewshot(tmp_path_factory):
    """The built-in bank with a made-up encoder and a tiny random language model."""
    from fakes import BagOfWords, build_language_model

    from a3core.fewshot.service import FewShot

    load_model = lambda name, progress=None: build_language_model(name=name)  # noqa: E731
    return FewShot(BagOfWords, load_model, tmp_path_factory.mktemp("embeddings"))


@pytest.fixture(scope="session")
def demo(checkpoint_root, fewshot):
    from a3core.ui.demo import build_demo

    return build_demo(checkpoint_root, fewshot=fewshot)


@pytest.fixture(scope="session")
def shipped_labels(tmp_path_factory):
    """A label database with the shipped runs, to be copied."""
    from a3core.ui.grader.service import GraderService

    path = tmp_path_factory.mktemp("shipped") / "labels.sqlite"
    GraderService(f"sqlite:///{path}").store.engine.dispose()
    return path


@pytest.fixture
def grading(tmp_path, monkeypatch, shipped_labels):
    """The Grader's service over a database of the test's own."""
    from a3core.ui.grader.service import GraderService

    monkeypatch.delenv("SPACE_ID", raising=False)
    shutil.copy(shipped_labels, tmp_path / "labels.sqlite")
    return GraderService(f"sqlite:///{tmp_path / 'labels.sqlite'}")


@pytest.fixture(scope="session")
def address(start_app):
    """The app as a person starts it, with the shipped checkpoints."""
    with start_app() as address:
        yield address


@pytest.fixture(scope="session")
def start_app():
    """Starts the app with flags, on a free port; the address is that of a `with`."""
    return _start_app


@contextmanager
def _start_app(*flags: str):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    process = subprocess.Popen([sys.executable, "app.py", "--no-browser", "--port", str(port), *flags], cwd=ROOT)
    try:
        yield wait_for(f"http://127.0.0.1:{port}/")
    finally:
        process.terminate()
        process.wait(20)


def wait_for(address: str) -> str:
    end = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return address
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
