"""A second stub of the protocol, written from its documentation and apart from the one in stub_server.py.

It is what a small server for base models is: starlette, chunked answers, completions with `echo` and `logprobs`, and a
chat for any model, with a template of its own. Its "model" copies the last word of the prompt, and its tokens are words
with the space before them, behind a token <s>; a token's log-probability is a tenth of its length below zero.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

MODEL = "tiny-base"


def split_tokens(text: str) -> list[str]:
    return re.findall(r"\s?\w+|\s|[^\w\s]", text)


def score(token: str) -> float:
    return -len(token) / 10


def go_on(text: str, stop: list[str] | None, most: int) -> list[str]:
    """A space and the last word, then a line that no stop lets through."""
    tokens = split_tokens(f" {text.split()[-1]}\nQuestion")[:most]
    if stop:
        written = "".join(tokens)
        end = min((written.find(each) for each in stop if each in written), default=len(written))
        return split_tokens(written[:end])
    return tokens


class PlainServer:
    """What was asked is in `asked`; `echoes` and `completes` are what it offers."""

    def __init__(self, echoes: bool = True, completes: bool = True, busy: int = 0):
        self.echoes, self.completes, self.busy = echoes, completes, busy
        self.asked: list[tuple[str, dict]] = []
        routes = [Route("/v1/models", self.list_models), Route("/v1/chat/completions", self.chat, methods=["POST"])]
        if completes:
            routes.append(Route("/v1/completions", self.complete, methods=["POST"]))
        self.app = Starlette(routes=routes)

    async def list_models(self, request: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def complete(self, request: Request) -> JSONResponse | StreamingResponse:
        body = await request.json()
        self.asked.append(("completions", body))
        if self.busy > 0 and body.get("stream"):
            self.busy -= 1
            return JSONResponse({"error": {"message": "slow down"}}, 429, {"Retry-After": "0"})
        if body.get("echo") and not self.echoes:
            return JSONResponse({"error": {"message": "echo is not supported"}}, 400)
        tokens = go_on(body["prompt"], body.get("stop"), body.get("max_tokens", 16))
        if body.get("stream"):
            events = [{"text": token, "finish_reason": None} for token in tokens]
            return self.stream([*events, {"text": "", "finish_reason": "stop"}])
        repeated = ["<s>", *split_tokens(body["prompt"])] if body.get("echo") else []
        choice = {"index": 0, "text": "".join([*repeated[1:], *tokens]), "finish_reason": "length"}
        if body.get("logprobs"):
            listed = [*repeated, *tokens]
            scores = [None if token == "<s>" else score(token) for token in listed]
            offsets = [sum(map(len, listed[:i])) for i in range(len(listed))]
            choice["logprobs"] = {"tokens": listed, "token_logprobs": scores, "text_offset": offsets}
        return JSONResponse({"object": "text_completion", "choices": [choice]})

    async def chat(self, request: Request) -> JSONResponse | StreamingResponse:
        body = await request.json()
        self.asked.append(("chat", body))
        text = f"User: {body['messages'][-1]['content']}\nAssistant: hello"
        tokens = go_on(text, body.get("stop"), body.get("max_tokens", 16))
        events = [{"delta": {"content": token}, "finish_reason": None} for token in tokens]
        return self.stream([{"delta": {"role": "assistant"}}, *events, {"delta": {}, "finish_reason": "stop"}])

    def stream(self, choices: list[dict]) -> StreamingResponse:
        def write() -> Iterator[str]:
            yield ": a comment keeps the connection open\r\n\r\n"
            for choice in choices:
                yield f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\r\n\r\n"
            yield "data: [DONE]\r\n\r\n"

        return StreamingResponse(write(), media_type="text/event-stream")


@contextmanager
def serve_plainly(**options) -> Iterator[tuple[str, PlainServer]]:
    """Its address, and what it was asked."""
    plain, listening = PlainServer(**options), socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(plain.app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", plain
    finally:
        server.should_exit = True
        thread.join(10)
