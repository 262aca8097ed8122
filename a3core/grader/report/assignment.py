"""The assignment's own table: what its solution found by hand on ten questions, with the intervals ten questions allow.

    prompt kind         measure                                              k   n   share   95 % interval
    standard            answer correct                                       1  10    0.1    [0.018, 0.404]
    chain of thought    answer correct                                       7  10    0.7    [0.397, 0.892]
    chain of thought    correct answers with an unconvincing explanation     0   7    0.0    [0, 0.354]

Source: section 4 of the assignment. It states accuracies of 0.1 (4.a), 0.1 (4.b; no consistent answer to question 7)
and 0.7 (4.c), 70 % of the explanations of 4.c correct, a one-to-one correspondence of correct answers and correct
explanations, and 0 % correct answers with an unconvincing explanation; the counts follow from ten questions.
"""

import tomllib
from pathlib import Path

from a3core.grader.report.build import Report
from a3core.grader.report.measures import Proportion, Row, proportion_from_counts

STATED = tomllib.loads(Path(__file__).with_name("assignment.toml").read_text(encoding="utf-8"))
COUNTS = {(kind, measure): tuple(counts) for kind, own in STATED.items() for measure, counts in own.items()}
MEASURES = tuple(dict.fromkeys(measure for _, measure in COUNTS))
NUMBERS = ("k", "n", "share", "low", "high")


def build_assignment_table() -> dict[tuple[str, str], Proportion]:
    """The assignment's shares by prompt kind and measure, with Wilson's 95 % intervals; their responses are unknown."""
    return {key: proportion_from_counts(k, n) for key, (k, n) in COUNTS.items()}


def compare_with_assignment(report: Report) -> list[Row]:
    """The assignment's shares beside one's own, prompt kinds matched by name; what one side lacks is None.

    Columns: prompt_kind, measure, assignment_k .. assignment_high, own_k .. own_high, ids, rest_ids (of one's own).
    The assignment's prompt kinds come first, then one's own others.
    """
    kinds = [group for group in report.groups if group.prompt_kind is not None and group.model is None]
    stated = build_assignment_table()
    own = {(group.prompt_kind, measure): group.shares[measure] for group in kinds for measure in MEASURES}
    rows = []
    for kind in dict.fromkeys(kind for kind, _ in (*stated, *own)):
        for key in ((kind, measure) for measure in MEASURES if (kind, measure) in stated or (kind, measure) in own):
            row = {"prompt_kind": kind, "measure": key[1]}
            for side, shares in (("assignment", stated), ("own", own)):
                row |= {f"{side}_{number}": getattr(shares.get(key), number, None) for number in NUMBERS}
            rows.append(row | {name: getattr(own.get(key), name, ()) for name in ("ids", "rest_ids")})
    return rows
