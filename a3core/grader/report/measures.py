"""What a report measures: proportions with intervals, answers against explanations, prompt kinds, first wrong steps.

    >>> format_proportion(build_proportion(ids=("4", "7", "9"), rest_ids=("5",)))
    '3 of 4 (75 %, 95 % interval 30 % to 95 %)'

Each number can be opened: the ids of the responses behind it are beside it. Tables are pandas DataFrames of plain
Python objects: what is not known is None (never NaN), text is as it was given, and a column `ids` (where two groups of
responses matter, also `rest_ids`) opens a row.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from a3core.common.stats import compare_paired, wilson_interval
from a3core.grader.labels.schema import CORRECT, NO_WRONG_STEP, UNSURE
from a3core.grader.runs.responses import Response

if TYPE_CHECKING:
    from pandas import DataFrame

Ids = tuple[str, ...]
FIFTHS = ("first fifth", "second fifth", "third fifth", "fourth fifth", "last fifth")


class Proportion(NamedTuple):
    """k of n; share, low and high are None where n is 0. `ids` are the responses behind k, `rest_ids` the others."""

    k: int
    n: int
    share: float | None  # k / n, in [0, 1]
    low: float | None  # Wilson's 95 % interval of independent responses
    high: float | None
    ids: Ids = ()
    rest_ids: Ids = ()


def build_proportion(ids: Iterable[str], rest_ids: Iterable[str]) -> Proportion:
    """The share of `ids` among all responses given: every response counts once."""
    ids, rest_ids = tuple(ids), tuple(rest_ids)
    return proportion_from_counts(len(ids), len(ids) + len(rest_ids), ids, rest_ids)


def proportion_from_counts(k: int, n: int, ids: Ids = (), rest_ids: Ids = ()) -> Proportion:
    """k of n things that are not responses themselves (questions), with the responses they consist of."""
    if not n:
        return Proportion(0, 0, None, None, None, ids, rest_ids)
    return Proportion(k, n, k / n, *_cached_interval(k, n), ids, rest_ids)


@lru_cache(maxsize=4096)  # a table has the same counts many times, and scipy takes a millisecond for each
def _cached_interval(k: int, n: int) -> tuple[float, float]:
    return wilson_interval(k, n)


def format_proportion(share: Proportion) -> str:
    """The share in words, for a sentence."""
    if share.share is None:
        return "0 of 0"
    low, high = format_percent(share.low, share.n), format_percent(share.high, share.n)
    return f"{share.k} of {share.n} ({format_percent(share.share, share.n)}, 95 % interval {low} to {high})"


def format_percent(share: float, n: int) -> str:
    """With a decimal from 100 on: fewer do not bear it."""
    return f"{share:.1%}".replace("%", " %") if n >= 100 else f"{share:.0%}".replace("%", " %")


def build_frame(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> DataFrame:
    """A table of plain objects; pandas' own text type would refuse half a character, and turn None into NaN."""
    from pandas import DataFrame

    return DataFrame([dict(row) for row in rows], columns=list(columns), dtype=object)


def write_json(result: Any, ids: bool = True) -> str:
    """Results as strict JSON by field names, ASCII only; without `ids` the numbers stay and the lists of ids go."""
    return json.dumps(_to_plain(result, ids), allow_nan=False)


def _to_plain(value: Any, ids: bool) -> Any:
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    elif hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(key): _to_plain(entry, ids) for key, entry in value.items() if ids or not _holds_ids(key)}
    return [_to_plain(entry, ids) for entry in value] if isinstance(value, (tuple, list)) else value


def _holds_ids(key: str) -> bool:
    return key == "ids" or str(key).endswith("_ids")


class Cell(NamedTuple):
    """Responses with this answer and this explanation."""

    answer_correct: bool
    explanation_correct: bool
    n: int
    ids: Ids


