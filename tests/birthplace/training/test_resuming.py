"""A training that is stopped, killed or interrupted goes on as if nothing had happened."""

from __future__ import annotations

from functools import cache
from itertools import islice

import pytest
import torch
from tiny_training import assert_equal_weights, build_args, documents, losses

from a3core.birthplace.data.examples import build_batches
from a3core.birthplace.training import trainer as training
from a3core.birthplace.training.trainer import CURVE_FILE, STATE_FILE, read_curve, train


@pytest.fixture(scope="module")
def run_whole(build_model, tmp_path_factory):
    """(model, epochs, losses as they are written) of a run that nothing interrupts, by its options."""

    @cache
    def run(**options):
        model, folder = build_model(), tmp_path_factory.mktemp("whole")
        return model, list(train(model, documents(model), build_args(**options), folder)), losses(folder)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize(("stop", "save_every"), [(1, 1), (3, 1), (5, 1), (3, 2), (5, 3), (6, 1)])
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(
    build_model, run_whole, tmp_path, stop, save_every, bf16
):
    args, (whole, expected, written) = build_args(save_every=save_every, bf16=bf16), run_whole(bf16=bf16)
    interrupted = build_model()
    list(islice(train(interrupted, documents(interrupted), args, tmp_path / "parts"), stop))
    torch.manual_seed(99)
    resumed = build_model(seed=5)  # what it was made with does not matter: the state holds the weights
    rest = list(train(resumed, documents(resumed), args, tmp_path / "parts"))

    assert [epoch.epoch for epoch in rest] == list(range(stop // save_every * save_every + 1, 7))
    assert_equal_weights(resumed, whole)
    assert losses(tmp_path / "parts") == written
    assert [epoch.loss for epoch in rest] == [epoch.loss for epoch in expected[len(expected) - len(rest) :]]


@pytest.mark.slow
def test_a_run_that_is_interrupted_again_and_again(build_model, run_whole, tmp_path):
    whole, _, written = run_whole()
    for _ in range(6):
        model = build_model()
        list(islice(train(model, documents(model), build_args(), tmp_path / "parts"), 1))
    assert_equal_weights(model, whole)
    assert losses(tmp_path / "parts") == written


def stop_at(step: int):
    """An `on_step` that is stopped at its n-th call, as Ctrl-C stops a command."""
    calls = iter(range(1, step + 1))

    def on_step(done: float) -> None:
        if next(calls) == step:
            raise KeyboardInterrupt

    return on_step


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 2, 3, 5, 7])
def test_a_run_that_is_stopped_within_an_epoch_goes_on_from_that_step(build_model, run_whole, tmp_path, step):
    args = build_args(epochs=3, save_every=3)
    assert len(build_batches(documents(build_model()), 0, args.seed, args.tokens)) > 2, "an epoch has several steps"
    (expected, epochs, written), model, resumed = run_whole(epochs=3), build_model(), build_model(seed=5)
    with pytest.raises(KeyboardInterrupt):
        list(train(model, documents(model), args, tmp_path / "parts", on_step=stop_at(step)))
    shares = []
    rest = list(train(resumed, documents(resumed), args, tmp_path / "parts", on_step=shares.append))
    assert_equal_weights(resumed, expected)
    assert [epoch.loss for epoch in rest] == [epoch.loss for epoch in epochs[len(epochs) - len(rest) :]]
    assert losses(tmp_path / "parts") == written and shares[-1] == 1.0
    steps = [len(build_batches(documents(expected), epoch, args.seed, args.tokens)) for epoch in range(3)]
    assert len(shares) == sum(steps) - step


@pytest.mark.slow
def test_a_state_is_saved_by_time(build_model, run_whole, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    model, resumed, args = build_model(), build_model(seed=5), build_args(save_every=6)
    left = iter(train(model, documents(model), args, tmp_path / "parts", on_step=stop_at(100)))
    next(left)
    del left  # as a kill would: nothing is saved any more
    assert [epoch.epoch for epoch in train(resumed, documents(resumed), args, tmp_path / "parts")] == [2, 3, 4, 5, 6]
    assert_equal_weights(resumed, run_whole()[0])


def test_a_run_that_never_saved_starts_over(build_model, tmp_path):
    first, again = build_model(), build_model()
    list(islice(train(first, documents(first), build_args(save_every=5), tmp_path), 4))
    assert not (tmp_path / STATE_FILE).exists()
    assert len(list(train(again, documents(again), build_args(save_every=5), tmp_path))) == 6


def test_the_last_epoch_is_saved_whatever_its_number(build_model, tmp_path):
    model = build_model()
    list(train(model, documents(model), build_args(epochs=5, save_every=3), tmp_path))
    assert len(read_curve(tmp_path)) == 5 and (tmp_path / STATE_FILE).exists()


def test_a_finished_run_has_nothing_left_to_do(build_model, tmp_path):
    model, again = build_model(), build_model(seed=3)
    list(train(model, documents(model), build_args(), tmp_path))
    assert list(train(again, documents(again), build_args(), tmp_path)) == []
    assert_equal_weights(again, model)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"epochs": 7}, {"seed": 1}, {"rate": 1e-3}, {"matrix_rate": 0.01}, {"tokens": 2048}]
)
def test_a_run_with_other_options_is_refused(build_model, tmp_path, change):
    model = build_model()
    list(islice(train(model, documents(model), build_args(), tmp_path), 2))
    with pytest.raises(ValueError, match="unfinished run with other options") as error:
        list(train(model, documents(model), build_args(**change), tmp_path))
    assert str(tmp_path) in str(error.value) and "epochs=6" in str(error.value)


def test_a_kill_while_the_state_is_written_leaves_the_one_before(build_model, run_whole, tmp_path, monkeypatch):
    model, resumed = build_model(), build_model()
    run = train(model, documents(model), build_args(), tmp_path / "parts")
    list(islice(run, 2))

    def save_half(tensors, path, metadata):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "save_file", save_half)
        with pytest.raises(KeyboardInterrupt):
            next(run)
    rest = list(train(resumed, documents(resumed), build_args(), tmp_path / "parts"))
    assert [epoch.epoch for epoch in rest] == [3, 4, 5, 6]
    assert_equal_weights(resumed, run_whole()[0])
    assert sorted(file.name for file in (tmp_path / "parts").iterdir()) == [CURVE_FILE, STATE_FILE]


def test_a_kill_between_the_last_state_and_its_curve_leaves_no_gap_in_the_curve(build_model, tmp_path, monkeypatch):
    model = build_model()
    with monkeypatch.context() as patch:
        patch.setattr(training, "write_curve", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            list(train(model, documents(model), build_args(save_every=6), tmp_path))
    list(train(model, documents(model), build_args(save_every=6), tmp_path))
    assert len(read_curve(tmp_path)) == 6
