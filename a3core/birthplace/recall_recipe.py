"""From a corpus to a checkpoint that recites before it answers.

    python -m a3core train-recall --corpus builtin:500 --out runs/recall

One training: plain sentences and questions with their sentences are mixed (`recall_dataset`).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from a3core.birthplace.corpora import Corpus, Question, build_question, split_held_out
from a3core.birthplace.gpt import GPT
from a3core.birthplace.recall_dataset import RecallDataset
from a3core.birthplace.recipes import OnEpoch, build_options, describe, finish, run
from a3core.birthplace.subwords import build_subwords
from a3core.birthplace.training_args import RecallArgs, TrainingArgs
from a3core.birthplace.vocabulary import build_vocabulary

SUBWORD_BLOCK, CHARACTER_BLOCK = 512, 1024  # positions: question, the longest sentence of the course (516), answer


def train_recall(
    corpus: Corpus,
    args: TrainingArgs,
    recall: RecallArgs,
    folder: Path,
    on_epoch: OnEpoch = lambda epoch: None,
    notes: Sequence[str] = (),
    hold_out: int = 0,
) -> GPT:
    """A model that has read the documents and learned, on the train people, to recite and then to answer.

    hold_out: how many train questions are kept back to choose settings on (`corpora.split_held_out`).
    """
    model = build_recall_model(corpus, recall, args.seed)
    dataset = build_dataset(corpus, model, recall, hold_out)
    if run(model, dataset, args, folder, on_epoch, f"{corpus.sha256} held out {hold_out} {recall!r}"):
        training = describe(model, args, "recall" if recall.recite else "direct", corpus, None, folder, notes)
        held_out = ["--hold-out", str(hold_out)] if hold_out else []
        command = f"{training.command} {shlex.join([*build_options(recall), *held_out])}".rstrip()
        finish(model, folder, replace(training, command=command, args=asdict(args) | asdict(recall)))
    return model


def build_recall_model(corpus: Corpus, recall: RecallArgs, seed: int) -> GPT:
    """A new model: tied embeddings, and tags unless it answers at once; the vocabulary is made of what is read."""
    read = [*corpus.documents, *(text for question in corpus.train for text in question if text), build_question("")]
    if recall.subwords:
        vocabulary, block_size = build_subwords(read, recall.subwords), SUBWORD_BLOCK
    else:
        cases = (text for document in read for text in (document, document.lower(), document.upper()))
        vocabulary, block_size = build_vocabulary(cases), CHARACTER_BLOCK
    torch.manual_seed(seed)
    return GPT(vocabulary.text, block_size, tied=True, tagged=recall.recite)


def build_dataset(corpus: Corpus, model: GPT, recall: RecallArgs, hold_out: int = 0) -> RecallDataset:
    """What the model reads; of the dev people the names alone, to leave them out of the loss."""
    people = [question.name for question in corpus.train + corpus.dev]
    questions = choose_questions(corpus, recall, hold_out)
    return RecallDataset(corpus.documents, questions, people, model.vocabulary, model.block_size, recall)


def choose_questions(corpus: Corpus, recall: RecallArgs, hold_out: int = 0) -> list[Question]:
    """The train questions that are shown."""
    shown, _ = split_held_out(corpus.train, hold_out)
    return shown[: recall.questions or None]
