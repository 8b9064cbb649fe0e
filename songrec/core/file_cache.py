"""Folders of files that can be made again: those used last stay, within a limit of bytes."""

from __future__ import annotations

import os
import time
from pathlib import Path

ABANDONED_S = 24 * 3600.0
"""A temporary file that nobody wrote to for so long belongs to a process that was killed."""


def use(path: Path) -> bool:
    """Mark a cached file as just used; False if it is not there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def trim(folder: Path, limit_bytes: int, newest: Path) -> None:
    """Delete from ``folder/*/`` what was not used for longest beyond ``limit_bytes``.

    ``newest`` stays, however large it is.
    """
    files = []
    for path in folder.glob("*/*"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        if not path.name.startswith("."):
            files.append((status.st_mtime_ns, status.st_size, path))
        elif status.st_mtime < time.time() - ABANDONED_S:
            path.unlink(missing_ok=True)
    left = limit_bytes
    for _, size, path in sorted(files, reverse=True):
        left -= size
        if left < 0 and path != newest:
            path.unlink(missing_ok=True)
