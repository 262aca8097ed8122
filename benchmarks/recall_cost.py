"""What it took to train the checkpoints that answer, beside the course's recipe.

    python -m benchmarks.recall_cost checkpoints/recall checkpoints/pretrained-finetuned checkpoints/finetuned

Tokens, time and machine are those of training.json, the pretraining that a checkpoint starts from included.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from a3core.birthplace.checkpoints import Training, load_training
from a3core.birthplace.evaluation import Accuracy
from a3core.birthplace.recall_measures import describe_share
from benchmarks.report import table, write_section

COURSE_TOKENS, COURSE_SPEED = 244_000_000, 3_200  # characters, and characters a second on two such cores


class Cost(NamedTuple):
    """All stages that lead to a checkpoint."""

    tokens: int
    seconds: float


def count_cost(folder: Path) -> Cost:
    """Its own training and that of what it starts from, which stands beside it."""
    training = load_training(folder)
    base = count_cost(folder.parent / training.base) if training.base else Cost(0, 0.0)
    return Cost(training.tokens + base.tokens, training.seconds + base.seconds)


def describe_costs(folders: list[Path]) -> str:
    """A row for each checkpoint and one for the course; ratios are to the first."""
    costs = {folder: count_cost(folder) for folder in folders}
    first = costs[folders[0]].seconds
    rows = [_row(folder, cost, first) for folder, cost in costs.items()]
    seconds = COURSE_TOKENS / COURSE_SPEED
    rows.append(("the course's recipe, as stated", f"{COURSE_TOKENS / 1e6:.0f} M characters", f"{COURSE_SPEED:,}",
                 f"{seconds / 60:,.0f}", f"{seconds / first:.1f}x", "two CPU cores", ""))  # fmt: skip
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
        f"The course's row is not measured here: {COURSE_TOKENS / 1e6:.0f} M characters at about {COURSE_SPEED:,} a "
        f"second on two CPU cores, {seconds / 3600:.0f} hours, is what the request for this checkpoint states. "
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
    body = describe_costs([Path(folder) for folder in folders])
    write_section("recall-cost", "What recall-then-answer cost to train", command, body)


if __name__ == "__main__":
    main(*sys.argv[1:])
