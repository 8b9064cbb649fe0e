"""Child processes that do not outlive the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from typing import TextIO


def end_with_parent() -> None:
    """Die when the parent dies: at once on Linux, at the end of standard input elsewhere.

    Leave such a process by ``os._exit``: ending as usual would abort over the thread that reads.
    """
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def take_stdout() -> TextIO:
    """The pipe to the parent; libraries that print from now on print to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel
