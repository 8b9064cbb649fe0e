"""Memory: how much the machine or container has, and bounds on what this process may take."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_PAGE_BYTES = resource.getpagesize()


def machine_bytes(cgroups: Path = _CGROUPS, process: Path = Path("/proc/self")) -> int:
    """Return the memory of the machine, or of the container (control group) if that has less."""
    total = os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES
    return min([total, *_group_limits(cgroups, process)])


def _group_limits(cgroups: Path, process: Path) -> Iterator[int]:
    """Yield the limits of the process's control group and of those above it."""
    files = [cgroups / "memory" / "memory.limit_in_bytes"]  # version 1
    with contextlib.suppress(OSError):
        for line in (process / "cgroup").read_text().splitlines():
            number, _, path = line.split(":", 2)
            if number == "0":  # version 2
                group = cgroups / path.lstrip("/")
                files += [
                    one / "memory.max"
                    for one in (group, *group.parents)
                    if one.is_relative_to(cgroups)
                ]
    for file in files:
        with contextlib.suppress(OSError, ValueError):  # absent, or "max"
            yield int(file.read_text())


def limit_process(size: int) -> None:
    """Bound the data of this process and its children for good; beyond it: ``MemoryError``."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    size = _lower(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


@contextlib.contextmanager
def bounded_growth(size: int) -> Iterator[None]:
    """Let this process take at most ``size`` bytes more than it has; beyond it: ``MemoryError``.

    May be nested, and entered by several threads: the lowest bound of all holds, and the last to
    leave restores the limit from before. Has no effect but on Linux.
    """
    in_use = _data_bytes()
    if in_use is None:
        yield
        return
    bound = in_use + size
    with _lock:
        if not _bounds:
            _before[:] = resource.getrlimit(resource.RLIMIT_DATA)
        _bounds.append(bound)
        _apply_bounds()
    try:
        yield
    finally:
        with _lock:
            _bounds.remove(bound)
            _apply_bounds()


_lock = threading.Lock()
_bounds: list[int] = []
_before: list[int] = []
"""Soft and hard limit outside all bounds."""


def _apply_bounds() -> None:
    soft, hard = _before
    limit = _lower(min(_bounds), soft) if _bounds else soft
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _lower(size: int, limit: int) -> int:
    return size if limit == resource.RLIM_INFINITY else min(size, limit)


def _data_bytes() -> int | None:
    """Return what the kernel compares with ``RLIMIT_DATA``; None where it does not say."""
    try:
        fields = Path("/proc/self/statm").read_text().split()
    except OSError:
        return None
    return int(fields[5]) * _PAGE_BYTES
