"""Tables and pictures of a sweep: the scores of each condition, and the paired comparisons the assignment asks for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from a3core.common.plotting import COLOURS, style
from a3core.common.stats import compare_paired, correct_by_holm, wilson_interval

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LOG_PROBABILITY = "log-probability"  # beside the decodings: of the gold answer, without generation


class Condition(NamedTuple):
    """What is varied: one k, selection and decoding, asked all questions."""

    k: int
    selection: str
    decoding: str  # one of a3core.llm.decoding.METHODS, or LOG_PROBABILITY


CONDITION = list(Condition._fields)
SUMMARY = [*CONDITION, "n", "exact_match", "low", "high", "f1", "f1_error", "log_probability", "log_probability_error"]
TESTED = ["n", "difference", "low", "high", "p", "p_holm"]  # then the same without the answer in sight
DASHES = {"greedy": "solid", "beam": "dash", "sampling": "dot"}
COMPARISONS = [*CONDITION, "against", "n", "only_this", "only_that", "p", "difference", "low", "high"]


class Results(NamedTuple):
    """A run that was saved."""

    summary: pd.DataFrame
    comparisons: pd.DataFrame
    metadata: dict[str, Any]
    tests: pd.DataFrame  # of a run from before: the comparisons with Holm's p, without an interval of the test
    sight: pd.DataFrame | None = None  # None of a run from before


def load_results(folder: Path) -> Results:
    """The results in a folder. Raises ValueError if it holds none."""
    try:
        metadata = json.loads((folder / "grid.json").read_text(encoding="utf-8"))
        comparisons = pd.read_csv(folder / "comparisons.csv")
        read = lambda name: pd.read_csv(path) if (path := folder / name).is_file() else None  # noqa: E731
        tests = read("tests.csv")
        tests = adjust_by_holm(comparisons) if tests is None else tests
        summary = pd.read_csv(folder / "summary.csv")
        return Results(summary, comparisons, metadata, tests=tests, sight=read("sight.csv"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} holds no results of a grid: {error}") from error


def summarise(answers: pd.DataFrame) -> pd.DataFrame:
    """One row a condition: EM with its 95 % Wilson interval, mean F1 and log-probability with standard errors, and the
    seconds.
    """
    summaries = []
    for condition, rows in group_by_condition(answers):
        row = condition._asdict() | {"n": len(rows)}
        row |= {"seconds": rows["seconds"].sum(), "dropped": int(rows["dropped"].sum())}
        if condition.decoding == LOG_PROBABILITY:
            scores = rows["log_probability"]
            row |= {"log_probability": scores.mean(), "log_probability_error": scores.sem()}
        else:
            correct = int(rows["exact_match"].sum())
            low, high = wilson_interval(correct, len(rows))
            row |= {"exact_match": correct / len(rows), "low": low, "high": high}
            row |= {"f1": rows["f1"].mean(), "f1_error": rows["f1"].sem()}
        summaries.append(row)
    return pd.DataFrame(summaries, columns=[*SUMMARY, "seconds", "dropped"])


def group_by_condition(answers: pd.DataFrame) -> list[tuple[Condition, pd.DataFrame]]:
    """The rows of each condition, in the order in which they were run; [] of an empty table."""
    groups = answers.groupby(CONDITION, sort=False) if len(answers) else []
    return [(Condition(*key), rows) for key, rows in groups]


def compare_conditions(answers: pd.DataFrame) -> pd.DataFrame:
    """Conditions that differ in selection or decoding only, on the same questions, and every k against zero-shot.

    Answers by McNemar's exact test (only_this, only_that, p) with the mean difference of F1; log-probabilities by
    Wilcoxon's signed-rank test with their mean difference. The 95 % interval is the t interval of the paired
    differences.
    """
    from scipy.stats import t

    rows = []
    for condition, against, pairs in _list_pairs(answers):
        score = "log_probability" if condition.decoding == LOG_PROBABILITY else "f1"
        differences = (pairs[score] - pairs[f"{score}_against"]).to_numpy(float)
        low = high = mean = float(differences.mean())
        if len(differences) > 1 and (error := differences.std(ddof=1) / len(differences) ** 0.5):
            low, high = map(float, t.interval(0.95, len(differences) - 1, mean, error))
        measured = _measure(condition, pairs) | {"difference": mean, "low": low, "high": high}
        rows.append(condition._asdict() | {"against": against} | measured)
    return pd.DataFrame(rows, columns=COMPARISONS)


def _list_pairs(answers: pd.DataFrame) -> Iterator[tuple[Condition, str, pd.DataFrame]]:
    """(nearest, beam, k > 0; what it is compared with; the questions of both) for what is worth a test."""
    for (a, rows_a), (b, rows_b) in combinations(group_by_condition(answers), 2):
        differing = [name for name in CONDITION if getattr(a, name) != getattr(b, name)]
        is_scored = LOG_PROBABILITY in (a.decoding, b.decoding)
        compared = "k" if 0 in (a.k, b.k) else "selection"  # zero-shot is the same under every selection
        is_worth_it = differing == [compared] or (differing == ["decoding"] and not is_scored)
        if is_worth_it and rows_a.id.isin(rows_b.id).any():
            against = f"k = {a.k}" if differing[0] == "k" else getattr(a, differing[0])
            yield b, against, rows_b.merge(rows_a, on="id", suffixes=("", "_against"))


# What the answer in sight is worth


def count_in_sight(answers: pd.DataFrame) -> pd.DataFrame:
    """One row a condition: in how many of its questions a right answer is in sight, and the scores without them.

    The scores are of the `n_without` questions that have it in sight in no condition: the same ones in each row.
    """
    hidden = ~answers["id"].isin(answers.loc[answers["in_sight"] > 0, "id"])
    without = summarise(answers[hidden]).rename(columns={"n": "n_without"})
    counts = [
        condition._asdict() | {"n": len(rows), "in_sight": int((rows["in_sight"] > 0).sum())}
        for condition, rows in group_by_condition(answers)
    ]
    return pd.DataFrame(counts).merge(without.drop(columns=["seconds", "dropped"]), on=CONDITION, how="left")


def compute_tests(answers: pd.DataFrame) -> pd.DataFrame:
    """The paired tests of `compare_conditions`, each with the interval of the same test, and Holm's p over the table.

    Answers: McNemar's exact test, the difference of the shares of right answers, and the exact binomial interval of
    the pairs that differ. Log-probabilities: Wilcoxon's signed-rank test with the Hodges-Lehmann estimate and its
    interval (Hollander and Wolfe, 1999, section 3.2 and 3.3). Columns that end in `_without` are the same over the
    pairs that have the answer in sight on neither side.
    """
    rows = []
    for condition, against, pairs in _list_pairs(answers):
        hidden = pairs[(pairs["in_sight"] == 0) & (pairs["in_sight_against"] == 0)]
        row = condition._asdict() | {"against": against} | _measure(condition, pairs)
        measured = _measure(condition, hidden) if len(hidden) else {}
        rows.append(row | {f"{name}_without": value for name, value in measured.items()})
    tests = pd.DataFrame(rows, columns=[*CONDITION, "against", *TESTED, *(f"{name}_without" for name in TESTED)])
    return adjust_by_holm(adjust_by_holm(tests), "_without")


def adjust_by_holm(tests: pd.DataFrame, suffix: str = "") -> pd.DataFrame:
    """With the column `p_holm`: Holm's p over all tests of the table that have a p."""
    p = tests[f"p{suffix}"].astype(float)
    known = p.notna()
    p[known] = correct_by_holm(p[known].tolist())
    return tests.assign(**{f"p_holm{suffix}": p})


