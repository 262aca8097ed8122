"""The thread that trains while people watch: one at a time, paused, stopped, left alone, gone wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import astuple
from pathlib import Path

import pytest

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.loading import list_people
from a3core.birthplace.service import BirthplaceService
from a3core.birthplace.training import live as live_training
from a3core.birthplace.training.args import RecallArgs, SizedArgs, TrainingArgs, choose_args
from a3core.birthplace.training.live import (
    FAILED,
    FINISHED,
    PAUSED,
    RUNNING,
    STOPPED,
    LiveTraining,
    build_live_corpus,
    is_probe_due,
)
from a3core.birthplace.training.trainer import Epoch, write_curve

ROOT = Path(__file__).resolve().parents[3]
EPOCHS, PEOPLE = 3, 10


def choose_small(people: int) -> SizedArgs:
    training = TrainingArgs(epochs=EPOCHS, tokens=1024, save_every=EPOCHS)
    return SizedArgs(training, RecallArgs(subwords=300), probes=1, shape={"n_layer": 2, "n_head": 2, "n_embd": 16})


@pytest.fixture
def live(tmp_path):
    """Over an empty folder of checkpoints."""
    live = LiveTraining(CheckpointStore(tmp_path), (PEOPLE, 20), choose_small)
    yield live
    live.leave("page")
    for thread in threading.enumerate():  # one that still draws random numbers would disturb the seeds of other tests
        if thread.name == "live training":
            thread.join(5)


@pytest.fixture
def turns(monkeypatch):
    """A training that goes on by one epoch for each release."""
    turns = threading.Semaphore(0)

    def train(model, dataset, args, folder, on_step):
        for epoch in range(1, args.epochs + 1):
            turns.acquire()
            yield Epoch(epoch, 1 / epoch, 1.0, 100 * epoch, float(epoch))

    monkeypatch.setattr("a3core.birthplace.training.trainer.train", train)
    yield turns
    turns.release(1000)


def wait_until(holds, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def wait_for_end(live: LiveTraining) -> None:
    wait_until(lambda: not live.snapshot.active)


@pytest.mark.slow
def test_a_training_runs_to_its_end_and_can_be_asked_by_its_page_alone(live, tmp_path):
    before = live.snapshot
    live.start("page", PEOPLE)
    wait_for_end(live)
    seen = live.snapshot
    assert (seen.state, seen.error, seen.epoch) == (FINISHED, "", EPOCHS)
    assert [probe.epoch for probe in seen.probes] == [0, EPOCHS]
    assert seen.curve[-1].loss < seen.curve[0].loss
    assert before.epoch == 0 and not before.probes  # a snapshot never changes
    store, corpus = live.checkpoints, f"builtin:{PEOPLE}#1"
    assert store.live_of("page") == {"live-1": corpus} and store.names(corpus) == ["live-1"]
    answer = BirthplaceService(store).ask("Stan Musial", corpus).answers[0]
    assert answer.checkpoint == "live-1" and answer.sentence.startswith("Stan Musial")
    assert store.menu("page") == ["live-1"] and store.menu("other") == [] and store.families == []
    read, trained = ([astuple(epoch) for epoch in curve] for curve in (store.curves(corpus)["live-1"], seen.curve))
    assert read == [pytest.approx(epoch, abs=0.05) for epoch in trained]  # as training.csv rounds it
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_after_a_few_steps_it_says_how_long_it_will_take(live, monkeypatch):
    def train(model, dataset, args, folder, on_step):
        assert live.snapshot.seconds_left is None
        for done in (0.1, 0.2):
            on_step(done)
            first.append(live.snapshot)
        yield Epoch(1, 1.0, 1.0, 100, 1.0)
        on_step(0.9)
        yield Epoch(args.epochs, 1.0, 1.0, 200, 2.0)

    first = []
    monkeypatch.setattr("a3core.birthplace.training.trainer.train", train)
    live.start("page", PEOPLE)
    wait_for_end(live)
    assert [(snapshot.epoch, snapshot.share) for snapshot in first] == [(0, 0.1), (0, 0.2)]
    assert [snapshot.seconds_left for snapshot in first] == [pytest.approx(first[0].seconds * 9), first[1].seconds * 4]
    assert live.snapshot.share == 0.2, "from the first epoch on, its epochs are counted"


@pytest.mark.slow
def test_the_result_goes_when_its_page_closes(live, turns):
    turns.release(EPOCHS)
    live.start("page", PEOPLE)
    wait_for_end(live)
    live.leave("other")
    assert live.checkpoints.live_of("page")
    live.leave("page")
    assert not live.checkpoints.trainings
    with pytest.raises(ValueError, match="closed"):
        BirthplaceService(live.checkpoints).ask("Stan Musial", f"builtin:{PEOPLE}#1")


def test_one_training_at_a_time_and_only_its_page_has_the_buttons(live, turns):
    live.start("page", PEOPLE)
    with pytest.raises(ValueError, match="one runs at a time"):
        live.start("other", PEOPLE)
    for press in (live.pause, live.resume, live.stop):
        with pytest.raises(ValueError, match="Only the page that started"):
            press("other")
    live.leave("other")
    assert live.snapshot.active


@pytest.mark.slow
def test_a_pause_halts_it_and_is_no_training_time(live, turns):
    live.start("page", PEOPLE)
    turns.release()
    wait_until(lambda: live.snapshot.epoch == 1)
    live.pause("page")
    assert live.snapshot.state == PAUSED
    turns.release(EPOCHS)
    time.sleep(0.3)
    assert live.snapshot.epoch <= 2  # the epoch under way may end
    live.resume("page")
    wait_for_end(live)
    assert live.snapshot.state == FINISHED


def test_a_training_that_is_paused_too_long_stops(live, turns, monkeypatch):
    monkeypatch.setattr(live_training, "LONGEST_PAUSE", 0.05)
    live.start("page", PEOPLE)
    wait_until(lambda: live.snapshot.state == RUNNING)
    live.pause("page")
    turns.release()
    wait_for_end(live)
    assert live.snapshot.state == STOPPED
    assert "paused" in live.snapshot.error


def test_stopped_early_what_was_learned_can_be_asked(live, turns):
    live.start("page", PEOPLE)
    turns.release()
    wait_until(lambda: live.snapshot.epoch == 1)
    live.stop("page")
    turns.release()
    wait_for_end(live)
    assert live.snapshot.state == STOPPED
    assert live.snapshot.name in live.checkpoints.trainings


def test_a_paused_training_can_be_stopped(live, turns):
    live.start("page", PEOPLE)
    wait_until(lambda: live.snapshot.state == RUNNING)
    live.pause("page")
    live.stop("page")
    turns.release()
    wait_for_end(live)
    assert live.snapshot.state == STOPPED


def test_what_ends_already_cannot_be_paused(live, turns):
    live.start("page", PEOPLE)
    turns.release()
    wait_until(lambda: live.snapshot.epoch == 1)
    live.stop("page")
    with pytest.raises(ValueError, match="ending already"):
        live.pause("page")
    turns.release()
    wait_until(lambda: live.snapshot.state == STOPPED, 10)


@pytest.mark.slow
def test_paused_in_its_last_epoch_it_ends_all_the_same(live, monkeypatch):
    def train(model, dataset, args, folder, on_step):
        for epoch in range(1, args.epochs + 1):
            if epoch == args.epochs:
                live.pause("page")
            yield Epoch(epoch, 1 / epoch, 1.0, 100 * epoch, float(epoch))

    monkeypatch.setattr("a3core.birthplace.training.trainer.train", train)
    live.start("page", PEOPLE)
    wait_until(lambda: live.snapshot.state == FINISHED, 10)


@pytest.mark.slow
def test_what_a_page_has_trained_is_read_whole_while_others_come_and_go(live, training, tmp_path):
    """Each update of an open panel reads it."""
    store, broken, ended = live.checkpoints, [], threading.Event()

    def read() -> None:
        while not ended.is_set():
            try:
                assert set(store.live_of("page").values()) <= {training.corpus} and store.menu("page") is not None
                assert not set(store.curves(training.corpus)) - {f"live-{i}" for i in range(60)}
            except Exception as error:
                broken.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        write_curve(tmp_path / "live", [Epoch(1, 1.0, 1.0, 100, 1.0)])
        for i in range(60):
            store.add_live(f"live-{i}", training, "page", tmp_path / "live")
        store.drop_live("page")
    ended.set()
    reader.join()
    assert broken == []


@pytest.mark.slow
def test_a_training_whose_page_closes_stops_and_leaves_nothing(live, turns):
    live.start("page", PEOPLE)
    turns.release()
    wait_until(lambda: live.snapshot.epoch == 1)
    live.leave("page")
    turns.release()
    wait_for_end(live)
    assert live.snapshot.state == STOPPED
    assert "closed" in live.snapshot.error
    assert not live.checkpoints.trainings
    live.start("other", PEOPLE)
    assert live.snapshot.owner == "other"
    live.leave("other")


@pytest.mark.slow
def test_a_second_training_replaces_the_first_of_its_page(live, turns):
    turns.release(2 * EPOCHS)
    for _ in range(2):
        live.start("page", PEOPLE)
        wait_for_end(live)
    assert list(live.checkpoints.live_of("page")) == ["live-2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "told"), [(ValueError("no such people"), "no such people"), (KeyError("x"), "KeyError: 'x'")]
)
def test_what_goes_wrong_in_the_thread_is_told_and_the_next_one_can_start(live, turns, monkeypatch, error, told):
    def fail(people):
        raise error

    monkeypatch.setattr(live, "_choose", fail)
    live.start("page", PEOPLE)
    wait_for_end(live)
    assert (live.snapshot.state, live.snapshot.error) == (FAILED, told)
    monkeypatch.setattr(live, "_choose", choose_small)
    live.start("page", PEOPLE)
    assert live.snapshot.active and live.snapshot.error == ""


@pytest.mark.parametrize("people", [11, "10", None])
def test_another_size_is_refused(live, people):
    with pytest.raises(ValueError, match="choose 10 or 20 people"):
        live.start("page", people)


def test_nothing_can_be_paused_while_nothing_runs(live):
    with pytest.raises(ValueError, match="No training is running"):
        live.pause("page")


@pytest.mark.parametrize(("epochs", "probes"), [(60, 20), (3, 20), (50, 7)])
def test_looks_are_spread_over_the_training_up_to_its_end(epochs, probes):
    args = SizedArgs(TrainingArgs(epochs=epochs), RecallArgs(), probes=probes)
    due = [epoch for epoch in range(1, epochs + 1) if is_probe_due(epoch, args)]
    assert len(due) == min(epochs, probes) and due[-1] == epochs


@pytest.mark.slow
def test_an_app_that_ends_while_it_trains_ends_cleanly(tmp_path):
    code = f"""
import time
from dataclasses import astuple
from pathlib import Path
from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.service import BirthplaceService
from a3core.birthplace.training.live import LiveTraining
live = LiveTraining(CheckpointStore(Path({str(tmp_path)!r})))
live.start("page", 200)
while not live.snapshot.epoch:
    time.sleep(0.1)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_live_trainings_share_the_people_of_their_corpus():
    people = list_people(f"builtin:{PEOPLE}")
    assert all(list_people(f"builtin:{PEOPLE}#{number}") is people for number in (1, 2))


def test_every_person_is_told_in_one_document_and_every_size_has_its_args():
    corpus = build_live_corpus(PEOPLE)
    assert len(corpus.documents) == len(corpus.train) + len(corpus.dev) == PEOPLE
    assert all(choose_args(people).training.epochs for people in live_training.SIZES)
