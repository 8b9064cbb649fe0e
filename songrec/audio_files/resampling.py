"""Streaming of a container's packets to one mono signal, without relying on an index.

Loudness is unchanged: channels are averaged (as librosa does). FFmpeg's own mixing to mono scales
by 1/2 or by 1/sqrt(2), depending on the sample format that the codec uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from songrec.core.types import Floats

PREROLL_S = 1.0
"""Decoding begins this long before the excerpt, because lossy codecs depend on the past."""

_FULL_SCALE = {"u8": 128.0, "s16": 2.0**15, "s32": 2.0**31, "flt": 1.0, "dbl": 1.0}


@dataclass(slots=True)
class Damage:
    """Number of packets and of undecodable packets.

    ``stopped`` is the reason why the container could not be read to its end, or None.
    """

    packets: int = 0
    broken: int = 0
    stopped: str | None = None


def _packets(container: Any, stream: Any, damage: Damage) -> Iterator[Any]:
    """Yield the stream's packets up to the first place where the container is unreadable."""
    try:
        yield from container.demux(stream)
    except (av.FFmpegError, ValueError) as error:
        damage.stopped = " ".join(str(getattr(error, "strerror", None) or error).split())[:120]


def packet_seconds(container: Any, stream: Any) -> float | None:
    """Add up the lengths of the packets without decoding; None if too many state none."""
    total, sized, without_length = 0, 0, 0
    for packet in _packets(container, stream, Damage()):
        if packet.size:
            sized += 1
            if packet.duration:
                total += packet.duration
            else:
                without_length += 1
    if not total or without_length > max(1, sized // 100) or stream.time_base is None:
        return None
    return float(total * stream.time_base)


def mono(frame: AudioFrame) -> Floats:
    """Average the channels of a frame, float32 ``(samples,)``, full scale ±1."""
    name = frame.format.name
    packed = name.removesuffix("p")
    if packed not in _FULL_SCALE:
        frame = AudioResampler(format="fltp").resample(frame)[0]
        name, packed = "fltp", "flt"
    values = frame.to_ndarray()
    if name == packed:  # interleaved
        values = values.reshape(-1, len(frame.layout.channels)).T
    if packed == "u8":
        values = values.astype(np.float32) - 128.0
    with np.errstate(over="ignore", invalid="ignore"):  # checked by the caller
        mixed = values.mean(axis=0, dtype=np.float64 if packed in ("s32", "dbl") else np.float32)
        return (mixed / _FULL_SCALE[packed]).astype(np.float32)


def frames(
    container: Any, stream: Any, damage: Damage, *, skip_s: float = 0.0
) -> Iterator[tuple[float, AudioFrame]]:
    """Yield decoded frames with their start in seconds.

    Packets that end before ``skip_s`` are skipped by their stated lengths. A packet that cannot be
    decoded is counted in ``damage`` and left out.
    """
    clock = 0.0
    skipping = skip_s > 0
    for packet in _packets(container, stream, damage):
        if skipping and packet.size:
            length = float((packet.duration or 0) * stream.time_base)
            if clock + length <= skip_s:
                clock += length
                continue
            skipping = False
        damage.packets += bool(packet.size)
        try:
            decoded = packet.decode()
        except (av.FFmpegError, ValueError):
            damage.broken += 1
            continue
        for frame in decoded:
            if frame.sample_rate > 0 and frame.samples:
                yield clock, frame
                clock += frame.samples / frame.sample_rate


class Resampler:
    """Streaming resampler of mono chunks, whose rate may change, to one rate."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._from: int | None = None
        self._inner: AudioResampler | None = None

    def push(self, chunk: Floats, rate: int) -> list[Floats]:
        """Resample ``chunk`` and return the output that is ready."""
        done = self.finish() if rate != self._from else []
        if rate == self._rate:
            self._from = rate
            return [*done, chunk]
        if self._inner is None:
            self._inner = AudioResampler(format="flt", layout="mono", rate=self._rate)
            self._from = rate
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(chunk[None]), "flt", "mono")
        frame.sample_rate = rate
        return done + [out.to_ndarray()[0] for out in self._inner.resample(frame)]

    def finish(self) -> list[Floats]:
        """Return the remaining output."""
        inner, self._inner, self._from = self._inner, None, None
        return [] if inner is None else [out.to_ndarray()[0] for out in inner.resample(None)]
