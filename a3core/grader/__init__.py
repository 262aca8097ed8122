"""Explanations labelled by people: runs come in, labels are stored as events, reports and exports come out.

From Python, over the store of the page (A3_DATA, or DATABASE_URL):

    from a3core import grader

    store = grader.open_store()                      # or grader.open_store("sqlite:////home/ann/labels.sqlite")
    grader.list_runs(store)                          # DataFrame: run, responses, labels, annotators, created
    grader.read_responses(store, "pilot")            # DataFrame: a row a response, with further columns of its file
    grader.read_labels(store, "pilot")               # DataFrame: a row a label, beside its response

Begin with `runs.responses` (what is labelled), `labels.store` (where a label is written), `report.build`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame

    from a3core.grader.labels.store import LabelStore


def open_store(url: str | None = None) -> LabelStore:
    """The store at a database's address; by default at $DATABASE_URL, else in $A3_DATA, else in the user's data folder.

    Raises ValueError where it cannot be opened.
    """
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore

    return LabelStore(open_database(url))


def list_runs(store: LabelStore) -> DataFrame:
    """One row a run, the oldest first: run (its name), responses, labels, annotators (names of people, sorted), created
    (UTC). Labels of a source, such as a file's own verdict, are labels, too.
    """
    from pandas import DataFrame

    from a3core.grader.runs.responses import is_source

    rows = [
        {
            "run": info.name,
            "responses": info.total,
            "labels": len(store.labels(info.id)),
            "annotators": [name for name in store.annotators(info.id) if not is_source(name)],
            "created": info.created,
        }
        for info in store.runs()
    ]
    return DataFrame(rows, columns=["run", "responses", "labels", "annotators", "created"])


def read_responses(store: LabelStore, run: str) -> DataFrame:
    """One row a response: id, question, answer, explanation, gold_answer, prompt_kind, model, sample, steps, and the
    further columns of the file that it came from. Raises ValueError where there is no such run.
    """
    from pandas import DataFrame

    id_ = store.find_run(run)
    extra = store.extra(id_)
    return DataFrame([extra.get(response.id, {}) | asdict(response) for response in store.responses(id_)])


def read_labels(store: LabelStore, run: str) -> DataFrame:
    """One row a present label: response_id and the response's fields, annotator, role ("annotator" or "adjudicator"),
    field, value, round, at (UTC), schema_version. Raises ValueError where there is no such run.
    """
    from pandas import DataFrame

    from a3core.grader.export.archive import list_labels

    return DataFrame(list_labels(store, store.find_run(run)))
