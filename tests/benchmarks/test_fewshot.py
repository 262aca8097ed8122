"""The few-shot benchmarks: what they conclude from figures counted by hand, and small runs with made-up models."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes import BagOfWords

import benchmarks.report
from a3core.cli.fewshot import fewshot_eval
from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.sweep.report import LOG_PROBABILITY, TABLES, Results, adjust_by_holm, compare_conditions, summarise
from a3core.fewshot.sweep.run import SweepArgs
from benchmarks import fewshot_leakage, fewshot_results

FACTS = {
    "args": {
        "k": [0, 8],
        "selection": ["random", "nearest"],
        "decoding": ["greedy", "beam", "sampling"],
        "n": 40,
        "n_log_probability": 40,
        "order": "nearest last",
        "guard": False,
        "seed": 7,
        "max_new_tokens": 16,
        "width": 4,
        "temperature": 1.0,
    },
    "model": "LanguageModel('gemma-3-270m', torch.bfloat16, cpu)",
    "encoder": "all-MiniLM-L6-v2",
    "pool": {"name": "a pool.csv", "rows": 60, "sha256": "a" * 64, "notes": ["The values are not trusted."]},
    "validation": {"name": "builtin:validation", "rows": 40, "sha256": "b" * 64, "notes": []},
    "template": {"text": "Q {question} A {answer}", "separator": "\n"},
}


@pytest.fixture
def report(tmp_path, monkeypatch) -> Path:
    """The report that a benchmark writes into during a test."""
    monkeypatch.setattr(benchmarks.report, "FOLDER", tmp_path)
    return tmp_path / "few-shot.md"


def answers_of(k: int, selection: str, decoding: str, right: range, n: int = 40) -> pd.DataFrame:
    """Answers to `n` questions of which those numbered `right` are right."""
    rows = [
        {"k": k, "selection": selection, "decoding": decoding, "id": f"v{i}", "seconds": 0.5, "dropped": 0}
        | {"exact_match": i in right, "f1": float(i in right)}
        for i in range(n)
    ]
    return pd.DataFrame(rows)


def likely_of(k: int, selection: str, scores) -> pd.DataFrame:
    """Log-probabilities of the gold answers."""
    rows = {"id": [f"v{i}" for i in range(len(scores))], "log_probability": list(scores), "seconds": 0.1, "dropped": 0}
    return pd.DataFrame({"k": k, "selection": selection, "decoding": LOG_PROBABILITY} | rows)


def build_results(answers: pd.DataFrame) -> Results:
    """Of a run from before, whose answers do not say what was in sight."""
    comparisons = compare_conditions(answers)
    return Results(summarise(answers), comparisons, FACTS, adjust_by_holm(comparisons))


@pytest.fixture
def results() -> Results:
    """A grid of 40 questions: zero-shot has 4 right, nearest with beam search 20, everything else 6; sampling none."""
    cells = [answers_of(0, s, d, range(4)) for s in ("random", "nearest") for d in ("greedy", "beam")]
    cells += [answers_of(0, s, "sampling", range(0)) for s in ("random", "nearest")]
    cells += [answers_of(8, "random", d, range(6)) for d in ("greedy", "beam")]
    cells += [answers_of(8, "nearest", "greedy", range(6)), answers_of(8, "nearest", "beam", range(20))]
    cells += [answers_of(8, s, "sampling", range(0)) for s in ("random", "nearest")]
    noise = np.linspace(-1, 1, 40)
    cells += [likely_of(0, s, -9 + noise) for s in ("random", "nearest")]
    cells += [likely_of(8, "random", -8 + noise), likely_of(8, "nearest", -8 - noise)]
    answers = pd.concat(cells)
    return build_results(answers)


# Results of a grid


def test_a_comparison_is_turned_round_where_the_table_has_it_the_other_way(results):
    family = fewshot_results.find_family(results.comparisons, "decoding", "beam", "sampling", "exact match")
    found = {(row.k, row.selection): (row.only_this, row.only_that) for row in family.itertuples()}
    assert found == {(0, "random"): (4, 0), (8, "random"): (6, 0), (8, "nearest"): (20, 0)}  # zero-shot once
    assert set(family["against"]) == {"sampling"} and set(family["decoding"]) == {"beam"}
    assert (family["difference"] > 0).all() and (family["low"] <= family["high"]).all()


def test_holm_corrects_over_the_family(results):
    family = fewshot_results.find_family(results.comparisons, "decoding", "beam", "sampling", "exact match")
    p = sorted([2 * 0.5**4, 2 * 0.5**6, 2 * 0.5**20])  # of 4 : 0, 6 : 0 and 20 : 0
    corrected = np.maximum.accumulate([3 * p[0], 2 * p[1], p[2]])
    assert sorted(family["holm"]) == pytest.approx(corrected)
    assert dict(zip(family["only_this"], family["verdict"], strict=True)) == {
        4: fewshot_results.UNSHOWN,
        6: fewshot_results.UNSHOWN if corrected[1] >= 0.05 else fewshot_results.BETTER,
        20: fewshot_results.BETTER,
    }


def test_a_rank_test_against_its_own_mean_is_no_verdict():
    # 38 questions a little better, two so much worse that the mean's interval holds 0
    gains = np.r_[np.linspace(0.1, 0.2, 38), -20.0, -9.0]
    answers = pd.concat([likely_of(8, "random", np.zeros(40) - 9), likely_of(8, "nearest", gains - 9)])
    family = fewshot_results.find_family(compare_conditions(answers), "selection", "nearest", "random", LOG_PROBABILITY)
    assert family["holm"].iloc[0] < 0.05 and family["verdict"].tolist() == [fewshot_results.UNCLEAR]


def test_worse_is_said_of_what_is_worse():
    answers = pd.concat([answers_of(8, "random", "greedy", range(20)), answers_of(8, "nearest", "greedy", range(2))])
    family = fewshot_results.find_family(compare_conditions(answers), "selection", "nearest", "random", "exact match")
    assert fewshot_results.describe_verdicts(family, ["decoding"]) == "**worse in all 1**"


def test_what_is_left_without_the_answer_in_sight():
    # 40 questions: the ten with the answer in sight are 4 nats better with the nearest, the others 1 nat worse
    gains = np.r_[np.full(10, 4.0), np.full(30, -1.0)] + np.linspace(-0.1, 0.1, 40)
    answers = pd.concat([likely_of(8, "random", np.zeros(40) - 9), likely_of(8, "nearest", gains - 9)])
    answers["in_sight"] = [0] * 40 + [2] * 10 + [0] * 30
    assert fewshot_results.describe_sight(build_results(answers)) == []
    tables = {name: TABLES[name](answers) for name in ("tests", "sight")}
    _, _, rows = fewshot_results.describe_sight(build_results(answers)._replace(**tables))
    k, random, nearest, everywhere, elsewhere = rows.splitlines()[-1].strip("| ").split(" | ")
    assert (k, random, nearest) == ("8", "0", "10")
    assert "n = 40" in everywhere and elsewhere.startswith("-0.9") and "n = 30" in elsewhere


def test_verdicts_are_counted_and_named(results):
    family = fewshot_results.find_family(results.comparisons, "selection", "nearest", "random", "exact match")
    said = fewshot_results.describe_verdicts(family, ["decoding"])
    assert said == ("**better in 1 of 3** (beam k = 8), **no difference shown at this n in 2 of 3**, **worse in none**")
    unshown = family[family["decoding"] != "beam"]
    assert fewshot_results.describe_verdicts(unshown, []) == "**no difference shown at this n** in any of 2"


def test_cells_are_named_by_what_they_share(results):
    family = fewshot_results.find_family(results.comparisons, "decoding", "beam", "sampling", "exact match")
    assert fewshot_results.name_cells(family, ["selection"]) == "zero-shot; random k = 8; nearest k = 8"
    assert fewshot_results.name_cells(pd.concat([family, family[1:].assign(k=16)]), []) == "zero-shot; k = 8, 8, 16, 16"


@pytest.mark.slow
def test_a_section_answers_every_question(results):
    said = fewshot_results.describe_results(results)
    assert "| 8 | 15.0% [7.1%, 29.1%] | 15.0% [7.1%, 29.1%] | 15.0% [7.1%, 29.1%] | 50.0% [35.2%, 64.8%] |" in said
    assert "14 : 0, p = 0.00012 (0.000366): **better**" in said  # nearest with beam search against random
    assert "By the log-probability of the gold answer **no difference shown at this n** in any of 1" in said
    assert "With demonstrations by log-probability **better in all 2**" in said  # a nat each
    assert "Exact match without demonstrations: greedy 10.0% [4.0%, 23.1%]; beam 10.0%" in said
    assert "| 0 | 0.50 s (1.0x) | 0.50 s (1.0x) | 0.50 s (1.0x) | 0.10 s (0.2x) |" in said
    assert "The values are not trusted." in said


@pytest.mark.slow
def test_a_grid_of_log_probabilities_only_has_a_section():
    answers = pd.concat([likely_of(k, s, np.arange(9.0)) for k in (0, 2) for s in ("random", "nearest")])
    said = fewshot_results.describe_results(build_results(answers))
    assert "n = 9" in said and "Exact match, n" not in said and "beam search better" not in said


def test_the_command_is_one_that_fewshot_eval_takes():
    command = fewshot_results.describe_command(FACTS | {"model": "EndpointModel('http://localhost:1/v1')"})
    parts = shlex.split(command)
    assert parts[:4] == ["python", "-m", "a3core", "fewshot-eval"]
    named = [part.removeprefix("--").removeprefix("no-").replace("-", "_") for part in parts if part.startswith("--")]
    assert set(named) <= set(inspect.signature(fewshot_eval).parameters)
    said = dict(pairwise(parts[4:]))
    assert said["--pool"] == "a pool.csv" and said["--k"] == "0,8" and said["--seed"] == "7"
    assert "--no-guard" in parts and said["--model"] == "http://localhost:1/v1"
    assert "--width" not in parts  # as by default


def test_the_defaults_of_the_command_line_are_those_of_the_grid():
    defaults = {name: p.default for name, p in inspect.signature(fewshot_eval).parameters.items()}
    plain = SweepArgs()
    for name in ("n", "n_log_probability", "order", "guard", "seed", "max_new_tokens", "width", "temperature"):
        assert defaults[name] == getattr(plain, name), name


@pytest.mark.slow
def test_folders_become_sections(results, tmp_path, report, monkeypatch, capsys):
    folder = tmp_path / "towns"
    folder.mkdir()
    results.summary.to_csv(folder / "summary.csv", index=False)
    results.comparisons.to_csv(folder / "comparisons.csv", index=False)
    (folder / "grid.json").write_text(json.dumps(FACTS))
    monkeypatch.setattr(sys, "argv", ["fewshot_results", str(folder)])
    fewshot_results.main()
    text = report.read_text()
    assert "<!-- fewshot-towns -->" in text and "`python -m benchmarks.fewshot_results runs/towns`" in text
    assert fewshot_results.describe_results(results) in text  # reading the tables again changes nothing
    monkeypatch.setattr(sys, "argv", ["fewshot_results", str(tmp_path / "nothing")])
    with pytest.raises(SystemExit):
        fewshot_results.main()
    assert "holds no results of a grid" in capsys.readouterr().err


# Leakage


class Parrot:
    """Repeats the answer nearest to the question, and finds gold likely where the prompt holds it."""

    name, window = "parrot", 400

    def __init__(self):
        self.asked = 0

    def __repr__(self) -> str:
        return "Parrot()"

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts, decoding, cancel=None):
        self.asked += len(prompts)
        return [[prompt.split("Answer: ")[-1].split("\n")[0]] for prompt in prompts]

    def log_probability(self, prompts, continuations, cancel=None):
        self.asked += len(prompts)
        pairs = zip(prompts, continuations, strict=True)
        return [-1.0 if gold.strip() in prompt else -2.0 - len(prompt) / 1e6 for prompt, gold in pairs]


TOWNS = ["Arlen", "Brask", "Corvo", "Dellin", "Estra", "Farn", "Gollo", "Hirst", "Ivola", "Jarne"]


@pytest.fixture
def towns() -> tuple[Pool, Pool]:
    """A pool and 20 questions: the first ten are in the pool but for a comma, the last two of these with other answers.

    The others are nearest to questions with answers of their own.
    """
    shown = [(f"Which broad river flows through the old town of {town}?", f"River {town}") for town in TOWNS]
    shown += [(f"What do the people of {town} eat on feast days?", f"Dish {town}") for town in TOWNS]
    pool = [
        Demonstration(f"t{i}", question, (answer, f"The {answer}", f"{answer} proper"))
        for i, (question, answer) in enumerate(shown)
    ]
    twins = [(row.question.replace(" town", ", town"), row.answers) for row in pool[:8]]
    twins += [(row.question.replace(" town", ", town"), ("Something else",)) for row in pool[8:10]]
    others = [(f"Who carved the tall statue in {town}?", (f"Carver {town}",)) for town in TOWNS]
    asked = [Demonstration(f"v{i}", *one) for i, one in enumerate([*twins, *others])]
    return Pool("pool.jsonl", tuple(pool)), Pool("asked.jsonl", tuple(asked))


@pytest.fixture
def pairs_file(tmp_path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps({"validation_id": f"v{i}", "train_id": f"t{i}"}) + "\n" for i in range(10)))
    return path


@pytest.fixture
def bench(towns, tmp_path, monkeypatch) -> fewshot_leakage.Bench:
    """The parts of the runs, with made-up models."""
    model = Parrot()
    monkeypatch.setenv("A3_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fewshot_leakage, "load_encoder", BagOfWords)
    monkeypatch.setattr(fewshot_leakage, "load_language_model", lambda: model)
    return fewshot_leakage.Bench(*towns, tmp_path / "runs", n=300, k=3)


def test_pairs_are_positions(towns, pairs_file):
    assert fewshot_leakage.load_pairs(pairs_file, *towns) == [(i, i) for i in range(10)]
    pairs_file.write_text('{"validation_id": "v3", "train_id": "gone"}')
    with pytest.raises(ValueError, match=r"pairs.jsonl names the train_id 'gone', which pool.jsonl does not have"):
        fewshot_leakage.load_pairs(pairs_file, *towns)


def test_the_guard_is_counted(bench, towns, pairs_file):
    pairs = fewshot_leakage.load_pairs(pairs_file, *towns)
    check = fewshot_leakage.check_guard(bench.retriever, bench.validation, pairs)
    assert check == (10, 10, 0, 10)
    wrong = [fewshot_leakage.Pair(pair.asked, (pair.corpus_id + 1) % 10) for pair in pairs]
    check = fewshot_leakage.check_guard(bench.retriever, bench.validation, wrong)
    assert check.caught == 0  # the question that was left out is not the one that the pair names
    assert "**The aim is not met.**" in fewshot_leakage.describe_guard(check)
    few = fewshot_leakage.check_guard(bench.retriever, bench.validation, pairs[:4])
    assert few == (4, 4, 6, 16)  # twins that no pair names are flagged


@pytest.mark.slow
def test_what_leakage_adds_is_measured(bench, towns, pairs_file):
    pairs = fewshot_leakage.load_pairs(pairs_file, *towns)
    said = fewshot_leakage.measure_leakage(bench, pairs)
    assert "exact match, greedy, n = 10 | 80.0% [49.0%, 94.3%] | 0.0% [0.0%, 27.8%] | 8 : 0" in said
    assert "shown the right answer: exact match, greedy, n = 8 | 100.0%" in said
    assert "shown another answer: exact match, greedy, n = 2 | 0.0%" in said
    assert "10 of 10 near duplicates stand in the prompt; 8 show an answer that is right" in said
    assert said.count("by Holm's method over 2 tests") == said.count("by Holm's method over 4 tests") == 1
    first = said.split("\n\n")[3]  # of all ten; 8 : 0 is p = 0.0078
    assert (
        first.startswith("**Better with the guard off than with the guard on**")
        and "exact match, greedy, n = 10" in first
    )
    asked = bench.model.asked
    assert fewshot_leakage.measure_leakage(bench, pairs) == said and bench.model.asked == asked  # kept in its folders


@pytest.mark.slow
def test_the_rule_is_measured_against_random_aliases(bench, towns, pairs_file):
    said = fewshot_leakage.measure_answers(bench, fewshot_leakage.load_pairs(pairs_file, *towns))
    # gold is in no prompt: only the prompts' lengths differ, and nothing is right
    assert "exact match, greedy, n = 10 | 0.0% [0.0%, 27.8%] | 0.0% [0.0%, 27.8%] | 0 : 0, p = 1 (1)" in said
    assert "log-probability of the rule's gold answer, n = 10" in said
    assert "log-probability of a random alias of gold, n = 10" in said
    # of one alias each, e**-2 where it does not stand in the prompt: -2 less a little for the prompt's length
    assert "log-probability of any alias of gold, n = 10 | -2.00 [-2.00, -2.00] | -2.00 [-2.00, -2.00]" in said
    asked = bench.model.asked
    pairs = fewshot_leakage.load_pairs(pairs_file, *towns)
    assert fewshot_leakage.measure_answers(bench, pairs) == said and bench.model.asked == asked
    differing = int(said.partition(" of the pool's 20 questions")[0].split()[-1])
    assert 0 < differing < 20


def test_a_random_alias_is_the_same_for_the_same_seed():
    pool = Pool("owls", (Demonstration("1", "Which owl?", tuple(f"alias {i}" for i in range(50))),))
    drawn = fewshot_leakage.draw_aliases(pool, 1)
    assert drawn == fewshot_leakage.draw_aliases(pool, 1) and drawn[0].answer in pool[0].answers
    assert len({fewshot_leakage.draw_aliases(pool, seed)[0].answer for seed in range(20)}) > 5


def test_aliases_are_scored_as_whole_lines_and_summed(bench, towns):
    asked = fewshot_leakage.take_rows(towns[1], [0])
    seen = []
    score = lambda prompts, lines: seen.extend(lines) or [np.log(0.1), np.log(0.2), np.log(0.05)]  # noqa: E731
    bench.model.log_probability = score
    (p,) = bench.score_aliases("some", asked)["log_probability"]
    assert p == pytest.approx(np.log(0.35))
    assert set(seen) == {" River Arlen proper\n", " River Arlen\n", " The River Arlen\n"}


def test_sides_are_named():
    verdicts = [("a", fewshot_results.WORSE), ("b", fewshot_results.BETTER), ("c", fewshot_results.WORSE)]
    said = fewshot_leakage.describe_sides(verdicts, "this", "that")
    assert said == "**Better with this than with that**: b. **Worse with this than with that**: a; c."
