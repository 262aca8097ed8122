"""What the labels of a run say: shares with intervals, answer against explanation, prompt kinds, first wrong steps.

    report = build_report(run.responses, labels, DEFAULT_SCHEMA, {("17", "answer"): "correct"})
    report.overall.shares["answer correct"]       Proportion(k=7, n=10, share=0.7, low=0.397, high=0.892, ids=('1', ...
    report.group("chain of thought").sentences    ('Correct answers and correct explanations go together in ...

Each count carries the ids of its responses, in the order in which the responses came. Tables of a report are made in
a3core.grader.report.tables, agreement of annotators in a3core.grader.report.agreement.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from operator import attrgetter
from statistics import multimode
from types import MappingProxyType

from a3core.common.stats import correct_by_holm
from a3core.grader.labels.schema import ANSWER, CONVINCING, CORRECT, EXPLANATION, FIRST_WRONG_STEP, YES, Schema
from a3core.grader.report import measures
from a3core.grader.report.measures import SENTENCES, ById, Ids, Proportion, Row, Values
from a3core.grader.runs.responses import Label, Response

TOO_MANY = (
    "There are {kinds} prompt kinds and {models} models, too many to compare (at most {most} each): only all responses "
    "together are shown. Was another column taken for them?"
)
SEVERAL_SAMPLES = (
    "Some questions have several samples. The intervals treat every response as independent, which makes them too "
    "narrow; the paired test counts each question once."
)
MOST_KINDS = 50  # prompt kinds, and models: more are no kinds but another column, and pairs of them would be millions
READ = (measures.ACCURACY, measures.EXPLAINED, measures.CONVINCES)  # the shares that people read
EXPECTED = {ANSWER: CORRECT, EXPLANATION: CORRECT, CONVINCING: YES}  # what the shares count

Decisions = Mapping[tuple[str, str], str]  # (response id, field) -> the value that an adjudicator chose
Column = list[str | None]  # the value of each response, None where there is none
Given = dict[str, dict[str, Column]]  # field -> annotator -> column


@dataclass(frozen=True)
class Group:
    """Responses of one prompt kind and model; None stands for all of them."""

    prompt_kind: str | None
    model: str | None
    n: int
    labelled: int  # responses with a label, settled or not, of a question of the schema
    shares: Mapping[str, Proportion]
    table: Row  # answers against explanations (`measures.cross_answer_explanation`)
    counts: tuple[Row, ...]  # field, value, n, ids of every choice of every question of the schema
    sentences: tuple[str, str, str]  # the assignment's three
    ids: Ids
    labelled_ids: Ids


@dataclass(frozen=True)
class Report:
    """Groups: all responses, each prompt kind, and where there are several models each model and each pair of both."""

    groups: tuple[Group, ...]
    pairs: tuple[Row, ...]  # of prompt kinds (`measures.compare_kinds`)
    first_wrong_steps: Row  # (`measures.count_first_wrong_steps`)
    # field, n, ids where the annotators are evenly split and nobody adjudicated: responses in no table of the field
    ties: tuple[Row, ...]
    notes: tuple[str, ...]  # sentences that a reader of the tables should know
    models: tuple[Row, ...] = ()  # pairs of models, as `pairs` of prompt kinds
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


def build_report(
    responses: Sequence[Response], labels: Sequence[Label], schema: Schema, decisions: Decisions = MappingProxyType({})
) -> Report:
    """The report of some responses of a run; labels of other responses are left out, and counted in a note.

    A decision counts before any label. Where several annotators labelled a response, the one most frequent value
    counts, or none. Of an annotator's rounds the first counts. Raises ValueError for a label that is there twice.
    """
    ids, rounds = read_rounds(labels, [response.id for response in responses])
    given = join_rounds(rounds)
    values, ties = settle_labels(ids[: len(responses)], given, schema, decisions)
    kinds, models = ({getattr(response, name) for response in responses} for name in ("prompt_kind", "model"))
    few = len(kinds) <= MOST_KINDS and len(models) <= MOST_KINDS
    questions = {response.id: response.question_key for response in responses}
    columns = [own for field in schema.fields for own in given.get(field, {}).values()]
    has_label = {id_ for id_, own in zip(ids, zip(*columns, strict=True), strict=False) if any(own)}
    has_label |= {response_id for response_id, field in decisions if field in schema.fields}
    defined = measures.define_measures(values)
    groups = []
    for (kind, model), own in _group(responses, few).items():
        shares = _measure(own, defined, questions)
        table = measures.cross_answer_explanation(own, values[ANSWER], values[EXPLANATION])
        labelled = tuple(id_ for id_ in own if id_ in has_label)
        sentences = (
            SENTENCES.correspondence(shares[measures.ONE_TO_ONE], table),
            SENTENCES.explained(shares[measures.EXPLAINED], shares[measures.NOT_SURE]),
            SENTENCES.unconvincing(shares[measures.UNCONVINCING], shares[measures.UNCONVINCING_OF_ALL]),
        )
        named = {"prompt_kind": kind, "model": model, "sentences": sentences, "shares": shares, "table": table}
        counts = _count_values(own, values, schema)
        ids_of = {"ids": tuple(own), "labelled_ids": labelled}
        groups.append(Group(**named, n=len(own), labelled=len(labelled), counts=counts, **ids_of))
    notes = [] if few else [TOO_MANY.format(kinds=len(kinds), models=len(models), most=MOST_KINDS)]
    evenly = "{field}: the annotators are evenly split on {n} responses, which are in no table of it."
    notes += [evenly.format(**tie) for tie in ties]
    compare = partial(measures.compare_kinds, responses, values[ANSWER], questions)
    pairs, of_models = compare() if few else [], compare(by="model") if few and len(models) > 1 else []
    tested = [pair for pair in pairs + of_models if pair["p"] is not None]
    for pair, p in zip(tested, correct_by_holm([pair["p"] for pair in tested]), strict=True):
        pair["p_holm"] = p  # Holm's correction (1979) for the number of all that are tested
    by_question = [(name, groups[0].shares[name]) for name in READ]
    return Report(
        groups=tuple(groups),
        pairs=tuple(pairs),
        first_wrong_steps=measures.count_first_wrong_steps(responses, values[FIRST_WRONG_STEP]),
        ties=ties,
        notes=(*notes, *_note(responses, labels, decisions, schema, values)),
        models=tuple(of_models),
        by_question=SENTENCES.by_question([one for one in by_question if one[1].question_low is not None]),
    )


def settle_labels(ids: Ids, given: Given, schema: Schema, decisions: Decisions) -> tuple[Values, tuple[Row, ...]]:
    """The value of each response and field of the schema, and of the first wrong step; and where there is none."""
    values: dict[str, dict[str, str]] = defaultdict(dict)
    ties = []
    for field in (*schema.fields, FIRST_WRONG_STEP):
        votes = list(zip(*given.get(field, {}).values(), strict=True)) or [()] * len(ids)
        settled = dict(zip(ids, map(_settle, votes), strict=False))
        settled |= {id_: value for (id_, of), value in decisions.items() if of == field and id_ in settled}
        values[field] = {id_: value for id_, value in settled.items() if value}
        if tied := [id_ for id_, own in zip(ids, votes, strict=False) if not settled[id_] and any(own)]:
            ties.append(measures.count(tied, field=field))
    return values, tuple(ties)


def read_rounds(labels: Sequence[Label], ids: Iterable[str] = ()) -> tuple[Ids, dict[int, Given]]:
    """These ids and behind them others that have labels; round -> the labels as columns over them.

    Annotators are in the order in which they come. Raises ValueError for a label that is there twice.
    """
    position = {id_: i for i, id_ in enumerate(dict.fromkeys(chain(ids, map(attrgetter("response_id"), labels))))}
    columns: dict[tuple[int, str, str], Column] = defaultdict(lambda: [None] * len(position))
    twice = 0
    for response_id, annotator, field, value, round_, *_ in labels:
        column, at = columns[round_, field, annotator], position[response_id]
        twice += column[at] is not None
        column[at] = value
    if twice:
        raise ValueError(f"{twice} labels are there twice: hand over the present labels only")
    rounds: dict[int, Given] = defaultdict(lambda: defaultdict(dict))
    for (round_, field, annotator), column in columns.items():
        rounds[round_][field][annotator] = column
    return tuple(position), rounds


def join_rounds(rounds: Mapping[int, Given]) -> Given:
    """Of each annotator and response the label of the first round that has one."""
    joined: Given = defaultdict(dict)
    for round_ in sorted(rounds):
        for field, voters in rounds[round_].items():
            for annotator, own in voters.items():
                before = joined[field].get(annotator, own)
                joined[field][annotator] = [first or later for first, later in zip(before, own, strict=True)]
    return joined


@lru_cache(maxsize=10_000)  # few votes differ, however many responses there are
def _settle(votes: tuple[str | None, ...]) -> str | None:
    """The one most frequent value, None where there is none or several."""
    frequent = multimode(filter(None, votes))
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


def _measure(ids: list[str], defined: measures.Measures, questions: ById) -> dict[str, Proportion]:
    """The shares of a group, by question as well where questions have several of its responses."""
    repeated = questions if len({questions[id_] for id_ in ids}) < len(ids) else None
    shares = {}
    for name, (of, counted) in defined.items():
        own = [id_ for id_ in ids if id_ in of]
        hits, rest = [id_ for id_ in own if id_ in counted], [id_ for id_ in own if id_ not in counted]
        shares[name] = measures.build_proportion(hits, rest, repeated)
    return shares


def _count_values(ids: list[str], values: Values, schema: Schema) -> tuple[Row, ...]:
    """Every choice of every question, also those that nobody made, then values of older schemas."""
    counts = []
    for field in schema.fields:
        found: dict[str, list[str]] = {choice: [] for choice in schema.question(field).choices}
        for id_ in (id_ for id_ in ids if id_ in values[field]):
            found.setdefault(values[field][id_], []).append(id_)
        counts += [measures.count(of, field=field, value=value) for value, of in found.items()]
    return tuple(counts)


def _note(
    responses: Sequence[Response], labels: Sequence[Label], decisions: Decisions, schema: Schema, values: Values
) -> Iterable[str]:
    """What a reader of the tables should know: of labels that count nowhere, and of the schema."""
    known = {response.id for response in responses}
    labelled = [*(label.response_id for label in labels), *(id_ for id_, _ in decisions)]
    if other := len(labelled) - sum(map(known.__contains__, labelled)):
        yield f"{other} labels belong to responses that are not in this report."
    if len({(one.prompt_kind, one.model, one.question_key) for one in responses}) < len(responses):
        yield SEVERAL_SAMPLES
    for field, value in EXPECTED.items():
        if field not in schema.fields:
            yield f"The schema does not ask for {field!r}: the shares that need it are empty."
        elif value not in schema.question(field).choices:
            yield f"{field!r} has no choice {value!r} in this schema, which is what the shares count."
    for field in schema.fields:
        choices = schema.question(field).choices
        if older := [value for value in values[field].values() if value not in choices]:
            yield f"{field}: {len(older)} labels have a value that this schema does not know, as {older[0][:40]!r}."
