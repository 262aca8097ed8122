"""How long "Watch it learn" takes on this machine, and how much of the story it has shown by when.

    python -m benchmarks.watch_it_learn [--people 200 500 1000]
    python -m benchmarks.watch_it_learn --people 200 --facts own_capitals.csv own_people.csv

It is the panel's own training, looks and all, without a page; the aim is the whole story within three minutes. The
second measures tables of facts of one's own in the same run: they may take twice as long as 200 people.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Callable
from pathlib import Path

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.corpora import BIRTHPLACE
from a3core.birthplace.data.facts import FactsFormat, load_facts
from a3core.birthplace.evaluation import describe_share
from a3core.birthplace.training.live import SIZES, LiveTraining, TrainingSnapshot
from benchmarks.report import table, write_section

AIM = 180  # seconds
MOST_TIMES, ANSWERED = 2, 0.95  # as long as the first training, and of the held-out names
QUESTIONS = {"capital": "What is the capital of {name}?"}  # by the column of answers
PARTS = (0.25, 0.5, 0.75, 1.0)  # of the training at which the recitations are told
HONEST = (
    "Sizes, epochs and model were chosen by looking at these same dev people, so the last column shows what a visitor "
    "sees, and is no estimate for others."
)


def watch(people: int) -> TrainingSnapshot:
    """The snapshot at the end of a training. Raises RuntimeError if it failed."""
    return train(lambda live: live.start("benchmark", people))


def learn(path: Path) -> TrainingSnapshot:
    """`watch`, on a table of facts of one's own, whose second column has the answers."""
    with path.open(encoding="utf-8", newline="") as file:
        _, answers, *_ = next(csv.reader(file))
    form = FactsFormat(question=QUESTIONS.get(answers, BIRTHPLACE), answer_column=answers)
    return train(lambda live: live.start("benchmark", corpus=load_facts(path, form)))


def train(start: Callable[[LiveTraining], None]) -> TrainingSnapshot:
    with tempfile.TemporaryDirectory() as folder:
        live = LiveTraining(CheckpointStore(Path(folder)))
        start(live)
        live.wait()
    if live.snapshot.error:
        raise RuntimeError(live.snapshot.error)
    return live.snapshot


def list_exact(seen: TrainingSnapshot) -> str:
    """Sentences recited word for word at the look that is the nearest to each part of the training."""
    probes = [min(seen.probes, key=lambda probe: abs(probe.epoch - part * seen.epochs)) for part in PARTS]
    return ", ".join(f"{probe.exact.correct} of {probe.exact.total}" for probe in probes)


def describe(snapshots: dict[str, TrainingSnapshot]) -> str:
    headers = ["people, or file", "parameters", "epochs", "minutes, looks included",
               "dev people's sentences recited word for word, at a quarter, a half, three quarters, the end",
               "dev people answered right at the end"]  # fmt: skip
    rows = [
        (name, f"{seen.parameters:,}", seen.epochs, f"{seen.seconds / 60:.1f}", list_exact(seen),
         describe_share(seen.probes[-1].right))
        for name, seen in snapshots.items()
    ]  # fmt: skip
    in_time = [name for name, seen in snapshots.items() if seen.seconds <= AIM]
    aim = f"Within {AIM // 60} minutes: {', '.join(in_time) or 'none'}."
    return f"{table(headers, rows)}\n\n{aim} {HONEST}"


def describe_facts(first: TrainingSnapshot, facts: dict[str, TrainingSnapshot]) -> str:
    """How long each file takes beside "Watch it learn", and whether the two aims are met."""
    sentences = []
    for name, seen in facts.items():
        ratio, right = seen.seconds / first.seconds, seen.probes[-1].right
        met = ratio <= MOST_TIMES and right.share >= ANSWERED
        sentences.append(
            f"`{name}`, {seen.people} facts: {ratio:.2f} times the time of {first.people} people; "
            f"{right.correct} of {right.total} held-out names answered. **The aim of at most {MOST_TIMES} times, and "
            f"{ANSWERED:.0%} answered, is {'met' if met else 'not met'}.**"
        )
    return "\n\n".join(sentences)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", nargs="+", type=int, choices=SIZES, default=list(SIZES))
    parser.add_argument("--facts", nargs="+", type=Path, default=[], help="tables of facts: a name and an answer first")
    flags = parser.parse_args()
    watched = {f"{people:,}": watch(people) for people in flags.people}
    facts = {path.name: learn(path) for path in flags.facts}
    command = f"python -m benchmarks.watch_it_learn --people {' '.join(map(str, flags.people))}"
    body = describe(watched | facts)
    if not facts:
        write_section("watch-it-learn", '"Watch it learn", as the panel trains', command, body)
        return
    command += f" --facts {' '.join(path.name for path in flags.facts)}"
    body += f"\n\n{describe_facts(watched[f'{flags.people[0]:,}'], facts)}"
    write_section("own-facts", "Facts of one's own, as the panel learns them", command, body)


if __name__ == "__main__":
    main()
