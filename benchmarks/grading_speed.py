"""Grading at size: python -m benchmarks.grading_speed

10,000 responses with the labels of three annotators, in SQLite, behind the running app. A real browser goes from item
to item; the report is built as the tab builds it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.report import table, write_section

ROOT = Path(__file__).resolve().parents[1]
ANNOTATORS = ("ann", "bob", "cleo")
CHOICES = {"explanation": ("correct", "flawed", "unsure"), "convincing": ("yes", "no"), "answer": ("correct", "wrong")}


def build_run(n: int):
    from a3core.grader.runs.responses import Label, Response, Run

    rng = random.Random(0)
    kinds = ("standard", "variant", "chain of thought")
    responses = tuple(
        Response(
            str(i), f"What is {i // 3} + 2?", str(i // 3 + 2), f"{i // 3} and 2\nare {i // 3 + 2}.", "7", kinds[i % 3]
        )
        for i in range(n)
    )
    labels = tuple(
        Label(response.id, annotator, field, rng.choice(values))
        for response in responses
        for annotator in ANNOTATORS
        for field, values in CHOICES.items()
    )
    return Run(f"{n:,} sums", responses, labels)


@contextmanager
def start_app(data: Path) -> Iterator[str]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    command = [sys.executable, "app.py", "--no-browser", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"A3_DATA": str(data)})
    address = f"http://127.0.0.1:{port}/"
    try:
        while True:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def measure_items(address: str, name: str, count: int) -> tuple[list[float], list[float]]:
    """Seconds from a key to the screen: of "next", and of a label."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("tab", name="Grader").click()
        page.wait_for_function("document.querySelector('input[aria-label=Run]')?.value")
        page.get_by_label("Your name").fill(name)
        page.get_by_label("Your name").press("Enter")
        page.locator("#grading .question").wait_for()
        page.get_by_label("Your name").blur()
        page.wait_for_timeout(3000)
        moves, labels = [], []
        for i in range(count):
            labels.append(press(page, "c", "#grading fieldset [aria-pressed=true]"))
            moves.append(press(page, "Enter", f"#grading .question:text-is('What is {(i + 1) // 3} + 2?')", i))
        browser.close()
    return moves[3:], labels[3:]  # the first few warm up


WAIT = """([key, label]) => new Promise((done) => {
  const before = label ? null : document.querySelector("#grading .lines").firstChild;
  const started = performance.now();
  const look = () => {
    const here = label ? document.querySelector("#grading fieldset [aria-pressed=true]")
                       : document.querySelector("#grading .lines").firstChild !== before;
    here ? done((performance.now() - started) / 1000) : requestAnimationFrame(look);
  };
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  look();
})"""


def press(page, key: str, *_) -> float:
    return page.evaluate(WAIT, [key, key != "Enter"])


def measure_report(data: Path, rounds: int) -> list[float]:
    """Seconds to read the labels and build everything that is reported, the first included."""
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore
    from a3core.grader.report.tables import build_all

    store = LabelStore(open_database(f"sqlite:///{data / 'labels.sqlite'}"))
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        build_all(store, 1)
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        from a3core.grader.labels.database import open_database
        from a3core.grader.labels.store import LabelStore

        LabelStore(open_database(f"sqlite:///{data / 'labels.sqlite'}")).add_run(build_run(args.responses))
        with start_app(data) as address:
            moves, labels = measure_items(address, "dora", args.items)
        first, *later = measure_report(data, args.rounds)
    rows = [
        ("key to the next item on screen", *describe(moves)),
        ("key to the stored label on screen", *describe(labels)),
        ("report of all labels, the first after a start", f"{first:.2f} s", ""),
        ("report of all labels, later (median, longest)", f"{statistics.median(later):.2f} s", f"{max(later):.2f} s"),
    ]
    title = f"Grading {args.responses:,} responses with the labels of three annotators"
    write_section("grading", title, "python -m benchmarks.grading_speed", table(("what", "p50", "p95"), rows))


def describe(seconds: list[float]) -> tuple[str, str]:
    cuts = statistics.quantiles(seconds, n=20)
    return f"{1000 * statistics.median(seconds):.0f} ms", f"{1000 * cuts[-1]:.0f} ms"


if __name__ == "__main__":
    main()
