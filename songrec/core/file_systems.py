"""Differences between file systems: network mounts, missing locks, links and syncing."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import os
import re
from pathlib import Path

from songrec.core.errors import NotReady

NETWORK = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs"),
        *("lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "smb2", "smb3", "smbfs"),
        *("virtiofs", "fakeowner", "prl_fs", "vboxsf", "vmhgfs"),
    }
)
"""Types of file systems that other machines may write to at the same time."""
_LOCAL_FUSE = frozenset({"fuse.ext4", "fuse.fuse-overlayfs", "fuse.mergerfs", "fuse.unionfs"})
_NOT_SUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
_NO_LOCKS = _NOT_SUPPORTED | {errno.ENOLCK}
_NO_LINKS = _NOT_SUPPORTED | {errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV}
_NO_SYNC = _NOT_SUPPORTED | {errno.EBADF, errno.EACCES}
_MOUNTS = Path("/proc/self/mountinfo")
_MOUNT = re.compile(r"\S+ \S+ (\d+):(\d+) .*? - (\S+) ")

DISK_FULL = "The disk is full: free some space, then try again."
_EXPLANATIONS = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EROFS: "The file system is read-only: mount it writable, or use another folder.",
    errno.EIO: "The disk or the network file system failed: see the system's log.",
    errno.ESTALE: "The network file system was mounted anew: start songrec again.",
}


def explain(error: OSError) -> str | None:
    """Return a line for an error that the disk or the system is to blame for; None for others."""
    return _EXPLANATIONS.get(error.errno or 0)


def network_type(path: Path) -> str | None:
    """Return the type of the network file system that ``path`` lies on; None on a local one.

    None as well where the system does not say (other than Linux).
    """
    try:
        device = path.stat().st_dev
    except OSError:
        return None
    return _network_type(device)


@functools.lru_cache(maxsize=64)
def _network_type(device: int) -> str | None:
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.splitlines():
        mount = _MOUNT.match(line)
        if mount is not None and f"{mount[1]}:{mount[2]}" == number:
            kind = mount[3]
            is_fuse = kind.startswith("fuse.") and kind not in _LOCAL_FUSE
            return kind if kind in NETWORK or is_fuse else None
    return None


def lock(handle: int, where: Path, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file for this process; False if another one holds it and ``wait`` is False.

    The kernel releases it when the process ends. Raises ``NotReady`` where the file system has no
    locks.
    """
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise NotReady(
            f"The file system of {where} has no locks ({error.strerror}), which songrec needs: "
            "mount it with locks, or set SONGREC_INSTANCE to a folder on a local disk."
        ) from None
    return True


def link_or_create(source: Path, target: Path) -> None:
    """Give ``source``'s content the name ``target``; ``FileExistsError`` if that exists.

    By a hard link, so that whoever finds ``target`` finds all of it. On a file system without
    links it is written under its name, and may be found empty for a moment.
    """
    try:
        os.link(source, target)
        return
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, source.read_bytes())
        os.fsync(handle)
    except OSError:
        target.unlink()
        raise
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """Write a file or folder to the disk; a folder only where the file system can do that."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC or not path.is_dir():
            raise
    finally:
        with contextlib.suppress(OSError):
            os.close(handle)
