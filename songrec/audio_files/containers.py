"""Opening of sound files with FFmpeg: the stream that is played, its packets and decoded frames."""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame

from songrec.audio_files.formats import DEMUXERS
from songrec.audio_files.truncation import is_cut_off
from songrec.core.errors import BadInput
from songrec.core.memory import bounded_growth

UNDECODABLE = (av.FFmpegError, ValueError)
"""Exceptions of PyAV for damaged packets and containers."""
HIGHEST_RATE = 384_000
"""Hz. Rate of the best recordings; resampling from higher rates takes unbounded memory."""
HIGHEST_DSD_RATE = 8 * 352_800
"""Hz. DSD512, whose decoder gives one sample for eight bits."""
MOST_CHANNELS = 16
OPENING_BYTES = 512 * 2**20
"""Memory for the headers: FFmpeg also unpacks compressed tags, and drops those that do not fit."""
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(DEMUXERS)}


@dataclass(slots=True)
class Damage:
    """Number of packets and of undecodable packets.

    ``stopped`` is the reason why the container could not be read to its end, or None.
    """

    packets: int = 0
    broken: int = 0
    stopped: str | None = None


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a sound file: PyAV's container and the audio stream that players choose.

    Raises
    ------
    BadInput
        With the reason in one line, also for errors within the ``with`` block.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise BadInput("is not a file")
    if not status.st_size:
        raise BadInput("is empty")
    try:
        # The prefix keeps FFmpeg from reading "http:..." or "concat:..." in a file's name.
        with bounded_growth(OPENING_BYTES):
            container = av.open(f"file:{path}", options=_OPTIONS, metadata_errors="surrogateescape")
    except PermissionError:
        raise BadInput("cannot be read: permission denied") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        if is_cut_off(path):
            raise BadInput("cannot be read: it is cut off, its end is missing") from None
        raise BadInput(f"is not a readable audio file ({_words(error)})") from None
    with container:
        stream = _default_stream(container)
        context = stream.codec_context
        _check_format(context.name, context.sample_rate, context.channels)
        try:
            yield container, stream
        except BadInput:
            raise
        except (av.FFmpegError, OSError, ValueError) as error:
            raise BadInput(f"cannot be decoded ({_words(error)})") from None


def _default_stream(container: Any) -> Any:
    """Return the audio stream marked as default, else the best by FFmpeg's rules."""
    streams = container.streams.audio
    if not streams:
        raise BadInput("holds no sound")
    playable = [stream for stream in streams if stream.codec_context is not None]
    if not playable:
        raise BadInput("holds sound without an available decoder")
    best = container.streams.best("audio")
    return best if best in playable else playable[0]


def _check_format(codec: str, rate: int | None, channels: int | None) -> None:
    highest = HIGHEST_DSD_RATE if codec.startswith("dsd") else HIGHEST_RATE
    if rate and rate > highest:
        raise BadInput(f"has {rate:,} samples a second; at most {highest:,} are read")
    if channels and channels > MOST_CHANNELS:
        raise BadInput(f"has {channels:,} channels; at most {MOST_CHANNELS} are read")


def packets(container: Any, stream: Any, damage: Damage) -> Iterator[Any]:
    """Yield the stream's packets up to the first place where the container is unreadable."""
    try:
        yield from container.demux(stream)
    except UNDECODABLE as error:
        damage.stopped = " ".join(str(getattr(error, "strerror", None) or error).split())[:120]


def frames(
    container: Any, stream: Any, damage: Damage, *, skip_s: float = 0.0
) -> Iterator[tuple[float, float, AudioFrame]]:
    """Yield decoded frames with their start in seconds and that of their packet.

    Packets that end before ``skip_s`` are skipped by their stated lengths. The second time is the
    sum of stated lengths; the first adds the lengths of the decoded frames to the skipped ones.
    Undecodable packets are counted in ``damage`` and left out.
    """
    clock = packet_clock = 0.0
    skipping = skip_s > 0
    ticks, per_second = stream.time_base.as_integer_ratio() if stream.time_base else (0, 1)
    codec = stream.codec_context.name
    for packet in packets(container, stream, damage):
        length = (packet.duration or 0) * ticks / per_second if packet.size else 0.0
        if skipping and packet.size:
            if clock + length <= skip_s:
                clock += length
                continue
            skipping, packet_clock = False, clock
        for frame in _decode(packet, damage, codec):
            yield clock, packet_clock, frame
            clock += frame.samples / frame.sample_rate
        packet_clock += length


_ANY_CLOCK = Fraction(1)


class JoinedFrames:
    """Buffer that joins frames of one format: converting each costs more than decoding it."""

    def __init__(self) -> None:
        self._format: tuple[str, str, int] | None = None
        self._fifo = AudioFifo()

    def add(self, frame: AudioFrame) -> bool:
        """Add a frame, which loses its timestamp; return False if its format is another one."""
        described = frame.format.name, frame.layout.name, frame.sample_rate
        if self._format is None:
            self._format, self._fifo = described, AudioFifo()
        elif self._format != described:
            return False
        # Without timestamps, which may have gaps.
        frame.pts, frame.time_base = None, _ANY_CLOCK
        self._fifo.write(frame)
        return True

    def take(self) -> AudioFrame | None:
        """Return all frames as one and clear the buffer; None if it is empty."""
        if self._format is None:
            return None
        self._format = None
        return self._fifo.read()


def frames_from(
    container: Any, stream: Any, damage: Damage, skip_s: float, origin_s: float | None
) -> Iterator[tuple[float, AudioFrame]]:
    """Yield decoded frames with their start in seconds, exactly.

    Packets that end before ``skip_s`` are skipped by their timestamps, if ``origin_s`` is that of
    the first sample (``stream_length.measure``); without it everything is decoded.
    """
    clock = None if origin_s is not None and skip_s > 0 else 0.0
    codec = stream.codec_context.name
    for packet in packets(container, stream, damage):
        if clock is None and packet.size and packet.pts is not None:
            end = float((packet.pts + (packet.duration or 0)) * stream.time_base)
            if end - origin_s <= skip_s:
                continue
        for frame in _decode(packet, damage, codec):
            if clock is None:
                if frame.pts is None:
                    continue
                clock = float(frame.pts * frame.time_base) - origin_s
            yield clock, frame
            clock += frame.samples / frame.sample_rate


def _decode(packet: Any, damage: Damage, codec: str) -> list[AudioFrame]:
    damage.packets += bool(packet.size)
    try:
        decoded = packet.decode()
    except UNDECODABLE:
        damage.broken += 1
        return []
    usable = [frame for frame in decoded if frame.sample_rate > 0 and frame.samples]
    for frame in usable:  # its format may differ from the one in the container's header
        _check_format(codec, frame.sample_rate, frame.layout.nb_channels)
    return usable


def _words(error: Exception) -> str:
    if getattr(error, "errno", None) == errno.EINVAL:  # a format that is not among DEMUXERS
        return "no format of sound"
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split())[:120]
