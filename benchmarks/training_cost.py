"""Seconds to the same held-out loss: this project's pretraining against the course's plain recipe.

    python -m benchmarks.training_cost [MINUTES]

The corpus is builtin:500; held out is a sixth biography of each person, in other words, with fixed spans. The course's
recipe (learned positions, GELU, dropout, float32, AdamW 6e-3, batches of 128 blocks, pads and all) has MINUTES; then
ours runs until it is as good as the course's best. Evaluation time is not counted for either.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from a3core.birthplace.data.builtin import build_biographies, split_unseen
from a3core.birthplace.data.corpora import Corpus
from a3core.birthplace.data.examples import Example, SpanCorruptionDataset, build_batch, corrupt_span
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.recipes import Pretraining
from a3core.birthplace.training.trainer import loss_of, train
from benchmarks.report import table, write_section

BLOCK, PEOPLE, OUR_EPOCHS = 128, "500", 12


class CourseGPT(nn.Module):
    """The assignment's model: minGPT's shape, with PyTorch's own layers."""

    def __init__(self, vocab_size: int):
        super().__init__()
        self.embed, self.position = nn.Embedding(vocab_size, 256), nn.Parameter(torch.zeros(BLOCK, 256))
        layer = nn.TransformerEncoderLayer(256, 8, 1024, 0.1, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 4, nn.LayerNorm(256), enable_nested_tensor=False)
        self.head = nn.Linear(256, vocab_size, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, idx: Tensor) -> Tensor:  # (B, T) -> (B, T, V)
        T = idx.size(1)
        mask = nn.Transformer.generate_square_subsequent_mask(T)
        return self.head(self.layers(self.embed(idx) + self.position[:T], mask=mask, is_causal=True))


def hold_out(corpus: Corpus, vocabulary) -> list[tuple[Tensor, Tensor]]:
    """Batches of biographies that are in no document, corrupted once and for all."""
    known, rng, read = split_unseen()[1][: int(PEOPLE)], random.Random(0), set(corpus.documents)
    fresh = [next(text for text in build_biographies(person, seed=1) if text not in read) for person in known]
    texts = [corrupt_span(text, BLOCK, rng) for text in fresh]
    examples = [Example(vocabulary.encode(text), [True] * len(text)) for text in texts]
    return [build_batch(examples[i : i + 100], BLOCK, 100, vocabulary.pad_id) for i in range(0, len(examples), 100)]


@torch.inference_mode()
def held_out_loss(model: nn.Module, batches) -> float:
    model.eval()
    loss = sum(loss_of(model(idx), targets).item() for idx, targets in batches) / len(batches)
    model.train()
    return loss


def train_as_the_course(corpus: Corpus, vocabulary, held_out, minutes: float) -> Iterator[tuple[float, int, float]]:
    """(seconds, blocks of characters read, held-out loss) after each epoch."""
    torch.manual_seed(0)
    model, dataset, rng = (
        CourseGPT(vocabulary.size),
        SpanCorruptionDataset(corpus.documents, vocabulary, BLOCK),
        random.Random(0),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, betas=(0.9, 0.95), weight_decay=0.1)
    seconds, steps = 0.0, 0
    while seconds < 60 * minutes:
        start, examples = time.perf_counter(), dataset.examples(rng)
        rng.shuffle(examples)
        for i in range(0, len(examples) - 127, 128):
            idx, targets = build_batch(examples[i : i + 128], BLOCK, 128, vocabulary.pad_id)
            steps += 1
            for group in optimizer.param_groups:  # the course warms up over 512 * 20 characters, then decays slowly
                group["lr"] = 6e-3 * min(1.0, steps * 128 * BLOCK / (512 * 20))
            optimizer.zero_grad()
            loss_of(model(idx), targets).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        seconds += time.perf_counter() - start
        yield seconds, steps * 128 * BLOCK, held_out_loss(model, held_out)


def train_as_here(corpus: Corpus, held_out) -> Iterator[tuple[float, int, float]]:
    model = Pretraining().build_model(corpus, seed=0)
    dataset = SpanCorruptionDataset(corpus.documents, model.vocabulary, BLOCK)
    with tempfile.TemporaryDirectory() as folder:
        for epoch in train(model, dataset, TrainingArgs(epochs=OUR_EPOCHS, save_every=OUR_EPOCHS), Path(folder)):
            yield epoch.seconds, epoch.tokens, held_out_loss(model, held_out)


def main(minutes: str = "8") -> None:
    corpus = load_corpus(f"builtin:{PEOPLE}")
    vocabulary = Pretraining().build_model(corpus, seed=0).vocabulary
    held_out = hold_out(corpus, vocabulary)
    theirs = list(train_as_the_course(corpus, vocabulary, held_out, float(minutes)))
    best = min(theirs, key=lambda row: row[2])
    ours = []
    for row in train_as_here(corpus, held_out):
        ours.append(row)
        if row[2] <= best[2]:
            break
    reached = ours[-1][2] <= best[2]
    ratio = f"{best[0] / ours[-1][0]:.1f}x" if reached else "not reached"
    rows = [
        ("the course's recipe, its best epoch", f"{best[0]:.0f}", f"{best[2]:.3f}", f"{best[1]:,}"),
        ("this project's recipe, first epoch as good", f"{ours[-1][0]:.0f}", f"{ours[-1][2]:.3f}", f"{ours[-1][1]:,}"),
        ("**seconds, the course's / ours**", f"**{ratio}**", "", ""),
    ]
    body = table(["recipe", "seconds", "held-out loss (nats a character)", "characters (theirs with pads)"], rows)
    write_section("training-cost", "Training cost", f"python -m benchmarks.training_cost {minutes}", body)


if __name__ == "__main__":
    main(*sys.argv[1:])
