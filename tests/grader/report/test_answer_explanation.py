"""Answers against explanations: the cells, and the test and correlation of the libraries."""

from __future__ import annotations

import pytest
from labelled import WORDS

from a3core.grader.report.measures import cross_answer_explanation
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT


def test_answer_against_explanation(report):
    table = report.group(CHAIN_OF_THOUGHT).table
    cells = {(cell["answer_correct"], cell["explanation_correct"]): cell["ids"] for cell in table["cells"]}
    assert cells == {
        (True, True): ("c1", "c2", "c3"),
        (True, False): ("c4",),
        (False, True): ("c6",),
        (False, False): ("c5", "c8"),
    }
    assert table["cells"][1]["ids"] == ("c4",) and table["cells"][2]["ids"] == ("c6",)
    assert report.overall.table["unsure_ids"] == ("s3",)


@pytest.mark.parametrize("counts", [(6, 1, 1, 2), (3, 7, 8, 2), (40, 0, 0, 30), (1, 1, 1, 1)])
def test_phi_and_p_are_those_of_the_libraries(counts):
    from scipy.stats import hypergeom
    from sklearn.metrics import matthews_corrcoef

    pairs = [(x, y) for x in "cw" for y in "cf"]
    rows = [(f"{pair}{i}", pair) for pair, n in zip(pairs, counts, strict=True) for i in range(n)]
    answers = {id_: WORDS["answer"][pair[0]] for id_, pair in rows}
    explanations = {id_: WORDS["explanation"][pair[1]] for id_, pair in rows}
    table = cross_answer_explanation([id_ for id_, _ in rows], answers, explanations)
    a, b, c, _ = counts
    chances = hypergeom(sum(counts), a + b, a + c).pmf(range(min(a + b, a + c) + 1))
    assert table["p"] == pytest.approx(sum(p for p in chances if p <= chances[a] * (1 + 1e-7)))
    expected = matthews_corrcoef([x == "c" for _, (x, _) in rows], [y == "c" for _, (_, y) in rows])
    assert table["phi"] == pytest.approx(expected)


def test_a_table_with_an_empty_row_has_no_test():
    table = cross_answer_explanation("ab", {"a": "correct", "b": "correct"}, {"a": "correct", "b": "flawed"})
    assert (table["n"], table["p"], table["phi"]) == (
        2,
        None,
        None,
    ) and "all answers or all explanations are alike" in table["sentence"]
    assert "no response has both labels" in cross_answer_explanation("ab", {}, {})["sentence"]
