"""Atomic files and folders: whoever reads sees the old content or the new, never a part of it.

Everything is written beside its target under a ``.partial`` name and renamed when the block ends
well (POSIX ``rename`` replaces atomically). A folder of versions names the one in use in a file
``current``.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from songrec.core import file_systems

PARTIAL = ".partial"
CURRENT = "current"


@contextlib.contextmanager
def temporary_beside(path: Path, *, suffix: str = "") -> Iterator[Path]:
    """Yield a temporary path beside ``path``; what is there when the block ends is deleted.

    Missing parent folders are created. ``suffix`` ends the temporary name, for writers that go by
    the extension.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}{PARTIAL}{suffix}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_file(path: Path, *, suffix: str = "") -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block ends well.

    Folders and ``suffix`` as in ``temporary_beside``.
    """
    with temporary_beside(path, suffix=suffix) as temporary:
        yield temporary
        temporary.replace(path)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any, *, indent: int | None = None) -> None:
    """Write ``value`` as JSON, atomically; ``ValueError`` for NaN and infinity."""
    end = "" if indent is None else "\n"
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    write_text(path, text + end)


def read_json(path: Path) -> Any:
    """Return the JSON value at ``path``, or None where it is missing or not valid JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def atomic_folder(final: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield ``<final>.partial`` to write into; it takes its final name when the block ends well.

    Files are synced before the renaming and the parent after it, so that even a power cut leaves
    the whole folder or none. A block that raises leaves nothing; a killed process leaves the
    ``.partial`` folder. With ``replace`` an existing folder gives way, otherwise ``OSError``.
    """
    unique = f".{secrets.token_hex(4)}" if replace else ""
    partial = final.with_name(f"{final.name}{unique}{PARTIAL}")
    partial.mkdir(parents=True)
    try:
        yield partial
        for path in (*partial.rglob("*"), partial):
            file_systems.sync(path)
        if replace and final.exists():
            old = final.with_name(f"{final.name}.{secrets.token_hex(4)}.old{PARTIAL}")
            final.rename(old)
            partial.rename(final)
            shutil.rmtree(old, ignore_errors=True)
        else:
            partial.rename(final)
        file_systems.sync(final.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def is_partial(path: Path) -> bool:
    """Return whether ``path`` is named as unfinished."""
    return path.name.endswith(PARTIAL)


def current_version(folder: Path) -> str | None:
    """Return the name of the version in use in ``folder``, or None."""
    try:
        return (folder / CURRENT).read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


def use_version(folder: Path, name: str) -> None:
    """Make ``name`` the version in use in ``folder``, atomically."""
    write_text(folder / CURRENT, name)


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to be read; ``OSError`` for anything else, which might block for ever."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "Not a regular file")
    return file


def modified_ns(status: os.stat_result) -> int:
    """Return the modification time of a file in ns, as a signed 64-bit integer.

    File systems hold dates that 64 bits of nanoseconds do not (from 2262 on); those wrap around.
    The value recognises an unchanged file, and is not a date to show.
    """
    return (status.st_mtime_ns + 2**63) % 2**64 - 2**63


def folder_identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a folder, the same by every path to it; None if unreadable."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
