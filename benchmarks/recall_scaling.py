"""Recall-then-answer as people grow and the model does not: accuracy, cost, and bits a parameter.

    python -m benchmarks.recall_scaling                              # the runs that are there
    python -m benchmarks.recall_scaling --train --sizes 500 2000     # trains what is missing first

Each size is a run of its own below --runs, on the built-in people, by one recipe; at most 500 dev people are asked.
"""

from __future__ import annotations

import argparse
import lzma
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from a3core.birthplace.checkpoints import Training, load_predictor, load_training
from a3core.birthplace.data.builtin import BIOGRAPHIES_PER_PERSON
from a3core.birthplace.data.corpora import Corpus, Question
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.evaluation import Accuracy, RecallMeasures, describe_share, measure_recall
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from benchmarks.recall_runs import build_command, is_finished, load_read_corpus, train_run
from benchmarks.report import table, write_section
from benchmarks.svg_figure import Axis, Series, draw_lines, list_decades, save_figure, stack

SIZES, MOST_ASKED, CEILING = ("500", "2000", "8000", "all"), 500, 2.0  # bits a parameter at most
LAW = (
    'Knowledge is counted as in Allen-Zhu and Li ("Physics of Language Models: Part 3.3", 2024), who find at most '
    f"{CEILING:g} bits a parameter after 1,000 readings of each fact, and about 1 after 100. Counted here is only who "
    "was born where, from below by Fano's inequality: people × (H - h(e) - e log2(M - 1)) bits, with H the entropy of "
    "their M places, e the share of wrong answers on dev people, h the entropy of e; brackets are the ends of its "
    "interval. Not counted are the names, the other facts, and the wording of the texts, which the model recites too: "
    "the last column is all that was read, packed by xz, and so bounds from above what there was to know."
)


class Size(NamedTuple):
    """One run, measured."""

    people: int
    documents: int
    training: Training
    right: Accuracy
    measures: RecallMeasures
    places: list[str]  # everybody's, to take the entropy of
    packed: int  # bits of the documents by xz

    def bits(self, share: float) -> float:
        """Bits a parameter, at this share of right answers."""
        return self.people * count_bits(share, self.places) / self.training.parameters


def count_bits(share: float, places: Sequence[str]) -> float:
    """At least so many bits about a person's place are in an answer that is right with probability `share`."""
    shares = [count / len(places) for count in Counter(places).values()]
    others = math.log2(len(shares) - 1) if len(shares) > 1 else 0.0
    return max(0.0, count_entropy(shares) - count_entropy((share, 1 - share)) - (1 - share) * others)


def count_entropy(shares: Sequence[float]) -> float:
    """In bits."""
    return -sum(share * math.log2(share) for share in shares if share > 0)


def sample_dev(corpus: Corpus) -> list[Question]:
    """At most 500 dev people, drawn by a fixed seed."""
    return random.Random(0).sample(corpus.dev, min(MOST_ASKED, len(corpus.dev)))


def load_size(folder: Path) -> tuple[Training, Corpus]:
    """Raises ValueError for a run that was not trained by the recipe on its people."""
    training = load_training(folder)
    wrong = {name: training.args.get(name) for name, value in asdict(RecallArgs()).items()
             if training.args.get(name) != value}  # fmt: skip
    if wrong or training.corpus != f"builtin:{folder.name}":
        raise ValueError(f"{folder} was trained on {training.corpus} with {wrong or 'the recipe'}: remove it")
    return training, load_read_corpus(training)


def measure_size(folder: Path) -> Size:
    """Asks the run about its dev people."""
    training, corpus = load_size(folder)
    asked = sample_dev(corpus)
    answers = load_predictor(folder).predict([question.question for question in asked])
    right = sum(answer.place == question.place for answer, question in zip(answers, asked, strict=True))
    everybody = corpus.train + corpus.dev
    return Size(
        len(everybody),
        len(corpus.documents),
        training,
        Accuracy(right, len(asked)),
        measure_recall(answers, asked, corpus),
        [question.place for question in everybody],
        8 * len(lzma.compress("\n".join(corpus.documents).encode())),
    )


