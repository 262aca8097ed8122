"""Training: one loop for pretraining, finetuning and recall-then-answer, on a CPU, a GPU or several processes.

    python -m a3core pretrain --corpus builtin:500 --out runs/pretrained
    torchrun --standalone --nproc_per_node 2 -m a3core pretrain --corpus builtin:500 --out runs/pretrained

Hidden matrices learn by Muon (Jordan et al. 2024), the rest by AdamW: tens of epochs do what AdamW needs hundreds for.
`train` is a generator, one `Epoch` a step: who consumes it shows progress, and cancels by leaving.
"""

import csv
import json
import math
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field, fields
from itertools import cycle, islice, pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from pydantic import TypeAdapter
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from a3core.birthplace.data.examples import IGNORED, build_batches
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.snapshot import Epoch
from a3core.common.atomic_io import atomic_write
from a3core.common.device import choose_device, has_bf16

STATE_FILE, CURVE_FILE = "training_state.safetensors", "training.csv"
SAVE_SECONDS = 60.0  # of training that a killed run loses at most
NO_EPOCH = Epoch(0, 0.0, 0.0, 0, 0.0)  # before the first
CURVE = TypeAdapter(list[Epoch])


def rate_share(progress: float, args: TrainingArgs) -> float:
    """Share of the peak rates at `progress` in [0, 1]: linear warm-up, plateau, linear decay to 0."""
    return min(1.0, progress / args.warmup) * min(1.0, (1 - progress) / args.decay)


def build_optimizers(model: GPT, args: TrainingArgs) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices and AdamW for the rest; AdamW for all where this PyTorch has no Muon."""
    matrices = [p for p in model.blocks.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
    adamw = {"betas": (0.9, 0.98), "weight_decay": 0.0}
    if not hasattr(torch.optim, "Muon"):
        return [torch.optim.AdamW([*others, *matrices], lr=args.rate / 4, **adamw)]
    muon = torch.optim.Muon(matrices, lr=args.matrix_rate, momentum=0.95, weight_decay=0.0, ns_steps=4)
    return [muon, torch.optim.AdamW(others, lr=args.rate, **adamw)]


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, T, V) at the targets (B, T) that are not IGNORED, in float32."""
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


def tag_loss_of(tag_logits: Tensor, tags: Tensor) -> Tensor:
    """Mean binary cross-entropy of tag_logits (B, T) at the tags (B, T) that are not IGNORED; 0 where there is none."""
    is_tagged = tags != IGNORED  # (B, T)
    if not is_tagged.any():
        return tag_logits.sum() * 0  # the head still takes part in the backward pass, as several processes need it
    return F.binary_cross_entropy_with_logits(tag_logits[is_tagged].float(), tags[is_tagged].float())


@dataclass
class RunState:
    """How far a run has come: what is saved beside the weights and the optimizers."""

    history: list[Epoch]
    losses: list[Tensor] = field(default_factory=list)  # of the steps done in the epoch under way, each of shape ()
    seconds: float = 0.0  # spent on the epoch under way


def train(
    model: GPT, dataset, args: TrainingArgs, folder: Path, data: str = "", on_step=lambda done: None
) -> Iterator[Epoch]:
    """Trains the model in place and yields each epoch; resumes from the folder's state if there is one.

    data: names what is read and started from, so that a run is not resumed as another one.
    on_step: called after every step with the share of the run that is done, in (0, 1]. Where it raises, the state is
    saved first, so that the run goes on from this very step.
    Leaves `training.csv` and the state (float32 weights, optimizers) in the folder: every `args.save_every` epochs,
    and every SAVE_SECONDS within an epoch. Raises ValueError for a folder that cannot be written, before the first
    step; for a batch without targets; for a loss that is not finite.
    """
    accelerator = Accelerator(cpu=choose_device() == "cpu")
    model.to(accelerator.device)
    optimizers, run = build_optimizers(model, args), f"{args!r} {data}"
    state = load_state(folder, model, optimizers, run)
    is_alone, saved = accelerator.num_processes == 1, time.perf_counter()

    def save(seconds: float = 0.0) -> None:
        """Saves, by one process of several, where the last time is so long ago."""
        nonlocal saved
        if time.perf_counter() - saved >= seconds:
            if accelerator.is_main_process:
                save_state(folder, model, optimizers, state, run)
            saved = time.perf_counter()

    if accelerator.is_main_process:
        write_curve(folder, state.history)
    replica = accelerator.prepare(torch.compile(model) if args.compile else model)
    while (epoch := len(state.history)) < args.epochs:
        start = time.perf_counter()
        batches = build_batches(dataset, epoch, args.seed, args.tokens)
        state.seconds += time.perf_counter() - start
        is_due = (epoch + 1) % args.save_every == 0 or epoch + 1 == args.epochs
        for done in _train_epoch(replica, optimizers, batches, args, state, accelerator):
            # among several processes a started epoch is not saved, as the others' losses of it would be missing
            is_ended = len(state.history) > epoch
            if is_ended or is_alone:
                save(0.0 if is_ended and is_due else SAVE_SECONDS)
            try:
                on_step(done)
            except BaseException:
                if is_alone:
                    save()
                raise
        yield state.history[-1]


