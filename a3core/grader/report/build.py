"""What the labels of a run say: shares with intervals, answer against explanation, prompt kinds, first wrong steps.

    report = build_report(run.responses, labels, DEFAULT_SCHEMA, {("17", "answer"): "correct"})
    report.overall.shares["answer correct"]       Proportion(k=7, n=10, share=0.7, low=0.397, high=0.892, ids=('1', ...
    report.group("chain of thought").sentences    ('Correct answers and correct explanations go together in ...

Each count carries the ids of its responses, in the order in which the responses came. Tables of a report are made in
a3core.grader.report.tables, agreement of annotators in a3core.grader.report.agreement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
    correct_for_number,
    count_first_wrong_steps,
    cross_answer_explanation,
    format_percent,
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

TOO_MANY = (
    "There are {kinds} prompt kinds and {models} models, too many to compare (at most {most} each): only all responses "
    "together are shown. Was another column taken for them?"
)
MOST_KINDS = 50  # prompt kinds, and models: more are no kinds but another column, and pairs of them would be millions
EXPECTED = {ANSWER: CORRECT, EXPLANATION: CORRECT, CONVINCING: YES}  # what the shares above count


Decisions = Mapping[tuple[str, str], str]  # (response id, field) -> the value that an adjudicator chose
Given = dict[str, dict[str, dict[str, str]]]  # field -> annotator -> response id -> value
Values = Mapping[str, Mapping[str, str]]  # field -> response id -> the one value that counts


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
    models: tuple[PairedKinds, ...] = ()  # pairs of models, as `pairs` of prompt kinds
    by_question: str = ""  # the shares with intervals by question, in words; "" where each has one response

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
    rounds = read_rounds(labels)
    given = join_rounds(rounds)
    values, ties = settle_labels(responses, given, schema, decisions)
    kinds, models = ({getattr(response, name) for response in responses} for name in ("prompt_kind", "model"))
    few = len(kinds) <= MOST_KINDS and len(models) <= MOST_KINDS
    questions = {response.id: response.question_key for response in responses}
    fields = set(schema.fields)
    has_label = {id_ for field in schema.fields for own in given.get(field, {}).values() for id_ in own}
    has_label |= {response_id for response_id, field in decisions if field in fields}
    measures = define_measures(values)
    groups = []
    for (kind, model), ids in _group(responses, few).items():
        shares = _measure(ids, measures, questions)
        table = cross_answer_explanation(ids, values[ANSWER], values[EXPLANATION])
        labelled = tuple(id_ for id_ in ids if id_ in has_label)
        group = Group(
            prompt_kind=kind,
            model=model,
            n=len(ids),
            labelled=len(labelled),
            shares=shares,
            table=table,
            counts=_count_values(ids, values, schema),
            sentences=(_say_correspondence(shares, table), _say_explained(shares), _say_unconvincing(shares)),
            ids=tuple(ids),
            labelled_ids=labelled,
        )
        groups.append(group)
    notes = [] if few else [TOO_MANY.format(kinds=len(kinds), models=len(models), most=MOST_KINDS)]
    notes += _note(responses, rounds, decisions, ties, questions)
    pairs = compare_kinds(responses, values[ANSWER], questions) if few else []
    of_models = compare_kinds(responses, values[ANSWER], questions, by="model") if few and len(models) > 1 else []
    corrected = correct_for_number(pairs + of_models)
    return Report(
        groups=tuple(groups),
        pairs=tuple(corrected[: len(pairs)]),
        first_wrong_steps=count_first_wrong_steps(responses, values[FIRST_WRONG_STEP]),
        ties=ties,
        notes=(*notes, *_note_schema(schema, values)),
        models=tuple(corrected[len(pairs) :]),
        by_question=_format_by_question(groups[0].shares),
    )


def settle_labels(
    responses: Iterable[Response], given: Given, schema: Schema, decisions: Decisions
) -> tuple[Values, tuple[Tie, ...]]:
    """The value of each response and field of the schema, and of the first wrong step; and where there is none.

    Ids are in the order of the responses.
    """
    order = [response.id for response in responses]
    values: dict[str, dict[str, str]] = defaultdict(dict)
    ties = []
    for field in (*schema.fields, FIRST_WRONG_STEP):
        voters, tied = list(given.get(field, {}).values()), []
        for id_ in order:
            votes = [own[id_] for own in voters if id_ in own]
            if value := (decisions and decisions.get((id_, field))) or _settle(votes):
                values[field][id_] = value
            elif votes:
                tied.append(id_)
        if tied:
            ties.append(Tie(field=field, n=len(tied), ids=tuple(tied)))
    return values, tuple(ties)


def read_rounds(labels: Sequence[Label]) -> dict[int, Given]:
    """Round -> labels, annotators in the order in which they come.

    Raises ValueError for a label that is there twice.
    """
    rounds: dict[int, Given] = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    for label in labels:
        rounds[label.round][label.field][label.annotator][label.response_id] = label.value
    count = sum(len(own) for given in rounds.values() for voters in given.values() for own in voters.values())
    if count < len(labels):
        raise ValueError(f"{len(labels) - count} labels are there twice: hand over the present labels only")
    return rounds


def join_rounds(rounds: Mapping[int, Given]) -> Given:
    """Of each annotator and response the label of the first round that has one."""
    joined: Given = defaultdict(dict)
    for round_ in sorted(rounds):
        for field, voters in rounds[round_].items():
            for annotator, own in voters.items():
                joined[field][annotator] = own | joined[field].get(annotator, {})
    return joined


def _settle(votes: Sequence[str]) -> str | None:
    """The one most frequent value, None where there is none or several."""
    if not votes or votes.count(votes[0]) == len(votes):
        return votes[0] if votes else None
    counts = {value: votes.count(value) for value in votes}
    most = max(counts.values())
    frequent = [value for value, n in counts.items() if n == most]
    return frequent[0] if len(frequent) == 1 else None


def _group(responses: Sequence[Response], few: bool) -> dict[tuple[str | None, str | None], list[str]]:
    """(prompt kind, model) -> ids: all, then kinds, then models, then both; the latter two only where models differ."""
    groups: dict[tuple[str | None, str | None], list[str]] = {(None, None): [response.id for response in responses]}
    several = len({response.model for response in responses}) > 1
    for by_kind, by_model in ((True, False), (False, True), (True, True)) if few else ():
        for response in responses if several or not by_model else ():
            key = response.prompt_kind if by_kind else None, response.model if by_model else None
            groups.setdefault(key, []).append(response.id)
    return groups


def define_measures(values: Values) -> dict[str, tuple[set[str], set[str]]]:
    """Each share as (ids that it is of, ids that it counts); the latter may have ids that are not among the former."""
    answer, explanation, convincing = values[ANSWER], values[EXPLANATION], values[CONVINCING]
    correct, sound, unsure = _pick(answer, CORRECT), _pick(explanation, CORRECT), _pick(explanation, UNSURE)
    answered, explained, judged = set(answer), set(explanation), set(convincing)
    sure, unconvincing = explained - unsure, _pick(convincing, NO)
    return {
        ACCURACY: (answered, correct),
        NO_ANSWER: (answered, _pick(answer, NO_CONSISTENT_ANSWER)),
        EXPLAINED: (sure, sound),
        NOT_SURE: (explained, unsure),
        CONVINCES: (judged, _pick(convincing, YES)),
        ONE_TO_ONE: (answered & sure, (correct & sound) | (answered - correct - sound)),
        UNCONVINCING: (correct & judged, unconvincing),
        UNCONVINCING_OF_ALL: (answered & judged, correct & unconvincing),
    }


def _pick(labels: Mapping[str, str], value: str) -> set[str]:
    return {id_ for id_, given in labels.items() if given == value}


def _measure(
    ids: list[str], measures: Mapping[str, tuple[set[str], set[str]]], questions: Mapping[str, str]
) -> dict[str, Proportion]:
    """The shares of a group, by question as well where questions have several of its responses."""
    repeated = questions if len({questions[id_] for id_ in ids}) < len(ids) else None
    shares = {}
    for name, (of, counted) in measures.items():
        own = [id_ for id_ in ids if id_ in of]
        hits, rest = [id_ for id_ in own if id_ in counted], [id_ for id_ in own if id_ not in counted]
        shares[name] = build_proportion(hits, rest, repeated)
    return shares


def _count_values(ids: list[str], values: Values, schema: Schema) -> tuple[ValueCount, ...]:
    """Every choice of every question, also those that nobody made, then values of older schemas."""
    counts = []
    for field in schema.fields:
        found: dict[str, list[str]] = {choice: [] for choice in schema.question(field).choices}
        for id_ in (id_ for id_ in ids if id_ in values[field]):
            found.setdefault(values[field][id_], []).append(id_)
        counts += [ValueCount(field=field, value=value, n=len(of), ids=tuple(of)) for value, of in found.items()]
    return tuple(counts)


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


def _format_by_question(shares: Mapping[str, Proportion]) -> str:
    """The three shares that people read, with intervals by question."""
    parts = []
    for name in (ACCURACY, EXPLAINED, CONVINCES):
        share = shares[name]
        if share.question_low is not None:
            low, high = (format_percent(end, share.n) for end in (share.question_low, share.question_high))
            parts.append(f"{name} {format_percent(share.share, share.n)}, {low} to {high}")
    if not parts:
        return ""
    return (
        f"Some questions have several responses, which are alike. Intervals that draw whole questions, with all their "
        f"responses (a cluster bootstrap): {'; '.join(parts)}."
    )


def _note(
    responses: Sequence[Response],
    rounds: Mapping[int, Given],
    decisions: Decisions,
    ties: Iterable[Tie],
    questions: Mapping[str, str],
) -> Iterable[str]:
    for tie in ties:
        yield f"{tie.field}: the annotators are evenly split on {tie.n} responses, which are in no table of it."
    sets = [own.keys() for given in rounds.values() for voters in given.values() for own in voters.values()]
    other = sum(len(ids - questions.keys()) for ids in sets)
    if other := other + sum(response_id not in questions for response_id, _ in decisions):
        yield f"{other} labels belong to responses that are not in this report."
    if len({(one.prompt_kind, one.model, questions[one.id]) for one in responses}) < len(responses):
        yield (
            "Some questions have several samples. The intervals treat every response as independent, which makes them "
            "too narrow; the paired test counts each question once."
        )


def _note_schema(schema: Schema, values: Values) -> Iterable[str]:
    for field, value in EXPECTED.items():
        if field not in schema.fields:
            yield f"The schema does not ask for {field!r}: the shares that need it are empty."
        elif value not in schema.question(field).choices:
            yield f"{field!r} has no choice {value!r} in this schema, which is what the shares count."
    for field in schema.fields:
        choices = schema.question(field).choices
        if older := [value for value in values[field].values() if value not in choices]:
            yield f"{field}: {len(older)} labels have a value that this schema does not know, as {older[0][:40]!r}."
