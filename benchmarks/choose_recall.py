"""How a recall checkpoint answers, chosen on train questions that were held out: the dev questions are not read.

    python -m a3core train-recall --corpus course --out runs/recall-held --hold-out 200
    python -m benchmarks.choose_recall runs/recall-held

Each sentence is recited twice, behind the bare name and behind the question. Then the answer is chosen from it in every
way: what the model writes freely, the span that the tags favour, the span that it would write most likely, and both
together (`recall_prediction.TAG_WEIGHT`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from a3core.birthplace.checkpoints import load_checkpoint
from a3core.birthplace.data.corpora import Corpus, Question
from a3core.birthplace.evaluation import Accuracy, mark
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.prediction.recall import TAG_WEIGHT
from a3core.birthplace.prediction.recall_decoding import build_recall_prompt, encode_question
from a3core.birthplace.recall_measures import count_recall, describe_share, mark_exact
from a3core.common.stats import compare_paired
from benchmarks.recall_runs import Told, choose_place, load_held_out, recite_all
from benchmarks.report import table, write_section

WEIGHTS = (0.3, 1.0, 3.0, 10.0)
FREE, WRITTEN, TAGGED = "written freely", "the likeliest span, as written (weight 0)", "the span by its tags alone"

NAME, QUESTION = "the bare name, as it was read", "the question"
PROMPTS = {NAME: build_recall_prompt, QUESTION: encode_question}


class Recited(NamedTuple):
    """All held-out sentences, recited behind one kind of prompt."""

    told: list[Told]
    exact: list[bool]


def describe_prompts(recited: Mapping[str, Recited], questions: Sequence[Question]) -> str:
    """What the sentence is recited behind, and what that does to the answers by the weight in use."""
    marks = {
        label: mark([choose_place(one, TAG_WEIGHT) for one in prompt.told], questions)
        for label, prompt in recited.items()
    }
    rows = [
        (f"**{label}**" if label == choose_prompt(recited) else label,
         describe_share(Accuracy(sum(prompt.exact), len(questions))),
         describe_share(Accuracy(sum(marks[label]), len(questions))))
        for label, prompt in recited.items()
    ]  # fmt: skip
    exact, right = (compare_paired(*pair) for pair in ([p.exact for p in recited.values()], marks.values()))
    pairs = "{} : {}, p = {:.2g}"
    rows.append((f"only by {' : only by '.join(recited)}", pairs.format(*exact), pairs.format(*right)))
    return table(["recited behind", "recited word for word", f"right, {name_weight(TAG_WEIGHT)}"], rows)


def choose_prompt(recited: Mapping[str, Recited]) -> str:
    """The one behind which most is recited word for word; among equals the first."""
    return max(recited, key=lambda label: sum(recited[label].exact))


def list_ways(told: Sequence[Told]) -> dict[str, list[str]]:
    """For each way of answering, the place it chooses from each recitation."""
    places = {FREE: [one.free for one in told]}
    for label, weight in {WRITTEN: 0.0, **{name_weight(w): w for w in WEIGHTS}, TAGGED: math.inf}.items():
        places[label] = [choose_place(one, weight) for one in told]
    return places


def name_weight(weight: float) -> str:
    return f"both, the tags with weight {weight:g}"


def choose_way(marks: dict[str, list[bool]]) -> str:
    """The way with most right; among equals the weight that is in use, then the later row."""
    return max(marks, key=lambda label: (sum(marks[label]), label == name_weight(TAG_WEIGHT)))


def describe_ways(told: Sequence[Told], questions: Sequence[Question], exact: Sequence[bool]) -> str:
    """The table, the choice, and what bounds it."""
    marks = {label: mark(places, questions) for label, places in list_ways(told).items()}
    chosen = choose_way(marks)
    rows = [_row(label, right, marks[chosen], exact, label == chosen) for label, right in marks.items()]
    offered = [question.place in one.places for one, question in zip(told, questions, strict=True)]
    return "\n\n".join([
        "The right place is among the spans that are scored: "
        f"{describe_share(Accuracy(sum(offered), len(offered)))}.",
        table(["answer", "right", "right after a word-for-word recitation",
               "only it right : only the chosen one, p (exact, paired)"], rows),
        f"Most right, so chosen: **{chosen}**.",
    ])  # fmt: skip


def _row(label: str, right: list[bool], best: list[bool], exact: Sequence[bool], is_best: bool) -> tuple:
    only_it, only_best, p = compare_paired(right, best)
    paired = "" if is_best else f"{only_it} : {only_best}, p = {p:.2g}"
    given_exact = count_recall(right, exact).given_exact
    shown = f"**{label}**" if is_best else label
    return shown, describe_share(Accuracy(sum(right), len(right))), describe_share(given_exact), paired


def recite_behind(model: GPT, questions: Sequence[Question], corpus: Corpus) -> dict[str, Recited]:
    """Every sentence behind every kind of prompt."""
    told = {label: recite_all(model, questions, build) for label, build in PROMPTS.items()}
    return {label: Recited(one, mark_exact(one, questions, corpus)) for label, one in told.items()}


def main(checkpoint: str) -> None:
    folder = Path(checkpoint)
    corpus, held_out = load_held_out(folder)
    recited = recite_behind(load_checkpoint(folder), held_out, corpus)
    best = recited[choose_prompt(recited)]
    body = "\n\n".join([
        f"{len(held_out)} train questions that the training was not shown.",
        describe_prompts(recited, held_out),
        "The ways to choose an answer from the sentences that were recited behind the better one:",
        describe_ways(best.told, held_out, best.exact),
    ])  # fmt: skip
    command = f"python -m benchmarks.choose_recall runs/{folder.name}"
    write_section("choose-recall", "Choosing how recall answers", command, body)


if __name__ == "__main__":
    main(*sys.argv[1:])
