"""The assignment's figures, and a report beside them."""

from __future__ import annotations

from labelled import ask, label
from pandas import DataFrame

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.assignment import build_assignment_table, compare_with_assignment
from a3core.grader.report.build import build_report
from a3core.grader.report.measures import ACCURACY, EXPLAINED, NO_ANSWER, ONE_TO_ONE, UNCONVINCING
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT


def test_the_assignments_table():
    table = build_assignment_table()
    assert [round(x, 3) for x in table[CHAIN_OF_THOUGHT, ACCURACY][2:5]] == [0.7, 0.397, 0.892]
    assert [round(x, 3) for x in table[STANDARD, ACCURACY][2:5]] == [0.1, 0.018, 0.404]
    assert [round(x, 3) for x in table[CHAIN_OF_THOUGHT, UNCONVINCING][2:5]] == [0, 0, 0.354]
    assert table[CHAIN_OF_THOUGHT, ONE_TO_ONE].share == 1 and table[CHAIN_OF_THOUGHT, EXPLAINED].share == 0.7
    assert table[VARIANT, NO_ANSWER].k == 1


def test_beside_the_assignment(report):
    frame = DataFrame(compare_with_assignment(report), dtype=object).set_index(["prompt_kind", "measure"])
    row = frame.loc[CHAIN_OF_THOUGHT, ACCURACY]
    assert (row["assignment_k"], row["assignment_n"], row["own_k"], row["own_n"]) == (7, 10, 5, 8)
    assert row["ids"] == report.group(CHAIN_OF_THOUGHT).shares[ACCURACY].ids
    assert frame.loc[VARIANT, ACCURACY]["own_k"] is None and frame.loc[VARIANT, ACCURACY]["ids"] == ()
    assert frame.loc[STANDARD, EXPLAINED]["assignment_share"] is None and frame.loc[STANDARD, EXPLAINED]["own_n"] == 2


def test_own_prompt_kinds_come_after_the_assignments():
    rows = compare_with_assignment(build_report([ask("1", kind="")], label("1", "c--"), DEFAULT_SCHEMA))
    assert list(dict.fromkeys(row["prompt_kind"] for row in rows)) == [STANDARD, VARIANT, CHAIN_OF_THOUGHT, ""]
