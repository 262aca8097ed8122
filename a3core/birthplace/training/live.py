"""One small recall model that trains while people watch: start, pause, resume, stop, and what there is to see.

    live = LiveTraining(CheckpointStore(Path("checkpoints")))
    live.start("the page that pressed the button", people=200)
    live.snapshot.looks[-1].exact            # Accuracy(correct=31, total=40): recited word for word

A person of the built-in corpus is told in one document, and the model is small, so that three minutes on two cores
show the whole story: noise, the shape of a sentence, somebody else's sentence, the true one. One thread trains, one
training at a time; everybody reads the snapshot, which never changes but is replaced. Nothing is written but a
temporary folder. The result stands beside the checkpoints, for the page that started it, until that page closes.
"""

from __future__ import annotations

import atexit
import copy
import logging
import os
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from a3core.birthplace.checkpoints import RECALL, Training
from a3core.birthplace.data.corpora import Corpus, CorpusSpec, group_documents
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.training.args import RecallArgs, TrainingArgs

if TYPE_CHECKING:
    from a3core.birthplace.checkpoints import CheckpointStore
    from a3core.birthplace.model.gpt import GPT
    from a3core.birthplace.training.live_probe import Look
    from a3core.birthplace.training.trainer import Epoch

IDLE, PREPARING, RUNNING, PAUSED = "idle", "preparing", "running", "paused"
FINISHED, STOPPED, FAILED = "finished", "stopped", "failed"
SIZES = (200, 500, 1000)  # people of the built-in corpus
PUBLIC_SIZES = (200,)  # where strangers share the machine
LONGEST_EPOCH = 30.0  # seconds that the end of the app waits for the epoch under way
LONGEST_PAUSE = 600.0  # seconds; then a paused training stops, so that others can start theirs
NICE = 5  # of the training thread: who asks a checkpoint meanwhile goes first
BLOCK = 256  # positions: a question of a quarter of them, the longest document, an answer
DOCUMENTS = 1  # that tell of a person


@dataclass(frozen=True)
class LiveArgs:
    """How to train on so many people, and how large a model."""

    training: TrainingArgs
    recall: RecallArgs
    looks: int = 20  # times that the model is measured on the way
    n_layer: int = 3
    n_head: int = 4
    n_embd: int = 128


def choose_args(people: int) -> LiveArgs:
    """Chosen by trials: most dev people are recited by the end. Fewer epochs suffice where an epoch has more steps."""
    epochs = {200: 60, 500: 50, 1000: 40}.get(people, 60)
    training = TrainingArgs(epochs=epochs, tokens=1024, save_every=epochs)
    return LiveArgs(training, RecallArgs(subwords=768))


