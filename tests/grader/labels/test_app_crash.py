"""kill -9 of the app at a random moment while labels stream in: what was acknowledged is there."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from a3core.grader.labels.database import open_database
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Response, Run

pytestmark = pytest.mark.load

ROOT = Path(__file__).resolve().parents[3]
KILLS = 20
APP = """
import sys
import gradio as gr
from pathlib import Path
from a3core.birthplace.checkpoints import CheckpointStore
from a3core.fewshot.service import FewShot
from a3core.ui.grader.service import GraderService
from a3core.ui.grader.tab import build_cot_tab, build_memory
with gr.Blocks(analytics_enabled=False) as demo:
    build_cot_tab(GraderService(sys.argv[1]), FewShot(), CheckpointStore(Path("none")), demo, build_memory(), gr.Tabs())
index = next(i for i, event in demo.fns.items() if getattr(event.fn, "__name__", "") == "press")
print(index, flush=True)
demo.launch(server_port=int(sys.argv[2]), quiet=True)
"""


def start(url: str) -> tuple[subprocess.Popen, str, int]:
    """The tab as a person runs it: (process, address, number of the event of a key)."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    command = [sys.executable, "-c", APP, url, str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
    with process.stdout as told:
        index = int(told.readline())
    address = f"http://127.0.0.1:{port}"
    while process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            break
        except OSError:
            time.sleep(0.05)
    return process, address, index


def press(address: str, index: int, response_id: str, value: str) -> dict:
    """A key as the browser sends it; returns what the page is told."""
    told = {"action": "label", "place": [response_id, 1, 0], "field": "explanation", "value": value, "serial": 1}
    data = [1, "ann", "unlabelled first", "", [], True, False, []]
    body = {"data": data, "event_data": told, "fn_index": index, "session_hash": "x", "trigger_id": None}
    request = urllib.request.Request(
        f"{address}/gradio_api/run/predict", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"][0]


def test_nothing_that_was_acknowledged_is_lost(tmp_path):
    url = f"sqlite:///{tmp_path / 'labels.sqlite'}"
    store = LabelStore(open_database(url))
    store.add_run(Run("many", tuple(Response(str(i), f"{i}?", "1", "because") for i in range(5000))))
    rng, acknowledged, next_id = random.Random(0), {}, 0
    for _ in range(KILLS):
        process, address, index = start(url)
        threading.Timer(rng.uniform(0.05, 1.0), process.send_signal, [signal.SIGKILL]).start()
        try:
            while True:
                value = rng.choice(("correct", "flawed", "unsure"))
                view = press(address, index, str(next_id), value)
                assert "error" not in view and view["questions"][0]["label"] == value
                acknowledged[str(next_id)] = value
                next_id += 1
        except (OSError, ValueError):  # killed: no answer, or half of one
            process.wait(10)
            next_id += 1
    stored = {label.response_id: label.value for label in store.labels(1)}
    assert len(acknowledged) > KILLS and acknowledged.items() <= stored.items()
    assert len(stored) <= len(acknowledged) + KILLS  # at most the one that was under way
