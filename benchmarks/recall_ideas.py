"""What else is known to help a model extract what it has read, tried where its memory is not full yet.

    python -m benchmarks.recall_ideas course             # the trainings that are there
    python -m benchmarks.recall_ideas course --train     # trains what is missing first

Half the epochs of the ablation, so that there is something to gain, and the same 200 held-out train questions. Nothing
of this is in the recipe: what pays would move there.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from a3core.birthplace.data.corpora import Corpus, load_corpus, split_held_out
from a3core.birthplace.data.recall_examples import RecallDataset, RecallExample
from a3core.birthplace.data.span_corruption import IGNORED
from a3core.birthplace.evaluation import Accuracy, mark
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.prediction.direct import predict_places
from a3core.birthplace.recall_measures import describe_share, mark_exact
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recall_recipe import build_recall_model, choose_questions
from a3core.birthplace.training.trainer import read_curve, train
from a3core.common.atomic_io import write_whole
from a3core.common.stats import compare_paired
from benchmarks.recall_ablation import HELD_OUT
from benchmarks.report import table, write_section

EPOCHS, LONGER_EPOCHS = 10, 14  # so many epochs of the plain dataset have as many tokens as ten of a larger one
AVERAGED = 3  # the last epochs, whose weights are averaged
PLAIN, LONGER = "as it is", f"as it is for {LONGER_EPOCHS} epochs"
MASKED, LAST_NAMES, SHUFFLED = "names masked as well", "last names as well", "clauses shuffled as well"
LAST, MEAN = "the last weights", f"the mean of the last {AVERAGED} epochs' weights"

Marks = dict[str, list[bool]]  # "right" and "exact", for each held-out question


class MoreDataset(RecallDataset):
    """Each epoch half of the documents once more, in another form."""

    def examples(self, rng: random.Random) -> list[RecallExample]:
        drawn = [pair for pair in self._opened if rng.random() < 0.5]
        return super().examples(rng) + [self.build_more(*pair, rng) for pair in drawn]

    def build_more(self, document: str, name: str, rng: random.Random) -> RecallExample:
        raise NotImplementedError


class MaskedNames(MoreDataset):
    """The name left out and asked for: `⁇. ⁇ was born ...⁇ Ada Smith⁇`."""

    def build_more(self, document: str, name: str, rng: random.Random) -> RecallExample:
        mask = self.vocabulary.mask_id
        parts = [self._encode(part) for part in document.split(name)]
        told = [mask] + [i for part in parts[1:] for i in (*part, mask)]
        answer = self._answer(name)
        asked = [False] * len(told) + [True] * len(answer)
        return RecallExample(told + answer, asked, [IGNORED] * len(asked))


class LastNames(MoreDataset):
    """Behind the last name alone: `⁇Smith. Ada Smith was born ...⁇`."""

    def build_more(self, document: str, name: str, rng: random.Random) -> RecallExample:
        last = name.split()[-1]
        return self.build_plain(last + document[len(name) :], last)


class ShuffledClauses(MoreDataset):
    """What stands between commas in another order: `⁇Ada Smith. in Leeds, Ada Smith was born ...⁇`."""

    def build_more(self, document: str, name: str, rng: random.Random) -> RecallExample:
        clauses = document[len(name) :].split(", ")
        return self.build_plain(name + ", ".join(rng.sample(clauses, len(clauses))), name)


IDEAS = {
    PLAIN: RecallDataset,
    LONGER: RecallDataset,
    MASKED: MaskedNames,
    LAST_NAMES: LastNames,
    SHUFFLED: ShuffledClauses,
}


def try_idea(corpus: Corpus, kind: type[RecallDataset], epochs: int, folder: Path) -> dict[str, Marks]:
    """Trains with such a dataset, and asks the held-out questions of the last weights and of the mean of the last."""
    recall, args = RecallArgs(), TrainingArgs(epochs=epochs)
    model = build_recall_model(corpus, recall, args.seed)
    people = [question.name for question in corpus.train + corpus.dev]
    questions = choose_questions(corpus, recall, HELD_OUT)
    dataset = kind(corpus.documents, questions, people, model.vocabulary, model.block_size, recall)
    last = [copy_weights(model) for epoch in train(model, dataset, args, folder) if epoch.epoch > epochs - AVERAGED]
    return {LAST: ask(model, corpus), MEAN: ask(load_weights(model, average(last)), corpus)}


def copy_weights(model: GPT) -> dict[str, Tensor]:
    return {name: tensor.detach().clone().float() for name, tensor in model.state_dict().items()}


def average(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}


def load_weights(model: GPT, weights: Mapping[str, Tensor]) -> GPT:
    loaded = copy.deepcopy(model)
    loaded.load_state_dict(weights)
    return loaded


def ask(model: GPT, corpus: Corpus) -> Marks:
    _, held_out = split_held_out(corpus.train, HELD_OUT)
    answers = predict_places(model.cpu().eval(), [question.question for question in held_out])
    right = mark([answer.place for answer in answers], held_out)
    return {"right": right, "exact": mark_exact(answers, held_out, corpus)}


def describe(tried: Mapping[tuple[str, str], Marks], tokens: Mapping[str, int], missing: Iterable[str]) -> str:
    """A row for each training and weights, each compared with the recipe's; `missing` are not trained yet.

    tokens: those in the loss of each training.
    """
    recipe = tried.get((PLAIN, LAST))
    rows = [(idea, f"{tokens[idea]:,}", weights, *_measure(marks, recipe)) for (idea, weights), marks in tried.items()]
    headers = [
        "read",
        "asked of",
        "right",
        "recited word for word",
        "only it recites : only the recipe, p (exact, paired)",
    ]
    untrained = f"\n\nNot trained yet: {', '.join(missing)}." if missing else ""
    told = f"{HELD_OUT} train questions that no run was shown; {EPOCHS} epochs each where nothing else is said."
    return f"{told}\n\n{table(headers, rows)}{untrained}"


def _measure(marks: Marks, recipe: Marks | None) -> tuple[str, ...]:
    shares = [describe_share(Accuracy(sum(marks[kind]), len(marks[kind]))) for kind in ("right", "exact")]
    alone = recipe is None or marks is recipe
    return *shares, "" if alone else "{} : {}, p = {:.2g}".format(*compare_paired(marks["exact"], recipe["exact"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--runs", type=Path, default=Path("runs/recall-ideas"))
    parser.add_argument("--only", nargs="+", choices=IDEAS, default=list(IDEAS), help="what to train")
    parser.add_argument("--train", action="store_true", help="train what is missing")
    flags = parser.parse_args()
    corpus = load_corpus(flags.corpus)
    files = {idea: flags.runs / f"{idea.replace(' ', '-')}.json" for idea in IDEAS}
    for idea in flags.only if flags.train else ():
        if not files[idea].exists():
            epochs = LONGER_EPOCHS if idea == LONGER else EPOCHS
            marks = try_idea(corpus, IDEAS[idea], epochs, files[idea].with_suffix(""))
            with write_whole(files[idea]) as partial:
                partial.write_text(json.dumps(marks), encoding="utf-8")
    done = {idea: json.loads(file.read_text(encoding="utf-8")) for idea, file in files.items() if file.exists()}
    tried = {(idea, weights): marks for idea, both in done.items() for weights, marks in both.items()}
    command = f"python -m benchmarks.recall_ideas {corpus.name}"
    tokens = {idea: read_curve(files[idea].with_suffix(""))[-1].tokens for idea in done}
    body = describe(tried, tokens, [idea for idea in IDEAS if idea not in done])
    write_section("recall-ideas", "What else is known to help, tried on recall-then-answer", command, body)


if __name__ == "__main__":
    main()
