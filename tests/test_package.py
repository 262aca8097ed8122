"""`pip install .`: the wheel has all that the app needs, and works from an empty folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 60e6  # bytes of the wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment of a folder that has the package alone, beside the packages that it needs."""
    folder = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "-q"]
    copy = folder / "project"  # setuptools builds in the folder that it is given
    subprocess.run(["git", "clone", "-q", ROOT, copy], check=True)
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, copy], check=True)
    (wheel,) = folder.glob("*.whl")
    assert wheel.stat().st_size < LARGEST
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    (folder / "empty").mkdir()
    return folder / "empty", os.environ | {"PYTHONPATH": str(folder / "site"), "A3_DATA": str(folder / "data")}


@pytest.mark.slow
def test_the_installed_package_answers_and_serves_the_page(installed):
    empty, environment = installed
    command = [Path(environment["PYTHONPATH"]) / "bin" / "a3core"]
    question = "Where was Babe Ruth born?"
    asked = subprocess.run([*command, "predict", "builtin-recall", question], cwd=empty, env=environment,
                           capture_output=True, text=True, check=True)  # fmt: skip
    assert "Baltimore" in asked.stdout
    refused = subprocess.run([*command, "build-space", "--out", "space"], cwd=empty, env=environment,
                             capture_output=True, text=True)  # fmt: skip
    assert refused.returncode == 2 and "from the project's repository" in refused.stderr
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    page = subprocess.Popen([*command, "app", "--no-browser", "--port", str(port)], cwd=empty, env=environment)
    try:
        assert {"Birthplace", "Grader"} <= read_tabs(f"http://127.0.0.1:{port}/config", page)
    finally:
        page.terminate()
        page.wait(30)


def read_tabs(address: str, page: subprocess.Popen) -> set[str]:
    """The labels of the page's tabs, as soon as it is there."""
    for _ in range(120):
        assert page.poll() is None
        try:
            with urllib.request.urlopen(address) as answer:
                parts = json.load(answer)["components"]
                return {part["props"].get("label") for part in parts if part["type"] == "tabitem"}
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("the page did not start")
