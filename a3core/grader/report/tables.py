"""Everything that is reported of a run, from the store: tables, agreement, samples, beside the assignment's figures.

    everything = build_all(store, run)
    everything.report.overall.sentences
    everything.tables["shares"][["prompt_kind", "measure", "k", "n", "share", "low", "high"]]

            prompt_kind         measure  k   n share       low      high
    0               all  answer correct  9  30   0.3  0.166647  0.478758

All columns of a table hold plain objects (see `measures`); `ids` and `rest_ids` open a row and are not to be read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import product
from typing import TYPE_CHECKING

from a3core.grader.answers.extraction import suggest_label
from a3core.grader.labels.dealing import deal_out, list_part
from a3core.grader.labels.schema import ANSWER, FIRST, ROUNDS, Schema
from a3core.grader.labels.store import LabelStore
from a3core.grader.report.agreement import COHEN, ONESELF, build_agreement, compare
from a3core.grader.report.assignment import compare_with_assignment
from a3core.grader.report.build import Report, build_report
from a3core.grader.report.consistency import build_consistency
from a3core.grader.report.measures import CONVINCES, SENTENCES, Row, build_frame, build_proportion, write_json
from a3core.grader.runs import changed_explanations as changes
from a3core.grader.runs.changed_explanations import KINDS, Outcome
from a3core.grader.runs.responses import RULE, Label, Response, is_source
from a3core.grader.session.queue import measure_pace

if TYPE_CHECKING:
    from pandas import DataFrame


CELLS = tuple(product(("correct", "not correct"), ("correct", "flawed")))  # of answer x explanation
CROSSED = {"cut": "without the explanation"} | {kind: KINDS[kind] for kind in ("last value", "another's")}
ALL = "all"  # stands for all prompt kinds, or all models
AGREEMENT_COLUMNS = "field name who n raw value low high note ids differing_ids"
SOURCE_COLUMNS = "source field labels k n share low high kappa kappa_low kappa_high note ids rest_ids"
SAMPLED = {"majority vote right": "majority", "single sample right": "single", "no consistent answer": "inconsistent"}


@dataclass(frozen=True)
class RunReport:
    """Everything that is reported of a run."""

    report: Report
    agreement: Row
    consistency: Row  # (`build_consistency`)
    by_annotator: tuple[Row, ...] = ()
    by_source: tuple[Row, ...] = ()
    whose: str = ""  # whose labels count, in words
    changed: tuple[Outcome, ...] = field(default=(), metadata={"json": False})  # of explanations, in their own file

    @cached_property
    def tables(self) -> dict[str, DataFrame]:
        """By name, in the order in which they are read."""
        agreed = [one._asdict() | {"who": one.who} for one in self.agreement["coefficients"]]
        compared = [row | row["same"]._asdict() for row in self.by_source]
        sampled = [
            {"prompt_kind": group["prompt_kind"], "model": group["model"], "measure": words} | group[name]._asdict()
            for group in self.consistency["groups"]
            for words, name in SAMPLED.items()
        ]
        tables = {
            **{name: build_frame(rows) for name, rows in list_rows(self.report).items()},
            "agreement": build_frame(agreed, AGREEMENT_COLUMNS),
            "annotators": build_frame(self.by_annotator),
            "sources": build_frame(compared, SOURCE_COLUMNS),
            "samples": build_frame(sampled),
            "votes": build_frame(self.consistency["votes"]),
            "beside the assignment": build_frame(compare_with_assignment(self.report)),
        }
        if self.changed:
            counts = [row | {"kind": KINDS[row["kind"]]} for row in changes.count_outcomes(self.changed)]
            tables["what if"] = build_frame(counts)
            tables["what if, by label"] = build_frame(cross_labels(self.changed, self.report))
        return tables

    def to_json(self, ids: bool = True) -> str:
        """Strict JSON by field names."""
        return write_json(self, ids)


def build_all(
    store: LabelStore, run: int, annotators: Collection[str] | None = None, adjudicated: bool = True
) -> RunReport:
    """The report of a run by its present labels: of these `annotators`, None for all people.

    What was `adjudicated` counts first, or not at all. Raises ValueError for an unknown run, or an annotator who has
    no labels in it.
    """
    counted, key = None if annotators is None else frozenset(annotators), store.run_info(run).key
    built = _build_all(store, run, (key, *store.newest()[run]), counted, adjudicated)
    outcomes = changes.load_outcomes(key)
    return replace(built, changed=outcomes) if outcomes else built


@lru_cache(maxsize=4)
def _build_all(
    store: LabelStore, run: int, version: tuple, annotators: frozenset[str] | None, adjudicated: bool
) -> RunReport:
    """The report of the run up to its `version`: key, newest event and settings. It is asked for at every click."""
    info, given = store.run_info(run), store.labels(run, rounds=ROUNDS)
    schema, deal = info.schema, info.deal
    responses, consistency, by_rule = _read_run(store, run, version[0], schema)
    names = dict.fromkeys(label.annotator for label in given)
    people = [name for name in names if not is_source(name)]
    sources = names.keys() - people
    counted = frozenset(people) if annotators is None else annotators
    if unknown := sorted(counted - set(people)):
        raise ValueError(f"{unknown[0]!r} has no labels in this run: it has those of {', '.join(people) or 'nobody'}.")
    labels = [label for label in given if label.annotator in counted]
    decided = store.adjudications(run) if adjudicated else []
    decisions = {(label.response_id, label.field): label.value for label in decided}
    ids = [response.id for response in responses]
    shared = deal and {ids[p] for p in frozenset.intersection(*deal_out(deal, len(ids)).values())}
    report, agreement = build_report(responses, labels, schema, decisions), build_agreement(labels, schema, ids, shared)
    dealt = SENTENCES.dealt(deal.annotators, len(shared), len(ids)) if deal else ""
    by_annotator = summarise_annotators([one for one in given if one.annotator not in sources], agreement, counted)
    return RunReport(
        report=report,
        agreement=agreement,
        consistency=consistency,
        by_annotator=tuple(
            row | ({"dealt": len(list_part(deal, row["annotator"], len(responses)))} if deal else {})
            for row in by_annotator
        ),
        by_source=compare_sources([*(one for one in given if one.annotator in sources), *by_rule], report),
        whose=" ".join(filter(None, (SENTENCES.whose(people, counted, adjudicated), dealt))),
    )


@lru_cache(maxsize=4)
def _read_run(store: LabelStore, run: int, key: str, schema: Schema) -> tuple[tuple[Response, ...], Row, list[Label]]:
    """What no label changes: the responses of the run with this key, their votes, and what the rule suggests."""
    responses = store.responses(run)
    choices = schema.question(ANSWER).choices if ANSWER in schema.fields else ()
    found = ((response.id, suggest_label(response)) for response in responses if choices)
    by_rule = [Label(id_, RULE, ANSWER, one.value) for id_, one in found if one and one.value in choices]
    return responses, build_consistency(responses), by_rule


# People and sources
#
#     annotator   responses   labels   per hour   with others   with oneself
#     ann         120         360      95         0.88          0.95
#
#     source      field       n     same   share   kappa
#     dataset     answer      100   96     0.96    0.91      a file's own verdict, against the value of the people
#
# A source is a file's own verdict ("dataset"), the rule of `answers.extraction` ("rule"), or a model ("model: NAME").
# It has no vote, makes no response labelled, and takes no part in the agreement of people.


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
        in_time = sorted(given, key=lambda label: label.at)
        last = {(label.response_id, label.round): label.at for label in in_time}  # when it was labelled
        ends = sorted({*last.values()} - {""}, reverse=True)
        row["per_hour"] = measure_pace(map(datetime.fromisoformat, ends))
        pairs = [one for one in agreement["coefficients"] if annotator in one.annotators and one.n]
        for name, coefficient in (("with_others", COHEN), ("with_oneself", ONESELF)):
            of = [one for one in pairs if one.name == coefficient]
            n = sum(one.n for one in of)
            row[name], row[f"{name}_n"] = sum(one.raw * one.n for one in of) / n if n else None, n
        rows.append(row | {"ids": ids})
    return tuple(rows)


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
    for (source, asked), own in given.items():
        of_field = (count for count in report.overall.counts if count["field"] == asked)
        people = {id_: count["value"] for count in of_field for id_ in count["ids"]}
        columns = list(own.values()), list(map(people.get, own))
        found = compare(asked, COHEN, (source, "people"), tuple(own), columns)
        differing = set(found.differing_ids)
        same = build_proportion([id_ for id_ in found.ids if id_ not in differing], found.differing_ids)
        kappa = {"kappa": found.value, "kappa_low": found.low, "kappa_high": found.high, "note": found.note}
        rows.append({"source": source, "field": asked, "labels": len(own), "same": same, **kappa})
    return tuple(rows)


# Tables


def cross_labels(outcomes: Sequence[Outcome], report: Report) -> list[Row]:
    """By what people find of the explanation, whose answers stay when it is taken away, changed or swapped.

    `n`: answers that can be read; `low` and `high`: the 95 % interval of those that keep (`share_interval`).
    """
    cells = report.overall.table["cells"]
    found = {
        words: {id_ for cell in cells if cell["explanation_correct"] is correct for id_ in cell["ids"]}
        for words, correct in (("correct", True), ("flawed", False))
    }
    found["correct and convincing"] = found["correct"] & set(report.overall.shares[CONVINCES].ids)
    rows = []
    for (words, ids), kind in product(found.items(), CROSSED):
        own = [one for one in outcomes if one.kind == kind and one.id in ids and (kind != "cut" or one.step == 0)]
        counts, read = changes.count_verdicts(own), tuple(one.id for one in own if one.verdict != changes.NONE)
        low, high = (counts["low"], counts["high"]) if read else (None, None)
        row = {"explanation": words, "change": CROSSED[kind], "n": len(read), "keeps": counts[changes.KEEPS]}
        rows.append(row | {"low": low, "high": high, "ids": read})
    return rows


def list_rows(report: Report) -> dict[str, list[Row]]:
    """The rows of each table of a report: of groups, each choice of each question, pairs, and steps."""
    # a prompt kind that is itself called "all" is apart by its position: all responses come first
    named = ({"prompt_kind": group.prompt_kind, "model": group.model} for group in report.groups)
    names = [{column: ALL if name is None else name for column, name in row.items()} for row in named]
    groups, steps = list(zip(names, report.groups, strict=True)), report.first_wrong_steps
    right = {"position": "every step right", "n": steps["none"], "ids": steps["none_ids"]}
    beyond = {"position": "no such step", "n": steps["beyond"], "ids": steps["beyond_ids"]}
    counted = {"step": steps["absolute"], "fifth": steps["relative"], "other": (right, beyond)}
    return {
        "shares": [
            name | {"measure": measure} | share._asdict()
            for name, group in groups
            for measure, share in group.shares.items()
        ],
        "labelled": [
            name | {"responses": of.n, "labelled": of.labelled, "ids": of.ids, "labelled_ids": of.labelled_ids}
            for name, of in groups
        ],
        "answer x explanation": [
            name | {"answer": answer, "explanation": explanation, "n": cell["n"], "ids": cell["ids"]}
            for name, group in groups
            for (answer, explanation), cell in zip(CELLS, group.table["cells"], strict=True)
        ],
        "prompt kinds, paired": list(report.pairs),
        "models, paired": list(report.models),
        "every label": [name | count for name, group in groups for count in group.counts],
        "first wrong steps": [{"counted": what} | row for what, rows in counted.items() for row in rows],
    }
