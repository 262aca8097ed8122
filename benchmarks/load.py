"""Many visitors at once: python -m benchmarks.load [--only prediction prompts mixed uploads memory]

The app runs in a process of its own, with one checkpoint, so that its answers are those of one model. Fifty visitors
ask it, each in a session of their own as a browser has one: all at the same moment, several rounds, by the public
endpoint and by the Birthplace tab's own event; then ten ask for prompts. Ratios are against one visitor alone, in the
same run. For memory, a few thousand mixed requests come one after the other, and the process is weighed on the way.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from benchmarks.report import table, write_section
from benchmarks.running_app import ROOT, App, ask, start_app

CORPUS = "builtin:1000"
ANSWER_SECONDS = 120  # after which a question counts as an error
WARM_UP = 0.3  # share of the requests before memory is weighed: caches fill, sessions are kept up to a limit
AT_ONCE, EACH = 5, 5  # visitors, and requests of each: enough visitors that the limit is reached in the warm-up
BATCH = AT_ONCE * EACH


class Timed(NamedTuple):
    """Seconds of every question that was answered, and what went wrong with the others."""

    seconds: list[float]
    errors: list[str]

    def quantile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


# Visitors


async def time_visitors(app: App, event: str, inputs: Callable[[], Sequence[Any]], visitors: int, rounds: int) -> Timed:
    """Every visitor asks at the same moment, and again when all have their answer; the first round does not count."""
    timed, sessions = Timed([], []), [uuid.uuid4().hex for _ in range(visitors)]
    limits = httpx.Limits(max_connections=2 * visitors)
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS, limits=limits) as client:

        async def visit(session: str) -> float | str:
            start = time.perf_counter()
            try:
                await asyncio.wait_for(ask(client, app, event, inputs(), session), ANSWER_SECONDS)
                return time.perf_counter() - start
            except (RuntimeError, httpx.HTTPError, TimeoutError) as error:
                return f"{type(error).__name__}: {error}"

        for number in range(rounds + 1):  # the first opens the sessions and loads the models
            for found in await asyncio.gather(*map(visit, sessions)):
                if isinstance(found, str):
                    timed.errors.append(found)
                elif number:
                    timed.seconds.append(found)
    return timed


def draw_inputs(seed: int = 0) -> dict[str, Callable[[], Sequence[Any]]]:
    """What a visitor asks by each event: another person, another question every time."""
    from a3core.birthplace.data.loading import UNSEEN, list_people
    from a3core.fewshot.pools import BUILTIN_VALIDATION, load_pool

    rng = random.Random(seed)
    names = [person.name for person in list_people(CORPUS).values() if person.split != UNSEEN]  # all can be spelt
    questions = load_pool(BUILTIN_VALIDATION).questions
    return {
        "predict_birthplace": lambda: [rng.choice(names)],
        "answer": lambda: [rng.choice(names), CORPUS],
        "build_prompt": lambda: [rng.choice(questions), 8, "nearest", "nearest last"],
        "attention_lab": lambda: ["1.1", {"seed": rng.randrange(10_000)}],
        "label_report": lambda: [find_run_name()],
    }


def find_run_name() -> str:
    return json.loads((ROOT / "assets" / "cot_run" / "run.json").read_text(encoding="utf-8"))["name"]


TOLD = {
    "predict_birthplace": "prediction, the endpoint",
    "answer": "prediction, the tab with its picture",
    "build_prompt": "a prompt of eight neighbours",
    "attention_lab": "a claim of the laboratory",
    "label_report": "a report of labels",
}


def measure(app: App, event: str, visitors: int, rounds: int) -> tuple:
    """One row of the table."""
    inputs = draw_inputs()[event]
    alone = run(time_visitors(app, event, inputs, 1, 10))
    many = run(time_visitors(app, event, inputs, visitors, rounds))
    for error in sorted(set(alone.errors + many.errors)):
        print(f"error, {event}: {error}", file=sys.stderr)
    p50, p95, p50_alone = many.quantile(0.5), many.quantile(0.95), alone.quantile(0.5)
    shown = [f"{seconds:.2f} s" for seconds in (p50_alone, p50, p95, many.quantile(1.0))]
    ratio = f"{p95 / p50_alone:.1f}x"
    return (TOLD[event], visitors, len(many.seconds), *shown, ratio, len(alone.errors) + len(many.errors))


def run(work: Awaitable[Timed]) -> Timed:
    return asyncio.run(work)


# Beside long jobs and large files

WAITING = 3  # long jobs behind the one that runs
MIXED = ("predict_birthplace", "answer", "attention_lab", "build_prompt", "label_report")
# As large as an upload may be, with as many rows as are read, and refused for the last one only.
SLOWEST_FILE = b"question,answer\n" + (b"a" * 48 + b"," + b"b" * 50 + b"\n") * 99_998 + b"a,b,c\n"


async def use_beside(app: App, background: Sequence[Awaitable], seconds: float) -> dict[str, Timed]:
    """Times of each endpoint, asked by five visitors in turn for so long, while the background goes on."""
    inputs, end = draw_inputs(), time.monotonic() + seconds
    timed = {kind: Timed([], []) for kind in MIXED}
    others = [asyncio.ensure_future(work) for work in background]
    await asyncio.sleep(5 if others else 0)  # until the long job has begun

    async def visit(number: int) -> None:
        session = uuid.uuid4().hex
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
            for kind in itertools.islice(itertools.cycle(MIXED), number, None):
                start = time.perf_counter()
                try:
                    await asyncio.wait_for(ask(client, app, kind, inputs[kind](), session), ANSWER_SECONDS)
                    timed[kind].seconds.append(time.perf_counter() - start)
                except (RuntimeError, httpx.HTTPError, TimeoutError) as error:
                    timed[kind].errors.append(f"{type(error).__name__}: {error}")
                if time.monotonic() > end:
                    return

    await asyncio.gather(*map(visit, range(AT_ONCE)))
    for other in others:
        if other.done():  # a long job or a sender of files ends with the run, not before
            raise RuntimeError(f"the background ended: {other.exception()!r}")
        other.cancel()
    return timed


async def run_sweeps(app: App, on_step: Callable[[], object] = lambda: None) -> None:
    """A visitor who runs the page's own sweep, again and again; on_step: called after each part of it."""
    async with httpx.AsyncClient(timeout=None) as client:
        while True:
            await ask(client, app, "run_grid", app.defaults["run_grid"], uuid.uuid4().hex, on_step)


