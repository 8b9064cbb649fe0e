"""Restoring a backup into an empty instance: all of it or nothing."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import bindparam, column, table, update
from sqlalchemy.engine import Engine, make_url

from songrec.core import instance_contents as contents
from songrec.core.errors import BadInput, NotReady
from songrec.core.files import modified_ns, write_json
from songrec.core.instance_contents import MANIFEST, RESTORING, SECRET_KEY
from songrec.core.types import Progress, no_progress
from songrec.store.backups import database
from songrec.store.backups.writing import FORMAT
from songrec.store.db import explain_failure

_PLACING = "placing.json"
"""Names that are being moved into the instance folder, in ``RESTORING``."""
_ALLOWED = {*contents.BY_NAME, *database.FILE_NAMES.values(), MANIFEST}
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Migrations:
    """The known revisions, and the upgrade of a database to the newest one.

    ``upgrade`` takes the instance folder and the URL of the database.
    """

    knows: Callable[[str], bool]
    upgrade: Callable[[Path, str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that was restored; ``left_out`` and ``music`` as in ``BackupReport``."""

    files: int
    bytes: int
    left_out: tuple[str, ...]
    music: tuple[str, ...]
    has_key: bool

    def to_json(self) -> dict[str, Any]:
        """Return the report for ``flask restore --json``."""
        return {
            "files": self.files,
            "bytes": self.bytes,
            "left_out": [
                {"name": name, "made_by": contents.BY_NAME[name].made_by} for name in self.left_out
            ],
            "music": list(self.music),
        }