class AnswerByExplanation(NamedTuple):
    """Answers against explanations, with Fisher's exact test and the phi coefficient.

                               explanation correct    explanation flawed
        answer correct                 6                      1
        answer not correct             1                      2             p = 0.183, phi = 0.52

    Four cells, the correct ones first; p is two-sided. p and phi are None where a row or a column is empty.
    Explanations labelled unsure are in no cell, and counted; an answer that is not consistent is not correct.
    """

    n: int
    cells: tuple[Cell, Cell, Cell, Cell]
    p: float | None
    phi: float | None  # in [-1, 1]; 1 is a one-to-one correspondence
    unsure: int
    sentence: str
    unsure_ids: Ids

    def cell(self, answer_correct: bool, explanation_correct: bool) -> Cell:
        return self.cells[2 * (not answer_correct) + (not explanation_correct)]


def cross_answer_explanation(
    ids: Iterable[str], answers: Mapping[str, str], explanations: Mapping[str, str]
) -> AnswerByExplanation:
    """The table of the responses that have both labels; `answers` and `explanations` are labels by response id."""
    found: dict[tuple[bool, bool], list[str]] = {(x, y): [] for x in (True, False) for y in (True, False)}
    unsure = []
    for id_ in (id_ for id_ in ids if id_ in answers and id_ in explanations):
        if explanations[id_] == UNSURE:
            unsure.append(id_)
        else:
            found[answers[id_] == CORRECT, explanations[id_] == CORRECT].append(id_)
    cells = tuple(
        Cell(answer_correct=answer, explanation_correct=explanation, n=len(of), ids=tuple(of))
        for (answer, explanation), of in found.items()
    )
    n = sum(cell.n for cell in cells)
    p, phi = _test_association(cells)
    return AnswerByExplanation(
        n=n,
        cells=cells,
        p=p,
        phi=phi,
        unsure=len(unsure),
        sentence=_format_association(n, p, phi),
        unsure_ids=tuple(unsure),
    )


def _test_association(cells: Sequence[Cell]) -> tuple[float | None, float | None]:
    """p of Fisher's exact test, and phi; None where a row or a column of the table is empty."""
    a, b, c, d = (cell.n for cell in cells)
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if not margins:
        return None, None
    from scipy.stats import fisher_exact

    return float(fisher_exact([[a, b], [c, d]]).pvalue), (a * d - b * c) / sqrt(margins)


def _format_association(n: int, p: float | None, phi: float | None) -> str:
    if p is None:
        return (
            "Fisher's exact test and phi need answers of both kinds and explanations of both kinds; here "
            f"{'no response has both labels' if not n else 'all answers or all explanations are alike'}."
        )
    return f"Fisher's exact test: {'p < 0.001' if p < 0.001 else f'p = {p:.3f}'}; phi = {phi:.2f} (n = {n})."


class Verdict(NamedTuple):
    """A question as a model answers it under one prompt kind."""

    right: bool | None  # None: half of the samples are
    ids: Ids


class PairedKinds(NamedTuple):
    """Two prompt kinds on the n questions that both have a labelled answer to; p is two-sided, and not corrected for
    the number of pairs tested. `p` is None where n is 0."""

    kind_a: str
    kind_b: str
    n: int
    both: int  # questions right under both kinds
    only_a: int
    only_b: int
    neither: int
    tied: int  # left out: exactly half of the samples are right
    p: float | None
    both_ids: Ids  # responses of both kinds to those questions
    only_a_ids: Ids
    only_b_ids: Ids
    neither_ids: Ids
    tied_ids: Ids


def compare_kinds(responses: Sequence[Response], answers: Mapping[str, str]) -> tuple[PairedKinds, ...]:
    """Every pair of prompt kinds on the same questions; `answers` are the labels of the answers by response id.

        question            standard    chain of thought
        3 boxes of 4 eggs   wrong       correct             one of `only_b`
        2 boxes of 3 eggs   correct     correct             one of `both`

    A question is compared within a model, and counts once for each model. With several samples of a question it is
    right under a prompt kind if more than half of its labelled samples are; where exactly half are, it is left out and
    counted.
    """
    verdicts = _judge_questions(responses, answers)
    kinds = dict.fromkeys(response.prompt_kind for response in responses)
    return tuple(_compare(a, b, verdicts[a], verdicts[b]) for a, b in combinations(kinds, 2))


