"""Copying a database while others write to it, and restoring the copy.

An SQLite database is copied by SQLite's backup API. A PostgreSQL database is dumped by ``pg_dump``
and restored by ``pg_restore``, PostgreSQL's own programs.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import (
    MetaData,
    and_,
    create_engine,
    exists,
    func,
    inspect,
    or_,
    select,
    table,
    text,
)
from sqlalchemy import column as sql_column
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError

from songrec.core.errors import BadInput, NotReady
from songrec.core.instance_contents import DATABASE, DUMP
from songrec.store.db import BUSY_TIMEOUT_MS, require_space
from songrec.store.runs import vector_tables
from songrec.store.sound.audio_files import STREAMED

SQLITE, POSTGRESQL = "sqlite", "postgresql"
FILE_NAMES = {SQLITE: DATABASE, POSTGRESQL: DUMP}
"""Name of the copy in an archive, by the kind of database."""
_OF_THE_MOMENT = ("rate_limit", "worker")
"""Tables whose rows mean nothing elsewhere: counters of attempts, and which workers live."""
_NO_RIGHTS = ("--no-owner", "--no-privileges")
_SINCE_17 = "transaction_timeout"
"""The setting with which scripts of ``pg_restore`` begin since version 17."""
_SINCE_17_LINE = re.compile(rb"^SET transaction_timeout = [^;\n]*;$", re.MULTILINE)
NOT_SET_UP = "has not been set up: make run sets it up, or flask db upgrade."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A consistent copy of a database with the files of the instance that it refers to.

    ``runs`` are ids of training runs; ``kept_songs`` are paths relative to the instance folder;
    ``vectors`` are paths, relative to the feature cache, of vectors that cannot be extracted again
    from analysed folders; ``music`` are the analysed folders outside the instance.
    """

    path: Path
    revision: str | None
    runs: frozenset[str]
    kept_songs: frozenset[str]
    vectors: frozenset[str]
    music: tuple[str, ...] = field(default=())


def sqlite_file(engine: Engine) -> Path | None:
    """Return the file of an SQLite database; None for other databases and those in memory."""
    if engine.dialect.name != SQLITE or engine.url.database in (None, "", ":memory:"):
        return None
    return Path(str(engine.url.database))


@contextmanager
def snapshot(engine: Engine, instance: Path, folder: Path) -> Iterator[Snapshot]:
    """Copy the database into ``folder``, on PostgreSQL without what is of the moment or made again.

    Raises ``BadInput`` for a database that is not set up and ``NotReady`` if ``pg_dump`` is missing
    or fails.
    """
    source = sqlite_file(engine)
    if source is not None:
        copy = folder / DATABASE
        _copy_sqlite(source, copy)
        engine_of_copy = create_engine(f"sqlite:///{copy}")
        try:
            with engine_of_copy.connect() as connection:
                described = _described(connection, instance, copy, str(source))
        finally:
            engine_of_copy.dispose()
        yield described
    elif engine.dialect.name == POSTGRESQL:
        dump = folder / DUMP
        with engine.connect() as connection:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            name = str(connection.scalar(text("SELECT pg_export_snapshot()")))
            described = _described(connection, instance, dump, "The database")
            _postgresql_program(
                engine,
                "pg_dump",
                "--format=custom",
                f"--snapshot={name}",
                f"--file={dump}",
                # What pgvector searches is made again by publishing. The extension may be missing
                # where this is restored: of extensions only one is dumped, which is everywhere.
                f"--exclude-schema={vector_tables.SCHEMA}",
                *(f"--exclude-table-data={name}" for name in _OF_THE_MOMENT),
                "--extension=plpgsql",
            )
        yield described
    else:
        raise BadInput(f"Backups of {engine.dialect.name} databases are not supported.")


