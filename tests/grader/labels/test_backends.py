"""What holds in SQLite and on a real PostgreSQL server, started for the tests (conftest.py)."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from labelled import label_fields
from sqlalchemy import text

from a3core.grader.labels.database import open_database, reading, writing
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Response, Run

HOSTILE = (
    "<script>alert(1)</script>",
    "${1+1}",
    "{{value}}",
    "a\0b\x10",
    "\u202eright to left",
    "\ud83d",
    "'; DROP --",
    "é" * 500,
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "new_postgres_url")


@pytest.fixture
def engine(url):
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def run(store, build_run):
    return store.add_run(build_run())


def count(engine, table: str) -> int:
    with reading(engine) as connection:
        return connection.scalar(text(f"SELECT count(*) FROM {table}"))


@pytest.mark.slow
@pytest.mark.parametrize("hostile", [*HOSTILE, "word " * 200_000])
def test_hostile_text_is_text(store, hostile):
    name, id_ = hostile[:50], hostile[:500]
    response = Response(id_, hostile, hostile, hostile, hostile, hostile, hostile, 2**40, (hostile, hostile))
    run = store.add_run(Run(name, (response,), notes=(hostile,)))
    label_fields(store, run, id_, name, {"note": hostile[:10_000], "answer": "wrong"})
    assert store.responses(run) == (response,) and store.run_info(run).notes == (hostile,)
    assert store.find_run(name) == run and store.annotators(run) == [name.strip()]
    note = next(label for label in store.labels(run) if label.field == "note")
    assert (note.response_id, note.annotator, note.value) == (id_, name.strip(), hostile[:10_000])


@pytest.mark.slow
@pytest.mark.parametrize("table", ["runs", "responses", "schemas", "run_settings", "label_events", "extra_columns"])
def test_rows_are_only_added(store, run, table):
    store.label(run, "r0", "ann", "answer", "correct")
    column = {"schemas": "json", "extra_columns": "json", "responses": "question", "runs": "name"}.get(table, "at")
    changes, refusal = [f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"], f"{table} is append-only"
    if store.engine.dialect.name == "postgresql":
        changes, refusal = [*changes, f"TRUNCATE {table} CASCADE"], "is append-only"
    before = count(store.engine, table)
    for change in changes:
        with pytest.raises(ValueError, match=refusal), writing(store.engine) as connection:
            connection.execute(text(change))
    assert count(store.engine, table) == before > 0 and store.run_info(run).name == "pilot"


def test_an_old_database_opens_with_what_it_holds(url, make_old_database, check_old_labels):
    make_old_database(url)
    check_old_labels(url)


def test_several_may_open_a_new_database_at_once(url):
    with ThreadPoolExecutor(8) as pool:
        engines = list(pool.map(open_database, [url] * 8))
    assert [count(engine, "label_database_version") for engine in engines] == [1] * 8
    assert [LabelStore(engine).runs() for engine in engines] == [[]] * 8
    for engine in engines:
        engine.dispose()


def test_one_annotator_in_many_tabs_at_once(store, run):
    client_ids = [str(uuid4()) for _ in range(4)]
    requests = [(f"r{n % 3}", client_id) for n, client_id in enumerate(client_ids) for _ in range(6)]
    random.Random(1).shuffle(requests)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(store.label, run, r, "ann", "note", f"by {id_}", id_) for r, id_ in requests]
        stored = {call.result() for call in calls}
    assert stored == set(store.history(run).events) and len(stored) == 4
    assert len([store.undo(run, "ann") for _ in range(5) if store.labels(run)]) == 4
