"""Tables of a grid: what each way of asking scores, and the paired comparisons the assignment asks for."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from a3core.fewshot.scoring import compare_matches, wilson_interval

CELL = ["k", "selection", "decoding"]
SUMMARY = [*CELL, "n", "exact_match", "low", "high", "f1", "f1_error", "log_probability", "log_probability_error"]
COMPARISONS = [*CELL, "against", "n", "only_this", "only_that", "p", "difference", "low", "high"]


def summarise(answers: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: EM with its 95 % Wilson interval, mean F1 and log-probability with standard errors, seconds."""
    if answers.empty:
        return pd.DataFrame(columns=[*SUMMARY, "seconds", "dropped"])
    return pd.DataFrame([_summarise(cell, rows) for cell, rows in answers.groupby(CELL, sort=False)])


def _summarise(cell: tuple, rows: pd.DataFrame) -> dict:
    facts = dict(zip(CELL, cell, strict=True)) | {"n": len(rows)}
    if "exact_match" in rows and rows["exact_match"].notna().all():
        low, high = wilson_interval(int(rows["exact_match"].sum()), len(rows))
        facts |= {"exact_match": rows["exact_match"].mean(), "low": low, "high": high}
        facts |= {"f1": rows["f1"].mean(), "f1_error": rows["f1"].sem()}
    else:
        facts |= {"log_probability": rows["log_probability"].mean()}
        facts |= {"log_probability_error": rows["log_probability"].sem()}
    return facts | {"seconds": rows["seconds"].sum(), "dropped": int(rows["dropped"].sum())}


def compare_cells(answers: pd.DataFrame) -> pd.DataFrame:
    """Cells that differ in selection or decoding only, on the same questions, and every k against k = 0.

    Answers by McNemar's exact test, with the difference of the mean F1; log-probabilities by the mean difference and
    Wilcoxon's signed-rank test. The 95 % interval of a difference is the t interval of the paired differences.
    """
    cells = list(answers.groupby(CELL, sort=False)) if len(answers) else []
    rows = [
        _compare(a, b, rows_a, rows_b) for (a, rows_a), (b, rows_b) in combinations(cells, 2) if _belong_together(a, b)
    ]
    return pd.DataFrame(rows, columns=COMPARISONS)


def _belong_together(a: tuple, b: tuple) -> bool:
    """Whether exactly one of k, selection and decoding differs; zero-shot is the same under every selection."""
    differing = [name for name, x, y in zip(CELL, a, b, strict=True) if x != y]
    if a[0] == 0 or b[0] == 0:
        return differing in (["k"], ["decoding"])
    return differing in (["selection"], ["decoding"])


def _compare(a: tuple, b: tuple, rows_a: pd.DataFrame, rows_b: pd.DataFrame) -> dict:
    """`b` (nearest, beam, k > 0) against `a` (random, greedy, k = 0)."""
    pairs = rows_b.merge(rows_a, on="id", suffixes=("", "_against"))
    facts = dict(zip(CELL, b, strict=True)) | {
        "against": ", ".join(f"{x}" for x, y in zip(a, b, strict=True) if x != y)
    }
    if "exact_match" in pairs and pairs["exact_match"].notna().all():
        test = compare_matches(pairs["exact_match"].tolist(), pairs["exact_match_against"].tolist())
        facts |= {"only_this": test.only_a, "only_that": test.only_b, "p": test.p}
        differences = pairs["f1"] - pairs["f1_against"]
    else:
        differences = pairs["log_probability"] - pairs["log_probability_against"]
        facts |= {"p": _wilcoxon(differences.to_numpy(float))}
    low, high = _t_interval(differences.to_numpy(float))
    return facts | {"n": len(pairs), "difference": differences.mean(), "low": low, "high": high}


def _wilcoxon(differences: np.ndarray) -> float:
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def _t_interval(differences: np.ndarray) -> tuple[float, float]:
    from scipy.stats import t

    if len(differences) < 2 or not (error := differences.std(ddof=1) / len(differences) ** 0.5):
        return (float(differences.mean()),) * 2
    low, high = t.interval(0.95, len(differences) - 1, differences.mean(), error)
    return float(low), float(high)
