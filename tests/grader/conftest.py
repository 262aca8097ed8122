"""A label database of its own for each test, a clock that is set by hand, and a real PostgreSQL server."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from labelled import GIVEN, ask, label
from sqlalchemy import create_engine, text

from a3core.grader.labels.database import open_database, writing
from a3core.grader.labels.migrations import migrate
from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.labels.store import LabelStore
from a3core.grader.report.build import build_report
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, Response, Run

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "open sesame"
ANNOTATE = """
import sys
from a3core.grader.labels.database import open_database
from a3core.grader.labels.store import LabelStore
url, run, annotator, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
store = LabelStore(open_database(url))
for number in range(count):
    assert store.label(run, f"r{number}", annotator, "answer", "wrong" if number % 3 else "correct")
"""


# What an older version of the program wrote.
OLD = [
    "INSERT INTO runs (name, notes, created) VALUES ('pilot', '[]', '2026-01-01T00:00:00.000000+00:00')",
    "INSERT INTO schemas VALUES (:version, :json)",
    "INSERT INTO run_settings (run_id, schema_version, at) VALUES (1, :version, '2026-01-01T00:00:00.000000+00:00')",
    "INSERT INTO responses (run_id, position, id, question, question_key, answer, explanation, prompt_kind, model, "
    "steps, sample) VALUES (1, 0, 'r0', 'How many?', 'k', '6', '', 'standard', '', '[]', 0)",
    "INSERT INTO label_events (run_id, response_key, annotator, field, old, new, at, kind, schema_version, client_id) "
    "VALUES (1, 1, 'ann', 'answer', '', 'wrong', '2026-01-01T00:00:00.000000+00:00', 'label', :version, 'a-step')",
]


class Clock:
    """Tells the same time until it is set forward."""

    def __init__(self):
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **parts: float) -> None:
        self.time += timedelta(**parts)


@pytest.fixture(autouse=True)
def no_database_of_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("A3_DATA", str(tmp_path / "data"))


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'labels.sqlite'}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "labels.sqlite"
    open_database(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture
def engine(sqlite_url, tmp_path, empty_database):
    shutil.copy(empty_database, tmp_path / "labels.sqlite")
    engine = open_database(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine, clock) -> LabelStore:
    return LabelStore(engine, clock)


@pytest.fixture(scope="session")
def build_run():
    """A run of some responses, "r0" and so on."""

    def build(count: int = 3, name: str = "pilot", labels=()) -> Run:
        responses = (Response(f"r{n}", f"How many legs have {n} flies?", str(6 * n), "Six each.") for n in range(count))
        return Run(name, tuple(responses), tuple(labels), extra={"r0": {"topic": "flies"}})

    return build


@pytest.fixture(scope="session")
def annotate_at_once():
    """Lets as many processes as there are annotators label one database, each the same number of responses."""

    def annotate(url: str, run: int, annotators: int, count: int) -> None:
        commands = [[sys.executable, "-c", ANNOTATE, url, str(run), f"ann {n}", str(count)] for n in range(annotators)]
        started = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for command in commands]
        errors = [process.communicate(timeout=600)[1] for process in started]
        assert [process.returncode for process in started] == [0] * annotators, "\n".join(errors)

    return annotate


@pytest.fixture(scope="session")
def make_old_database():
    """A database of the first version, with a run and a label."""

    def make(url: str) -> None:
        facts = {"version": DEFAULT_SCHEMA.version, "json": DEFAULT_SCHEMA.to_json()}
        engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with writing(engine) as connection:
            migrate(connection, "0001_runs_and_labels")
            for statement in OLD:
                connection.execute(text(statement), facts if ":version" in statement else {})
        engine.dispose()

    return make


@pytest.fixture(scope="session")
def check_old_labels():
    """What the old database held is there, and it can be worked with."""

    def check(url: str) -> None:
        store = LabelStore(open_database(url))
        assert [(label.value, label.round) for label in store.labels(1)] == [("wrong", 1)]
        assert store.run_info(1).repeat_share == 0 and store.responses(1)[0].answer == "6"
        store.label(1, "r0", "ann", "answer", "correct")
        assert store.undo(1, "ann")[0].new == "wrong" and store.undo(1, "ann")[0].new == ""
        store.engine.dispose()

    return check


# PostgreSQL


@pytest.fixture(scope="session")
def postgres_url():
    """A server of its own, as Debian packages it, on a free port of this machine; its database is empty at first."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb")
    folder = Path(tempfile.mkdtemp(prefix="a3-postgres-", dir="/tmp"))
    try:
        yield from _serve(programs[-1].parent, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(programs: Path, folder: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if os.geteuid() == 0:
        for path in (folder, secret):
            shutil.chown(path, "postgres")
    careless = "-c fsync=off -c full_page_writes=off"  # the machine does not stop; the server does, in a test
    data, options = folder / "data", f"-h 127.0.0.1 -p {port} -k {folder} {careless}"
    access = ["--username=ann", f"--pwfile={secret}", "--auth-local=trust", "--auth-host=scram-sha-256"]
    _as_postgres(programs / "initdb", "--no-sync", "-D", data, "--encoding=UTF8", "--locale=C.UTF-8", *access)
    _as_postgres(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://ann:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}/postgres"
    finally:
        _as_postgres(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _as_postgres(*command) -> None:
    """The server refuses to be run by root."""
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run([*user, *map(str, command)], cwd="/tmp", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def new_postgres_url(postgres_url) -> str:
    """An empty database of its own on the server."""
    import psycopg

    name = f"labels_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres_url.rpartition("/")[0] + f"/{name}"


@pytest.fixture(scope="session")
def responses() -> list[Response]:
    """Twelve responses, labelled by hand: `labelled.GIVEN`."""
    return [ask(id_, f"Question {id_[1:]}?", STANDARD if id_[0] == "s" else CHAIN_OF_THOUGHT) for id_ in GIVEN]


@pytest.fixture(scope="session")
def report(responses):
    labels = [one for id_, letters in GIVEN.items() for one in label(id_, letters)]
    return build_report(responses, labels, DEFAULT_SCHEMA)


@pytest.fixture
def own_garbage():
    """What earlier tests left in this process is collected before, and not looked through while time is measured."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
