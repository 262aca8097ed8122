"""Capture of every attention weight and what travels to the page, for 64, 256 and 512 tokens.

python -m benchmarks.attention_capture [MODEL] [ROUNDS]

MODEL is the packaged language model unless another hub id or folder is given. The baseline is the model's own forward
pass over the same tokens, in the same run.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import torch

from a3core.attention.capture import Capture, capture_pattern
from a3core.attention.models import HuggingFaceModel
from a3core.attention.payload import build_payload, encode_matrix, select_matrix
from a3core.llm.local import MODEL_NAME, load_language_model
from benchmarks.report import table, write_section

LENGTHS = (64, 256, 512)
SENTENCE = "Babe Ruth was born in Baltimore and played for the New York Yankees. "


def cut_text(model: HuggingFaceModel, tokens: int) -> str:
    """A text of exactly so many tokens."""
    text = SENTENCE * tokens
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(model.encode(text[:middle])) <= tokens else (low, middle - 1)
    return text[:low]


def measure(rounds: int, work: Callable):
    """The median seconds of `work` and its last result; the first round does not count."""
    seconds, result = [], None
    for _ in range(rounds + 1):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:]), result


def pack(capture: Capture) -> tuple[int, int]:
    """Bytes of all thumbnails with their tokens, and of one head's matrix."""
    thumbnails = sum(len(str(value)) for value in build_payload(capture).values())
    return thumbnails, len(encode_matrix(select_matrix(capture, [(0, 0)])))


def measure_length(model: HuggingFaceModel, tokens: int, rounds: int) -> tuple:
    text = cut_text(model, tokens)
    ids = torch.tensor([model.encode(text)])
    with torch.inference_mode():
        forward, _ = measure(rounds, lambda: model.logits(model.network, ids, 1))
    captured, capture = measure(rounds, lambda: capture_pattern(model, text))
    packed, (thumbnails, matrix) = measure(rounds, lambda: pack(capture))
    assert len(capture.tokens) == tokens and thumbnails + matrix < 2_000_000
    return (
        tokens,
        f"{captured:.2f} s",
        f"{captured / forward:.1f}x",
        f"{1000 * packed:.0f} ms",
        f"{thumbnails / 1e3:,.0f} kB",
        f"{matrix / 1e3:,.0f} kB",
        f"{capture.pattern.nbytes / 1e6:,.1f} MB",
    )


def main(name: str = MODEL_NAME, rounds: str = "3") -> None:
    model = HuggingFaceModel(load_language_model(name, dtype="float32"))
    rows = [measure_length(model, tokens, int(rounds)) for tokens in LENGTHS]
    headers = ["tokens", "capture", "of one forward pass", "packing", "thumbnails", "one head", "whole pattern"]
    title = f"Attention of {name} ({model.n_layer} layers, {model.n_head} heads), median of {rounds}"
    command = f"python -m benchmarks.attention_capture {name} {rounds}"
    note = "A capture runs the model twice, eager and fast, to check that both predict the same. "
    note += "Thumbnails and one head travel to the page; the whole pattern stays."
    write_section("attention-capture", title, command, table(headers, rows) + "\n\n" + note)


if __name__ == "__main__":
    main(*sys.argv[1:])