def read_args(training: Training) -> TrainingArgs:
    """What a run's command says of how it was trained."""
    return TrainingArgs(training.args["epochs"], compile=training.args["compile"])


def describe_sizes(sizes: Sequence[Size]) -> str:
    headers = ["people", "documents", "epochs", "sub-words in the loss", "minutes", "dev people answered right",
               "recited word for word", "bits a parameter (at most 2)", "the text, bits a parameter"]  # fmt: skip
    return table(headers, [_row(size) for size in sizes])


def _row(size: Size) -> tuple:
    training, (low, high) = size.training, size.right.interval
    counts = (f"{size.people:,}", f"{size.documents:,}", training.args["epochs"], f"{training.tokens:,}")
    bits = f"{size.bits(size.right.share):.4f} [{size.bits(low):.4f}, {size.bits(high):.4f}]"
    shares = (describe_share(size.right), describe_share(size.measures.exact))
    return *counts, f"{training.seconds / 60:.1f}", *shares, bits, f"{size.packed / training.parameters:.2f}"


def plot_sizes(sizes: Sequence[Size]) -> str:
    """Accuracy above, cost below, both against people."""
    people = [size.people for size in sizes]
    across = Axis("people (each read in five texts)", people, log=True)
    upper = [
        _line("dev people answered right", people, [size.right for size in sizes]),
        _line("recited word for word", people, [size.measures.exact for size in sizes]),
    ]
    minutes = [size.training.seconds / 60 for size in sizes]
    cost = Axis("minutes of training", list_decades(minutes), "{:,g}", log=True)
    return stack([
        draw_lines("One size of model, more people", upper, across, Axis("share", (0, 0.25, 0.5, 0.75, 1), "{:.0%}")),
        draw_lines("What it costs", [Series("minutes", list(zip(people, minutes, strict=True)))], across, cost),
    ])  # fmt: skip


def _line(label: str, people: Sequence[int], shares: Sequence[Accuracy]) -> Series:
    points = [(x, share.share) for x, share in zip(people, shares, strict=True)]
    return Series(label, points, [share.interval for share in shares])


def describe(sizes: Sequence[Size], missing: Sequence[str], commands: Sequence[str]) -> str:
    """The section; the figure is written beside it where there are two sizes or more."""
    first = sizes[0].training
    told = (
        f"{first.parameters:,} parameters or a few fewer, at most {MOST_ASKED} dev people by a fixed seed, on "
        f"{first.machine}. Minutes are wall time, not alone on the machine. Each of a person's "
        f"{BIOGRAPHIES_PER_PERSON} texts is read once an epoch, of those asked about half as often."
    )
    alt = "Share of dev people answered right and recited word for word, and minutes of training, against people read"
    figure = save_figure("recall_scaling", plot_sizes(sizes), alt) if len(sizes) > 1 else ""
    made = "```bash\n" + "\n".join(commands) + "\n```"
    untrained = f"Not trained yet: {', '.join(missing)} people." if missing else ""
    return "\n\n".join(filter(None, [told, describe_sizes(sizes), figure, LAW, made, untrained]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/recall-scaling"))
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--train", action="store_true", help="train the sizes that are missing")
    parser.add_argument("--compile", action="store_true", help="as train-recall's")
    flags = parser.parse_args()
    for size in flags.sizes if flags.train else ():
        args = TrainingArgs(epochs=flags.epochs, compile=flags.compile)
        train_run(load_corpus(f"builtin:{size}"), args, RecallArgs(), flags.runs / size)
    done = [size for size in SIZES if is_finished(flags.runs / size)]
    if not done:
        raise ValueError(f"no run below {flags.runs}: train them with --train")
    sizes = [measure_size(flags.runs / size) for size in done]
    commands = [
        build_command(f"builtin:{name}", f"runs/{flags.runs.name}/{name}", read_args(size.training), RecallArgs())
        for name, size in zip(done, sizes, strict=True)
    ]  # fmt: skip
    body = describe(sizes, [size for size in SIZES if size not in done], commands)
    title = "Recall-then-answer as people grow"
    write_section("recall-scaling", title, "python -m benchmarks.recall_scaling", body)


if __name__ == "__main__":
    main()
