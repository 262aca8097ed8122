"""A real browser over the running app: Debian's chromium, driven by playwright. Skipped where there is none.

Its package chromium-headless-shell is the same browser without windows, which takes a quarter less processor time.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from itertools import product

import pytest

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
FLAGS = [
    "--no-sandbox",  # it runs as root in CI
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# how far the page has moved by itself since it was opened, with a second and a half more to come
SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((e) => { if (!e.hadRecentInput) sum += e.value; }))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 1500);
})"""
PATIENCE_MS = int(os.environ.get("BROWSER_TIMEOUT_MS", "60000"))


@pytest.fixture(scope="session")
def browser():
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not chromium:
        pytest.skip("no chromium on this machine: install Debian's package chromium-headless-shell")
    api = pytest.importorskip("playwright.sync_api")
    api.expect.set_options(timeout=PATIENCE_MS)
    playwright = api.sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture(scope="session")
def contexts() -> dict[tuple[int, int], list]:
    """Contexts of earlier visits, by the size of their pages: they have read the app's scripts before."""
    return defaultdict(list)


@pytest.fixture
def open_page(browser, contexts, address):
    """Opens the app in a fresh visit; at the end, nothing was logged as an error or asked of another host."""
    visits, complaints = [], []

    def on_console(message) -> None:
        if message.type == "error":
            complaints.append(message.text)

    def on_error(error) -> None:
        complaints.append(str(error.error))

    def on_request(request) -> None:
        if not is_local(request.url):
            complaints.append(f"asked {request.url}")

    def on_close(context) -> None:
        visits[:] = [visit for visit in visits if visit[0] != context]

    # to all pages of a visit, those that a test opens itself among them
    listeners = {"console": on_console, "weberror": on_error, "request": on_request, "close": on_close}

    def open_page(dark: bool = False, width: int = 1280, height: int = 1000, query: str = ""):
        free, viewport = contexts[width, height], {"width": width, "height": height}
        context = free.pop() if free else browser.new_context(viewport=viewport, accept_downloads=True)
        visits.append((context, free))
        context.set_default_timeout(PATIENCE_MS)
        for event, listener in listeners.items():
            context.on(event, listener)
        page = context.new_page()
        forget(page, address)
        page.goto(address + ("?__theme=dark" if dark else query))
        page.get_by_role("tab", name="Birthplace").wait_for()
        return page

    open_page.complaints = complaints  # of a test that breaks the connection itself
    yield open_page
    for context, free in visits:
        for page in context.pages:
            page.close()
        context.clear_permissions()
        for event, listener in listeners.items():
            context.remove_listener(event, listener)
        free.append(context)
    assert complaints == []


def forget(page, address: str) -> None:
    """What an earlier visit has stored in the browser is gone, as for a person who was never here."""
    origin = {"origin": address.rstrip("/"), "storageTypes": "local_storage,indexeddb,cookies"}
    page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", origin)


@pytest.fixture
def open_tab():
    """Opens a tab of the page by its name, from the menu where the page is too narrow for all of them."""

    def open_tab(page, name: str) -> None:
        tab = page.get_by_role("tab", name=name, exact=True)
        item = page.locator(".overflow-dropdown button").filter(has_text=name)
        menu = page.locator(".overflow-menu").filter(has=item)
        tab.or_(menu).first.wait_for()
        if tab.count():
            return tab.click()
        menu.get_by_role("button", name="More tabs").click()
        item.click()

    return open_tab


@pytest.fixture
def switch_mode():
    """Has the page light or dark, by the page's own switch."""

    def switch_mode(page, mode: str) -> None:
        is_dark = "document.body.classList.contains('dark')"
        if page.evaluate(is_dark) != (mode == "dark"):
            page.locator("#a3-mode").click()
            page.wait_for_function(f"{is_dark} === {str(mode == 'dark').lower()}")
            page.wait_for_function("document.getAnimations().every((each) => !(each instanceof CSSTransition))")

    return switch_mode


@pytest.fixture
def list_overflows(switch_mode):
    """How far a page scrolls sideways where it does, on a desk and on a phone, light and dark; it ends on the phone."""

    def list_overflows(page) -> dict[tuple[int, str], int]:
        wider = {}
        for width, mode in product((1280, 360), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 740})
            switch_mode(page, mode)
            wider[width, mode] = page.evaluate("document.documentElement.scrollWidth") - width
        return {size: pixels for size, pixels in wider.items() if pixels > 0}

    return list_overflows


@pytest.fixture
def places() -> dict[str, tuple[str, ...]]:
    """Every place with widgets: the tab, and the tab within it."""
    return {
        "birthplace": ("Birthplace", "Ask"),
        "learn": ("Birthplace", "Watch it learn"),
        "facts": ("Birthplace", "Facts of your own"),
        "confidence": ("Birthplace", "When it does not know"),
        "change": ("Birthplace", "Change the sentence"),
        "memory": ("Birthplace", "Ask the memory"),
        "file": ("Birthplace", "A file of questions"),
        "curves": ("Birthplace", "Training curves"),
        "attention": ("Attention", "Real models"),
        "laboratory": ("Attention", "Laboratory"),
        "few-shot": ("Few-shot", "Ask"),
        "prompt": ("Few-shot", "The prompt as text"),
        "map": ("Few-shot", "Map of the pool"),
        "sweep": ("Few-shot", "Sweep"),
        "pool": ("Few-shot", "Your own pool"),
        "label": ("Grader", "Label"),
        "report": ("Grader", "Report"),
        "what-if": ("Grader", "What if"),
        "runs": ("Grader", "Runs"),
        "generate": ("Grader", "Generate"),
        "questions": ("Grader", "Questions"),
    }


@pytest.fixture
def open_place(places, open_tab):
    """Opens a place with all its accordions."""

    def open_place(page, place: str, unfold: bool = True) -> None:
        for name in places[place]:
            open_tab(page, name)
        for _ in range(2 * unfold):  # some stand in others
            for label in page.locator("button.label-wrap:not(.open)").filter(visible=True).element_handles():
                label.click()

    return open_place


def is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:", "ws://127.0.0.1:", "about:"))
