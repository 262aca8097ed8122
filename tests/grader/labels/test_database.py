"""Opening the label database: where it is, what refuses, and how an old one becomes a new one."""

from __future__ import annotations

import re
import sqlite3
import sys
import traceback
from pathlib import Path

import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows, get_win_folder_from_env_vars
from sqlalchemy import create_engine, inspect, text

from a3core.common.paths import data_folder
from a3core.grader.labels import database
from a3core.grader.labels.database import open_database, reading, writing
from a3core.grader.labels.tables import METADATA, escape, unescape


def count(engine, table: str) -> int:
    with reading(engine) as connection:
        return connection.scalar(text(f"SELECT count(*) FROM {table}"))


# Where it is


def test_by_default_it_is_in_the_data_folder(tmp_path):
    engine = open_database()
    assert engine.url.database == str(tmp_path / "data" / "labels.sqlite") and (tmp_path / "data").is_dir()


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"A3_DATA": "~/mine"}, "mine"),
        ("linux", {}, ".local/share/a3core"),
        ("linux", {"XDG_DATA_HOME": "/there"}, "/there/a3core"),
        ("darwin", {}, "Library/Application Support/a3core"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/a3core"),
    ],
)
def test_the_data_folder_is_the_platforms(monkeypatch, tmp_path, platform, variables, expected):
    for name in ("A3_DATA", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr("platformdirs.windows.get_win_folder", get_win_folder_from_env_vars)  # there is no registry
    monkeypatch.setattr(platformdirs, "PlatformDirs", {"darwin": MacOS, "win32": Windows}.get(platform, Unix))
    assert data_folder() == tmp_path / expected


def test_without_a_home_the_variable_is_named(monkeypatch):
    def fail():
        raise RuntimeError("no home")

    monkeypatch.delenv("A3_DATA")
    monkeypatch.setattr(Path, "home", fail)
    with pytest.raises(ValueError, match="A3_DATA names another"):
        open_database()


def test_the_variable_names_another(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'a' / 'b.sqlite'}")
    assert open_database().url.database == str(tmp_path / "a" / "b.sqlite")
    assert open_database(f"sqlite:///{tmp_path / 'c.sqlite'}").url.database == str(tmp_path / "c.sqlite")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_postgres_is_asked_by_psycopg_3(scheme):
    url = database._parse_url(f"{scheme}://ann:secret@db.example.org:6543/labels?sslmode=require")
    assert url.drivername == "postgresql+psycopg" and url.query == {"sslmode": "require"}
    assert (url.username, url.password, url.host, url.port, url.database) == (
        "ann",
        "secret",
        "db.example.org",
        6543,
        "labels",
    )


def test_sqlite_keeps_what_it_says(engine):
    with reading(engine) as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


# What refuses


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sesame", "This is no address of a database"),
        ("postgresql://ann:sesame@host:port/labels", "This is no address of a database"),
        ("mysql://ann:sesame@host/labels", "not kept in a database of the kind 'mysql'"),
        ("postgresql://ann:open@sesame@host/labels", "holds an @: write it as %40"),
        ("postgresql://ann:sesame@127.0.0.1:1/labels", "'labels' at 127.0.0.1:1 failed: .*refused"),
        ("postgresql://127.0.0.1:1/labels?user=ann&password=sesame", "'labels' at 127.0.0.1:1 failed: .*refused"),
        ("sqlite://", "without a file would lose the labels"),
        ("sqlite:///:memory:", "without a file would lose the labels"),
    ],
)
def test_a_bad_address_is_one_sentence_without_the_password(url, message):
    with pytest.raises(ValueError, match=message) as caught:
        open_database(url)
    assert "sesame" not in "".join(traceback.format_exception(caught.value)) and "\n" not in str(caught.value)


