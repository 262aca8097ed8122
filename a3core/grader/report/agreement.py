"""Do annotators agree with each other, and with themselves? Kappas and alpha, each with its 95 % interval.

    response    Ada        Ben        Cleo
    1           correct    correct    correct
    2           flawed     correct    flawed
    3           flawed     flawed     flawed
    4           correct    correct    -             Ada and Ben: raw agreement 3/4, Cohen's kappa 0.5

Cohen's kappa for each two annotators, Fleiss' kappa for three and more, Krippendorff's nominal alpha for any, over the
labels of each annotator's first round; Cohen's kappa of round 1 against round 2 is agreement with oneself. An
adjudicator's decisions take no part.

An interval holds the middle 95 % of 2,000 bootstrap samples of the responses, drawn with a fixed seed. What matters of
a response is only which labels it got, and few such patterns exist: a sample is one multinomial draw of how often each
pattern occurs, which is the same thing as drawing the responses themselves, and takes milliseconds. The coefficients
of all samples are computed at once by the textbook formulas; the tests hold them against scikit-learn, statsmodels and
krippendorff, which would take two seconds to import. An interval is
None, with a sentence, where the bootstrap samples do not vary: full agreement on a few responses does not prove itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import combinations, compress
from typing import TYPE_CHECKING, Any, NamedTuple

from a3core.common.stats import SAMPLES, SEED
from a3core.grader.labels.schema import FIRST, FIRST_WRONG_STEP, REPEAT, Schema
from a3core.grader.report.build import Column, join_rounds, read_rounds
from a3core.grader.report.measures import Ids, Row
from a3core.grader.runs.responses import Label

if TYPE_CHECKING:
    import numpy as np

COHEN, FLEISS, ALPHA = "Cohen's kappa", "Fleiss' kappa", "Krippendorff's alpha"
ONESELF = "Cohen's kappa with oneself"
NOTHING = {COHEN: "No response is labelled by both.", ONESELF: "No response is labelled in both rounds."}
MOST_ANNOTATORS = 12  # whose pairs are compared, those with most labels; Fleiss and alpha take all of them
MOST_UNDEFINED = 0.05  # of the bootstrap samples may hold one value only; they are left out
MOST_VALUES = 200  # different labels of a field: beyond, they are no categories, and tables of V x V cells grow large

Names = tuple[str, ...]
Patterns = Counter[tuple[str, ...]]  # the labels that a response got -> how many responses got them


class Coefficient(NamedTuple):
    """Agreement on n responses; where something is None, `note` says why."""

    field: str
    name: str  # COHEN, FLEISS, ALPHA or ONESELF
    annotators: Names
    n: int
    raw: float | None  # share of equal labels; with more than two, of equal pairs, averaged over responses
    ids: Ids
    differing_ids: Ids  # the responses whose labels differ
    value: float | None = None
    low: float | None = None  # of the 95 % interval
    high: float | None = None
    note: str = ""

    @property
    def who(self) -> str:
        return " and ".join(self.annotators) if len(self.annotators) < 3 else f"all {len(self.annotators)} annotators"


def build_agreement(
    labels: Sequence[Label], schema: Schema, ids: Iterable[str] = (), shared: Collection[str] | None = None
) -> Row:
    """Agreement on each question of the schema, and on the first wrong step where anybody labelled it.

    Returns coefficients, by field in the schema's order: alpha, Fleiss, pairs, oneself; and notes, sentences.
    `ids`: of the responses in their order. `shared`: ids of those that all annotators of a run that is dealt out got;
    others are compared with oneself alone. Raises ValueError for a label that is there twice.
    """
    ids, rounds = read_rounds(labels, ids)
    dealt = rounds if shared is None else read_rounds([one for one in labels if one.response_id in shared], ids)[1]
    given, first, again = join_rounds(dealt), rounds.get(FIRST, {}), rounds.get(REPEAT, {})
    coefficients: list[Coefficient] = []
    notes = []
    for field in (*schema.fields, *([FIRST_WRONG_STEP] if FIRST_WRONG_STEP in given else [])):
        own = _sort_by_count(given.get(field, {}))
        coefficients += _compare_all(field, own, ids)
        for a, b in combinations(list(own)[:MOST_ANNOTATORS], 2):
            both = (compress(column, own[b]) for column in (own[a], own[b]))  # where b, who has fewer labels, has one
            coefficients.append(compare(field, COHEN, (a, b), tuple(compress(ids, own[b])), both))
        for annotator, second in _sort_by_count(again.get(field, {})).items():
            left = first.get(field, {}).get(annotator, [None] * len(ids))
            coefficients.append(compare(field, ONESELF, (annotator,), ids, (left, second)))
        if len(own) > MOST_ANNOTATORS:
            few = f"of {len(own)} annotators, only the {MOST_ANNOTATORS} with most labels are compared two by two"
            notes.append(f"{field}: {few}; Krippendorff's alpha takes all of them.")
    return {"coefficients": tuple(coefficients), "notes": tuple(notes)}


def _sort_by_count(given: Mapping[str, Column]) -> dict[str, Column]:
    return dict(sorted(given.items(), key=lambda item: item[1].count(None)))


def _compare_all(field: str, given: Mapping[str, Column], ids: Ids) -> Iterable[Coefficient]:
    """Alpha, and Fleiss' kappa of three and more on the responses that have the most usual number of labels."""
    who, columns = tuple(given), given.values()
    alpha = compare(field, ALPHA, who, ids, columns)
    if len(who) < 2:
        nothing = "Only one annotator labelled this: agreement needs two." if who else "Nobody labelled this yet."
        alpha = alpha._replace(note=nothing)
    yield alpha
    if len(who) > 2:
        sizes = Counter(len(values) - values.count(None) for values in zip(*columns, strict=True))
        usual = max((size for size in sizes if size > 1), key=lambda size: (sizes[size], size), default=0)
        fleiss = compare(field, FLEISS, who, ids, columns, size=usual)
        left_out = f"Without {alpha.n - fleiss.n} responses that do not have {usual} labels. "
        yield fleiss._replace(note=f"{left_out if fleiss.n < alpha.n else ''}{fleiss.note}".strip())


