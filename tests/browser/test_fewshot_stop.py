"""The button Stop of the Few-shot tab in a real browser, over a language model that goes on until it is let go."""

from __future__ import annotations

import threading
import time

import pytest
from fakes import BagOfWords, build_language_model
from playwright.sync_api import expect
from serving import serve

pytestmark = pytest.mark.slow

QUESTION = "Which river flows through Vienna?"
PATIENCE = 60  # seconds


class Gate:
    """Where a thread waits until a test lets it pass."""

    def __init__(self):
        self.reached, self.open = threading.Event(), threading.Event()

    def wait(self) -> None:
        self.reached.set()
        self.open.wait(PATIENCE)


class Tireless:
    """A tiny language model that writes, or is at its batch, until the gate is open."""

    def __init__(self, gate: Gate):
        self.tiny, self.gate = build_language_model(), gate

    def __getattr__(self, name: str):
        return getattr(self.tiny, name)

    def generate(self, *values, **options):
        self.gate.wait()
        return self.tiny.generate(*values, **options)

    def stream(self, *values):
        self.gate.reached.set()
        for words in range(1, 10_000):
            yield "word " * words
            time.sleep(0.02)


class Slow(BagOfWords):
    """An encoder that takes its time over a question, but not over a pool."""

    def __init__(self, gate: Gate):
        super().__init__()
        self.gate = gate

    def encode(self, texts):
        if len(texts) == 1:
            self.gate.wait()
        return super().encode(texts)


@pytest.fixture
def writing():
    return Gate()


@pytest.fixture
def building():
    """Open, unless a test closes it."""
    gate = Gate()
    gate.open.set()
    return gate


@pytest.fixture
def address(checkpoint_root, writing, building, tmp_path):
    from a3core.fewshot.service import FewShot
    from a3core.ui.demo import build_demo
    from a3core.ui.grader.service import GraderService

    fewshot = FewShot(lambda: Slow(building), lambda name, progress=None: Tireless(writing), tmp_path)
    with serve(
        build_demo(checkpoint_root, fewshot=fewshot, grading=GraderService(f"sqlite:///{tmp_path / 'labels.sqlite'}"))
    ) as address:
        yield address
        for gate in (writing, building):
            gate.open.set()


@pytest.fixture
def page(open_page, open_tab):
    page = open_page()
    open_tab(page, "Few-shot")
    return page


def ask(page) -> None:
    page.get_by_placeholder(QUESTION).fill(QUESTION)
    page.get_by_placeholder(QUESTION).press("Enter")


def take_preset(page) -> None:
    page.get_by_role("button", name="only neighbours help").click()


def walk_path(page) -> None:
    page.locator("#a3-tour").click()
    page.get_by_role("navigation", name="A guided path").get_by_role("button").filter(has_text="It is shown").click()


def cards(page):
    return page.locator("section[aria-label='Answers of the language model'] .a3-card")


def wait(page, gate: Gate) -> None:
    """The page is alive meanwhile."""
    for _ in range(10 * PATIENCE):
        if gate.reached.is_set():
            return
        page.wait_for_timeout(100)
    pytest.fail("the gate was not reached")


def stop(page) -> None:
    page.get_by_role("button", name="Stop", exact=True).first.click()
    expect(page.get_by_text("Stopped.", exact=True)).to_be_visible()


@pytest.mark.parametrize("begin", [ask, take_preset, walk_path])
def test_stop_ends_what_is_written_and_frees_the_place(page, writing, begin):
    begin(page)
    wait(page, writing)
    stop(page)
    writing.open.set()
    page.wait_for_timeout(1500)  # what was not stopped would be there by now
    expect(page.get_by_text("Stopped.", exact=True)).to_be_visible()
    expect(page.locator("#screen-fewshot")).not_to_have_attribute("data-busy", "")
    expect(cards(page).last).to_contain_text("scapula")  # the old result stays
    ask(page)
    page.get_by_role("heading", name=QUESTION).wait_for()


@pytest.mark.parametrize("begin", [ask, take_preset, walk_path])
def test_stop_while_the_prompt_is_built_asks_nothing(page, writing, building, begin):
    building.open.clear()
    begin(page)
    wait(page, building)
    stop(page)
    building.open.set()
    page.wait_for_timeout(1500)
    assert not writing.reached.is_set()
    expect(page.get_by_text("Stopped.", exact=True)).to_be_visible()
