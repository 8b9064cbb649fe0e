"""Decoding of audio files to mono samples at one rate, streamed with bounded memory.

To be called in a process that may be killed: a hostile file can block a native decoder for ever.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from songrec.audio_files.resampling import (
    PREROLL_S,
    Damage,
    Resampler,
    frames,
    mono,
    packet_seconds,
)
from songrec.core.errors import BadInput
from songrec.core.types import Audio, Floats

DECODER_VERSION = 1
"""Raised when the samples of a file, or whether it is accepted, change."""
SAMPLE_RATE = 22_050
SECONDS = 30.0
SHORTEST_S = 0.5
LONGEST_S = 3600.0
"""Decoding without a limit of seconds stops here: 300 MiB of samples at 22,050 Hz."""
SILENCE = 1e-4
"""A peak of -80 dB relative to full scale: below it a file is silent."""
LOUDEST = 64.0
"""36 dB over full scale: files with float samples beyond it are rejected."""

# Without playlists, streaming manifests and image sequences, which make FFmpeg open other files and
# URLs that an uploaded file names.
_FORMATS = (
    "3gp,aac,ac3,adp,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,gsm,iff,"
    "ircam,latm,loas,m4a,matroska,mlp,mov,mp2,mp3,mp4,mpc,mpc8,mpeg,mpegts,nistsphere,ogg,oma,"
    "paf,pvf,qcp,qoa,rso,shn,sox,spdif,tak,truehd,tta,voc,vqf,w64,wav,wavarc,webm,wsd,wv,xwma,afc"
)
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}


@dataclass(frozen=True)
class DecodedAudio:
    """Decoded excerpt with properties of the file.

    ``audio`` holds the start of the excerpt and the length of the file, ``metadata`` the
    container's own tags, ``notes`` anomalies in words: damaged packets, a false length.
    """

    audio: Audio
    channels: int
    source_rate: int
    codec: str
    container: str
    metadata: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the excerpt."""
        return len(self.audio.samples) / self.audio.sample_rate


def decode(
    path: Path,
    *,
    sample_rate: int = SAMPLE_RATE,
    seconds: float | None = SECONDS,
    where: Literal["middle", "start"] = "middle",
    longest_s: float = LONGEST_S,
) -> DecodedAudio:
    """Decode ``path`` to mono float32 at ``sample_rate`` Hz.

    Loudness is unchanged: channels are averaged, nothing is normalised. The length is that of the
    packets or, where they mislead, of the samples, not the one in the header.

    Parameters
    ----------
    seconds
        Greatest length of the excerpt; None decodes the whole file.
    where
        Position of the excerpt.
    longest_s
        Greatest length of a whole file.

    Raises
    ------
    BadInput
        With the reason in one line: no audio stream, nothing decodable, silent, shorter than
        ``SHORTEST_S``, longer than ``longest_s``, non-finite samples.
    """
    reader = _Reader(path, sample_rate)
    length_s = longest_s if seconds is None else seconds
    length = reader.packet_length()
    if length is None:
        length = reader.decoded_length()
    if seconds is None and length > longest_s:
        raise BadInput(f"lasts {length / 60:.0f} minutes; at most {longest_s / 60:.0f} are taken")
    samples = reader.part(_start(where, length, length_s), length_s, skip=True)
    if len(samples) < 0.9 * sample_rate * min(length_s, length):
        # Packets that state a wrong length, or that cannot be decoded: count what comes out.
        length = reader.decoded_length()
        samples = reader.part(_start(where, length, length_s), length_s, skip=False)
    _check(samples, sample_rate)
    if len(samples) < round(length_s * sample_rate) and not reader.start_s:
        length = len(samples) / sample_rate
    return DecodedAudio(
        Audio(samples, sample_rate, round(reader.start_s, 3), round(length, 3)),
        channels=reader.channels,
        source_rate=reader.source_rate,
        codec=reader.codec,
        container=reader.format,
        metadata=reader.metadata,
        notes=reader.notes(length),
    )


def _start(where: str, length: float, length_s: float) -> float:
    return max(0.0, (length - length_s) / 2) if where == "middle" else 0.0


def _check(samples: Floats, rate: int) -> None:
    if not len(samples):
        raise BadInput("no sound in it could be decoded")
    if not np.isfinite(samples).all():
        raise BadInput("holds non-finite samples")
    peak = float(np.abs(samples).max())
    if peak > LOUDEST:
        raise BadInput(f"holds samples {20 * np.log10(peak):.0f} dB over full scale")
    if len(samples) < SHORTEST_S * rate:
        count = "one sample" if len(samples) == 1 else f"{len(samples) / rate:.3g} s"
        raise BadInput(f"is too short: {count}; at least {SHORTEST_S:g} s are needed")
    if peak < SILENCE:
        raise BadInput("is silent")


