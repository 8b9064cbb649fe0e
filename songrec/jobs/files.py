"""The files that imports need: what was uploaded, what was rejected."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from pathlib import Path


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


def rejects_path(instance: Path, public_id: str) -> Path:
    """Where the rejected rows of the import with that job id are kept."""
    return instance / "rejects" / f"{public_id}.csv"
