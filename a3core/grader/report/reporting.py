"""From the store to everything that is reported of a run: tables, agreement, samples, beside the assignment's figures.

everything = build_all(store, run)
everything.report.overall.sentences
everything.tables["shares"]                         a DataFrame; its `ids` open a row
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from a3core.grader.answers.extraction import match_answers
from a3core.grader.labels.schema import ROUNDS
from a3core.grader.labels.store import LabelStore
from a3core.grader.report.agreement import Agreement, build_agreement, tabulate_agreement
from a3core.grader.report.assignment import compare_with_assignment
from a3core.grader.report.build import Report, build_report
from a3core.grader.report.consistency import ConsistencyReport, build_consistency, tabulate_consistency, tabulate_votes
from a3core.grader.report.measures import write_json
from a3core.grader.report.tables import (
    tabulate_answer_explanation,
    tabulate_first_wrong_steps,
    tabulate_groups,
    tabulate_pairs,
    tabulate_shares,
    tabulate_values,
)

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class RunReport:
    """Everything that is reported of a run."""

    report: Report
    agreement: Agreement
    consistency: ConsistencyReport

    @cached_property
    def tables(self) -> dict[str, DataFrame]:
        """By name, in the order in which they are read."""
        report = self.report
        return {
            "shares": tabulate_shares(report),
            "labelled": tabulate_groups(report),
            "answer x explanation": tabulate_answer_explanation(report),
            "prompt kinds, paired": tabulate_pairs(report),
            "every label": tabulate_values(report),
            "first wrong steps": tabulate_first_wrong_steps(report),
            "agreement": tabulate_agreement(self.agreement),
            "samples": tabulate_consistency(self.consistency),
            "votes": tabulate_votes(self.consistency),
            "beside the assignment": compare_with_assignment(report),
        }

    def to_json(self, ids: bool = True) -> str:
        """Strict JSON by field names."""
        parts = {"report": self.report, "agreement": self.agreement, "consistency": self.consistency}
        return write_json(parts, ids)


def load_packages() -> None:
    """Imports what the first report and its pictures need: some seconds, which nobody waits for in a thread."""
    import krippendorff  # noqa: F401
    import plotly.subplots  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.metrics  # noqa: F401
    import statsmodels.stats.inter_rater  # noqa: F401


def build_all(store: LabelStore, run: int) -> RunReport:
    """The report of a run as its labels stand now. Raises ValueError for an unknown run."""
    responses, schema = store.responses(run), store.schema(run)
    labels = store.labels(run, rounds=ROUNDS)
    decisions = {(label.response_id, label.field): label.value for label in store.adjudications(run)}
    report = build_report(responses, labels, schema, decisions)
    agreement = build_agreement(labels, schema)
    return RunReport(report, agreement, build_consistency(responses, is_same_answer))


def is_same_answer(a: str, b: str) -> bool:
    """Whether two answers mean the same; where the rule cannot tell, whether they are written the same."""
    same = match_answers(a, b)
    return a.casefold().split() == b.casefold().split() if same is None else same
