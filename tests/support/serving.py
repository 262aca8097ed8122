"""The page on a port of this machine, and a visitor who talks to its queue as the page's own script does."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import gradio as gr
import httpx

ANSWER_SECONDS = 120


class Answered(NamedTuple):
    """How an event ended: its outputs, or what the page shows instead."""

    success: bool
    data: list
    error: str


@contextmanager
def serve(page: gr.Blocks, **options) -> Iterator[str]:
    """Its address, while the block runs."""
    from a3core.ui.demo import LAUNCH

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    fixed = {"server_name": "127.0.0.1", "server_port": port, "prevent_thread_lock": True, "quiet": True}
    page.launch(**fixed, ssr_mode=False, **LAUNCH | options)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        page.close()


def find_events(page: gr.Blocks, name: str) -> list[int]:
    """Numbers of the events that run a function of this name."""
    return [i for i, event in page.fns.items() if getattr(event.fn, "__name__", "") == name]


def join(address: str, event: int, data: Sequence[Any], session: str | None = None) -> httpx.Response:
    body = {"data": list(data), "fn_index": event, "session_hash": session or uuid.uuid4().hex}
    return httpx.post(f"{address}/gradio_api/queue/join", json=body, timeout=ANSWER_SECONDS)


def ask(address: str, event: int, data: Sequence[Any], session: str | None = None) -> Answered:
    """What an event answers to a visitor who calls it by its number, private or not."""
    session = session or uuid.uuid4().hex
    joined = join(address, event, data, session)
    if joined.status_code != 200:
        return Answered(False, [], joined.text)
    url = f"{address}/gradio_api/queue/data"
    with httpx.stream("GET", url, params={"session_hash": session}, timeout=ANSWER_SECONDS) as messages:
        for line in messages.iter_lines():
            message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
            if message.get("msg") == "process_completed":
                output = message["output"]
                return Answered(message["success"], output.get("data") or [], str(output.get("error")))
    raise AssertionError("the answer never came")
