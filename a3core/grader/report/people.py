"""Whose labels a report counts: people, each with labels, pace and agreement; sources are compared with them.

    annotator   responses   labels   per hour   with others   with oneself
    ann         120         360      95         0.88          0.95

    source      field       n     same   share   kappa
    dataset     answer      100   96     0.96    0.91      a file's own verdict, against the value of the people

A source is a file's own verdict ("dataset"), the rule of `answers.extraction` ("rule"), or a model ("model: NAME"). It
has no vote, makes no response labelled, and takes no part in the agreement of people.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from a3core.grader.answers.extraction import suggest_label
from a3core.grader.labels.schema import ANSWER, FIRST, Schema
from a3core.grader.report.agreement import COHEN, ONESELF, compare
from a3core.grader.report.build import Report
from a3core.grader.report.measures import Row, build_proportion
from a3core.grader.runs.responses import RULE, Label, Response
from a3core.grader.session.queue import measure_pace


def summarise_annotators(labels: Sequence[Label], agreement: Row, counted: Collection[str]) -> tuple[Row, ...]:
    """A row for each person with labels; `counts`: whether theirs are among the `counted`, whose `agreement` it is.

    `per_hour`: responses an hour of work, None where no time is known. Agreement, `with_others` and `with_oneself` (of
    responses that came back silently), is the share of equal labels, over all questions, of `..._n` comparisons.
    """
    own: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        own[label.annotator].append(label)
    rows = []
    for annotator, given in own.items():
        ids = tuple(dict.fromkeys(label.response_id for label in given))
        row = {"annotator": annotator, "counts": annotator in counted, "responses": len(ids), "labels": len(given)}
        last: dict[tuple[str, int], str] = {}  # when each response got its last label
        for label in given:
            last[label.response_id, label.round] = max(last.get((label.response_id, label.round), ""), label.at)
        ends = sorted({*last.values()} - {""}, reverse=True)
        row["per_hour"] = measure_pace(map(datetime.fromisoformat, ends))
        pairs = [one for one in agreement["coefficients"] if annotator in one.annotators and one.n]
        for name, coefficient in (("with_others", COHEN), ("with_oneself", ONESELF)):
            of = [one for one in pairs if one.name == coefficient]
            n = sum(one.n for one in of)
            row[name], row[f"{name}_n"] = sum(one.raw * one.n for one in of) / n if n else None, n
        rows.append(row | {"ids": ids})
    return tuple(rows)


def apply_rule(responses: Iterable[Response], schema: Schema) -> list[Label]:
    """What the rule suggests of each answer, where it suggests a choice of the schema, as labels of RULE."""
    choices = schema.question(ANSWER).choices if ANSWER in schema.fields else ()
    found = ((response.id, suggest_label(response)) for response in responses if choices)
    return [Label(id_, RULE, ANSWER, one.value) for id_, one in found if one and one.value in choices]


def compare_sources(labels: Iterable[Label], report: Report) -> tuple[Row, ...]:
    """A row for each source and field: how it agrees with the value of the people that counts in the report.

    `same` is a proportion of the responses that both have a label of: the accuracy of the source; `kappa` is Cohen's,
    with its 95 % interval, and `note` says why there is none.
    """
    given: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for label in labels:
        if label.round == FIRST:
            given[label.annotator, label.field][label.response_id] = label.value
    rows = []
    for (source, field), own in given.items():
        of_field = (count for count in report.overall.counts if count["field"] == field)
        people = {id_: count["value"] for count in of_field for id_ in count["ids"]}
        columns = list(own.values()), list(map(people.get, own))
        found = compare(field, COHEN, (source, "people"), tuple(own), columns)
        differing = set(found.differing_ids)
        same = build_proportion([id_ for id_ in found.ids if id_ not in differing], found.differing_ids)
        kappa = {"kappa": found.value, "kappa_low": found.low, "kappa_high": found.high, "note": found.note}
        rows.append({"source": source, "field": field, "labels": len(own), "same": same, **kappa})
    return tuple(rows)
