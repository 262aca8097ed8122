"""Are answers better in the shape of the taught places? Asked of five models about all train people.

    python -m benchmarks.answer_shape course builtin:1000

The models are those of `benchmarks.recall_folds`, which trains them: it comes first. Each answer is chosen twice from
the same recalled sentence: among all spans, and among those that `recall_answer.keep_shaped` leaves. The shape is
learned from the other four fifths. No dev question is asked.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from a3core.birthplace.checkpoints import load_checkpoint
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.evaluation import judge_places
from a3core.birthplace.prediction import recall_answer
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.common.stats import compare_paired, wilson_interval
from benchmarks.recall_folds import split_folds
from benchmarks.report import table, write_section

CHECKPOINTS = {"course": "recall", "builtin:1000": "builtin-recall"}


def measure(corpus_name: str, runs: Path) -> list[str]:
    """A row of the table: right with any span and with shaped ones, wins, losses and the p of McNemar's exact test."""
    corpus, right = load_corpus(corpus_name), {"any": [], "shaped": []}
    for fold, held in enumerate(split_folds(corpus.train)):
        model = load_checkpoint(runs / f"{CHECKPOINTS[corpus_name]}-{fold}")
        places = sorted({question.place for question in corpus.train if question not in set(held)})
        for kind, enough in (("any", sys.maxsize), ("shaped", recall_answer.ENOUGH_PLACES)):
            recall_answer.ENOUGH_PLACES, known = enough, recall_answer.ENOUGH_PLACES
            answers = RecallPredictor(model, places=places).predict([question.question for question in held])
            recall_answer.ENOUGH_PLACES = known
            right[kind] += judge_places([answer.place for answer in answers], held)
    wins, losses, p = compare_paired(right["shaped"], right["any"])
    return [corpus_name, str(len(right["any"])), *map(describe, right.values()), str(wins), str(losses), f"{p:.3g}"]


def describe(right: list[bool]) -> str:
    low, high = wilson_interval(sum(right), len(right))
    return f"{sum(right)}: {sum(right) / len(right):.1%} [{100 * low:.1f}, {100 * high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/recall-folds"), help="where the five models are kept")
    parser.add_argument("corpora", nargs="+", choices=CHECKPOINTS)
    flags = parser.parse_args()
    head = ["corpus", "held-out people", "right, any span", "right, the places' shape", "gained", "lost", "McNemar's p"]
    body = table(head, [measure(corpus, flags.runs) for corpus in flags.corpora])
    command = f"python -m benchmarks.answer_shape {' '.join(flags.corpora)}"
    write_section("answer-shape", "Answers of the shape of the taught places", command, body)


if __name__ == "__main__":
    main()
