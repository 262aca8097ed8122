"""What each part of recall-then-answer is worth, on train questions that were held out: the dev questions are not read.

    python -m benchmarks.recall_ablation course            # the runs that are there
    python -m benchmarks.recall_ablation course --train    # trains what is missing first; goes on where it stopped

Every run is a folder below --runs, trained alike but for one thing.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from a3core.birthplace.checkpoints import Training, load_predictor, load_training
from a3core.birthplace.data.corpora import Corpus
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.evaluation import Accuracy, count_recall, describe_share, judge_exact, judge_places
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.common.stats import compare_paired
from benchmarks.recall_dev import describe_misses, sort_misses
from benchmarks.recall_runs import build_command, is_finished, load_held_out, read_hold_out, train_run
from benchmarks.report import table, write_section

HELD_OUT, BASELINE = 200, "recall"


class Setting(NamedTuple):
    """One row of the table."""

    label: str
    recall: RecallArgs


SETTINGS = {
    BASELINE: Setting("recall-then-answer", RecallArgs()),
    "direct": Setting("direct answer: the same reading, no recitation", RecallArgs(recite=False)),
    "no-swap": Setting("no place swapped", RecallArgs(swap=0.0)),
    "questions-250": Setting("250 train questions", RecallArgs(questions=250)),
    "questions-500": Setting("500 train questions", RecallArgs(questions=500)),
    "questions-1000": Setting("1,000 train questions", RecallArgs(questions=1000)),
    "characters": Setting("characters instead of sub-words", RecallArgs(subwords=0)),
}


class Measured(NamedTuple):
    """One run on the held-out questions; `exact` and `misses` are None where nothing is recited."""

    training: Training
    right: list[bool]
    exact: list[bool] | None
    misses: Counter | None = None  # by their reasons


def check_run(folder: Path, recall: RecallArgs, corpus: Corpus, epochs: int) -> Training:
    """How a run was trained. Raises ValueError if that is not what its row says."""
    training = load_training(folder)
    expected = {**asdict(recall), "epochs": epochs, "held out": HELD_OUT, "sha256": corpus.sha256}
    found = {**training.args, "held out": read_hold_out(training), "sha256": training.sha256}
    wrong = {name: found.get(name) for name, value in expected.items() if found.get(name) != value}
    if wrong:
        right = {name: expected[name] for name in wrong}
        raise ValueError(f"{folder} was trained with {wrong}, its row says {right}: remove it, or give --epochs")
    return training


def measure_run(folder: Path, training: Training) -> Measured:
    """Asks a run the questions that it was not shown."""
    corpus, held_out = load_held_out(folder)
    answers = load_predictor(folder).predict([question.question for question in held_out])
    right = judge_places([answer.place for answer in answers], held_out)
    if not training.args["recite"]:
        return Measured(training, right, None)
    exact = judge_exact(answers, held_out, corpus)
    return Measured(training, right, exact, sort_misses(answers, held_out, exact, corpus))


def describe_runs(measured: Mapping[str, Measured], questions: int) -> str:
    """A row for each run, each compared with the baseline where that is there. questions: shown to a run of all."""
    baseline = measured.get(BASELINE)
    rows = [_row(name, run, baseline, questions) for name, run in measured.items()]
    headers = [
        "training",
        "right",
        f"only it right : only {SETTINGS[BASELINE].label}, p (exact, paired)",
        "recited word for word",
        "right after that",
        "right after a wrong recitation",
        "in the loss",
    ]
    return table(headers, rows)


def _row(name: str, run: Measured, baseline: Measured | None, questions: int) -> tuple:
    label = f"**{SETTINGS[name].label}, {questions:,} train questions**" if name == BASELINE else SETTINGS[name].label
    paired = ""
    if baseline and name != BASELINE:
        paired = "{} : {}, p = {:.2g}".format(*compare_paired(run.right, baseline.right))
    recited = ["", "", ""]
    if run.exact is not None:
        measures = count_recall(run.right, run.exact)
        recited = [describe_share(s) for s in (measures.exact, measures.given_exact, measures.given_wrong)]
    accuracy = describe_share(Accuracy(sum(run.right), len(run.right)))
    return label, accuracy, paired, *recited, f"{run.training.tokens:,} {run.training.unit}"


def describe_commands(commands: Mapping[str, str], missing: list[str]) -> str:
    """How each run is made, and which are not there."""
    said = "Each is trained by one command:\n\n```bash\n" + "\n".join(commands.values()) + "\n```"
    if not missing:
        return said
    return f"{said}\n\nNot trained yet: {', '.join(SETTINGS[name].label for name in missing)}."


def list_commands(flags: argparse.Namespace) -> dict[str, str]:
    """The command that makes each run."""
    args, out = TrainingArgs(epochs=flags.epochs), f"runs/{flags.runs.name}"
    return {
        name: build_command(flags.corpus, f"{out}/{name}", args, setting.recall, HELD_OUT)
        for name, setting in SETTINGS.items()
    }


def describe(runs: Path, corpus: Corpus, epochs: int, commands: Mapping[str, str]) -> str:
    """The section. Raises ValueError if no run is there."""
    done = {name: setting.recall for name, setting in SETTINGS.items() if is_finished(runs / name)}
    if not done:
        raise ValueError(f"no run below {runs}: train them with --train, or by\n" + "\n".join(commands.values()))
    trainings = {name: check_run(runs / name, recall, corpus, epochs) for name, recall in done.items()}
    measured = {name: measure_run(runs / name, training) for name, training in trainings.items()}
    machine = next(iter(trainings.values())).machine
    whole = measured.get(BASELINE)
    parts = [
        f"{HELD_OUT} train questions that no run was shown; {epochs} epochs each, on {machine}.",
        describe_runs(measured, len(corpus.train) - HELD_OUT),
        f"{SETTINGS[BASELINE].label.capitalize()}: {describe_misses(whole.misses, HELD_OUT)}" if whole else "",
        describe_commands(commands, [name for name in SETTINGS if name not in done]),
    ]
    return "\n\n".join(filter(None, parts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--runs", type=Path, default=Path("runs/recall-ablation"))
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS), help="runs to train")
    parser.add_argument("--train", action="store_true", help="train the runs that are missing")
    flags = parser.parse_args()
    corpus, commands = load_corpus(flags.corpus), list_commands(flags)
    for name in flags.only if flags.train else ():
        train_run(corpus, TrainingArgs(epochs=flags.epochs), SETTINGS[name].recall, flags.runs / name, HELD_OUT)
    body = describe(flags.runs, corpus, flags.epochs, commands)
    command = f"python -m benchmarks.recall_ablation {corpus.name}"
    write_section("recall-ablation", "What each part of recall-then-answer is worth", command, body)


if __name__ == "__main__":
    main()
