"""A language model behind an OpenAI-compatible server: vLLM, TGI, Ollama, llama.cpp, or a hosted one.

    A3_API_KEY=... python -m a3core ... --model http://localhost:11434/v1#llama3.2

After `#` comes the model's name on the server; without one, the first that the server lists. The prompt is sent,
as it is, as one user message, or, where the server has no chat for the model (a base model), to be completed.
The key is read from A3_API_KEY for each request, and is neither stored nor printed. A3_PARALLEL_REQUESTS is how many
requests are under way at a time, of all visitors together.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from a3core.llm.decoding import Cancelled, Decoding, cut_at_stop, hold_back, iterate_in_thread

CONNECT_SECONDS = 10  # to list the models
READ_SECONDS = 60  # between two pieces of an answer
ANSWER_SECONDS = 300  # for a complete answer, all tries together
TRIES = 4  # of a request that the server refuses for a while
BACK_OFF_SECONDS = 1.0  # before the second try, then twice as long each time; or as long as the server asks for
FOR_A_WHILE = (408, 429, 500, 502, 503, 504)
LONGEST_SENTENCE = 300  # characters of what a server says about its refusal
LONGEST_TOKEN = 50  # characters, on the average of an answer: more is not what was asked for
LARGEST_BODY = 1_000_000  # bytes of the list of models, of a refusal, or of one piece of an answer
PARALLEL_REQUESTS = 16
CHAT, COMPLETIONS = "chat/completions", "completions"

REFUSALS = {
    401: "refuses the key (401): set A3_API_KEY",
    403: "refuses access (403): A3_API_KEY does not open it",
    404: "has no such address or model (404)",
    429: "has too many requests (429): wait, or ask for less",
}
LATE, UNREACHED = "does not answer in time", "cannot be reached ({})"
NO_SERVER = "does not answer as an OpenAI-compatible server would ({})"
TROUBLES = {  # by the error's name: huggingface_hub 1 has httpx, 2 has httpx2
    **dict.fromkeys(["TimeoutError", "TimeoutException"], LATE),
    "OfflineModeIsEnabled": "cannot be asked while HF_HUB_OFFLINE is set",
    **dict.fromkeys(["HTTPError", "InvalidURL", "OSError"], UNREACHED),
}


def is_url(name: str) -> bool:
    """Whether a model's name is an endpoint's address."""
    return name.lower().startswith(("http://", "https://"))


class EndpointModel:
    """The same interface as `LanguageModel`, without what a server does not give: window, tokens, log-probabilities."""

    window: int | None = None
    terms: str | None = None
    tells_log_probability = False

    def __init__(self, address: str):
        """Raises ValueError when the address is wrong, no server answers there, or the server refuses."""
        parts = _split_address(address)
        self.base_url = parts._replace(fragment="").geturl().rstrip("/")
        self.model = parts.fragment or self._first_model()
        self.name = f"{self.base_url}#{self.model}" if self.model else self.base_url
        self._path, self._limit = CHAT, "max_tokens"  # until the server asks for the other
        self._free = threading.Semaphore(int(os.environ.get("A3_PARALLEL_REQUESTS") or PARALLEL_REQUESTS))

    def __repr__(self) -> str:
        return f"EndpointModel({self.name!r})"

    def count_tokens(self, text: str) -> int | None:
        """Unknown: the tokenizer is the server's."""
        return None

    def log_probability(self, prompts: Sequence[str], continuations: Sequence[str], **options) -> list[float]:
        """Raises ValueError: a server gives no log-probability of a given text."""
        raise ValueError("An endpoint does not tell the log-probability of a given text; load the model here instead.")

    def generate(
        self, prompts: Sequence[str], decoding: Decoding | None = None, *, cancel: threading.Event | None = None
    ) -> list[list[str]]:
        """As `LanguageModel.generate`; a sample's seed is `seed` plus its index.

        Raises ValueError when the server cannot be reached, refuses, or does not answer in time.
        """
        decoding = _check_decoding(decoding)
        jobs = [(prompt, decoding.seed + i) for prompt in prompts for i in range(decoding.n)]
        failed = threading.Event()  # one request's error ends the others

        def is_cancelled() -> bool:
            return failed.is_set() or (cancel is not None and cancel.is_set())

        def answer(job: tuple[str, int]) -> str:
            *_, text = self._texts_so_far(*job, decoding, is_cancelled)
            return text

        with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
            try:
                texts = list(pool.map(answer, jobs))
            finally:
                failed.set()
        return [texts[i : i + decoding.n] for i in range(0, len(jobs), decoding.n)]

    def stream(
        self, prompt: str, decoding: Decoding | None = None, *, cancel: threading.Event | None = None
    ) -> Iterator[str]:
        """As `LanguageModel.stream`."""
        decoding = _check_decoding(decoding).for_stream()
        return self._texts_so_far(prompt, decoding.seed, decoding, lambda: cancel is not None and cancel.is_set())

    def _texts_so_far(self, prompt: str, seed: int, decoding: Decoding, cancelled: Callable[[], bool]) -> Iterator[str]:
        def produce(emit: Callable[[str], None]) -> None:
            text = ""
            for piece in self._pieces_in_tries(prompt, seed, decoding):
                text += piece
                if len(text) > LONGEST_TOKEN * (decoding.max_new_tokens + LONGEST_TOKEN):
                    raise BadReply("answers more than it was asked for")
                emit(hold_back(cut_at_stop(text, decoding.stop), decoding.stop))
                if decoding.stop and decoding.stop in text:
                    break
            emit(cut_at_stop(text, decoding.stop))

        try:
            yield from iterate_in_thread(produce, cancelled, ANSWER_SECONDS)
        except Cancelled:
            raise
        except Exception as error:
            raise self._explained(error) from None

    def _pieces_in_tries(self, prompt: str, seed: int, decoding: Decoding) -> Iterator[str]:
        """Tries again, with growing pauses, what the server refuses for a while, unless a part of it is out already."""
        for attempt in range(TRIES):
            has_begun = False
            try:
                with self._free:
                    for piece in self._pieces(prompt, seed, decoding):
                        has_begun = True
                        yield piece
                return
            except Exception as error:
                seconds = self._seconds_to_wait(error, attempt)
                if has_begun or seconds is None or attempt == TRIES - 1:
                    raise
                time.sleep(seconds)

    def _seconds_to_wait(self, error: Exception, attempt: int) -> float | None:
        """Before the next try, which may ask in another manner; None where another one would be refused as well."""
        if not isinstance(error, Refusal):
            return BACK_OFF_SECONDS * 2**attempt if _find_trouble(error) == LATE else None
        if self._limit == "max_tokens" and "max_completion_tokens" in error.sentence:
            self._limit = "max_completion_tokens"
            return 0.0
        if self._path == CHAT and (error.code in (404, 405, 501) or "chat template" in error.sentence.lower()):
            self._path = COMPLETIONS
            return 0.0
        if error.code not in FOR_A_WHILE:
            return None
        return min(float(error.wait), READ_SECONDS) if error.wait.isdecimal() else BACK_OFF_SECONDS * 2**attempt

    def _pieces(self, prompt: str, seed: int, decoding: Decoding) -> Iterator[str]:
        """The answer, piece by piece. `stream` also for an answer in one piece: so a slow one can be left."""
        body = {"messages": [{"role": "user", "content": prompt}]} if self._path == CHAT else {"prompt": prompt}
        sampling = {"temperature": decoding.temperature, "top_p": decoding.top_p, "seed": seed}
        body |= {"temperature": 0.0} if decoding.method == "greedy" else sampling
        body |= {"stream": True, self._limit: decoding.max_new_tokens}
        body |= {"model": self.model} if self.model else {}
        body |= {"stop": [decoding.stop]} if decoding.stop else {}
        text, finished, event = "", None, None
        with self._request("POST", self._path, READ_SECONDS, json=body) as response:
            for event in _read_events(response):
                for choice in event["choices"][:1]:  # the last event may hold counts only
                    # what a model thinks is in another field
                    piece = choice["text"] if self._path == COMPLETIONS else choice["delta"].get("content")
                    text, finished = text + (piece or ""), choice.get("finish_reason") or finished
                    yield piece or ""
        if event is None:
            raise ValueError("no piece of an answer")
        if finished is None:
            raise BadReply("stopped in the middle of an answer")
        if finished == "length" and not text.strip():
            raise BadReply(f"wrote no answer within {decoding.max_new_tokens} tokens: allow a longer one")

    def _first_model(self) -> str | None:
        """The first model that the server lists; None where it keeps no list."""
        try:
            with self._request("GET", "models", CONNECT_SECONDS) as response:
                return json.loads(_read_body(response))["data"][0]["id"]
        except Exception as error:
            if isinstance(error, Refusal) and error.code in (404, 405):
                return None
            raise self._explained(error) from None

    @contextmanager
    def _request(self, method: str, path: str, seconds: float, **options) -> Iterator[Any]:
        """The response, not yet read. Raises Refusal, and what the client raises."""
        from huggingface_hub import get_session

        options |= {"headers": {"authorization": f"Bearer {_key()}"}, "timeout": seconds}
        with get_session().stream(method, f"{self.base_url}/{path}", **options) as response:
            if response.status_code >= 400:
                sentence = _read_sentence(_read_body(response))
                raise Refusal(response.status_code, sentence, response.headers.get("retry-after", ""))
            yield response

    def _explained(self, error: Exception) -> ValueError:
        """One sentence for a person; nothing of the request, which holds the key."""
        trouble = f"{error}" if isinstance(error, BadReply) else _find_trouble(error).format(type(error).__name__)
        return ValueError(f"The endpoint {self.base_url} {trouble}.")


