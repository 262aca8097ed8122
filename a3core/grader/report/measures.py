"""What a report measures: proportions with intervals, answers against explanations, paired tests, first wrong steps.

    >>> format_proportion(build_proportion(ids=("4", "7", "9"), rest_ids=("5",)))
    '3 of 4 (75 %, 95 % interval 30 % to 95 %)'

Each number can be opened: the ids of the responses behind it are beside it. Tables are pandas DataFrames of plain
Python objects: what is not known is None (never NaN), text is as it was given, and a column `ids` (where two groups of
responses matter, also `rest_ids`) opens a row.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from a3core.common.stats import compute_mcnemar, correct_by_holm, wilson_interval
from a3core.grader.labels.schema import CORRECT, NO_WRONG_STEP, UNSURE
from a3core.grader.runs.responses import Response

if TYPE_CHECKING:
    from pandas import DataFrame

Ids = tuple[str, ...]
SAMPLES, SEED = 2000, 0  # of a bootstrap
FIFTHS = ("first fifth", "second fifth", "third fifth", "fourth fifth", "last fifth")


class Proportion(NamedTuple):
    """k of n; share, low and high are None where n is 0. `ids` are the responses behind k, `rest_ids` the others.

    `question_low` and `question_high` are a cluster bootstrap's 95 % interval: questions are drawn with all their
    responses, because answers to one question are alike. None where each question has one response.
    """

    k: int
    n: int
    share: float | None  # k / n, in [0, 1]
    low: float | None  # Wilson's 95 % interval of independent responses
    high: float | None
    ids: Ids = ()
    rest_ids: Ids = ()
    question_low: float | None = None
    question_high: float | None = None


def build_proportion(
    ids: Iterable[str], rest_ids: Iterable[str], questions: Mapping[str, str] | None = None
) -> Proportion:
    """The share of `ids` among all responses given: every response counts once. `questions`: the question of each."""
    ids, rest_ids = tuple(ids), tuple(rest_ids)
    share = proportion_from_counts(len(ids), len(ids) + len(rest_ids), ids, rest_ids)
    low, high = bootstrap_by_question(ids, rest_ids, questions) if questions else (None, None)
    return share._replace(question_low=low, question_high=high)


def proportion_from_counts(k: int, n: int, ids: Ids = (), rest_ids: Ids = ()) -> Proportion:
    """k of n things that are not responses themselves (questions), with the responses they consist of."""
    low, high = _cached_interval(k, n) if n else (None, None)
    return Proportion(k=k, n=n, share=k / n if n else None, low=low, high=high, ids=ids, rest_ids=rest_ids)


@lru_cache(maxsize=4096)  # a table has the same counts many times, and scipy takes a millisecond for each
def _cached_interval(k: int, n: int) -> tuple[float, float]:
    return wilson_interval(k, n)


def bootstrap_by_question(
    ids: Ids, rest_ids: Ids, questions: Mapping[str, str]
) -> tuple[float, float] | tuple[None, None]:
    """A 95 % interval of the share of `ids`, (low, high) in [0, 1]: 2,000 samples of whole questions, seeded.

    Questions with equal counts are alike, so a sample is one multinomial draw of how often each pair of counts occurs.
    (None, None) where no question has two responses, where there is one question only, or where all are alike.
    """
    hits, sizes = Counter(map(questions.get, ids)), Counter(map(questions.get, ids + rest_ids))
    patterns = Counter((hits[question], size) for question, size in sizes.items())
    if len(sizes) in (0, 1, len(ids) + len(rest_ids)) or not ids or not rest_ids:
        return None, None
    import numpy as np

    counts = np.array(list(patterns.values()))
    draws = np.random.default_rng(SEED).multinomial(counts.sum(), counts / counts.sum(), size=SAMPLES)
    k, n = (draws @ np.array(list(patterns))).T  # of each sample
    low, high = np.quantile(k / n, (0.025, 0.975))
    return (float(low), float(high)) if high > low else (None, None)


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
    n, (p, phi) = sum(cell.n for cell in cells), _test_association(cells)
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


class PairedKinds(NamedTuple):
    """Two prompt kinds (or two models) on the n questions that both have a labelled answer to.

    p is two-sided; p_holm is corrected for the number of pairs in the report (Holm 1979). Both are None where n is 0.
    """

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
    p_holm: float | None = None


def compare_kinds(
    responses: Sequence[Response], answers: Mapping[str, str], questions: Mapping[str, str], by: str = "prompt_kind"
) -> list[PairedKinds]:
    """Every pair of prompt kinds, or by "model" of models, on the same questions.

    `answers` are the labels of the answers, `questions` keys of the questions, both by response id.

        question            standard    chain of thought
        3 boxes of 4 eggs   wrong       correct             one of `only_b`
        2 boxes of 3 eggs   correct     correct             one of `both`

    A question is compared within a model (models: within a prompt kind), and counts once for each. With several samples
    of a question it is right if more than half of its labelled samples are; where exactly half are, it is left out and
    counted.
    """
    within = "model" if by == "prompt_kind" else "prompt_kind"
    samples: dict[str, dict[tuple, list[str]]] = {getattr(response, by): {} for response in responses}
    for response in (response for response in responses if response.id in answers):
        key = getattr(response, within), questions[response.id]
        samples[getattr(response, by)].setdefault(key, []).append(response.id)
    right = {kind: {key: _judge(ids, answers) for key, ids in asked.items()} for kind, asked in samples.items()}
    pairs = []
    for a, b in combinations(samples, 2):
        outcomes: dict[tuple, list[tuple]] = defaultdict(list)  # (right under a, right under b) -> questions
        for key in (key for key in right[a] if key in right[b]):
            outcomes[right[a][key], right[b][key]].append(key)
        ids = {pair: [id_ for k in keys for id_ in samples[a][k] + samples[b][k]] for pair, keys in outcomes.items()}
        pairs.append(_test_pair(a, b, {pair: len(keys) for pair, keys in outcomes.items()}, ids))
    return pairs


def _judge(ids: list[str], answers: Mapping[str, str]) -> bool | None:
    """Whether more than half of the samples of a question are right; None: exactly half are."""
    twice = 2 * sum(answers[id_] == CORRECT for id_ in ids)
    return None if twice == len(ids) else twice > len(ids)


def _test_pair(kind_a: str, kind_b: str, counts: Mapping[tuple, int], ids: Mapping[tuple, list[str]]) -> PairedKinds:
    """McNemar's exact test, from the number of questions by (right under a, right under b) and their responses."""
    both, only_a, only_b, neither = (counts.get((a, b), 0) for a in (True, False) for b in (True, False))
    n = both + only_a + only_b + neither
    return PairedKinds(
        kind_a=kind_a,
        kind_b=kind_b,
        n=n,
        both=both,
        only_a=only_a,
        only_b=only_b,
        neither=neither,
        tied=sum(counts.values()) - n,
        p=compute_mcnemar(only_a, only_b) if n else None,
        both_ids=tuple(ids.get((True, True), ())),
        only_a_ids=tuple(ids.get((True, False), ())),
        only_b_ids=tuple(ids.get((False, True), ())),
        neither_ids=tuple(ids.get((False, False), ())),
        tied_ids=tuple(id_ for pair, of in ids.items() if None in pair for id_ in of),
    )


