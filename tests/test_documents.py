"""Every command of README and docs/ runs, in the order of its document, in a folder with the files that it names.

So does its Python.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from a3core.__main__ import app

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
STORIES = {
    path.name: [line for block in re.findall(r"```bash\n(.*?)```", path.read_text(), re.DOTALL) for line in
                block.splitlines() if line.startswith(("python -m a3core", "python app.py"))]
    for path in DOCUMENTS
}  # fmt: skip
PYTHON = [
    pytest.param(block, id=path.name)
    for path in DOCUMENTS
    for block in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)
    if "Client(" not in block  # asks a page that is running: tests/test_app.py
]
# What takes minutes is made short: fewer people, and options behind the document's own; the last one of a name counts.
FEWER = ("builtin:500", "builtin:40")
SHORT = {
    "pretrain": "--epochs 1 --no-compile",
    "finetune": "--epochs 1",
    "train-recall": "--epochs 1",
    "recall-run": "--people 2",
    "cot-run": "--prompts cot --max-new-tokens 4",
    "what-if": "--most 1",
    "fewshot-eval": "--k 0,2 --n 1 --n-log-probability 1 --decoding greedy",
}
CAPITALS = ["Varenia", "Ostrand", "Belmoor", "Tavria", "Kaspen", "Lirien", "Norvik", "Pellia", "Rodan", "Sarn"]


@pytest.fixture
def folder(tmp_path, document):
    """The files that the documents name, as a reader would have them, beside the page and the shipped checkpoints."""
    (tmp_path / "app.py").symlink_to(ROOT / "app.py")
    shutil.copytree(ROOT / "checkpoints", tmp_path / "checkpoints")
    with (tmp_path / "capitals.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "capital"), *((name, f"{name[::-1]}a".title()) for name in CAPITALS)])
    responses = (ROOT / "assets" / "cot_run" / "responses.jsonl").read_text(encoding="utf-8").splitlines()
    chains = [row for row in map(json.loads, responses) if row["prompt_kind"] == "chain of thought"][:2]
    write_lines(tmp_path / "samples.jsonl", chains)
    value = "ok" if any("--map ok=" in line for line in STORIES[document]) else "correct"
    labels = [f"{row['id']},{name},explanation,{value}\n" for row in chains for name in ("ann", "test")]
    (tmp_path / "raters.csv").write_text("".join(["id,annotator,question,value\n", *labels]), encoding="utf-8")
    write_lines(tmp_path / "pool.jsonl", [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(20)])
    write_lines(tmp_path / "questions.jsonl", [{"question": "What is 30 + 1?", "answer": "31"}])
    return tmp_path


def write_lines(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("document", [name for name, lines in STORIES.items() if lines])
def test_the_commands_of_a_document_run_in_its_order(document, folder, monkeypatch):
    monkeypatch.setenv("A3_DATA", str(folder / "data"))
    for line in STORIES[document]:
        _, *words = shlex.split(line.replace(*FEWER))
        if "app.py" in line:
            serve_page([sys.executable, *words], folder)
            continue
        words = words[2:]  # what is behind "python -m a3core"
        command = words[words[0] == "grader"]
        if command == "build-space":  # it takes its files from the repository
            monkeypatch.chdir(ROOT)
            words = [str(folder / word) if word == "build/space" else word for word in words]
        else:
            monkeypatch.chdir(folder)
        done = CliRunner().invoke(app, words + SHORT.get(command, "").split())
        assert done.exit_code == 0, f"{line}\n{done.output}"
        assert done.output.strip(), line


@pytest.mark.slow
@pytest.mark.parametrize("code", PYTHON)
def test_the_python_of_a_document_runs(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def serve_page(words: list[str], folder: Path) -> None:
    """The page starts, and answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    page = subprocess.Popen([*words, "--no-browser", "--port", str(port)], cwd=folder, env=environment)
    try:
        transport = httpx.HTTPTransport(retries=8)  # with back-off: the page takes seconds to start
        with httpx.Client(transport=transport, timeout=60) as client:
            assert "capitals" in client.get(f"http://127.0.0.1:{port}/config").text
    finally:
        page.terminate()
        assert page.wait(60) is not None
