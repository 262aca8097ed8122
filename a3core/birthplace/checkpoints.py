"""Checkpoints: folders that carry a model and how it came to be.

checkpoints/pretrained-finetuned/
    config.json          the model's arguments; the vocabulary is one of them
    model.safetensors    bf16 weights
    training.json        how it was trained and what it scored (`Training`)
    training.csv         its curve
    familiarity.json     which names it has read (`familiarity.Calibration`); on pretrained and on recall ones
    confidence.json      on recall ones: how sure an answer is (`confidence.Confidence`)
    README.md            the model card, rendered from the above
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from a3core.birthplace.model_card import render_card
from a3core.birthplace.prediction.confidence import load_confidence
from a3core.common.atomic_io import write_whole

if TYPE_CHECKING:  # PyTorch takes a second to import: who only lists checkpoints need not wait for it
    from a3core.birthplace.model.gpt import GPT

TRAINING_FILE, WEIGHTS_FILE = "training.json", "model.safetensors"
RECALL = "recall"  # the stage of a checkpoint that recites before it answers


@dataclass(frozen=True)
class Measurement:
    """One run of a checkpoint over a file of questions; the log of them stands in the model card."""

    questions: str  # what was asked: "birth_dev.tsv", "builtin:2000 dev"
    sha256: str  # of the file's questions and places
    correct: int
    total: int
    recited: int | None = None  # of a recall checkpoint: word for word, where the corpus was at hand to compare
    right_recited: int | None = None  # correct ones among these


@dataclass(frozen=True)
class Training:
    """How a checkpoint came to be: training.json."""

    stage: str  # one of `model_card.WHAT`
    corpus: str  # "course", "builtin:2000"
    source: str  # where the corpus comes from
    sha256: str  # of the corpus
    command: str  # reproduces the checkpoint from the seed
    args: dict  # TrainingArgs, and RecallArgs where it recites
    parameters: int
    tokens: int  # characters, or sub-words, asked for in this stage
    seconds: float  # of this stage
    machine: str  # "2 CPU cores, torch 2.13.0"
    base: str | None = None  # the checkpoint it was finetuned from
    notes: tuple[str, ...] = ()  # what was tried on the way, and on which questions it was chosen
    measurements: tuple[Measurement, ...] = ()  # every run over the dev questions

    @property
    def unit(self) -> str:
        """What `tokens` counts."""
        return "sub-words" if self.args.get("subwords") else "characters"

    @property
    def score(self) -> str:
        """The last run over the dev questions, "115 of 500"; "" before the first."""
        return f"{self.measurements[-1].correct} of {self.measurements[-1].total}" if self.measurements else ""


def load_training(folder: Path) -> Training:
    """Raises ValueError if the folder is no checkpoint of this project."""
    try:
        facts = json.loads((folder / TRAINING_FILE).read_text(encoding="utf-8"))
        measurements = tuple(Measurement(**row) for row in facts.pop("measurements", []))
        return Training(**facts | {"measurements": measurements, "notes": tuple(facts.get("notes", ()))})
    except (OSError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{folder} is not a checkpoint: it has no readable {TRAINING_FILE}") from error


def list_checkpoints(root: Path) -> dict[str, Training]:
    """The checkpoints under a folder by name, without loading a weight; broken ones are left out."""
    found = {}
    for config in sorted(root.glob("*/config.json")):
        with suppress(ValueError):
            if (config.parent / WEIGHTS_FILE).exists():
                found[config.parent.name] = load_training(config.parent)
    return found


def load_checkpoint(folder: str | Path) -> GPT:
    """The model of a checkpoint folder, float32, ready to predict; `GPT.from_pretrained` without its chatter.

    Raises ValueError if the folder is none, or if its weights do not fit its config.
    """
    from safetensors.torch import load_model

    from a3core.birthplace.model.gpt import GPT

    folder = Path(folder)
    if missing := [name for name in ("config.json", WEIGHTS_FILE) if not (folder / name).is_file()]:
        raise ValueError(f"{folder} is not a checkpoint: it has no {' and no '.join(missing)}")
    try:
        model = GPT(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
        load_model(model, folder / WEIGHTS_FILE, strict=True)
    except Exception as error:  # json, torch and safetensors raise half a dozen kinds for a broken or foreign file
        raise ValueError(f"{folder} cannot be loaded, its weights do not fit its config.json: {error}") from error
    model.confidence = load_confidence(folder)
    return model.eval()


def save_checkpoint(model: GPT, folder: Path, training: Training) -> None:
    """Writes the whole checkpoint beside the folder first, then moves each file into place."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as partial:
        model.save_pretrained(partial)
        for file in Path(partial).iterdir():
            os.replace(file, folder / file.name)
    write_training(folder, training)


def write_training(folder: Path, training: Training) -> None:
    """training.json and the model card that is rendered from it."""
    facts = json.dumps(asdict(training), indent=2) + "\n"
    for name, text in ((TRAINING_FILE, facts), ("README.md", render_card(folder, training))):
        with write_whole(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
