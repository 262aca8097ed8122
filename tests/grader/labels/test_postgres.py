"""What is particular to PostgreSQL, on a real server that is started for the tests (conftest.py)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from labelled import label_together
from sqlalchemy import make_url, text

from a3core.grader.export.restore import Archive, restore_run
from a3core.grader.labels.database import open_database, reading, writing
from a3core.grader.labels.store import LabelStore
from a3core.grader.session.queue import Queue, measure_progress

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(new_postgres_url):
    engine = open_database(new_postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def run(store, build_run):
    return store.add_run(build_run())


def test_it_is_postgres(engine):
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT version()")).startswith("PostgreSQL")


def test_postgres_urls_of_hosts(new_postgres_url, store, run):
    other = open_database(new_postgres_url.replace("postgresql://", "postgres://"))
    assert LabelStore(other).run_info(run).name == "pilot"
    other.dispose()


def test_labels_undo_redo_and_repeats(store, run, build_run):
    for value in ("correct", "wrong"):
        label_together(store, run, "r0", "ann", {"answer": value, "note": value})
    assert [event.new for event in store.undo(run, "ann")] == ["correct", "correct"]
    assert [event.new for event in store.undo(run, "ann")] == ["", ""]
    assert [event.new for event in store.redo(run, "ann")] == ["correct", "correct"]
    assert {label.field: label.value for label in store.labels(run)} == {"answer": "correct", "note": "correct"}
    client_id = str(uuid4())
    assert store.undo(run, "ann", client_id) == store.undo(run, "ann", client_id)
    store.label(run, "r0", "bo", "answer", "wrong", kind="adjudication")
    assert [label.value for label in store.adjudications(run)] == ["wrong"] and store.labels(run) == []
    with pytest.raises(ValueError, match="There is already a run 'pilot'"):
        store.add_run(build_run())
    with store.snapshot(run) as snapshot:
        assert Queue(snapshot, "ann").find_next().response_id == "r0"
        assert measure_progress(snapshot, "ann", store.now())["done"] == 0


def test_a_run_moves_between_databases(store, run, tmp_path, build_run):
    store.label(run, "r0", "ann", "answer", "wrong")
    store.undo(run, "ann")
    file = LabelStore(open_database(f"sqlite:///{tmp_path / 'labels.sqlite'}"))
    there = restore_run(file, Archive(build_run(), store.history(run), store.schemas(run)))
    back = restore_run(store, Archive(build_run(name="back"), file.history(there), file.schemas(there)))
    assert [event[1:10] for event in store.history(back).events] == [event[1:10] for event in store.history(run).events]
    assert store.redo(back, "ann")[0].new == "wrong"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "sesame street"}, "password authentication failed for user"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"port": 1}, "refused"),
    ],
)
def test_what_refuses_is_one_sentence_without_the_password(postgres_url, change, message):
    url = make_url(postgres_url).set(**change)
    with pytest.raises(ValueError, match=message) as caught:
        open_database(url.render_as_string(hide_password=False))
    assert "sesame" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_database_that_is_not_in_utf8_is_refused(postgres_url):
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(ValueError, match="holds SQL_ASCII text: labels need one in UTF8"):
        open_database(postgres_url.rpartition("/")[0] + "/ascii")


def test_a_server_that_went_away_is_one_sentence_and_comes_back(store, run):
    with reading(store.engine) as connection:
        own = connection.scalar(text("SELECT pg_backend_pid()"))
    other = open_database(store.engine.url.render_as_string(hide_password=False))
    with writing(other) as connection:
        connection.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
    assert store.label(run, "r0", "ann", "answer", "wrong").new == "wrong"  # by a new connection
    other.dispose()


def test_events_are_numbered_as_they_are_stored(store, engine, build_run):
    """Who reads while eight write never misses an event that is stored later under a lower number."""
    run = store.add_run(build_run(20))
    reader = LabelStore(engine)

    def annotate(annotator: str) -> None:
        for number in range(20):
            store.label(run, f"r{number}", annotator, "answer", "wrong")
            assert len(reader.labels(run, annotator)) == number + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(annotate, [f"ann {n}" for n in range(8)]))
    assert len(reader.labels(run)) == len(LabelStore(engine).labels(run)) == 160
