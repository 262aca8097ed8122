"""How often a right answer stands among a sweep's demonstrations, and what nearest ones add with and without it.

    python -m a3core fewshot-eval --pool train_pool.jsonl --validation validation_1000.jsonl --out runs/triviaqa
    python -m benchmarks.answer_in_sight runs/triviaqa        at k = 8
    python -m benchmarks.answer_in_sight runs/triviaqa 16

Nothing is run here: the log-probabilities of the gold answers are read from the run's answers.csv.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from scipy.stats import t

from a3core.fewshot.sweep.report import LOG_PROBABILITY
from benchmarks.report import format_share, table, write_section


def main(folder: str, k: str = "8") -> None:
    """Writes the section: questions with the answer in sight by way of choosing k demonstrations; then the nats."""
    answers = pd.read_csv(Path(folder) / "answers.csv")
    scored = answers[(answers["decoding"] == LOG_PROBABILITY) & (answers["k"] == int(k))]
    random, nearest = (scored[scored["selection"] == method].set_index("id") for method in ("random", "nearest"))
    ways = {f"{k} random ones": random, f"{k} nearest ones": nearest}
    counts = [(name, format_share(int((way["in_sight"] > 0).sum()), len(way))) for name, way in ways.items()]
    body = table(["demonstrations", "questions with a right answer among them"], counts)
    difference = nearest["log_probability"] - random["log_probability"]
    seen = (nearest["in_sight"] > 0) | (random["in_sight"] > 0)
    groups = {"all questions": difference, "in sight": difference[seen], "not in sight": difference[~seen]}
    rows = [(name, f"{len(group):,}", describe_mean(group)) for name, group in groups.items()]
    body += "\n\n" + table(["the right answer", "questions", "nearest less random, log-probability"], rows)
    name = Path(folder).resolve().name
    command = f"python -m benchmarks.answer_in_sight runs/{name}" + f" {k}" * (k != "8")
    write_section(f"sight-{name}", f"The answer in sight: {name}", command, body)


def describe_mean(difference: pd.Series) -> str:
    """The mean of paired differences with its t interval."""
    if len(difference) < 2:
        return "too few"
    low, high = t.interval(0.95, len(difference) - 1, difference.mean(), difference.sem())
    return f"{difference.mean():+.2f} nats [{low:+.2f}, {high:+.2f}]"


if __name__ == "__main__":
    main(*sys.argv[1:])
