"""The named versions of the label database: each module here makes one of the one before, in one transaction.

    r0001_runs_and_labels   runs, responses, schemas and the events of labels
    r0002_silent_repeats    the round of a label, and the share of a run that comes back
    r0003_extra_columns     further columns of the file that a response came from
    r0004_run_keys          a run's key, owner, later names; the order of events of several machines
    r0005_deals_and_changes how a run is dealt out; what was done to its annotators and questions

A database remembers its version; `migrate` brings it to the newest when it is opened. A version is never edited once
it has been used: what changes the tables is a new module, with its SQL beside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

NEWEST = "head"
CHANGES = ("UPDATE", "DELETE")
WORDS = {  # SQLite counts only what is called INTEGER by itself
    "sqlite": {"id": "INTEGER NOT NULL", "reference": "INTEGER", "autoincrement": "AUTOINCREMENT", "false": "0"},
    "postgresql": {"id": "BIGSERIAL NOT NULL", "reference": "BIGINT", "autoincrement": "", "false": "false"},
}
VERSION_TABLE = "label_database_version"  # of our own: the database may be shared with another program


def migrate(connection: Connection, to: str = NEWEST) -> None:
    """Runs the migrations that the database lacks, inside the connection's transaction, one process at a time.

    Raises ValueError for a database that a newer version of this program has made.
    """
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    here = str(Path(__file__).parent)
    scripts = ScriptDirectory(here, version_locations=[here])
    if connection.dialect.name == "postgresql":  # on SQLite a writing transaction is alone already
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20260001)")  # any number that is always the same
    options = {"fn": lambda present, _: scripts._upgrade_revs(to, present)}
    options |= {"transactional_ddl": True, "version_table": VERSION_TABLE}
    context = MigrationContext.configure(connection, opts=options)
    known = {script.revision for script in scripts.walk_revisions()}
    if unknown := sorted(set(context.get_current_heads()) - known):
        newer = f"The label database is of a newer version of this program ({unknown[0]}): update the program."
        raise ValueError(newer)
    with Operations.context(context):
        context.run_migrations()


def run_sql(migration: str) -> None:
    """Runs the statements of the .sql file beside a migration's module, in the words of the database."""
    from alembic import op

    words = WORDS[op.get_bind().dialect.name]
    for statement in Path(migration).with_suffix(".sql").read_text(encoding="utf-8").format(**words).split(";\n"):
        if statement.strip():
            op.execute(statement)


def forbid_changes(table: str, key: str = "id") -> None:
    """From now on, rows of a table are only added; its own migration says so, of the `key` that names a row.

    SQLite: a row that is put in the place of another is deleted without asking the triggers: it is refused as it comes.
    """
    from alembic import op

    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    op.execute(_refuse(table, "INSERT", "replace", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) "))
    for change in CHANGES:
        op.execute(_refuse(table, change, change.lower()))


def _refuse(table: str, change: str, name: str, when: str = "") -> str:
    """The trigger of SQLite that refuses a change of a table."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    return f"CREATE TRIGGER {table}_no_{name} BEFORE {change} ON {table} {when}{refuse}"


@contextmanager
def changing(connection: Connection, *tables: str) -> Iterator[None]:
    """Rows of the tables may be changed and deleted while the block runs, by this transaction alone."""
    is_postgres = connection.dialect.name == "postgresql"
    alter = "ALTER TABLE {0} {1} TRIGGER {0}_append_only"
    for table in tables:
        lift = [f"DROP TRIGGER {table}_no_{change.lower()}" for change in CHANGES]
        for statement in [alter.format(table, "DISABLE")] if is_postgres else lift:
            connection.exec_driver_sql(statement)
    yield
    for table in tables:
        refuse = [_refuse(table, change, change.lower()) for change in CHANGES]
        for statement in [alter.format(table, "ENABLE")] if is_postgres else refuse:
            connection.exec_driver_sql(statement)
