"""Tables of a sweep: the scores of each condition, and the paired comparisons the assignment asks for."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from a3core.common.stats import compare_paired, wilson_interval

LOG_PROBABILITY = "log-probability"  # beside the decodings: of the gold answer, without generation


class Condition(NamedTuple):
    """What is varied: one k, selection and decoding, asked all questions."""

    k: int
    selection: str
    decoding: str  # one of a3core.llm.decoding.METHODS, or LOG_PROBABILITY


CONDITION = list(Condition._fields)
SUMMARY = [*CONDITION, "n", "exact_match", "low", "high", "f1", "f1_error", "log_probability", "log_probability_error"]
COMPARISONS = [*CONDITION, "against", "n", "only_this", "only_that", "p", "difference", "low", "high"]


class Results(NamedTuple):
    """A run that was saved."""

    summary: pd.DataFrame
    comparisons: pd.DataFrame
    metadata: dict[str, Any]


def load_results(folder: Path) -> Results:
    """The results in a folder. Raises ValueError if it holds none."""
    try:
        metadata = json.loads((folder / "grid.json").read_text(encoding="utf-8"))
        return Results(pd.read_csv(folder / "summary.csv"), pd.read_csv(folder / "comparisons.csv"), metadata)
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} holds no results of a grid: {error}") from error


def summarise(answers: pd.DataFrame) -> pd.DataFrame:
    """One row a condition: EM with its 95 % Wilson interval, mean F1 and log-probability with standard errors, and the
    seconds.
    """
    rows = [_summarise(condition, group) for condition, group in group_by_condition(answers)]
    return pd.DataFrame(rows, columns=[*SUMMARY, "seconds", "dropped"])


def group_by_condition(answers: pd.DataFrame) -> list[tuple[Condition, pd.DataFrame]]:
    """The rows of each condition, in the order in which they were run; [] of an empty table."""
    groups = answers.groupby(CONDITION, sort=False) if len(answers) else []
    return [(Condition(*key), rows) for key, rows in groups]


def _summarise(condition: Condition, rows: pd.DataFrame) -> dict[str, Any]:
    row = condition._asdict() | {"n": len(rows)}
    row |= {"seconds": rows["seconds"].sum(), "dropped": int(rows["dropped"].sum())}
    if condition.decoding == LOG_PROBABILITY:
        scores = rows["log_probability"]
        return row | {"log_probability": scores.mean(), "log_probability_error": scores.sem()}
    correct = int(rows["exact_match"].sum())
    low, high = wilson_interval(correct, len(rows))
    row |= {"exact_match": correct / len(rows), "low": low, "high": high}
    return row | {"f1": rows["f1"].mean(), "f1_error": rows["f1"].sem()}


def compare_conditions(answers: pd.DataFrame) -> pd.DataFrame:
    """Conditions that differ in selection or decoding only, on the same questions, and every k against zero-shot.

    Answers by McNemar's exact test (only_this, only_that, p) with the mean difference of F1; log-probabilities by
    Wilcoxon's signed-rank test with their mean difference. The 95 % interval is the t interval of the paired
    differences.
    """
    rows = []
    for (a, rows_a), (b, rows_b) in combinations(group_by_condition(answers), 2):
        differing = [name for name in CONDITION if getattr(a, name) != getattr(b, name)]
        if _is_worth_a_test(a, b, differing) and rows_a.id.isin(rows_b.id).any():
            rows.append(_compare(a, rows_a, b, rows_b, differing[0]))
    return pd.DataFrame(rows, columns=COMPARISONS)


def _is_worth_a_test(a: Condition, b: Condition, differing: list[str]) -> bool:
    """Whether exactly one field differs, and it is one that is compared."""
    if differing == ["decoding"]:
        return LOG_PROBABILITY not in (a.decoding, b.decoding)
    is_zero_shot = 0 in (a.k, b.k)  # the same under every selection
    return differing == (["k"] if is_zero_shot else ["selection"])


def _compare(a: Condition, rows_a: pd.DataFrame, b: Condition, rows_b: pd.DataFrame, differing: str) -> dict[str, Any]:
    """`b` (nearest, beam, k > 0) against `a` (random, greedy, k = 0), question by question."""
    from scipy.stats import wilcoxon

    pairs = rows_b.merge(rows_a, on="id", suffixes=("", "_against"))
    against = f"k = {a.k}" if differing == "k" else getattr(a, differing)
    row = b._asdict() | {"against": against, "n": len(pairs)}
    score = "log_probability" if b.decoding == LOG_PROBABILITY else "f1"
    differences = (pairs[score] - pairs[f"{score}_against"]).to_numpy(float)
    if b.decoding == LOG_PROBABILITY:
        row |= {"p": float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0}
    else:
        only_this, only_that, p = compare_paired(pairs["exact_match"].tolist(), pairs["exact_match_against"].tolist())
        row |= {"only_this": only_this, "only_that": only_that, "p": p}
    low, high = _t_interval(differences)
    return row | {"difference": float(differences.mean()), "low": low, "high": high}


def _t_interval(differences: np.ndarray) -> tuple[float, float]:
    from scipy.stats import t

    mean = float(differences.mean())
    if len(differences) < 2 or not (error := differences.std(ddof=1) / len(differences) ** 0.5):
        return mean, mean
    low, high = t.interval(0.95, len(differences) - 1, mean, error)
    return float(low), float(high)
