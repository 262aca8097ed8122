"""A language model behind an OpenAI-compatible server: vLLM, TGI, Ollama, llama.cpp, or a hosted one.

    A3_API_KEY=... python -m a3core ... --model http://localhost:11434/v1#llama3.2

After `#` comes the model's name on the server; without one, the first that the server lists. The server is asked once
what it offers: where it completes a text, the model reads the prompt as it is, and a server that repeats it with the
log-probabilities of its tokens (`echo` and `logprobs`) scores texts, too; elsewhere the prompt is one message of a
chat. A3_ENDPOINT_API chooses "completions" or "chat" instead.
The key is read from A3_API_KEY for each request, and is neither stored nor printed. A3_PARALLEL_REQUESTS is how many
requests are under way at a time, of all visitors together.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from itertools import accumulate
from threading import Event
from typing import Any

from a3core.common.batching import LRUCache
from a3core.common.resumable import Unfinished
from a3core.llm import server
from a3core.llm.decoding import Cancelled, Decoding, cut_at_stop, hold_back, iterate_in_thread
from a3core.llm.server import BadReply, Refusal, Server, find_sentence, may_pass, read_body, read_events

ANSWER_SECONDS = 300  # for a complete answer, all tries together
LONGEST_TOKEN = 50  # characters, on the average of an answer: more is not what was asked for
NOT_OFFERED = (400, 404, 405, 422, 500, 501)  # how servers refuse a path or an option that they do not have
CHAT, COMPLETIONS = "chat/completions", "completions"
PROBE = "Question: What is 1 + 1?\nAnswer: 2"


def is_url(name: str) -> bool:
    """Whether a model's name is an endpoint's address."""
    return name.lower().startswith(("http://", "https://"))


class EndpointModel:
    """The same interface as `LanguageModel`, without what a server does not give: window, tokens, beam search."""

    window: int | None = None
    terms: str | None = None
    methods = ("greedy", "sampling")

    def __init__(self, address: str):
        """Raises ValueError when the address is wrong, no server answers there, or the server refuses."""
        self._server = Server(address)
        self.base_url = self._server.base_url
        self.model = self._server.model or self._first_model()
        self.name = f"{self.base_url}#{self.model}" if self.model else self.base_url
        self._limit = "max_tokens"  # until the server asks for the other
        self._offer = LRUCache(1, lambda offer: 1)  # the path that prompts go to, and whether it scores texts

    def __repr__(self) -> str:
        return f"EndpointModel({self.name!r})"

    @property
    def tells_log_probability(self) -> bool:
        """Whether the server gives the log-probability of a given text; it is asked once. Raises ValueError."""
        try:
            return self._offer.get("", self._ask_for_offer)[1]
        except Exception as error:
            raise self._server.explain(error) from None

    def count_tokens(self, text: str) -> int | None:
        """Unknown: the tokenizer is the server's."""
        return None

    def log_probability(
        self, prompts: Sequence[str], continuations: Sequence[str], *, cancel: Event | None = None
    ) -> list[float]:
        """As `LanguageModel.log_probability`. Raises ValueError where the server gives none, and as `generate`."""
        if not self.tells_log_probability:
            raise ValueError(
                "This endpoint does not tell the log-probability of a given text; load the model here instead."
            )
        jobs = [partial(self._score, *pair) for pair in zip(prompts, continuations, strict=True)]
        scores, error = self._run_all(jobs, cancel)
        if error is not None:
            raise Unfinished(str(error), scores) from None
        return scores

    def generate(
        self, prompts: Sequence[str], decoding: Decoding | None = None, *, cancel: Event | None = None
    ) -> list[list[str]]:
        """As `LanguageModel.generate`; a sample's seed is `seed` plus its index.

        Raises ValueError when the server cannot be reached, refuses, or does not answer in time: an `Unfinished` with
        the answers that came.
        """
        decoding = _check_decoding(decoding)
        seeds = range(decoding.seed, decoding.seed + decoding.n)
        jobs = [partial(self._write, prompt, seed, decoding) for prompt in prompts for seed in seeds]
        texts, error = self._run_all(jobs, cancel)
        answers = [texts[i : i + decoding.n] for i in range(0, len(jobs), decoding.n)]
        if error is not None:
            raise Unfinished(str(error), [None if None in each else each for each in answers]) from None
        return answers

    def stream(self, prompt: str, decoding: Decoding | None = None, *, cancel: Event | None = None) -> Iterator[str]:
        """As `LanguageModel.stream`."""
        decoding = _check_decoding(decoding).for_stream()
        writing = partial(self._write, prompt, decoding.seed, decoding)
        return self._run(writing, lambda: cancel is not None and cancel.is_set())

    # Requests: each in a thread of its own, so that a slow server can be left

    def _run_all(self, jobs: Sequence[Callable], cancel: Event | None) -> tuple[list, ValueError | None]:
        """The last thing that each job emits, None where nothing came, and the first error, which ends the others."""
        failed = Event()

        def is_cancelled() -> bool:
            return failed.is_set() or (cancel is not None and cancel.is_set())

        def run(job: Callable) -> Any:
            if is_cancelled():
                raise Cancelled
            *_, last = self._run(job, is_cancelled)
            return last

        with ThreadPoolExecutor(server.PARALLEL_REQUESTS) as pool:
            running = [pool.submit(run, job) for job in jobs]
            wait(running, return_when=FIRST_EXCEPTION)
            failed.set()
        errors = [job.exception() for job in running]
        wrong = next((error for error in errors if error and not isinstance(error, Cancelled)), None)
        if wrong is None and any(errors):
            raise Cancelled
        return [None if error else job.result() for job, error in zip(running, errors, strict=True)], wrong

    def _run(self, job: Callable, cancelled: Callable[[], bool]) -> Iterator[Any]:
        try:
            yield from iterate_in_thread(job, cancelled, ANSWER_SECONDS)
        except Cancelled:
            raise
        except Exception as error:
            raise self._server.explain(error) from None

    def _write(self, prompt: str, seed: int, decoding: Decoding, emit: Callable[[str], None]) -> None:
        path, _ = self._offer.get("", self._ask_for_offer)
        text = ""
        for piece in self._server.in_tries(lambda: self._pieces(path, prompt, seed, decoding), self._may_pass):
            text += piece
            if len(text) > LONGEST_TOKEN * (decoding.max_new_tokens + LONGEST_TOKEN):
                raise BadReply("answers more than it was asked for")
            emit(hold_back(cut_at_stop(text, decoding.stop), decoding.stop))
            if decoding.stop and decoding.stop in text:
                break
        emit(cut_at_stop(text, decoding.stop))

    def _score(self, prompt: str, continuation: str, emit: Callable[[float], None]) -> None:
        emit(sum_after(self._complete(prompt + continuation, echo=True, logprobs=1), prompt, continuation))

    def _ask_for_offer(self) -> tuple[str, bool]:
        """The path that prompts go to, and whether it scores texts."""
        refused, chosen = None, os.environ.get("A3_ENDPOINT_API")
        for options in () if chosen == "chat" else ({"echo": True, "logprobs": 1}, {}):
            try:
                choice = self._complete(PROBE, **options)
                repeats = False
                with suppress(BadReply, LookupError, TypeError):
                    repeats = sum_after(choice, PROBE[:-1], PROBE[-1:]) <= 0
                return COMPLETIONS, repeats
            except Refusal as error:
                if error.code not in NOT_OFFERED:
                    raise
                refused = error
            except (ValueError, LookupError, TypeError) as error:  # not what such a server replies
                refused = error
        if refused is not None and chosen == COMPLETIONS:
            raise refused
        return CHAT, False

    def _complete(self, text: str, **options) -> dict[str, Any]:
        """The one choice of a completion by one token."""
        body = {"prompt": text, "max_tokens": 1, "temperature": 0.0, **options}
        body |= {"model": self.model} if self.model else {}

        def ask() -> Iterator[dict[str, Any]]:
            with self._server.request("POST", COMPLETIONS, server.READ_SECONDS, json=body) as response:
                yield json.loads(read_body(response, ANSWER_SECONDS, server.LARGEST_ECHO))["choices"][0]

        (choice,) = self._server.in_tries(ask)
        return choice

    def _may_pass(self, error: BaseException) -> bool:
        """Whether another try may succeed, perhaps by the other name of the limit."""
        if isinstance(error, Refusal) and self._limit == "max_tokens" and "max_completion_tokens" in error.sentence:
            self._limit, error.pause = "max_completion_tokens", 0.0
            return True
        return may_pass(error)

    def _pieces(self, path: str, prompt: str, seed: int, decoding: Decoding) -> Iterator[str]:
        """The answer, piece by piece. `stream` also for an answer in one piece: so a slow one can be left."""
        body = {"messages": [{"role": "user", "content": prompt}]} if path == CHAT else {"prompt": prompt}
        sampling = {"temperature": decoding.temperature, "top_p": decoding.top_p, "seed": seed}
        body |= {"temperature": 0.0} if decoding.method == "greedy" else sampling
        body |= {"stream": True, self._limit: decoding.max_new_tokens}
        body |= {"model": self.model} if self.model else {}
        body |= {"stop": [decoding.stop]} if decoding.stop else {}
        text, finished, event = "", None, None
        with self._server.request("POST", path, server.READ_SECONDS, json=body) as response:
            for event in read_events(response):
                if event.get("error"):
                    raise BadReply(f"breaks off: {find_sentence(event)}")
                for choice in event["choices"][:1]:  # the last event may hold counts only
                    # what a model thinks is in another field
                    piece = choice["text"] if path == COMPLETIONS else choice["delta"].get("content")
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
            with self._server.request("GET", "models", server.CONNECT_SECONDS) as response:
                listed = json.loads(read_body(response))["data"]
            if not listed:
                raise BadReply("lists no model: name one after #")
            return listed[0]["id"]
        except Exception as error:
            if isinstance(error, Refusal) and error.code in (404, 405):
                return None
            raise self._server.explain(error) from None


