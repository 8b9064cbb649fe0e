"""Conversion of songs while an app plays them: to a format and bit rate, from any position.

A child process decodes, encodes and writes into a pipe, so that the first bytes come at once and
no more is converted than is read. It ends when the reader disconnects.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from songrec.core.child_process import thread_limits
from songrec.core.errors import BadInput
from songrec.services.features.conversion_slots import ConversionSlots
from songrec.store.sound import transcoded_cache
from songrec.store.sound.audio_files import SoundSource

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
}
"""Target formats with their media types."""
KBPS = {"mp3": 192, "opus": 160, "ogg": 160, "aac": 192}
"""The rates without a limit."""
LEAST_KBPS = 48
"""A song of a lower rate is still converted to this one."""
MARGINS = {"mp3": 1.01, "opus": 1.15, "ogg": 1.15, "aac": 1.15}
"""Upper bounds of the actual size relative to the size by bit rate."""
ANYWHERE = "mp3"
"""A format that every app plays."""
RAW = "raw"
MOST_AT_ONCE = 4
"""Conversions of one web process; they go as fast as the app plays."""
MOST_EACH = 2
"""Of these, those of one person."""
WAIT_S = 3.0
"""Seconds to wait for another conversion to end."""
FIRST_BYTES_S = 20.0
CHUNK_BYTES = 32 * 1024
_ALIASES = {"m4a": "aac", "mp4": "aac", "oga": "ogg"}
_FAMILIES = {
    "mp3": {"mp3"},
    "mp3float": {"mp3"},
    "opus": {"opus", "ogg"},
    "vorbis": {"ogg", "oga", "vorbis"},
    "aac": {"aac", "m4a", "mp4"},
    "alac": {"alac", "m4a", "mp4"},
    "flac": {"flac"},
}
"""Apps' names of formats by codec."""
LOSSLESS = ("flac", "alac", "pcm_", "ape", "wavpack", "tta", "tak", "mlp", "truehd", "dsd")
_slots = ConversionSlots(MOST_AT_ONCE, MOST_EACH)


@dataclass(frozen=True, slots=True)
class Conversion:
    """Target of a conversion: a format of ``MEDIA_TYPES``, at most ``kbps`` (None: lossless).

    It begins at ``from_s``. ``is_limited``: the rate was requested by an app.
    """

    format: str
    kbps: int | None
    from_s: float = 0.0
    is_limited: bool = False

    @property
    def is_usual(self) -> bool:
        """Whether it equals the cached conversion for browsers."""
        return (
            self.format in transcoded_cache.MEDIA_TYPES and not self.is_limited and not self.from_s
        )

    def estimated_bytes(self, seconds: float) -> int | None:
        """Return an upper bound of the size for ``seconds`` of sound, None if unknown."""
        if self.kbps is None:
            return None
        left = max(0.0, seconds - self.from_s)
        return round(left * self.kbps * 125 * MARGINS[self.format]) + 8192


def choose(
    codec: str,
    kbps: int | None,
    *,
    format: str = "",
    max_kbps: int = 0,
    from_s: float = 0.0,
) -> Conversion | None:
    """Choose the conversion of a file for an app; None to send the file itself.

    Parameters
    ----------
    codec, kbps
        The file's codec by the decoder's name, and its bit rate; None if unknown.
    format
        The preferred format; ``raw`` is the file, regardless of the other parameters.
    max_kbps
        The highest rate, 0 for any.
    from_s
        Start in seconds; any but 0 needs a conversion.
    """
    format = format.strip().lower()
    if format == RAW:
        return None
    own = _FAMILIES.get(codec, set())
    fits = not max_kbps or (kbps is not None and kbps <= max_kbps)
    if fits and not from_s and (not format or format in own):
        return None
    target = _ALIASES.get(format, format)
    if target not in MEDIA_TYPES:
        target = next((name for name in MEDIA_TYPES if name in own), ANYWHERE)
    if target == "flac":
        if not max_kbps:
            return Conversion(target, None, from_s)
        target = ANYWHERE  # the limit counts more than the format
    limit = KBPS[target]
    if kbps is not None and not codec.startswith(LOSSLESS):
        limit = min(limit, max(kbps, LEAST_KBPS))  # what was lost already takes no bits
    is_limited = bool(max_kbps) or limit < KBPS[target]
    return Conversion(target, min(limit, max_kbps) if max_kbps else limit, from_s, is_limited)


class LiveStream(Iterator[bytes]):
    """Bytes of a conversion; ``close`` ends its process.

    With ``length`` the stream is padded with zeros to exactly that many bytes; players skip zeros.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], first: bytes, owner: str, length: int | None = None
    ) -> None:
        self._process = process
        self._owner = owner
        self._next = first
        self._left = length
        self._lock = threading.Lock()
        self._is_open = True

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def __iter__(self) -> LiveStream:
        return self

    def __next__(self) -> bytes:
        """Return the next piece."""
        piece, self._next = self._next, b""
        if not piece and self._is_open and self._left != 0:
            piece = _read(self._process)
        if self._left is not None:
            piece = piece[: self._left] or bytes(min(self._left, CHUNK_BYTES))
            self._left -= len(piece)
        if not piece:
            self.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        """End the process and make room for another one."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
        _end(self._process)
        _slots.release(self._owner)


def start(
    source: SoundSource, conversion: Conversion, owner: str, *, length: int | None = None
) -> LiveStream:
    """Start a conversion for ``owner`` and wait for its first bytes.

    Raises
    ------
    Busy
        If as many songs are being converted as may be at once, or for one owner.
    BadInput
        If the file cannot be decoded, or ends before the start.
    """
    _slots.acquire(owner, WAIT_S)
    try:
        process = _launch(source, conversion)
        try:
            first = _first_bytes(process)
        except BaseException:
            _end(process)
            raise
    except BaseException:
        _slots.release(owner)
        raise
    return LiveStream(process, first, owner, length)


def _launch(source: SoundSource, conversion: Conversion) -> subprocess.Popen[bytes]:
    request: dict[str, Any] = {
        "path": str(source.path),
        "format": conversion.format,
        "bit_rate": conversion.kbps * 1000 if conversion.kbps else None,
        "start_s": (source.start_s or 0.0) + conversion.from_s,
        "end_s": source.end_s,
    }
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "songrec.audio_files.transcode_main", json.dumps(request)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **thread_limits(1)},
        start_new_session=True,
    )


def _first_bytes(process: subprocess.Popen[bytes]) -> bytes:
    late = threading.Timer(FIRST_BYTES_S, process.kill)
    late.daemon = True
    late.start()
    try:
        first = _read(process)
    finally:
        late.cancel()
    if not first:
        raise BadInput("This song cannot be converted: it cannot be decoded, or ends before.")
    return first


def _read(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.read1(CHUNK_BYTES)  # type: ignore[attr-defined]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
