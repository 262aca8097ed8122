"""What a report measures: proportions with intervals, answers against explanations, paired tests, first wrong steps.

    >>> format_proportion(build_proportion(ids=("4", "7", "9"), rest_ids=("5",)))
    '3 of 4 (75 %, 95 % interval 30 % to 95 %)'

Each number can be opened: the ids of the responses behind it are beside it. A row of a table is a dict of plain
objects: what is not known is None (never NaN), text is as it was given, and `ids` (where two groups of responses
matter, also `rest_ids`; of a number `both`, `both_ids`) opens it. Sentences are in `sentences.jinja`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from itertools import combinations
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, StrictUndefined

from a3core.common.stats import bootstrap_clusters, compute_fisher, compute_mcnemar, wilson_interval
from a3core.grader.labels import schema
from a3core.grader.runs.responses import Response

if TYPE_CHECKING:
    from pandas import DataFrame

Ids = tuple[str, ...]
Row = dict[str, Any]
FIFTHS = ("first fifth", "second fifth", "third fifth", "fourth fifth", "last fifth")

# The shares of a group, under the names that its table shows.
ACCURACY = "answer correct"  # of labelled answers: one without consistent answer is not correct
NO_ANSWER = "no consistent answer"
EXPLAINED = "explanation correct"  # of the explanations that somebody was sure about
NOT_SURE = "explanation unsure"
CONVINCES = "explanation convincing"
ONE_TO_ONE = "answer and explanation both correct, or neither"
UNCONVINCING = "correct answers with an unconvincing explanation"
UNCONVINCING_OF_ALL = "correct answer with an unconvincing explanation, of all"

ById = Mapping[str, str]  # response id -> its question, or its label
Values = Mapping[str, ById]  # field -> response id -> the one value that counts
Measures = Mapping[str, tuple[set[str], set[str]]]  # name -> ids that a share is of, ids that it counts


# Proportions


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


def build_proportion(ids: Iterable[str], rest_ids: Iterable[str], questions: ById | None = None) -> Proportion:
    """The share of `ids` among all responses given: every response counts once. `questions`: the question of each."""
    ids, rest_ids = tuple(ids), tuple(rest_ids)
    share = proportion_from_counts(len(ids), len(ids) + len(rest_ids), ids, rest_ids)
    if not questions:
        return share
    hits = [True] * len(ids) + [False] * len(rest_ids)
    low, high = bootstrap_clusters(hits, [questions[id_] for id_ in ids + rest_ids]) or (None, None)
    return share._replace(question_low=low, question_high=high)


def proportion_from_counts(k: int, n: int, ids: Ids = (), rest_ids: Ids = ()) -> Proportion:
    """k of n things that are not responses themselves (questions), with the responses they consist of."""
    low, high = _cached_interval(k, n) if n else (None, None)
    return Proportion(k=k, n=n, share=k / n if n else None, low=low, high=high, ids=ids, rest_ids=rest_ids)


_cached_interval = lru_cache(maxsize=4096)(wilson_interval)  # the same counts come often


def define_measures(values: Values) -> Measures:
    """Each share as (ids that it is of, ids that it counts); the latter may have ids that are not among the former."""
    answer, explanation, convincing = (
        values[field] for field in (schema.ANSWER, schema.EXPLANATION, schema.CONVINCING)
    )
    correct, sound = _pick(answer, schema.CORRECT), _pick(explanation, schema.CORRECT)
    answered, explained, judged = set(answer), set(explanation), set(convincing)
    unsure, unconvincing = _pick(explanation, schema.UNSURE), _pick(convincing, schema.NO)
    sure = explained - unsure
    return {
        ACCURACY: (answered, correct),
        NO_ANSWER: (answered, _pick(answer, schema.NO_CONSISTENT_ANSWER)),
        EXPLAINED: (sure, sound),
        NOT_SURE: (explained, unsure),
        CONVINCES: (judged, _pick(convincing, schema.YES)),
        ONE_TO_ONE: (answered & sure, (correct & sound) | (answered - correct - sound)),
        UNCONVINCING: (correct & judged, unconvincing),
        UNCONVINCING_OF_ALL: (answered & judged, correct & unconvincing),
    }


def _pick(labels: Mapping[str, str], value: str) -> set[str]:
    return {id_ for id_, given in labels.items() if given == value}


# Words, tables, JSON


def format_proportion(share: Proportion) -> str:
    """The share in words, for a sentence."""
    if share.share is None:
        return "0 of 0"
    low, high = format_percent(share.low, share.n), format_percent(share.high, share.n)
    return f"{share.k} of {share.n} ({format_percent(share.share, share.n)}, 95 % interval {low} to {high})"


def format_percent(share: float, n: int) -> str:
    """With a decimal from 100 on: fewer do not bear it."""
    return f"{share:.1%}".replace("%", " %") if n >= 100 else f"{share:.0%}".replace("%", " %")


_ENVIRONMENT = Environment(undefined=StrictUndefined)
_ENVIRONMENT.filters |= {"proportion": format_proportion, "percent": format_percent}
_TEXT = Path(__file__).with_name("sentences.jinja").read_text(encoding="utf-8")
SENTENCES: Any = _ENVIRONMENT.from_string(_TEXT).module  # each a function of that name


def count(ids: Collection[str], **named: Any) -> Row:
    """The row of these responses, beside what they have in common."""
    return {**named, "n": len(ids), "ids": tuple(ids)}


def build_frame(rows: Iterable[Row], columns: str = "") -> DataFrame:
    """A table of plain objects, of some `columns` or all: pandas' own text type would turn None into NaN."""
    from pandas import DataFrame

    return DataFrame(list(rows), columns=columns.split() or None, dtype=object)


