"""Coefficients of agreement beyond chance, from libraries, each with a 95 % bootstrap interval.

    >>> estimate_cohen(Counter({("correct", "correct"): 40, ("flawed", "flawed"): 30, ("correct", "flawed"): 10}))
    Estimate(value=0.75, low=0.603622291021672, high=0.8753117206982544, note='')

The value is scikit-learn's (Cohen), statsmodels' (Fleiss) or krippendorff's (alpha, nominal). The interval holds the
middle 95 % of 2,000 bootstrap samples of the responses, drawn with a fixed seed. What matters of a response is only
which labels it got, and few such patterns exist: a sample is one multinomial draw of how often each pattern occurs,
which is the same thing as drawing the responses themselves, and takes milliseconds. The coefficients of all samples
are computed at once by the textbook formulas (the tests hold them against the libraries).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

SAMPLES, SEED = 2000, 0
MOST_UNDEFINED = 0.05  # of the bootstrap samples may hold one value only; they are left out
MOST_VALUES = 200  # different labels of a field: beyond, they are no categories, and tables of V x V cells grow large

Patterns = Counter[tuple[str, ...]]  # the labels that a response got -> how many responses got them


class Estimate(NamedTuple):
    """A coefficient; None where `note`, a sentence, says why."""

    value: float | None
    low: float | None
    high: float | None
    note: str = ""


def estimate_cohen(patterns: Patterns) -> Estimate:
    """Cohen's kappa (1960); patterns are (one annotator's label, the other's)."""
    if problem := _find_problem(patterns):
        return Estimate(None, None, None, problem)
    from sklearn.metrics import cohen_kappa_score

    left, right = zip(*patterns, strict=True)
    value = cohen_kappa_score(left, right, labels=_list_values(patterns), sample_weight=list(patterns.values()))
    return _with_interval(float(value), patterns, compute_cohen)


def estimate_fleiss(patterns: Patterns) -> Estimate:
    """Fleiss' kappa (1971); every pattern has the same number of labels, at least two, in any order."""
    if problem := _find_problem(patterns):
        return Estimate(None, None, None, problem)
    from statsmodels.stats.inter_rater import fleiss_kappa

    return _with_interval(float(fleiss_kappa(_tally_responses(patterns))), patterns, compute_fleiss)


def estimate_alpha(patterns: Patterns) -> Estimate:
    """Krippendorff's alpha for nominal labels; patterns have two labels or more, in any order."""
    if problem := _find_problem(patterns):
        return Estimate(None, None, None, problem)
    from krippendorff import alpha

    value = alpha(value_counts=_tally_responses(patterns), level_of_measurement="nominal")
    return _with_interval(float(value), patterns, compute_alpha)


def _find_problem(patterns: Patterns) -> str:
    if not patterns:
        return "No response is labelled by two annotators."
    values = _list_values(patterns)
    if len(values) > MOST_VALUES:
        return f"The labels have {len(values)} different values (at most {MOST_VALUES}): they are no categories."
    if len(values) == 1:
        return "Every label is the same: agreement cannot be told from chance."
    return ""


def _list_values(patterns: Patterns) -> list[str]:
    return sorted({value for pattern in patterns for value in pattern})


def _tally(patterns: Patterns) -> np.ndarray:
    """How often each value occurs in each pattern, shape (patterns, values)."""
    import numpy as np

    columns = {value: i for i, value in enumerate(_list_values(patterns))}
    tally = np.zeros((len(patterns), len(columns)))
    for row, pattern in zip(tally, patterns, strict=True):
        for value in pattern:
            row[columns[value]] += 1
    return tally


def _tally_responses(patterns: Patterns) -> np.ndarray:
    """How often each value occurs in each response, shape (responses, values)."""
    import numpy as np

    return np.repeat(_tally(patterns).astype(int), list(patterns.values()), axis=0)


def _with_interval(value: float, patterns: Patterns, compute: Callable) -> Estimate:
    import numpy as np

    counts = np.array(list(patterns.values()))
    draws = np.random.default_rng(SEED).multinomial(counts.sum(), counts / counts.sum(), size=SAMPLES)
    samples = compute(patterns, draws)
    defined = samples[~np.isnan(samples)]
    if len(defined) < (1 - MOST_UNDEFINED) * SAMPLES:
        return Estimate(value, None, None, "No interval: too few responses have a label other than the rest.")
    low, high = np.quantile(defined, (0.025, 0.975))
    if high - low < 1e-9:
        return Estimate(value, None, None, "No interval: the responses are too alike, or too few, for a bootstrap.")
    return Estimate(value, float(low), float(high))


def compute_cohen(patterns: Patterns, draws: np.ndarray) -> np.ndarray:
    """Cohen's kappa of each draw, shape (draws,), nan where it is undefined; draws have shape (draws, patterns)."""
    import numpy as np

    left, right = (_tally_side(patterns, side) for side in (0, 1))
    n = draws.sum(1)
    observed = draws @ (left * right).sum(1) / n
    expected = ((draws @ left) * (draws @ right)).sum(1) / n**2
    return _correct_for_chance(observed, np.asarray(expected))


def _tally_side(patterns: Patterns, side: int) -> np.ndarray:
    import numpy as np

    values = _list_values(patterns)
    return np.array([[float(pattern[side] == value) for value in values] for pattern in patterns])


def compute_fleiss(patterns: Patterns, draws: np.ndarray) -> np.ndarray:
    """Fleiss' kappa of each draw, shape (draws,), nan where it is undefined."""
    tally = _tally(patterns)
    m = tally.sum(1)
    margins = draws @ tally
    observed = draws @ ((tally * (tally - 1)).sum(1) / (m * (m - 1))) / draws.sum(1)
    return _correct_for_chance(observed, (margins**2).sum(1) / margins.sum(1) ** 2)


def compute_alpha(patterns: Patterns, draws: np.ndarray) -> np.ndarray:
    """Krippendorff's nominal alpha of each draw, shape (draws,), nan where it is undefined."""
    tally = _tally(patterns)
    margins = draws @ tally
    n = margins.sum(1)  # labels, not responses
    observed = draws @ ((tally * (tally - 1)).sum(1) / (tally.sum(1) - 1)) / n
    return _correct_for_chance(observed, (margins * (margins - 1)).sum(1) / (n * (n - 1)))


def _correct_for_chance(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    import numpy as np

    beyond_chance = 1 - expected  # the most agreement that chance does not explain
    defined = beyond_chance > 1e-12
    return np.where(defined, (observed - expected) / np.where(defined, beyond_chance, 1), np.nan)
