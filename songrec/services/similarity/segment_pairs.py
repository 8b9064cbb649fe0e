"""Pairs of similar segments to play, of a liked song and of a recommended one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from songrec.core.types import SegmentIndex
from songrec.recommend.explain import contributions
from songrec.recommend.methods import segments
from songrec.recommend.similarity.segment_search import nearest_pair
from songrec.services.similarity.artist_pages import space_or_none
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, waveform_cache
from songrec.store.sound.waveform_cache import WaveformAndCover
from songrec.store.tables import AudioFile

SECONDS = 5.0
"""How much of each song is played."""


@dataclass(frozen=True, slots=True)
class AudibleSegment:
    """Part of a playable song: its start and length, the song's length (s), and the song's peaks.

    ``peaks`` is empty until the waveform has been computed.
    """

    track: TrackView
    start_s: float
    length_s: float
    song_s: float
    peaks: list[float]


@dataclass(frozen=True, slots=True)
class _Starts:
    """Starts of the segments in seconds; ``like`` is None if only the match has a segment."""

    match_s: float
    like: int | None = None
    like_s: float = 0.0


def segment_pairs(
    instance: Instance, ranked: Sequence[RankedTrack], likes: Mapping[int, int] | None = None
) -> dict[int, tuple[AudibleSegment, ...]]:
    """Return, by track id, the segments that demonstrate why a song is recommended.

    These are a segment of the liked song in the main sentence and one of the recommended song: the
    compared ones for a match by segments, otherwise the two nearest ones. Songs without sound or
    segments are left out; if the liked song cannot be played, the pair only has the match's
    segment.

    Parameters
    ----------
    likes
        The track that each one is like (ids), in place of the one that its sentence is about.
        Tracks that are missing there have no pair.
    """
    audible = [one for one in ranked if one.track.has_audio]
    space = space_or_none(instance) if audible else None
    if space is None or space.segments is None:
        return {}
    starts = {one.track.id: _starts(space.segments, one, likes) for one in audible}
    chosen = {track_id: pair for track_id, pair in starts.items() if pair is not None}
    liked = {pair.like for pair in chosen.values() if pair.like is not None}
    files = audio_files.for_tracks(instance.session, [*chosen, *liked])
    views = {one.track.id: one.track for one in audible}
    missing = [like for like in liked if like in files and like not in views]
    views |= {view.id: view for view in tracks.tracks_by_id(instance.session, missing)}
    waveforms = {
        track_id: waveform_cache.find(instance.folder, str(file.content_hash))
        for track_id, file in files.items()
    }
    pairs = {}
    for track_id, pair in chosen.items():
        parts = [(pair.like, pair.like_s), (track_id, pair.match_s)]
        pairs[track_id] = tuple(
            segment
            for one, start in parts
            if one in files
            and one in views
            and (segment := _segment(views[one], files[one], waveforms[one], start))
        )
    return {track_id: parts for track_id, parts in pairs.items() if parts}


def _starts(
    index: SegmentIndex, one: RankedTrack, likes: Mapping[int, int] | None
) -> _Starts | None:
    matched = segments.matched_segment(one.reasons)
    if matched is not None:
        first = one.reasons[0]
        near = first.details.get("fragments")
        if near and isinstance(first.about, int):
            return _Starts(matched["start_s"], first.about, near[0]["start_s"])
        return _Starts(matched["start_s"])
    like = contributions.named_like(one.reasons) if likes is None else likes.get(one.track.id)
    pair = nearest_pair(index, like, one.track.id) if like is not None else None
    if pair is None:
        return None
    return _Starts(float(index.starts[pair[1]]), like, float(index.starts[pair[0]]))


def _segment(
    track: TrackView, file: AudioFile, waveform: WaveformAndCover | None, start: float
) -> AudibleSegment | None:
    seconds = waveform.seconds if waveform else file.duration_s
    if not seconds:
        return None
    return AudibleSegment(track, start, SECONDS, seconds, waveform.peaks if waveform else [])
