"""Training: it learns, it leaves no half-written file, and what cannot be is one sentence."""

from __future__ import annotations

import csv
from itertools import islice, pairwise

import pytest
import torch
from disk import full_disk
from safetensors import safe_open
from tiny_training import CHARACTERS, QUESTIONS, assert_equal_weights, build_args, documents, names

from a3core.birthplace.data.examples import IGNORED, build_batches
from a3core.birthplace.prediction.direct import DirectPredictor
from a3core.birthplace.training import trainer as training
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.trainer import (
    CURVE_FILE,
    STATE_FILE,
    Epoch,
    build_optimizers,
    loss_of,
    rate_share,
    read_curve,
    train,
    write_curve,
)


@pytest.mark.slow
def test_training_lowers_the_loss(build_model, tmp_path):
    model = build_model()
    epochs = list(train(model, documents(model), build_args(epochs=20), tmp_path))
    assert epochs[-1].loss < 0.6 * epochs[0].loss


@pytest.mark.slow
def test_a_tiny_model_learns_its_answers_by_heart(build_gpt, tmp_path):
    model = build_gpt(CHARACTERS, n_layer=2, n_embd=32, std=0.05).train()
    *_, last = train(model, names(model), build_args(epochs=80, save_every=80), tmp_path)
    assert last.loss < 0.1
    answers = DirectPredictor(model.eval()).predict([question.question for question in QUESTIONS])
    assert [answer.place for answer in answers] == [question.place for question in QUESTIONS]


def test_a_folder_that_cannot_be_written_is_known_before_the_first_step(build_model, tmp_path):
    (tmp_path / "file").write_text("")
    model, steps = build_model(), []
    with pytest.raises(ValueError, match=r"cannot write .*training\.csv"):
        list(train(model, documents(model), build_args(), tmp_path / "file", on_step=steps.append))
    assert not steps


def test_a_loss_that_is_not_finite_ends_the_run_and_is_not_saved(build_model, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    model, resumed = build_model(), build_model(seed=5)
    run = train(model, documents(model), build_args(), tmp_path)
    next(run)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match="the loss of epoch 2 is not finite: lower --rate"):
        next(run)
    assert next(train(resumed, documents(resumed), build_args(), tmp_path)).epoch == 2


def test_a_batch_without_targets_ends_the_run(build_model, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "build_batches", lambda *_: [(torch.zeros(2, 8).long(), torch.full((2, 8), IGNORED))])
    model = build_model()
    with pytest.raises(ValueError, match="asks the model for nothing"):
        list(train(model, documents(model), build_args(), tmp_path))


def test_a_full_disk_is_one_sentence(build_model, tmp_path):
    model = build_model()
    run = train(model, documents(model), build_args(), tmp_path)
    with full_disk(4096), pytest.raises(ValueError, match=f"cannot write .*{STATE_FILE}"):
        next(run)
    assert [file.name for file in tmp_path.iterdir()] == [CURVE_FILE]


def test_the_folder_holds_a_state_a_curve_and_nothing_half_written(build_model, tmp_path):
    model = build_model()
    for _ in train(model, documents(model), build_args(), tmp_path / "new" / "folder"):
        assert {file.name for file in (tmp_path / "new" / "folder").iterdir()} == {STATE_FILE, CURVE_FILE}


def test_the_state_is_safetensors_and_holds_float32(build_model, tmp_path):
    model = build_model()
    list(train(model, documents(model), build_args(epochs=1), tmp_path))
    with safe_open(tmp_path / STATE_FILE, "pt") as file:
        assert set(file.metadata()) == {"run", "history"}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    weights = {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
    assert set(weights) == set(model.state_dict())
    assert len(tensors) > 2 * len(weights), "momenta of every weight"
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}


def test_the_curve_is_what_was_yielded(build_model, tmp_path):
    model = build_model()
    args = build_args()
    epochs = list(train(model, documents(model), args, tmp_path))
    header, *_ = (tmp_path / CURVE_FILE).read_text(encoding="utf-8").splitlines()
    assert header == "epoch,loss,rate,tokens,seconds,tokens_per_second"
    for row, epoch in zip(read_curve(tmp_path), epochs, strict=True):
        assert (row.epoch, row.tokens) == (epoch.epoch, epoch.tokens)
        assert (row.loss, row.rate, row.seconds) == pytest.approx((epoch.loss, epoch.rate, epoch.seconds), abs=0.06)
    asked = [
        sum(int((targets != IGNORED).sum()) for _, targets in build_batches(documents(model), epoch, 0, args.tokens))
        for epoch in range(args.epochs)
    ]
    assert [epoch.tokens for epoch in epochs] == [sum(asked[: i + 1]) for i in range(len(asked))]
    assert epochs[-1].rate == 0.0
    assert all(a.seconds < b.seconds for a, b in pairwise(epochs))


def test_the_curve_has_the_speed_of_each_epoch(tmp_path):
    write_curve(tmp_path, [Epoch(1, 3.25, 1.0, 1000, 2.0), Epoch(2, 1.5, 0.5, 2000, 6.0)])
    with (tmp_path / CURVE_FILE).open(encoding="utf-8", newline="") as file:
        assert [row["tokens_per_second"] for row in csv.DictReader(file)] == ["500", "250"]


def test_a_curve_comes_back(tmp_path):
    history = [Epoch(1, 3.25, 1.0, 1000, 1.5), Epoch(2, 1.5, 0.5, 2000, 3.0)]
    write_curve(tmp_path, history)
    assert read_curve(tmp_path) == history and [file.name for file in tmp_path.iterdir()] == [CURVE_FILE]


def test_the_rates_rise_stay_and_fall():
    args = TrainingArgs(warmup=0.1, decay=0.5)
    assert [rate_share(p, args) for p in (0.0, 0.05, 0.1, 0.3, 0.5, 0.75, 1.0)] == pytest.approx(
        [0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]
    )
    shares = [rate_share(i / 1000, TrainingArgs()) for i in range(1001)]
    top = shares.index(1.0)
    assert shares[: top + 1] == sorted(shares[: top + 1]) and shares[top:] == sorted(shares[top:], reverse=True)
    assert min(shares) == 0.0 and max(shares) == 1.0


def test_the_optimizers_are_given_that_share_of_their_rates(build_model, tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(training, "build_optimizers", lambda *a: built.extend(build_optimizers(*a)) or built)
    model = build_model()
    for epoch in train(model, documents(model), build_args(), tmp_path):
        for optimizer in built:
            (group,) = optimizer.param_groups
            assert group["lr"] == pytest.approx(epoch.rate * optimizer.defaults["lr"])


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this PyTorch is older than Muon, of 2.9")
def test_muon_takes_the_hidden_matrices_and_adamw_the_rest(build_model):
    model = build_model()
    muon, adamw = build_optimizers(model, TrainingArgs())
    assert type(muon).__name__ == "Muon" and type(adamw).__name__ == "AdamW"
    hidden = {id(p) for name, p in model.named_parameters() if name.startswith("blocks.") and p.dim() == 2}
    assert {id(p) for p in muon.param_groups[0]["params"]} == hidden
    taken = [id(p) for optimizer in (muon, adamw) for p in optimizer.param_groups[0]["params"]]
    assert sorted(taken) == sorted(id(p) for p in model.parameters())


@pytest.mark.slow
def test_adamw_takes_all_where_there_is_no_muon(build_model, tmp_path, monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon", raising=False)
    model, interrupted, resumed = build_model(), build_model(), build_model(seed=1)
    (adamw,) = build_optimizers(model, TrainingArgs())
    assert type(adamw).__name__ == "AdamW"
    assert sorted(map(id, adamw.param_groups[0]["params"])) == sorted(map(id, model.parameters()))
    epochs = list(train(model, documents(model), build_args(rate=0.02), tmp_path / "whole"))
    assert epochs[-1].loss < 0.9 * epochs[0].loss
    list(islice(train(interrupted, documents(interrupted), build_args(rate=0.02), tmp_path / "parts"), 2))
    list(train(resumed, documents(resumed), build_args(rate=0.02), tmp_path / "parts"))
    assert_equal_weights(resumed, model)


def test_the_loss_leaves_ignored_targets_out():
    logits, targets = torch.randn(2, 5, 7), torch.randint(0, 7, (2, 5))
    targets[0, 2:] = IGNORED
    targets[1, 0] = IGNORED
    log_probabilities = logits.log_softmax(-1)
    asked = [(0, 0), (0, 1), (1, 1), (1, 2), (1, 3), (1, 4)]
    expected = -sum(log_probabilities[b, t, targets[b, t]] for b, t in asked) / len(asked)
    torch.testing.assert_close(loss_of(logits, targets), expected)
    assert loss_of(logits.bfloat16(), targets).dtype == torch.float32


class FakeAccelerator:
    """One of several processes, alone: it shares nothing with the others."""

    device = torch.device("cpu")

    def __init__(self, process_index: int, num_processes: int):
        self.process_index, self.num_processes = process_index, num_processes
        self.is_main_process = process_index == 0

    def prepare(self, model):
        return model

    def backward(self, loss):
        loss.backward()

    def reduce(self, tensor, kind):
        return tensor


def read_by_process(model, dataset, process_index: int, num_processes: int, folder, monkeypatch) -> list[torch.Tensor]:
    """The batches that one process reads in one epoch."""
    read = []
    model.register_forward_pre_hook(lambda module, inputs: read.append(inputs[0].clone()))
    monkeypatch.setattr(training, "Accelerator", lambda **options: FakeAccelerator(process_index, num_processes))
    list(train(model, dataset, build_args(epochs=1), folder / str(process_index)))
    return read


@pytest.mark.parametrize("num_processes", [2, 3])
def test_every_process_takes_as_many_batches_and_together_they_read_all(
    build_model, tmp_path, monkeypatch, num_processes
):
    model = build_model()
    expected = [idx for idx, _ in build_batches(documents(model), 0, 0, 1024)]
    shares = [
        read_by_process(model := build_model(), documents(model), i, num_processes, tmp_path, monkeypatch)
        for i in range(num_processes)
    ]
    assert len({len(share) for share in shares}) == 1
    read = [idx for share in shares for idx in share]
    assert all(any(torch.equal(idx, other) for other in read) for idx in expected)
    assert len(read) < len(expected) + num_processes


def test_more_processes_than_batches(build_model, tmp_path, monkeypatch):
    for i in range(3):
        model = build_model()
        assert len(read_by_process(model, names(model), i, 3, tmp_path, monkeypatch)) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"save_every": 0},
        {"tokens": 1000},
        {"warmup": 0.0},
        {"warmup": 1.5},
        {"decay": 0.0},
        {"decay": -1.0},
        {"rate": 0.0},
        {"matrix_rate": -0.1},
    ],
)
def test_options_that_make_no_sense_are_named(options):
    (name,) = options
    with pytest.raises(ValueError, match="learning rates" if "rate" in name else name):
        TrainingArgs(**options)
