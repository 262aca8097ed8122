"""The present labels of a run, kept in memory and brought up to date with the database whenever they are read.

    with store.snapshot(run) as snapshot:                       # reads the events that came since the last time
        snapshot.labels_for("ann", FIRST, 0)["answer"].value    # of the first response, "" where it was taken back
        snapshot.read_item("r-12", "ann")                       # in the same transaction: the response, and its labels

Ten thousand responses labelled by eight people are a quarter of a million labels, too many to be read at every key.
Events are numbered in the order in which they are stored (`read_info`), so what is new is what is numbered higher.
Where events of another machine belong between earlier ones, all are read again.
"""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from sqlalchemy import Connection, Text, select, type_coerce

from a3core.common.csv_safety import unescape
from a3core.grader.labels.changes import Change, list_hidden, read_changes
from a3core.grader.labels.events import ADJUDICATION, EVENTS, IMPORT
from a3core.grader.labels.history import find_conflicts, read_history
from a3core.grader.labels.schema import EXTRA_FIELDS, FIRST, FIRST_WRONG_STEP, check_annotator
from a3core.grader.labels.stored_runs import RunInfo, read_extra, read_info, read_responses
from a3core.grader.labels.tables import EXPLAINED, RESPONSES, StoredText
from a3core.grader.runs.responses import Label, Response, is_source

Fields = dict[str, Label]
COLUMNS = "id response_key annotator field new schema_version at round kind sequence"  # that are read


@lru_cache(maxsize=10_000)
def _share(stored: str) -> str:
    """A stored text, one object for all that are equal: a few come many times, and reports compare and count them."""
    return unescape(stored)


class Content(NamedTuple):
    """What one response can be searched by, in lower case."""

    text: str  # question and steps of the explanation
    answer: str
    columns: dict[str, str]  # prompt kind, model, and further columns of the file, as they are written


class LabelSnapshot:
    """The present labels of one run. Positions are those of the responses in the run, from 0 on."""

    def __init__(self, run: int):
        self.run, self.lock, self.newest = run, threading.RLock(), 0
        self.connection: Connection | None = None  # of the transaction in which the snapshot is read
        self.info: RunInfo | None = None
        self.changes: tuple[Change, ...] = ()
        self.hidden: frozenset[str] = frozenset()  # annotators whose labels nobody else sees or counts
        self.ids: tuple[str, ...] = ()
        self.labels: dict[tuple[str, int], dict[int, Fields]] = defaultdict(lambda: defaultdict(dict))
        self.adjudicated: dict[int, Fields] = defaultdict(dict)
        # annotator -> (position, round) -> when a question of it was answered last, the latest at the end
        self.last_answered: dict[str, dict[tuple[int, int], str]] = defaultdict(dict)
        self._last: dict[str | None, int] = defaultdict(int)  # annotator, None for decisions -> last sequence number
        # (annotator, round) -> position -> field -> values that were given on two machines, none after the other
        self._conflicts: dict[tuple[str, int], dict[int, dict[str, tuple[str, ...]]]] = {}

    def refresh(self, connection: Connection) -> None:
        """Adds what is new in the database. Raises ValueError if there is no such run."""
        self.connection = connection
        if (info := read_info(connection, self.run)) != self.info:
            self.info = info
            # questions of a response with, and without, an explanation
            self._asked = {explained: info.schema.asked(explained) for explained in (True, False)}
        if not self.ids:
            self._read_ids(connection)
        if (changes := read_changes(connection, self.run)) != self.changes:  # events may have been changed, or be gone
            self.changes, self.hidden, self.newest = changes, list_hidden(changes), 0
            self._clear()
        if newest := self._add_later(connection):
            self.newest, self._conflicts = newest, defaultdict(lambda: defaultdict(dict))
            # only labels of responses to which events of another machine were added can be in conflict
            added = select(EVENTS.response_key).where(EVENTS.run_id == self.run, EVENTS.follows.is_not(None)).distinct()
            keys = connection.scalars(added).all()
            for found in find_conflicts(read_history(connection, EVENTS.response_key.in_(keys))) if keys else ():
                position = self._position_of_id[found.response_id]
                self._conflicts[found.annotator, found.round][position][found.field] = found.values

    def _clear(self) -> None:
        for earlier in (self.labels, self.adjudicated, self.last_answered, self._last, self._conflicts):
            earlier.clear()

    def _add_later(self, connection: Connection) -> int | None:
        """Adds the events that are numbered higher than the newest; returns the highest number, None where none is.

        Where one of another machine belongs between earlier ones, all are added anew, in their order.
        """
        columns, newest = [EVENTS[name] for name in COLUMNS.split()], None
        columns = [type_coerce(c, Text).label(c.name) if isinstance(c.type, StoredText) else c for c in columns]
        own = select(*columns).where(EVENTS.run_id == self.run).order_by(EVENTS.id)
        for row in connection.execute(own.where(EVENTS.id > self.newest)).all():
            if not self._add(row):
                break
            newest = row.id
        else:
            return newest
        self._clear()
        rows = connection.execute(own.add_columns(EVENTS.client_id)).all()
        for row in sorted(rows, key=lambda row: (row.sequence, row.client_id or "", row.new)):
            self._add(row[:-1], is_sorted=True)
        return rows[-1].id

    def _read_ids(self, connection: Connection) -> None:
        columns = (RESPONSES.c.key, RESPONSES.c.id, EXPLAINED.label("explained"))
        own = select(*columns).where(RESPONSES.c.run_id == self.run).order_by(RESPONSES.c.position)
        rows = connection.execute(own).all()
        self.explained = tuple(bool(row.explained) for row in rows)  # whether there is an explanation to judge
        self._keys = tuple(row.key for row in rows)
        self._position_of_key = {key: position for position, key in enumerate(self._keys)}
        self._position_of_id = {row.id: position for position, row in enumerate(rows)}
        self.ids = tuple(self._position_of_id)

    def _add(self, row: Sequence, is_sorted: bool = False) -> bool:
        """Adds one event; False, and nothing is added, where it does not come after all others of its annotator."""
        id_, key, *texts, version, at, round_, kind, sequence = row
        annotator, field, value = map(_share, texts)
        stream = None if kind == ADJUDICATION else annotator
        if sequence <= self._last[stream] and not is_sorted:
            return False
        self._last[stream] = sequence
        position = self._position_of_key[key]
        label = Label(self.ids[position], annotator, field, value, round_, schema_version=version, at=at, event=id_)
        if kind == ADJUDICATION:
            self.adjudicated[position][field] = label
        else:
            self.labels[annotator, round_][position][field] = label
            if kind != IMPORT and field not in EXTRA_FIELDS:
                self.last_answered[annotator].pop((position, round_), None)
                self.last_answered[annotator][position, round_] = at
        return True

    @cached_property
    def contents(self) -> tuple[Content, ...]:
        """What the responses can be searched by, read once: they never change."""
        extra = read_extra(self.connection, self.run)
        return tuple(
            Content(
                text="\n".join((one.question, *one.lines)).casefold(),
                answer=one.answer.casefold(),
                columns={"prompt kind": one.prompt_kind, "model": one.model, **extra.get(one.id, {})},
            )
            for one in read_responses(self.connection, self.run)
        )

    # One response

    def find_position(self, response_id: str) -> int:
        """Raises ValueError if the run has no response of that id."""
        if response_id not in self._position_of_id:
            raise ValueError(f"The run {self.run} has no response {response_id!r}.")
        return self._position_of_id[response_id]

    def labels_for(self, annotator: str, round_: int, position: int) -> Fields:
        """One annotator's labels of one response by field."""
        return self.labels[annotator, round_].get(position, {}) if (annotator, round_) in self.labels else {}

    def conflicts_of(self, annotator: str, round_: int) -> dict[int, dict[str, tuple[str, ...]]]:
        """Labels of an annotator that two machines have differently: position, field, values ("" where taken back)."""
        return self._conflicts.get((annotator, round_), {})

    def is_complete(self, annotator: str, round_: int, position: int) -> bool:
        """Whether every question of the present schema that is asked of the response is answered."""
        labels, asked = self.labels_for(annotator, round_, position), self._asked[self.explained[position]]
        return len(labels) > 0 and all(f in labels and labels[f].value for f in asked)

    def list_others(self) -> Iterator[tuple[str, dict[int, Fields]]]:
        """Name and labels of the first round, by position, of all who are not hidden."""
        sets = self.labels.items()
        return ((name, own) for (name, round_), own in sets if round_ == FIRST and name not in self.hidden)

    def find_disagreements(self, position: int, extra: Sequence[str] = ()) -> Iterator[tuple[str, dict[str, str]]]:
        """Questions of one response that two or more people answered differently: field, value by annotator.

        `extra`: fields of every schema to compare, too. A source, such as a file's own verdict, has no say.
        """
        first = [(name, labels) for name, labels in self.list_others() if position in labels and not is_source(name)]
        sets = [(name, labels[position]) for name, labels in first]
        for field in (*self.info.schema.fields, *extra) if len(sets) > 1 else ():
            values = {name: labels[field].value for name, labels in sets if field in labels and labels[field].value}
            if len(set(values.values())) > 1:
                yield field, values

    def find_undecided(self, position: int) -> dict[str, dict[str, str]]:
        """What is left to an adjudicator of one response, the first wrong step, too: value by annotator, by field."""
        decided = self.decisions_for(position)
        found = self.find_disagreements(position, (FIRST_WRONG_STEP,))
        return {field: values for field, values in found if field not in decided}

    def decisions_for(self, position: int) -> dict[str, str]:
        """What is adjudicated of one response: value by field."""
        labels = self.adjudicated.get(position, {})
        return {field: label.value for field, label in labels.items() if label.value}

    def read_item(
        self, response_id: str, annotator: str, round: int = FIRST, adjudicating: bool = False
    ) -> tuple[Response, list[Label]]:
        """One response, and the labels of it that the annotator may see: the own ones of this round, and others' once
        those are complete.

        An adjudicator sees all labels of the first round. An item that comes back hides what was given the first time.
        """
        position, name = self.find_position(response_id), check_annotator(annotator)
        visible = [label for label in self.labels_for(name, round, position).values() if label.value]
        others = (labels[position].values() for _, labels in self.list_others() if position in labels)
        first = [label for labels in others for label in labels if label.value]
        if adjudicating:
            visible = first
        elif self.is_complete(name, round, position):
            visible += [label for label in first if label.annotator != name]
        (response,) = read_responses(self.connection, self.run, RESPONSES.c.key == self._keys[position])
        return response, visible

    # All of them

    def list_labels(self, annotator: str | None = None, rounds: Collection[int] = (FIRST,)) -> list[Label]:
        """By annotator, round and position; of all, without those of hidden annotators."""
        wanted = {annotator} if annotator else {name for name, _ in self.labels} - self.hidden
        sets = (self.labels[key] for key in sorted(self.labels) if key[1] in rounds and key[0] in wanted)
        found = (labels[position].values() for labels in sets for position in sorted(labels))
        return [label for labels in found for label in labels if label.value]
