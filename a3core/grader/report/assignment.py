"""The assignment's own table: what its solution found by hand on ten questions, with the intervals ten questions allow.

    prompt kind         measure                                              k   n   share   95 % interval
    standard            answer correct                                       1  10    0.1    [0.018, 0.404]
    chain of thought    answer correct                                       7  10    0.7    [0.397, 0.892]
    chain of thought    correct answers with an unconvincing explanation     0   7    0.0    [0, 0.354]

Source: section 4 of the assignment. It states accuracies of 0.1 (4.a), 0.1 (4.b; no consistent answer to question 7)
and 0.7 (4.c), 70 % of the explanations of 4.c correct, a one-to-one correspondence of correct answers and correct
explanations, and 0 % correct answers with an unconvincing explanation; the counts follow from ten questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from a3core.grader.report.build import (
    ACCURACY,
    EXPLAINED,
    NO_ANSWER,
    ONE_TO_ONE,
    UNCONVINCING,
    UNCONVINCING_OF_ALL,
    Report,
)
from a3core.grader.report.measures import Proportion, build_frame, proportion_from_counts
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT

if TYPE_CHECKING:
    from pandas import DataFrame

COUNTS = {
    (STANDARD, ACCURACY): (1, 10),
    (VARIANT, ACCURACY): (1, 10),
    (VARIANT, NO_ANSWER): (1, 10),
    (CHAIN_OF_THOUGHT, ACCURACY): (7, 10),
    (CHAIN_OF_THOUGHT, EXPLAINED): (7, 10),
    (CHAIN_OF_THOUGHT, ONE_TO_ONE): (10, 10),
    (CHAIN_OF_THOUGHT, UNCONVINCING): (0, 7),
    (CHAIN_OF_THOUGHT, UNCONVINCING_OF_ALL): (0, 10),
}
MEASURES = tuple(dict.fromkeys(measure for _, measure in COUNTS))
NUMBERS = ("k", "n", "share", "low", "high")


class StatedShare(NamedTuple):
    """A share that the assignment states; the responses behind it are not known."""

    prompt_kind: str
    measure: str
    share: Proportion


def build_assignment_table() -> tuple[StatedShare, ...]:
    """The assignment's shares with Wilson's 95 % intervals."""
    return tuple(StatedShare(*key, proportion_from_counts(*counts)) for key, counts in COUNTS.items())


def compare_with_assignment(report: Report) -> DataFrame:
    """The assignment's shares beside one's own, prompt kinds matched by name; what one side lacks is None.

    Columns: prompt_kind, measure, assignment_k .. assignment_high, own_k .. own_high, ids, rest_ids (of one's own).
    The assignment's prompt kinds come first, then one's own others.
    """
    stated = {(kind, measure): share for kind, measure, share in build_assignment_table()}
    own = {
        group.prompt_kind: group.shares
        for group in report.groups
        if group.prompt_kind is not None and group.model is None
    }
    kinds = dict.fromkeys((*(kind for kind, _ in stated), *own))
    keys = ((kind, measure) for kind in kinds for measure in MEASURES if kind in own or (kind, measure) in stated)
    rows = (_compare(*key, stated.get(key), own.get(key[0], {}).get(key[1])) for key in keys)
    columns = (f"{side}_{number}" for side in ("assignment", "own") for number in NUMBERS)
    return build_frame(rows, ("prompt_kind", "measure", *columns, "ids", "rest_ids"))


def _compare(kind: str, measure: str, stated: Proportion | None, own: Proportion | None) -> dict[str, Any]:
    ids = {"ids": own.ids if own else (), "rest_ids": own.rest_ids if own else ()}
    numbers = dict(_name_numbers("assignment", stated)) | dict(_name_numbers("own", own))
    return {"prompt_kind": kind, "measure": measure} | ids | numbers


def _name_numbers(side: str, share: Proportion | None) -> Iterable[tuple[str, Any]]:
    return ((f"{side}_{number}", getattr(share, number, None)) for number in NUMBERS)
