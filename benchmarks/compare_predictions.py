"""Accuracy of saved predictions on one file of questions, and the exact paired test between every two.

    python -m a3core evaluate checkpoints/pretrained-finetuned dev.tsv --predictions runs/pretrained-finetuned.txt
    python -m benchmarks.compare_predictions NAME dev.tsv runs/pretrained-finetuned.txt runs/finetuned.txt

It reads what `evaluate` wrote, so that the dev questions are asked once. London joins in.
"""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

from a3core.birthplace.evaluation import Accuracy, judge_places
from a3core.cli.birthplace import load_measured
from a3core.common.stats import compare_paired
from benchmarks.report import table, write_section


def main(name: str, questions: str, *files: str) -> None:
    asked, _ = load_measured(questions)
    places = {Path(file).stem: Path(file).read_text(encoding="utf-8").splitlines() for file in files}
    marks = {who: judge_places(said, asked) for who, said in (places | {"London": ["London"] * len(asked)}).items()}
    accuracies = {who: Accuracy(sum(right), len(right)) for who, right in marks.items()}
    rows = [
        (who, f"{a.correct} of {a.total}: {a.share:.1%}", "[{:.1%}, {:.1%}]".format(*a.interval))
        for who, a in accuracies.items()
    ]
    pairs = [(a, b, *compare_paired(marks[a], marks[b])) for a, b in combinations(marks, 2)]
    body = "\n\n".join([
        table(["model", "right", "95 % interval"], rows),
        "Exact paired test (McNemar) on the questions that only one of two has right:",
        table(["A", "B", "only A", "only B", "p"], [(*pair[:4], f"{pair[4]:.2g}") for pair in pairs]),
    ])  # fmt: skip
    known = "birth_dev.tsv" if questions.endswith("birth_dev.tsv") else questions
    command = " ".join(["python -m benchmarks.compare_predictions", name, known, *files])
    write_section(f"dev-{name}", f"Dev questions: {name}", command, body)


if __name__ == "__main__":
    main(*sys.argv[1:])
