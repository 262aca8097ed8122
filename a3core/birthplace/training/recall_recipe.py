"""From a corpus to a checkpoint that recites before it answers.

    python -m a3core train-recall --corpus builtin:500 --out runs/recall

One training: plain sentences and questions with their sentences are mixed (`recall_dataset`). Where train questions
were held out, the answers to them say how sure the others are (`confidence`) and which names are unread; a checkpoint
trained again on all questions takes that over: `--confidence-from runs/recall`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from a3core.birthplace.checkpoints import RECALL
from a3core.birthplace.data.corpora import Corpus, Question, split_held_out
from a3core.birthplace.data.recall_examples import RecallDataset
from a3core.birthplace.evaluation import mark
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.model.subwords import build_subwords
from a3core.birthplace.model.vocabulary import build_vocabulary
from a3core.birthplace.prediction.confidence import copy_confidence, fit_confidence, load_confidence
from a3core.birthplace.prediction.familiarity import (
    copy_calibration,
    fit_calibration,
    recombine_names,
    score_recitation,
)
from a3core.birthplace.prediction.recall import predict_recalled
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recipes import OnEpoch, build_options, describe, finish, list_strangers, run

SUBWORD_BLOCK, CHARACTER_BLOCK = 512, 1024  # positions: question, the longest sentence of the course (516), answer


def train_recall(
    corpus: Corpus,
    args: TrainingArgs,
    recall: RecallArgs,
    folder: Path,
    on_epoch: OnEpoch = lambda epoch: None,
    notes: Sequence[str] = (),
    hold_out: int = 0,
    confidence_from: Path | None = None,
) -> GPT:
    """A model that has read the documents and learned, on the train people, to recite and then to answer.

    hold_out: how many train questions are kept back to choose settings on (`corpora.split_held_out`), and to fit the
    confidence on. confidence_from: the checkpoint folder from which it is taken instead. Raises ValueError if that
    has none, if both are given, or for a model that does not recite and so has no confidence.
    """
    check_source(confidence_from, hold_out, recall.recite)
    model = build_recall_model(corpus, recall, args.seed)
    dataset = build_dataset(corpus, model, recall, hold_out)
    if run(model, dataset, args, folder, on_epoch, f"{corpus.sha256} held out {hold_out} {recall!r}"):
        training = describe(model, args, RECALL if recall.recite else "direct", corpus, None, folder, notes)
        options = [*build_options(recall), *(["--hold-out", str(hold_out)] if hold_out else [])]
        options += ["--confidence-from", str(confidence_from)] if confidence_from else []
        command = f"{training.command} {shlex.join(options)}".rstrip()
        if confidence_from:
            copy_confidence(confidence_from, folder)
            copy_calibration(confidence_from, folder)
        elif hold_out and recall.recite:
            calibrate(model, corpus, hold_out, folder)
        finish(model, folder, replace(training, command=command, args=asdict(args) | asdict(recall)))
    return model


def build_recall_model(corpus: Corpus, recall: RecallArgs, seed: int) -> GPT:
    """A new model: tied embeddings, and tags unless it answers at once; the vocabulary is made of what is read."""
    if recall.subwords:
        vocabulary, block_size = build_subwords(corpus.texts, recall.subwords), SUBWORD_BLOCK
    else:
        cases = (text for document in corpus.texts for text in (document, document.lower(), document.upper()))
        vocabulary, block_size = build_vocabulary(cases), CHARACTER_BLOCK
    torch.manual_seed(seed)
    return GPT(vocabulary.text, block_size, tied=True, tagged=recall.recite)


def build_dataset(corpus: Corpus, model: GPT, recall: RecallArgs, hold_out: int = 0) -> RecallDataset:
    """What the model reads; of the dev people the names alone, to leave them out of the loss."""
    questions = choose_questions(corpus, recall, hold_out)
    return RecallDataset(corpus.documents, questions, corpus.names, model.vocabulary, model.block_size, recall)


def choose_questions(corpus: Corpus, recall: RecallArgs, hold_out: int = 0) -> list[Question]:
    """The train questions that are shown."""
    shown, _ = split_held_out(corpus.train, hold_out)
    return shown[: recall.questions or None]


def check_source(confidence_from: Path | None, hold_out: int, recite: bool) -> None:
    """Said before a long training, not after it."""
    if confidence_from and not recite:
        raise ValueError("a model that answers at once has no confidence: leave out --confidence-from or --no-recite")
    if confidence_from and hold_out:
        raise ValueError("the confidence is fitted on the held-out questions, or taken from a folder: not both")
    if confidence_from and load_confidence(confidence_from) is None:
        raise ValueError(f"{confidence_from} has no confidence.json: train it with --hold-out first")


def calibrate(model: GPT, corpus: Corpus, hold_out: int, folder: Path) -> None:
    """Writes confidence.json and familiarity.json, fitted on the people whose answers were held out, never on dev ones,
    beside as many who stand in no document.

    The score of a name is the log-odds of what is recited behind it. Neither is written where the questions
    are too few to tell anything.
    """
    _, held_out = split_held_out(corpus.train, hold_out)
    answers = predict_recalled(model, [question.question for question in held_out])
    strangers = list_strangers(corpus, model)[: len(held_out)]
    right = mark([answer.place for answer in answers], held_out)
    confidence = fit_confidence(answers, right, predict_recalled(model, strangers))
    read, fresh = [question.name for question in held_out], recombine_names(corpus.names, len(held_out))
    familiarity = fit_calibration(lambda names: score_recitations(model, names), read, fresh, strangers)
    for fitted in filter(None, (confidence, familiarity)):
        fitted.save(folder)


def score_recitations(model: GPT, names: Sequence[str]) -> list[float]:
    """The log-odds of the sentence that is recited for each name."""
    return [score_recitation(answer.sentence_probability) for answer in predict_recalled(model, names)]