def _judge_questions(responses: Sequence[Response], answers: Mapping[str, str]) -> dict[str, dict[tuple, Verdict]]:
    """Prompt kind -> (model, question) -> verdict."""
    samples: dict[str, dict[tuple, list[str]]] = defaultdict(lambda: defaultdict(list))
    for response in responses:
        if response.id in answers:
            samples[response.prompt_kind][response.model, response.question_key].append(response.id)
    judged = {kind: {key: _judge(ids, answers) for key, ids in asked.items()} for kind, asked in samples.items()}
    return defaultdict(dict, judged)


def _judge(ids: list[str], answers: Mapping[str, str]) -> Verdict:
    twice = 2 * sum(answers[id_] == CORRECT for id_ in ids)
    return Verdict(None if twice == len(ids) else twice > len(ids), tuple(ids))


def _compare(kind_a: str, kind_b: str, a: Mapping[tuple, Verdict], b: Mapping[tuple, Verdict]) -> PairedKinds:
    """McNemar's exact test on the questions that both kinds have a verdict on."""
    ids: dict[tuple | None, list[str]] = defaultdict(list)  # (right under a, right under b), None: tied -> responses
    right_a, right_b, tied = [], [], 0
    for key in (key for key in a if key in b):
        pair = (a[key].right, b[key].right)
        if None in pair:
            pair, tied = None, tied + 1
        else:
            right_a.append(pair[0])
            right_b.append(pair[1])
        ids[pair] += a[key].ids + b[key].ids
    only_a, only_b, p = compare_paired(right_a, right_b)
    both = sum(x and y for x, y in zip(right_a, right_b, strict=True))
    return PairedKinds(
        kind_a=kind_a,
        kind_b=kind_b,
        n=len(right_a),
        both=both,
        only_a=only_a,
        only_b=only_b,
        neither=len(right_a) - both - only_a - only_b,
        tied=tied,
        p=p if right_a else None,
        both_ids=tuple(ids[True, True]),
        only_a_ids=tuple(ids[True, False]),
        only_b_ids=tuple(ids[False, True]),
        neither_ids=tuple(ids[False, False]),
        tied_ids=tuple(ids[None]),
    )


class StepCount(NamedTuple):
    """Explanations that first go wrong there."""

    position: int | str  # a step from 1 on, or one of FIFTHS
    n: int
    ids: Ids


class FirstWrongSteps(NamedTuple):
    """Of n labelled explanations, `none` have no wrong step; for `beyond`, the label names a step that is not there."""

    n: int
    none: int
    beyond: int
    absolute: tuple[StepCount, ...]  # the positions that occur, ascending
    relative: tuple[StepCount, ...]  # all five, from the first on; empty where no explanation goes wrong
    none_ids: Ids
    beyond_ids: Ids


def count_first_wrong_steps(responses: Sequence[Response], steps: Mapping[str, str]) -> FirstWrongSteps:
    """`steps` are the labels by response id: a number from 1 on, or "none".

        step 1   "3 boxes of 4 eggs are 12 eggs."
        step 2   "12 - 2 = 9."                          labelled "2": position 2, in the fourth fifth

    Relative positions are taken at the middle of a step: step 2 of 2 is at 0.75, in the fourth fifth of [0, 1].
    """
    absolute: dict[int, list[str]] = defaultdict(list)
    relative: dict[str, list[str]] = {fifth: [] for fifth in FIFTHS}
    none, beyond = [], []
    for response in (response for response in responses if response.id in steps):
        if steps[response.id] == NO_WRONG_STEP:
            none.append(response.id)
        elif step := _parse_step(steps[response.id], length := len(response.lines)):
            absolute[step].append(response.id)
            relative[FIFTHS[(10 * step - 5) // (2 * length)]].append(response.id)
        else:
            beyond.append(response.id)
    return FirstWrongSteps(
        n=len(none) + len(beyond) + sum(map(len, absolute.values())),
        none=len(none),
        beyond=len(beyond),
        absolute=_count_steps(sorted(absolute.items())),
        relative=_count_steps(relative.items()) if absolute else (),
        none_ids=tuple(none),
        beyond_ids=tuple(beyond),
    )


def _parse_step(value: str, length: int) -> int | None:
    """The step, or None if an explanation of that many lines does not have it."""
    step = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 0
    return step if 1 <= step <= length else None


def _count_steps(groups) -> tuple[StepCount, ...]:
    return tuple(StepCount(position, len(ids), tuple(ids)) for position, ids in groups)
