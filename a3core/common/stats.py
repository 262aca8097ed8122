"""What every room says of right and wrong answers: an interval of a share, and the exact paired test. All by scipy."""

from collections.abc import Sequence


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share, (low, high) in [0, 1]. Raises ValueError for a total of 0."""
    from scipy.stats import binomtest

    if total < 1:
        raise ValueError("an interval needs at least one answer")
    interval = binomtest(correct, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


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
    """Holm's p-values (1979) over a family of tests, in its order: by itself, for no library is needed to load."""
    corrected, highest = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        corrected[i] = highest
    return corrected
