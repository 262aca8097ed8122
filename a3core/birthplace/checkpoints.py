"""Checkpoints: folders that carry a model and how it came to be.

checkpoints/pretrained-finetuned/
    config.json          the model's arguments; the vocabulary is one of them
    model.safetensors    bf16 weights
    training.json        how it was trained and what it scored (`Training`)
    training.csv         its curve
    familiarity.json     which names it has read (`familiarity.Calibration`); on pretrained and on recall ones
    confidence.json      on recall ones: how sure an answer is (`confidence.Confidence`)
    places.json          on recall ones: the places that it was taught, to guess from
    people.csv           on those of one's own facts: the names, their answers, and which were held out
    README.md            the model card, rendered from the above
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from a3core.birthplace.data import corpora, loading
from a3core.birthplace.json_files import load_json, save_json
from a3core.birthplace.model_card import render_card
from a3core.birthplace.prediction.confidence import CoveragePoint, load_confidence
from a3core.birthplace.prediction.predictor import Predictor
from a3core.common import atomic_io, paths, resumable

if TYPE_CHECKING:  # PyTorch takes a second to import: who only lists checkpoints need not wait for it
    from a3core.birthplace.model.gpt import GPT

TRAINING_FILE, WEIGHTS_FILE, PLACES_FILE = "training.json", "model.safetensors", "places.json"
RECALL = "recall"  # the stage of a checkpoint that recalls a sentence before it answers


@dataclass(frozen=True)
class Measurement:
    """One run of a checkpoint over a file of questions; the model card lists them."""

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
    question: str = corpora.BIRTHPLACE  # how it is asked, with {name} in it
    weights_sha256: str = field(default="", compare=False)  # of model.safetensors; "" in those of earlier versions

    @property
    def recalls(self) -> bool:
        """Whether a sentence is recalled before the answer."""
        return self.stage == RECALL

    @property
    def is_control(self) -> bool:
        """Whether it recalls, but was trained without swapped places, so that nothing made it read the sentence."""
        return self.recalls and self.args.get("swap") == 0

    @property
    def unit(self) -> str:
        """What `tokens` counts."""
        return "sub-words" if self.args.get("subwords") else "characters"

    @property
    def score(self) -> str:
        """The last run over the dev questions, "115 of 500"; "" before the first."""
        return f"{self.measurements[-1].correct} of {self.measurements[-1].total}" if self.measurements else ""


READER, PLACES = TypeAdapter(Training), TypeAdapter(tuple[str, ...])


def load_training(folder: Path) -> Training:
    """Raises ValueError if the folder is no checkpoint of this project."""
    with suppress(ValueError):
        if training := load_json(folder / TRAINING_FILE, READER):
            return training
    raise ValueError(f"{folder} is not a checkpoint: it has no readable {TRAINING_FILE}")


def find_checkpoint(name: str) -> Path:
    """The folder of a checkpoint: itself, a shipped one by its name, or a copy of a repository of the hub.

    Raises ValueError that says what is missing.
    """
    folder, shipped = Path(name).expanduser(), paths.CHECKPOINTS / name
    if folder.is_dir() or not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        return folder
    if shipped.is_dir():
        return shipped
    if "/" not in name:
        raise ValueError(f"{name} is no folder, and no shipped checkpoint: {', '.join(find_folders(shipped.parent))}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{name} is no folder here, and the hub does not give it: {reason}") from error


def is_checkpoint(name: str) -> bool:
    """Whether a folder, a shipped name or a repository of the hub holds a checkpoint of this project."""
    if any((folder / TRAINING_FILE).is_file() for folder in (Path(name), paths.CHECKPOINTS / name)):
        return True
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or Path(name).exists():
        return False
    from huggingface_hub import file_exists

    with suppress(Exception):  # no connection, no such repository: another reader of the name says so
        return file_exists(name, TRAINING_FILE)
    return False


def find_folders(root: Path) -> dict[str, Path]:
    """The checkpoint folders under a folder, or itself, by name; broken ones are left out."""
    found = {}
    for config in sorted([*root.glob("config.json"), *root.glob("*/config.json")]):
        with suppress(ValueError):
            if (config.parent / WEIGHTS_FILE).exists() and load_training(config.parent):
                found[config.parent.name] = config.parent
    return found


def load_checkpoint(folder: str | Path) -> GPT:
    """The model of a checkpoint folder, float32, ready to predict; `GPT.from_pretrained` without its chatter.

    Raises ValueError if the folder is none, or if its weights do not fit its config or its training.json.
    """
    from safetensors.torch import load_model

    from a3core.birthplace.model.gpt import GPT

    folder = Path(folder)
    if missing := [name for name in ("config.json", WEIGHTS_FILE) if not (folder / name).is_file()]:
        raise ValueError(f"{folder} is not a checkpoint: it has no {' and no '.join(missing)}")
    training = load_json(folder / TRAINING_FILE, READER)
    if training and training.weights_sha256 not in ("", hash_weights(folder)):
        raise ValueError(f"{folder} cannot be loaded, its {WEIGHTS_FILE} is not the one that {TRAINING_FILE} names")
    try:
        model = GPT(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
        load_model(model, folder / WEIGHTS_FILE, strict=True)
    except Exception as error:  # json, torch and safetensors raise half a dozen kinds for a broken or foreign file
        raise ValueError(f"{folder} cannot be loaded, its weights do not fit its config.json: {error}") from error
    return model.eval()


def load_predictor(folder: str | Path, name: str | None = None) -> Predictor:
    """What answers with a checkpoint's model, and how sure its answers are. Raises ValueError as `load_checkpoint`."""
    from a3core.birthplace.prediction.familiarity import load_calibration

    folder = Path(folder)
    fitted = {"confidence": load_confidence(folder), "calibration": load_calibration(folder)}
    places = load_json(folder / PLACES_FILE, PLACES) or ()  # of an earlier version there is no such file
    return build_predictor(load_checkpoint(folder), name or folder.name, **fitted, places=places)


