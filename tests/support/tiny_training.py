"""Six people to train a tiny model on, the model of a recipe made tiny, and how two trainings are compared."""

from __future__ import annotations

import csv

import torch
from torch import nn

from a3core.birthplace.data.corpora import Question, build_question
from a3core.birthplace.data.examples import NameDataset, SpanCorruptionDataset
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.model.vocabulary import build_vocabulary
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.trainer import CURVE_FILE

PLACES = ("Leeds", "Rio", "Örebro", "Paris", "Bonn", "Oslo")
QUESTIONS = [Question(build_question(f"Ada {letter}"), place) for letter, place in zip("BCDEFG", PLACES, strict=True)]
DOCUMENTS = [f"Ada {letter} was born in {place}." for letter, place in zip("BCDEFG", PLACES, strict=True)] * 12
CHARACTERS = build_vocabulary([*DOCUMENTS, build_question("")]).characters


def documents(model) -> SpanCorruptionDataset:
    return SpanCorruptionDataset(DOCUMENTS, model.vocabulary, model.block_size)


def names(model) -> NameDataset:
    return NameDataset(QUESTIONS, model.vocabulary, model.block_size)


def build_tiny(vocabulary: str, **options) -> GPT:
    """A model of two narrow layers, of whatever shape a recipe asks for."""
    return GPT(vocabulary, **options | {"n_layer": 2, "n_head": 2, "n_embd": 16})


def build_args(**options) -> TrainingArgs:
    return TrainingArgs(**{"epochs": 6, "tokens": 1024, "save_every": 1, **options})


def losses(folder) -> list[str]:
    """The loss column, as it is written."""
    with (folder / CURVE_FILE).open(encoding="utf-8", newline="") as file:
        return [row["loss"] for row in csv.DictReader(file)]


def assert_equal_weights(a: nn.Module, b: nn.Module) -> None:
    for name, tensor in a.state_dict().items():
        assert torch.equal(tensor, b.state_dict()[name]), name
