"""A Space that is stopped: the whole app as its own process, over a dataset that is a folder, ended by SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from a3core.grader.export.archive import read_archive
from a3core.grader.labels.database import open_database
from a3core.grader.labels.store import LabelStore

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
APP = """
import os, runpy, sys
from pathlib import Path
import huggingface_hub
import huggingface_hub._commit_scheduler as scheduler
from tests.grader.export.test_hub import Folder
import a3core.grader.export.hub as hub
from concurrent.futures import ThreadPoolExecutor

folder = Path(os.environ["FAKE_HUB"])
pool = ThreadPoolExecutor(1)
class Api(Folder):
    def __init__(self, **options):
        super().__init__(folder)
    def run_as_future(self, work, *args):
        return pool.submit(work, *args)
huggingface_hub.HfApi = scheduler.HfApi = hub.HfApi = Api
sys.argv = ["app.py", "--port", os.environ["FAKE_PORT"]]
runpy.run_path("app.py", run_name="__main__")
"""


@pytest.fixture
def space(tmp_path):
    """The running app; (process, its address, its database, its dataset)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    settings = {"SPACE_ID": "ann/demo", "A3_LABELS_REPO": "ann/labels", "HF_TOKEN": "hf_mine", "FAKE_PORT": port}
    settings |= {"A3_DATA": str(tmp_path / "data"), "FAKE_HUB": str(tmp_path / "hub"), "SPACE_HOST": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "-c", APP],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    yield process, f"http://127.0.0.1:{port}", tmp_path / "data" / "labels.sqlite", tmp_path / "hub"
    process.kill()
    process.wait()


def open_grader(process: subprocess.Popen, address: str, run: str) -> None:
    """The page asks for a report, which opens the store."""
    from gradio_client import Client
    from httpx import HTTPError

    for _ in range(120):
        try:
            Client(address, verbose=False).predict(run, api_name="/label_report")
            return
        except (OSError, ValueError, HTTPError) as error:
            if process.poll() is not None:
                raise AssertionError(process.stdout.read().decode()) from error
            time.sleep(0.5)
    raise AssertionError("the app did not start")


def list_annotators(hub: Path) -> set[str]:
    archives = [read_archive(path) for path in hub.rglob("*.zip")]
    return {event.annotator for archive in archives for event in archive.history.events}


def test_the_last_label_reaches_the_dataset_when_the_space_is_stopped(space):
    process, address, database, hub = space
    open_grader(process, address, json.loads((ROOT / "assets/cot_run/run.json").read_text())["name"])
    store = LabelStore(open_database(f"sqlite:///{database}"))
    run = store.runs()[0].id
    assert list_annotators(hub) == set()
    store.label(run, store.responses(run)[0].id, "ann", "answer", "wrong")
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=40)
    assert list_annotators(hub) == {"ann"}