class _Reader:
    """Reader of one file, which opens it for each pass."""

    def __init__(self, path: Path, rate: int) -> None:
        self._path = path
        self._rate = rate
        self._damage = Damage()
        self._claimed: float | None = None
        self._rates: set[int] = set()
        self.start_s = 0.0
        with _opened(path) as (container, stream):
            self.codec = stream.codec_context.name
            self.format = container.format.name
            self.metadata = {**container.metadata, **stream.metadata}
            self.channels = stream.codec_context.channels or 0
            self.source_rate = stream.codec_context.sample_rate or 0
            if stream.duration and stream.time_base:
                self._claimed = float(stream.duration * stream.time_base)
            elif container.duration:
                self._claimed = container.duration / av.time_base

    def packet_length(self) -> float | None:
        """Return the sum of the packets' lengths in seconds; None if they have none."""
        with _opened(self._path) as (container, stream):
            return packet_seconds(container, stream)

    def decoded_length(self) -> float:
        """Decode everything and return the length in seconds."""
        with _opened(self._path) as (container, stream):
            return sum(
                frame.samples / frame.sample_rate
                for _, frame in frames(container, stream, Damage())
            )

    def part(self, start: float, seconds: float, *, skip: bool) -> Floats:
        """Decode ``[start, start + seconds)`` to mono; ``skip`` skips earlier packets undecoded."""
        self._damage, self._rates = Damage(), set()
        room, got = round(seconds * self._rate), 0
        chunks: list[Floats] = []
        resampler = Resampler(self._rate)
        first: float | None = None

        def keep(pieces: list[Floats]) -> None:
            nonlocal got
            for piece in pieces:
                chunks.append(piece[: room - got])
                got += len(chunks[-1])

        with _opened(self._path) as (container, stream):
            ahead = start - PREROLL_S if skip else 0.0
            for at, frame in frames(container, stream, self._damage, skip_s=max(0.0, ahead)):
                rate = frame.sample_rate
                drop = max(0, round((start - at) * rate))
                if drop >= frame.samples:
                    continue
                if first is None:
                    first = max(at, start)
                    self.channels, self.source_rate = len(frame.layout.channels), rate
                self._rates.add(rate)
                keep(resampler.push(mono(frame)[drop:], rate))
                if got >= room:
                    break
        keep(resampler.finish())
        self.start_s = first or 0.0
        return np.concatenate(chunks) if chunks else np.empty(0, dtype=np.float32)

    def notes(self, length: float) -> tuple[str, ...]:
        """Describe anomalies of the file."""
        notes = []
        if self._damage.broken:
            notes.append(
                f"{self._damage.broken:,} of {self._damage.packets:,} packets could not be decoded "
                "and are left out"
            )
        if self._damage.stopped:
            notes.append(f"cannot be read beyond {length:,.1f} s ({self._damage.stopped})")
        if self._claimed and abs(self._claimed - length) > max(0.25, 0.02 * length):
            notes.append(f"claims {self._claimed:,.1f} s and holds {length:,.1f} s")
        if len(self._rates) > 1:
            rates = ", ".join(f"{rate:,}" for rate in sorted(self._rates))
            notes.append(f"its sample rate changes on the way: {rates} Hz")
        return tuple(notes)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise BadInput("is no file")
    if not status.st_size:
        raise BadInput("is empty")
    try:
        # The prefix keeps FFmpeg from reading "http:..." or "concat:..." in a file's name.
        container = av.open(f"file:{path}", options=_OPTIONS, metadata_errors="surrogateescape")
    except PermissionError:
        raise BadInput("cannot be read: permission denied") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BadInput(f"is no sound file that can be read ({_words(error)})") from None
    with container:
        if not container.streams.audio:
            raise BadInput("holds no sound")
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            raise BadInput("holds sound without an available decoder")
        try:
            yield container, stream
        except BadInput:
            raise
        except (av.FFmpegError, OSError, ValueError) as error:
            raise BadInput(f"cannot be decoded ({_words(error)})") from None


def _words(error: Exception) -> str:
    if getattr(error, "errno", None) == errno.EINVAL:  # a format that is not among _FORMATS
        return "no format of sound"
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split())[:120]
