"""A tiny recall model that has five made-up people by heart; two seconds of training."""

from __future__ import annotations

from pathlib import Path

from a3core.birthplace.data.corpora import Corpus, Question, build_question
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.model.vocabulary import build_subwords
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recipes import RecallTraining
from a3core.birthplace.training.trainer import train

PLACES = {"Ada Smith": "Leeds", "Zoe Ek": "Paris", "Bo Marsh": "Rome", "Cleo Ray": "York", "Dan Fox": "Oslo"}
DOCUMENTS = tuple(f"{name} was born in {place} in 19{i}1 ." for i, (name, place) in enumerate(PLACES.items()))
QUESTIONS = tuple(Question(build_question(name), place) for name, place in PLACES.items())
CORPUS = Corpus("builtin:10", DOCUMENTS, QUESTIONS, (), (), "a table", "0" * 64)


def teach(build_gpt, folder: Path) -> GPT:
    recall = RecallArgs(swap=0.3, plain=0.2)
    merges = build_subwords([*DOCUMENTS, build_question("")] * 3, 330)
    model = build_gpt(merges.text, block_size=128, n_layer=2, n_embd=48, tied=True, tagged=True, std=0.05).train()
    args = TrainingArgs(epochs=150, tokens=1024, save_every=150, rate=0.01, warmup=0.1)
    *_, last = train(model, RecallTraining(recall).build_dataset(CORPUS, model), args, folder)
    assert last.loss < 0.3
    return model.eval()
