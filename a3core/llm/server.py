"""Requests to an OpenAI-compatible server: what it refuses for a while is tried again, what it says is repeated to the
person who asked, and its key never is.

    server = Server("http://localhost:8000/v1#model")
    with server.request("POST", "completions", READ_SECONDS, json=body) as response:
        for event in read_events(response): ...
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

CONNECT_SECONDS = 10  # to list the models
READ_SECONDS = 60  # between two pieces of an answer
TRIES = 4  # of a request that the server refuses for a while
BACK_OFF_SECONDS = 1.0  # before the second try, then twice as long each time; or as long as the server asks for
FOR_A_WHILE = (408, 429, 500, 502, 503, 504)
LONGEST_SENTENCE = 300  # characters of what a server says about its refusal
LARGEST_BODY = 1_000_000  # bytes of the list of models, of a refusal, or of one piece of an answer
LARGEST_ECHO = 50_000_000  # bytes of a text with the log-probabilities of its tokens
PARALLEL_REQUESTS = 16

LATE, NO_SERVER = "does not answer in time", "does not answer as an OpenAI-compatible server would ({})"
# by the server's code, and by the error's name: huggingface_hub 1 has httpx, 2 has httpx2
REFUSALS, TROUBLES = json.loads(Path(__file__).with_name("server.json").read_text(encoding="utf-8")).values()


class BadReply(Exception):
    """A reply that ended too soon, or has no end; the text goes on from the server's name."""


class Refusal(BadReply):
    """The server's code, what it says about it, and the seconds after which it wants to be asked again, None if any."""

    def __init__(self, code: int, sentence: str, pause: float | None = None):
        refusal = REFUSALS.get(str(code), f"refuses the request ({code})")
        super().__init__(f"{refusal}{': ' if sentence else ''}{sentence}")
        self.code, self.sentence, self.pause = code, sentence, pause


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, Refusal):
        return error.code in FOR_A_WHILE
    return isinstance(error, Exception) and find_trouble(error) == LATE


class Server:
    """Where it is, and how many requests it gets at a time."""

    def __init__(self, address: str):
        """Raises ValueError for what is no address, or holds a key."""
        try:
            parts = urlsplit(address)
            good = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good:  # refused without being repeated
            raise ValueError("An endpoint's address looks like http://localhost:8000/v1, or .../v1#model.")
        if parts.username or parts.password or parts.query:
            raise ValueError("An endpoint's address holds no key: put the key into the variable A3_API_KEY.")
        self.base_url, self.model = parts._replace(fragment="").geturl().rstrip("/"), parts.fragment
        self.free = threading.Semaphore(int(os.environ.get("A3_PARALLEL_REQUESTS") or PARALLEL_REQUESTS))

    @contextmanager
    def request(self, method: str, path: str, seconds: float, **options) -> Iterator[Any]:
        """The response, not yet read. Raises Refusal, and what the client raises."""
        from huggingface_hub import get_session

        options |= {"headers": {"authorization": f"Bearer {_key()}"}, "timeout": seconds}
        with get_session().stream(method, f"{self.base_url}/{path}", **options) as response:
            if response.status_code >= 400:
                sentence, content = "", read_body(response)
                with suppress(Exception):  # no JSON, or another shape
                    sentence = find_sentence(json.loads(content))
                raise Refusal(response.status_code, sentence, _parse_pause(response.headers.get("retry-after", "")))
            yield response

    def explain(self, error: Exception) -> ValueError:
        """One sentence for a person; nothing of the request, which holds the key."""
        trouble = f"{error}" if isinstance(error, BadReply) else find_trouble(error).format(type(error).__name__)
        return ValueError(f"The endpoint {self.base_url} {trouble}.")

    def in_tries(
        self, request: Callable[[], Iterator[Any]], may_pass: Callable[[BaseException], bool] = may_pass
    ) -> Iterator[Any]:
        """What a request gives. It is tried again, with growing pauses, while the server refuses for a while, unless a
        part of it is out already."""
        has_begun = False
        again = retry_if_exception(lambda error: not has_begun and may_pass(error))
        for attempt in Retrying(retry=again, stop=stop_after_attempt(TRIES), wait=_choose_pause, reraise=True):
            with attempt, self.free:
                for piece in request():
                    has_begun = True
                    yield piece


def find_trouble(error: Exception) -> str:
    """What an error means, as it goes on from the server's name; "{}" is for the error's own name."""
    return next((TROUBLES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in TROUBLES), NO_SERVER)


def read_body(response: Any, seconds: float = CONNECT_SECONDS, largest: int = LARGEST_BODY) -> bytes:
    """All of it. Raises BadReply for one that is too long, or takes too long."""
    deadline, content = time.monotonic() + seconds, b""
    for piece in response.iter_bytes():
        content += piece
        if len(content) > largest or time.monotonic() > deadline:
            raise BadReply("lists more models than can be read")
    return content


def read_events(response: Any) -> Iterator[dict[str, Any]]:
    """What the lines "data: {...}" hold, until one says that it is done. Raises BadReply for a line without an end."""
    rest = b""
    for piece in response.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LARGEST_BODY:
            raise BadReply("answers more than it was asked for")
        for line in lines:
            if line.startswith(b"data:") and line.strip() != b"data: [DONE]":
                yield json.loads(line.removeprefix(b"data:"))


def find_sentence(body: dict[str, Any]) -> str:
    """What a reply says went wrong, without the key; "" where it says nothing."""
    error = body.get("error") or body.get("detail") or body.get("message")
    sentence = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(sentence or "").replace(_key(), "…").split())[:LONGEST_SENTENCE].rstrip(".")


def _key() -> str:
    """The endpoint's key. Never empty, or huggingface_hub would send the user's own hub token to the endpoint."""
    return os.environ.get("A3_API_KEY") or "none"


def _parse_pause(value: str) -> float | None:
    """The seconds of a header Retry-After, which is a number or a date; None for another."""
    with suppress(ValueError, TypeError):
        seconds = float(value) if value.strip().isdecimal() else parsedate_to_datetime(value).timestamp() - time.time()
        return min(max(seconds, 0.0), READ_SECONDS)
    return None


def _choose_pause(state: RetryCallState) -> float:
    """As long as the server asks for, else twice as long each time."""
    pause = getattr(state.outcome.exception(), "pause", None)
    return BACK_OFF_SECONDS * 2 ** (state.attempt_number - 1) if pause is None else pause
