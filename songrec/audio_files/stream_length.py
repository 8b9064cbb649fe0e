"""Length of an audio stream, from its packets: exact, and without decoding all of them.

Lengths in headers may be wrong, and the sum of the packets' stated lengths is inexact: Vorbis
packets are up to a tenth too short (FFmpeg assumes a wrong size of the previous block), Matroska
rounds to a millisecond, and both include the encoder delay and padding that decoders drop. So the
first and the last packets are decoded: the length is the time from the first sample to the end of
the last one, by the timestamps of the decoded frames.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from songrec.audio_files.containers import UNDECODABLE, Damage, packets

ENDS_S = 1.5
"""Approximate seconds decoded at the beginning and at the end."""
TAIL_PACKETS = 48
"""Packets decoded at the end: a decoder that starts mid-stream drops some (Musepack's 32)."""
GAP_S, GAP_OF_VORBIS_S = 0.1, 1.0
"""Largest jump of timestamps, in seconds, within one uninterrupted recording.

Vorbis timestamps jump at each Ogg page, because the lengths of its packets are too short.
"""
LEAST_SHARE, GREATEST_SHARE = 0.75, 1.05
"""Accepted range of the sum of stated lengths relative to the length by timestamps."""


@dataclass(frozen=True, slots=True)
class StreamLength:
    """Length of a stream in seconds.

    ``packets_s`` is the sum of the packets' stated lengths, None if too many state none;
    ``seconds`` the decoded length, None if only decoding everything can tell; ``origin_s`` the
    timestamp of the first decoded sample, None if timestamps are unreliable.
    """

    packets_s: float | None
    seconds: float | None
    origin_s: float | None


def measure(container: Any, stream: Any) -> StreamLength:
    """Read all packets of a stream and measure its length."""
    stated = count = without_length = without_timestamp = 0
    first = following = None
    continuous = stream.time_base is not None
    # Integer ticks of the stream's clock, for speed: a file has ten thousands of packets.
    ticks_per_s = float(1 / stream.time_base) if stream.time_base else 1.0
    gap = ticks_per_s * (GAP_OF_VORBIS_S if stream.codec_context.name == "vorbis" else GAP_S)
    longest_tail = ENDS_S * ticks_per_s
    head, is_complete = _Decoded(), True
    tail: deque[tuple[int, Any]] = deque()
    for packet in packets(container, stream, Damage()):
        if not packet.size:
            continue
        length, at = packet.duration or 0, packet.pts
        count += 1
        if not length:
            without_length += 1
        if at is None:
            without_timestamp += 1
        elif continuous:
            if following is None:
                first = at
            elif not -gap <= at - following <= gap:
                continuous = False
            following = at + length
        if is_complete:
            is_complete = head.seconds < ENDS_S
            if is_complete:
                head.add(packet)
        tail.append((stated, packet))
        stated += length
        if len(tail) > TAIL_PACKETS or (len(tail) > 2 and stated - tail[1][0] > longest_tail):
            tail.popleft()
    # The first and the last packet of some encoders state no length.
    few = max(1, count // 100)
    states_lengths = stated and without_length <= few and stream.time_base
    packets_s = float(stated * stream.time_base) if states_lengths else None
    if is_complete:
        head.finish(stream)
        return StreamLength(packets_s, head.seconds or None, head.start_s)
    if not continuous or without_timestamp > few or first is None or following is None:
        return StreamLength(packets_s, None, None)
    span = float((following - first) * stream.time_base)
    if packets_s is None or not LEAST_SHARE <= packets_s / max(span, 1e-9) <= GREATEST_SHARE:
        return StreamLength(packets_s, None, None)
    stream.codec_context.flush_buffers()
    end = _Decoded()
    for _, packet in tail:
        end.add(packet)
    end.finish(stream)
    if head.start_s is None or end.end_s is None:
        return StreamLength(packets_s, None, None)
    return StreamLength(packets_s, end.end_s - head.start_s, head.start_s)


class _Decoded:
    """Start, end and length of decoded packets in seconds."""

    def __init__(self) -> None:
        self.start_s: float | None = None
        self.end_s: float | None = None
        self.seconds = 0.0
        self._latest: float | None = None

    def add(self, packet: Any) -> None:
        try:
            self._frames(packet.decode())
        except UNDECODABLE:
            return

    def finish(self, stream: Any) -> None:
        try:
            self._frames(stream.codec_context.decode(None))
        except (*UNDECODABLE, EOFError):
            return

    def _frames(self, decoded: list[Any]) -> None:
        for frame in decoded:
            if frame.sample_rate <= 0 or not frame.samples:
                continue
            length = frame.samples / frame.sample_rate
            at = None if frame.pts is None else float(frame.pts * frame.time_base)
            if at is not None and self.start_s is None:
                self.start_s = at - self.seconds  # of frames without a timestamp
            self.seconds += length
            if at is None or at == self._latest:
                # Several frames of one packet, or what the decoder held back.
                self.end_s = None if self.end_s is None else self.end_s + length
            else:
                self.end_s = self._latest = at
                self.end_s += length


_WITHOUT_LENGTH = "aac ac3 adp amr amrnb amrwb dts dtshd eac3 gsm loas mlp mp3 ogg rso spdif truehd"
_FRAME_COUNTS = (b"Xing", b"Info", b"VBRI")


def stated_length(path: Path, container: Any, stream: Any) -> float | None:
    """Return the length in seconds that the file's header states, None if it states none.

    FFmpeg's estimates from the bit rate, for formats without a stated length, are ignored: they are
    meaningless with a variable bit rate.
    """
    if container.format.name in _WITHOUT_LENGTH.split() and not _states_frames(path):
        return None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _states_frames(path: Path) -> bool:
    """Return whether the first frame of an MP3 file holds the number of frames."""
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            size = 0
            for byte in head[6:]:
                size = size << 7 | byte & 0x7F
            file.seek(10 + size)
        else:
            file.seek(0)
        frame = file.read(4096)
    return any(mark in frame for mark in _FRAME_COUNTS)
