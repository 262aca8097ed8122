"""Takes the README's pictures, one a tab, from an app that it starts: make pictures

Of a page that runs already: python assets/make_pictures.py http://127.0.0.1:7860/
Needs playwright and a chromium on the path. The pictures follow the tour, in the light theme, one screen each.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ASSETS = Path(__file__).resolve().parent
WIDTH, HEIGHT = 1366, 768
MOST_BYTES = 200_000
PATIENCE_MS = 600_000  # the language model is unpacked when it is first used


def take_birthplace(page: Page) -> None:
    """After another question, so that the times are those of loaded models."""
    page.get_by_label("Name or question").fill("Babe Ruth")
    page.get_by_label("Name or question").press("Enter")
    answers = page.locator("section[aria-label=Answers][aria-busy=false]")
    answers.filter(has_text="Babe Ruth").wait_for()
    take_step(page, "It remembers")
    answers.filter(has_text="Albert Pujols").wait_for()


def take_attention(page: Page) -> None:
    take_step(page, "It attends")
    page.locator("#pattern-first .status", has_text=" with ").wait_for()
    page.locator("#pattern-first .heads button[data-head]").last.click()


def take_few_shot(page: Page) -> None:
    take_step(page, "It is shown")
    page.locator("section[aria-label='Answers of the language model'] .a3-card").nth(2).wait_for()


def take_grader(page: Page) -> None:
    take_step(page, "You judge")
    page.locator("#grading .question").wait_for()
    page.locator("#grading fieldset button").first.click()
    page.locator("#grading fieldset button[aria-pressed=true]").wait_for()


PICTURES = {
    "birthplace": take_birthplace,
    "attention": take_attention,
    "few-shot": take_few_shot,
    "grader": take_grader,
}


def take_step(page: Page, verb: str) -> None:
    tour = page.locator("#a3-tour")
    if tour.get_attribute("aria-expanded") == "false":
        tour.click()
    page.get_by_role("navigation", name="A guided path").get_by_role("button", name=verb).click()


def take_pictures(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, take in PICTURES.items():
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"{address}?__theme=light")
            take(page)
            page.wait_for_function("!document.querySelector('.generating')")
            page.wait_for_timeout(1500)  # bars grow
            save_picture(page.screenshot(), ASSETS / f"{name}.png")
            page.close()
        browser.close()


def save_picture(png: bytes, path: Path) -> None:
    """In 256 colours: a page has few. Raises ValueError for a picture that is too large for a README."""
    Image.open(BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size:,} bytes")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}: show less of the page.")


@contextmanager
def start_app() -> Iterator[str]:
    """The app as a person starts it, over an empty folder of labels."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="a3-") as data:
        command = [sys.executable, "app.py", "--no-browser", "--port", str(port)]
        app = subprocess.Popen(command, cwd=ASSETS.parent, env={**os.environ, "A3_DATA": data})
        try:
            yield wait_for(f"http://127.0.0.1:{port}/", app)
        finally:
            app.terminate()
            app.wait(20)


def wait_for(address: str, app: subprocess.Popen) -> str:
    while app.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return address
        except OSError:
            time.sleep(0.5)
    raise SystemExit("The app did not start.")


if __name__ == "__main__":
    if sys.argv[1:]:
        take_pictures(sys.argv[1])
    else:
        with start_app() as address:
            take_pictures(address)
