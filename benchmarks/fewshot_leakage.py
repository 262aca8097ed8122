"""What the leakage guard catches, what leakage adds, and what the rule for one answer out of many aliases is worth.

    python -m benchmarks.fewshot_leakage --pool train_pool.jsonl --validation validation_1000.jsonl
        --pairs near_duplicate_pairs.jsonl [--n 300] [--part guard leakage answers]

guard     pairs that the guard catches, and the other validation questions that it flags: needs no language model
leakage   the questions of the pairs, with the guard on and off
answers   n other questions, the demonstrations' answers chosen by the rule or at random among the aliases

{"validation_id": "v7", "train_id": "t12"}          a line of the pairs' file

Prompts are nearest, k = 8, and every run is a grid in a folder of its own below --out: an interrupted one goes on.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from a3core.cli.progress import run_with_bar
from a3core.common.resumable import ResultLog, build_key
from a3core.common.stats import wilson_interval
from a3core.fewshot.answering import continue_with
from a3core.fewshot.encoder import embed_corpus, load_encoder
from a3core.fewshot.pools import Pool, load_pool
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.fewshot.scoring import score_answer
from a3core.fewshot.sweep.report import LOG_PROBABILITY, compare_conditions, summarise
from a3core.fewshot.sweep.run import Sweep, SweepArgs
from a3core.llm.local import load_language_model
from benchmarks.fewshot_results import (
    BETTER,
    UNCLEAR,
    UNSHOWN,
    WORSE,
    add_verdicts,
    describe_log_probability,
    describe_match,
    describe_test,
)
from benchmarks.report import table, write_section

MOST_FLAGGED = 10  # of the questions without a near duplicate
K = 8


class Pair(NamedTuple):
    """A validation question and the pool question that nearly is it."""

    asked: int  # position in the validation questions
    corpus_id: int


def load_pairs(path: Path, pool: Pool, validation: Pool) -> list[Pair]:
    """The pairs of a file. Raises ValueError for an id that the pool or the validation questions do not have."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    places = {"validation_id": validation, "train_id": pool}
    found: dict[str, list[int]] = {}
    for column, source in places.items():
        positions = {row.id: i for i, row in enumerate(source.rows)}
        if unknown := [row[column] for row in rows if row[column] not in positions]:
            raise ValueError(f"{path.name} names the {column} {unknown[0]!r}, which {source.name} does not have")
        found[column] = [positions[row[column]] for row in rows]
    return [Pair(*pair) for pair in zip(found["validation_id"], found["train_id"], strict=True)]


class GuardCheck(NamedTuple):
    """What the guard does with validation questions of which some are known to be in the pool, nearly."""

    caught: int
    pairs: int
    flagged: int
    others: int


def check_guard(retriever: Retriever, validation: Pool, pairs: Sequence[Pair]) -> GuardCheck:
    """How many pairs the guard catches (the pool question itself), and how many other questions it finds leaks of."""
    asked = zip(validation.questions, retriever.embed(validation.questions), strict=True)
    leaks = [{leak.corpus_id for leak in retriever.guard.find(*one)} for one in asked]
    caught = sum(pair.corpus_id in leaks[pair.asked] for pair in pairs)
    others = set(range(len(validation))) - {pair.asked for pair in pairs}
    return GuardCheck(caught, len(pairs), sum(bool(leaks[i]) for i in others), len(others))


def describe_guard(check: GuardCheck) -> str:
    rows = [
        ("near duplicates that are left out", *describe_share(check.caught, check.pairs), f"all {check.pairs}"),
        ("other questions flagged", *describe_share(check.flagged, check.others), f"at most {MOST_FLAGGED}"),
    ]
    met = check.caught == check.pairs and check.flagged <= MOST_FLAGGED
    return table(["what", "measured", "95 % interval", "aim"], rows) + f"\n\n**The aim is {'' if met else 'not '}met.**"


def describe_share(count: int, total: int) -> tuple[str, str]:
    low, high = wilson_interval(count, total)
    return f"{count} of {total}: {count / total:.1%}", f"[{low:.1%}, {high:.1%}]"


# Two ways on the same questions


class Compared(NamedTuple):
    """One measure of two ways."""

    measure: str
    this: str  # the share or mean, with its interval
    that: str
    test: pd.Series  # a row of comparisons


def compare_runs(runs: Mapping[str, pd.DataFrame], scored: str = "the gold answer", who: str = "") -> list[Compared]:
    """The second run's answers against the first's, as if they were two selections of one grid.

    `scored` says of what the log-probabilities are, `who` which questions these are.
    """
    (that, first), (this, second) = runs.items()
    answers = pd.concat([first.assign(selection=that), second.assign(selection=this)])
    summary, tests = summarise(answers), compare_conditions(answers)
    compared = []
    for _, test in tests.iterrows():
        cells = {row.selection: row for row in summary.itertuples() if row.decoding == test["decoding"]}
        likely = test["decoding"] == LOG_PROBABILITY
        describe = describe_log_probability if likely else describe_match
        measure = f"log-probability of {scored}" if likely else f"exact match, {test['decoding']}"
        compared.append(
            Compared(f"{who}{measure}, n = {test['n']}", describe(cells[this]), describe(cells[that]), test)
        )
    return compared


