"""Segments of songs to hear one after the other, marked on small waveforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.services.similarity.segment_pairs import AudibleSegment, segment_pairs
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import current_instance
from songrec.web import access

BARS = 50
WIDTH, HEIGHT = 100, 24
MIN_WIDTH = 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A segment of a song: where it plays from and how long (s), and its waveform.

    ``bars`` is an SVG path in a picture of 100 × 24; the segment is marked from ``left``.
    """

    track: TrackView
    start_s: float
    length_s: float
    bars: str
    left: float
    width: float

    @property
    def clock(self) -> str:
        """The start as people read it: ``1:02``."""
        return f"{int(self.start_s) // 60}:{int(self.start_s) % 60:02d}"

    @property
    def json(self) -> dict[str, Any]:
        """Return the data for the player."""
        return {
            "track": self.track.public_id,
            "from": round(self.start_s, 3),
            "for": round(self.length_s, 3),
            "label": self.track.title,
        }


def moments_of(
    ranked: Sequence[RankedTrack], of: TrackView | None = None, *, in_turn: bool = False
) -> dict[int, list[Moment]]:
    """Return, by track id, the moments that demonstrate why songs are recommended.

    See ``segment_pairs``; empty if the visitor may not listen. All songs are like ``of``, or, with
    ``in_turn``, each like the song before; else each like the song that its sentence names.
    """
    if not access.may_listen():
        return {}
    ids = [one.track.id for one in ranked]
    likes = None
    if in_turn:
        likes = dict(zip(ids[1:], ids, strict=False))
    elif of:
        likes = dict.fromkeys(ids, of.id)
    pairs = segment_pairs(current_instance(), ranked, likes)
    # A liked song may be in many pairs, but its waveform is drawn once.
    peaks = {part.track.id: part.peaks for parts in pairs.values() for part in parts}
    paths = {track_id: path(values) for track_id, values in peaks.items()}
    return {
        track_id: [_moment(part, paths[part.track.id]) for part in parts]
        for track_id, parts in pairs.items()
    }


def _moment(segment: AudibleSegment, bars: str) -> Moment:
    left = min(100.0, 100 * segment.start_s / segment.song_s)
    width = min(100.0 - left, max(MIN_WIDTH, 100 * segment.length_s / segment.song_s))
    return Moment(segment.track, segment.start_s, segment.length_s, bars, left, width)


def path(peaks: list[float]) -> str:
    """Return bars around the middle, the loudest of full height; a line without peaks."""
    if not peaks:
        return f"M0 {HEIGHT / 2:g}H{WIDTH}"
    loudest = max(0.05, *peaks)
    count = min(BARS, len(peaks))
    bars = []
    for bar in range(count):
        part = peaks[bar * len(peaks) // count : (bar + 1) * len(peaks) // count]
        half = max(1, round(max(part) / loudest * HEIGHT / 2))
        at = (bar + 0.5) * WIDTH / count
        bars.append(f"M{at:.3g} {HEIGHT // 2 - half}v{2 * half}")
    return "".join(bars)
