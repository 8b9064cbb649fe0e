"""Cache of songs converted for browsers, by content hash."""

from __future__ import annotations

from pathlib import Path

MEDIA_TYPES = {"opus": "audio/ogg", "mp3": "audio/mpeg"}
"""Target formats with their media types."""


def folder(instance: Path) -> Path:
    """Return the folder of the cache."""
    return instance / "transcoded"


def path(instance: Path, content_hash: str, format: str) -> Path:
    """Return the path of a converted content; the file may not exist."""
    return folder(instance) / content_hash[:2] / f"{content_hash}.{format}"


def forget(instance: Path, content_hash: str) -> None:
    """Delete the converted files of a content."""
    for format in MEDIA_TYPES:
        path(instance, content_hash, format).unlink(missing_ok=True)
