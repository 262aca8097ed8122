"""Do annotators agree with each other, and with themselves? Kappas and alpha, each with its 95 % interval.

    response    Ada        Ben        Cleo
    1           correct    correct    correct
    2           flawed     correct    flawed
    3           flawed     flawed     flawed
    4           correct    correct    -             Ada and Ben: raw agreement 3/4, Cohen's kappa 0.5

Cohen's kappa for each two annotators (scikit-learn), Fleiss' kappa for three and more (statsmodels), Krippendorff's
alpha for any (krippendorff, nominal), over the labels of each annotator's first round; Cohen's kappa of round 1 against
round 2 is agreement with oneself. An adjudicator's decisions take no part.

The intervals are a seeded percentile bootstrap over the responses (`kappas`). They are None, with a sentence,
where the bootstrap samples do not vary: full agreement on a few responses does not prove itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from a3core.grader.labels.schema import FIRST_WRONG_STEP, Schema
from a3core.grader.report.build import first_round
from a3core.grader.report.kappas import Estimate, Patterns, estimate_alpha, estimate_cohen, estimate_fleiss
from a3core.grader.report.measures import Ids, build_frame, write_json
from a3core.grader.runs.responses import Label

if TYPE_CHECKING:
    from pandas import DataFrame

COHEN, FLEISS, ALPHA = "Cohen's kappa", "Fleiss' kappa", "Krippendorff's alpha"
ONESELF = "Cohen's kappa with oneself"
MOST_ANNOTATORS = 12  # whose pairs are compared, those with most labels; Fleiss and alpha take all of them

Units = Mapping[str, tuple[str, ...]]  # response id -> its labels


class Coefficient(NamedTuple):
    """Agreement on n responses; where something is None, `note` says why."""

    field: str
    name: str  # COHEN, FLEISS, ALPHA or ONESELF
    annotators: tuple[str, ...]
    n: int
    raw: float | None  # share of equal labels; with more than two, of equal pairs, averaged over responses
    value: float | None
    low: float | None
    high: float | None
    note: str
    ids: Ids
    differing_ids: Ids  # the responses whose labels differ

    @property
    def who(self) -> str:
        return " and ".join(self.annotators) if len(self.annotators) < 3 else f"all {len(self.annotators)} annotators"


@dataclass(frozen=True)
class Agreement:
    """Coefficients by field, in the schema's order: alpha, Fleiss, pairs, oneself."""

    coefficients: tuple[Coefficient, ...]
    notes: tuple[str, ...]

    def to_json(self, ids: bool = True) -> str:
        return write_json(self, ids)


def build_agreement(labels: Sequence[Label], schema: Schema) -> Agreement:
    """Agreement on each question of the schema, and on the first wrong step where anybody labelled it.

    Raises ValueError for a label that is there twice.
    """
    rounds = [_by_annotator(first_round([label for label in labels if label.round == i])) for i in (1, 2)]
    votes = first_round(labels)
    given = _by_annotator(votes)
    fields = (*schema.fields, *([FIRST_WRONG_STEP] if FIRST_WRONG_STEP in votes else []))
    coefficients: list[Coefficient] = []
    for field in fields:
        coefficients += _compare_all(field, votes.get(field, {}), list(given[field]))
        coefficients += _compare_pairs(field, given[field])
        coefficients += _compare_rounds(field, rounds[0][field], rounds[1][field])
    return Agreement(tuple(coefficients), tuple(_note(given, fields)))


def _by_annotator(votes: Mapping[str, Mapping[str, dict[str, str]]]) -> Mapping[str, dict[str, dict[str, str]]]:
    """Field -> annotator -> response id -> value, those with most labels first."""
    given: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for field, responses in votes.items():
        for id_, values in responses.items():
            for annotator, value in values.items():
                given[field].setdefault(annotator, {})[id_] = value
        given[field] = dict(sorted(given[field].items(), key=lambda item: -len(item[1])))
    return given


