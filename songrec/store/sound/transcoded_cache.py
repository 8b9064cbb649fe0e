"""Where songs lie that were converted for browsers, by the hash of their content."""

from __future__ import annotations

from pathlib import Path

MEDIA_TYPES = {"opus": "audio/ogg", "mp3": "audio/mpeg"}
"""The formats that are converted to, with their media types."""


def folder(instance: Path) -> Path:
    """Return the folder of the cache."""
    return instance / "transcoded"


def path(instance: Path, content_hash: str, format: str) -> Path:
    """Return where a content is converted to, whether or not it is."""
    return folder(instance) / content_hash[:2] / f"{content_hash}.{format}"


def forget(instance: Path, content_hash: str) -> None:
    """Delete what a content was converted to."""
    for format in MEDIA_TYPES:
        path(instance, content_hash, format).unlink(missing_ok=True)
