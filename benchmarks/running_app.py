"""The page in a process of its own, with one checkpoint, and its events as a browser calls them.

with start_app() as app:
    asyncio.run(ask(client, app, "predict_birthplace", ["Babe Ruth"], session))
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from benchmarks.start_time import free_port

ROOT = Path(__file__).resolve().parents[1]
CHECKPOINT = "builtin-pretrained-finetuned"


class App(NamedTuple):
    """The running app: where it is, its process, and the number of each event by its name."""

    address: str
    process: subprocess.Popen
    events: dict[str, int]
    defaults: dict[str, list]  # what the page holds for each event's inputs when it opens


@contextmanager
def start_app(checkpoint: str = CHECKPOINT, port: int | None = None, root: Path = ROOT) -> Iterator[App]:
    """The app of a checkout over one checkpoint, with labels in a folder of its own; it ends with the block."""
    port, scratch = port or free_port(), Path(tempfile.mkdtemp(prefix="a3-load-"))
    (scratch / "checkpoints").mkdir()
    (scratch / "checkpoints" / checkpoint).symlink_to(ROOT / "checkpoints" / checkpoint)
    command = [sys.executable, "app.py", "--no-browser", "--port", str(port)]
    command += ["--checkpoints", str(scratch / "checkpoints")]
    own = {"A3_DATA": str(scratch / "data"), "TMPDIR": str(scratch), "GRADIO_TEMP_DIR": str(scratch / "gradio")}
    process = subprocess.Popen(command, cwd=root, env=os.environ | own, stdout=subprocess.DEVNULL)
    try:
        config = wait_for(f"http://127.0.0.1:{port}/config", process)
        events = {event["api_name"]: event["id"] for event in reversed(config["dependencies"]) if event["api_name"]}
        yield App(f"http://127.0.0.1:{port}/gradio_api", process, events, list_defaults(config))
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(scratch, ignore_errors=True)


def list_defaults(config: dict) -> dict[str, list]:
    """Of every event that has a name; a state is the server's own."""
    values = {part["id"]: part["props"].get("value") for part in config["components"]}
    return {event["api_name"]: [values[i] for i in event["inputs"]] for event in config["dependencies"]}


def wait_for(address: str, process: subprocess.Popen, seconds: float = 180) -> dict:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            return json.load(urllib.request.urlopen(address, timeout=10))
        except OSError:
            if process.poll() is not None:
                raise RuntimeError(f"the app ended with code {process.returncode}") from None
            time.sleep(0.2)
    raise TimeoutError(f"no page within {seconds:.0f} s")


async def ask(
    client: httpx.AsyncClient,
    app: App,
    event: str,
    data: Sequence[Any],
    session: str,
    on_step: Callable[[], object] = lambda: None,
) -> Any:
    """What an event answers, by the queue as the page uses it. Raises RuntimeError with what the app says instead.

    on_step: called whenever a part of the answer is there.
    """
    body = {"data": list(data), "fn_index": app.events[event], "session_hash": session}
    joined = await client.post(f"{app.address}/queue/join", json=body)
    if joined.status_code != 200:
        raise RuntimeError(f"{joined.status_code}: {joined.text[:200]}")
    async with client.stream("GET", f"{app.address}/queue/data", params={"session_hash": session}) as messages:
        async for line in messages.aiter_lines():
            message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
            if message.get("msg") == "process_generating":
                on_step()
            if message.get("msg") == "process_completed":
                if not message["success"]:
                    raise RuntimeError(str(message["output"].get("error"))[:200])
                return message["output"]["data"]
    raise RuntimeError("the answer never came")
