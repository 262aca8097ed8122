"""Answers against explanations: a 2 x 2 table, with Fisher's exact test and the phi coefficient.

                           explanation correct    explanation flawed
    answer correct                 6                      1
    answer not correct             1                      2             p = 0.183, phi = 0.52

Explanations that are labelled unsure are in no cell, and counted; an answer that is not consistent is not correct.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import NamedTuple

from a3core.grader.labels.schema import CORRECT, UNSURE
from a3core.grader.report.proportions import Ids


class Cell(NamedTuple):
    """Responses with this answer and this explanation."""

    answer_correct: bool
    explanation_correct: bool
    n: int
    ids: Ids


class AnswerByExplanation(NamedTuple):
    """Four cells, the correct ones first; p is two-sided. p and phi are None where a row or a column is empty."""

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
    cells = tuple(Cell(*key, len(of), tuple(of)) for key, of in found.items())
    counts = tuple(cell.n for cell in cells)
    p, phi = _test(*counts)
    return AnswerByExplanation(sum(counts), cells, p, phi, len(unsure), _say(counts, p, phi), tuple(unsure))


def _test(a: int, b: int, c: int, d: int) -> tuple[float | None, float | None]:
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if not margins:
        return None, None
    from scipy.stats import fisher_exact

    return float(fisher_exact([[a, b], [c, d]]).pvalue), (a * d - b * c) / sqrt(margins)


def _say(counts: tuple[int, ...], p: float | None, phi: float | None) -> str:
    if p is None:
        return (
            "Fisher's exact test and phi need answers of both kinds and explanations of both kinds; here "
            f"{'no response has both labels' if not sum(counts) else 'all answers or all explanations are alike'}."
        )
    return f"Fisher's exact test: {'p < 0.001' if p < 0.001 else f'p = {p:.3f}'}; phi = {phi:.2f} (n = {sum(counts)})."