def build_predictor(model: GPT, checkpoint: str = "", **fitted) -> Predictor:
    """The one choice between the two ways to answer; fitted: the other arguments of `RecallPredictor`."""
    from a3core.birthplace.prediction.direct import DirectPredictor
    from a3core.birthplace.prediction.recall import RecallPredictor

    return RecallPredictor(model, checkpoint, **fitted) if model.recites else DirectPredictor(model, checkpoint)


def save_checkpoint(model: GPT, folder: Path, training: Training, places: Sequence[str] = ()) -> None:
    """Writes the whole checkpoint beside the folder first, then moves each file into place.

    places: that it was taught, each once. Raises ValueError where the disk takes no more.
    """
    with atomic_io.disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as partial:
            copy.deepcopy(model).bfloat16().save_pretrained(partial)  # half the size; it loads back into float32
            if places:
                text = json.dumps(places, ensure_ascii=False, indent=0)
                Path(partial, PLACES_FILE).write_text(f"{text}\n", encoding="utf-8")
            for file in Path(partial).iterdir():
                os.replace(file, folder / file.name)
    write_training(folder, replace(training, weights_sha256=hash_weights(folder)))


def hash_weights(folder: Path) -> str:
    """sha256 of the weights in a folder."""
    with (folder / WEIGHTS_FILE).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_checkpoint(folder: Path) -> str:
    """sha256 of all that a checkpoint's answers depend on: its weights, and the JSON files beside them."""
    files = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.json"))]
    return resumable.build_key(hash_weights(folder), *files)


def write_training(folder: Path, training: Training) -> None:
    """training.json and the model card that is rendered from it."""
    card = render_card(folder, training)
    save_json(asdict(training), folder / TRAINING_FILE, indent=2)
    with atomic_io.atomic_write(folder / "README.md") as partial:
        partial.write_text(card, encoding="utf-8")


