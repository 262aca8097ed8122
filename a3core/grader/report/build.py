"""What the labels of a run say: shares with intervals, answer against explanation, prompt kinds, first wrong steps.

    report = build_report(run.responses, labels, DEFAULT_SCHEMA, {("17", "answer"): "correct"})
    report.overall.shares["answer correct"]       Proportion(k=7, n=10, share=0.7, low=0.397, high=0.892, ids=('1', ...
    report.group("chain of thought").sentences    ('Correct answers and correct explanations go together in ...

Each count carries the ids of its responses, in the order in which the responses came. Tables of a report are made in
a3core.grader.report.tables, agreement of annotators in a3core.grader.report.agreement.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from a3core.grader.labels.schema import (
    ANSWER,
    CONVINCING,
    CORRECT,
    EXPLANATION,
    FIRST_WRONG_STEP,
    NO,
    NO_CONSISTENT_ANSWER,
    UNSURE,
    YES,
    Schema,
)
from a3core.grader.report.measures import (
    AnswerByExplanation,
    FirstWrongSteps,
    Ids,
    PairedKinds,
    Proportion,
    build_proportion,
    compare_kinds,
    count_first_wrong_steps,
    cross_answer_explanation,
    format_proportion,
    write_json,
)
from a3core.grader.runs.responses import Label, Response

# The shares of a group, under the names that its table shows.
ACCURACY = "answer correct"  # of labelled answers: one without consistent answer is not correct
NO_ANSWER = "no consistent answer"
EXPLAINED = "explanation correct"  # of the explanations that somebody was sure about
NOT_SURE = "explanation unsure"
CONVINCES = "explanation convincing"
ONE_TO_ONE = "answer and explanation both correct, or neither"
UNCONVINCING = "correct answers with an unconvincing explanation"
UNCONVINCING_OF_ALL = "correct answer with an unconvincing explanation, of all"

MOST_KINDS = 50  # prompt kinds, and models: more are no kinds but another column, and pairs of them would be millions
EXPECTED = {ANSWER: CORRECT, EXPLANATION: CORRECT, CONVINCING: YES}  # what the shares above count


Decisions = Mapping[tuple[str, str], str]  # (response id, field) -> the value that an adjudicator chose


class ValueCount(NamedTuple):
    """How many responses of a group have this label."""

    field: str
    value: str
    n: int
    ids: Ids


class Tie(NamedTuple):
    """Responses on which the annotators are split evenly and nobody adjudicated: they are in no table of the field."""

    field: str
    n: int
    ids: Ids


class Settled(NamedTuple):
    """One value for each response, by field, and where there is none."""

    values: Mapping[str, Mapping[str, str]]  # field -> response id -> value
    ties: tuple[Tie, ...]


@dataclass(frozen=True)
class Group:
    """Responses of one prompt kind and model; None stands for all of them."""

    prompt_kind: str | None
    model: str | None
    n: int
    labelled: int  # responses with a label, settled or not, of a question of the schema
    shares: Mapping[str, Proportion]
    table: AnswerByExplanation
    counts: tuple[ValueCount, ...]  # every choice of every question of the schema
    sentences: tuple[str, str, str]  # the assignment's three
    ids: Ids
    labelled_ids: Ids


@dataclass(frozen=True)
class Report:
    """Groups: all responses, each prompt kind, and where there are several models each model and each pair of both."""

    groups: tuple[Group, ...]
    pairs: tuple[PairedKinds, ...]
    first_wrong_steps: FirstWrongSteps
    ties: tuple[Tie, ...]
    notes: tuple[str, ...]  # sentences that a reader of the tables should know

    @property
    def overall(self) -> Group:
        return self.groups[0]

    def group(self, prompt_kind: str | None = None, model: str | None = None) -> Group:
        """Raises ValueError where there is no such group."""
        for group in self.groups:
            if (group.prompt_kind, group.model) == (prompt_kind, model):
                return group
        raise ValueError(f"the report has no group of the prompt kind {prompt_kind!r} and the model {model!r}")

    def to_json(self, ids: bool = True) -> str:
        return write_json(self, ids)


def build_report(
    responses: Sequence[Response], labels: Sequence[Label], schema: Schema, decisions: Decisions = MappingProxyType({})
) -> Report:
    """The report of some responses of a run; labels of other responses are left out, and counted in a note.

    A decision counts before any label. Where several annotators labelled a response, the one most frequent value
    counts, or none. Of an annotator's rounds the first counts. Raises ValueError for a label that is there twice.
    """
    settled = settle_labels(responses, labels, schema, decisions)
    kinds, models = ({getattr(response, name) for response in responses} for name in ("prompt_kind", "model"))
    few = len(kinds) <= MOST_KINDS and len(models) <= MOST_KINDS
    asked = set(schema.fields)
    has_label = {label.response_id for label in labels if label.field in asked}
    has_label |= {response_id for response_id, field in decisions if field in asked}
    groups = _group(responses) if few else {(None, None): [response.id for response in responses]}
    return Report(
        tuple(_build_group(*key, ids, has_label, settled, schema) for key, ids in groups.items()),
        compare_kinds(responses, settled.values[ANSWER]) if few else (),
        count_first_wrong_steps(responses, settled.values[FIRST_WRONG_STEP]),
        settled.ties,
        tuple(_note(responses, labels, decisions, schema, settled, None if few else (len(kinds), len(models)))),
    )


def settle_labels(
    responses: Iterable[Response], labels: Sequence[Label], schema: Schema, decisions: Decisions
) -> Settled:
    """The value of each response and field of the schema, and of the first wrong step; ids in the responses' order."""
    votes = first_round(labels)
    order = [response.id for response in responses]
    values: dict[str, dict[str, str]] = defaultdict(dict)
    ties: dict[str, list[str]] = defaultdict(list)
    for field in (*schema.fields, FIRST_WRONG_STEP):
        for id_ in order:
            value = decisions.get((id_, field)) or _settle(votes[field].get(id_, {}))
            if value:
                values[field][id_] = value
            elif id_ in votes[field]:
                ties[field].append(id_)
    return Settled(values, tuple(Tie(field, len(ids), tuple(ids)) for field, ids in ties.items()))


