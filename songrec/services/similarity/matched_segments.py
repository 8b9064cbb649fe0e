"""Segments by which songs were matched, with the waveforms to draw them on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from songrec.recommend.methods import segments
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, waveform_cache


@dataclass(frozen=True, slots=True)
class MatchedSegment:
    """A segment of a song: its start and length, the song's length (s), and the song's peaks.

    ``peaks`` is empty until the waveform has been computed.
    """

    start_s: float
    length_s: float
    song_s: float
    peaks: list[float]


def matched_segments(
    instance: Instance, ranked: Iterable[RankedTrack]
) -> dict[int, MatchedSegment]:
    """Return, by track id, the segment of each playable song that was matched by one."""
    moments = {
        one.track.id: segments.matched_segment(one.reasons) for one in ranked if one.track.has_audio
    }
    files = audio_files.for_tracks(
        instance.session, [track for track, moment in moments.items() if moment]
    )
    matched = {}
    for track_id, file in files.items():
        waveform = waveform_cache.find(instance.folder, str(file.content_hash))
        seconds = waveform.seconds if waveform else file.duration_s
        moment = moments[track_id]
        if moment and seconds:
            matched[track_id] = MatchedSegment(
                moment["start_s"], moment["seconds"], seconds, waveform.peaks if waveform else []
            )
    return matched
