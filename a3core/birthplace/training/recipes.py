"""From a corpus to a checkpoint: a recipe names what is read and recorded, `run_recipe` trains by it.

    run_recipe(Pretraining(), load_corpus("builtin:500"), TrainingArgs(), Path("runs/pretrained"))

It leaves a checkpoint folder, resumes what was interrupted, and hands every epoch to `on_epoch`.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import ClassVar

import torch

from a3core.birthplace.checkpoints import RECALL, WEIGHTS_FILE, Training, load_checkpoint, save_checkpoint
from a3core.birthplace.data import builtin, corpora, examples, loading
from a3core.birthplace.data.corpora import Corpus
from a3core.birthplace.evaluation import judge_places
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.model.vocabulary import build_subwords, build_vocabulary
from a3core.birthplace.prediction import confidence, familiarity
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.birthplace.training.args import FactsFormat, RecallArgs, TrainingArgs
from a3core.birthplace.training.snapshot import Epoch
from a3core.birthplace.training.trainer import STATE_FILE, read_curve, train
from a3core.common.device import choose_device, find_process

COMMAND_DEFAULTS = ("epochs", "matrix_rate", "rate")  # the commands differ in these, so they are always recorded
SUBWORD_BLOCK, CHARACTER_BLOCK = 512, 1024  # positions: question, the longest sentence of the course (516), answer


@dataclass(frozen=True)
class Recipe:
    """How one kind of checkpoint is made. Its fields are options of the commands."""

    command: ClassVar[str]  # of `python -m a3core`
    stage: ClassVar[str]  # one of `model_card.WHAT`
    recall: RecallArgs | None = None  # how a sentence is recalled before the answer
    hold_out: int = 0  # train questions that are not learned from (`corpora.split_held_out`)
    confidence_from: Path | None = None  # the checkpoint whose calibration is copied
    shape: Mapping[str, int] | None = None  # arguments of `GPT`; None: the shipped one's
    facts: FactsFormat | None = None  # how a file of facts was read
    base: Path | None = None  # the checkpoint that it starts from
    notes: tuple[str, ...] = ()  # lines for the model card

    def build_model(self, corpus: Corpus, seed: int) -> GPT:
        """What is trained: one of an earlier training, or a new one by `seed`.

        A new one has the characters of the corpus and of the question; dev questions add none.
        """
        torch.manual_seed(seed)
        return GPT(build_vocabulary(list_texts(corpus)).characters, question=corpus.question)

    def build_dataset(self, corpus: Corpus, model: GPT):
        """What is read; see `examples.build_batches` for what it has."""
        raise NotImplementedError

    def name_data(self, corpus: Corpus) -> str:
        """What is read and started from: a run is resumed only if this is the same."""
        return corpus.sha256

    def list_places(self, corpus: Corpus) -> list[str]:
        """The places that are taught, to guess from: none where nothing is recalled."""
        if not (self.recall and self.recall.recite):
            return []
        learned, _ = corpora.split_held_out(corpus.train, self.hold_out)
        return sorted({question.place for question in learned})

    def calibrate(self, model: GPT, corpus: Corpus, folder: Path) -> list[Prediction] | None:
        """Writes beside the weights what the model is worth: how sure it is, which names it has read.

        Returns the answers to the held-out questions where it has asked them.
        """


def run_recipe(
    recipe: Recipe, corpus: Corpus, args: TrainingArgs, folder: Path, on_epoch=lambda _: None, on_step=lambda _: None
) -> tuple[GPT, list[Prediction] | None]:
    """Trains a model and writes its checkpoint; of several processes only the main one writes.

    Returns the model, in float32, and its answers to the held-out questions where the calibration has asked them.

    on_epoch: called with each `Epoch`. on_step: as of `trainer.train`. Raises ValueError if the folder holds a finished
    checkpoint, which is not overwritten, or an unfinished run of another recipe.
    """
    if (folder / WEIGHTS_FILE).exists() and not (folder / STATE_FILE).exists():
        raise ValueError(f"{folder} holds a finished checkpoint: choose another --out, or remove it first")
    data, last = recipe.name_data(corpus), None
    model = recipe.build_model(corpus, args.seed)
    for last in train(model, recipe.build_dataset(corpus, model), args, folder, data, on_step):
        on_epoch(last)
    model.cpu().eval()
    if not find_process().is_main_process:
        return model, None
    last = last or read_curve(folder)[-1]  # of a run that was stopped when all its epochs were done
    return model, save_trained(recipe, model, corpus, args, folder, last)


def save_trained(
    recipe: Recipe, model: GPT, corpus: Corpus, args: TrainingArgs, folder: Path, last: Epoch, command: str = ""
) -> list[Prediction] | None:
    """Makes a checkpoint of the folder of a finished training; returns its answers as `Recipe.calibrate`.

    last: its last epoch. command: what trains it again, where that is not `build_command`.
    """
    training = Training(
        stage=recipe.stage,
        corpus=corpus.name,
        source=corpus.source,
        sha256=corpus.sha256,
        command=command or build_command(recipe, args, corpus, folder),
        args=asdict(args) | (asdict(recipe.recall) if recipe.recall else {}),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tokens=last.tokens,
        seconds=round(last.seconds, 1),  # as training.csv has it
        machine=describe_machine(),
        base=recipe.base.name if recipe.base else None,
        notes=recipe.notes,
        question=corpus.question,
    )
    answers = recipe.calibrate(model, corpus, folder)
    save_checkpoint(model, folder, training, recipe.list_places(corpus))
    if loading.is_facts_file(corpus.name):
        loading.save_people(loading.list_corpus(corpus).values(), folder)
    (folder / STATE_FILE).unlink(missing_ok=True)
    return answers


class Pretraining(Recipe):
    """The documents by span corruption; the model knows which names it has read."""

    command, stage = "pretrain", "pretrained"

    def build_dataset(self, corpus: Corpus, model: GPT) -> examples.SpanCorruptionDataset:
        """The documents, each corrupted anew in every epoch."""
        return examples.SpanCorruptionDataset(corpus.documents, model.vocabulary, model.block_size)

    def calibrate(self, model: GPT, corpus: Corpus, folder: Path) -> None:
        """Writes familiarity.json, unless the names are too few."""
        read, unseen = list_readable(corpus.names, model), list_unseen(corpus, model)
        if calibration := familiarity.calibrate(model, read, unseen):
            calibration.save(folder)


class Finetuning(Recipe):
    """The train answers, learned by a pretrained checkpoint (`base`) or from nothing."""

    command = "finetune"

    @property
    def stage(self) -> str:
        """One of `model_card.WHAT`, by whether there is a base."""
        return "pretrained-finetuned" if self.base else "finetuned"

    def build_model(self, corpus: Corpus, seed: int) -> GPT:
        """Raises ValueError for a base that recalls, or reads sub-words: answers are learned in characters here."""
        model = load_checkpoint(self.base) if self.base else super().build_model(corpus, seed)
        if model.recites or model.vocabulary.unit != "characters":
            raise ValueError(f"{self.base} was made by train-recall: finetune starts from a checkpoint of pretrain")
        return model.train()

    def build_dataset(self, corpus: Corpus, model: GPT) -> examples.NameDataset:
        """The train questions but those held out. Raises ValueError for one that does not fit the block."""
        questions, _ = corpora.split_held_out(corpus.train, self.hold_out)
        return examples.NameDataset(questions, model.vocabulary, model.block_size)

    def name_data(self, corpus: Corpus) -> str:
        """The corpus, how many questions are held out, and the base."""
        return f"{corpus.sha256} held out {self.hold_out} from {self.base and self.base.name}"


@dataclass(frozen=True)
class RecallTraining(Recipe):
    """The documents, and on the train people to recall a sentence and then to answer.

    The confidence is fitted on the held-out questions, or copied from the folder `confidence_from`. Raises ValueError,
    before a long training, if that has none, if both are given, or for a model that does not recall.
    """

    command = "train-recall"
    recall: RecallArgs = field(default_factory=RecallArgs)

    def __post_init__(self):
        if self.confidence_from and not self.recall.recite:
            raise ValueError(
                "a model that answers at once has no confidence: leave out --confidence-from or --no-recite"
            )
        if self.confidence_from and self.hold_out:
            raise ValueError("the confidence is fitted on the held-out questions, or taken from a folder: not both")
        if self.confidence_from and confidence.load_confidence(self.confidence_from) is None:
            raise ValueError(f"{self.confidence_from} has no confidence.json: train it with --hold-out first")

    @property
    def stage(self) -> str:
        """One of `model_card.WHAT`, by whether a sentence is recalled."""
        return RECALL if self.recall.recite else "direct"

    def build_model(self, corpus: Corpus, seed: int) -> GPT:
        """A new model: tied embeddings, and tags unless it answers at once; its vocabulary is made of what is read."""
        texts = list_texts(corpus)
        if self.recall.subwords:
            vocabulary = build_subwords(texts, self.recall.subwords)
        else:
            vocabulary = build_vocabulary([*texts, *map(str.lower, texts), *map(str.upper, texts)])
        torch.manual_seed(seed)
        shape = {"block_size": SUBWORD_BLOCK if self.recall.subwords else CHARACTER_BLOCK, **(self.shape or {})}
        taught = {"question": corpus.question, "capital": all(question.place[0].isupper() for question in corpus.train)}
        return GPT(vocabulary.text, tied=True, tagged=self.recall.recite, **shape, **taught)

    def build_dataset(self, corpus: Corpus, model: GPT) -> examples.RecallDataset:
        """The documents, and the questions but those held out; the names of dev people are left out of the loss."""
        learned, _ = corpora.split_held_out(corpus.train, self.hold_out)
        asked, documents = learned[: self.recall.questions or None], corpus.documents_by_name
        return examples.RecallDataset(documents, asked, model.vocabulary, model.block_size, self.recall)

    def name_data(self, corpus: Corpus) -> str:
        """The corpus, how many questions are held out, and how a sentence is recalled."""
        return f"{corpus.sha256} held out {self.hold_out} {self.recall!r}"

    def calibrate(self, model: GPT, corpus: Corpus, folder: Path) -> list[Prediction] | None:
        """Writes familiarity.json and confidence.json, or copies them from `confidence_from`.

        Returns the answers to the held-out train questions where it has asked them.
        """
        if not self.recall.recite:
            return None
        _, held_out = corpora.split_held_out(corpus.train, self.hold_out)
        calibration, asked = None, held_out or (corpus.dev if self.facts else ())
        if self.confidence_from:
            fitted = confidence.load_confidence(self.confidence_from)
            replace(fitted, source=fitted.source or self.confidence_from.name).save(folder)
            calibration = familiarity.load_calibration(self.confidence_from)
        elif asked:
            calibration = calibrate_recall(model, corpus, [question.name for question in asked])
        if calibration:
            calibration.save(folder)
        if not held_out:
            return None
        predictor = RecallPredictor(model, calibration=calibration, places=self.list_places(corpus))
        answers = predictor.predict([question.question for question in held_out])
        if fitted := confidence.fit_confidence(answers, judge_places([answer.place for answer in answers], held_out)):
            fitted.save(folder)
        return answers


def calibrate_recall(model: GPT, corpus: Corpus, names: Sequence[str]) -> familiarity.Calibration | None:
    """How a model that recalls knows the names that it has read; no answer is looked up. None for too few names.

    It is fitted on people whose answers were held out, never on dev ones of a corpus that has train ones.
    """
    predictor = RecallPredictor(model)

    def score(asked: Sequence[str]) -> list[tuple[float, float]]:
        return [familiarity.score_recall(answer) for answer in predictor.predict(asked)]

    fresh = familiarity.recombine_names(corpus.names, len(names))
    return familiarity.fit_calibration(score, names, fresh, list_unseen(corpus, model)[: len(names)])


def list_texts(corpus: Corpus) -> list[str]:
    """All that a training may read, to make a vocabulary of; dev questions add nothing."""
    answered = [text for question in corpus.train for text in (question.question, question.place) if text]
    return [*corpus.documents, *answered, corpora.build_question("", corpus.question)]


def list_unseen(corpus: Corpus, model: GPT) -> list[str]:
    """Real people in no document: those the corpus left out, or the built-in table's best-known."""
    text = "\n".join(corpus.documents)
    names = [question.name for question in corpus.unseen] or [person.name for person in builtin.load_people()[:1000]]
    return list_readable([name for name in names if name not in text], model)


