"""Where explanations first go wrong: a histogram of the label `first_wrong_step`.

    step 1   "3 boxes of 4 eggs are 12 eggs."
    step 2   "12 - 2 = 9."                          labelled "2": position 2, in the fourth fifth

Relative positions are taken at the middle of a step: step 2 of 2 lies at 0.75, in the fourth fifth of [0, 1].
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from a3core.grader.labels.schema import NO_WRONG_STEP
from a3core.grader.report.proportions import Ids
from a3core.grader.runs.responses import Response

FIFTHS = ("first fifth", "second fifth", "third fifth", "fourth fifth", "last fifth")


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
    """`steps` are the labels by response id: a number from 1 on, or "none"."""
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
    n = len(none) + len(beyond) + sum(map(len, absolute.values()))
    counted = _count(sorted(absolute.items())), _count(relative.items()) if absolute else ()
    return FirstWrongSteps(n, len(none), len(beyond), *counted, tuple(none), tuple(beyond))


def _parse_step(value: str, length: int) -> int | None:
    """The step, or None if an explanation of that many lines does not have it."""
    step = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 0
    return step if 1 <= step <= length else None


def _count(groups) -> tuple[StepCount, ...]:
    return tuple(StepCount(position, len(ids), tuple(ids)) for position, ids in groups)
