"""Content of the page of one song."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from songrec.core.errors import NotReady
from songrec.core.registry import Entry
from songrec.core.types import Space
from songrec.recommend import ranking
from songrec.recommend.registry import METHODS
from songrec.recommend.similarity.weighted_similarity import GROUP_LABELS, GROUPS, MAX_WEIGHT
from songrec.services.recommendation.recommend import BEST, default_comparison, similar_songs
from songrec.services.similarity import artist_pages, audio_similarity
from songrec.services.similarity.audio_similarity import SOUND
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.store.catalogue import lyrics, tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import playlists
from songrec.store.runs import runs
from songrec.store.sound import audio_files, predicted_tags
from songrec.store.tables import AudioFile, Listener, Playlist, Run

__all__ = ["BEST", "GROUPS", "GROUP_LABELS", "MAX_WEIGHT", "SOUND", "SongPage", "song_page"]

LABELS = {BEST: "Everything", SOUND: "The sound alone"}
N_SIMILAR = 8
N_PLAYLISTS = 20
N_VERSIONS = 12
N_TAGS = 6
MIN_PROBABILITY = 0.2
"""Smallest probability of a displayed tag."""


@dataclass(frozen=True)
class SongPage:
    """A song, its similar songs, its audio file and the listener's playlists.

    ``by`` is the comparison of ``similar``: ``BEST``, ``SOUND`` or a feature set; ``method`` is the
    recommendation method behind ``BEST``. ``comparisons`` are the available ones with their labels.
    ``problem`` is the reason for the lack of similar songs. ``space`` is None before a run is
    published, ``folder`` the name of the file's folder. ``tags`` are predicted from the sound,
    ``versions`` are other tracks of the same song.
    """

    track: TrackView
    run: Run | None
    space: Space | None
    similar: list[RankedTrack]
    by: str
    method: Entry | None
    comparisons: dict[str, str]
    problem: str | None
    has_lyrics: bool
    file: AudioFile | None
    folder: str
    tags: list[str]
    versions: list[TrackView]
    playlists: list[Playlist]


def song_page(
    instance: Instance,
    listener: Listener | None,
    public_id: str,
    *,
    by: str = "",
    weights: Mapping[str, float] | None = None,
) -> SongPage | None:
    """Return the page of the song ``public_id``, None for an unknown song.

    Parameters
    ----------
    by
        One of the page's comparisons; anything else is ``default_comparison``.
    weights
        Weights (0 to ``MAX_WEIGHT``) of the groups of attributes in ``SOUND``.
    """
    run = runs.published(instance.session)
    track = tracks.find_track(instance.session, public_id, run)
    if track is None:
        return None
    space = artist_pages.space_or_none(instance)
    feature_sets = audio_similarity.available_feature_sets(instance.folder)
    in_run = space is not None and track.label is not None
    by_default = default_comparison(instance, track)
    offered = LABELS if in_run else {SOUND: LABELS[SOUND]} if by_default == SOUND else {}
    comparisons = {**offered, **feature_sets}
    by = SOUND if weights else by if by in comparisons else by_default
    similar, problem = [], None
    if by in comparisons:
        how = "features" if weights else by
        try:
            similar = similar_songs(
                instance, track, N_SIMILAR, by=how, weights=weights, listener=listener
            )
        except NotReady as error:
            problem = str(error)
    file = audio_files.for_track(instance.session, track.id)
    return SongPage(
        track,
        run,
        space,
        similar,
        by,
        METHODS.entry(ranking.method_used(space)) if space is not None and by == BEST else None,
        comparisons,
        problem,
        lyrics.has_words(instance.session, track.id),
        file,
        PurePosixPath(file.path).parent.name if file else "",
        predicted_tags.of_track(instance.folder, track.id, N_TAGS, MIN_PROBABILITY),
        tracks.tracks_by_id(
            instance.session, tracks.versions(instance.session, track.id, N_VERSIONS), run
        ),
        playlists.of_listener(instance.session, listener)[:N_PLAYLISTS] if listener else [],
    )


@dataclass(frozen=True)
class NowPlaying:
    """The playing song and the songs most like it."""

    track: TrackView
    run: Run | None
    similar: list[RankedTrack]


def now_playing(
    instance: Instance, listener: Listener | None, public_id: str, n: int
) -> NowPlaying | None:
    """Return a song with the ``n`` songs most like it, None for an unknown song."""
    run = runs.published(instance.session)
    track = tracks.find_track(instance.session, public_id, run)
    if track is None:
        return None
    similar: list[RankedTrack] = []
    with contextlib.suppress(NotReady):
        similar = similar_songs(instance, track, n, listener=listener)
    return NowPlaying(track, run, similar)
