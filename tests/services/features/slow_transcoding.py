"""Stand-ins for the conversion, which run in the child process."""

from __future__ import annotations

import time
from pathlib import Path

from songrec.core.errors import BadInput

PIECES = 8


def slow(path: str, target: str, format: str) -> None:
    """Write the file in pieces, as slowly as a test can bear."""
    with Path(target).open("wb") as file:
        for number in range(PIECES):
            file.write(bytes([number]) * 10)
            file.flush()
            time.sleep(0.05)


def endless(path: str, target: str, format: str) -> None:
    """Write one byte and hang."""
    Path(target).write_bytes(b"a")
    time.sleep(600)


def failing(path: str, target: str, format: str) -> None:
    """Refuse the file."""
    raise BadInput("holds no sound")
