"""kill -9 of the app while its page is open in a real browser: no key is lost, and the page comes back to its item."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hands import labels_of, press
from playwright.sync_api import expect

from a3core.grader.runs.responses import Response, Run
from benchmarks.running_app import wait_for
from benchmarks.start_time import free_port

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SOON = 15_000  # ms, of which a second is the page's own: a slow machine takes the rest


class App:
    """With labels and a port of its own, which a restart has again."""

    def __init__(self, data: Path):
        self.port, self.environment = free_port(), os.environ | {"A3_DATA": str(data)}
        self.address = f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        command = [sys.executable, "app.py", "--no-browser", "--port", str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment)
        wait_for(f"{self.address}config", self.process)

    def kill(self) -> None:
        """By SIGKILL."""
        self.process.kill()
        self.process.wait(20)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    app = App(tmp_path_factory.mktemp("labels"))
    app.start()
    yield app
    app.kill()


@pytest.fixture(scope="module")
def address(app):
    return app.address


@pytest.fixture(scope="module")
def store(app):
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    store = LabelStore(open_database(f"sqlite:///{app.environment['A3_DATA']}/labels.sqlite"))
    sums = [Response(f"s{i}", f"What is {i} + 2?", f"{i + 2}", f"{i} and 2\nare {i + 2}.") for i in range(10)]
    store.add_run(Run("killed", tuple(sums)))
    return store


@pytest.fixture
def open_fourth(open_page, open_run):
    """The page at the fourth of ten items: not the one that comes first after a restart."""

    def open_fourth(annotator: str):
        page = open_run("killed", annotator)
        press(page, "#4\n")
        expect_fourth(page)
        return page

    yield open_fourth
    open_page.complaints.clear()  # of the connection


def expect_fourth(page) -> None:
    expect(page.get_by_role("tab", name="Grader", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#grading .question")).to_have_text("What is 3 + 2?")


def test_a_key_waits_for_the_restarted_app_and_the_page_is_at_its_item(app, open_fourth, store):
    page = open_fourth("kim")
    app.kill()
    press(page, "c")
    expect(page.locator("#grading .said")).to_contain_text("No connection: your last key waits", timeout=SOON)
    assert labels_of(store, "killed", "kim") == set()
    app.start()
    expect(page.locator("#grading button[aria-pressed=true]")).to_contain_text("correct")
    expect_fourth(page)
    press(page, "y")
    expect(page.locator("#grading button[aria-pressed=true]")).to_have_count(2)
    assert labels_of(store, "killed", "kim") == {("s3", "explanation", "correct"), ("s3", "convincing", "yes")}
    events = store.history(store.find_run("killed")).events
    assert [event.annotator for event in events].count("kim") == 2  # what is sent again is stored once


def test_keys_typed_fast_and_a_note_half_written_outlive_the_restart(app, open_fourth, store):
    page = open_fourth("mia")
    app.kill()
    press(page, "cyae")  # before the page can know
    page.keyboard.type("half a thou")
    expect(page.locator("#grading .said")).to_contain_text("No connection", timeout=SOON)
    with page.expect_event("load"):  # the page is loaded anew while the note's field has the focus
        app.start()
    expect(page.locator("#grading .note")).to_have_value("half a thou")
    expect(page.locator("#grading .progress")).to_contain_text("1 of 10 labelled")
    expect_fourth(page)
    answers = {("explanation", "correct"), ("convincing", "yes"), ("answer", "correct"), ("note", "half a thou")}
    assert labels_of(store, "killed", "mia") == {("s3", field, value) for field, value in answers}
