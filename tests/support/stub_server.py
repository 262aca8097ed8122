"""A stub of an endpoint that behaves as its address says: it answers, refuses, babbles, trickles or hangs.

Another stub, written apart from this one, is in plain_server.py.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMPLETING = ("base", "noecho", "broken", "picky")


class Handler(BaseHTTPRequestHandler):
    """The first part of the path says how to behave: /ok/v1/..., /401/v1/..., /garbage/v1/..."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers), None))
        behaviour = self.behaviour()
        if behaviour.isdigit():
            self.reply(int(behaviour), b'{"error": "no"}')
        elif behaviour == "nolist":
            self.reply(404, b"")
        elif behaviour == "empty":
            self.reply(200, b'{"data": []}')
        elif behaviour == "redirect":
            self.send_away()
        elif behaviour == "endless":
            self.flood(b" " * 10_000)
        elif behaviour == "huge":
            self.reply(200, b'{"data": [{"id": "' + b"m" * 100_000_000 + b'"}]}')
        else:
            self.reply(200, b"<html>" if behaviour == "html" else b'{"data": [{"id": "first"}, {"id": "second"}]}')

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        behaviour = self.behaviour()
        if self.path.endswith("/v1/completions") and behaviour not in COMPLETING:
            return self.reply(404, b"")  # most have a chat alone
        self.server.seen.append((self.path, dict(self.headers), body))
        if behaviour.startswith("later"):
            return self.reply(int(behaviour[5:]), b'{"error": "no"}')
        getattr(self, behaviour if hasattr(self, behaviour) else "ok")(body)

    def behaviour(self) -> str:
        return self.path.split("/")[1]

    def reply(self, status: int, body: bytes):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def ok(self, body):
        """The prompt's last word, a letter at a time, a newline and more."""
        self.send_response(200)
        self.end_headers()
        for letter in [" ", *body["messages"][0]["content"].split()[-1], "\n", "m", "o", "r", "e"]:
            self.chunk({"choices": [{"index": 0, "delta": {"role": "assistant", "content": letter}}]})
        self.end("stop")

    def end(self, reason: str):
        self.chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        self.chunk({"choices": []})
        self.wfile.write(b"data: [DONE]\n\n")

    def refuse(self, status, retry_after):
        self.send_response(status)
        self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def busy(self, body):
        """Refuses each prompt once, the first time."""
        prompt = body["messages"][0]["content"]
        if sum(seen[2]["messages"][0]["content"] == prompt for seen in self.server.seen if seen[2]) > 1:
            return self.ok(body)
        self.refuse(429, retry_after="0")

    def base(self, body):
        """A base model: it has no chat, and completes a prompt."""
        if "messages" in body:
            return self.reply(400, b'{"error": {"message": "As of v4.44 the default chat template is not allowed."}}')
        if "stream" not in body:  # it ignores echo and logprobs
            text = {"choices": [{"index": 0, "text": " yes", "logprobs": None, "finish_reason": "length"}]}
            return self.reply(200, json.dumps(text).encode())
        self.send_response(200)
        self.end_headers()
        for letter in [" ", *body["prompt"].split()[-1]]:
            self.chunk({"choices": [{"index": 0, "text": letter, "finish_reason": None}]})
        self.chunk({"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})

    def noecho(self, body):
        """Refuses options that it does not have, and has a chat, too."""
        if "echo" in body or "logprobs" in body:
            return self.reply(422, b'{"detail": "Unexpected keys in the request: echo, logprobs"}')
        (self.ok if "messages" in body else self.base)(body)

    def broken(self, body):
        """An error within the stream."""
        if "stream" not in body:
            return self.base(body)
        self.send_response(200)
        self.end_headers()
        self.chunk({"choices": [{"index": 0, "text": " Dan", "finish_reason": None}]})
        self.chunk({"error": {"message": f"out of memory, {self.headers['Authorization']}"}})

    def picky(self, body):
        """Refuses one prompt of many, after the others."""
        if "stream" in body and "bad" in body["prompt"]:
            time.sleep(0.3)
            return self.reply(400, b'{"message": "no such word"}')
        self.base(body)

    def dated(self, body):
        """Wants to be asked again at a time of the day that is past, the first time."""
        if sum("messages" in (seen[2] or {}) for seen in self.server.seen) > 1:
            return self.ok(body)
        self.refuse(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")

    def crowded(self, body):
        """Counts how many it answers at a time."""
        with self.server.lock:
            self.server.answering += 1
            self.server.most = max(self.server.most, self.server.answering)
        time.sleep(0.05)
        with self.server.lock:
            self.server.answering -= 1
        self.ok(body)

    def modern(self, body):
        if "max_completion_tokens" in body:
            return self.ok(body)
        self.reply(400, b'{"error": {"message": "Use max_completion_tokens instead."}}')

    def sentence(self, body):
        key = self.headers["Authorization"]
        self.reply(400, json.dumps({"error": {"message": f"The context is 512 tokens. Key {key}"}}).encode())

    def thinking(self, body):
        self.send_response(200)
        self.end_headers()
        self.chunk({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm", "content": ""}}]})
        self.end("length")

    def cut(self, body):
        self.send_response(200)
        self.end_headers()
        self.chunk({"choices": [{"index": 0, "delta": {"content": "Dan"}}]})

    def chunk(self, value):
        self.wfile.write(b"data: " + json.dumps({"id": "1", "created": 1, "model": "m", **value}).encode() + b"\n\n")
        self.wfile.flush()

    def garbage(self, body):
        self.reply(200, b"data: {not json\n\n")

    def strange(self, body):
        self.reply(200, b'data: {"choices": [{"delta": 3}]}\n\n')

    def page(self, body):
        self.reply(200, b"<html>Welcome</html>")

    def hang(self, body):
        self.server.released.wait(20)

    def redirect(self, body):
        self.send_away()

    def send_away(self):
        """To another origin, that of the same server by its other name."""
        self.send_response(307)
        self.send_header("Location", f"http://localhost:{self.server.server_port}/ok/v1/models")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def flood(self, content: bytes):
        """The same content, until nobody reads any more."""
        self.send_response(200)
        self.end_headers()
        while not self.server.released.is_set():
            self.wfile.write(content)

    def pieces(self, body):
        self.send_response(200)
        self.end_headers()
        for _ in range(200_000):  # 100 MB, of an answer that never ends
            self.chunk({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "a" * 400}}]})

    def line(self, body):
        content = json.dumps({"choices": [{"index": 0, "delta": {"content": "a" * 100_000_000}}]})
        self.reply(200, b"data: " + content.encode() + b"\n\n")

    def trickle(self, body):
        self.send_response(200)
        self.end_headers()
        while not self.server.released.wait(0.05):
            self.wfile.write(b"d")
            self.wfile.flush()


@contextmanager
def serve_stub() -> Iterator[ThreadingHTTPServer]:
    """The server: what it was asked is in `seen`; a `with` that ends lets go of those that wait."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.seen, server.released = True, [], threading.Event()
    server.handle_error = lambda *args: None  # a client that leaves is no error here
    server.lock, server.answering, server.most = threading.Lock(), 0, 0
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