def compare(
    field: str, name: str, annotators: Names, ids: Ids, columns: Iterable[Column], size: int | None = None
) -> Coefficient:
    """A coefficient of columns of labels over these responses, those with `size` labels, or with two and more."""
    units = list(zip(*columns, strict=True))
    counts = Counter(units)  # a few, however many responses there are
    given = {unit: tuple(filter(None, unit)) for unit in counts}
    given = {unit: own for unit, own in given.items() if (len(own) == size if size else len(own) > 1)}
    patterns: Patterns = Counter()
    for unit, own in given.items():
        patterns[own if name in (COHEN, ONESELF) else tuple(sorted(own))] += counts[unit]
    n = patterns.total()
    pairs = {values: len(values) * (len(values) - 1) for values in patterns}
    equal = {values: sum(k * (k - 1) for k in Counter(values).values()) for values in patterns}
    raw = sum(n * (equal[values] / pairs[values]) for values, n in patterns.items()) / n if n else None
    opened = {"ids": given, "differing_ids": {unit for unit, own in given.items() if len(set(own)) > 1}}
    opened = {column: tuple(compress(ids, map(of.__contains__, units))) for column, of in opened.items()}
    compute = {ALPHA: compute_alpha, FLEISS: compute_fleiss}.get(name, compute_cohen)
    estimated = estimate(patterns, compute) if n or name not in NOTHING else {"note": NOTHING[name]}
    return Coefficient(field=field, name=name, annotators=annotators, n=n, raw=raw, **opened, **estimated)


# Coefficients of patterns


def estimate(patterns: Patterns, compute: Callable) -> dict[str, Any]:
    """value, low and high of a coefficient of labelled responses by `compute`, with the middle 95 % of its bootstrap
    samples; `note`, a sentence, where some of it is not known.
    """
    if not patterns:
        return {"note": "No response is labelled by two annotators."}
    n = len(_list_values(patterns))
    if n > MOST_VALUES:
        return {"note": f"The labels have {n} different values (at most {MOST_VALUES}): they are no categories."}
    if n == 1:
        return {"note": "Every label is the same: agreement cannot be told from chance."}
    import numpy as np

    counts = np.array(list(patterns.values()))
    value = float(compute(patterns, counts[None])[0])
    draws = np.random.default_rng(SEED).multinomial(counts.sum(), counts / counts.sum(), size=SAMPLES)
    samples = compute(patterns, draws)
    defined = samples[~np.isnan(samples)]
    if len(defined) < (1 - MOST_UNDEFINED) * SAMPLES:
        return {"value": value, "note": "No interval: too few responses have a label other than the rest."}
    low, high = np.quantile(defined, (0.025, 0.975))
    if high - low < 1e-9:
        return {"value": value, "note": "No interval: the responses are too alike, or too few, for a bootstrap."}
    return {"value": value, "low": float(low), "high": float(high)}


def _list_values(patterns: Patterns) -> list[str]:
    return sorted({value for pattern in patterns for value in pattern})


def _observe(patterns: Patterns, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each draw the share of equal pairs of labels, (draws,), and how often each value occurs, (draws, values)."""
    import numpy as np

    columns = {value: i for i, value in enumerate(_list_values(patterns))}
    tally = np.zeros((len(patterns), len(columns)))  # how often each value occurs in each pattern
    for row, pattern in zip(tally, patterns, strict=True):
        for value in pattern:
            row[columns[value]] += 1
    margins = draws @ tally
    return draws @ ((tally * (tally - 1)).sum(1) / (tally.sum(1) - 1)) / margins.sum(1), margins


def compute_cohen(patterns: Patterns, draws: np.ndarray) -> np.ndarray:
    """Cohen's kappa (1960) of each draw, shape (draws,), nan where it is undefined; draws have shape (draws, patterns).

    A pattern is one annotator's label and the other's.
    """
    import numpy as np

    values = _list_values(patterns)
    left, right = (
        np.array([[float(pattern[side] == value) for value in values] for pattern in patterns]) for side in (0, 1)
    )
    n = draws.sum(1)
    observed = draws @ (left * right).sum(1) / n
    expected = ((draws @ left) * (draws @ right)).sum(1) / n**2
    return _correct_for_chance(observed, expected)


def compute_fleiss(patterns: Patterns, draws: np.ndarray) -> np.ndarray:
    """Fleiss' kappa (1971) of each draw, shape (draws,), nan where it is undefined.

    Every pattern has the same number of labels, at least two, in any order.
    """
    observed, margins = _observe(patterns, draws)
    return _correct_for_chance(observed, (margins**2).sum(1) / margins.sum(1) ** 2)


def compute_alpha(patterns: Patterns, draws: np.ndarray) -> np.ndarray:
    """Krippendorff's nominal alpha of each draw, shape (draws,), nan where it is undefined.

    Patterns have two labels or more, in any order.
    """
    observed, margins = _observe(patterns, draws)
    n = margins.sum(1)  # labels, not responses
    return _correct_for_chance(observed, (margins * (margins - 1)).sum(1) / (n * (n - 1)))


def _correct_for_chance(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    import numpy as np

    beyond_chance = 1 - expected  # the most agreement that chance does not explain
    defined = beyond_chance > 1e-12
    return np.where(defined, (observed - expected) / np.where(defined, beyond_chance, 1), np.nan)
