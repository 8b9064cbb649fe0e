"""Everything that the page of one song shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from songrec.core.errors import NotReady
from songrec.core.types import Space
from songrec.recommend.similarity.weighted_similarity import GROUP_LABELS, GROUPS, MAX_WEIGHT
from songrec.services.similarity import audio_similarity
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.store.catalogue import lyrics, tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import playlists
from songrec.store.runs import runs, spaces
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile, Listener, Playlist, Run

__all__ = ["GROUPS", "GROUP_LABELS", "MAX_WEIGHT", "SongPage", "song_page"]

N_SIMILAR = 8
N_PLAYLISTS = 20


@dataclass(frozen=True)
class SongPage:
    """A song, its similar songs, its audio file and the listener's playlists.

    ``by`` is the feature set that ``similar`` was compared by, empty for attributes;
    ``comparisons`` are the feature sets to choose from, with their labels. ``problem`` says why
    there are no similar songs. ``space`` is None while nothing is published.
    """

    track: TrackView
    run: Run | None
    space: Space | None
    similar: list[RankedTrack]
    by: str
    comparisons: dict[str, str]
    problem: str | None
    has_lyrics: bool
    file: AudioFile | None
    playlists: list[Playlist]


def song_page(
    instance: Instance,
    listener: Listener | None,
    public_id: str,
    *,
    by: str = "",
    weights: Mapping[str, float] | None = None,
) -> SongPage | None:
    """Return the page of the song ``public_id``, or None if there is no such song.

    Parameters
    ----------
    by
        A feature set to compare by; anything else compares by attributes.
    weights
        Weights (0 to ``MAX_WEIGHT``) of the groups of attributes; without any, the published
        run's own space is used.
    """
    run = runs.published(instance.session)
    track = tracks.find_track(instance.session, public_id, run)
    if track is None:
        return None
    comparisons = audio_similarity.available_feature_sets(instance.folder)
    by = by if by in comparisons else ""
    try:
        space = spaces.published_space(instance)
    except NotReady:
        space = None
    similar, problem = [], None
    try:
        if by:
            similar = audio_similarity.similar_by(instance, track, N_SIMILAR, by=by)
        elif space is not None and track.label is not None:
            method = "features" if weights else "space"
            similar = audio_similarity.similar_by(
                instance, track, N_SIMILAR, by=method, weights=weights
            )
    except NotReady as error:
        problem = str(error)
    return SongPage(
        track,
        run,
        space,
        similar,
        by,
        comparisons,
        problem,
        lyrics.has_words(instance.session, track.id),
        audio_files.for_track(instance.session, track.id),
        playlists.of_listener(instance.session, listener)[:N_PLAYLISTS] if listener else [],
    )
