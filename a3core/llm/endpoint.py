"""A language model behind an OpenAI-compatible server: vLLM, TGI, Ollama, llama.cpp, or a hosted one.

    A3_API_KEY=... python -m a3core ... --model http://localhost:11434/v1#llama3.2

After `#` comes the model's name on the server; without one, the first that the server lists. The prompt is sent,
as it is, as one user message. The key is read from A3_API_KEY for each request, and is neither stored nor printed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from a3core.llm.decoding import Cancelled, Decoding, cut_at_stop, hold_back, iterate_in_thread

CONNECT_SECONDS = 10  # to list the models
READ_SECONDS = 60  # between two pieces of an answer
ANSWER_SECONDS = 300  # for a complete answer

REFUSALS = {
    401: "refuses the key (401): set A3_API_KEY",
    403: "refuses access (403): A3_API_KEY does not open it",
    404: "has no such address or model (404)",
    429: "has too many requests (429): wait, or ask for less",
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

    def __repr__(self) -> str:
        return f"EndpointModel({self.name!r})"

    def count_tokens(self, text: str) -> int | None:
        """Unknown: the tokenizer is the server's."""
        return None

    def log_probability(self, prompts: Sequence[str], continuations: Sequence[str], **options) -> list[float]:
        """Raises ValueError: a server gives no log-probability of a given text."""
        raise ValueError("An endpoint does not tell the log-probability of a given text; load the model here instead.")

    def generate(
        self,
        prompts: Sequence[str],
        decoding: Decoding | None = None,
        *,
        batch_size: int = 16,
        cancel: threading.Event | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[list[str]]:
        """As `LanguageModel.generate`, with `batch_size` requests at a time; a sample's seed is `seed` plus its index.

        Raises ValueError when the server cannot be reached, refuses, or does not answer in time.
        """
        decoding = _check_decoding(decoding)
        jobs = [(prompt, decoding.seed + i) for prompt in prompts for i in range(decoding.n)]
        texts: list[str] = []
        failed = threading.Event()  # one request's error ends the others

        def is_cancelled() -> bool:
            return failed.is_set() or (cancel is not None and cancel.is_set())

        def answer(job: tuple[str, int]) -> str:
            *_, text = self._texts_so_far(*job, decoding, is_cancelled)
            return text

        with ThreadPoolExecutor(max_workers=batch_size) as pool:
            try:
                for text in pool.map(answer, jobs):
                    texts.append(text)
                    if progress is not None:
                        progress(len(texts), len(jobs))
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
            for piece in self._pieces(prompt, seed, decoding):
                text += piece
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

    def _pieces(self, prompt: str, seed: int, decoding: Decoding) -> Iterator[str]:
        """The answer, piece by piece. `stream` also for an answer in one piece: so a slow one can be left."""
        from huggingface_hub import InferenceClient

        sampling = {"temperature": decoding.temperature, "top_p": decoding.top_p, "seed": seed}
        with InferenceClient(base_url=self.base_url, api_key=_key(), timeout=READ_SECONDS) as client:
            chunks = client.chat_completion(
                [{"role": "user", "content": prompt}],
                model=self.model,
                stream=True,
                max_tokens=decoding.max_new_tokens,
                stop=[decoding.stop] if decoding.stop else None,
                **({"temperature": 0.0} if decoding.method == "greedy" else sampling),
            )
            answered = False
            for chunk in chunks:
                answered = True
                if chunk.choices:  # the last chunk may hold counts only
                    yield chunk.choices[0].delta.content or ""
        if not answered:
            raise ValueError("no chunk of an answer")

    def _first_model(self) -> str | None:
        """The first model that the server lists; None where it keeps no list."""
        from huggingface_hub import get_session
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.utils import hf_raise_for_status

        headers = {"authorization": f"Bearer {_key()}"}
        try:
            response = get_session().get(f"{self.base_url}/models", headers=headers, timeout=CONNECT_SECONDS)
            hf_raise_for_status(response)
            return response.json()["data"][0]["id"]
        except Exception as error:
            if isinstance(error, HfHubHTTPError) and error.response.status_code in (404, 405):
                return None
            raise self._explained(error) from None

    def _explained(self, error: Exception) -> ValueError:
        """One sentence for a person; nothing of the request, which holds the key."""
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        subject = f"The endpoint {self.base_url}"
        kinds = {kind.__name__ for kind in type(error).__mro__}  # by name: huggingface_hub 1 has httpx, 2 has httpx2
        if isinstance(error, HfHubHTTPError) and getattr(error, "response", None) is not None:
            code = error.response.status_code
            return ValueError(f"{subject} {REFUSALS.get(code, f'refuses the request ({code})')}.")
        if kinds & {"TimeoutError", "TimeoutException"}:
            return ValueError(f"{subject} does not answer in time.")
        if isinstance(error, OfflineModeIsEnabled):
            return ValueError(f"{subject} cannot be asked while HF_HUB_OFFLINE is set.")
        if kinds & {"HTTPError", "InvalidURL", "OSError"}:
            return ValueError(f"{subject} cannot be reached ({type(error).__name__}).")
        return ValueError(f"{subject} does not answer as an OpenAI-compatible server would ({type(error).__name__}).")


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