async def upload_pool(client: httpx.AsyncClient, app: App) -> None:
    """Sends a table that is made to be slow; the app refuses it."""
    sent = await client.post(f"{app.address}/upload", files={"files": ("pool.csv", SLOWEST_FILE)})
    path = sent.raise_for_status().json()[0]
    file = {"path": path, "orig_name": "pool.csv", "meta": {"_type": "gradio.FileData"}}
    try:
        answered = await ask(client, app, "use_pool", [file, *app.defaults["use_pool"][1:]], uuid.uuid4().hex)
    except RuntimeError as error:
        answered = error
    if "cells: 3" not in str(answered):
        raise RuntimeError(f"not refused for its last row: {answered}")


async def upload_pools(app: App) -> None:
    """A visitor who sends such a table again and again."""
    async with httpx.AsyncClient(timeout=None) as client:
        while True:
            await upload_pool(client, app)


class Beside(NamedTuple):
    """An endpoint alone and beside other work: answers, and the 95th percentile of their seconds."""

    what: str
    n_alone: int
    n: int
    alone: float
    beside: float
    errors: int

    def to_row(self) -> tuple:
        times = (f"{self.alone:.2f} s", f"{self.beside:.2f} s", f"{self.beside / self.alone:.1f}x")
        return (self.what, self.n_alone, self.n, *times, self.errors)


def compare_beside(kind: str, alone: Timed, timed: Timed) -> Beside:
    for error in sorted(set(timed.errors)):
        print(f"error, {kind}: {error}", file=sys.stderr)
    counts = {"n_alone": len(alone.seconds), "n": len(timed.seconds), "errors": len(timed.errors)}
    return Beside(TOLD[kind], alone=alone.quantile(0.95), beside=timed.quantile(0.95), **counts)


def measure_beside(app: App, kind: str, seconds: float) -> list[Beside]:
    """An endpoint each, for "mixed" or "uploads": first without, then beside the long jobs or the files."""
    warm_up = asyncio.run(use_beside(app, [], 10))
    assert not any(timed.errors for timed in warm_up.values()), warm_up
    alone = asyncio.run(use_beside(app, [], seconds / 3))
    jobs = {
        "mixed": lambda: [run_sweeps(app) for _ in range(1 + WAITING)],
        "uploads": lambda: [upload_pools(app) for _ in range(4)],
    }[kind]

    async def together() -> dict[str, Timed]:
        return await use_beside(app, jobs(), seconds)

    beside = asyncio.run(together())
    return [compare_beside(kind, alone[kind], timed) for kind, timed in beside.items()]