def test_a_driver_that_repeats_the_password_is_not_quoted():
    url = database._parse_url("postgresql://ann:sesame@host/labels?password=second")
    assert database._redact("\nno 'sesame' for ann, nor second.\nmore", url) == "no '***' for ann, nor ***"


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "notes.txt").write_text("no database, " * 100)
    with pytest.raises(ValueError, match=r"notes.txt failed: file is not a database\.$"):
        open_database(f"sqlite:///{tmp_path / 'notes.txt'}")
    with pytest.raises(ValueError, match=r"Not a directory|File exists"):
        open_database(f"sqlite:///{tmp_path / 'notes.txt' / 'labels.sqlite'}")


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(ValueError, match="unable to open database file"):
        open_database(f"sqlite:///{tmp_path}")


def test_a_label_that_cannot_be_stored_is_said(store, build_run):
    run = store.add_run(build_run())
    with writing(store.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE label_events RENAME TO gone")
    with pytest.raises(ValueError, match=r"^The label database .* failed: no such table: label_events\.$"):
        store.label(run, "r0", "ann", "answer", "correct")


def test_waiting_has_an_end(engine, sqlite_url, build_run):
    impatient = create_engine(sqlite_url, connect_args={"timeout": 0.05})
    with writing(engine), pytest.raises(ValueError, match="database is locked"), writing(impatient) as connection:
        connection.exec_driver_sql("INSERT INTO runs (id, name, notes, created) VALUES (1, 'a', '[]', '')")


# Text


@pytest.mark.parametrize("hostile", ["", "a\0b", "\x10", "\x100000", "\ud83d alone \udc00", "\u202eright", "é" * 9])
def test_any_text_comes_back(hostile):
    stored = escape(hostile)
    assert unescape(stored) == hostile and "\0" not in stored and stored.encode() is not None
    assert stored == hostile or "\0" in hostile or "\x10" in hostile or "\ud83d" in hostile


# Versions


def test_the_tables_are_those_that_the_program_asks(engine):
    found = inspect(engine)
    for table in METADATA.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns} or table.name == "schemas"
        assert set(columns) == set(table.columns.keys())


def test_a_migration_that_fails_leaves_the_old_version(tmp_path, make_old_database):
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    make_old_database(url)
    with sqlite3.connect(tmp_path / "old.sqlite") as connection:
        connection.execute("ALTER TABLE run_settings ADD COLUMN repeat_share")  # in the way of the second step
    with pytest.raises(ValueError, match="duplicate column name"):
        open_database(url)
    with sqlite3.connect(tmp_path / "old.sqlite") as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(label_events)")]
        version = connection.execute("SELECT version_num FROM label_database_version").fetchall()
    assert "round" not in columns and version == [("0001_runs_and_labels",)]


def test_a_newer_database_is_refused_and_left_alone(engine, sqlite_url):
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE label_database_version SET version_num = '0099_holograms'")
    with pytest.raises(ValueError, match=r"of a newer version of this program \(0099_holograms\): update"):
        open_database(sqlite_url)
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT * FROM label_database_version").all() == [("0099_holograms",)]


# Nothing is changed


def test_no_row_takes_the_place_of_another(store, build_run, tmp_path):
    run = store.add_run(build_run())
    event = store.label(run, "r0", "ann", "answer", "correct")
    replace = "INSERT OR REPLACE INTO label_events SELECT * FROM label_events WHERE id = ?"
    with (
        sqlite3.connect(tmp_path / "labels.sqlite") as other,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        other.execute(replace, (event.id,))
    same = "INSERT OR REPLACE INTO label_events SELECT NULL, run_id, response_key, annotator, field, old, 'wrong', at, "
    same += "kind, schema_version, refers, client_id, parent, round, sequence, follows FROM label_events WHERE id = ?"
    with pytest.raises(ValueError, match="append-only"), writing(store.engine) as connection:
        connection.exec_driver_sql(same, (event.id,))
    assert store.history(run).events == (event,)


def test_every_migration_is_named_by_its_file():
    folder = Path(database.__file__).parent / "migrations"
    for path in folder.glob("r*.py"):
        assert re.search(r'^revision = "(.+)"$', path.read_text(), re.M)[1] == path.stem.removeprefix("r")
