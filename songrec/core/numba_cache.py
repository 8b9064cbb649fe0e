"""A folder for numba's compiled code that no other running process uses.

UMAP and librosa compile with ``cache=True``, by default into the environment's own folders.
Processes that compile into one folder at the same time can leave entries in it that crash
whoever loads them. Here each process locks a folder of its own among several, which later
processes use again, one at a time.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from songrec.core import config

_VARIABLE = "NUMBA_CACHE_DIR"
_SLOT = "slot-"
_LOCK = "lock"
_MOST_SLOTS = 64

_claimed: dict[int, tuple[Path, int | None]] = {}
"""The folder of this process, by its id, which a fork does not share; and its lock."""


def base_folder(instance: Path | None = None) -> Path:
    """Return the folder of the cache folders: in ``NUMBA_CACHE_DIR``, else in the instance."""
    configured = os.environ.get(_VARIABLE)
    if configured:
        path = Path(configured)
        # The parent process has claimed it: this process's is beside it.
        return path.parent if path.name.startswith(_SLOT) else path
    return (instance or config.instance_path()) / "cache" / "numba"


def claim() -> Path:
    """Return this process's cache folder, which numba uses from then on.

    Call it before numba, or what imports numba, is imported. Without a folder that can be written
    and locked, it is a temporary one.
    """
    pid = os.getpid()
    if pid not in _claimed:
        _claimed.clear()
        _claimed[pid] = _lock_first(base_folder()) or _temporary()
        os.environ[_VARIABLE] = str(_claimed[pid][0])
    return _claimed[pid][0]


def clear(instance: Path | None = None) -> int:
    """Empty the cache folders that no running process uses; return their number."""
    count = 0
    for folder in sorted(base_folder(instance).glob(f"{_SLOT}*")):
        with contextlib.suppress(OSError):
            lock = _try_lock(folder)
            if lock is not None:
                try:
                    _empty(folder)
                finally:
                    os.close(lock)
                count += 1
    return count


def _lock_first(base: Path) -> tuple[Path, int] | None:
    """Lock the first free folder below ``base``; None if none can be written or locked."""
    try:
        for number in range(_MOST_SLOTS):
            folder = base / f"{_SLOT}{number}"
            # Private: what lies there is executed.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _try_lock(folder)
            if lock is not None:
                return folder, lock
    except OSError:  # read-only, full, or without locks
        return None
    return None


def _try_lock(folder: Path) -> int | None:
    """Lock a folder for this process; None if another one holds it. The kernel frees it."""
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    return handle


def _temporary() -> tuple[Path, None]:
    folder = Path(tempfile.mkdtemp(prefix="songrec-numba-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder, None


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
