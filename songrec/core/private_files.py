"""Access rights of an instance: its owner's alone, whatever the umask and whoever made the folder.

Folders get the mode 0700 and files 0600. What a command writes for a person elsewhere goes by that
person's umask.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from songrec.core import instance_contents
from songrec.core.errors import BadInput

log = logging.getLogger("songrec.files")

UMASK = 0o077
_OPEN = stat.S_IRWXG | stat.S_IRWXO
_persons_umask = UMASK


def start_private() -> None:
    """Let this process and its children create files that only their owner may read."""
    global _persons_umask
    before = os.umask(UMASK)
    if before != UMASK:
        _persons_umask = before


@contextlib.contextmanager
def persons_umask() -> Iterator[None]:
    """Create files in this block as the person's own umask says; for output outside the instance.

    For commands, which have one thread: the umask is the process's.
    """
    before = os.umask(_persons_umask)
    try:
        yield
    finally:
        os.umask(before)


def prepare_instance(folder: Path) -> None:
    """Create the instance folder if it is missing, and take rights of others away.

    What songrec does not know in it is left alone. ``BadInput`` if the folder cannot be created or
    written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"The instance folder {folder} cannot be created ({error.strerror}): set "
            "SONGREC_INSTANCE to a folder that can be written."
        ) from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise BadInput(
            f"The instance folder {folder} cannot be written: it is on a read-only file system or "
            "belongs to another user. Set SONGREC_INSTANCE to a folder that can be written."
        )
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        log.warning(
            "The instance folder %s belongs to another user (%d), who cannot read what is written "
            "now: run songrec as that user.",
            folder,
            owner,
        )
    try:
        _take_rights(folder)
    except PermissionError as error:
        log.warning("Others may read %s: its owner must run chmod go-rwx.", error.filename)


def _take_rights(folder: Path) -> None:
    """Take the rights of others, of everything below where the folder was open to them.

    In a folder that others could not enter nothing needs to be looked at but its own entries.
    """
    was_open = _close(folder)
    for entry in os.scandir(folder):
        if not instance_contents.is_own(entry.name) or entry.is_symlink():
            continue
        if entry.is_dir():
            if _close(Path(entry.path)) or was_open:
                for below, folders, files in os.walk(entry.path):
                    for name in (*folders, *files):
                        _close(Path(below, name))
        else:
            _close(Path(entry.path))


def _close(path: Path) -> bool:
    """Take the rights of others of a file or folder; return whether they had any."""
    try:
        mode = path.lstat().st_mode
        if not mode & _OPEN or stat.S_ISLNK(mode):
            return False
        path.chmod(0o700 if stat.S_ISDIR(mode) else 0o600)
    except FileNotFoundError:  # deleted by another process
        return False
    return True
