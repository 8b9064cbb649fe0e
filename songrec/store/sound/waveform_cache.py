"""What surrounds a sound when it is played: the peaks of its waveform, its cover.

Kept by content under ``<instance>/sleeves/<hash[:2]>/``: ``<hash>.json`` and, where the file holds
a picture, ``<hash>.cover``. Each is written whole and renamed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from songrec.core.files import write_bytes, write_json


@dataclass(frozen=True, slots=True)
class WaveformAndCover:
    """``peaks``: the largest magnitude of each equal part, 0 to 1, of a sound ``seconds`` long."""

    seconds: float
    peaks: list[float]
    cover_type: str | None


def find(instance: Path, content_hash: str) -> WaveformAndCover | None:
    """The sleeve of a content, if it was made."""
    try:
        kept = json.loads(_path(instance, content_hash, "json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return WaveformAndCover(kept["seconds"], kept["peaks"], kept["cover_type"])


def write(instance: Path, content_hash: str, sleeve: WaveformAndCover, cover: bytes | None) -> None:
    """Keep a sleeve; ``cover`` is the picture's bytes, None where there is no picture."""
    path = _path(instance, content_hash, "json")
    if cover is not None:
        write_bytes(cover_path(instance, content_hash), cover)
    write_json(
        path, {"seconds": sleeve.seconds, "peaks": sleeve.peaks, "cover_type": sleeve.cover_type}
    )


def cover_path(instance: Path, content_hash: str) -> Path:
    """Where the cover of a content lies, whether or not there is one."""
    return _path(instance, content_hash, "cover")


def _path(instance: Path, content_hash: str, kind: str) -> Path:
    return instance / "sleeves" / content_hash[:2] / f"{content_hash}.{kind}"


def copy(instance: Path, content_hash: str, other: str) -> None:
    """File the sleeve of one content under another's hash too, if there is one."""
    for kind in ("cover", "json"):
        path = _path(instance, content_hash, kind)
        if path.is_file():
            target = _path(instance, other, kind)
            write_bytes(target, path.read_bytes())