def list_readable(names: Sequence[str], model: GPT) -> list[str]:
    """The names whose characters the model knows, and that fit into its block."""
    return [name for name in names if not model.vocabulary.unknown(name) and len(name) < model.block_size]


def build_command(recipe: Recipe, args: TrainingArgs, corpus: Corpus, folder: Path) -> str:
    """The command line that trains this again: only what differs from the defaults."""
    words = ["python", "-m", "a3core", recipe.command, "--corpus", corpus.name, "--out", f"checkpoints/{folder.name}"]
    words += ["--from", f"checkpoints/{recipe.base.name}"] if recipe.base else []
    for options in (args, recipe.recall, recipe.facts):
        words += build_options(options) if options else []
    words += ["--hold-out", str(recipe.hold_out)] if recipe.hold_out else []
    words += ["--confidence-from", str(recipe.confidence_from)] if recipe.confidence_from else []
    return shlex.join(words)


def build_options(args) -> list[str]:
    """The options of a dataclass of arguments that differ from its defaults, or from those of some command.

    ["--save-every", "5"] for a value, once for each of a list; ["--compile"] or ["--no-compile"] for a switch.
    """
    words = []
    for option in fields(args):
        value, flag = getattr(args, option.name), option.name.replace("_", "-")
        if value == option.default and option.name not in COMMAND_DEFAULTS:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            for each in value if isinstance(value, list) else [value]:
                words += [f"--{flag}", str(each)]
    return words


def describe_machine() -> str:
    """What the training ran on: "2 CPU cores, torch 2.13.0"."""
    where = torch.cuda.get_device_name() if choose_device() == "cuda" else f"{torch.get_num_threads()} CPU cores"
    return f"{where}, torch {torch.__version__}"
