"""From a corpus to a checkpoint: pretraining by span corruption, finetuning on questions.

Both leave a checkpoint folder, resume what was interrupted, and hand every epoch to `on_epoch`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import torch

from a3core.birthplace.checkpoints import (
    RECALL,
    WEIGHTS_FILE,
    Training,
    load_checkpoint,
    save_checkpoint,
)
from a3core.birthplace.data.builtin import load_people
from a3core.birthplace.data.corpora import Corpus, split_held_out
from a3core.birthplace.data.span_corruption import NameDataset, SpanCorruptionDataset
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.model.vocabulary import build_vocabulary
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.trainer import STATE_FILE, Epoch, find_process, read_curve, train
from a3core.llm.zero_gpu import choose_device

COMMANDS = {
    "pretrained": "pretrain",
    "finetuned": "finetune",
    "pretrained-finetuned": "finetune",
    RECALL: "train-recall",
    "direct": "train-recall",
}
COMMAND_DEFAULTS = ("epochs", "matrix_rate", "rate")  # the commands differ in these, so they are always recorded
OnEpoch = Callable[[Epoch], None]


def pretrain(
    corpus: Corpus,
    args: TrainingArgs,
    folder: Path,
    on_epoch: OnEpoch = lambda epoch: None,
    notes: Sequence[str] = (),
) -> GPT:
    """A model that has read the corpus's documents by span corruption, and knows which names it has read."""
    from a3core.birthplace.prediction.familiarity import calibrate

    model = build_model(corpus, args.seed)
    dataset = SpanCorruptionDataset(corpus.documents, model.vocabulary, model.block_size)
    if run(model, dataset, args, folder, on_epoch, corpus.sha256):
        calibration = calibrate(model, list_readable(corpus.names, model), list_strangers(corpus, model))
        if calibration:
            calibration.save(folder)
        finish(model, folder, describe(model, args, "pretrained", corpus, None, folder, notes))
    return model


def list_strangers(corpus: Corpus, model: GPT) -> list[str]:
    """Real people who stand in no document: those the corpus left out, or the built-in table's best-known."""
    text = "\n".join(corpus.documents)
    names = [question.name for question in corpus.unseen] or [person.name for person in load_people()[:1000]]
    return list_readable([name for name in names if name not in text], model)


def list_readable(names: Sequence[str], model: GPT) -> list[str]:
    """The names that the model has the characters and the room for."""
    return [name for name in names if not model.vocabulary.unknown(name) and len(name) < model.block_size]


def finetune(
    corpus: Corpus,
    base: Path | None,
    args: TrainingArgs,
    folder: Path,
    on_epoch: OnEpoch = lambda epoch: None,
    notes: Sequence[str] = (),
    hold_out: int = 0,
) -> GPT:
    """A model that has been shown the corpus's train answers: from a pretrained checkpoint, or from nothing.

    hold_out: how many of them are kept back to choose settings on (`corpora.split_held_out`).
    """
    model = load_checkpoint(base).train() if base else build_model(corpus, args.seed)
    shown, _ = split_held_out(corpus.train, hold_out)
    dataset = NameDataset(shown, model.vocabulary, model.block_size)
    data = f"{corpus.sha256} held out {hold_out} from {base and base.name}"
    if run(model, dataset, args, folder, on_epoch, data):
        stage = "pretrained-finetuned" if base else "finetuned"
        training = describe(model, args, stage, corpus, base, folder, notes)
        held_out = f" --hold-out {hold_out}" if hold_out else ""
        finish(model, folder, replace(training, command=training.command + held_out))
    return model


def build_model(corpus: Corpus, seed: int) -> GPT:
    """A new model with the characters of the corpus and of the question; dev questions add none."""
    torch.manual_seed(seed)
    return GPT(build_vocabulary(corpus.texts).characters)


def run(model: GPT, dataset, args: TrainingArgs, folder: Path, on_epoch: OnEpoch, data: str) -> bool:
    """Trains the model; says whether this process is the one that writes the checkpoint.

    Raises ValueError if the folder holds a finished checkpoint: weights are not overwritten by accident.
    """
    if (folder / WEIGHTS_FILE).exists() and not (folder / STATE_FILE).exists():
        raise ValueError(f"{folder} holds a finished checkpoint: choose another --out, or remove it first")
    for epoch in train(model, dataset, args, folder, data):
        on_epoch(epoch)
    model.cpu().eval()
    return find_process().is_main_process


def finish(model: GPT, folder: Path, training: Training) -> None:
    """Saves the checkpoint, then drops the state that only a resumption needs."""
    save_checkpoint(model, folder, training)
    (folder / STATE_FILE).unlink(missing_ok=True)


def describe(
    model: GPT,
    args: TrainingArgs,
    stage: str,
    corpus: Corpus,
    base: Path | None,
    folder: Path,
    notes: Sequence[str],
) -> Training:
    """The facts of a finished training, for training.json."""
    last = read_curve(folder)[-1]
    return Training(
        stage=stage,
        corpus=corpus.name,
        source=corpus.source,
        sha256=corpus.sha256,
        command=build_command(stage, args, corpus, base, folder),
        args=asdict(args),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tokens=last.tokens,
        seconds=last.seconds,
        machine=describe_machine(),
        base=base.name if base else None,
        notes=tuple(notes),
    )


def build_command(stage: str, args: TrainingArgs, corpus: Corpus, base: Path | None, folder: Path) -> str:
    """The command line that trains this again: only what differs from the defaults."""
    words = [COMMANDS[stage], "--corpus", corpus.name, "--out", f"checkpoints/{folder.name}"]
    words += ["--from", f"checkpoints/{base.name}"] if base else []
    return shlex.join(["python", "-m", "a3core", *words, *build_options(args)])


def build_options(args) -> list[str]:
    """The options of a dataclass of arguments that differ from its defaults, or from those of some command."""
    changed = {option.name: getattr(args, option.name) for option in fields(args)}
    defaults = {option.name: option.default for option in fields(args) if option.name not in COMMAND_DEFAULTS}
    return [
        word
        for name, value in changed.items()
        if name not in defaults or value != defaults[name]
        for word in build_option(name, value)
    ]


def build_option(name: str, value) -> list[str]:
    """["--save-every", "5"]; ["--compile"] or ["--no-compile"] for a switch."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", str(value)]


def describe_machine() -> str:
    """What the training ran on, as the model card says it."""
    where = torch.cuda.get_device_name() if choose_device() == "cuda" else f"{torch.get_num_threads()} CPU cores"
    return f"{where}, torch {torch.__version__}"
