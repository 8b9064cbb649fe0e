"""Ends of processes: with their parent, and described for people."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT})


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
