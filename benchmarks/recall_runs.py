"""What the benchmarks of recall-then-answer share: the held-out questions of a run, recitations that are read once.

>>> corpus, questions = load_held_out(Path("runs/recall-held"))
>>> told = recite_all(load_checkpoint("runs/recall-held"), questions)     # the model runs here, and only here
>>> choose_place(told[0], tag_weight=3.0), told[0].free
('Leeds', 'Leeds')
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import torch

from a3core.birthplace.checkpoints import WEIGHTS_FILE, Training, load_training
from a3core.birthplace.data.corpora import Corpus, Question, load_corpus, split_held_out
from a3core.birthplace.data.phrasings import spell
from a3core.birthplace.model.gpt import GPT, Cache
from a3core.birthplace.prediction.direct import map_batches
from a3core.birthplace.prediction.recall import BATCH, rank_spans, share_out
from a3core.birthplace.prediction.recall_decoding import (
    Reading,
    answer_room,
    build_recall_prompt,
    read_back,
    recite,
    score_answers,
)
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recall_recipe import train_recall
from a3core.birthplace.training.recipes import build_options
from a3core.birthplace.training.trainer import STATE_FILE
from a3core.cli.birthplace import show_progress

Prompt = Callable[[GPT, str], list[int]]


class Told(NamedTuple):
    """All that one recitation gives to choose an answer from."""

    sentence: str
    log_probability: float  # of the recitation and its end
    places: list[str]  # the spans that the tags favour, best first
    tags: list[float]  # their log-odds by the tags, in nats
    written: list[float]  # their log-probabilities as the answer, in nats
    free: str  # the answer that the model writes, likeliest token by likeliest token


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


def recite_all(model: GPT, questions: Sequence[Question], build_prompt: Prompt = build_recall_prompt) -> list[Told]:
    """Every question once; of several spellings the one recited most surely, as `predict_recalled` does.

    build_prompt: what the sentence is recited behind, the bare name or (`encode_question`) the question.
    """
    spellings = [spell(question.name) for question in questions]
    told = iter(_recite_names(model, list(chain.from_iterable(spellings)), build_prompt))
    return [max(islice(told, len(ways)), key=lambda way: math.exp(way.log_probability)) for ways in spellings]


def _recite_names(model: GPT, names: Sequence[str], build_prompt: Prompt) -> list[Told]:
    prompts = [build_prompt(model, name) for name in names]

    def tell(rows: list[int]) -> list[Told]:
        own = [names[i] for i in rows]
        reading = read_back(model, own, recite(model, [prompts[i] for i in rows]))
        return [_tell(model, reading, row, name) for row, name in enumerate(own)]

    return map_batches(tell, prompts, BATCH)


def _tell(model: GPT, reading: Reading, row: int, name: str) -> Told:
    recitation = reading.recitations[row]
    body = model.vocabulary.decode(recitation.ids)
    spans = rank_spans(model, reading, row, body)
    places = [body[start:end] for start, end in spans]
    written = score_answers(model, reading, row, places) if places else []
    free = write_freely(model, reading, row)
    return Told(name + body, recitation.log_probability, places, list(spans.values()), written, free)


@torch.inference_mode()
def write_freely(model: GPT, reading: Reading, row: int) -> str:
    """The answer that the model writes behind a recitation and its mask, greedily, up to the closing mask."""
    end, room, ids = reading.cache.length, answer_room(model), []
    cache = Cache(model, 1, end + room)
    cache.kv[..., :end, :] = reading.cache.kv[:, :, row : row + 1, :, :end]
    cache.length = end
    shift = reading.pad[row].expand(1) if reading.pad[row] else None
    idx = torch.tensor([[model.vocabulary.mask_id]])
    for _ in range(room):
        idx = model(idx, cache, shift)[:, -1].argmax(-1, keepdim=True)  # (1, 1)
        if idx.item() == model.vocabulary.mask_id:
            break
        ids.append(idx.item())
    return model.vocabulary.decode(ids).removeprefix(" ")


def choose_place(told: Told, tag_weight: float) -> str:
    """The place by the written span's log-probability and `tag_weight` times the tags'; math.inf: by the tags alone."""
    if not told.places:
        return ""
    if math.isinf(tag_weight):
        return told.places[max(range(len(told.places)), key=told.tags.__getitem__)]
    scores = [log + tag_weight * tag for log, tag in zip(told.written, told.tags, strict=True)]
    return share_out(told.places, scores)[0].place


def is_finished(folder: Path) -> bool:
    """Whether a training in this folder has come to its end."""
    return (folder / WEIGHTS_FILE).exists() and not (folder / STATE_FILE).exists()


def train_run(corpus: Corpus, args: TrainingArgs, recall: RecallArgs, folder: Path, hold_out: int = 0) -> None:
    """What `python -m a3core train-recall` does, unless it is done; an interrupted run goes on."""
    if is_finished(folder):
        return
    print(f"training {folder}", flush=True)
    with show_progress(args.epochs) as on_epoch:
        train_recall(corpus, args, recall, folder, on_epoch, hold_out=hold_out)


def build_command(corpus: str, out: str, args: TrainingArgs, recall: RecallArgs, hold_out: int = 0) -> str:
    """The command line of `train_run`."""
    held_out = ["--hold-out", str(hold_out)] if hold_out else []
    words = ["train-recall", "--corpus", corpus, "--out", out, "--epochs", str(args.epochs)]
    words += ["--compile"] if args.compile else []
    return shlex.join(["python", "-m", "a3core", *words, *build_options(recall), *held_out])
