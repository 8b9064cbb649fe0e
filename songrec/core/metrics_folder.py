"""The folder in which the web processes of one server share their counters for Prometheus."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from songrec.core.errors import BadInput

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""What prometheus_client reads when it is first imported."""
_PREFIX = "songrec-metrics-"


def prepare(parent: str | None) -> Path:
    """Create the folder of this process in ``parent``, once, and name it to its children.

    Folders of servers that were killed are removed. ``parent`` is None for the usual place of
    temporary files. Raises ``BadInput`` if nothing can be written there.
    """
    own = f"{_PREFIX}{os.getpid()}-"
    current = Path(os.environ.get(VARIABLE, ""))
    if current.name.startswith(own):  # the server reads its configuration again
        return current
    place = Path(parent or tempfile.gettempdir())
    for left in place.glob(f"{_PREFIX}*-*"):
        if not _lives(left.name.removeprefix(_PREFIX).split("-")[0]):
            shutil.rmtree(left, ignore_errors=True)  # another user's stay
    try:
        folder = tempfile.mkdtemp(prefix=own, dir=place)
    except OSError as error:
        raise BadInput(
            f"SONGREC_METRICS=1 needs a folder for the counters, and {place} cannot be written to: "
            f"{error.strerror}."
        ) from None
    os.environ[VARIABLE] = folder
    return Path(folder)


def remove() -> None:
    """Remove the folder that this process created, if it did."""
    folder = Path(os.environ.get(VARIABLE, ""))
    if folder.name.startswith(f"{_PREFIX}{os.getpid()}-"):
        shutil.rmtree(folder, ignore_errors=True)


def forget(pid: int) -> None:
    """Drop what only makes sense while process ``pid`` lives; its counts stay."""
    if os.environ.get(VARIABLE):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)


def _lives(pid: str) -> bool:
    if not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