class BadReply(Exception):
    """A reply that ended too soon, or has no end; the text goes on from the server's name."""


class Refusal(BadReply):
    """The server's code, what it says about it, and the seconds after which it wants to be asked again, "" if any."""

    def __init__(self, code: int, sentence: str, wait: str):
        refusal = REFUSALS.get(code, f"refuses the request ({code})")
        super().__init__(f"{refusal}{': ' if sentence else ''}{sentence}")
        self.code, self.sentence, self.wait = code, sentence, wait


def _find_trouble(error: Exception) -> str:
    return next((TROUBLES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in TROUBLES), NO_SERVER)


def _read_body(response: Any) -> bytes:
    """All of it. Raises BadReply for one that is too long, or takes too long."""
    deadline, content = time.monotonic() + CONNECT_SECONDS, b""
    for piece in response.iter_bytes():
        content += piece
        if len(content) > LARGEST_BODY or time.monotonic() > deadline:
            raise BadReply("lists more models than can be read")
    return content


def _read_events(response: Any) -> Iterator[dict[str, Any]]:
    """What the lines "data: {...}" hold, until one says that it is done. Raises BadReply for a line without an end."""
    rest = b""
    for piece in response.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LARGEST_BODY:
            raise BadReply("answers more than it was asked for")
        for line in lines:
            if line.startswith(b"data:") and line.strip() != b"data: [DONE]":
                yield json.loads(line.removeprefix(b"data:"))


