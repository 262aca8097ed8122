"""What every room says of right and wrong answers: an interval of a share, and exact tests.

They are written out, for the page says them before it needs any library of statistics, which takes a second to import;
tests compare them with scipy and statsmodels.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import compress
from math import comb, sqrt

Z = 1.959963984540054  # of the normal distribution, for 95 %
SAMPLES, SEED = 2000, 0  # of a bootstrap


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, (low, high) in [0, 1]. Raises ValueError for a total of 0."""
    if total < 1:
        raise ValueError("an interval needs at least one answer")
    share, width = correct / total, 2 * (total + Z**2)
    middle = (2 * total * share + Z**2) / width
    half = Z / width * sqrt(4 * total * share * (1 - share) + Z**2)
    return 0.0 if correct == 0 else middle - half, 1.0 if correct == total else middle + half


def share_interval(hits: Sequence[bool], clusters: Sequence[Hashable]) -> tuple[float, float]:
    """A 95 % interval of the share of hits, at least one, of which each belongs to a cluster, such as its question.

    Wilson's where every cluster has one, else `bootstrap_clusters`; Wilson's also where all samples are alike.
    """
    return bootstrap_clusters(hits, clusters) or wilson_interval(sum(hits), len(hits))


def bootstrap_clusters(hits: Sequence[bool], clusters: Sequence[Hashable]) -> tuple[float, float] | None:
    """A 95 % interval of the share of hits, (low, high) in [0, 1]: 2,000 samples of whole clusters, seeded.

    Clusters with equal counts are alike, so a sample is one multinomial draw of how often each pair of counts occurs.
    None where no cluster has two, where there is one cluster only, or where all are alike.
    """
    sizes, own = Counter(clusters), Counter(compress(clusters, hits))
    if len(sizes) in (0, 1, len(clusters)) or len({*hits}) < 2:
        return None
    import numpy as np

    patterns = Counter((own[cluster], size) for cluster, size in sizes.items())
    counts = np.array(list(patterns.values()))
    draws = np.random.default_rng(SEED).multinomial(counts.sum(), counts / counts.sum(), size=SAMPLES)
    k, n = (draws @ np.array(list(patterns))).T  # of each sample
    low, high = np.quantile(k / n, (0.025, 0.975))
    return (float(low), float(high)) if high > low else None


def compare_paired(a: Sequence[bool], b: Sequence[bool]) -> tuple[int, int, float]:
    """Questions that only a has right, that only b has right, and the two-sided exact p-value (McNemar's test)."""
    only_a = sum(x and not y for x, y in zip(a, b, strict=True))
    only_b = sum(y and not x for x, y in zip(a, b, strict=True))
    return only_a, only_b, compute_mcnemar(only_a, only_b)


def compute_mcnemar(only_a: int, only_b: int) -> float:
    """McNemar's two-sided exact p-value, from the questions that one of two has right alone."""
    n = only_a + only_b
    counts = [1]  # in which k of the n fall to one of the two
    for k in range(min(only_a, only_b)):
        counts.append(counts[-1] * (n - k) // (k + 1))
    return min(1.0, 2 * sum(counts) / 2**n)


def compute_fisher(a: int, b: int, c: int, d: int) -> float:
    """Fisher's two-sided exact p-value of the table [[a, b], [c, d]], in whole numbers: all tables with its margins
    that are at most as likely.
    """
    row, column, n = a + b, a + c, a + b + c + d
    low = max(0, row + column - n)
    counts = [comb(row, low) * comb(n - row, column - low)]  # of the table with this number in its corner
    for x in range(low, min(row, column)):
        counts.append(counts[-1] * (row - x) * (column - x) // ((x + 1) * (n - row - column + x + 1)))
    return sum(count for count in counts if count <= counts[a - low]) / sum(counts)


def correct_by_holm(p: Sequence[float]) -> list[float]:
    """Holm's p-values (1979) over a family of tests, in its order."""
    corrected, highest = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        corrected[i] = highest
    return corrected
