"""Grading at size: python -m benchmarks.grading_speed

10,000 responses with the labels of three annotators, in SQLite, behind the running app. A real browser opens the run,
searches, and goes from item to item. The report is built as the tab builds it, in a process that has built the page,
after each of some further labels, and so is that of an earlier commit, in turn: in core-seconds, which do not depend on
what else the machine does.
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


def measure_items(address: str, name: str, count: int, responses: int) -> dict[str, list[float]]:
    """Seconds to the screen: of the first item, and from a key, of "next", of a label, and of a search."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("tab", name="Birthplace").wait_for()
        page.wait_for_timeout(3000)
        start = time.perf_counter()
        page.get_by_role("tab", name="Grader").click()
        page.locator("#grading .question").wait_for()
        first = time.perf_counter() - start
        page.get_by_label("Your name").fill(name)
        page.get_by_label("Your name").press("Enter")
        page.get_by_label("Your name").blur()
        page.wait_for_timeout(3000)
        moves, labels, searches = [], [], []
        for _ in range(count):
            labels.append(press(page, "c"))
            moves.append(press(page, "Enter"))
        for i in range(count // 4):
            searches.append(search(page, f"What is {responses // 10 + 37 * i} + 2?"))
        browser.close()
    return {"first": [first], "moves": moves[3:], "labels": labels[3:], "searches": searches[1:]}  # the others warm up


PATIENCE = 60_000  # milliseconds that the browser waits for one thing
SEARCH = """(text) => {
  let started = Infinity;
  const field = document.querySelector("#grader-search :is(input, textarea)");
  field.addEventListener("input", () => (started = performance.now()), { once: true });
  window.found = new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`the search for "${text}" brought no item`)), PATIENCE);
    const look = () => document.querySelector("#grading .question")?.textContent.includes(text)
      ? done((performance.now() - started) / 1000) : requestAnimationFrame(look);
    look();
  });
}""".replace("PATIENCE", str(PATIENCE))


def search(page, text: str) -> float:
    """The page searches at a key, not where a script sets the text: only the last letter is typed."""
    page.keyboard.press("/")
    page.keyboard.insert_text(text[:-1])
    page.evaluate(SEARCH, text)
    page.keyboard.press(text[-1])
    seconds = page.evaluate("window.found")
    page.keyboard.press("Enter")
    return seconds


WAIT = """([key, label]) => new Promise((done, fail) => {
  const before = label ? null : document.querySelector("#grading .lines").firstChild;
  const started = performance.now();
  setTimeout(() => fail(new Error(`the key ${key} changed nothing`)), PATIENCE);
  const look = () => {
    const here = label ? document.querySelector("#grading fieldset [aria-pressed=true]")
                       : document.querySelector("#grading .lines").firstChild !== before;
    here ? done((performance.now() - started) / 1000) : requestAnimationFrame(look);
  };
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  look();
})""".replace("PATIENCE", str(PATIENCE))


def press(page, key: str) -> float:
    return page.evaluate(WAIT, [key, key != "Enter"])


PARTS = {  # where the parts of the Grader are, in a checkout of now and of before the redesign
    True: ("a3core.grader.labels.database", "a3core.grader.labels.store", "a3core.grader.report.tables"),
    False: ("a3core.cot.database", "a3core.cot.store", "a3core.cot.reporting"),
}
MEASURE_REPORT = """
import importlib, sys, time
database, store, reports = map(importlib.import_module, sys.argv[1:4])
labels, seconds = store.LabelStore(database.open_database(f"sqlite:///{sys.argv[4]}/labels.sqlite")), []
runs = {info.name: info.id for info in labels.runs()}
if sys.argv[6] not in runs:
    from benchmarks.grading_speed import build_run
    labels.add_run(build_run(int(sys.argv[5])))
    sys.exit()
import app
app.demo
run = runs[sys.argv[6]]
for i in range(int(sys.argv[5])):
    labels.label(run, str(i), f"eve {time.time()}", "answer", "correct")
    start = time.process_time()
    reports.build_all(labels, run)
    seconds.append(time.process_time() - start)
print(*seconds)
"""


ADD_SHIPPED = """
import sys
from a3core.ui.grader.service import GraderService
GraderService(f"sqlite:///{sys.argv[1]}/labels.sqlite").store
"""


def measure_reports(checkout: Path, data: Path, name: str, count: int) -> list[float]:
    """Core-seconds of a report after each of `count` further labels, the first in a new process; where the database in
    `data` has no run of that name, it gets one of `count` responses.
    """
    parts = PARTS[(checkout / "a3core" / "grader").is_dir()]
    command = [sys.executable, "-c", MEASURE_REPORT, *parts, str(data), str(count), name]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def check_out(commit: str, folder: Path) -> Path:
    """The files of an earlier commit."""
    archive = subprocess.run(
        ["git", "archive", commit, "app.py", "a3core", "assets", "benchmarks", "checkpoints"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=4, help="processes of each of the two")
    parser.add_argument("--before", default="77e427d", help="commit whose report is compared")
    args = parser.parse_args()
    run = f"{args.responses:,} sums"
    with tempfile.TemporaryDirectory() as name:
        now, before, code = (Path(name) / part for part in ("now", "before", "code"))
        for folder in (now, before, code):
            folder.mkdir()
        checkouts = {now: ROOT, before: check_out(args.before, code)}
        # the page opens the youngest run: those that the app brings along come first
        subprocess.run([sys.executable, "-c", ADD_SHIPPED, str(now)], cwd=ROOT, check=True)
        for data, checkout in checkouts.items():
            measure_reports(checkout, data, run, args.responses)
        with start_app(now) as address:
            items = measure_items(address, "dora", args.items, args.responses)
        seconds: dict[Path, list[list[float]]] = {now: [], before: []}
        for _ in range(args.rounds):
            for data, checkout in checkouts.items():
                seconds[data].append(measure_reports(checkout, data, run, 4))
    rows = [
        ("the Grader's tab to the first item on screen, once", f"{items['first'][0]:.2f} s", ""),
        ("a search to its first item on screen", *describe(items["searches"])),
        ("key to the next item on screen", *describe(items["moves"])),
        ("key to the stored label on screen", *describe(items["labels"])),
    ]
    reports = []
    for words, part in (("the first after a start", slice(0, 1)), ("after a further label", slice(1, None))):
        new, old = (statistics.median(one for own in seconds[data] for one in own[part]) for data in (now, before))
        reports.append((words, f"{old:.2f}", f"{new:.2f}", f"{old / new:.1f}x"))
    body = table(("what", "p50", "p95"), rows)
    body += f"\n\nA report of all labels, core-seconds, median of {args.rounds} processes each, in turn:\n\n"
    body += table(("report", f"commit {args.before}", "now", "faster"), reports)
    title = f"Grading {args.responses:,} responses with the labels of three annotators"
    write_section("grading", title, "python -m benchmarks.grading_speed", body)


def describe(seconds: list[float]) -> tuple[str, str]:
    cuts = statistics.quantiles(seconds, n=20)
    return f"{1000 * statistics.median(seconds):.0f} ms", f"{1000 * cuts[-1]:.0f} ms"


if __name__ == "__main__":
    main()
