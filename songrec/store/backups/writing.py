"""Writing a backup of an instance while it is in use."""

from __future__ import annotations

import json
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from songrec.core import instance_contents as contents
from songrec.core.errors import BadInput
from songrec.core.files import is_partial, open_regular
from songrec.core.instance_contents import FEATURES, MANIFEST, Kind
from songrec.core.types import Progress, no_progress
from songrec.core.version import VERSION
from songrec.store.backups import database
from songrec.store.backups.database import Snapshot
from songrec.store.db import explain_failure, now

SUFFIXES = (".tar.gz", ".tgz")
FORMAT = 1
_ATTEMPTS = 5
_LEVEL = 3
"""Compression level: backups are mostly arrays and sound, which hardly compress further."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A backup that was written.

    ``left_out`` are names of derived data that were not included, ``music`` the analysed folders,
    which are not included either; ``notes`` are lines about missing or unknown files.
    """

    path: Path
    bytes: int
    files: int
    left_out: tuple[str, ...]
    music: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the report for ``flask backup --json``."""
        return {
            "path": str(self.path),
            "bytes": self.bytes,
            "files": self.files,
            "left_out": [
                {"name": name, "made_by": contents.BY_NAME[name].made_by} for name in self.left_out
            ],
            "music": list(self.music),
            "notes": list(self.notes),
        }


_INDEPENDENT = frozenset({"sleeves", "uploads", "rejects", "imports"})
"""Folders of independent files: files deleted during the backup are left out."""


class _Changed(Exception):
    """A file was deleted or replaced after the database was copied."""


def write(
    engine: Engine,
    instance: Path,
    path: Path,
    *,
    with_derived: bool = False,
    on_progress: Progress = no_progress,
) -> BackupReport:
    """Write a new .tar.gz with the database and all files that cannot be recreated.

    The database is copied first, as a consistent snapshot, then the files that it refers to. If one
    of them is deleted meanwhile, the backup starts again. Unfinished runs are left out. Names in
    the archive are relative to the instance folder.

    Parameters
    ----------
    with_derived
        Whether to include data that can be recreated.

    Raises
    ------
    BadInput
        If the backup cannot be written or there is nothing to back up.
    NotReady
        If PostgreSQL's programs are missing or fail.
    """
    if not path.name.endswith(SUFFIXES):
        raise BadInput(f"{path}: the name of a backup ends in .tar.gz.")
    if path.exists():
        raise BadInput(f"{path} exists already; choose another name.")
    if not path.parent.is_dir():
        raise BadInput(f"The folder {path.parent} does not exist.")
    temporary = path.with_name(f".{path.name}.partial")
    try:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                report = _write(engine, instance, path, temporary, with_derived, on_progress)
            except _Changed:
                if attempt == _ATTEMPTS:
                    raise BadInput(
                        "Files of the instance keep being deleted while they are copied: try again "
                        "when no job is running."
                    ) from None
            else:
                return report
        raise AssertionError  # the last attempt returns or raises
    except OSError as error:
        what = explain_failure(error) or f"{error.strerror or error}."
        raise BadInput(f"{error.filename or path} cannot be copied or written: {what}") from None
    finally:
        temporary.unlink(missing_ok=True)


def _write(
    engine: Engine,
    instance: Path,
    path: Path,
    temporary: Path,
    with_derived: bool,
    on_progress: Progress,
) -> BackupReport:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".songrec-backup-") as folder:
        on_progress(0.0, "Copying the database.")
        with database.snapshot(engine, instance, Path(folder)) as snapshot:
            notes: list[str] = []
            files = list(_files(instance, snapshot, with_derived, notes))
            notes += _missing(instance, snapshot)
            unknown = contents.unknown(instance, database.sqlite_file(engine))
            if unknown:
                notes.append(f"Left out, for songrec does not know it: {', '.join(unknown)}.")
            left_out = () if with_derived else _left_out(instance)
            # Readable by its owner only, because it contains the key that signs cookies.
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with (
                os.fdopen(descriptor, "wb") as file,
                tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as archive,
            ):
                kind = engine.dialect.name
                sizes = [_add(archive, snapshot.path, database.FILE_NAMES[kind])]
                for number, (source, name) in enumerate(files):
                    if number % 100 == 0:
                        on_progress(0.1 + 0.9 * number / len(files), f"Copying {name}.")
                    try:
                        sizes.append(_add(archive, source, name))
                    except FileNotFoundError:
                        if name.partition("/")[0] not in _INDEPENDENT:
                            raise _Changed from None
                manifest = {
                    "format": FORMAT,
                    "songrec": VERSION,
                    "created_at": now().isoformat(),
                    "database": kind,
                    "revision": snapshot.revision,
                    "files": len(sizes),
                    "bytes": sum(sizes),
                    "left_out": list(left_out),
                    "music": list(snapshot.music),
                }
                _add_manifest(archive, manifest)
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
    temporary.rename(path)
    on_progress(1.0, "Done.")
    return BackupReport(
        path, path.stat().st_size, len(sizes), left_out, snapshot.music, tuple(notes)
    )


def _left_out(instance: Path) -> tuple[str, ...]:
    return tuple(content.name for content in contents.existing(instance, Kind.DERIVED))


def _files(
    instance: Path, snapshot: Snapshot, with_derived: bool, notes: list[str]
) -> Iterator[tuple[Path, str]]:
    """Yield path and name in the archive of every file that belongs in the backup, in order."""
    kinds = {Kind.DATA, Kind.DERIVED} if with_derived else {Kind.DATA}
    for content in sorted(contents.CONTENTS, key=lambda content: content.name):
        place = instance / content.name
        if content.name == FEATURES and not with_derived:
            yield from _irreplaceable_vectors(place, snapshot)
        elif content.kind in kinds and place.is_file():
            yield place, content.name
        elif content.kind in kinds and place.is_dir():
            yield from _below(place, content.name, notes)


def _below(folder: Path, name: str, notes: list[str]) -> Iterator[tuple[Path, str]]:
    """Yield the files below a folder, except those being written."""
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return  # deleted since it was listed
    for entry in entries:
        inside = f"{name}/{entry.name}"
        try:
            mode = entry.lstat().st_mode
        except FileNotFoundError:
            continue
        if entry.name.startswith(".") or (stat.S_ISDIR(mode) and is_partial(entry)):
            continue
        if stat.S_ISDIR(mode):
            yield from _below(entry, inside, notes)
        elif stat.S_ISREG(mode):
            yield entry, inside
        else:
            notes.append(f"{inside} is a link or no regular file: left out.")


def _irreplaceable_vectors(folder: Path, snapshot: Snapshot) -> Iterator[tuple[Path, str]]:
    """Yield settings of all feature sets, and vectors whose sound is in no analysed folder.

    The vectors of kept uploads and of deleted files cannot be extracted again.
    """
    for path in sorted(folder.glob("*/*/*.json")):
        yield path, f"{FEATURES}/{path.relative_to(folder).as_posix()}"
    for name in sorted(snapshot.vectors):
        if (folder / name).is_file():
            yield folder / name, f"{FEATURES}/{name}"


def _missing(instance: Path, snapshot: Snapshot) -> list[str]:
    """Return a line for each kind of file that the database names and that does not exist."""
    runs = [run for run in sorted(snapshot.runs) if not (instance / contents.RUNS / run).is_dir()]
    songs = [name for name in sorted(snapshot.kept_songs) if not (instance / name).is_file()]
    return [
        f"Missing in the instance folder, and so in the backup: {what} {names[0]}"
        + (f" and {len(names) - 1} more." if len(names) > 1 else ".")
        for what, names in (("the files of run", runs), ("the song", songs))
        if names
    ]


def _add(archive: tarfile.TarFile, path: Path, name: str) -> int:
    """Add a file and return its size; ``FileNotFoundError`` if it was deleted."""
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        member = tarfile.TarInfo(name)
        member.size, member.mode = status.st_size, 0o600
        # To the nanosecond: an analysed file is recognised by its time.
        member.mtime = status.st_mtime_ns // 10**9
        member.pax_headers = {"mtime": f"{Decimal(status.st_mtime_ns) / 10**9:f}"}
        try:
            archive.addfile(member, file)
        except OSError as error:
            if error.errno is None:  # shorter than it was a moment ago
                raise _Changed from None
            raise
    return status.st_size


def _add_manifest(archive: tarfile.TarFile, manifest: dict[str, Any]) -> None:
    content = json.dumps(manifest, indent=2, ensure_ascii=False).encode()
    member = tarfile.TarInfo(MANIFEST)
    member.size, member.mode = len(content), 0o600
    member.mtime = int(now().timestamp())
    archive.addfile(member, BytesIO(content))