def correct_for_number(pairs: Sequence[PairedKinds]) -> list[PairedKinds]:
    """The pairs with Holm's correction of each p for the number of all that are tested."""
    corrected = iter(correct_by_holm([pair.p for pair in pairs if pair.p is not None]))
    return [pair if pair.p is None else pair._replace(p_holm=next(corrected)) for pair in pairs]


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
        value, length = steps[response.id], len(response.lines)
        step = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 0
        if value == NO_WRONG_STEP:
            none.append(response.id)
        elif 1 <= step <= length:
            absolute[step].append(response.id)
            relative[FIFTHS[(10 * step - 5) // (2 * length)]].append(response.id)
        else:
            beyond.append(response.id)
    return FirstWrongSteps(
        n=len(none) + len(beyond) + sum(map(len, absolute.values())),
        none=len(none),
        beyond=len(beyond),
        absolute=_count_steps(sorted(absolute.items())),
        relative=_count_steps(relative.items() if absolute else ()),
        none_ids=tuple(none),
        beyond_ids=tuple(beyond),
    )


def _count_steps(groups: Iterable[tuple[int | str, list[str]]]) -> tuple[StepCount, ...]:
    return tuple(StepCount(position=position, n=len(ids), ids=tuple(ids)) for position, ids in groups)