def check_sqlite_copy(path: Path) -> str | None:
    """Return the revision of a copied database; ``BadInput`` if it is damaged or another's."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if problem != "ok":
                raise BadInput(f"The database in the backup is damaged ({problem}).")
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise BadInput(f"The database in the backup cannot be read ({error}).") from None
    return None if row is None else str(row[0])


def is_empty(engine: Engine) -> bool:
    """Return whether the database has no tables; an SQLite file need not exist."""
    file = sqlite_file(engine)
    if file is not None and not file.exists():
        return True
    try:
        return not inspect(engine).get_table_names()
    except OperationalError as error:
        if file is None:
            raise
        raise BadInput(f"{file} cannot be read ({error.orig}).") from None
    finally:
        engine.dispose()


def restore_dump(engine: Engine, dump: Path) -> None:
    """Restore a PostgreSQL dump in one transaction; ``NotReady`` if it fails.

    ``pg_restore`` 17 and newer begins with a setting that servers before 17 refuse. For those it
    writes a script, and ``psql`` runs the script without that line.
    """
    try:
        _postgresql_program(
            engine, "pg_restore", "--single-transaction", "--exit-on-error", str(dump)
        )
    except NotReady as error:
        if _SINCE_17 not in str(error):
            raise
        _restore_by_psql(engine, dump)


def _restore_by_psql(engine: Engine, dump: Path) -> None:
    script = dump.with_name(f"{dump.name}.sql")
    try:
        _run("pg_restore", [*_NO_RIGHTS, f"--file={script}", str(dump)])
        with script.open("r+b") as file:
            # The settings are at the beginning, before all tables and their rows.
            beginning = file.read(4096)
            file.seek(0)
            file.write(_SINCE_17_LINE.sub(lambda found: b" " * len(found[0]), beginning, count=1))
        options = ("--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1")
        _postgresql_program(engine, "psql", *options, "--single-transaction", f"--file={script}")
    finally:
        script.unlink(missing_ok=True)


def drop_tables(engine: Engine) -> None:
    """Delete all tables after a failed restoration."""
    metadata = MetaData()
    metadata.reflect(engine)
    metadata.drop_all(engine)


def _copy_sqlite(source: Path, copy: Path) -> None:
    if not source.is_file():
        raise BadInput(f"There is nothing to back up yet: no database {source}.")
    wait_s = BUSY_TIMEOUT_MS / 1000
    try:
        with (
            closing(sqlite3.connect(source, timeout=wait_s)) as reading,
            closing(sqlite3.connect(copy)) as writing,
        ):
            reading.backup(writing)
    except sqlite3.DatabaseError as error:
        require_space(source)
        require_space(copy)
        raise BadInput(f"{source} cannot be read ({error}).") from None


def _described(connection: Connection, instance: Path, copy: Path, shown: str) -> Snapshot:
    names = set(inspect(connection).get_table_names())
    if "track" not in names:
        raise BadInput(f"There is nothing to back up yet: {shown} {NOT_SET_UP}")
    revision = None
    if "alembic_version" in names:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    run = table("run", sql_column("public_id"))
    file = table("audio_file", *map(sql_column, ("root", "path", "content_hash", "state")))
    vector = table("feature_vector", *map(sql_column, ("path", "content_hash")))

    def inside(column: Any) -> Any:
        """Whether a path is in the instance folder; older revisions store absolute ones."""
        return or_(
            column.not_like("/%"), func.substr(column, 1, len(f"{instance}/")) == f"{instance}/"
        )

    referenced: set[str] = set()
    vectors: set[str] = set()
    music: list[str] = []
    if "audio_file" in names:
        for path in connection.scalars(
            select(file.c.path).where(inside(file.c.path), file.c.state == "analysed")
        ):
            relative = path.removeprefix(f"{instance}/")
            if relative.startswith("library/"):
                referenced.add(relative)
        # Songs streamed from a music server have no folder on this machine.
        in_a_folder = and_(~inside(file.c.path), file.c.path.not_like(f"{STREAMED}%"))
        analysable = or_(
            in_a_folder,
            file.c.path.like("clips/%"),
            func.substr(file.c.path, 1, len(f"{instance}/clips/")) == f"{instance}/clips/",
        )
        has_current_vector = exists().where(
            file.c.content_hash == vector.c.content_hash, file.c.state == "analysed", analysable
        )
        vectors.update(connection.scalars(select(vector.c.path).where(~has_current_vector)))
        roots = select(file.c.root).where(in_a_folder).distinct()
        music = sorted(connection.scalars(roots.where(file.c.state == "analysed")))
    return Snapshot(
        copy,
        revision,
        frozenset(connection.scalars(select(run.c.public_id)) if "run" in names else ()),
        frozenset(referenced),
        frozenset(vectors),
        tuple(music),
    )


def _postgresql_program(engine: Engine, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on a database; ``NotReady`` with its error in one line."""
    _, parameters = engine.dialect.create_connect_args(engine.url)
    password = parameters.pop("password", None)
    rights = _NO_RIGHTS if program != "psql" else ()
    database = f"--dbname={_connection_string(parameters)}"
    _run(
        program, [*rights, database, *arguments], {"PGPASSWORD": str(password)} if password else {}
    )


def _run(program: str, arguments: list[str], environment: Mapping[str, str] | None = None) -> None:
    command = shutil.which(program)
    if command is None:
        raise NotReady(
            f"{program} is not installed, which copies a PostgreSQL database: install PostgreSQL's "
            "client programs (postgresql-client), of the server's version or newer."
        )
    done = subprocess.run(  # noqa: S603 - no shell; the password is not among the arguments
        [command, *arguments],
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()[:2]  # the second one has the detail
        reason = " ".join(line.strip() for line in lines) or f"exit code {done.returncode}"
        raise NotReady(f"The database could not be copied: {reason}")


def _connection_string(parameters: dict[str, Any]) -> str:
    """Return parameters of a connection in libpq's notation."""

    def quoted(value: object) -> str:
        return str(value).replace("\\", "\\\\").replace("'", "\\'")

    return " ".join(
        f"{name}='{quoted(value)}'"
        for name, value in parameters.items()
        if isinstance(value, (str, int))
    )
