"""Decoding in a child process that may be killed (``core.isolation``), for jobs and commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from songrec.audio_files import decoding
from songrec.audio_files.decoding import DecodedAudio
from songrec.audio_files.excerpts import Where
from songrec.core import isolation
from songrec.core.isolation import Limits
from songrec.core.types import Audio

LIMITS = Limits(seconds=300.0, memory_bytes=2 * 2**30)


def decode(
    path: Path, *, sample_rate: int, seconds: float | None, where: Where = "middle"
) -> DecodedAudio:
    """Decode ``path`` as ``decoding.decode`` does; ``BadInput`` also if the child was killed."""
    answer = isolation.call(_decode, str(path), sample_rate, seconds, where, limits=LIMITS)
    audio = Audio(answer.pop("arrays")["samples"], **answer.pop("audio"))
    return DecodedAudio(audio, **{**answer, "notes": tuple(answer["notes"])})


def _decode(path: str, sample_rate: int, seconds: float | None, where: Where) -> dict[str, Any]:
    decoded = decoding.decode(Path(path), sample_rate=sample_rate, seconds=seconds, where=where)
    fields = {name: getattr(decoded, name) for name in DecodedAudio.__dataclass_fields__}
    audio = fields.pop("audio")
    properties = {name: getattr(audio, name) for name in ("sample_rate", "start_s", "duration_s")}
    return {**fields, "audio": properties, "arrays": {"samples": audio.samples}}
