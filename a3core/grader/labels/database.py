"""The database that labels are kept in: an SQLite file by default, PostgreSQL where DATABASE_URL says so.

    engine = open_database()                                          # the user's data folder, or DATABASE_URL
    engine = open_database("sqlite:////home/ann/labels.sqlite")
    engine = open_database("postgresql://ann:secret@db.example.org/labels")
    with writing(engine) as connection: ...                           # one transaction, committed at its end

A connection serves one operation of one thread and goes back to the pool. What goes wrong is a ValueError of one
sentence, in which no password is shown.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text

from a3core.common.paths import data_folder
from a3core.grader.labels.migrations import migrate

FILE_NAME = "labels.sqlite"
PATIENCE = 30  # seconds that one process waits until others have written
CONNECT_TIMEOUT = 10  # seconds
EXPECTED = "expected sqlite:////folder/labels.sqlite or postgresql://user:password@host/database"


def open_database(url: str | None = None) -> Engine:
    """The database at `url`, else at $DATABASE_URL, else in the user's data folder; made or migrated if need be.

    Several processes may open it at once. Raises ValueError if it cannot be reached, written, or is of a newer version.
    """
    address = _parse_url(url or os.environ.get("DATABASE_URL") or f"sqlite:///{data_folder() / FILE_NAME}")
    if _is_sqlite(address):
        engine = _build_sqlite(address)
    else:
        query = {"client_encoding": "utf8", "connect_timeout": str(CONNECT_TIMEOUT), **address.query}
        engine = create_engine(address.set(query=query), hide_parameters=True, pool_pre_ping=True)
    try:
        with writing(engine) as connection:
            if not _is_sqlite(address) and (encoding := connection.scalar(text("SHOW server_encoding"))) != "UTF8":
                raise ValueError(f"{_describe(engine.url)} holds {encoding} text: labels need one in UTF8.")
            migrate(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database. Raises ValueError if the database fails."""
    with _one_sentence(engine.url), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction: all of it is on the disk when the block ends, or nothing. Raises ValueError if it fails."""
    with _one_sentence(engine.url), engine.connect().execution_options(writing=True) as connection, connection.begin():
        yield connection


# Addresses


def _parse_url(address: str) -> URL:
    try:
        url = make_url(address)
    except (exc.ArgumentError, ValueError):
        raise ValueError(f"This is no address of a database (DATABASE_URL): {EXPECTED}.") from None
    kind = url.get_backend_name()
    if kind in ("postgres", "postgresql"):
        if "@" in (url.host or ""):
            raise ValueError("The password in the database's address (DATABASE_URL) holds an @: write it as %40.")
        return url.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise ValueError(f"Labels are not kept in a database of the kind {kind!r} (DATABASE_URL): {EXPECTED}.")
    if url.database in (None, "", ":memory:"):
        raise ValueError(f"An SQLite database without a file would lose the labels (DATABASE_URL): {EXPECTED}.")
    return url.set(drivername="sqlite")


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _describe(url: URL) -> str:
    if _is_sqlite(url):
        return f"The label database {url.database}"
    host = url.host or url.query.get("host") or "this machine"
    return f"The label database {url.database or ''!r} at {host}{f':{url.port}' if url.port else ''}"


# Errors


@contextmanager
def _one_sentence(url: URL) -> Iterator[None]:
    try:
        yield
    except exc.DBAPIError as error:
        raise ValueError(f"{_describe(url)} failed: {_redact(str(error.orig), url)}.") from None
    except (sqlite3.Error, OSError, OverflowError, UnicodeError) as error:
        raise ValueError(f"{_describe(url)} failed: {_redact(str(error), url)}.") from None
    except exc.TimeoutError:
        raise ValueError(f"{_describe(url)} is too busy: try again.") from None


def _redact(reason: str, url: URL) -> str:
    """The first line of what the driver says, in which it may have repeated a password."""
    line = next((line for line in reason.splitlines() if line.strip()), "no reason was given")
    for secret in (url.password, url.query.get("password")):
        line = line.replace(str(secret), "***") if secret else line
    return line.strip().rstrip(".")


# SQLite


def _build_sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": PATIENCE}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin where `begin` says, not where Python guesses
        for setting in ("synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # who will write waits at the beginning: one who has read before would be refused at once instead
        writes = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    with _one_sentence(url):
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        _switch_to_wal(engine)
    return engine


def _switch_to_wal(engine: Engine) -> None:
    """Once for the file; SQLite refuses it at once, without waiting, while another process uses the old journal."""
    deadline = time.monotonic() + PATIENCE
    with closing(engine.raw_connection()) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
