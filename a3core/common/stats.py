"""What every room says of right and wrong answers: an interval of a share, and the exact paired test.

The interval and Holm's method are written out, for the page says them before it needs any library of statistics; tests
compare them with scipy and statsmodels.
"""

from collections.abc import Sequence
from math import sqrt

Z = 1.959963984540054  # of the normal distribution, for 95 %


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, (low, high) in [0, 1]. Raises ValueError for a total of 0."""
    if total < 1:
        raise ValueError("an interval needs at least one answer")
    share, width = correct / total, 2 * (total + Z**2)
    middle = (2 * total * share + Z**2) / width
    half = Z / width * sqrt(4 * total * share * (1 - share) + Z**2)
    return 0.0 if correct == 0 else middle - half, 1.0 if correct == total else middle + half


def compare_paired(a: Sequence[bool], b: Sequence[bool]) -> tuple[int, int, float]:
    """Questions that only a has right, that only b has right, and the two-sided exact p-value (McNemar's test)."""
    only_a = sum(x and not y for x, y in zip(a, b, strict=True))
    only_b = sum(y and not x for x, y in zip(a, b, strict=True))
    return only_a, only_b, compute_mcnemar(only_a, only_b)


def compute_mcnemar(only_a: int, only_b: int) -> float:
    """McNemar's two-sided exact p-value, from the questions that one of two has right alone."""
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def correct_by_holm(p: Sequence[float]) -> list[float]:
    """Holm's p-values (1979) over a family of tests, in its order."""
    corrected, highest = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        corrected[i] = highest
    return corrected
