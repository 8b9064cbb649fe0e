"""Paths of the files of jobs: uploaded catalogues, rejected rows, reports of runs."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Set
from pathlib import Path

# Period in which a failed or cancelled import can be restarted.
UPLOAD_SECONDS = 7 * 24 * 3600


def upload_folder(instance: Path) -> Path:
    """Create a folder for one upload, so that the file keeps its own name."""
    folder = uploads(instance) / secrets.token_hex(8)
    folder.mkdir(parents=True)
    return folder


def uploads(instance: Path) -> Path:
    """Return the folder of uploads that wait for their import."""
    return instance / "uploads"


def uploaded_file(instance: Path, path: str) -> Path:
    """Return the file of an import by the path in its job.

    Also finds an upload after the instance was moved.
    """
    named = Path(path)
    here = uploads(instance) / named.parent.name / named.name
    was_upload = named.parent.parent.name == uploads(instance).name
    return here if was_upload and not named.exists() and here.exists() else named


def forget_upload(instance: Path, path: Path) -> None:
    """Remove an imported upload; files outside the upload folder are not touched."""
    folder = path.parent
    if folder.parent == uploads(instance):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)


def sweep(instance: Path, needed: Set[str], *, older_than: float = UPLOAD_SECONDS) -> list[str]:
    """Remove uploads older than ``older_than`` seconds and return their names.

    Files of active jobs, with paths in ``needed``, are kept.
    """
    removed = []
    for folder in sorted(uploads(instance).glob("*/")):
        files = list(folder.iterdir())
        newest = max(item.stat().st_mtime for item in [folder, *files])
        if time.time() - newest >= older_than and not needed & {str(file) for file in files}:
            shutil.rmtree(folder)
            removed.append(folder.name)
    return removed


def rejects_path(instance: Path, public_id: str) -> Path:
    """Return the path of the file of rejected rows of an import, by its job id."""
    return instance / "rejects" / f"{public_id}.csv"


def report_folder(instance: Path, run_id: str) -> Path:
    """Return the folder of a run's report and its pictures."""
    return Path(instance) / "reports" / run_id
