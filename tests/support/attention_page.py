"""The Attention tab in a browser, over tiny checkpoints."""

from __future__ import annotations

import numpy as np

from a3core.attention.capture import capture_pattern
from a3core.attention.models import GPTModel

COLOURS = """canvas => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let i = 0; i < pixels.length; i += 4) seen.add(pixels.slice(i, i + 4).join());
  return seen.size;
}"""


def expect(locator):
    from playwright.sync_api import expect

    return expect(locator)


def show(page, text: str | None = None, generate: bool = False) -> None:
    page.get_by_role("tab", name="Attention").click()
    if text is not None:
        page.get_by_label("Text", exact=True).fill(text)
    if not generate:
        page.get_by_label("also what the model writes after it").uncheck()
    page.get_by_role("button", name="Show attention", exact=True).click()
    page.locator("#pattern-first .status", has_text=" with ").wait_for()


def choose_heads(page, names: str) -> None:
    page.get_by_placeholder("L2 H5").fill(names)
    page.get_by_role("button", name="Choose and measure").click()


def show_preset(page) -> None:
    """Two models beside each other."""
    page.get_by_role("tab", name="Attention").click()
    page.get_by_role("button", name="never read, has read").click()
    for slot in ("first", "second"):
        page.locator(f"#pattern-{slot} .status", has_text=" with ").wait_for()


def read_weights(checkpoints, text: str) -> np.ndarray:
    """Of the model that is shown first: (layer, head, query position, key position)."""
    return capture_pattern(GPTModel("tiny", checkpoints.predictor("tiny-finetuned")), text).pattern


def status(page) -> str:
    return page.locator("#pattern-first .status").inner_text()
