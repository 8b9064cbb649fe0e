"""Backup of an instance while it is in use: the database and the runs."""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import Engine

from songrec.core.errors import BadInput
from songrec.core.files import PARTIAL
from songrec.store.runs import run_folders

SUFFIXES = (".tar.gz", ".tgz")


def write(engine: Engine, instance: Path, path: Path) -> int:
    """Write a new .tar.gz with songrec.db, runs/ and secret_key; return its size in bytes.

    The database is copied by SQLite's backup API, so that a concurrent transaction is in the copy
    entirely or not at all. Unfinished runs are left out. Raises ``BadInput`` if the backup cannot
    be written.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        raise BadInput(
            "Only an SQLite database is backed up here; for PostgreSQL use pg_dump, and copy "
            f"{run_folders.runs_folder(instance)}."
        )
    if not path.name.endswith(SUFFIXES):
        raise BadInput(f"{path}: the name of a backup ends in .tar.gz.")
    if path.exists():
        raise BadInput(f"{path} exists already; choose another name.")
    if not path.parent.is_dir():
        raise BadInput(f"The folder {path.parent} does not exist.")
    database = Path(engine.url.database)
    if not database.is_file():
        raise BadInput(f"There is nothing to back up yet: no database {database}.")
    if not _is_set_up(database):
        raise BadInput(
            f"There is nothing to back up yet: {database} has not been set up. make run sets it "
            "up, or flask db upgrade."
        )
    try:
        return _write(database, instance, path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror or error}.") from None


def _is_set_up(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(database)) as connection:
            query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'track'"
            return connection.execute(query).fetchone() is not None
    except sqlite3.DatabaseError as error:
        raise BadInput(f"{database} cannot be read ({error}).") from None


def _write(database: Path, instance: Path, path: Path) -> int:
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".songrec-backup-") as folder:
            copy = Path(folder) / "songrec.db"
            with (
                closing(sqlite3.connect(database)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
            # Readable by its owner only: the archive holds the key that signs cookies.
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with (
                os.fdopen(descriptor, "wb") as file,
                tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive,
            ):
                archive.add(copy, "songrec.db")
                _add_runs(archive, instance)
                if (instance / "secret_key").is_file():
                    archive.add(instance / "secret_key", "secret_key")
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path.stat().st_size


def _add_runs(archive: tarfile.TarFile, instance: Path) -> None:
    runs = run_folders.runs_folder(instance)
    for folder in sorted(runs.iterdir()) if runs.is_dir() else ():
        if folder.is_dir() and not folder.name.endswith(PARTIAL):
            archive.add(folder, f"runs/{folder.name}")