def _train_epoch(model, optimizers, batches, args: TrainingArgs, state: RunState, accelerator) -> Iterator[float]:
    """The steps of an epoch that are not done yet; yields the share of the run that is done after each.

    Every process takes every n-th batch, and all take equally many.
    """
    start, world, epoch = time.perf_counter() - state.seconds, accelerator.num_processes, len(state.history)
    batches += list(islice(cycle(batches), -len(batches) % world))
    asked = [int((targets != IGNORED).sum()) for _, targets, *_ in batches]
    if not all(asked):
        raise ValueError("a batch asks the model for nothing: these questions do not fit this model")
    own = batches[accelerator.process_index :: world]
    for i in range(len(state.losses), len(own)):
        share = rate_share((epoch + (i + 1) / len(own)) / args.epochs, args)
        state.losses.append(_train_step(model, optimizers, own[i], share, args, accelerator))
        state.seconds = time.perf_counter() - start
        if i + 1 < len(own):
            yield (epoch + (i + 1) / len(own)) / args.epochs
    loss = accelerator.reduce(torch.stack(state.losses).mean(), "mean").item()
    if not math.isfinite(loss):
        raise ValueError(f"the loss of epoch {epoch + 1} is not finite: lower --rate and --matrix-rate")
    before = state.history[-1] if state.history else NO_EPOCH
    seconds = before.seconds + time.perf_counter() - start
    state.history.append(Epoch(epoch + 1, loss, share, before.tokens + sum(asked), seconds))
    state.losses, state.seconds = [], 0.0
    yield (epoch + 1) / args.epochs


def _train_step(model, optimizers, batch, share, args: TrainingArgs, accelerator) -> Tensor:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = optimizer.defaults["lr"] * share
    device = accelerator.device
    idx, targets, *tags = (column.to(device) for column in batch)
    with torch.autocast(device.type, torch.bfloat16, enabled=args.bf16 and has_bf16(device.type)):
        logits, tag_logits = model(idx, tagged=True) if tags else (model(idx), None)
    loss = loss_of(logits, targets) + (tag_loss_of(tag_logits, *tags) if tags else 0)
    accelerator.backward(loss)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return loss.detach()


def save_state(folder: Path, model: GPT, optimizers, state: RunState, run: str) -> None:
    """Writes the curve, then the state that `run` resumes from, each replaced in one step; no pickle.

    A state whose last loss is not finite is not saved. Raises ValueError where the disk takes no more.
    """
    if state.losses and not state.losses[-1].isfinite():
        return
    write_curve(folder, state.history)
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for i, optimizer in enumerate(optimizers):
        for slot, slot_state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{slot}.{key}": value for key, value in slot_state.items()}
    metadata = {"run": run, "history": json.dumps([astuple(row) for row in state.history])}
    if state.losses:
        tensors["losses"], metadata["seconds"] = torch.stack(state.losses), str(state.seconds)
    with atomic_write(folder / STATE_FILE) as partial:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, metadata)


def load_state(folder: Path, model: GPT, optimizers, run: str) -> RunState:
    """Restores what `save_state` wrote; where there is nothing to restore, the run begins.

    Raises ValueError if the state is of another run: other options, another corpus, another start.
    """
    if not (folder / STATE_FILE).exists():
        return RunState([])
    with safe_open(folder / STATE_FILE, "pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if metadata["run"] != run:
        raise ValueError(f"{folder} holds an unfinished run with other options: {metadata['run']}")
    model.load_state_dict({name[6:]: tensor for name, tensor in tensors.items() if name.startswith("model.")})
    for i, optimizer in enumerate(optimizers):
        slots: dict[int, dict[str, Tensor]] = {}  # by parameter number: {0: {"momentum_buffer": ...}, ...}
        for name in (name for name in tensors if name.startswith(f"optimizer.{i}.")):
            slot, key = name.split(".")[2:]
            slots.setdefault(int(slot), {})[key] = tensors[name]
        optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
    losses = list(tensors["losses"].to(next(model.parameters()).device)) if "losses" in tensors else []
    history = [Epoch(*row) for row in json.loads(metadata["history"])]
    return RunState(history, losses, float(metadata.get("seconds", 0.0)))


def write_curve(folder: Path, history: list[Epoch]) -> None:
    """training.csv: one row an epoch, with the tokens a second of this epoch."""
    with atomic_write(folder / CURVE_FILE) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*(column.name for column in fields(Epoch)), "tokens_per_second"])
        for before, e in pairwise([NO_EPOCH, *history]):
            speed = (e.tokens - before.tokens) / max(e.seconds - before.seconds, 1e-9)
            writer.writerow((e.epoch, f"{e.loss:.4f}", f"{e.rate:.4f}", e.tokens, f"{e.seconds:.1f}", f"{speed:.0f}"))


def read_curve(folder: Path) -> list[Epoch]:
    """The rows of a folder's training.csv. Raises ValueError for a missing or broken file."""
    try:
        with (folder / CURVE_FILE).open(encoding="utf-8", newline="") as file:
            rows = CURVE.validate_python(list(csv.DictReader(file)))
        if not rows:
            raise ValueError("it has no row")
        return rows
    except (OSError, ValueError, csv.Error) as error:
        message = f"{folder / CURVE_FILE} is missing or broken: put it back, or take its checkpoint out of the folder"
        raise ValueError(message) from error