def sum_after(choice: dict[str, Any], prompt: str, continuation: str) -> float:
    """log p(continuation | prompt) in nats, of a completion that repeats both with the log-probabilities of its tokens.

    A token over the border counts. Raises BadReply, LookupError or TypeError for a completion that does not repeat.
    """
    text, scored = prompt + continuation, choice["logprobs"]
    tokens, scores = scored["tokens"], scored["token_logprobs"]
    begin = "".join(tokens).find(text)  # behind a token such as <s>
    starts = [end - len(token) - begin for end, token in zip(accumulate(map(len, tokens)), tokens, strict=True)]
    if begin < 0:  # tokens that are no text, such as half a character
        starts = scored["text_offset"] if choice["text"].startswith(text) else []
    ends = [*starts[1:], len(text)]
    spans = zip(starts, ends, scores, strict=False)  # without offsets there is no span
    inside = [score for start, end, score in spans if start < len(text) and end > len(prompt)]
    if not inside or None in inside:
        raise BadReply("does not give the log-probability of a given text")
    return float(sum(inside))


def _check_decoding(decoding: Decoding | None) -> Decoding:
    decoding = decoding or Decoding()
    if decoding.method == "beam":
        raise ValueError("An endpoint has no beam search; use greedy or sampling, or load the model here.")
    return decoding
