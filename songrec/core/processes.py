"""Starts and ends of processes: ready, with their parent, and described for people."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import socket
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT})


READY_DESCRIPTOR = "SUPERVISOR_READY_FD"
"""Names the file descriptor that the supervisor reads, as long as it waits for a process."""


def report_ready() -> None:
    """Report to the supervisor, if one waits, that this process is ready; once is enough."""
    descriptor = os.environ.pop(READY_DESCRIPTOR, None)
    if descriptor is not None:
        with contextlib.suppress(OSError, ValueError):
            os.write(int(descriptor), b"\n")
            os.close(int(descriptor))


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent dies; does nothing but on Linux.

    The setting survives ``exec``, not ``fork``.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def end_with(parent: int, number: int) -> None:
    """``end_with_parent`` for a fork of ``parent``, which may have died before this call."""
    end_with_parent(number)
    if os.getppid() != parent:
        os._exit(1)


@functools.cache
def host_id() -> str:
    """Return the name of this host and of its start; containers on one machine differ in the name.

    Two hosts may have one name, and a lock or a process id means nothing after a restart.
    """
    start = Path("/proc/sys/kernel/random/boot_id")
    try:
        return f"{socket.gethostname()[:64]}:{start.read_text().strip()}"
    except OSError:  # not Linux
        return socket.gethostname()[:64]


def allow_open_files(count: int) -> None:
    """Raise this process's limit of open files to ``count``, as far as it may."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def crashed(code: int) -> bool:
    """Return whether an exit code is that of a fault in native code."""
    return -code in _CRASHES


def describe_exit(code: int) -> str:
    """Describe an exit code for people: which signal or code ended the process."""
    if code >= 0:
        return f"ended with code {code} and did not say why"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        name = f"signal {-code}"
    hint = ""
    if -code == signal.SIGKILL:
        hint = ", most likely for want of memory"
    elif crashed(code):
        hint = ", a fault in compiled code"
    return f"was ended by {name}{hint}"
