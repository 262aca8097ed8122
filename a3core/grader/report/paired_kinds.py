"""Prompt kinds compared on the same questions, by McNemar's exact test.

    question            standard    chain of thought
    3 boxes of 4 eggs   wrong       correct             one of `only_b`
    2 boxes of 3 eggs   correct     correct             one of `both`

    compare_kinds(responses, {"1": "wrong", "2": "correct", "3": "correct", "4": "correct"})

A question is compared within a model, and counts once for each model. With several samples of a question it is right
under a prompt kind if more than half of its labelled samples are; where exactly half are, it is left out and counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from a3core.common.stats import compare_paired
from a3core.grader.labels.schema import CORRECT
from a3core.grader.report.proportions import Ids
from a3core.grader.runs.responses import Response


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
    """Every pair of prompt kinds; `answers` are the labels of the answers by response id."""
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
    cells: dict[tuple | None, list[str]] = defaultdict(list)
    outcomes: list[tuple | None] = []
    for key in (key for key in a if key in b):
        pair = (a[key].right, b[key].right)
        outcomes.append(None if None in pair else pair)
        cells[outcomes[-1]] += a[key].ids + b[key].ids
    judged = [pair for pair in outcomes if pair]
    only_a, only_b, p = compare_paired([x for x, _ in judged], [y for _, y in judged])
    both, neither = judged.count((True, True)), judged.count((False, False))
    ids = (tuple(cells[key]) for key in ((True, True), (True, False), (False, True), (False, False), None))
    counts = (len(judged), both, only_a, only_b, neither, len(outcomes) - len(judged))
    return PairedKinds(kind_a, kind_b, *counts, p if judged else None, *ids)
