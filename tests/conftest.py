"""Shared by all tests: one thread, no network, and a GPT small enough to be checked by hand."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes that a test starts inherit it
os.environ["A3_DATA"] = tempfile.mkdtemp(prefix="a3-tests-")  # no label of a test among a person's own
os.environ["HF_HUB_OFFLINE"] = "1"  # what no checkpoint folder holds is an error, never a download

ROOT = Path(__file__).resolve().parents[1]
LETTERS = "\u25a1\u2047 .?ABDLWabdehnorsw"  # pad and mask first; enough for "Where was Ada born?"


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def build_gpt():
    """Builds a GPT in which every weight is random: `init_weights` leaves layers that change nothing."""
    import torch

    from a3core.birthplace.gpt import GPT

    def build(vocabulary=LETTERS, block_size=64, n_layer=2, n_head=2, n_embd=16, seed=0, std=0.3, **options) -> GPT:
        torch.manual_seed(seed)
        model = GPT(vocabulary, block_size, n_layer, n_head, n_embd, **options)
        for parameter in model.parameters():
            parameter.data.mul_(parameter.dim() == 1).add_(torch.randn_like(parameter), alpha=std)
        return model.eval()

    return build


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


@pytest.fixture(scope="session")
def address():
    """The app as a person starts it, with the shipped checkpoints."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    process = subprocess.Popen([sys.executable, "app.py", "--no-browser", "--port", str(port)], cwd=ROOT)
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
