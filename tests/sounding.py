"""Sounds made on the spot, and the rows that make them part of the library."""

from __future__ import annotations

import hashlib
import wave
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile, Track

RATE = 22_050


def write_wav(path: Path, seconds: float = 2.0, hertz: float = 440.0, rate: int = RATE) -> Path:
    """A sine that swells from silence to half of full scale, 16-bit mono."""
    at = np.arange(int(seconds * rate)) / rate
    sound = 0.5 * np.sin(2 * np.pi * hertz * at) * at / seconds
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


def add_sound(session: Session, track: Track, path: Path, **values: Any) -> AudioFile:
    """The file at ``path`` as the analysed file of ``track``; flushed, not committed."""
    content = path.read_bytes()
    found = path.stat()
    fields = {
        "public_id": audio_files.new_public_id(),
        "track_id": track.id,
        "root": str(path.parent),
        "path": str(path),
        "content_hash": hashlib.sha256(content).hexdigest(),
        "size": found.st_size,
        "modified_ns": found.st_mtime_ns,
        "state": "analysed",
        "duration_s": 2.0,
        "sample_rate": RATE,
        "channels": 1,
        "codec": "pcm_s16le",
        "info": {"container": "wav"},
    }
    file = AudioFile(**{**fields, **values})
    session.add(file)
    session.flush()
    return file
