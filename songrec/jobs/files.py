"""The files of jobs: what was uploaded, what was rejected, the reports of runs."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Set
from pathlib import Path

# An import that failed or was cancelled can be started again for as long.
UPLOAD_SECONDS = 7 * 24 * 3600


def upload_folder(instance: Path) -> Path:
    """A new folder for one upload; the file keeps its own name in it."""
    folder = uploads(instance) / secrets.token_hex(8)
    folder.mkdir(parents=True)
    return folder


def uploads(instance: Path) -> Path:
    """Where uploads wait for their import."""
    return instance / "uploads"


def forget_upload(instance: Path, path: Path) -> None:
    """Remove an uploaded file once it is imported; files elsewhere are left alone."""
    folder = path.parent
    if folder.parent == uploads(instance):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)


def sweep(instance: Path, wanted: Set[str], *, older_than: float = UPLOAD_SECONDS) -> list[str]:
    """Remove uploads that nobody imported within ``older_than`` seconds; returns what went.

    ``wanted`` are the paths of the files that jobs still wait for: those stay.
    """
    removed = []
    for folder in sorted(uploads(instance).glob("*/")):
        files = list(folder.iterdir())
        newest = max(item.stat().st_mtime for item in [folder, *files])
        if time.time() - newest >= older_than and not wanted & {str(file) for file in files}:
            shutil.rmtree(folder)
            removed.append(folder.name)
    return removed


def rejects_path(instance: Path, public_id: str) -> Path:
    """Where the rejected rows of the import with that job id are kept."""
    return instance / "rejects" / f"{public_id}.csv"


def report_folder(instance: Path, run_id: str) -> Path:
    """Where the report of a run lies, with its pictures, once a job has written it."""
    return Path(instance) / "reports" / run_id