def _measure(condition: Condition, pairs: pd.DataFrame) -> dict[str, float]:
    """The paired test of a condition with the estimate and the interval of the same test."""
    from scipy.stats import binomtest, norm

    n = len(pairs)
    if condition.decoding == LOG_PROBABILITY:
        differences = (pairs["log_probability"] - pairs["log_probability_against"]).to_numpy(float)
        walsh = np.sort((differences[:, None] + differences)[np.triu_indices(n)] / 2)  # (n (n + 1) / 2,)
        spread = norm.ppf(0.975) * math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        rank = max(0, math.floor(n * (n + 1) / 4 - spread))
        estimate = {"n": n, "difference": float(np.median(walsh)), "low": walsh[rank], "high": walsh[-1 - rank]}
        return estimate | {"p": _compute_wilcoxon(tuple(differences))}
    this, that, p = compare_paired(pairs["exact_match"].tolist(), pairs["exact_match_against"].tolist())
    differing = this + that
    interval = binomtest(this, differing).proportion_ci(0.95, method="exact") if differing else (0.5, 0.5)
    low, high = ((2 * share - 1) * differing / n for share in interval)  # of the pairs that differ: of all pairs
    counts = {"n": n, "only_this": this, "only_that": that}
    return counts | {"difference": (this - that) / n, "low": low, "high": high, "p": p}


@lru_cache(1000)
def _compute_wilcoxon(differences: tuple[float, ...]) -> float:
    """Its p, which several tables ask for: of up to 13 differences with ties all 8,192 signs are tried, in a second."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue) if any(differences) else 1.0


# of the answers, by the name of their file
TABLES = {"summary": summarise, "comparisons": compare_conditions, "tests": compute_tests, "sight": count_in_sight}


# Pictures; plotly is imported when one is drawn


def plot_results(summary: pd.DataFrame) -> dict[str, Figure]:
    """The pictures that a run's table has data for, by file name, over k: a colour for each selection.

    exact_match: with 95 % Wilson intervals, a dash for each decoding; log_probability: in nats, 1.96 standard errors.
    """
    figures, is_scored = {}, summary["decoding"] == LOG_PROBABILITY
    generated, scored = summary[~is_scored], summary[is_scored]
    if summary["exact_match"].notna().any():
        share = generated["exact_match"]
        figures["exact_match"] = _plot_lines(generated, share, generated["high"] - share, share - generated["low"])
        figures["exact_match"].update_yaxes(title="exact match", tickformat=".0%", rangemode="tozero")
    if summary["log_probability"].notna().any():
        error = 1.96 * scored["log_probability_error"]
        figures["log_probability"] = _plot_lines(scored, scored["log_probability"], error, error)
        figures["log_probability"].update_yaxes(title="log-probability of the gold answer (nats)")
    return figures


def _plot_lines(rows: pd.DataFrame, measured: pd.Series, above: pd.Series, below: pd.Series) -> Figure:
    """A line for each selection and decoding; the ks are equally far apart."""
    from plotly.graph_objects import Figure

    figure = Figure()
    selections = list(dict.fromkeys(rows["selection"]))
    for (selection, decoding), line in rows.groupby(["selection", "decoding"], sort=False):
        line = line.sort_values("k")
        x, error = [str(k) for k in line["k"]], {"array": above[line.index], "arrayminus": below[line.index]}
        name = selection if decoding == LOG_PROBABILITY else f"{selection}, {decoding}"
        colour = COLOURS[selections.index(selection) % len(COLOURS)]
        options = {"name": name, "line": {"color": colour, "dash": DASHES.get(decoding, "solid")}}
        figure.add_scatter(x=x, y=measured[line.index], error_y=error | {"thickness": 1}, **options)
    figure.update_xaxes(title="demonstrations (k)", type="category")
    return style(figure, height=420, legend={"orientation": "h", "y": -0.2})