@dataclass(frozen=True)
class Snapshot:
    """What there is to see at one moment."""

    state: str = IDLE
    number: int = 0  # of the training, counted since the app started
    version: int = 0  # rises whenever anything changes
    owner: str | None = None  # the page that may pause and stop it
    people: int = 0
    parameters: int = 0
    epochs: int = 0  # that it will take
    curve: tuple[Epoch, ...] = ()  # of the epochs done
    looks: tuple[Look, ...] = ()
    seconds: float = 0.0  # of training and looking so far, pauses left out
    name: str | None = None  # of the result among the checkpoints
    error: str = ""  # why it failed, or stopped by itself

    @property
    def epoch(self) -> int:
        return len(self.curve)

    @property
    def active(self) -> bool:
        return self.state in (PREPARING, RUNNING, PAUSED)

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None before the first epoch."""
        return self.seconds / self.epoch * (self.epochs - self.epoch) if self.epoch else None


@dataclass(frozen=True)
class _Run:
    """The signals of one training."""

    number: int
    owner: str
    people: int
    go: threading.Event = field(default_factory=threading.Event)  # cleared while paused
    stop: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)  # its page has closed: nobody wants the result

    def end(self) -> None:
        """Behind the epoch under way."""
        self.stop.set()
        self.go.set()  # so that a paused one sees it


def _end_and_wait(run: _Run, thread: threading.Thread) -> None:
    """When the app ends: PyTorch aborts a process that ends in the middle of a step."""
    run.end()
    thread.join(LONGEST_EPOCH)


class LiveTraining:
    """At most one training at a time.

    checkpoints: where a finished or stopped model can be asked. choose: how to train on so many people.
    """

    def __init__(self, checkpoints: CheckpointStore, sizes: tuple[int, ...] = SIZES, choose=choose_args):
        self.checkpoints, self.sizes, self._choose = checkpoints, sizes, choose
        self._lock, self._run, self._snapshot = threading.RLock(), None, Snapshot()

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    def start(self, owner: str, people: int) -> None:
        """Starts to train and returns at once. Raises ValueError while another training runs, or for another size."""
        if people not in self.sizes:
            raise ValueError(f"choose {' or '.join(f'{size:,}' for size in self.sizes)} people, not {people!r}")
        with self._lock:
            if self._snapshot.active:
                raise ValueError("A training is running already, and one runs at a time: watch it below.")
            self.checkpoints.drop_live(owner)
            self._run = _Run(self._snapshot.number + 1, owner, people)
            self._run.go.set()
            version = self._snapshot.version + 1
            self._snapshot = Snapshot(PREPARING, self._run.number, version, owner, people)
            thread = threading.Thread(target=self._work, args=(self._run,), name="live training", daemon=True)
            atexit.register(_end_and_wait, self._run, thread)
            thread.start()

    def pause(self, owner: str) -> None:
        """Halts behind the epoch under way. Raises ValueError if it is not this owner's, or was stopped already."""
        with self._lock:
            run = self._find_own(owner, "pause")
            if run.stop.is_set():
                raise ValueError("This training is ending already.")
            run.go.clear()
            self._tell(state=PAUSED)

    def resume(self, owner: str) -> None:
        """Raises ValueError if it is not this owner's."""
        with self._lock:
            self._find_own(owner, "resume").go.set()
            self._tell(state=RUNNING)

    def stop(self, owner: str) -> None:
        """Ends it behind the epoch under way; what was learned so far can be asked.

        Raises ValueError if it is not this owner's.
        """
        with self._lock:
            self._find_own(owner, "stop").end()

    def leave(self, owner: str) -> None:
        """The owner's page has closed: its training stops, its result goes."""
        with self._lock:
            if self._run and self._run.owner == owner and self._snapshot.active:
                self._run.left.set()
                self._run.end()
            self.checkpoints.drop_live(owner)

    def _find_own(self, owner: str, what: str) -> _Run:
        with self._lock:
            if not self._snapshot.active:
                raise ValueError(f"No training is running: there is none to {what}.")
            if self._run.owner != owner:
                raise ValueError(f"Only the page that started this training can {what} it.")
            return self._run

    def _tell(self, **changes) -> None:
        with self._lock:
            self._snapshot = replace(self._snapshot, version=self._snapshot.version + 1, **changes)

    def _work(self, run: _Run) -> None:
        """The thread: whatever goes wrong in it is told in the panel."""
        with suppress(OSError, AttributeError):  # on Linux a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        try:
            self._train(run)
        except Exception as error:
            logging.getLogger(__name__).exception("the live training failed")
            told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            self._tell(state=FAILED, error=told)

    def _train(self, run: _Run) -> None:
        from a3core.birthplace.training.live_probe import look_at
        from a3core.birthplace.training.recall_recipe import build_dataset
        from a3core.birthplace.training.trainer import train

        args, corpus = self._choose(run.people), build_live_corpus(run.people)
        model = build_live_model(corpus, args)
        dataset = build_dataset(corpus, model, args.recall)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        self._tell(epochs=args.training.epochs, parameters=parameters, looks=(look_at(_freeze(model), corpus, 0),))
        with self._lock:
            self._tell(state=RUNNING if run.go.is_set() else PAUSED)
        with tempfile.TemporaryDirectory(prefix="a3-live-") as folder:
            epochs, start = train(model, dataset, args.training, Path(folder)), time.perf_counter()
            start += self._rest(run)
            while not run.stop.is_set() and (epoch := next(epochs, None)):
                looks = self._snapshot.looks
                if is_look_due(epoch.epoch, args):
                    looks = (*looks, look_at(_freeze(model), corpus, epoch.epoch))
                curve = (*self._snapshot.curve, epoch)
                self._tell(curve=curve, looks=looks, seconds=time.perf_counter() - start)
                if epoch.epoch < args.training.epochs:  # behind the last one there is nothing to go on with
                    start += self._rest(run)
            epochs.close()
        self._finish(run, _freeze(model), corpus, args)

    def _rest(self, run: _Run) -> float:
        """Waits while it is paused, but not for ever; returns for how many seconds."""
        start = time.perf_counter()
        if not run.go.wait(LONGEST_PAUSE):
            run.stop.set()
            self._tell(error=f"It was paused for {LONGEST_PAUSE / 60:.0f} minutes, and others may be waiting.")
        return time.perf_counter() - start

    def _finish(self, run: _Run, model: GPT, corpus: Corpus, args: LiveArgs) -> None:
        """What was learned goes beside the checkpoints, unless its page has closed or nothing was."""
        seen = self._snapshot
        state = FINISHED if seen.epoch == seen.epochs else STOPPED
        with self._lock:
            name = None
            if seen.epoch and not run.left.is_set():
                name = f"live-{run.number}"
                self.checkpoints.add_live(run.owner, name, model, describe_live(model, corpus, args, seen), seen.curve)
            told = "The page that started it was closed." if run.left.is_set() else seen.error
            self._tell(state=state, name=name, error=told)


def _freeze(model: GPT) -> GPT:
    """A copy as it is now, where predictions run: the training may use a GPU."""
    return copy.deepcopy(model).cpu().eval()


def is_look_due(epoch: int, args: LiveArgs) -> bool:
    """Spread evenly over the training, the last epoch among them."""
    epochs, looks = args.training.epochs, args.looks
    return epoch * looks // epochs > (epoch - 1) * looks // epochs


def build_live_corpus(people: int) -> Corpus:
    """The best-known people of the built-in corpus, each told in the first of his documents."""
    corpus = load_corpus(f"builtin:{people}")
    documents = group_documents(corpus.documents, corpus.names)
    return replace(corpus, documents=tuple(text for own in documents.values() for text in own[:DOCUMENTS]))


def build_live_model(corpus: Corpus, args: LiveArgs) -> GPT:
    """A model of about a fifth of the size of the shipped ones; the dev answers are no part of its vocabulary."""
    from a3core.birthplace.training.recall_recipe import build_recall_model

    shape = {"n_layer": args.n_layer, "n_head": args.n_head, "n_embd": args.n_embd}
    return build_recall_model(corpus, args.recall, args.training.seed, BLOCK, **shape)


def describe_live(model: GPT, corpus: Corpus, args: LiveArgs, seen: Snapshot) -> Training:
    """The record of a live training; its corpus has the training's number, so that it is a family of its own."""
    from a3core.birthplace.training.recipes import build_training

    return build_training(
        model,
        corpus,
        seen.curve[-1],
        stage=RECALL,
        corpus=str(replace(CorpusSpec.parse(corpus.name), live=seen.number)),
        command=f'"Watch it learn" in the Birthplace tab, with {seen.people:,} people',
        args=asdict(args.training) | asdict(args.recall),
    )
