"""What came of changed explanations, beside what people say of them.

cross_labels(load_outcomes(key), report)     [{"explanation": "correct", "change": "cut", "n": 24, "keeps": 3, ...}]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from a3core.grader.report.measures import CONVINCES
from a3core.grader.runs.changed_explanations import KEEPS, KINDS, NONE, Outcome, count_verdicts

if TYPE_CHECKING:
    from a3core.grader.report.build import Report

CROSSED = {"cut": "without the explanation", "last value": KINDS["last value"], "another's": KINDS["another's"]}


def cross_labels(outcomes: Sequence[Outcome], report: Report) -> list[dict]:
    """By what people find of the explanation, whose answers stay when it is taken away, changed or swapped.

    `n`: answers that can be read; `low` and `high`: the 95 % interval of those that keep (`share_interval`).
    """
    cells = report.overall.table.cells
    found = {
        words: {id_ for cell in cells if cell["explanation_correct"] is correct for id_ in cell["ids"]}
        for words, correct in (("correct", True), ("flawed", False))
    }
    if convincing := report.overall.shares.get(CONVINCES):
        found["correct and convincing"] = found["correct"] & set(convincing.ids)
    return [
        {"explanation": words, "change": CROSSED[kind], **_count(outcomes, kind, ids)}
        for words, ids in found.items()
        for kind in CROSSED
    ]


def _count(outcomes: Iterable[Outcome], kind: str, ids: set[str]) -> dict:
    own = [one for one in outcomes if one.kind == kind and one.id in ids and (kind != "cut" or one.step == 0)]
    counts, read = count_verdicts(own), tuple(one.id for one in own if one.verdict != NONE)
    low, high = (counts["low"], counts["high"]) if read else (None, None)
    return {"n": len(read), "keeps": counts[KEEPS], "low": low, "high": high, "ids": read}
