"""Folder of a published network's files, passed by the caller of an extractor."""

from __future__ import annotations

from pathlib import Path

from songrec.core.errors import NotReady


def model_folder(models: Path | None, name: str) -> Path:
    """Return the folder of the network ``name`` in the folder of model files.

    Raises ``NotReady`` if the extractor was created without a folder, to know its columns only.
    """
    if models is None:
        raise NotReady(f"The extractor of {name} was created without a folder of model files.")
    return models / name
