"""Writing of tempo and key into the tags of audio files, on request only."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import mutagen
from mutagen.id3 import TBPM, TKEY
from mutagen.mp4 import MP4Tags

from songrec.core.errors import BadInput
from songrec.core.files import atomic_file

_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MP4_KEY = "----:com.apple.iTunes:initialkey"


def key_text(key: int, mode: int | None) -> str:
    """Format pitch class and mode as tags do: ``F#m``, ``C``."""
    return _SHARPS[key] + ("m" if mode == 0 else "")


def write_values(path: Path, *, tempo: float | None = None, key: str | None = None) -> None:
    """Write tempo (BPM, rounded) and initial key into the tags of the file at ``path``.

    Other tags stay. The file is replaced atomically. Raises ``BadInput`` for a format whose tags
    cannot be written.
    """
    with atomic_file(path, suffix=path.suffix) as temporary:
        shutil.copy2(path, temporary)
        _write(temporary, path.name, tempo, key)


def _write(draft: Path, name: str, tempo: float | None, key: str | None) -> None:
    try:
        file: Any = mutagen.File(draft)
        if file is None:
            raise BadInput(f"{name}: its tags cannot be written.")
        if file.tags is None:
            file.add_tags()
        tags = file.tags
        bpm = None if tempo is None else str(round(tempo))
        if hasattr(tags, "getall"):  # ID3
            if bpm:
                tags.setall("TBPM", [TBPM(encoding=3, text=[bpm])])
            if key:
                tags.setall("TKEY", [TKEY(encoding=3, text=[key])])
        elif isinstance(tags, MP4Tags):
            if bpm:
                tags["tmpo"] = [int(bpm)]
            if key:
                tags[_MP4_KEY] = [key.encode()]
        else:  # Vorbis comments, APEv2, ASF
            if bpm:
                tags["BPM"] = bpm
            if key:
                tags["INITIALKEY"] = key
        file.save()
    except mutagen.MutagenError as error:
        raise BadInput(f"{name}: its tags cannot be written ({error}).") from None
