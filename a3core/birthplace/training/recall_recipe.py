"""From a corpus to a checkpoint that recalls a sentence before it answers.

    python -m a3core train-recall --corpus builtin:500 --out runs/recall

One training: plain sentences and questions with their sentences are mixed (`recall_examples`). Where train questions
were held out, the answers to them calibrate how sure the others are (`confidence`) and which names are unread; a
checkpoint trained again on all questions copies that: `--confidence-from runs/recall`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from a3core.birthplace.checkpoints import RECALL
from a3core.birthplace.data.corpora import Corpus, split_held_out
from a3core.birthplace.data.recall_examples import RecallDataset
from a3core.birthplace.evaluation import judge_places
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
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recipes import Recipe, build_options, list_unseen

SUBWORD_BLOCK, CHARACTER_BLOCK = 512, 1024  # positions: question, the longest sentence of the course (516), answer


@dataclass(frozen=True)
class RecallTraining(Recipe):
    """The documents, and on the train people to recall a sentence and then to answer.

    The confidence is fitted on the held-out questions, or copied from the folder `confidence_from`. Raises ValueError,
    before a long training, if that has none, if both are given, or for a model that does not recall.
    """

    command = "train-recall"
    recall: RecallArgs
    hold_out: int = 0
    confidence_from: Path | None = None

    def __post_init__(self):
        if self.confidence_from and not self.recall.recite:
            raise ValueError(
                "a model that answers at once has no confidence: leave out --confidence-from or --no-recite"
            )
        if self.confidence_from and self.hold_out:
            raise ValueError("the confidence is fitted on the held-out questions, or taken from a folder: not both")
        if self.confidence_from and load_confidence(self.confidence_from) is None:
            raise ValueError(f"{self.confidence_from} has no confidence.json: train it with --hold-out first")

    @property
    def stage(self) -> str:
        return RECALL if self.recall.recite else "direct"

    def build_model(self, corpus: Corpus, seed: int) -> GPT:
        return build_recall_model(corpus, self.recall, seed)

    def build_dataset(self, corpus: Corpus, model: GPT) -> RecallDataset:
        return build_dataset(corpus, model, self.recall, self.hold_out)

    def name_data(self, corpus: Corpus) -> str:
        return f"{corpus.sha256} held out {self.hold_out} {self.recall!r}"

    def list_args(self, args: TrainingArgs) -> dict:
        return asdict(args) | asdict(self.recall)

    def options(self, args: TrainingArgs) -> list[str]:
        held_out = ["--hold-out", str(self.hold_out)] if self.hold_out else []
        source = ["--confidence-from", str(self.confidence_from)] if self.confidence_from else []
        return [*build_options(args), *build_options(self.recall), *held_out, *source]

    def calibrate(self, model: GPT, corpus: Corpus, folder: Path) -> None:
        if self.confidence_from:
            copy_confidence(self.confidence_from, folder)
            copy_calibration(self.confidence_from, folder)
        elif self.hold_out and self.recall.recite:
            calibrate(model, corpus, self.hold_out, folder)


def build_recall_model(corpus: Corpus, recall: RecallArgs, seed: int, block_size: int | None = None, **shape) -> GPT:
    """A new model: tied embeddings, and tags unless it answers at once; its vocabulary is made of what is read.

    block_size: by default enough for the course's corpus. shape: n_layer, n_head and n_embd of `GPT`.
    """
    if recall.subwords:
        vocabulary = build_subwords(corpus.texts, recall.subwords)
    else:
        cases = (text for document in corpus.texts for text in (document, document.lower(), document.upper()))
        vocabulary = build_vocabulary(cases)
    torch.manual_seed(seed)
    block_size = block_size or (SUBWORD_BLOCK if recall.subwords else CHARACTER_BLOCK)
    return GPT(vocabulary.text, block_size, tied=True, tagged=recall.recite, **shape)


def build_dataset(corpus: Corpus, model: GPT, recall: RecallArgs, hold_out: int = 0) -> RecallDataset:
    """What the model reads; of the dev people only the names, to leave them out of the loss."""
    learned, _ = split_held_out(corpus.train, hold_out)
    return RecallDataset(
        corpus.documents,
        learned[: recall.questions or None],
        people=corpus.names,
        vocabulary=model.vocabulary,
        block_size=model.block_size,
        args=recall,
    )


def calibrate(model: GPT, corpus: Corpus, hold_out: int, folder: Path) -> None:
    """Writes confidence.json and familiarity.json, fitted on the people whose answers were held out, never on dev ones,
    beside as many people in no document.

    The score of a name is the log-odds of the sentence recalled behind it. Neither is written where the questions
    are too few.
    """

    def score(names: Sequence[str]) -> list[float]:
        return [score_recitation(answer.sentence_probability) for answer in RecallPredictor(model).predict(names)]

    _, held_out = split_held_out(corpus.train, hold_out)
    unseen = list_unseen(corpus, model)[: len(held_out)]
    answers = RecallPredictor(model).predict([question.question for question in held_out])
    correct = judge_places([answer.place for answer in answers], held_out)
    confidence = fit_confidence(answers, correct, RecallPredictor(model).predict(unseen))
    recombined = recombine_names(corpus.names, len(held_out))
    familiarity = fit_calibration(score, [question.name for question in held_out], recombined, unseen)
    for fitted in (confidence, familiarity):
        if fitted:
            fitted.save(folder)
