"""What is tried to answer better: the shape of an answer, hyphens, a second seed, towns; of held-out train people.

    python -m benchmarks.answer_shape course builtin:1000
    python -m benchmarks.answer_shape course --train

The first models are those of `benchmarks.recall_folds`, which trains them and keeps their answers: it comes first.
`--train` trains what the variants need beside them, fold by fold. Each variant is compared with today's answers to the
same people, on the folds where its models are there; no dev question is asked.

    any span          the same sentences, without the shape of the taught places
    cut at hyphens    the same sentences, where a hyphen ends a word
    two seeds         the better of two models' answers by their scores; the second has another seed, half the epochs
    two of half size  the better of two models' answers, which have as many parameters together as one has today
    three more epochs at a quarter of the rates
    towns swapped in  as that; in one of three pairs "Town, Region" another town of several words or with a hyphen is
                      put in, and the region is the answer
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

from a3core.birthplace.checkpoints import WEIGHTS_FILE, load_checkpoint, load_training
from a3core.birthplace.data import spans
from a3core.birthplace.data.corpora import COURSE, Corpus, Question
from a3core.birthplace.data.examples import RecallDataset
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.data.spans import find_place
from a3core.birthplace.evaluation import judge_places
from a3core.birthplace.prediction import recall_decoding
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.birthplace.training import recipes
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.common.atomic_io import atomic_write
from a3core.common.stats import compare_paired, wilson_interval
from benchmarks.recall_folds import FOLDS, ask_fold, hold_out, split_folds, train_fold
from benchmarks.report import table, write_section

CHECKPOINTS = {"course": "recall", "builtin:1000": "builtin-recall"}
HYPHENS = re.compile(rf"[{spans.SPACELESS}]|[^\s,.;()。、\-{spans.SPACELESS}]+")
ANY, CUT, SEEDS, HALVES = "any span", "cut at hyphens", "two seeds", "two of half size"
LONGER, TOWNS = "three more epochs", "towns swapped in"
HALF = {"n_layer": 4, "n_head": 8, "n_embd": 176}  # arguments of a `GPT` with half of the shipped one's parameters
ANSWERED_OTHERWISE = {
    ANY: partial(patch.object, recall_decoding, "ENOUGH_PLACES", sys.maxsize),
    CUT: partial(patch.object, spans, "WORD", HYPHENS),
}
# by variant, in the names of their folders
TRAINED = {SEEDS: ("seed",), HALVES: ("half-0", "half-1"), LONGER: ("more",), TOWNS: ("towns",)}

TOWN = re.compile(
    r"\b[Bb]orn\b[^.]{0,40}?\b(?:in|at|near|of|\d{4},?) "
    r"((?:[A-Z][\w'’.-]*)(?: [A-Z][\w'’.-]*)+|[A-Z]\w+(?:-\w+)+) ?, ?[A-Z]"
)
REGION = re.compile(r" ?, ?([A-Z][a-z]+)(?= ?[.,;()]| [a-z]|$)")
BEFORE = re.compile(r"(?<=[a-z,0-9] )[A-Z][\w'’.-]*(?: [A-Z][\w'’.-]*)* ?, ?$")
NO_TOWN = re.compile(r"School|College|University|Church|Academy|Institution")
PREFIXES = ("San", "Saint", "New", "Fort", "West", "North", "Port", "Mount", "Los", "Upper")
SHARE = 0.8  # of the swapped sentences with a pair, those that get such a town


class TownDataset(RecallDataset):
    """Towns of several words, or with a hyphen, are swapped in beside their region, which is then the answer."""

    towns: ClassVar[list[str]] = []

    def _swap_place(self, question, body: str, span, rng: random.Random) -> tuple[str, str]:
        pair = find_pair(body, question.place)
        if rng.random() >= SHARE or pair is None or pair[1] not in self._places:
            return super()._swap_place(question, body, span, rng)
        (start, end), region = pair
        return body[:start] + rng.choice(self.towns) + body[end:], region


def find_pair(body: str, place: str) -> tuple[tuple[int, int], str] | None:
    """Where the town of "Town, Region" is, and the region, if the place is one of the two."""
    if (span := find_place(body, place)) is None:
        return None
    if behind := REGION.match(body, span[1]):
        return (span, behind[1]) if re.search(r"[a-z,0-9] $", body[: span[0]]) else None
    if before := BEFORE.search(body[: span[0]]):
        return (before.start(), before.start() + len(before[0].rstrip(" ,"))), place
    return None


def list_towns(corpus: Corpus) -> list[str]:
    """Towns that the documents name before a comma, and made-up ones of the taught places."""
    rng, places = random.Random(0), sorted({question.place for question in corpus.train})
    named = sorted({match[1] for document in corpus.documents for match in TOWN.finditer(document)})
    towns = [town for town in named if not NO_TOWN.search(town)]
    towns += [f"{rng.choice(PREFIXES)} {rng.choice(places)}" for _ in range(60)]
    return towns + [f"{rng.choice(places)}-{rng.choice(places)}" for _ in range(30)]


def train_variant(corpus: Corpus, fold: int, variant: str, runs: Path) -> None:
    """Trains what a variant needs of one fold, unless it is there; one that was stopped goes on."""
    held, start = split_folds(corpus.train)[fold], name_model(corpus, fold, runs)
    folder, *others = name_trained(start, variant)
    if variant in (SEEDS, HALVES):
        training = load_training(start)
        args = training.args | ({"seed": 1, "epochs": training.args["epochs"] // 2} if variant == SEEDS else {})
        for seed, path in enumerate((folder, *others), args["seed"]):
            seeded = replace(training, args=args | {"seed": seed})
            train_fold(corpus, held, seeded, path, HALF if variant == HALVES else None)
    elif not (folder / WEIGHTS_FILE).exists():
        TownDataset.towns = list_towns(corpus)
        args = TrainingArgs(epochs=3, rate=0.001, matrix_rate=0.005, seed=1, save_every=1, warmup=0.1)
        begin = patch.object(recipes.RecallTraining, "build_model", lambda *_: load_checkpoint(start).train())
        read = patch.object(recipes.examples, "RecallDataset", TownDataset if variant == TOWNS else RecallDataset)
        with begin, read:
            recipe = recipes.RecallTraining(RecallArgs(), hold_out=len(held))
            recipes.run_recipe(recipe, hold_out(corpus, held), args, folder, partial(print, folder.name, flush=True))


def name_model(corpus: Corpus, fold: int, runs: Path) -> Path:
    """The folder of a fold's model."""
    return runs / f"{CHECKPOINTS[corpus.name]}-{fold}"