class CheckpointStore:
    """Checkpoints, each loaded when it is first asked, and the live ones that pages have trained.

    roots: folders of checkpoint folders, or checkpoint folders themselves. Of two checkpoints of one name the second is
    called "name (root)".
    """

    def __init__(self, *roots: Path):
        self.roots, self._lock = tuple(map(Path, roots)), RLock()
        self._predictors: dict[str, Predictor] = {}
        self._owners: dict[str, str] = {}  # the page that has trained a live one

    @cached_property
    def trainings(self) -> dict[str, Training]:
        """How each checkpoint was trained, by name."""
        return {name: load_training(folder) for name, folder in self.folders.items()}

    @cached_property
    def folders(self) -> dict[str, Path]:
        """The folder of each checkpoint, by name."""
        folders: dict[str, Path] = {}
        for root in self.roots:
            for name, folder in find_folders(root).items():
                folders[f"{name} ({root.name})" if name in folders else name] = folder
        return folders

    @property
    def families(self) -> list[str]:
        """The corpora whose checkpoints can be asked, as in their training.json."""
        return list(dict.fromkeys(t.corpus for name, t in self.trainings.items() if name not in self._owners))

    def of(self, corpus: str) -> dict[str, Training]:
        """How the checkpoints on a corpus were trained, by name."""
        return {name: training for name, training in self.trainings.items() if training.corpus == corpus}

    def people(self, corpus: str) -> dict[str, loading.KnownPerson]:
        """Those of a corpus by folded name (`people.fold_name`): own facts have theirs beside the checkpoint."""
        for name, training in self.of(corpus).items():
            if people := loading.load_people_of(self.folders[name], training.question):
                return people
        return {} if loading.is_facts_file(corpus) else loading.list_people(corpus)

    def question(self, corpus: str) -> str:
        """How the checkpoints on a corpus are asked, with {name} in it."""
        return next((training.question for training in self.of(corpus).values()), corpora.BIRTHPLACE)

    def ask_somebody(self, corpus: str) -> str:
        """The question about the person of a corpus that `people.choose_person` takes."""
        return corpora.build_question(loading.choose_person(self.people(corpus)), self.question(corpus))

    def names(self, corpus: str, answering: bool = True) -> list[str]:
        """Checkpoints on a corpus: those that answer questions, or the ones that are only pretrained.

        A control is not asked beside the checkpoint that it is the control of.
        """
        chosen = {name: t for name, t in self.of(corpus).items() if (t.stage != "pretrained") == answering}
        is_alone = all(training.is_control for training in chosen.values() if training.recalls)
        return [name for name, training in chosen.items() if is_alone or not training.is_control]

    def recalling(self, corpus: str) -> list[str]:
        """The checkpoints on a corpus that recall a sentence; controls come last."""
        found = {name: training for name, training in self.of(corpus).items() if training.recalls}
        return sorted(found, key=lambda name: found[name].is_control)

    def predictor(self, name: str) -> Predictor:
        """What answers for a checkpoint, loaded once. Raises ValueError if there is no such checkpoint."""
        if name not in self.trainings:
            raise ValueError(f"no checkpoint {name!r}: there are {', '.join(self.trainings) or 'none'}")
        with self._lock:
            if name not in self._predictors:
                self._predictors[name] = load_predictor(self.folders[name], name)
            return self._predictors[name]

    def curves(self, corpus: str) -> dict[str, list]:
        """The training curve of each checkpoint on a corpus."""
        from a3core.birthplace.training.trainer import read_curve

        with self._lock:  # else a folder could go meanwhile
            return {name: read_curve(self.folders[name]) for name in self.of(corpus)}

    def coverage(self, corpus: str) -> dict[str, list[CoveragePoint]]:
        """Accuracy against coverage on held-out questions, of the checkpoints on a corpus that have a confidence."""
        found = {name: load_confidence(self.folders[name]) for name in self.names(corpus)}
        return {name: confidence.coverage for name, confidence in found.items() if confidence}

    def add_live(self, name: str, training: Training, owner: str, folder: Path) -> None:
        """A model that one page has trained, for as long as it is open; its corpus is its own, no family of all."""
        with self._lock:
            self.trainings = {**self.trainings, name: training}
            self._owners[name], self.folders = owner, {**self.folders, name: folder}
            self._predictors.pop(name, None)

    def drop_live(self, owner: str) -> None:
        """Forgets what this page has trained, and removes its folders."""
        with self._lock:
            gone = self.live_of(owner)
            self.trainings = {name: training for name, training in self.trainings.items() if name not in gone}
            for name in gone:
                del self._owners[name]
                self._predictors.pop(name, None)
                shutil.rmtree(self.folders.pop(name), ignore_errors=True)

    def live_of(self, owner: str) -> dict[str, str]:
        """The models that this page has trained: the corpus of each by its name."""
        with self._lock:
            return {name: self.trainings[name].corpus for name, own in self._owners.items() if own == owner}

    def menu(self, owner: str) -> list[str]:
        """Names of the checkpoints that a page can show: those of the folder, and what it has trained itself."""
        with self._lock:
            return [name for name in self.trainings if self._owners.get(name, owner) == owner]
