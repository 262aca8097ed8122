"""Everything that is reported of a run, from the store: tables, agreement, samples, beside the assignment's figures.

    everything = build_all(store, run)
    everything.report.overall.sentences
    everything.tables["shares"][["prompt_kind", "measure", "k", "n", "share", "low", "high"]]

            prompt_kind         measure  k   n share       low      high
    0               all  answer correct  9  30   0.3  0.166647  0.478758

All columns of a table hold plain objects (see `measures`); `ids` and `rest_ids` open a row and are not to be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from a3core.grader.answers.extraction import match_answers
from a3core.grader.labels.schema import ROUNDS, Schema
from a3core.grader.report.agreement import Agreement, build_agreement, tabulate_agreement
from a3core.grader.report.assignment import compare_with_assignment
from a3core.grader.report.build import Report, build_report
from a3core.grader.report.consistency import (
    ConsistencyReport,
    build_consistency,
    is_same_text,
    tabulate_consistency,
    tabulate_votes,
)
from a3core.grader.report.measures import PairedKinds, Proportion, build_frame, write_json
from a3core.grader.report.people import (
    AnnotatorSummary,
    SourceSummary,
    apply_rule,
    compare_sources,
    format_whose,
    is_source,
    summarise_annotators,
    tabulate_annotators,
    tabulate_sources,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from a3core.grader.labels.store import LabelStore
    from a3core.grader.runs.responses import Label, Response

ALL = "all"  # stands for all prompt kinds, or all models
GROUP = ("prompt_kind", "model")


@dataclass(frozen=True)
class RunReport:
    """Everything that is reported of a run."""

    report: Report
    agreement: Agreement
    consistency: ConsistencyReport
    by_annotator: tuple[AnnotatorSummary, ...] = ()
    by_source: tuple[SourceSummary, ...] = ()
    whose: str = ""  # whose labels count, in words

    @cached_property
    def tables(self) -> dict[str, DataFrame]:
        """By name, in the order in which they are read."""
        report = self.report
        return {
            "shares": tabulate_shares(report),
            "labelled": tabulate_groups(report),
            "answer x explanation": tabulate_answer_explanation(report),
            "prompt kinds, paired": tabulate_pairs(report.pairs),
            "models, paired": tabulate_pairs(report.models),
            "every label": tabulate_values(report),
            "first wrong steps": tabulate_first_wrong_steps(report),
            "agreement": tabulate_agreement(self.agreement),
            "annotators": tabulate_annotators(self.by_annotator),
            "sources": tabulate_sources(self.by_source),
            "samples": tabulate_consistency(self.consistency),
            "votes": tabulate_votes(self.consistency),
            "beside the assignment": compare_with_assignment(report),
        }

    def to_json(self, ids: bool = True) -> str:
        """Strict JSON by field names."""
        return write_json(self, ids)


def load_packages() -> None:
    """Imports what the first report and its pictures need: some seconds, which nobody waits for in a thread."""
    import plotly.subplots  # noqa: F401
    import scipy.stats  # noqa: F401


def build_all(
    store: LabelStore, run: int, annotators: Collection[str] | None = None, adjudicated: bool = True
) -> RunReport:
    """The report of a run by its present labels: of these `annotators`, None for all people.

    What was `adjudicated` counts first, or not at all. Raises ValueError for an unknown run, or an annotator who has
    no labels in it.
    """
    counted = None if annotators is None else frozenset(annotators)
    return _build_all(store, run, store.origin(run).key, store.newest()[run], counted, adjudicated)


@lru_cache(maxsize=4)
def _build_all(
    store: LabelStore,
    run: int,
    key: str,
    newest: tuple[int, int],
    annotators: frozenset[str] | None,
    adjudicated: bool,
) -> RunReport:
    """The report of the run with this key up to its newest event and settings: it is asked for at every click."""
    schema, given = store.schema(run), store.labels(run, rounds=ROUNDS)
    responses, consistency, by_rule = _read_run(store, run, key, schema)
    names = dict.fromkeys(label.annotator for label in given)
    people = [name for name in names if not is_source(name)]
    counted = frozenset(people) if annotators is None else annotators
    if unknown := sorted(counted - set(people)):
        raise ValueError(f"{unknown[0]!r} has no labels in this run: it has those of {', '.join(people) or 'nobody'}.")
    labels = [label for label in given if label.annotator in counted]
    decided = store.adjudications(run) if adjudicated else []
    decisions = {(label.response_id, label.field): label.value for label in decided}
    report, agreement = build_report(responses, labels, schema, decisions), build_agreement(labels, schema)
    return RunReport(
        report=report,
        agreement=agreement,
        consistency=consistency,
        by_annotator=summarise_annotators([one for one in given if not is_source(one.annotator)], agreement, counted),
        by_source=compare_sources([*(one for one in given if is_source(one.annotator)), *by_rule], report),
        whose=format_whose(people, counted, adjudicated),
    )


@lru_cache(maxsize=4)
def _read_run(
    store: LabelStore, run: int, key: str, schema: Schema
) -> tuple[tuple[Response, ...], ConsistencyReport, list[Label]]:
    """What no label changes: the responses of the run with this key, their votes, and what the rule suggests."""
    responses = store.responses(run)
    return responses, build_consistency(responses, is_same_answer), apply_rule(responses, schema)


def is_same_answer(a: str, b: str) -> bool:
    """Whether two answers mean the same; where the rule cannot tell, whether they are written the same."""
    same = match_answers(a, b)
    return is_same_text(a, b) if same is None else same


# Tables


def tabulate_shares(report: Report) -> DataFrame:
    """One row for each group and measure: k of n, share, 95 % interval."""
    rows = (
        name_group(group) | {"measure": measure} | share._asdict()
        for group in report.groups
        for measure, share in group.shares.items()
    )
    return build_frame(rows, (*GROUP, "measure", *Proportion._fields))


def tabulate_groups(report: Report) -> DataFrame:
    """One row for each group: how many responses, how many of them labelled."""
    rows = (
        name_group(group)
        | {"responses": group.n, "labelled": group.labelled, "ids": group.ids, "labelled_ids": group.labelled_ids}
        for group in report.groups
    )
    return build_frame(rows, (*GROUP, "responses", "labelled", "ids", "labelled_ids"))


def tabulate_values(report: Report) -> DataFrame:
    """One row for each group and each choice of each question: how many responses have it."""
    rows = (name_group(group) | count._asdict() for group in report.groups for count in group.counts)
    return build_frame(rows, (*GROUP, "field", "value", "n", "ids"))


def tabulate_answer_explanation(report: Report) -> DataFrame:
    """Four rows for each group: a cell of the answer x explanation table."""
    rows = (
        name_group(group)
        | {"answer": "correct" if cell.answer_correct else "not correct"}
        | {"explanation": "correct" if cell.explanation_correct else "flawed", "n": cell.n, "ids": cell.ids}
        for group in report.groups
        for cell in group.table.cells
    )
    return build_frame(rows, (*GROUP, "answer", "explanation", "n", "ids"))


def tabulate_pairs(pairs: Iterable[PairedKinds]) -> DataFrame:
    """One row for each pair of prompt kinds, or of models."""
    return build_frame((pair._asdict() for pair in pairs), PairedKinds._fields)


def tabulate_first_wrong_steps(report: Report) -> DataFrame:
    """Rows by absolute position, then by fifth of the explanation, then what has no position."""
    steps = report.first_wrong_steps
    rows = [{"counted": "step"} | count._asdict() for count in steps.absolute]
    rows += [{"counted": "fifth"} | count._asdict() for count in steps.relative]
    rows.append({"counted": "other", "position": "every step right", "n": steps.none, "ids": steps.none_ids})
    rows.append({"counted": "other", "position": "no such step", "n": steps.beyond, "ids": steps.beyond_ids})
    return build_frame(rows, ("counted", "position", "n", "ids"))


def name_group(group) -> dict[str, str]:
    """A prompt kind that is itself called "all" stands apart by its place: all responses come first."""
    return {name: ALL if getattr(group, name) is None else getattr(group, name) for name in GROUP}
