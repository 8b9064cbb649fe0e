"""Folders of the instance, which contain uploads rather than a library of songs."""

from __future__ import annotations

from pathlib import Path

from songrec.core.errors import BadInput
from songrec.core.files import folder_identity

DEMO_MUSIC = "clips"
"""Name of the one folder of an instance that is analysed as others are: the demo music."""


def own_folders(instance: Path) -> list[Path]:
    """Return the folders in the instance folder that no analysis enters."""
    if not instance.is_dir():
        return []
    folders = (path for path in instance.resolve().iterdir() if path.is_dir())
    return [path for path in folders if path.name != DEMO_MUSIC]


def refuse_own_folder(folder: Path, instance: Path) -> list[Path]:
    """Return the folders to skip; ``BadInput`` if ``folder`` is inside the instance folder."""
    own = own_folders(instance)
    demo, home = folder_identity(instance / DEMO_MUSIC), folder_identity(instance)
    try:
        resolved = folder.expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        return own  # the scan reports the error
    for path in (resolved, *resolved.parents):
        identity = folder_identity(path)
        if identity is None:
            continue
        if identity == demo:
            break
        if identity == home or identity in {folder_identity(one) for one in own}:
            raise BadInput(
                f"{folder} belongs to songrec itself (its instance folder, with people's uploads): "
                "give a folder of music outside it."
            )
    return own
