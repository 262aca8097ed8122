"""Labels of people: stored before the call returns, event by event, and derived from the events when read.

    store = LabelStore(open_database())
    run = store.add_run(Run("pilot", (Response("1", "How many legs has a fly?", "6"),)))
    store.label(run, "1", "ann", "answer", "correct")     # on the disk when this returns
    store.label(run, "1", "ann", "answer", "wrong")
    store.undo(run, "ann")                                # "correct" again; two undos take back both
    store.labels(run)                                     # [Label("1", "ann", "answer", "correct", ...)]

Every method can be called from any thread, and by several processes on one database. Each raises ValueError, one
sentence, for what is not right: a run or response that is not there, a value that the run's schema does not take, a
database that fails. `client_id` is a UUID that the caller may give to a request that may be repeated: such a request is
stored once, however often it comes.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, func, select

from a3core.grader.labels import changes, events, stored_runs
from a3core.grader.labels.changes import Change
from a3core.grader.labels.database import reading, writing
from a3core.grader.labels.dealing import Deal
from a3core.grader.labels.events import ADJUDICATION, EVENTS, LABEL, REDO, UNDO, Event, Step
from a3core.grader.labels.history import History, find_conflicts, read_history
from a3core.grader.labels.schema import DEFAULT_SCHEMA, FIRST, HIDDEN, REPEAT, ROUNDS, Schema, check_annotator
from a3core.grader.labels.snapshot import LabelSnapshot
from a3core.grader.labels.stored_runs import RunInfo, find_response, read_info
from a3core.grader.labels.tables import LABEL_EVENTS, RUN_CHANGES, RUN_SETTINGS
from a3core.grader.runs.responses import Label, Response, Run

RUNS_IN_MEMORY = 8  # whose present labels are kept ready


class LabelStore:
    """Runs and their labels in one database. `now` returns the time with its zone."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.engine = engine
        self.now = now
        self._snapshots: OrderedDict[int, LabelSnapshot] = OrderedDict()
        self._lock = threading.Lock()

    # Runs

    def add_run(
        self, run: Run, schema: Schema = DEFAULT_SCHEMA, repeat_share: float = 0.0, key: str = "", owner: str = ""
    ) -> int:
        """Adds a run with the labels it came with, or nothing; returns its id. `key`, `owner`: as of `RunInfo`."""
        with writing(self.engine) as connection:
            info = RunInfo(schema=schema, repeat_share=repeat_share, key=key, owner=owner)
            id_ = stored_runs.insert_run(connection, run, info, self.read_clock())
            stored_runs.insert_given_labels(connection, id_, run.labels, schema, self.read_clock())
        return id_

    def runs(self, removed: bool = False) -> list[RunInfo]:
        """All runs, the oldest first; `removed`: those that were removed, too."""
        with reading(self.engine) as connection:
            return [info for info in stored_runs.read_infos(connection) if removed or not info.removed]

    def _read(self, read: Callable, run: int) -> Any:
        """What a function reads of a run in the database. Raises ValueError where there is no such run."""
        with reading(self.engine) as connection:
            read_info(connection, run)
            return read(connection, run)

    def run_info(self, run: int) -> RunInfo:
        """What the run is born with, and how it is named and labelled now."""
        with reading(self.engine) as connection:
            return read_info(connection, run)

    def find_run(self, name: str, removed: bool = False) -> int:
        """The id of the run of that name; `removed`: of those that no list has, the last one."""
        infos = [info for info in reversed(self.runs(removed)) if info.removed == removed]
        found = next((info.id for info in infos if info.name == name), None)
        if found is None:
            raise ValueError(f"There is no run {name!r}.")
        return found

    def change(self, run: int, kind: str, action: str, name: str = "", value: str = "", by: str = "") -> None:
        """Renames, hides, shows again or deletes for good the run, or the annotator or question `name` of it.

        What is hidden is in no list and no report, and is exported; only then it can be deleted, and then it stays so
        whatever copy is merged. `value`: the new name; `by`: who did it.
        """
        with writing(self.engine) as connection:
            changes.make_change(connection, run, kind, action, name, value, at=self.read_clock(), by=by)

    def changes(self, run: int) -> tuple[Change, ...]:
        """What was renamed, hidden, shown again and deleted of a run, and by whom; the oldest first."""
        return self._read(changes.read_changes, run)

    def deletions(self) -> dict[str, Change]:
        """The runs that were deleted for good, by their keys."""
        with reading(self.engine) as connection:
            return changes.read_deletions(connection)

    def add_deletion(self, key: str, deletion: Change) -> None:
        """Deletes the run of a key here, too, as another database did."""
        with writing(self.engine) as connection:
            changes.add_deletion(connection, key, deletion)

    def responses(self, run: int) -> tuple[Response, ...]:
        """All responses in the order in which they were given."""
        return self._read(stored_runs.read_responses, run)

    def extra(self, run: int) -> dict[str, dict[str, str]]:
        """Further columns of the file that a run came from, by the response they are of: {"r1": {"topic": "fruit"}}."""
        return self._read(stored_runs.read_extra, run)

    # Settings

    def schemas(self, run: int) -> tuple[Schema, ...]:
        """Every schema that the run was labelled by, the present one last; a label names its version."""
        return self._read(stored_runs.read_schemas, run)

    def set(self, run: int, by: str = "", **values: Schema | float | Deal | None) -> None:
        """Other values of `schema`, `repeat_share` and `deal` of `RunInfo` from now on; `by`: who sets them.

        Labels that were given stay, and keep the version of the questions that they were given under.
        """
        with writing(self.engine) as connection:
            current, at = read_info(connection, run, lock=True), self.read_clock()
            if (schema := values.get("schema", current.schema)) != current.schema:
                changes.set_schema(connection, current, schema, at, by)
            info = current._replace(**values)
            if info != current._replace(schema=schema):
                stored_runs.set_settings(connection, info, at, by)

    # Labels

    def label(
        self,
        run: int,
        response_id: str,
        annotator: str,
        field: str,
        value: str,
        client_id: str | None = None,
        round: int = FIRST,
        blind: bool = False,
        kind: str = LABEL,
    ) -> Event | None:
        """Stores one label, "" to take it back. Returns None, and stores nothing, where the label is so already.

        A label that two machines have differently is decided by this, whichever of its values it is.

        `blind` refuses a label of the answer before the explanation is judged. Of the kind ADJUDICATION it decides the
        question; the annotators' own labels stay.
        """
        if round not in ROUNDS:
            raise ValueError(f"An item is labelled in round {FIRST} or, when it comes back, {REPEAT}, not {round!r}.")
        given = {"kind": kind, "response_id": response_id, "round": round}
        with self._stepping(run, annotator, client_id, **given) as (connection, schema, step):
            response = find_response(connection, run, response_id)
            step = replace(step, response_key=response.key)
            if repeated := events.find_repeated(connection, step, field, value):
                return repeated[0]
            own = events.read_values(connection, step)
            if blind and not schema.is_judged(response.explained, own) and schema.is_revealed(field):
                raise ValueError(HIDDEN)
            schema.check(field, value)
            if value == (old := own.get(field, "")):  # unless two machines have the label, or the decision, differently
                key = ("" if kind == ADJUDICATION else step.annotator, field, round)
                same = read_history(connection, EVENTS.response_key == step.response_key, EVENTS.field == field)
                if key not in [found[1:4] for found in find_conflicts(same)]:
                    return None
            if kind == LABEL:
                step = replace(step, parent=events.find_head(connection, run, step.annotator))
            return events.append(connection, step, field=field, old=old, new=value, schema_version=schema.version)

    def add_labels(self, run: int, labels: Sequence[Label]) -> int:
        """Adds labels that other people gave elsewhere, all or none; returns how many were new or changed."""
        with writing(self.engine) as connection:
            schema, done = read_info(connection, run, lock=True).schema, changes.read_changes(connection, run)
            if done:
                labels = [one._replace(annotator=changes.resolve_annotator(one.annotator, done)) for one in labels]
            return stored_runs.insert_given_labels(connection, run, labels, schema, self.read_clock())

    def undo(self, run: int, annotator: str, client_id: str | None = None) -> tuple[Event, ...]:
        """Takes back the annotator's last step that is not undone; returns its events, none where there is no step."""
        return self._go(events.undo, kind=UNDO, run=run, annotator=annotator, client_id=client_id)

    def redo(self, run: int, annotator: str, client_id: str | None = None) -> tuple[Event, ...]:
        """Gives again what was undone last; nothing where a label was given since."""
        return self._go(events.redo, kind=REDO, run=run, annotator=annotator, client_id=client_id)

    def _go(self, move: Callable, **step) -> tuple[Event, ...]:
        with self._stepping(**step) as (connection, _, step):
            return events.find_repeated(connection, step) or move(connection, step)

    @contextmanager
    def _stepping(
        self, run: int, annotator: str, client_id: str | None, **step
    ) -> Iterator[tuple[Connection, Schema, Step]]:
        """A transaction with the run's questions, and a step of now under the name that the annotator has now.

        `step`: the other fields of `Step`. Raises ValueError where the name was deleted.
        """
        try:
            client_id = str(UUID(client_id) if client_id is not None else uuid4())
        except (ValueError, AttributeError, TypeError):
            raise ValueError(f"A client_id is a UUID, not {client_id!r}.") from None
        at, name = self.read_clock(), check_annotator(annotator)
        with writing(self.engine) as connection:
            schema = read_info(connection, run, lock=True).schema
            name = changes.resolve_annotator(name, changes.read_changes(connection, run))
            yield connection, schema, Step(run=run, annotator=name, at=at, client_id=client_id, **step)

    def resolve(self, run: int, annotator: str) -> str:
        """What an annotator is called in this run now. Raises ValueError for one who was deleted from it for good."""
        return changes.resolve_annotator(check_annotator(annotator), self.changes(run))

    def read_clock(self) -> str:
        """Now in UTC, as it is written into the database."""
        return self.now().astimezone(UTC).isoformat(timespec="microseconds")

    # Reading labels

    @contextmanager
    def snapshot(self, run: int) -> Iterator[LabelSnapshot]:
        """The present labels in memory, up to date, locked and in one transaction while the block runs."""
        with self._lock:
            snapshot = self._snapshots.get(run) or LabelSnapshot(run)
        with snapshot.lock, reading(self.engine) as connection:
            snapshot.refresh(connection)
            with self._lock:
                self._snapshots[run] = snapshot
                self._snapshots.move_to_end(run)
                if len(self._snapshots) > RUNS_IN_MEMORY:
                    self._snapshots.popitem(last=False)
            yield snapshot

    def labels(self, run: int, annotator: str | None = None, rounds: Collection[int] = (FIRST,)) -> list[Label]:
        """The present labels, by annotator, round and the run's order; adjudications are no annotator's labels."""
        with self.snapshot(run) as snapshot:
            return snapshot.list_labels(annotator, rounds)

    def adjudications(self, run: int) -> list[Label]:
        """What was decided, in the run's order."""
        with self.snapshot(run) as snapshot:
            fields = [label for _, own in sorted(snapshot.adjudicated.items()) for label in own.values()]
            return [label for label in fields if label.value]

    def annotators(self, run: int, hidden: bool = False) -> list[str]:
        """Names of those who gave labels, sorted; `hidden`: of those whose labels count nowhere instead."""
        with self.snapshot(run) as snapshot:
            return sorted({name for name, _ in snapshot.labels if (name in snapshot.hidden) == hidden})

    def list_annotators(self) -> list[str]:
        """Names of those who labelled here, in any run, in the order in which they came; not those of given labels."""
        own = select(EVENTS.annotator).where(EVENTS.kind == LABEL).group_by(EVENTS.annotator)
        with reading(self.engine) as connection:
            return list(connection.scalars(own.order_by(func.min(EVENTS.id))))

    def has_events_of(self, annotator: str) -> bool:
        """Whether anything was ever stored under this name, in any run."""
        with reading(self.engine) as connection:
            return connection.scalar(select(EVENTS.id).where(EVENTS.annotator == annotator).limit(1)) is not None

    def history(self, run: int) -> History:
        """The run's events with their order over several machines."""
        return self._read(lambda connection, run: read_history(connection, EVENTS.run_id == run), run)

    def newest(self) -> dict[int, tuple[int, int, int]]:
        """By run: the ids of its newest event and change, 0 where there is none, and of its newest settings."""
        tables = (LABEL_EVENTS, RUN_CHANGES, RUN_SETTINGS)
        newest = [select(table.c.run_id, func.max(table.c.id)).group_by(table.c.run_id) for table in tables]
        with reading(self.engine) as connection:
            given, changed, settings = (dict(connection.execute(one).all()) for one in newest)
        return {run: (given.get(run, 0), changed.get(run, 0), last) for run, last in settings.items()}
