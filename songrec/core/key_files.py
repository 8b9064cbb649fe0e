"""Keys of an instance: files that are created once and that only their owner reads."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path

from songrec.core import file_systems
from songrec.core.errors import BadInput
from songrec.core.files import temporary_beside

_ATTEMPTS = 20
_WAIT_S = 0.1


def read_or_create(path: Path, if_deleted: str) -> str:
    """Return the key in ``path``: 32 random bytes in hexadecimal, created at the first call.

    Processes that start together read the same key. ``BadInput`` if it cannot be written or read;
    ``if_deleted`` tells what deleting an empty file leads to.
    """
    try:
        if not path.exists():
            with temporary_beside(path) as temporary:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_hex(32))
                with contextlib.suppress(FileExistsError):
                    file_systems.link_or_create(temporary, path)
        for _ in range(_ATTEMPTS):
            key = path.read_text().strip()
            if key:
                return key
            time.sleep(_WAIT_S)  # another process is writing it
    except OSError as error:
        what = file_systems.explain(error) or f"{error.strerror or error}."
        raise BadInput(f"{error.filename or path}: {what}") from None
    raise BadInput(f"{path} is empty: delete it, and {if_deleted}.")