def first_round(labels: Sequence[Label]) -> Mapping[str, Mapping[str, dict[str, str]]]:
    """Field -> response id -> annotator -> value. Raises ValueError for a label that is there twice."""
    seen = {(label.response_id, label.annotator, label.field, label.round) for label in labels}
    if len(seen) < len(labels):
        raise ValueError(f"{len(labels) - len(seen)} labels are there twice: hand over the present labels only")
    votes: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for label in sorted(labels, key=lambda label: label.round):
        votes[label.field].setdefault(label.response_id, {}).setdefault(label.annotator, label.value)
    return votes


def _settle(votes: Mapping[str, str]) -> str | None:
    """The one most frequent value, None where there is none or several."""
    if len(values := set(votes.values())) < 2:
        return next(iter(values), None)
    (first, most), (_, next_most) = Counter(votes.values()).most_common(2)
    return first if most > next_most else None


def _group(responses: Sequence[Response]) -> dict[tuple[str | None, str | None], list[str]]:
    """(prompt kind, model) -> ids: all, then kinds, then models, then both; the latter two only where models differ."""
    several = len({response.model for response in responses}) > 1
    groups: dict[tuple[str | None, str | None], list[str]] = {(None, None): [response.id for response in responses]}
    for response in responses:
        groups.setdefault((response.prompt_kind, None), []).append(response.id)
    if several:
        for key in (lambda one: (None, one.model), lambda one: (one.prompt_kind, one.model)):
            for response in responses:
                groups.setdefault(key(response), []).append(response.id)
    return groups


def _build_group(
    kind: str | None, model: str | None, ids: list[str], has_label: set[str], settled: Settled, schema: Schema
) -> Group:
    values = settled.values
    labelled = tuple(id_ for id_ in ids if id_ in has_label)
    shares = _measure(ids, *(values[field] for field in (ANSWER, EXPLANATION, CONVINCING)))
    table = cross_answer_explanation(ids, values[ANSWER], values[EXPLANATION])
    counts = tuple(count for field in schema.fields for count in _count_values(field, ids, values[field], schema))
    sentences = _say_correspondence(shares, table), _say_explained(shares), _say_unconvincing(shares)
    return Group(kind, model, len(ids), len(labelled), shares, table, counts, sentences, tuple(ids), labelled)