def restore(
    engine: Engine,
    instance: Path,
    archive: Path,
    migrations: Migrations,
    on_progress: Progress = no_progress,
) -> Restored:
    """Restore ``archive`` into an empty instance and migrate its database.

    The whole archive is read once before anything is written, then unpacked into a folder in the
    instance folder and moved into place, the database last. After any failure the instance is empty
    again; leftovers of a killed process are removed by the next restoration.

    Raises
    ------
    BadInput
        For an instance that is not empty and an archive that is not a backup, damaged, of a newer
        version or of another kind of database.
    NotReady
        If there is not enough space, or PostgreSQL's programs are missing or fail.
    """
    _require_empty(engine, instance)
    on_progress(0.0, "Checking the backup.")
    with _one_line_errors(archive):
        manifest, files, size = _inspected(archive)
    _require_same_kind(engine, manifest)
    revision = manifest.get("revision")
    if revision is not None and not migrations.knows(revision):
        raise _newer(manifest)
    _require_space(instance, size)
    partial = instance / RESTORING
    partial.mkdir(mode=0o700)
    try:
        with _one_line_errors(archive):
            rounded = _unpack(archive, partial, files, on_progress)
        on_progress(0.9, "Restoring the database.")
        _place(engine, instance, partial, migrations, manifest)
        _record_times(engine, rounded)
        has_key = (instance / SECRET_KEY).is_file()
    except OSError as error:
        what = explain_failure(error) or f"{error.strerror or error}."
        raise NotReady(f"{error.filename or instance} cannot be written: {what}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    on_progress(1.0, "Done.")
    return Restored(
        files,
        size,
        tuple(name for name in manifest.get("left_out", ()) if name in contents.BY_NAME),
        tuple(map(str, manifest.get("music", ()))),
        has_key,
    )


def _require_empty(engine: Engine, instance: Path) -> None:
    """Raise ``BadInput`` for an instance with data; clear leftovers of a killed restoration."""
    elsewhere = "Restore into a new folder: SONGREC_INSTANCE=FOLDER flask restore ARCHIVE"
    file = database.sqlite_file(engine)
    if file is None and engine.dialect.name == database.SQLITE:
        raise BadInput("A database in memory cannot be restored into.")
    if not database.is_empty(engine):
        if file is not None:
            raise BadInput(f"{file} holds a database already. {elsewhere}")
        raise BadInput(
            "The PostgreSQL database is not empty: create a new one (createdb NAME) and name it in "
            "SONGREC_DATABASE_URL."
        )
    partial = instance / RESTORING
    if partial.exists():
        with contextlib.suppress(FileNotFoundError, ValueError):
            for name in json.loads((partial / _PLACING).read_text(encoding="utf-8")):
                _remove(instance / PurePosixPath(name).name)
        shutil.rmtree(partial)
    kinds = (contents.Kind.DATA, contents.Kind.DERIVED)
    names = [
        content.name
        for kind in kinds
        for content in contents.existing(instance, kind)
        if content.name != SECRET_KEY  # created by the first command of any kind
    ] + contents.unknown(instance, file)
    if names:
        raise BadInput(f"{instance} is not empty ({', '.join(sorted(names))}). {elsewhere}")


def _inspected(archive: Path) -> tuple[dict[str, Any], int, int]:
    """Read the whole archive; return its manifest, number of files and their size in bytes.

    Archives of earlier versions have no manifest; it is then derived from the database.
    """
    manifest: dict[str, Any] | None = None
    files = size = 0
    names = set()
    for member, content in _members(archive):
        if member.isdir():
            continue
        if member.name == MANIFEST:
            manifest = json.loads(content.read(2**20))
            if not isinstance(manifest, dict):
                raise ValueError("backup.json is not an object")
            continue
        names.add(member.name)
        files += 1
        size += member.size
    if manifest is None:
        manifest = {"database": database.SQLITE, "left_out": [], "music": []}
    elif manifest.get("format") != FORMAT:
        raise _newer(manifest)
    elif (manifest.get("files"), manifest.get("bytes")) != (files, size):
        raise BadInput(f"{archive} is incomplete: {files} of {manifest.get('files')} files.")
    if database.FILE_NAMES.get(str(manifest.get("database"))) not in names:
        raise BadInput(f"{archive} is not a backup of songrec: it holds no database.")
    return manifest, files, size


def _members(archive: Path) -> Iterator[tuple[tarfile.TarInfo, Any]]:
    """Yield the members of an archive with their contents; ``BadInput`` for unsafe members."""
    with gzip.open(archive) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as opened:
        for member in opened:
            path = PurePosixPath(member.name)
            if not (member.isreg() or member.isdir()):
                raise BadInput(
                    f"{archive} is not a backup of songrec: {member.name} is a link or a device."
                )
            if (
                path.is_absolute()
                or ".." in path.parts
                or not path.parts
                or path.parts[0] not in _ALLOWED
            ):
                raise BadInput(f"{archive} is not a backup of songrec: it holds {member.name}.")
            yield member, opened.extractfile(member)
        while unpacked.read(2**20):  # the checksum is at the end
            pass


def _unpack(archive: Path, folder: Path, files: int, on_progress: Progress) -> dict[str, int]:
    """Unpack an archive; return the times of kept songs that the file system has rounded, in ns."""
    rounded = {}
    for number, (member, content) in enumerate(_members(archive)):
        if member.isdir() or member.name == MANIFEST:
            continue
        if number % 100 == 0:
            on_progress(0.3 + 0.6 * min(1.0, number / files), f"Unpacking {member.name}.")
        target = folder / member.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(content, file, 2**20)
            file.flush()
            os.fsync(descriptor)
        try:
            moment = int(Decimal(member.pax_headers["mtime"]).scaleb(9))
        except (KeyError, InvalidOperation):
            moment = int(member.mtime) * 10**9
        os.utime(target, ns=(moment, moment))
        status = target.stat()
        if status.st_mtime_ns != moment and member.name.startswith(f"{contents.LIBRARY}/"):
            rounded[member.name] = modified_ns(status)
    return rounded


def _record_times(engine: Engine, rounded: Mapping[str, int]) -> None:
    """Record the times by which kept songs are recognised as unchanged."""
    if rounded:
        file = table("audio_file", column("path"), column("modified_ns"))
        statement = update(file).where(file.c.path == bindparam("name"))
        with engine.begin() as connection:
            connection.execute(
                statement.values(modified_ns=bindparam("moment")),
                [{"name": name, "moment": moment} for name, moment in rounded.items()],
            )
        engine.dispose()


def _place(
    engine: Engine,
    instance: Path,
    partial: Path,
    migrations: Migrations,
    manifest: dict[str, Any],
) -> None:
    """Move the unpacked files into the instance folder, the database last."""
    copy = partial / database.FILE_NAMES[manifest["database"]]
    file = database.sqlite_file(engine)
    if file is not None:
        revision = database.check_sqlite_copy(copy)
        if revision is not None and not migrations.knows(revision):
            raise _newer(manifest)
        url = make_url("sqlite://").set(database=str(copy))
        migrations.upgrade(partial, url.render_as_string())
    # The key last: with an earlier one the sessions of a half-restored instance would be void.
    moved = sorted(
        (path.name for path in partial.iterdir() if path.name in contents.BY_NAME),
        key=lambda name: name == SECRET_KEY,
    )
    write_json(partial / _PLACING, moved)
    try:
        for name in moved:
            _remove_empty(instance / name)
            (partial / name).replace(instance / name)
        if file is not None:
            _move_database(copy, file)
        else:
            database.restore_dump(engine, copy)
            try:
                migrations.upgrade(instance, engine.url.render_as_string(hide_password=False))
            except BaseException:
                database.drop_tables(engine)
                raise
    except BaseException:
        for name in moved:
            _remove(instance / name)
        raise


def _move_database(copy: Path, target: Path) -> None:
    for suffix in ("-wal", "-shm", "-journal"):
        target.with_name(f"{target.name}{suffix}").unlink(missing_ok=True)
    try:
        copy.replace(target)
    except OSError:  # another file system
        partial = target.with_name(f".{target.name}.partial")
        shutil.copyfile(copy, partial)
        partial.chmod(0o600)
        partial.replace(target)


def _require_same_kind(engine: Engine, manifest: dict[str, Any]) -> None:
    kind = manifest["database"]
    if kind == engine.dialect.name:
        return
    if kind == database.SQLITE:
        raise BadInput(
            "This is the backup of an SQLite database, which only SQLite can take: restore it "
            "without SONGREC_DATABASE_URL."
        )
    raise BadInput(
        "This is the backup of a PostgreSQL database, which only PostgreSQL can take: set "
        "SONGREC_DATABASE_URL=postgresql+psycopg://… to an empty database."
    )


def _require_space(instance: Path, size: int) -> None:
    free = shutil.disk_usage(instance).free
    if free < size + _SPARE_BYTES:
        raise NotReady(
            f"The backup needs {size / 2**30:.1f} GiB in {instance}, where {free / 2**30:.1f} GiB "
            "are free: make room, or choose another folder (SONGREC_INSTANCE)."
        )


def _newer(manifest: dict[str, Any]) -> BadInput:
    version = manifest.get("songrec")
    maker = f"songrec {version}, " if version else "a version of songrec "
    return BadInput(
        f"This backup was made by {maker}which is newer than this one: update songrec first."
    )


@contextlib.contextmanager
def _one_line_errors(archive: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if error.filename != str(archive):
            raise
        raise BadInput(f"There is no file {archive}.") from None
    except (gzip.BadGzipFile, tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        raise BadInput(f"{archive} is not a backup of songrec, or damaged ({error}).") from None


def _remove_empty(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
