"""One small recall model that trains while people watch: start, pause, resume, stop, and a snapshot to show.

    live = LiveTraining(CheckpointStore(Path("checkpoints")))
    live.start("the page that pressed the button", people=200)
    live.snapshot.probes[-1].exact            # Accuracy(correct=31, total=40): recited word for word

There is one document about each person, and the model is small, so that three minutes on two cores show all of it:
noise, the shape of a sentence, another person's sentence, the true one. One thread trains, one training at a time; all
pages read the snapshot, which is replaced and never changed. Only a temporary folder is written. The result is listed
beside the checkpoints, for the page that started it, until that page closes.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from a3core.birthplace.checkpoints import CheckpointStore, load_training
from a3core.birthplace.data import corpora, loading
from a3core.birthplace.training.args import SizedArgs, TrainingArgs, choose_args
from a3core.birthplace.training.snapshot import FAILED, FINISHED, PAUSED, PREPARING, RUNNING, STOPPED, TrainingSnapshot

if TYPE_CHECKING:
    from a3core.birthplace.model.gpt import GPT

SIZES = (200, 500, 1000)  # people of the built-in corpus
PUBLIC_SIZES = (200,)  # on a public page
LONGEST_EPOCH = 30.0  # seconds that the end of the app waits for the epoch under way
LONGEST_PAUSE = 600.0  # seconds; then a paused training stops, so that others can start theirs
NICE = 5  # of the training thread: a question to a checkpoint goes first
BLOCK = 256  # positions: a question of a quarter of them, the longest document, an answer


class LiveTraining:
    """At most one training at a time.

    checkpoints: where a finished or stopped model can be asked. choose: how to train on so many people.
    """

    def __init__(self, checkpoints: CheckpointStore, sizes: tuple[int, ...] = SIZES, choose=choose_args):
        self.checkpoints, self.sizes, self._choose = checkpoints, sizes, choose
        self._lock, self._snapshot = threading.RLock(), TrainingSnapshot()
        self._thread: threading.Thread | None = None
        # go is cleared while it is paused; left: its page has closed, so that the result is dropped
        self._go, self._stop, self._left = (threading.Event() for _ in range(3))
        self._home = tempfile.TemporaryDirectory(prefix="a3-live-", ignore_cleanup_errors=True)

    @property
    def snapshot(self) -> TrainingSnapshot:
        """The present state; a new one replaces it at every change."""
        return self._snapshot

    def start(self, owner: str, people: int = 0, corpus: corpora.Corpus | None = None) -> None:
        """Starts to train on so many people, or on facts of one's own (`corpus`), and returns at once.

        Raises ValueError while another training runs, for another size or too many facts, and where none of them is
        held out to be asked.
        """
        if corpus is None and people not in self.sizes:
            raise ValueError(f"choose {' or '.join(f'{size:,}' for size in self.sizes)} people, not {people!r}")
        if corpus and len(corpus.names) > max(self.sizes):
            raise ValueError(f"{len(corpus.names):,} names are too many for the page: at most {max(self.sizes):,}")
        if corpus and not corpus.dev:
            raise ValueError("hold out some of the names: the others are learned, these are asked")
        people, unit = (len(corpus.names), "names") if corpus else (people, "people")
        with self._lock:
            if self._snapshot.active:
                raise ValueError("A training is running already, and one runs at a time: watch it below.")
            self.checkpoints.drop_live(owner)
            self._go.set()
            self._stop.clear()
            self._left.clear()
            number, version = self._snapshot.number + 1, self._snapshot.version + 1
            self._snapshot = TrainingSnapshot(PREPARING, number, version, owner, people, unit=unit)
            self._thread = threading.Thread(target=self._work, args=(corpus,), name="live training", daemon=True)
            # When the app ends, the last registered goes first. PyTorch aborts a process that ends within a step.
            atexit.register(self._thread.join, LONGEST_EPOCH)
            atexit.register(self._end)
            self._thread.start()

    def wait(self) -> None:
        """Returns when the training that was started last has ended."""
        if self._thread:
            self._thread.join()

    def pause(self, owner: str) -> None:
        """Halts behind the epoch under way. Raises ValueError if it is not this owner's, or was stopped already."""
        with self._lock:
            self._check_own(owner, "pause")
            if self._stop.is_set():
                raise ValueError("This training is ending already.")
            self._go.clear()
            self._update(state=PAUSED)

    def resume(self, owner: str) -> None:
        """Raises ValueError if it is not this owner's."""
        with self._lock:
            self._check_own(owner, "resume")
            self._go.set()
            self._update(state=RUNNING)

    def stop(self, owner: str) -> None:
        """Ends it behind the epoch under way; what was learned so far can be asked.

        Raises ValueError if it is not this owner's.
        """
        with self._lock:
            self._check_own(owner, "stop")
            self._end()

    def leave(self, owner: str) -> None:
        """The owner's page has closed: its training stops, its result goes."""
        with self._lock:
            if self._snapshot.owner == owner and self._snapshot.active:
                self._left.set()
                self._end()
            self.checkpoints.drop_live(owner)

    def _check_own(self, owner: str, what: str) -> None:
        """Raises ValueError if no training is under way, or if it is not this owner's."""
        if not self._snapshot.active:
            raise ValueError(f"No training is running: there is none to {what}.")
        if self._snapshot.owner != owner:
            raise ValueError(f"Only the page that started this training can {what} it.")

    def _end(self) -> None:
        self._stop.set()
        self._go.set()  # so that a paused one sees it

    def _update(self, **changes) -> None:
        with self._lock:
            self._snapshot = replace(self._snapshot, version=self._snapshot.version + 1, **changes)

    def _work(self, corpus: corpora.Corpus | None) -> None:
        """The thread; its error is shown in the panel."""
        with suppress(OSError, AttributeError):  # on Linux a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        try:
            self._train(corpus or build_live_corpus(self._snapshot.people))
        except Exception as error:
            logging.getLogger(__name__).exception("the live training failed")
            message = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            self._update(state=FAILED, error=message)

    def _train(self, corpus: corpora.Corpus) -> None:
        from a3core.birthplace.training.live_probe import probe_model
        from a3core.birthplace.training.recipes import RecallTraining
        from a3core.birthplace.training.trainer import train

        args, spec = self._choose(self._snapshot.people), corpora.CorpusSpec.parse(corpus.name)
        block = {"block_size": BLOCK} if spec.size else {}  # sentences of one's own may be longer
        recipe = RecallTraining(args.recall, shape={**args.shape, **block})
        model = recipe.build_model(corpus, args.training.seed)
        dataset = recipe.build_dataset(corpus, model)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        probes = (probe_model(model, corpus, 0),)
        with self._lock:
            state = RUNNING if self._go.is_set() else PAUSED
            self._update(state=state, epochs=args.training.epochs, parameters=parameters, probes=probes)
        folder = Path(self._home.name, str(self._snapshot.number), Path(spec.source).stem)
        start = time.perf_counter() + self._wait_while_paused()

        def on_step(done: float) -> None:
            if not self._snapshot.curve:  # so that the page says how long it will take before the first epoch ends
                self._update(share=done, seconds=time.perf_counter() - start)

        epochs = train(model, dataset, args.training, folder, on_step=on_step)
        while not self._stop.is_set() and (epoch := next(epochs, None)):
            if is_probe_due(epoch.epoch, args):
                probes = (*probes, probe_model(model, corpus, epoch.epoch))
            curve = (*self._snapshot.curve, epoch)
            self._update(curve=curve, probes=probes, seconds=time.perf_counter() - start)
            if epoch.epoch < args.training.epochs:  # behind the last one there is nothing to go on with
                start += self._wait_while_paused()
        epochs.close()
        self._finish(recipe, model.cpu().eval(), corpus, args.training, folder)

    def _wait_while_paused(self) -> float:
        """Waits while it is paused, LONGEST_PAUSE at most; returns for how many seconds."""
        start = time.perf_counter()
        if not self._go.wait(LONGEST_PAUSE):
            self._stop.set()
            self._update(error=f"It was paused for {LONGEST_PAUSE / 60:.0f} minutes, and others may be waiting.")
        return time.perf_counter() - start

    def _finish(self, recipe, model: GPT, corpus: corpora.Corpus, args: TrainingArgs, folder: Path) -> None:
        """Lists the checkpoint beside the others, unless its page has closed or no epoch was done.

        Its corpus has the training's number, so that it is a family of its own.
        """
        from a3core.birthplace.training.recipes import save_trained
        from a3core.birthplace.training.trainer import write_curve

        snapshot, name = self._snapshot, None
        state = FINISHED if snapshot.epoch == snapshot.epochs else STOPPED
        with self._lock:
            if self._left.is_set():
                self._update(state=state, error="The page that started it was closed.")
            elif snapshot.epoch:
                name = f"live-{snapshot.number}"
                command = f'"Watch it learn" in the Birthplace tab, with {snapshot.people:,} {snapshot.unit}'
                write_curve(folder, list(snapshot.curve))
                save_trained(recipe, model, corpus, args, folder, snapshot.curve[-1], command)
                spec = replace(corpora.CorpusSpec.parse(corpus.name), live=snapshot.number)
                training = replace(load_training(folder), corpus=str(spec))
                self.checkpoints.add_live(name, training, snapshot.owner, folder)
            if not name:
                shutil.rmtree(folder, ignore_errors=True)
            self._update(state=state, name=name)


def is_probe_due(epoch: int, args: SizedArgs) -> bool:
    """Spread evenly over the training, the last epoch among them."""
    epochs, probes = args.training.epochs, args.probes
    return epoch * probes // epochs > (epoch - 1) * probes // epochs


def build_live_corpus(people: int) -> corpora.Corpus:
    """The best-known people of the built-in corpus, each with the first document about them."""
    corpus = loading.load_corpus(f"builtin:{people}")
    return replace(corpus, documents=tuple(documents[0] for documents in corpus.documents_by_name.values()))
