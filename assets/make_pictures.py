"""Takes the README's pictures from the running app: python app.py --no-browser, then python assets/make_pictures.py

Needs playwright and a chromium on the path.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ASSETS = Path(__file__).resolve().parent


def show_birthplace(page: Page) -> None:
    """A name whose answer no training showed; asked twice, so that the times are those of loaded models."""
    box = page.get_by_label("Name or question")
    for name in ("Babe Ruth", "Albert Pujols"):
        box.fill(f"Where was {name} born?")
        box.press("Enter")
        page.get_by_role("heading", name=f"Where was {name} born?").wait_for()
    page.locator(".js-plotly-plot .barlayer path").first.wait_for()


def main(address: str = "http://127.0.0.1:7860/") -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(address)
        show_birthplace(page)
        page.wait_for_timeout(1000)  # the bars grow
        page.screenshot(path=ASSETS / "birthplace.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
