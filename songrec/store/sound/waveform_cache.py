"""Cache of the waveforms and covers that the player shows.

Cached by content under ``<instance>/sleeves/<hash[:2]>/``: ``<hash>.json`` and, where the file or
its folder holds a picture, ``<hash>.cover`` as it is and ``<hash>.SIZE.jpg`` scaled. Each is
written whole and renamed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from songrec.core.files import write_bytes, write_json

COVER_PIXELS = {"small": 96, "medium": 192, "large": 480}
"""Width and height of a scaled cover, twice the displayed size for high-resolution screens."""
_KINDS = ("json", "cover", *(f"{size}.jpg" for size in COVER_PIXELS))


@dataclass(frozen=True, slots=True)
class WaveformAndCover:
    """Waveform of a sound of ``seconds``: the peak magnitude (0 to 1) of equal parts."""

    seconds: float
    peaks: list[float]
    cover_type: str | None


def find(instance: Path, content_hash: str) -> WaveformAndCover | None:
    """Return the cached waveform and cover of a content, or None."""
    try:
        document = json.loads(_path(instance, content_hash, "json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return WaveformAndCover(document["seconds"], document["peaks"], document["cover_type"])


def write(
    instance: Path, content_hash: str, waveform: WaveformAndCover, cover: bytes | None
) -> None:
    """Cache a waveform with the bytes of its cover, None if there is no cover."""
    path = _path(instance, content_hash, "json")
    if cover is not None:
        write_bytes(cover_path(instance, content_hash), cover)
    write_json(
        path,
        {"seconds": waveform.seconds, "peaks": waveform.peaks, "cover_type": waveform.cover_type},
    )


def cover_path(instance: Path, content_hash: str) -> Path:
    """Return the path of the cover of a content, whether or not it exists."""
    return _path(instance, content_hash, "cover")


def thumbnail_path(instance: Path, content_hash: str, size: str) -> Path:
    """Return the path of a scaled cover (``COVER_PIXELS``), whether or not it exists."""
    return _path(instance, content_hash, f"{size}.jpg")


def has_thumbnails(instance: Path, content_hash: str) -> bool:
    """Return whether the cover of a content is cached in all sizes."""
    return all(thumbnail_path(instance, content_hash, size).is_file() for size in COVER_PIXELS)


def write_thumbnails(instance: Path, content_hash: str, pictures: Mapping[str, bytes]) -> None:
    """Cache a cover as JPEGs by size."""
    for size, picture in pictures.items():
        write_bytes(thumbnail_path(instance, content_hash, size), picture)


def _path(instance: Path, content_hash: str, kind: str) -> Path:
    return instance / "sleeves" / content_hash[:2] / f"{content_hash}.{kind}"


def files(instance: Path, content_hash: str) -> list[Path]:
    """Return the cached files of a content."""
    paths = (_path(instance, content_hash, kind) for kind in _KINDS)
    return [path for path in paths if path.is_file()]


def copy(instance: Path, content_hash: str, other: str) -> None:
    """Cache the waveform and cover of one content under another hash, too, if cached."""
    for kind in reversed(_KINDS):
        path = _path(instance, content_hash, kind)
        if path.is_file():
            target = _path(instance, other, kind)
            write_bytes(target, path.read_bytes())