def _read_sentence(content: bytes) -> str:
    """What the server says about its refusal, without the key; "" where it says nothing that is known."""
    with suppress(Exception):  # no JSON, or another shape
        body = json.loads(content)
        error = body.get("error") or body.get("detail") or body.get("message")
        sentence = error.get("message") if isinstance(error, dict) else error
        return " ".join(str(sentence or "").replace(_key(), "…").split())[:LONGEST_SENTENCE].rstrip(".")
    return ""


def _split_address(address: str) -> Any:
    """The parsed address; what does not belong into one is refused without being repeated."""
    try:
        parts = urlsplit(address)
        good = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise ValueError("An endpoint's address looks like http://localhost:8000/v1, or .../v1#model.")
    if parts.username or parts.password or parts.query:
        raise ValueError("An endpoint's address holds no key: put the key into the variable A3_API_KEY.")
    return parts


def _key() -> str:
    """The endpoint's key. Never empty, or huggingface_hub would send the user's own hub token to the endpoint."""
    return os.environ.get("A3_API_KEY") or "none"


def _check_decoding(decoding: Decoding | None) -> Decoding:
    decoding = decoding or Decoding()
    if decoding.method == "beam":
        raise ValueError("An endpoint has no beam search; use greedy or sampling, or load the model here.")
    return decoding
