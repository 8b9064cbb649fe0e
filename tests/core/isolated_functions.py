"""What the tests of ``core.isolation`` have a child do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core import isolation
from songrec.core.errors import BadInput, UnknownName
from songrec.core.isolation import Limits


def double(number: float, name: str | None) -> dict[str, Any]:
    """Return a number and a name, and twice the number as arrays."""
    arrays = {"many": np.full((2, 3), 2 * number, dtype=np.float32), "none": np.empty((0, 4))}
    return {"number": number, "name": name, "arrays": arrays}


def total(*, samples: np.ndarray) -> float:
    """Return the sum of an array that came with the call."""
    return float(samples.sum())


def process_id() -> int:
    """Return the child's id."""
    return os.getpid()


def fill(size: int) -> int:
    """Take ``size`` bytes of memory."""
    return len(bytearray(size))


def hang(mark: str) -> None:
    """Leave a temporary file and a program behind, and never return."""
    handle, name = tempfile.mkstemp()
    os.close(handle)
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(mark).write_text(f"{name}\n{program.pid}")
    time.sleep(600)


def crash() -> None:
    """End as native code does over a fault."""
    os.kill(os.getpid(), signal.SIGSEGV)


def refuse(kind: str) -> None:
    """Raise one of several errors."""
    raise {
        "input": BadInput("is no song"),
        "name": UnknownName("key", "H", ["C"]),
        "bug": ZeroDivisionError("a\nbug"),
    }[kind]


def nest(size: int) -> list[Any]:
    """Call two functions from within: one in the same process, one that takes too much."""
    limits = Limits(seconds=60.0, memory_bytes=16 * 2**20)
    here = isolation.call(process_id, limits=limits) == os.getpid()
    try:
        isolation.call(fill, size, limits=limits)
    except isolation.Stopped as error:
        return [here, str(error)]
    return [here, None]
