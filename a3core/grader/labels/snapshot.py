"""What the events of a run amount to, kept in memory and up with the database: the present labels.

    with store.present(run) as present:                     # reads the events that came since the last time
        present.labels["ann", FIRST][0]["answer"].value     # of the first response, "" where it was taken back

Ten thousand responses labelled by eight people are a quarter of a million labels, too many to be read at every key.
Events are numbered in the order in which they are stored (`lock_run`), so what is new is what is numbered higher.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator

from sqlalchemy import Connection, Row, select

from a3core.grader.labels.events import ADJUDICATION, EVENTS, FIRST, IMPORT, Settings, read_settings
from a3core.grader.labels.schema import EXTRA_FIELDS
from a3core.grader.labels.tables import EXPLAINED, RESPONSES
from a3core.grader.runs.responses import Label

Fields = dict[str, Label]


class PresentLabels:
    """The present labels of one run. Positions are those of the responses in the run, from 0 on."""

    def __init__(self, run: int):
        self.run, self.lock, self.newest = run, threading.RLock(), 0
        self.settings: Settings | None = None
        self.ids: tuple[str, ...] = ()
        self.explained: tuple[bool, ...] = ()  # which responses have an explanation to judge
        self._position_of_key: dict[int, int] = {}
        self._asked: dict[bool, tuple[str, ...]] = {}  # questions of a response with, and without, an explanation
        self.labels: dict[tuple[str, int], dict[int, Fields]] = defaultdict(lambda: defaultdict(dict))
        self.adjudicated: dict[int, Fields] = defaultdict(dict)
        # per annotator: when he answered a question of (position, round) last, the latest at the end
        self.touched: dict[str, dict[tuple[int, int], str]] = defaultdict(dict)

    def refresh(self, connection: Connection) -> None:
        """Takes in what has come since. Raises ValueError if there is no such run."""
        self.settings = read_settings(connection, self.run)
        self._asked = {explained: self.settings.schema.asked(explained) for explained in (True, False)}
        if not self.ids:
            self._read_ids(connection)
        names = ("id", "response_key", "annotator", "field", "new", "schema_version", "at", "round", "kind")
        later = select(*(EVENTS[name] for name in names)).where(EVENTS.run_id == self.run, EVENTS.id > self.newest)
        for event in connection.execute(later.order_by(EVENTS.id)):
            self._take(event)

    def _read_ids(self, connection: Connection) -> None:
        own = select(RESPONSES.c.key, RESPONSES.c.id, EXPLAINED.label("explained")).where(
            RESPONSES.c.run_id == self.run
        )
        rows = connection.execute(own.order_by(RESPONSES.c.position)).all()
        self.explained = tuple(bool(row.explained) for row in rows)
        self._position_of_key = {row.key: position for position, row in enumerate(rows)}
        self.ids = tuple(row.id for row in rows)

    def _take(self, event: Row) -> None:
        id_, key, annotator, field, value, version, at, round_, kind = event
        position = self._position_of_key[key]
        label = Label(
            response_id=self.ids[position],
            annotator=annotator,
            field=field,
            value=value,
            round=round_,
            schema_version=version,
            at=at,
            event=id_,
        )
        if kind == ADJUDICATION:
            self.adjudicated[position][field] = label
        else:
            self.labels[annotator, round_][position][field] = label
            if kind != IMPORT and field not in EXTRA_FIELDS:
                self.touched[annotator].pop((position, round_), None)
                self.touched[annotator][position, round_] = at
        self.newest = id_

    def fields_of(self, annotator: str, round_: int, position: int) -> Fields:
        """One annotator's labels of one response by field."""
        return self.labels[annotator, round_].get(position, {}) if (annotator, round_) in self.labels else {}

    def is_complete(self, annotator: str, round_: int, position: int) -> bool:
        """Whether every question of the present schema that is asked of the response is answered."""
        labels, asked = self.fields_of(annotator, round_, position), self._asked[self.explained[position]]
        return len(labels) > 0 and all(f in labels and labels[f].value for f in asked)

    def list_labels(self, annotator: str | None = None, rounds: Collection[int] = (FIRST,)) -> list[Label]:
        """By annotator, round and position."""
        sets = (self.labels[key] for key in sorted(self.labels) if key[1] in rounds and annotator in (None, key[0]))
        found = (labels[position].values() for labels in sets for position in sorted(labels))
        return [label for labels in found for label in labels if label.value]

    def list_adjudicated(self) -> list[Label]:
        """What was decided, by position."""
        found = (self.adjudicated[position].values() for position in sorted(self.adjudicated))
        return [label for labels in found for label in labels if label.value]

    def find_disagreements(self, position: int) -> Iterator[tuple[str, dict[str, str]]]:
        """Questions of one response that two or more annotators answered differently: field, value by annotator."""
        sets = [
            (name, labels[position]) for (name, n), labels in self.labels.items() if n == FIRST and position in labels
        ]
        for field in self.settings.schema.fields if len(sets) > 1 else ():
            values = {name: labels[field].value for name, labels in sets if field in labels and labels[field].value}
            if len(set(values.values())) > 1:
                yield field, values

    def decided(self, position: int, field: str) -> str | None:
        """What adjudication says, None where it says nothing (any more)."""
        label = self.adjudicated[position].get(field) if position in self.adjudicated else None
        return label.value if label and label.value else None
