"""Capture of every attention weight, what is measured beside it, and what travels to the page.

python -m benchmarks.attention_capture [MODEL] [ROUNDS] [EARLIER]

MODEL is the packaged language model unless another hub id or folder is given. Every figure has its baseline in the same
run, in turns: the model's own forward pass over the same tokens; each head switched off by a pass of its own; and of
EARLIER, the checkout of an earlier version, the same clicks and pointing in a browser. Seconds are of the processor, so
that a busy machine gives the same; in the browser they are those of the clock.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import torch

from a3core.attention import ablation
from a3core.attention.capture import Capture, capture_pattern
from a3core.attention.measures.direct import attribute_heads
from a3core.attention.models import AttentionModel, GPTModel, HuggingFaceModel
from a3core.attention.payload import build_payload, encode_matrix, select_matrix
from a3core.birthplace.checkpoints import load_predictor
from a3core.common.paths import CHECKPOINTS
from a3core.llm.local import MODEL_NAME, load_language_model
from benchmarks.report import table, write_section
from benchmarks.running_app import ROOT, start_app

LENGTHS = (64, 256, 512)
SENTENCE = "Babe Ruth was born in Baltimore and played for the New York Yankees. "
QUESTION = "Where was Babe Ruth born?"
PROMPT = "The capital of France is the city of"  # behind which heads are switched off
CHECKPOINT = "builtin-pretrained-finetuned"


def cut_text(model: HuggingFaceModel, tokens: int) -> str:
    """A text of exactly so many tokens."""
    text = SENTENCE * tokens
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(model.encode(text[:middle])) <= tokens else (low, middle - 1)
    return text[:low]


def measure(rounds: int, *works: Callable) -> list[float]:
    """The median seconds of the processor of each work; they take turns, and the first round does not count."""
    seconds = []
    for _ in range(rounds + 1):
        times = [time.process_time()]
        for work in works:
            work()
            times.append(time.process_time())
        seconds.append([end - start for start, end in pairwise(times)])
    return [statistics.median(each) for each in zip(*seconds[1:], strict=True)]


def pack(capture: Capture) -> tuple[int, int]:
    """Bytes of all thumbnails with their tokens, and of one head's matrix."""
    thumbnails = sum(len(str(value)) for value in build_payload(capture).values())
    return thumbnails, len(encode_matrix(select_matrix(capture, [(0, 0)])))


@torch.inference_mode()
def measure_length(model: HuggingFaceModel, tokens: int, rounds: int) -> tuple:
    text = cut_text(model, tokens)
    ids = torch.tensor([model.encode(text)])
    capture = capture_pattern(model, text)
    forward, captured, attributed, packed = measure(
        rounds,
        lambda: model.logits(model.network, ids, 1),
        lambda: capture_pattern(model, text),
        lambda: attribute_heads(model, model.trace(ids, patterns=False), tokens - 1),
        lambda: pack(capture),
    )
    thumbnails, matrix = pack(capture)
    assert len(capture.tokens) == tokens and thumbnails + matrix < 2_000_000
    return (
        tokens,
        f"{forward:.2f} s",
        f"{captured / forward:.1f}x",
        f"{attributed / forward:.1f}x",
        f"{1000 * packed:.0f} ms",
        f"{thumbnails / 1e3:,.0f} kB",
        f"{matrix / 1e3:,.0f} kB",
        f"{capture.pattern.nbytes / 1e6:,.1f} MB",
    )


def measure_map(model: AttentionModel, text: str, answer: str | None, rounds: int) -> tuple:
    """The map of every head's ablation in batches, and by a pass for each head."""

    heads = model.n_layer * model.n_head
    variants = torch.cat([torch.ones(1, heads), 1 - torch.eye(heads)]).view(-1, 1, model.n_layer, model.n_head)

    read = ablation.read_pair(model, text, answer)
    read = read._replace(answer=read.answer[:1])

    def run_alone() -> None:
        for keep in variants:  # the unchanged model, and each head: all layers of all tokens
            ablation.Variants(model, read).predict(keep)

    batched, single = measure(rounds, lambda: ablation.map_ablations(model, read), run_alone)
    return model.name, heads, len(model.encode(text)), f"{batched:.2f} s", f"{single:.2f} s", f"{single / batched:.1f}x"


def measure_hands(name: str, text: str, rounds: int, checkouts: dict[str, Path]) -> list[tuple]:
    """The median milliseconds of a chosen head and of a pointed cell, of each checkout, in turns in one browser."""
    from playwright.sync_api import sync_playwright

    hands = Path(__file__).with_name("attention_hands.js").read_text(encoding="utf-8")
    with ExitStack() as stack:
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        pages, found = {}, {version: ([], []) for version in checkouts}
        for version, root in checkouts.items():
            app = stack.enter_context(start_app(CHECKPOINT, root=root))
            link = {"tab": "attention", "model": name, "text": text, "generate": "", "layer": 0, "head": 0}
            pages[version] = browser.new_page(viewport={"width": 1366, "height": 900})
            pages[version].goto(f"{app.address.removesuffix('/gradio_api')}/?{urlencode(link)}")
            pages[version].locator("#pattern-first .status", has_text=" with ").wait_for(timeout=600_000)
        for _ in range(rounds):
            for version, page in pages.items():
                page.bring_to_front()
                for times, more in zip(found[version], page.evaluate(hands), strict=True):
                    times += more
        browser.close()
    medians = {version: [statistics.median(times) for times in each] for version, each in found.items()}
    return [(version, f"{head:.0f} ms", f"{cell:.1f} ms") for version, (head, cell) in medians.items()]


def main(name: str = MODEL_NAME, rounds: str = "3", earlier: str = "") -> None:
    n, model = int(rounds), HuggingFaceModel(load_language_model(name, dtype="float32"))
    rows = [measure_length(model, tokens, n) for tokens in LENGTHS]
    headers = ["tokens", "forward pass", "capture", "attribution of all heads", "packing", "thumbnails", "one head"]
    body = [table([*headers, "whole pattern"], rows)]
    body += [
        "A capture runs the model twice, eager and fast, to check that both predict the same; an attribution once."
    ]
    body += ["Thumbnails and one head travel to the page; the whole pattern stays."]
    own = GPTModel(CHECKPOINT, load_predictor(CHECKPOINTS / CHECKPOINT))
    maps = [measure_map(own, QUESTION, "Baltimore", n), measure_map(model, PROMPT, " Paris", n)]
    body += [table(["map of every head", "heads", "tokens", "in batches", "one by one", "ratio"], maps)]
    if earlier:
        checkouts = {"this version": ROOT, "the earlier version": Path(earlier)}
        hands = measure_hands(name, cut_text(model, LENGTHS[-1]), n, checkouts)
        body += [table([f"in the page, {LENGTHS[-1]} tokens", "another head", "pointing at a cell"], hands)]
    title = f"Attention of {name} ({model.n_layer} layers, {model.n_head} heads), median of {rounds}"
    command = f"python -m benchmarks.attention_capture {name} {rounds}{' EARLIER' * bool(earlier)}"
    write_section("attention-capture", title, command, "\n\n".join(body))


if __name__ == "__main__":
    main(*sys.argv[1:])
