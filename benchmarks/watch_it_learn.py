"""How long "Watch it learn" takes on this machine, and how much of the story it has shown by when.

    python -m benchmarks.watch_it_learn [--people 200 500 1000]

It is the panel's own training, looks and all, without a page; the aim is the whole story within three minutes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.recall_measures import describe_share
from a3core.birthplace.training.live import SIZES, LiveTraining, TrainingSnapshot
from benchmarks.report import table, write_section

AIM = 180  # seconds
PARTS = (0.25, 0.5, 0.75, 1.0)  # of the training at which the recitations are told
HONEST = (
    "Sizes, epochs and model were chosen by looking at these same dev people, so the last column shows what a visitor "
    "sees, and is no estimate for others."
)


def watch(people: int) -> TrainingSnapshot:
    """The snapshot at the end of a training. Raises RuntimeError if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        live = LiveTraining(CheckpointStore(Path(folder)))
        live.start("benchmark", people)
        while live.snapshot.active:
            time.sleep(0.2)
    if live.snapshot.error:
        raise RuntimeError(live.snapshot.error)
    return live.snapshot


def list_exact(seen: TrainingSnapshot) -> str:
    """Sentences recited word for word at the look that is the nearest to each part of the training."""
    probes = [min(seen.probes, key=lambda probe: abs(probe.epoch - part * seen.epochs)) for part in PARTS]
    return ", ".join(f"{probe.exact.correct} of {probe.exact.total}" for probe in probes)


def describe(snapshots: list[TrainingSnapshot]) -> str:
    headers = ["people", "parameters", "epochs", "minutes, looks included",
               "dev people's sentences recited word for word, at a quarter, a half, three quarters, the end",
               "dev people answered right at the end"]  # fmt: skip
    rows = [
        (f"{seen.people:,}", f"{seen.parameters:,}", seen.epochs, f"{seen.seconds / 60:.1f}", list_exact(seen),
         describe_share(seen.probes[-1].right))
        for seen in snapshots
    ]  # fmt: skip
    in_time = [f"{seen.people:,}" for seen in snapshots if seen.seconds <= AIM]
    aim = f"Within {AIM // 60} minutes: {', '.join(in_time) or 'none'}."
    return f"{table(headers, rows)}\n\n{aim} {HONEST}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", nargs="+", type=int, choices=SIZES, default=list(SIZES))
    people = parser.parse_args().people
    command = f"python -m benchmarks.watch_it_learn --people {' '.join(map(str, people))}"
    write_section("watch-it-learn", '"Watch it learn", as the panel trains', command, describe([*map(watch, people)]))


if __name__ == "__main__":
    main()