def describe_compared(compared: Sequence[Compared], this: str, that: str) -> str:
    """A table of the measures and a sentence for each, with Holm's correction over them."""
    tests = add_verdicts(pd.DataFrame([one.test for one in compared]))
    pairs = list(zip(compared, tests.itertuples(), strict=True))
    rows = [(one.measure, one.this, one.that, describe_test(test)) for one, test in pairs]
    note = "Tests: right only in the first way : only in the second, with McNemar's exact p; or the mean difference in "
    note += f"nats with Wilcoxon's p; in brackets p by Holm's method over {len(rows)} tests."
    said = describe_sides([(one.measure, test.verdict) for one, test in pairs], this, that)
    return "\n\n".join([table(["measure", this, that, "test"], rows), note, said])


def describe_sides(verdicts: Sequence[tuple[str, str]], this: str, that: str) -> str:
    """The measures under each verdict that any of them has."""
    heads = {BETTER: f"Better with {this} than with {that}", WORSE: f"Worse with {this} than with {that}"}
    heads |= {UNSHOWN: f"{UNSHOWN} at this n".capitalize(), UNCLEAR: UNCLEAR.capitalize()}
    found = {verdict: [measure for measure, other in verdicts if other == verdict] for verdict in heads}
    return " ".join(f"**{heads[verdict]}**: {'; '.join(named)}." for verdict, named in found.items() if named)


# Runs


class Bench:
    """The parts that the runs share."""

    def __init__(self, pool: Pool, validation: Pool, out: Path, n: int, k: int = K):
        self.pool, self.validation, self.out, self.n, self.k = pool, validation, out, n, k
        self.encoder = load_encoder()
        self.embeddings = embed_corpus(self.encoder, pool.questions)
        self.retriever = Retriever(pool, self.encoder, self.embeddings)
        self._model = None

    @property
    def model(self):
        """Loaded when a run first asks."""
        self._model = self._model or load_language_model()
        return self._model

    def build_grid(self, name: str, asked: Pool, *, guard: bool = True, greedy: bool = True, pool: Pool | None = None):
        """A grid of nearest prompts, in a folder of its own."""
        n = min(self.n, len(asked))
        decoding = ("greedy",) if greedy else ()
        args = SweepArgs((self.k,), ("nearest",), decoding, n=n, n_log_probability=n, guard=guard)
        retriever = Retriever(pool, self.encoder, self.embeddings) if pool else self.retriever
        return Sweep(retriever, asked, self.model, args, self.out / name)

    def run(self, name: str, asked: Pool, **options) -> pd.DataFrame:
        """The answers of a grid, run or read from its folder."""
        grid = self.build_grid(name, asked, **options)
        run_with_bar(grid.run())
        return grid.answers()

    def score_aliases(self, name: str, asked: Pool, **options) -> pd.DataFrame:
        """For each question the log of the probability that the answer is one of its aliases, as a grid's answers.

        An alias is scored with the newline that ends it: "Paris" is then no part of "Paris, France".
        """
        grid = self.build_grid(name, asked, **options)
        log, scores = ResultLog(grid.folder / "aliases.jsonl"), []
        for row, built in zip(grid.questions, grid.build_prompts("nearest", self.k), strict=True):
            prompt = built.prompt
            lines = [f"{continue_with(prompt.text, alias)}\n" for alias in row.gold]
            if (key := build_key(self.model.name, prompt.text, *lines)) not in log:
                each = self.model.log_probability([prompt.text] * len(lines), lines)
                log.add({key: {"log_probability": float(np.logaddexp.reduce(each))}})
            scores.append({"id": row.id, "log_probability": log[key]["log_probability"]})
        cell = {"k": self.k, "selection": name, "decoding": LOG_PROBABILITY, "seconds": 0.0, "dropped": 0}
        return pd.DataFrame(scores).assign(**cell)


def measure_leakage(bench: Bench, pairs: Sequence[Pair]) -> str:
    """What leakage adds on the questions that are in the pool, nearly: on all, and by what the near duplicate shows."""
    asked = take_rows(bench.validation, [pair.asked for pair in pairs])
    told = {bench.validation[pair.asked].id for pair in pairs if is_told(bench, pair)}
    shown = sum(is_shown(bench, pair) for pair in pairs)
    note = (
        f"With the guard off {shown} of {len(pairs)} near duplicates stand in the prompt; {len(told)} show an answer "
    )
    note += "that is right for their twin, the others another."
    runs = {"the guard on": bench.run("guard-on", asked), "the guard off": bench.run("guard-off", asked, guard=False)}
    apart = []
    for who, ids in (
        ("shown the right answer: ", told),
        ("shown another answer: ", {row.id for row in asked.rows} - told),
    ):
        some = {name: rows[rows["id"].isin(ids)] for name, rows in runs.items()}
        apart += compare_runs(some, who=who) if all(map(len, some.values())) else []
    described = [describe_compared(part, "the guard off", "the guard on") for part in (compare_runs(runs), apart)]
    return "\n\n".join([note, *described])


