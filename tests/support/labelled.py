"""Responses and labels for tests of the report, written short: `ask("1")` and `label("1", "cfy")`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from a3core.grader.export.archive import add_archive, read_archive
from a3core.grader.labels.database import writing
from a3core.grader.labels.events import LABEL, Event, Step, append, find_head, read_values
from a3core.grader.labels.schema import FIRST, Schema
from a3core.grader.labels.store import LabelStore
from a3core.grader.labels.stored_runs import find_response, read_info
from a3core.grader.runs.responses import STANDARD, Label, Response

WORDS = {
    "answer": {"c": "correct", "w": "wrong", "x": "no consistent answer"},
    "explanation": {"c": "correct", "f": "flawed", "u": "unsure"},
    "convincing": {"y": "yes", "n": "no"},
}


def ask(id_: str, question: str = "How many eggs?", kind: str = STANDARD, **facts) -> Response:
    return Response(id_, question, facts.pop("answer", "10"), prompt_kind=kind, **facts)


def label(id_: str, letters: str, annotator: str = "Ada", round_: int = 1) -> list[Label]:
    """ "cfy": answer correct, explanation flawed, convincing; "-" where there is no label."""
    given = zip(WORDS.items(), letters, strict=True)
    return [Label(id_, annotator, field, words[letter], round_) for (field, words), letter in given if letter != "-"]


def with_guideline(schema: Schema, field: str, guideline: str) -> Schema:
    """The schema with another guideline for one question; it is another version."""
    return Schema(tuple(replace(q, guideline=guideline) if q.field == field else q for q in schema.questions))


def step(id_: str, value: str, annotator: str = "Ada") -> Label:
    return Label(id_, annotator, "first_wrong_step", value)


# Answer, explanation, convincing of twelve responses: standard s1 to s4, chain of thought c1 to c8.
GIVEN = {"s1": "cfn", "s2": "wfn", "s3": "xuy", "s4": "---", "c1": "ccy", "c2": "ccy", "c3": "ccn", "c4": "cfn"}
GIVEN |= {"c5": "wfy", "c6": "wcy", "c7": "c--", "c8": "wfn"}


def label_fields(
    store: LabelStore, run: int, response_id: str, annotator: str, values: dict[str, str], round: int = FIRST
) -> tuple[Event, ...]:
    """One label after the other, by field; the events of those that changed."""
    events = [store.label(run, response_id, annotator, field, value, round=round) for field, value in values.items()]
    return tuple(event for event in events if event)


def label_together(
    store: LabelStore, run: int, response_id: str, annotator: str, values: dict[str, str]
) -> tuple[Event, ...]:
    """Labels of several fields as one step of undo, which a database may hold."""
    with writing(store.engine) as connection:
        schema, key = read_info(connection, run, lock=True).schema, find_response(connection, run, response_id).key
        step = Step(
            run=run,
            response_key=key,
            response_id=response_id,
            annotator=annotator,
            kind=LABEL,
            at=store.read_clock(),
            client_id=str(uuid4()),
            parent=find_head(connection, run, annotator),
        )
        old = read_values(connection, step)
        return tuple(
            append(connection, step, field=field, old=old.get(field, ""), new=value, schema_version=schema.version)
            for field, value in values.items()
            if value != old.get(field, "")
        )


def restore_export(store: LabelStore, path: Path, name: str | None = None) -> int:
    """Adds the run of an export; returns its id."""
    return add_archive(store, read_archive(path), name)