def _compare_all(field: str, votes: Mapping[str, dict[str, str]], annotators: list[str]) -> Iterable[Coefficient]:
    who = tuple(annotators)
    if len(annotators) < 2:
        note = "Only one annotator labelled this: agreement needs two." if annotators else "Nobody labelled this yet."
        yield _build_coefficient(field, ALPHA, who, {}, Estimate(None, None, None, note))
        return
    units = {id_: tuple(sorted(values.values())) for id_, values in votes.items() if len(values) > 1}
    yield _build_coefficient(field, ALPHA, who, units, estimate_alpha(_count_patterns(units)))
    if len(annotators) > 2:
        yield _compare_equally_often(field, who, units)


def _compare_equally_often(field: str, annotators: tuple[str, ...], units: Units) -> Coefficient:
    """Fleiss' kappa on the responses that have the most usual number of labels; the note says what that leaves out."""
    sizes = Counter(map(len, units.values()))
    usual = max(sizes, key=lambda size: (sizes[size], size), default=0)
    complete = {id_: values for id_, values in units.items() if len(values) == usual}
    estimate = estimate_fleiss(_count_patterns(complete))
    if len(complete) < len(units):
        left_out = f"Without {len(units) - len(complete)} responses that do not have {usual} labels."
        estimate = estimate._replace(note=f"{left_out} {estimate.note}".strip())
    return _build_coefficient(field, FLEISS, annotators, complete, estimate)


def _compare_pairs(field: str, given: Mapping[str, dict[str, str]]) -> Iterable[Coefficient]:
    for a, b in combinations(list(given)[:MOST_ANNOTATORS], 2):
        yield _compare_two(field, COHEN, (a, b), given[a], given[b], "No response is labelled by both.")


def _compare_rounds(
    field: str, first: Mapping[str, dict[str, str]], second: Mapping[str, dict[str, str]]
) -> Iterable[Coefficient]:
    for annotator in second:
        labels = first.get(annotator, {}), second[annotator]
        yield _compare_two(field, ONESELF, (annotator,), *labels, "No response is labelled in both rounds.")


def _compare_two(
    field: str, name: str, annotators: tuple[str, ...], a: dict[str, str], b: dict[str, str], nothing: str
) -> Coefficient:
    units = {id_: (value, b[id_]) for id_, value in a.items() if id_ in b}
    estimate = estimate_cohen(_count_patterns(units)) if units else Estimate(None, None, None, nothing)
    return _build_coefficient(field, name, annotators, units, estimate)


def _count_patterns(units: Units) -> Patterns:
    return Counter(units.values())


def _build_coefficient(
    field: str, name: str, annotators: tuple[str, ...], units: Units, estimate: Estimate
) -> Coefficient:
    patterns = _count_patterns(units).items()  # a few, however many responses there are
    raw = sum(n * _share_equal_pairs(values) for values, n in patterns) / len(units) if units else None
    differing = tuple(id_ for id_, values in units.items() if len(set(values)) > 1)
    return Coefficient(
        field=field,
        name=name,
        annotators=annotators,
        n=len(units),
        raw=raw,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        note=estimate.note,
        ids=tuple(units),
        differing_ids=differing,
    )


def _share_equal_pairs(values: tuple[str, ...]) -> float:
    if len(set(values)) == 1:
        return 1.0
    m = len(values)
    return sum(k * (k - 1) for k in Counter(values).values()) / (m * (m - 1))


def _note(given: Mapping[str, dict[str, dict[str, str]]], fields: Iterable[str]) -> Iterable[str]:
    for field in fields:
        if len(given[field]) > MOST_ANNOTATORS:
            yield (
                f"{field}: of {len(given[field])} annotators, only the {MOST_ANNOTATORS} with most labels are compared "
                "two by two; Krippendorff's alpha takes all of them."
            )


def tabulate_agreement(agreement: Agreement) -> DataFrame:
    """One row for each coefficient; `who` names the annotators."""
    columns = ("field", "name", "who", "n", "raw", "value", "low", "high", "note", "ids", "differing_ids")
    return build_frame((row._asdict() | {"who": row.who} for row in agreement.coefficients), columns)