def write_json(result: Any, ids: bool = True) -> str:
    """Results as strict JSON by field names, ASCII only; without `ids` the numbers stay and the lists of ids go."""
    return json.dumps(_to_plain(result, ids), allow_nan=False)


def _to_plain(value: Any, ids: bool) -> Any:
    if is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value) if one.metadata.get("json", True)}
    elif hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(key): _to_plain(entry, ids) for key, entry in value.items() if ids or not opens_row(str(key))}
    return [_to_plain(entry, ids) for entry in value] if isinstance(value, (tuple, list)) else value


def opens_row(column: str) -> bool:
    """Whether a column holds ids of responses."""
    return column == "ids" or column.endswith("_ids")


# Answers against explanations


def cross_answer_explanation(ids: Iterable[str], answers: ById, explanations: ById) -> Row:
    """The table of the responses that have both labels, with Fisher's exact test and the phi coefficient.

                               explanation correct    explanation flawed
        answer correct                 6                      1
        answer not correct             1                      2             p = 0.183, phi = 0.52

    `answers` and `explanations` are labels by response id. Returns n; four `cells`, the correct ones first, rows of
    answer_correct, explanation_correct, n, ids; p, two-sided, and phi in [-1, 1], where 1 is a one-to-one
    correspondence, both None where a row or a column is empty; how many explanations are `unsure`, which are in no
    cell, and unsure_ids; sentence. An answer that is not consistent is not correct.
    """
    found: dict[tuple[bool, bool], list[str]] = {(x, y): [] for x in (True, False) for y in (True, False)}
    unsure = []
    for id_ in (id_ for id_ in ids if id_ in answers and id_ in explanations):
        if explanations[id_] == schema.UNSURE:
            unsure.append(id_)
        else:
            found[answers[id_] == schema.CORRECT, explanations[id_] == schema.CORRECT].append(id_)
    cells = tuple(count(of, answer_correct=right, explanation_correct=sound) for (right, sound), of in found.items())
    a, b, c, d = map(len, found.values())
    p = phi = None
    if margins := (a + b) * (c + d) * (a + c) * (b + d):
        p, phi = compute_fisher(a, b, c, d), (a * d - b * c) / sqrt(margins)
    table = {"n": a + b + c + d, "cells": cells, "p": p, "phi": phi, "unsure": len(unsure)}
    return table | {"sentence": SENTENCES.association(table["n"], p, phi), "unsure_ids": tuple(unsure)}


# Paired tests

OUTCOMES = {(True, True): "both", (True, False): "only_a", (False, True): "only_b", (False, False): "neither"}
TIED = "tied"  # exactly half of a question's samples are right: it is left out


