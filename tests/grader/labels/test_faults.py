"""What goes wrong around a label database: full disk, read-only folder, two apps, a clock set back, a server away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from disk import full_disk
from labelled import restore_export

from a3core.grader.export.archive import export_run
from a3core.grader.labels.database import open_database
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Response, Run
from a3core.grader.session.queue import measure_progress
from tests.grader import conftest as servers

ROOT = Path(__file__).resolve().parents[3]
AS_NOBODY = """
import os, sys
import sqlalchemy.dialects.sqlite
from a3core.grader.labels.database import open_database
from a3core.grader.labels.store import LabelStore
if os.getuid() == 0:
    os.setuid(65534)
try:
    store = LabelStore(open_database(sys.argv[1]))
    store.label(1, "r0", "ann", "answer", "wrong")
except ValueError as error:
    print(error)
"""


@pytest.fixture
def run(store, build_run) -> int:
    return store.add_run(build_run(30))


def test_a_full_disk_stores_nothing_by_halves_and_goes_on_when_there_is_room(store, run, tmp_path, engine):
    stored = []
    for number in range(30):
        if number == 15:
            with full_disk((tmp_path / "labels.sqlite-wal").stat().st_size):
                for _ in range(2):
                    with pytest.raises(ValueError, match=r"^The label database .* failed: [^\n]*(full|I/O)[^\n]*\.$"):
                        store.label(run, f"r{number}", "ann", "answer", "wrong")
        store.label(run, f"r{number}", "ann", "answer", "wrong")
        stored.append(f"r{number}")
    assert [label.response_id for label in store.labels(run)] == stored and len(store.history(run).events) == 30
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_an_export_on_a_full_disk_is_one_sentence_and_leaves_the_last_one(store, run, tmp_path):
    store.label(run, "r0", "ann", "answer", "wrong")
    path = export_run(store, run, "jsonl", tmp_path / "out")
    whole = path.read_bytes()
    for format in ("jsonl", "csv", "parquet"):
        with full_disk(), pytest.raises(ValueError, match=r"^cannot write .*File too large$"):
            export_run(store, run, format, tmp_path / "out")
    assert path.read_bytes() == whole and list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_read_only_is_one_sentence(store, run, tmp_path):
    """Of a database that is there, and of one that is to be made."""
    store.engine.dispose()
    os.chmod(tmp_path, 0o555)
    for parent in tmp_path.parents[:-2]:
        parent.stat().st_uid == os.getuid() and os.chmod(parent, 0o755)
    try:
        for name in ("labels.sqlite", "new.sqlite", "folder/new.sqlite"):
            command = [sys.executable, "-c", AS_NOBODY, f"sqlite:///{tmp_path / name}"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            (line,) = done.stdout.splitlines()
            assert line.startswith(f"The label database {tmp_path / name} failed: ") and line.endswith(".")
    finally:
        os.chmod(tmp_path, 0o755)


def test_two_apps_that_start_at_once_on_one_folder_have_each_shipped_run_once(tmp_path, monkeypatch):
    from a3core.grader.runs import generation
    from a3core.ui.grader.service import GraderService

    url, both, problems = f"sqlite:///{tmp_path / 'labels.sqlite'}", threading.Barrier(2), []
    load, build = generation.load_run, GraderService.__dict__["_opened"].func  # without the lock of one process

    def load_together(folder):
        both.wait(30)  # both have read which runs are there
        return load(folder)

    def open_app() -> None:
        try:
            assert len(build(GraderService(url)).runs()) == 2
        except Exception as error:
            problems.append(error)

    monkeypatch.setattr(generation, "load_run", load_together)
    apps = [threading.Thread(target=open_app) for _ in range(2)]
    for app in apps:
        app.start()
    for app in apps:
        app.join()
    assert problems == [] and len(LabelStore(open_database(url)).runs()) == 2


def test_two_apps_on_one_folder_label_together(run, store, sqlite_url):
    other = LabelStore(open_database(sqlite_url))
    for number in range(10):
        (store, other)[number % 2].label(run, f"r{number}", "ann", "answer", "wrong")
        assert store.labels(run) == other.labels(run)
    assert [event.response_id for event in other.undo(run, "ann")] == ["r9"] and len(store.labels(run)) == 9
    other.engine.dispose()


def test_a_clock_that_is_set_back_changes_no_label_and_no_order(store, run, clock, tmp_path):
    for number in range(6):
        store.label(run, f"r{number}", "ann", "answer", "correct")
        clock.forward(minutes=1)
    clock.forward(days=-400)
    store.label(run, "r0", "ann", "answer", "wrong")
    for number in range(6, 12):
        store.label(run, f"r{number}", "ann", "answer", "correct")
        clock.forward(minutes=1)
    labels = store.labels(run)
    assert labels[0].value == "wrong"
    assert LabelStore(store.engine).labels(run) == labels
    copy = restore_export(store, export_run(store, run, "jsonl", tmp_path), "copy")
    assert [label[:4] for label in store.labels(copy)] == [label[:4] for label in labels]
    assert store.undo(run, "ann")[0].response_id == "r11"
    with store.snapshot(run) as snapshot:
        progress = measure_progress(snapshot, "bo", store.now() + timedelta(days=-1))
        assert progress["per_hour"] is None


def test_the_pace_is_of_the_time_that_went_forward(store, run, build_run, clock):
    for number in range(3):
        for field, value in (("explanation", "correct"), ("convincing", "yes"), ("answer", "correct")):
            store.label(run, f"r{number}", "ann", field, value)
        clock.forward(minutes=1)
    clock.forward(hours=-5)
    for number in range(3, 6):
        for field, value in (("explanation", "correct"), ("convincing", "yes"), ("answer", "correct")):
            store.label(run, f"r{number}", "ann", field, value)
        clock.forward(minutes=1)
    with store.snapshot(run) as snapshot:
        assert measure_progress(snapshot, "ann", store.now())["per_hour"] == pytest.approx(60)


@pytest.mark.slow
def test_a_postgres_server_that_stops_is_one_sentence_and_its_labels_are_there_when_it_is_back():
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb")
    folder = Path(tempfile.mkdtemp(prefix="a3-postgres-", dir="/tmp"))
    server = servers._serve(programs[-1].parent, folder)
    try:
        url = next(server)
        control = (programs[-1].parent / "pg_ctl", "-D", folder / "data", "-w")
        store = LabelStore(open_database(url))
        run = store.add_run(Run("flies", tuple(Response(str(n), f"{n}?", "6", "so") for n in range(9))))
        store.label(run, "0", "ann", "answer", "wrong")
        servers._as_postgres(*control, "-m", "immediate", "stop")
        for _ in range(2):
            with pytest.raises(
                ValueError, match=r"^The label database 'postgres' at 127.0.0.1:\d+ failed: .*\.$"
            ) as error:
                store.label(run, "1", "ann", "answer", "wrong")
            assert servers.PASSWORD not in str(error.value)
        port = url.rpartition(":")[2].partition("/")[0]
        start = f"-h 127.0.0.1 -p {port} -k {folder}"
        servers._as_postgres(*control, "-l", folder / "log", "-o", start, "start")
        assert store.label(run, "1", "ann", "answer", "wrong")
        assert [label.response_id for label in store.labels(run)] == ["0", "1"]
        store.engine.dispose()
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
