"""Decoding: how a causal language model's next-token probabilities become a text, and where the text ends.

    Decoding()                                         the likeliest token at every step
    Decoding("beam", width=4)                          the likeliest of four hypotheses
    Decoding("sampling", temperature=0.7, n=5)         five draws, the same for the same seed

The text ends at the first newline, the stop-at-newline rule: `Decoding.stop`, `cut_at_stop`.
Importing this is cheap: torch is imported where it is used.
"""

from __future__ import annotations

import contextvars
import hashlib
import math
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

METHODS = ("greedy", "beam", "sampling")
LONGEST_STOP = 1000  # characters
NUCLEUS = 512  # tokens that usually hold the probability top_p


class Cancelled(Exception):
    """The caller's cancel event was set before the text was complete; what was generated is dropped."""


def check_cancel(cancel: Event | None) -> None:
    """Raises Cancelled once `cancel` is set."""
    if cancel is not None and cancel.is_set():
        raise Cancelled


@dataclass(frozen=True)
class Decoding:
    """How to decode; each field is an option of the command line."""

    method: str = "greedy"  # one of METHODS
    max_new_tokens: int = 24  # longest continuation, in tokens
    width: int = 4  # hypotheses that beam search keeps
    temperature: float = 1.0  # of sampling; lower is closer to greedy
    top_p: float = 1.0  # sampling draws from the smallest set of tokens with this much probability
    seed: int = 0  # of sampling
    n: int = 1  # continuations of each prompt; more than one only by sampling
    stop: str | None = "\n"  # the continuation ends before this string; None: at the model's own end only

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"method is one of {', '.join(METHODS)}, not {self.method!r}")
        if min(self.max_new_tokens, self.width, self.n) < 1:
            raise ValueError(f"max_new_tokens, width and n are at least 1, not {self}")
        if not (math.isfinite(self.temperature) and self.temperature > 0 and 0 < self.top_p <= 1):
            raise ValueError(f"temperature is above 0 and top_p in (0, 1], not {self.temperature} and {self.top_p}")
        if self.n > 1 and self.method != "sampling":
            raise ValueError(f"{self.method} has one continuation; n = {self.n} needs sampling")
        if self.stop is not None and not 0 < len(self.stop) <= LONGEST_STOP:
            raise ValueError(f"stop is a string of 1 to {LONGEST_STOP:,} characters, or None")

    @property
    def beams(self) -> int:
        """Hypotheses in flight for one continuation."""
        return self.width if self.method == "beam" else 1

    def for_stream(self) -> Decoding:
        """Itself; raises ValueError when it has several continuations, of which a stream can show only one."""
        if self.n > 1:
            raise ValueError(f"A stream shows one continuation, not n = {self.n}")
        return self


class TextModel(Protocol):
    """What others need of a language model: `LanguageModel`, `EndpointModel`, or a test's."""

    name: str
    window: int | None  # tokens of prompt and continuation together; None where it is not known

    def count_tokens(self, text: str) -> int | None:
        """Tokens of `text`; None where the tokenizer is a server's."""

    def generate(self, prompts: Sequence[str], decoding: Decoding, *, cancel: Event | None = None) -> list[list[str]]:
        """For each prompt its `decoding.n` continuations. Raises ValueError and Cancelled."""

    def log_probability(
        self, prompts: Sequence[str], texts: Sequence[str], *, cancel: Event | None = None
    ) -> list[float]:
        """log p(text | prompt) in nats for each pair. Raises ValueError and Cancelled."""


def cut_at_stop(text: str, stop: str | None) -> str:
    """The stop-at-newline rule: `text` up to its first `stop`, by default a newline; all of it for None.

    A base model that has answered goes on with a next question, so an answer is its first line. Prompts are written to
    match (`a3core.llm.prompts`), and `LanguageModel` ends the generation at the same string.
    """
    return text.split(stop, 1)[0] if stop else text


def hold_back(text: str, stop: str | None) -> str:
    """The part of an unfinished text that no later token takes back: no half character, no half `stop`.

    Of a `stop` that is longer than a Decoding takes, only the first LONGEST_STOP characters are looked for.
    """
    text = text.rstrip("\ufffd")
    halves = (stop[:size] for size in range(min(len(stop or ""), LONGEST_STOP) - 1, 0, -1))
    return next((text.removesuffix(half) for half in halves if text.endswith(half)), text)


class DrawToken:
    """Logits processor that leaves one token a row: that of the largest log p + Gumbel noise, which is a draw from p.

    The noise is of the row's seed, the step and the token alone, so that a prompt's samples depend neither on its
    batch nor on what else runs, and a rounding of p can change only what nearly was another draw.
    Source: Maddison, Tarlow & Minka, "A* Sampling", NeurIPS 2014, section 2.
    """

    def __init__(self, row_seeds: Sequence[str], temperature: float, top_p: float):
        digests = [hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest() for seed in row_seeds]
        self.seeds = [int.from_bytes(digest[:8]) for digest in digests]
        self.temperature, self.top_p, self.step = temperature, top_p, 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """`scores` (B, V) with all but the drawn token of each row at minus infinity."""
        import numpy as np
        import torch

        p, tokens = (scores / self.temperature).softmax(-1), None
        # exponential noise e: the largest p / e is the largest log p - log e, and -log e is Gumbel's
        draws = [np.random.Generator(np.random.SFC64([seed, self.step])) for seed in self.seeds]
        noise = torch.from_numpy(np.stack([draw.standard_exponential(p.shape[1]) for draw in draws])).to(p.device)
        self.step += 1
        if self.top_p < 1:  # the likeliest first, and all only if a few are too few: sorting 262,144 takes longer than
            few = p.topk(min(NUCLEUS, p.shape[1]))  # the network does
            p, tokens = few if few.values.sum(-1).min() > self.top_p else p.sort(descending=True)
            p = p.masked_fill(p.double().cumsum(-1) - p >= self.top_p, 0)  # before which more than top_p lies
            noise = noise.gather(1, tokens)
        drawn = (p / noise).argmax(-1, keepdim=True)  # in float64, as the noise is
        drawn = drawn if tokens is None else tokens.gather(1, drawn)
        return torch.full_like(scores, -torch.inf).scatter_(1, drawn, 0.0)


def iterate_in_thread(
    produce: Callable[[Callable], None], cancelled: Callable[[], bool], seconds: float = math.inf
) -> Iterator:
    """What `produce(emit)` emits, None left out, while it runs in a daemon thread; its exception is raised here.

    Raises Cancelled once `cancelled()`, and TimeoutError `seconds` after the start, even if `produce` hangs. `emit`
    raises Cancelled in the thread once the iterator is closed.
    """
    items, left, deadline = queue.SimpleQueue(), Event(), time.monotonic() + seconds

    def emit(item) -> None:
        if left.is_set():
            raise Cancelled
        items.put((item, None))

    def run() -> None:
        try:
            produce(emit)
            items.put((None, StopIteration()))
        except BaseException as error:
            items.put((None, error))

    # with the caller's context: ZeroGPU asks it whose quota a call takes from
    Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
    try:
        item, error = None, None
        while not isinstance(error, StopIteration):
            if error is not None:
                raise error
            if item is not None:
                yield item
            if cancelled():
                raise Cancelled
            if time.monotonic() > deadline:
                raise TimeoutError
            try:
                item, error = items.get(timeout=0.1)
            except queue.Empty:
                item = None
    finally:
        left.set()
