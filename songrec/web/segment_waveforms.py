"""Small waveforms with a segment marked, drawn on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from songrec.services.similarity.matched_segments import MatchedSegment

BARS = 100
HEIGHT = 24
MIN_WIDTH = 1.0


@dataclass(frozen=True, slots=True)
class Wave:
    """``bars`` is an SVG path in a picture of 100 × 24; the segment starts at ``left``."""

    bars: str
    left: float
    width: float


def waves(matched: Mapping[int, MatchedSegment]) -> dict[int, Wave]:
    """Return a waveform for each matched segment; a line while the peaks are unknown."""
    by_track = {}
    for track_id, segment in matched.items():
        left = min(100.0, 100 * segment.start_s / segment.song_s)
        width = min(100.0 - left, max(MIN_WIDTH, 100 * segment.length_s / segment.song_s))
        by_track[track_id] = Wave(path(segment.peaks), left, width)
    return by_track


def path(peaks: list[float]) -> str:
    """Return bars around the middle, the loudest of full height; a line without peaks."""
    if not peaks:
        return f"M0 {HEIGHT / 2:g}H{BARS}"
    loudest = max(0.05, *peaks)
    count = min(BARS, len(peaks))
    bars = []
    for bar in range(count):
        part = peaks[bar * len(peaks) // count : (bar + 1) * len(peaks) // count]
        half = max(0.5, max(part) / loudest * HEIGHT / 2)
        at = (bar + 0.5) * BARS / count
        bars.append(f"M{at:.3g} {HEIGHT / 2 - half:.3g}v{2 * half:.3g}")
    return "".join(bars)
