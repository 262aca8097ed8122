"""Takes the README's pictures, one a tab, and the tour as an animation, from an app that it starts: make pictures

Of a page that runs already:   python assets/make_pictures.py http://127.0.0.1:7860/
Every state of every tab, for a reviewer: python assets/make_pictures.py --sheet states.png [ADDRESS]
Needs playwright and a chromium on the path. The pictures follow the tour, in the light theme, one screen each.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

ASSETS = Path(__file__).resolve().parent
WIDTH, HEIGHT = 1366, 768
MOST_BYTES = 200_000
MOST_ANIMATED = 3_000_000
STEP_MS = 3500  # of each step of the tour
TILE = (455, 256)  # of the contact sheet, a third of a screen
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
    page.locator("#screen-fewshot[data-busy]").wait_for()
    page.locator("#screen-fewshot:not([data-busy])").wait_for()
    page.locator("section[aria-label='Answers of the language model'] .a3-card").nth(2).wait_for()


def take_grader(page: Page) -> None:
    take_step(page, "You judge")
    page.locator("#grading .question").wait_for()
    page.locator("#grading fieldset:not(:disabled) button").first.click()
    page.get_by_role("button", name="Sign them so").click()
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
    page.locator(f"#guide li button[data-verb='{verb}']").click()


def open_page(browser: Browser, address: str, theme: str = "light", width: int = WIDTH, height: int = HEIGHT) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}?__theme={theme}")
    page.get_by_role("tab", name="Birthplace").wait_for()
    page.wait_for_timeout(1500)  # until the texts in the fields count as settled
    return page


def take_pictures(browser: Browser, address: str) -> None:
    """The README's, one a tab."""
    for name, take in PICTURES.items():
        page = open_page(browser, address)
        take(page)
        page.wait_for_function("!document.querySelector('.generating')")
        page.wait_for_timeout(1500)  # bars grow
        save_picture(page.screenshot(), ASSETS / f"{name}.png")
        page.close()


def take_tour(browser: Browser, address: str) -> None:
    """The steps of the tour as a short animated picture. Raises ValueError if it is too large."""
    page, frames = open_page(browser, address), []
    for take in (take_birthplace, take_attention, take_few_shot, take_recalled, take_grader):
        take(page)
        page.wait_for_timeout(1500)
        frames.append(Image.open(BytesIO(page.screenshot())).convert("RGB").resize((1024, 576)))
    page.close()
    path = ASSETS / "tour.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=STEP_MS, loop=0, quality=80, method=6)
    print(f"{path.name}: {path.stat().st_size:,} bytes")
    if path.stat().st_size > MOST_ANIMATED:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes, more than {MOST_ANIMATED:,}.")


def take_recalled(page: Page) -> None:
    take_step(page, "It says what it knows")
    page.locator("section[aria-label=Answers][aria-busy=false]", has_text="Mickey Mantle").wait_for()


# Every state of every tab


def fill_field(page: Page, screen: str, text: str) -> None:
    page.locator(f"#{screen} .a3-field").locator("textarea, input").first.fill(text)


def press_primary(page: Page, screen: str) -> None:
    page.locator(f"#{screen} button.primary").first.click()


def make_stale(page: Page, screen: str) -> None:
    fill_field(page, screen, "Grace Hopper")
    page.wait_for_timeout(300)


def make_busy(page: Page, screen: str) -> None:
    make_stale(page, screen)
    press_primary(page, screen)


def make_error(page: Page, screen: str) -> None:
    fill_field(page, screen, "")
    press_primary(page, screen)
    page.wait_for_timeout(2500)


# A state is what a person does on a fresh page: the tabs to open, then what is done on a screen.
FILLED: dict[str, tuple[tuple[str, ...], str]] = {
    "birthplace": (("Birthplace", "Ask"), "screen-ask"),
    "attention": (("Attention", "Real models"), "screen-pattern"),
    "few-shot": (("Few-shot", "Ask"), "screen-fewshot"),
}
EMPTY = {  # sections that wait for a person, and the Grader's
    **{name: ("Birthplace", name) for name in ("Watch it learn", "Facts of your own", "A file of questions")},
    **{name: ("Birthplace", name) for name in ("When it does not know", "Change the sentence", "Ask the memory")},
    "training curves": ("Birthplace", "Training curves"),
    "laboratory": ("Attention", "Laboratory"),
    **{f"grader, {name.lower()}": ("Grader", name) for name in ("Label", "Report", "Runs", "Questions")},
}
STATES: dict[str, Callable[[Page, str], None]] = {"stale": make_stale, "busy": make_busy, "error": make_error}


def list_states() -> Iterator[tuple[str, tuple[str, ...], Callable[[Page], None], dict]]:
    """(name, tabs to open, what is done then, theme and size) of every picture of the contact sheet."""
    narrow = {"width": 360, "height": 780}
    for name, (tabs, screen) in FILLED.items():
        yield f"{name}, filled", tabs, lambda page: None, {}
        yield f"{name}, dark", tabs, lambda page: None, {"theme": "dark"}
        yield f"{name}, narrow", tabs, lambda page: None, narrow
        for state, make in STATES.items():
            yield f"{name}, {state}", tabs, lambda page, make=make, screen=screen: make(page, screen), {}
    for name, tabs in EMPTY.items():
        yield name, tabs, lambda page: None, {}
    for theme, size in (("dark", {}), ("light", narrow)):
        for name in ("Label", "Report"):
            yield (
                f"grader, {name}, {'narrow' if size else theme}",
                ("Grader", name),
                lambda page: None,
                {"theme": theme, **size},
            )


def take_sheet(browser: Browser, address: str, path: Path) -> None:
    """A contact sheet of every state of every tab, each with its name below."""
    tiles = []
    for name, tabs, act, looks in list_states():
        page = open_page(browser, address, **looks)
        for tab in tabs:
            page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(2500)  # what a section loads when it is opened
        act(page)
        tiles.append((name, Image.open(BytesIO(page.screenshot())).convert("RGB")))
        page.close()
    columns, (width, height) = 4, (TILE[0] + 12, TILE[1] + 30)
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), "#777777")
    for i, (name, picture) in enumerate(tiles):
        picture.thumbnail(TILE)
        left, top = i % columns * width + 6, i // columns * height + 6
        sheet.paste(picture, (left, top))
        ImageDraw.Draw(sheet).text((left, top + TILE[1] + 4), name, fill="white")
    sheet.save(path, optimize=True)
    print(f"{path}: {len(tiles)} states")


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


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of the page.")
    parser.add_argument("address", nargs="?", help="of a page that runs already (default: one is started)")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="a contact sheet of every state instead")
    flags = parser.parse_args()
    with nullcontext(flags.address) if flags.address else start_app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        if flags.sheet:
            take_sheet(browser, address, flags.sheet)
        else:
            take_pictures(browser, address)
            take_tour(browser, address)
        browser.close()


if __name__ == "__main__":
    main()
