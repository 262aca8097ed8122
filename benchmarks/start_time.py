"""`python app.py` to its first page, against a one-button Gradio app, started in turn.

python -m benchmarks.start_time [ROUNDS]
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from benchmarks.report import table, write_section

ROOT = Path(__file__).resolve().parents[1]
ONE_BUTTON = (
    "import gradio as gr\n"
    "with gr.Blocks(analytics_enabled=False) as demo: gr.Button('one')\n"
    "demo.launch(server_port={port}, quiet=True)\n"
)


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def seconds_to_first_page(command: list[str], port: int) -> float:
    """From starting the process until the page answers with its HTML."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - start < 120:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                    assert b"gradio" in page.read()
                return time.perf_counter() - start
            except OSError:
                time.sleep(0.02)
        raise TimeoutError(f"no page within two minutes: {command}")
    finally:
        process.kill()
        process.wait()


def main(rounds: str = "7") -> None:
    ours, theirs = [], []
    for i in range(int(rounds) + 1):  # the first round warms the file cache and does not count
        for times, build in ((ours, build_ours), (theirs, build_one_button)):
            port = free_port()
            seconds = seconds_to_first_page(build(port), port)
            times += [seconds] if i else []
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    rows = [
        ("`python app.py --no-browser`", f"{statistics.median(ours):.2f} s"),
        ("a one-button Gradio app", f"{statistics.median(theirs):.2f} s"),
        ("ratio, pair by pair", f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"),
    ]
    command = f"python -m benchmarks.start_time {rounds}"
    write_section("start-time", f"Start to first page, median of {rounds}", command, table(["what", "measured"], rows))


def build_ours(port: int) -> list[str]:
    return [sys.executable, "app.py", "--no-browser", "--port", str(port)]


def build_one_button(port: int) -> list[str]:
    return [sys.executable, "-c", ONE_BUTTON.format(port=port)]


if __name__ == "__main__":
    main(*sys.argv[1:])
