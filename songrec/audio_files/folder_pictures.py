"""Cover pictures in an album's folder: ``cover.jpg``, ``folder.png`` and the like."""

from __future__ import annotations

from pathlib import Path

NAMES = ("cover", "folder", "front", "albumart", "album", "albumartsmall")
"""Names without their endings, best first."""
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif")


def find_picture(folder: Path) -> Path | None:
    """Return the picture in ``folder`` with the best of ``NAMES``; None without one."""
    try:
        files = {path.name.lower(): path for path in folder.iterdir()}
    except OSError:
        return None
    for name in NAMES:
        for ending in ENDINGS:
            path = files.get(name + ending)
            if path is not None and path.is_file():
                return path
    return None