def name_trained(start: Path, variant: str) -> list[Path]:
    """The folders of what a variant needs beside a fold's model."""
    return [start.with_name(f"{start.name}-{suffix}") for suffix in TRAINED[variant]]


def answer_again(corpus: Corpus, fold: int, variant: str, runs: Path) -> list[Prediction] | None:
    """The answers of a variant to the held-out people of a fold; None where its model is not trained."""
    held, folder = split_folds(corpus.train)[fold], name_model(corpus, fold, runs)
    trained = name_trained(folder, variant) if variant in TRAINED else []
    if not all((path / WEIGHTS_FILE).exists() for path in (folder, *trained)):
        return None
    places = sorted({question.place for question in corpus.train if question not in set(held)})
    today = ask_fold(corpus, held, folder, None)["read"]
    if variant in ANSWERED_OTHERWISE:
        predictor = RecallPredictor(load_checkpoint(folder), places=places)
        with ANSWERED_OTHERWISE[variant]():
            return [predictor.answer_from(q.question, a.sentence) for q, a in zip(held, today, strict=True)]
    answers = [today] if variant == SEEDS else []
    answers += [answer_held_out(path, held, places) for path in trained]
    return [max(several, key=score) for several in zip(*answers, strict=True)]


def answer_held_out(trained: Path, held: Sequence[Question], places: Sequence[str]) -> list[Prediction]:
    """The answers of a model to the held-out questions, kept beside it."""
    kept = trained / "answers.json"
    if not kept.exists():
        predictor = RecallPredictor(load_checkpoint(trained), places=places)
        rows = [asdict(answer) for answer in predictor.predict([question.question for question in held])]
        with atomic_write(kept) as partial_file:
            partial_file.write_text(json.dumps(rows), encoding="utf-8")
    return [Prediction(**row | {"top": ()}) for row in json.loads(kept.read_text(encoding="utf-8"))]


def score(answer: Prediction) -> float:
    """What an answer's place is chosen by, in nats."""
    return math.log(max(answer.written_probability, 1e-30)) + recall_decoding.TAG_WEIGHT * answer.tag_score


def measure(corpus: Corpus, variant: str, runs: Path) -> list[str] | None:
    """A row of the table: the folds, right today and so, only so, only today, McNemar's exact p; None for no fold."""
    before, after, folds = [], [], []
    for fold, held in enumerate(split_folds(corpus.train)):
        if answers := answer_again(corpus, fold, variant, runs):
            today = ask_fold(corpus, held, name_model(corpus, fold, runs), None)["read"]
            before += judge_places([answer.place for answer in today], held)
            after += judge_places([answer.place for answer in answers], held)
            folds.append(str(fold))
    if not folds:
        return None
    wins, losses, p = compare_paired(after, before)
    row = [corpus.name, variant, ", ".join(folds), str(len(before)), describe(before), describe(after)]
    return [*row, str(wins), str(losses), f"{p:.3g}"]


def describe(right: list[bool]) -> str:
    low, high = wilson_interval(sum(right), len(right))
    return f"{sum(right)}: {sum(right) / len(right):.1%} [{100 * low:.1f}, {100 * high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/recall-folds"), help="where the models are kept")
    parser.add_argument("--train", action="store_true", help="train what is not there, of the course's corpus")
    parser.add_argument("corpora", nargs="+", choices=CHECKPOINTS)
    flags, rows = parser.parse_args(), []
    for corpus in map(load_corpus, flags.corpora):
        variants = [*ANSWERED_OTHERWISE, *(TRAINED if corpus.name == COURSE else ())]
        for fold, variant in product(range(FOLDS if flags.train else 0), set(variants) & set(TRAINED)):
            train_variant(corpus, fold, variant, flags.runs)
        rows += [row for variant in variants if (row := measure(corpus, variant, flags.runs))]
    head = ["corpus", "variant", "folds", "people", "right today", "right so", "only so", "only today", "McNemar's p"]
    note = (
        "Today's answers have the shape of the taught places: *any span* is what they were before. *Towns swapped in* "
        "is to be compared with three more epochs without them. Folds whose models are not trained are left out."
    )
    command = f"python -m benchmarks.answer_shape {' '.join(flags.corpora)}"
    write_section("answer-shape", "What was tried to answer better", command, f"{table(head, rows)}\n\n{note}")


if __name__ == "__main__":
    main()