def is_shown(bench: Bench, pair: Pair) -> bool:
    """Whether the near duplicate is among the nearest of its twin."""
    chosen = bench.retriever.select(bench.validation[pair.asked].question, Selection(k=bench.k, guard=False))
    return pair.corpus_id in {neighbour.corpus_id for neighbour in chosen.neighbours}


def is_told(bench: Bench, pair: Pair) -> bool:
    """Whether the near duplicate's answer is right for its twin."""
    return score_answer(bench.pool[pair.corpus_id].answer, bench.validation[pair.asked].gold).exact_match


def take_rows(pool: Pool, corpus_ids: Sequence[int]) -> Pool:
    """A part of the pool, in the order of `corpus_ids`."""
    return replace(pool, rows=tuple(pool.rows[i] for i in corpus_ids))


def draw_aliases(pool: Pool, seed: int = 0) -> Pool:
    """The pool showing any alias of each answer, as the assignment's solution did: to measure the rule against."""
    drawn = (random.Random(f"{seed}/{'/'.join(row.answers)}").choice(list(row.answers)) for row in pool.rows)
    rows = tuple(replace(row, value=value) for row, value in zip(pool.rows, drawn, strict=True))
    return replace(pool, name=f"{pool.name}, random aliases", rows=rows)


def measure_answers(bench: Bench, pairs: Sequence[Pair]) -> str:
    """What the rule for the canonical answer is worth against a random alias."""
    mine = {pair.asked for pair in pairs}
    asked = take_rows(bench.validation, [i for i in range(len(bench.validation)) if i not in mine])
    drawn, rule, any_alias = draw_aliases(bench.pool), "the rule", "a random alias"
    gold = draw_aliases(asked, seed=1)
    compared = compare_runs(
        {any_alias: bench.run("random-alias", asked, pool=drawn), rule: bench.run("rule", asked)},
        "the rule's gold answer",
    )
    compared += compare_runs(
        {
            any_alias: bench.run("random-alias-random-gold", gold, pool=drawn, greedy=False),
            rule: bench.run("rule-random-gold", gold, greedy=False),
        },
        "a random alias of gold",
    )
    compared += compare_runs(
        {any_alias: bench.score_aliases("random-alias", asked, pool=drawn), rule: bench.score_aliases("rule", asked)},
        "any alias of gold",
    )
    differing = sum(a.answer != b.answer for a, b in zip(bench.pool.rows, drawn.rows, strict=True))
    note = f"{differing:,} of the pool's {len(bench.pool):,} questions show another answer at random. The rule chooses "
    note += "the gold answer, too, which favours it, as a random alias of gold favours random aliases. What favours "
    note += "neither is an exact match, which is one with any alias, and the probability of any alias: that the line "
    note += "which follows the prompt is one of them."
    return f"{describe_compared(compared, rule, any_alias)}\n\n{note}"


def measure_guard(bench: Bench, pairs: Sequence[Pair]) -> str:
    return describe_guard(check_guard(bench.retriever, bench.validation, pairs))


PARTS: dict[str, tuple[str, str, Callable[[Bench, Sequence[Pair]], str]]] = {
    "guard": ("leakage-guard", "What the leakage guard catches", measure_guard),
    "leakage": ("leakage-effect", "What leakage adds", measure_leakage),
    "answers": ("canonical-answer", "One canonical answer, by the rule or at random", measure_answers),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("pool", "validation", "pairs"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--n", type=int, default=300, help="most questions of a run")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=Path("runs/leakage"))
    flags = parser.parse_args()
    try:
        pool, validation = load_pool(flags.pool), load_pool(flags.validation)
        pairs = load_pairs(flags.pairs, pool, validation)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    bench = Bench(pool, validation, flags.out, flags.n)
    named = f"--pool {pool.name} --validation {validation.name} --pairs {flags.pairs.name}"
    about = f"Nearest prompts with k = {K} by {bench.encoder.name} from {pool.name} ({len(pool):,} questions)"
    for part in flags.part:
        section, title, measure = PARTS[part]
        body = measure(bench, pairs)
        asks, limit = ("", "") if part == "guard" else (f"{about}; {bench.model!r}.\n\n", f" --n {flags.n}")
        command = f"python -m benchmarks.fewshot_leakage {named}{limit} --part {part}"
        write_section(section, title, command, asks + body)


if __name__ == "__main__":
    main()