def _measure(
    ids: list[str], answer: Mapping[str, str], explanation: Mapping[str, str], convincing: Mapping[str, str]
) -> dict[str, Proportion]:
    answered = [id_ for id_ in ids if id_ in answer]
    explained = [id_ for id_ in ids if id_ in explanation]
    sure = [id_ for id_ in explained if explanation[id_] != UNSURE]
    judged = [id_ for id_ in answered if id_ in convincing]
    correct = [id_ for id_ in judged if answer[id_] == CORRECT]
    return {
        ACCURACY: _split(answered, lambda id_: answer[id_] == CORRECT),
        NO_ANSWER: _split(answered, lambda id_: answer[id_] == NO_CONSISTENT_ANSWER),
        EXPLAINED: _split(sure, lambda id_: explanation[id_] == CORRECT),
        NOT_SURE: _split(explained, lambda id_: explanation[id_] == UNSURE),
        CONVINCES: _split([id_ for id_ in ids if id_ in convincing], lambda id_: convincing[id_] == YES),
        ONE_TO_ONE: _split(
            [id_ for id_ in sure if id_ in answer],
            lambda id_: (answer[id_] == CORRECT) == (explanation[id_] == CORRECT),
        ),
        UNCONVINCING: _split(correct, lambda id_: convincing[id_] == NO),
        UNCONVINCING_OF_ALL: _split(judged, lambda id_: answer[id_] == CORRECT and convincing[id_] == NO),
    }


def _split(ids: list[str], holds: Callable[[str], bool]) -> Proportion:
    return build_proportion([id_ for id_ in ids if holds(id_)], [id_ for id_ in ids if not holds(id_)])


def _count_values(field: str, ids: list[str], values: Mapping[str, str], schema: Schema) -> list[ValueCount]:
    """Every choice, also those that nobody made, then values of older schemas."""
    found: dict[str, list[str]] = {choice: [] for choice in schema.question(field).choices}
    for id_ in ids:
        if id_ in values:
            found.setdefault(values[id_], []).append(id_)
    return [ValueCount(field, value, len(of), tuple(of)) for value, of in found.items()]


def _say_correspondence(shares: Mapping[str, Proportion], table: AnswerByExplanation) -> str:
    share = shares[ONE_TO_ONE]
    if not share.n:
        return "No response has both its answer and its explanation judged yet: nothing to say of a correspondence."
    sentence = f"Correct answers and correct explanations go together in {format_proportion(share)}"
    if share.k == share.n:
        return f"{sentence}: a one-to-one correspondence."
    return (
        f"{sentence}: no one-to-one correspondence. Correct answers with a flawed explanation: "
        f"{table.cell(True, False).n}; other answers with a correct one: {table.cell(False, True).n}."
    )


def _say_explained(shares: Mapping[str, Proportion]) -> str:
    unsure = f" Unsure, and not counted: {shares[NOT_SURE].k}." if shares[NOT_SURE].k else ""
    if not shares[EXPLAINED].n:
        return f"No explanation has been judged correct or flawed yet.{unsure}"
    return f"Explanations that are correct: {format_proportion(shares[EXPLAINED])}.{unsure}"


def _say_unconvincing(shares: Mapping[str, Proportion]) -> str:
    correct, judged = shares[UNCONVINCING], shares[UNCONVINCING_OF_ALL]
    if not correct.n:
        return "No correct answer has an explanation that was judged convincing or unconvincing yet."
    among_correct, among_all = format_proportion(correct), format_proportion(judged)
    return f"Correct answers with an unconvincing explanation: {among_correct}; of all responses: {among_all}."


def _note(
    responses: Sequence[Response],
    labels: Sequence[Label],
    decisions: Decisions,
    schema: Schema,
    settled: Settled,
    too_many: tuple[int, int] | None,
) -> Iterable[str]:
    if too_many:
        kinds, models = too_many
        yield (
            f"There are {kinds} prompt kinds and {models} models, too many to compare (at most {MOST_KINDS} each): "
            "only all responses together are shown. Was another column taken for them?"
        )
    for tie in settled.ties:
        yield f"{tie.field}: the annotators are evenly split on {tie.n} responses, which are in no table of it."
    known = {response.id for response in responses}
    labelled = [label.response_id for label in labels] + [response_id for response_id, _ in decisions]
    if other := sum(response_id not in known for response_id in labelled):
        yield f"{other} labels belong to responses that are not in this report."
    samples = Counter((one.prompt_kind, one.model, one.question_key) for one in responses)
    if max(samples.values(), default=0) > 1:
        yield (
            "Some questions have several samples. The intervals treat every response as independent, which makes them "
            "too narrow; the paired test counts each question once."
        )
    yield from _note_schema(schema, settled)


def _note_schema(schema: Schema, settled: Settled) -> Iterable[str]:
    for field, value in EXPECTED.items():
        if field not in schema.fields:
            yield f"The schema does not ask for {field!r}: the shares that need it are empty."
        elif value not in schema.question(field).choices:
            yield f"{field!r} has no choice {value!r} in this schema, which is what the shares count."
    for field in schema.fields:
        choices = schema.question(field).choices
        older = [value for value in settled.values[field].values() if value not in choices]
        if older:
            yield f"{field}: {len(older)} labels have a value that this schema does not know, as {older[0][:40]!r}."
