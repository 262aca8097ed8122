"""Whose labels a report counts: people, each with labels, pace and agreement; sources are compared with them.

    annotator   responses   labels   per hour   with others   with oneself
    ann         120         360      95         0.88          0.95

    source      field       n     same   share   kappa
    dataset     answer      100   96     0.96    0.91      a file's own verdict, against the value of the people

A source is a file's own verdict ("dataset"), the rule of `answers.extraction` ("rule"), or a model ("model: NAME"). It
has no vote, makes no response labelled, and takes no part in the agreement of people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from a3core.grader.answers.extraction import suggest_label
from a3core.grader.labels.schema import ANSWER, FIRST, Schema
from a3core.grader.report.agreement import COHEN, ONESELF, Agreement, compare_two
from a3core.grader.report.build import Report
from a3core.grader.report.measures import Ids, Proportion, build_frame, build_proportion
from a3core.grader.runs.responses import DATASET, MODEL, RULE, Label, Response
from a3core.grader.session.queue import BREAK

if TYPE_CHECKING:
    from pandas import DataFrame


def is_source(annotator: str) -> bool:
    """Whether labels of this name are no person's; a file has a verdict for each filter: "dataset (strict-match)"."""
    return annotator in (DATASET, RULE) or annotator.startswith((MODEL, f"{DATASET} ("))


class AnnotatorSummary(NamedTuple):
    """What one person labelled. Agreement is the share of equal labels, over all questions, of `n` comparisons."""

    annotator: str
    counts: bool  # whether the report counts these labels
    responses: int
    labels: int
    per_hour: float | None  # responses an hour of work; None where there is no time to see
    with_others: float | None
    with_others_n: int
    with_oneself: float | None  # of responses that came back silently
    with_oneself_n: int
    ids: Ids


class SourceSummary(NamedTuple):
    """How a source agrees with the value of the people, on the responses that both have a label of."""

    source: str
    field: str
    labels: int  # of the source
    same: Proportion  # of those that people labelled, too: the accuracy of the source
    kappa: float | None  # Cohen's
    kappa_low: float | None
    kappa_high: float | None
    note: str  # why there is no kappa


def summarise_annotators(
    labels: Sequence[Label], agreement: Agreement, counted: Collection[str]
) -> tuple[AnnotatorSummary, ...]:
    """One for each person with labels; `counted` are those whose labels count, whose `agreement` it is."""
    own: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        own[label.annotator].append(label)
    summaries = []
    for annotator, given in own.items():
        ids = tuple(dict.fromkeys(label.response_id for label in given))
        others, others_n = _average_raw(agreement, COHEN, annotator)
        oneself, oneself_n = _average_raw(agreement, ONESELF, annotator)
        summary = AnnotatorSummary(
            annotator=annotator,
            counts=annotator in counted,
            responses=len(ids),
            labels=len(given),
            per_hour=measure_pace(given),
            with_others=others,
            with_others_n=others_n,
            with_oneself=oneself,
            with_oneself_n=oneself_n,
            ids=ids,
        )
        summaries.append(summary)
    return tuple(summaries)


def _average_raw(agreement: Agreement, name: str, annotator: str) -> tuple[float | None, int]:
    """The share of equal labels over all coefficients of that name with the annotator, and how many were compared."""
    own = [one for one in agreement.coefficients if one.name == name and annotator in one.annotators and one.n]
    n = sum(one.n for one in own)
    return (sum(one.raw * one.n for one in own) / n if n else None), n


def measure_pace(labels: Iterable[Label]) -> float | None:
    """Responses an hour: from each response's last label to the next one's, breaks left out."""
    last: dict[tuple[str, int], str] = {}
    for label in labels:
        key = label.response_id, label.round
        last[key] = max(last.get(key, ""), label.at)
    times = [datetime.fromisoformat(at) for at in sorted(last.values()) if at]
    steps = [later - earlier for earlier, later in pairwise(times) if timedelta(0) < later - earlier <= BREAK]
    return len(steps) / (sum(steps, timedelta(0)) / timedelta(hours=1)) if steps else None


def apply_rule(responses: Iterable[Response], schema: Schema) -> list[Label]:
    """What the rule suggests of each answer, where it suggests a choice of the schema, as labels of RULE."""
    choices = schema.question(ANSWER).choices if ANSWER in schema.fields else ()
    found = ((response.id, suggest_label(response)) for response in responses if choices)
    return [
        Label(response_id=id_, annotator=RULE, field=ANSWER, value=suggestion.value)
        for id_, suggestion in found
        if suggestion and suggestion.value in choices
    ]


def compare_sources(labels: Iterable[Label], report: Report) -> tuple[SourceSummary, ...]:
    """Each source and field with the value that counts in the report."""
    given: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for label in labels:
        if label.round == FIRST:
            given[label.annotator, label.field][label.response_id] = label.value
    summaries = []
    for (source, field), own in given.items():
        people = {id_: count.value for count in report.overall.counts if count.field == field for id_ in count.ids}
        found = compare_two(field, COHEN, (source, "people"), left=own, right=people)
        differing = set(found.differing_ids)
        summary = SourceSummary(
            source=source,
            field=field,
            labels=len(own),
            same=build_proportion([id_ for id_ in found.ids if id_ not in differing], found.differing_ids),
            kappa=found.value,
            kappa_low=found.low,
            kappa_high=found.high,
            note=found.note,
        )
        summaries.append(summary)
    return tuple(summaries)


def format_whose(people: Sequence[str], counted: Collection[str], adjudicated: bool) -> str:
    """Whose labels count, in words."""
    if not people:
        return "Nobody has labelled this run yet."
    left_out = [name for name in people if name not in counted]
    others = f" Left out: {', '.join(left_out)}." if left_out else ""
    first = "What was adjudicated counts first." if adjudicated else "What was adjudicated does not count."
    names = ", ".join(name for name in people if name in counted) or "nobody"
    return f"The labels of {names} count.{others} {first}"


def tabulate_annotators(summaries: Iterable[AnnotatorSummary]) -> DataFrame:
    """One row a person."""
    return build_frame((summary._asdict() for summary in summaries), AnnotatorSummary._fields)


def tabulate_sources(summaries: Iterable[SourceSummary]) -> DataFrame:
    """One row for each source and question."""
    columns = (
        "source",
        "field",
        "labels",
        "k",
        "n",
        "share",
        "low",
        "high",
        "kappa",
        "kappa_low",
        "kappa_high",
        "note",
    )
    rows = (summary._asdict() | summary.same._asdict() for summary in summaries)
    return build_frame(rows, (*columns, "ids", "rest_ids"))
