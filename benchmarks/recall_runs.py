"""What the benchmarks of recall-then-answer share: a run's training, its corpus and its held-out questions.

>>> corpus, questions = load_held_out(Path("runs/recall-held"))
"""

from __future__ import annotations

import shlex
from pathlib import Path

from a3core.birthplace.checkpoints import WEIGHTS_FILE, Training, load_training
from a3core.birthplace.data.corpora import Corpus, Question, split_held_out
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recipes import RecallTraining, build_options, run_recipe
from a3core.birthplace.training.trainer import STATE_FILE
from a3core.cli.birthplace import show_progress


def load_held_out(folder: Path) -> tuple[Corpus, list[Question]]:
    """The corpus of a run and the train questions that it was not shown.

    Raises ValueError if it was shown all of them, or if its corpus is not at hand.
    """
    training = load_training(folder)
    count = read_hold_out(training)
    if not count:
        raise ValueError(f"{folder} was shown every train question: train it with --hold-out 200 to choose on them")
    corpus = load_read_corpus(training)
    return corpus, split_held_out(corpus.train, count)[1]


def read_hold_out(training: Training) -> int:
    """How many train questions a run kept back, by its recorded command; 0: none."""
    words = shlex.split(training.command)
    return int(words[words.index("--hold-out") + 1]) if "--hold-out" in words else 0


def load_read_corpus(training: Training) -> Corpus:
    """The corpus that a checkpoint has read. Raises ValueError if what is at hand under its name is another one."""
    corpus = load_corpus(training.corpus)
    if corpus.sha256 != training.sha256:
        raise ValueError(f"{training.corpus} is not what the checkpoint has read: its sha256 is {corpus.sha256[:12]}")
    return corpus


def is_finished(folder: Path) -> bool:
    """Whether a training in this folder has come to its end."""
    return (folder / WEIGHTS_FILE).exists() and not (folder / STATE_FILE).exists()


def train_run(corpus: Corpus, args: TrainingArgs, recall: RecallArgs, folder: Path, hold_out: int = 0) -> None:
    """What `python -m a3core train-recall` does, unless it is done; an interrupted run goes on."""
    if is_finished(folder):
        return
    print(f"training {folder}", flush=True)
    with show_progress(args.epochs) as (on_epoch, on_step):
        run_recipe(RecallTraining(recall, hold_out), corpus, args, folder, on_epoch, on_step=on_step)


def build_command(corpus: str, out: str, args: TrainingArgs, recall: RecallArgs, hold_out: int = 0) -> str:
    """The command line of `train_run`."""
    held_out = ["--hold-out", str(hold_out)] if hold_out else []
    words = ["train-recall", "--corpus", corpus, "--out", out, "--epochs", str(args.epochs)]
    words += ["--compile"] if args.compile else []
    return shlex.join(["python", "-m", "a3core", *words, *build_options(recall), *held_out])
