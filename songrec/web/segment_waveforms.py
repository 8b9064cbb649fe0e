"""Where in a song its moment lies: a small waveform with the moment marked, drawn on the server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from songrec.recommend.methods import segments
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.store.sound import audio_files, waveform_cache

BARS = 100
HEIGHT = 24
_LEAST = 1.0


@dataclass(frozen=True, slots=True)
class Wave:
    """``bars`` is a path in a picture of 100 × 24; the moment begins at ``left`` of the width."""

    bars: str
    left: float
    width: float


def waves(session: Session, instance: Path, found: Iterable[RankedTrack]) -> dict[int, Wave]:
    """By track, for those found by a moment that can be heard.

    A song whose peaks are not known yet has a line.
    """
    told = {item.track.id: segments.told(item.reasons) for item in found if item.track.has_audio}
    files = audio_files.for_tracks(session, [track for track, moment in told.items() if moment])
    drawn = {}
    for track, file in files.items():
        moment = told[track]
        sleeve = waveform_cache.find(instance, str(file.content_hash))
        seconds = sleeve.seconds if sleeve else file.duration_s
        if moment and seconds:
            left = min(100.0, 100 * moment["start_s"] / seconds)
            width = min(100.0 - left, max(_LEAST, 100 * moment["seconds"] / seconds))
            drawn[track] = Wave(path(sleeve.peaks if sleeve else []), left, width)
    return drawn


def path(peaks: list[float]) -> str:
    """Bars about the middle, the loudest as high as the picture; none where there are no peaks."""
    if not peaks:
        return f"M0 {HEIGHT / 2:g}H{BARS}"
    loudest = max(0.05, *peaks)
    count = min(BARS, len(peaks))
    drawn = []
    for bar in range(count):
        part = peaks[bar * len(peaks) // count : (bar + 1) * len(peaks) // count]
        half = max(0.5, max(part) / loudest * HEIGHT / 2)
        at = (bar + 0.5) * BARS / count
        drawn.append(f"M{at:.3g} {HEIGHT / 2 - half:.3g}v{2 * half:.3g}")
    return "".join(drawn)
