"""kill -9 at a random moment, and eight processes at once: every label that was acknowledged is there, once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import pytest

from a3core.grader.labels.database import open_database
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Label

KILLS, RESPONSES = 20, 50
# Gives labels as long as it lives, and says so after each.
STREAM = """
import itertools, sys
from a3core.grader.labels.database import open_database
from a3core.grader.labels.store import LabelStore
url, run, annotator = sys.argv[1], int(sys.argv[2]), sys.argv[3]
store = LabelStore(open_database(url))
for number in itertools.count():
    event = store.label(run, f"r{number % %d}", annotator, "note", f"note {number}")
    print(number, event.id, flush=True)
""".replace("%d", str(RESPONSES))


def stream_until_killed(url: str, run: int, annotator: str, seconds: float, cwd) -> list[list[int]]:
    """What the process acknowledged: [number, event ids] a step; it is killed so many seconds after the first."""
    command = [sys.executable, "-c", STREAM, url, str(run), annotator]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()  # not `communicate`, which loses what was read ahead with the first line
    assert process.returncode == -signal.SIGKILL
    whole = [line for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]
    return [[int(number) for number in line.split()] for line in whole]


@pytest.mark.load
def test_kill_at_a_random_moment(sqlite_url, build_run, request):
    engine = open_database(sqlite_url)
    run = LabelStore(engine).add_run(build_run(RESPONSES))
    engine.dispose()
    moments = random.Random(5)
    for kill in range(KILLS):
        said = stream_until_killed(sqlite_url, run, f"ann {kill}", moments.uniform(0, 0.4), request.config.rootpath)
        check_acknowledged(sqlite_url, run, f"ann {kill}", said)


def check_acknowledged(url: str, run: int, annotator: str, said: list[list[int]]) -> None:
    """All that was said is stored, at most one label more."""
    engine = open_database(url)
    events = {event.id: event for event in LabelStore(engine).history(run).events if event.annotator == annotator}
    notes = sorted(int(event.new.removeprefix("note ")) for event in events.values() if event.field == "note")
    assert said and len(notes) - len(said) in (0, 1) and notes == list(range(len(notes)))
    for number, *ids in said:
        stored = [(events[id_].response_id, events[id_].field, events[id_].new) for id_ in ids]
        assert (f"r{number % RESPONSES}", "note", f"note {number}") in stored
    steps = [event.client_id for event in events.values()]
    assert len(steps) == len(set(steps)) == len(notes)
    engine.dispose()


@pytest.mark.parametrize(
    ("database", "count"),
    [
        pytest.param("new_postgres_url", 60, marks=pytest.mark.slow),
        pytest.param("new_postgres_url", 500, marks=pytest.mark.load),
        pytest.param("sqlite_url", 500, marks=pytest.mark.load),
    ],
)
def test_eight_annotators_label_at_once(request, build_run, annotate_at_once, database, count):
    engine = open_database(url := request.getfixturevalue(database))
    store = LabelStore(engine)
    run = store.add_run(build_run(count, name="large", labels=[Label("r0", "rater", "answer", "wrong")]))
    annotate_at_once(url, run, 8, count)
    events = [event for event in store.history(run).events if event.kind == "label"]
    stored = {(event.annotator, event.response_id): event.new for event in events}
    assert len(stored) == len(events) == 8 * count and len(store.labels(run)) == 8 * count + 1
    present = {(label.annotator, label.response_id): label.value for label in store.labels(run)}
    assert present == stored | {("rater", "r0"): "wrong"}
    assert sum(value == "correct" for value in stored.values()) == 8 * len(range(0, count, 3))
    engine.dispose()


@pytest.mark.load
def test_eight_processes_open_a_new_database_at_once(sqlite_url, tmp_path, request):
    code = "import sys\nfrom a3core.grader.labels.database import open_database\nopen_database(sys.argv[1])"
    command = [sys.executable, "-c", code, sqlite_url]
    started = [subprocess.Popen(command, cwd=request.config.rootpath, stderr=subprocess.PIPE) for _ in range(8)]
    assert [process.communicate(timeout=120)[1] for process in started] == [b""] * 8