def compare_kinds(responses: Sequence[Response], answers: ById, questions: ById, by: str = "prompt_kind") -> list[Row]:
    """A row for every pair of prompt kinds, or by "model" of models, on the same questions.

    `answers` are the labels of the answers, `questions` keys of the questions, both by response id.

        question            standard    chain of thought
        3 boxes of 4 eggs   wrong       correct             one of `only_b`
        2 boxes of 3 eggs   correct     correct             one of `both`

    A question is compared within a model (models: within a prompt kind), and counts once for each. With several samples
    of a question it is right if more than half of its labelled samples are; where exactly half are, it is left out and
    counted as `tied`. p is that of McNemar's exact test, two-sided; None where no question is left.
    """
    within = "model" if by == "prompt_kind" else "prompt_kind"
    samples: dict[str, dict[tuple, list[str]]] = {getattr(response, by): {} for response in responses}
    for response in (response for response in responses if response.id in answers):
        key = getattr(response, within), questions[response.id]
        samples[getattr(response, by)].setdefault(key, []).append(response.id)
    right = {kind: {key: _judge(ids, answers) for key, ids in asked.items()} for kind, asked in samples.items()}
    pairs = []
    for a, b in combinations(samples, 2):
        found: dict[str, list[tuple]] = {name: [] for name in (*OUTCOMES.values(), TIED)}
        for key in (key for key in right[a] if key in right[b]):
            found[OUTCOMES.get((right[a][key], right[b][key]), TIED)].append(key)
        counts = {name: len(keys) for name, keys in found.items()}
        n = sum(counts.values()) - counts[TIED]
        p = compute_mcnemar(counts["only_a"], counts["only_b"]) if n else None
        pair = {"kind_a": a, "kind_b": b, "n": n, **counts, "p": p, "p_holm": None}
        for name, keys in found.items():
            pair[f"{name}_ids"] = tuple(id_ for key in keys for id_ in samples[a][key] + samples[b][key])
        pairs.append(pair)
    return pairs


def _judge(ids: list[str], answers: Mapping[str, str]) -> bool | None:
    """Whether more than half of the samples of a question are right; None: exactly half are."""
    twice = 2 * sum(answers[id_] == schema.CORRECT for id_ in ids)
    return None if twice == len(ids) else twice > len(ids)


# First wrong steps


def count_first_wrong_steps(responses: Sequence[Response], steps: Mapping[str, str]) -> Row:
    """`steps` are the labels by response id: a number from 1 on, or "none".

        step 1   "3 boxes of 4 eggs are 12 eggs."
        step 2   "12 - 2 = 9."                          labelled "2": position 2, in the fourth fifth

    Returns how many are labelled, n; `none` have no wrong step; for `beyond`, the label names a step that is not there;
    absolute: rows of position (a step from 1 on), n, ids, of the positions that occur, ascending; relative: such rows
    of each of FIFTHS, none where no explanation goes wrong; none_ids, beyond_ids.

    Relative positions are taken at the middle of a step: step 2 of 2 is at 0.75, in the fourth fifth of [0, 1].
    """
    absolute: dict[int, list[str]] = defaultdict(list)
    relative: dict[str, list[str]] = {fifth: [] for fifth in FIFTHS}
    none, beyond = [], []
    for response in (response for response in responses if response.id in steps):
        value, length = steps[response.id], len(response.lines)
        step = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 0
        if 1 <= step <= length:
            absolute[step].append(response.id)
            relative[FIFTHS[(10 * step - 5) // (2 * length)]].append(response.id)
        else:
            (none if value == schema.NO_WRONG_STEP else beyond).append(response.id)
    n = len(none) + len(beyond) + sum(map(len, absolute.values()))
    of_steps = tuple(count(absolute[step], position=step) for step in sorted(absolute))
    of_fifths = tuple(count(ids, position=fifth) for fifth, ids in relative.items() if absolute)
    counts = {"n": n, "none": len(none), "beyond": len(beyond), "absolute": of_steps, "relative": of_fifths}
    return counts | {"none_ids": tuple(none), "beyond_ids": tuple(beyond)}
