"""From a corpus to a checkpoint: a recipe names what is read and recorded, `run_recipe` trains by it.

    run_recipe(Pretraining(), load_corpus("builtin:500"), TrainingArgs(), Path("runs/pretrained"))

It leaves a checkpoint folder, resumes what was interrupted, and hands every epoch to `on_epoch`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar

import torch

from a3core.birthplace.checkpoints import WEIGHTS_FILE, Training, load_checkpoint, save_checkpoint
from a3core.birthplace.data.builtin import load_people
from a3core.birthplace.data.corpora import Corpus, split_held_out
from a3core.birthplace.data.span_corruption import NameDataset, SpanCorruptionDataset
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.model.vocabulary import build_vocabulary
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.trainer import STATE_FILE, Epoch, find_process, read_curve, train
from a3core.llm.zero_gpu import choose_device

COMMAND_DEFAULTS = ("epochs", "matrix_rate", "rate")  # the commands differ in these, so they are always recorded
OnEpoch = Callable[[Epoch], None]


class Recipe:
    """How one kind of checkpoint is made. The fields of a subclass are the options of its command."""

    command: ClassVar[str]  # of `python -m a3core`
    stage: str  # one of `model_card.WHAT`
    base: Path | None = None  # the checkpoint that it starts from
    hold_out: int = 0  # train questions that are not learned from (`corpora.split_held_out`)

    def build_model(self, corpus: Corpus, seed: int) -> GPT:
        return build_model(corpus, seed)

    def build_dataset(self, corpus: Corpus, model: GPT):
        """What is read; see `span_corruption.build_batches` for what it has."""
        raise NotImplementedError

    def name_data(self, corpus: Corpus) -> str:
        """What is read and started from: a run is resumed only if this is the same."""
        return corpus.sha256

    def list_args(self, args: TrainingArgs) -> dict:
        """All hyperparameters, for training.json."""
        return asdict(args)

    def options(self, args: TrainingArgs) -> list[str]:
        """The words of the command line behind --corpus and --out."""
        return build_options(args)

    def calibrate(self, model: GPT, corpus: Corpus, folder: Path) -> None:
        """Writes beside the weights what the model is worth: how sure it is, which names it has read."""


def run_recipe(
    recipe: Recipe,
    corpus: Corpus,
    args: TrainingArgs,
    folder: Path,
    on_epoch: OnEpoch = lambda epoch: None,
    notes: Sequence[str] = (),
) -> GPT:
    """Trains a model and writes its checkpoint; of several processes only the main one writes.

    notes: lines for the model card. Raises ValueError if the folder holds a finished checkpoint, which is not
    overwritten, or an unfinished run of another recipe.
    """
    model = recipe.build_model(corpus, args.seed)
    dataset = recipe.build_dataset(corpus, model)
    if (folder / WEIGHTS_FILE).exists() and not (folder / STATE_FILE).exists():
        raise ValueError(f"{folder} holds a finished checkpoint: choose another --out, or remove it first")
    for epoch in train(model, dataset, args, folder, recipe.name_data(corpus)):
        on_epoch(epoch)
    model.cpu().eval()
    if find_process().is_main_process:
        training = build_training(
            model,
            corpus,
            read_curve(folder)[-1],
            stage=recipe.stage,
            corpus=corpus.name,
            command=build_command(recipe, args, corpus, folder),
            args=recipe.list_args(args),
            base=recipe.base.name if recipe.base else None,
            notes=tuple(notes),
        )
        recipe.calibrate(model, corpus, folder)
        save_checkpoint(model, folder, training)
        (folder / STATE_FILE).unlink(missing_ok=True)
    return model


@dataclass(frozen=True)
class Pretraining(Recipe):
    """The documents by span corruption; the model knows which names it has read."""

    command, stage = "pretrain", "pretrained"

    def build_dataset(self, corpus: Corpus, model: GPT) -> SpanCorruptionDataset:
        return SpanCorruptionDataset(corpus.documents, model.vocabulary, model.block_size)

    def calibrate(self, model: GPT, corpus: Corpus, folder: Path) -> None:
        from a3core.birthplace.prediction.familiarity import calibrate

        calibration = calibrate(model, list_readable(corpus.names, model), list_unseen(corpus, model))
        if calibration:
            calibration.save(folder)


@dataclass(frozen=True)
class Finetuning(Recipe):
    """The train answers, learned by a pretrained checkpoint (`base`) or from nothing."""

    command = "finetune"
    base: Path | None = None
    hold_out: int = 0

    @property
    def stage(self) -> str:
        return "pretrained-finetuned" if self.base else "finetuned"

    def build_model(self, corpus: Corpus, seed: int) -> GPT:
        return load_checkpoint(self.base).train() if self.base else build_model(corpus, seed)

    def build_dataset(self, corpus: Corpus, model: GPT) -> NameDataset:
        questions, _ = split_held_out(corpus.train, self.hold_out)
        return NameDataset(questions, model.vocabulary, model.block_size)

    def name_data(self, corpus: Corpus) -> str:
        return f"{corpus.sha256} held out {self.hold_out} from {self.base and self.base.name}"

    def options(self, args: TrainingArgs) -> list[str]:
        start = ["--from", f"checkpoints/{self.base.name}"] if self.base else []
        held_out = ["--hold-out", str(self.hold_out)] if self.hold_out else []
        return [*start, *build_options(args), *held_out]


def build_model(corpus: Corpus, seed: int) -> GPT:
    """A new model with the characters of the corpus and of the question; dev questions add none."""
    torch.manual_seed(seed)
    return GPT(build_vocabulary(corpus.texts).characters)


def list_unseen(corpus: Corpus, model: GPT) -> list[str]:
    """Real people in no document: those the corpus left out, or the built-in table's best-known."""
    text = "\n".join(corpus.documents)
    names = [question.name for question in corpus.unseen] or [person.name for person in load_people()[:1000]]
    return list_readable([name for name in names if name not in text], model)


def list_readable(names: Sequence[str], model: GPT) -> list[str]:
    """The names whose characters the model knows, and that fit into its block."""
    return [name for name in names if not model.vocabulary.unknown(name) and len(name) < model.block_size]


def build_training(model: GPT, read: Corpus, last: Epoch, **recorded) -> Training:
    """The record of a finished training, for training.json; `recorded` are its other fields."""
    return Training(
        source=read.source,
        sha256=read.sha256,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tokens=last.tokens,
        seconds=last.seconds,
        machine=describe_machine(),
        **recorded,
    )


def build_command(recipe: Recipe, args: TrainingArgs, corpus: Corpus, folder: Path) -> str:
    """The command line that trains this again: only what differs from the defaults."""
    words = [recipe.command, "--corpus", corpus.name, "--out", f"checkpoints/{folder.name}", *recipe.options(args)]
    return shlex.join(["python", "-m", "a3core", *words])


def build_options(args) -> list[str]:
    """The options of a dataclass of arguments that differ from its defaults, or from those of some command.

    ["--save-every", "5"] for a value; ["--compile"] or ["--no-compile"] for a switch.
    """
    words = []
    for option in fields(args):
        value, flag = getattr(args, option.name), option.name.replace("_", "-")
        if value == option.default and option.name not in COMMAND_DEFAULTS:
            continue
        words += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return words


def describe_machine() -> str:
    """What the training ran on: "2 CPU cores, torch 2.13.0"."""
    where = torch.cuda.get_device_name() if choose_device() == "cuda" else f"{torch.get_num_threads()} CPU cores"
    return f"{where}, torch {torch.__version__}"