BESIDE_HEADERS = ("what", "answers alone", "answers beside", "p95 alone", "p95 beside", "ratio", "errors")
HEADERS = ("what", "visitors at once", "answers", "alone, p50", "p50", "p95", "slowest", "p95 / alone", "errors")


# Memory


class Weight(NamedTuple):
    """The app after so many requests."""

    requests: int
    megabytes: float
    files: int  # of the app's temporary folders
    sessions_seen: int


def weigh(app: App, requests: int, sessions: int) -> Weight:
    import psutil

    process = psutil.Process(app.process.pid)
    folder = Path(process.environ()["TMPDIR"])
    files = sum(1 for path in folder.rglob("*") if path.is_file() and "data" not in path.parts)
    return Weight(requests, process.memory_info().rss / 1e6, files, sessions)


async def use_for_long(app: App, requests: int, samples: int = 20) -> list[Weight]:
    """Requests of all kinds, five at a time, each visitor for five of them; the process is weighed on the way."""
    inputs, weights, sessions = draw_inputs(), [], 0
    kinds = itertools.cycle(["predict_birthplace", "answer", "answer", "attention_lab", "build_prompt", "label_report"])
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
        for done in range(0, requests, BATCH):
            visitors = [uuid.uuid4().hex for _ in range(AT_ONCE)]
            sessions += len(visitors)

            async def visit(session: str) -> None:
                for kind in itertools.islice(kinds, EACH):
                    await ask(client, app, kind, inputs[kind](), session)

            await asyncio.gather(*map(visit, visitors))
            if done % max(BATCH, requests // samples // BATCH * BATCH) == 0:
                weights.append(weigh(app, done + BATCH, sessions))
    return weights


def fit_slope(weights: Sequence[Weight]) -> float:
    """Megabytes per 1,000 requests, after the warm-up."""
    warm = [weight for weight in weights if weight.requests > WARM_UP * weights[-1].requests]
    fitted = statistics.linear_regression([w.requests for w in warm], [w.megabytes for w in warm])
    return 1000 * fitted.slope


def describe_memory(weights: Sequence[Weight]) -> str:
    shown = weights[:: max(1, len(weights) // 8)]
    rows = [(f"{w.requests:,}", f"{w.sessions_seen:,}", f"{w.megabytes:,.0f} MB", w.files) for w in shown]
    told = f"After the first {WARM_UP:.0%}: {fit_slope(weights):+.1f} MB per 1,000 requests."
    return f"{table(['requests', 'sessions', 'resident', 'temporary files'], rows)}\n\n{told}"


# All of it

SECTIONS = ("prediction", "prompts", "mixed", "uploads", "memory")
BESIDE = {
    "mixed": "Five visitors beside one long job and three that wait",
    "uploads": "Five visitors beside four uploads of 10 MB that are made to be slow",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=SECTIONS)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=6000, help="for memory")
    parser.add_argument("--minutes", type=float, default=5, help="of mixed use beside long jobs, and beside uploads")
    parser.add_argument("--port", type=int)
    parser.add_argument("--dry", action="store_true", help="print, and leave docs/benchmarks/ as it is")
    args = parser.parse_args()
    wanted = args.only or SECTIONS
    write = (lambda *section: print(*section, sep="\n")) if args.dry else write_section
    command = f"python -m benchmarks.load {'--only ' + ' '.join(args.only) if args.only else ''}".strip()
    with start_app(port=args.port) as app:
        rows = []
        if "prediction" in wanted:
            rows += [measure(app, event, args.visitors, args.rounds) for event in ("predict_birthplace", "answer")]
        if "prompts" in wanted:
            rows += [measure(app, "build_prompt", min(10, args.visitors), args.rounds)]
        if rows:
            write("load", "Many visitors at once, one checkpoint", command, table(HEADERS, rows))
    for kind in [kind for kind in BESIDE if kind in wanted]:
        with start_app(port=args.port) as app:
            rows = [row.to_row() for row in measure_beside(app, kind, 60 * args.minutes)]
        write(f"load-{kind}", BESIDE[kind], command, table(BESIDE_HEADERS, rows))
    if "memory" in wanted:
        with start_app(port=args.port) as app:
            weights = asyncio.run(use_for_long(app, args.requests))
        write("memory", "The app's memory under use", command, describe_memory(weights))


if __name__ == "__main__":
    main()
