"""What it took to train the checkpoints that answer, beside the course's recipe.

    python -m benchmarks.recall_cost checkpoints/recall checkpoints/pretrained-finetuned checkpoints/finetuned

Tokens, time and machine are those of training.json, the pretraining that a checkpoint starts from included. The
course's recipe, 650 epochs of 128 characters of each document, is not run: its time is estimated at the speed that
section training-cost measured it at.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

from a3core.birthplace.checkpoints import Training, load_training
from a3core.birthplace.evaluation import Accuracy, describe_share
from benchmarks.report import FOLDER, table, write_section

EPOCHS, DOCUMENTS, BLOCK = 650, 2_937, 128  # of the course's pretraining; a block has that many characters, with pads
COURSE_TOKENS = EPOCHS * DOCUMENTS * BLOCK
SECTION = re.compile(
    r"<!-- training-cost -->.*?`, on (.*?)\n.*?\| the course's recipe[^|]*\| (\d+) \|[^|]*\| ([\d,]+) \|", re.S
)


class Cost(NamedTuple):
    """All stages that lead to a checkpoint."""

    tokens: int
    seconds: float


class Speed(NamedTuple):
    """How fast the course's recipe was when it was measured, and on what."""

    characters: int
    seconds: int
    machine: str


def read_speed(report: str) -> Speed:
    """Off the section training-cost of the report; raises ValueError where there is none."""
    found = SECTION.search(report)
    if found is None:
        raise ValueError("the report has no section training-cost: python -m benchmarks.training_cost writes it")
    machine, seconds, characters = found.groups()
    return Speed(int(characters.replace(",", "")), int(seconds), machine)


def count_cost(folder: Path) -> Cost:
    """Its own training and that of what it starts from, which stands beside it."""
    training = load_training(folder)
    base = count_cost(folder.parent / training.base) if training.base else Cost(0, 0.0)
    return Cost(training.tokens + base.tokens, training.seconds + base.seconds)


def describe_costs(folders: list[Path], speed: Speed) -> str:
    """A row for each checkpoint and one for the course at that speed; ratios are to the first."""
    costs = {folder: count_cost(folder) for folder in folders}
    first = costs[folders[0]].seconds
    rows = [_row(folder, cost, first) for folder, cost in costs.items()]
    a_second = speed.characters / speed.seconds
    seconds = COURSE_TOKENS / a_second
    rows.append(("the course's pretraining, estimated", f"{COURSE_TOKENS / 1e6:.0f} M characters", f"{a_second:,.0f}",
                 f"{seconds / 60:,.0f}", f"{seconds / first:.1f}x", speed.machine, "not measured"))  # fmt: skip
    headers = [
        "checkpoint",
        "in the loss",
        "a second",
        "minutes",
        f"of {folders[0].name}'s",
        "machine",
        "dev questions right",
    ]
    return "\n\n".join([
        table(headers, rows),
        f"The course's row is estimated, not measured: {EPOCHS} epochs of {DOCUMENTS:,} blocks of {BLOCK} characters, "
        f"pads and all, at the speed of section training-cost ({speed.characters:,} characters in {speed.seconds} "
        f"seconds, of another corpus) would take {seconds / 3600:.0f} hours. "
        "Characters and sub-words are compared by their minutes alone. Minutes are wall time on a shared machine.",
    ])  # fmt: skip


def _row(folder: Path, cost: Cost, first: float) -> tuple:
    training: Training = load_training(folder)
    score = training.measurements[-1] if training.measurements else None
    right = describe_share(Accuracy(score.correct, score.total)) if score else "not measured"
    name = f"{folder.name}, with {training.base}" if training.base else folder.name
    read, speed = f"{cost.tokens / 1e6:.1f} M {training.unit}", f"{cost.tokens / cost.seconds:,.0f}"
    return name, read, speed, f"{cost.seconds / 60:.1f}", f"{cost.seconds / first:.1f}x", training.machine, right


def main(*folders: str) -> None:
    if not folders:
        raise ValueError("name one checkpoint folder or more, the one to compare with first")
    command = "python -m benchmarks.recall_cost " + " ".join(f"checkpoints/{Path(folder).name}" for folder in folders)
    speed = read_speed((FOLDER / "birthplace.md").read_text(encoding="utf-8"))
    body = describe_costs([Path(folder) for folder in folders], speed)
    write_section("recall-cost", "What recall-then-answer cost to train", command, body)


if __name__ == "__main__":
    main(*sys.argv[1:])
