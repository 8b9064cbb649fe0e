"""Instant mixes for apps: songs like a song, an album or an artist, random songs, sonic paths.

The results are those of the pages: similar songs of a song's page, and the radio of an album or an
artist. They are limited to playable songs that the listener neither dislikes nor has ruled out.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, or_, select

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Match
from songrec.recommend import ranking
from songrec.recommend.lists import stations
from songrec.recommend.lists.rerank import DEFAULT_RERANKING
from songrec.recommend.similarity.mutual_proximity import similarities
from songrec.recommend.similarity.similar import closeness
from songrec.services.catalogue.left_out import left_out
from songrec.services.recommendation import recommend
from songrec.services.recommendation.paths import song_path
from songrec.services.recommendation.playable import playable_choice, playable_ids
from songrec.services.similarity import audio_similarity
from songrec.services.similarity.artist_pages import space_or_none
from songrec.store.catalogue import artists, tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import reactions
from songrec.store.runs.spaces import published_space
from songrec.store.sound import mixture_files
from songrec.store.tables import (
    Listen,
    Listener,
    Tag,
    Track,
    TrackArtist,
    TrackAttributes,
    TrackTag,
)

MAX_SONGS = 500
SPARE = 20
"""Extra candidates, because some may be disliked or not playable."""
MAX_BETWEEN = 98
MAX_TRACKS = 2_000
"""Limit of songs read of an album or artist."""


@dataclass(frozen=True, slots=True)
class SonicMatch:
    """A track and its similarity by sound: 1 for the same sound, 0 for the least similar."""

    track_id: int
    similarity: float


def like_song(instance: Instance, listener: Listener | None, track: TrackView, n: int) -> list[int]:
    """Return the ids of the ``n`` songs most like ``track``, as on its page; none before a run."""
    n = min(n, MAX_SONGS)
    try:
        if recommend.default_comparison(instance, track) == recommend.BEST:
            return ranking.rank_ids(
                published_space(instance),
                [track.id],
                n,
                by=DEFAULT_RERANKING,
                excluded=reactions.dislikes(instance.session, listener),
                withdrawn=left_out(instance, listener, [track.id]),
                only=playable_choice(instance),
                seeds=True,
            )
        similar = recommend.similar_songs(instance, track, n + SPARE, listener=listener)
    except NotReady:
        return []
    ids = np.array([one.track.id for one in similar], dtype=np.int64)
    return ids[np.isin(ids, playable_ids(instance))][:n].tolist()


def like_album(instance: Instance, listener: Listener | None, public_id: str, n: int) -> list[int]:
    """Return the ids of a random ``n`` songs of an album's radio: its own and those like them."""
    album = artists.find_album(instance.session, public_id)
    ids = artists.album_track_ids(instance.session, album.id, MAX_TRACKS) if album else []
    return _radio(instance, listener, ids, n)


def like_artist(instance: Instance, listener: Listener | None, public_id: str, n: int) -> list[int]:
    """Return the ids of a random ``n`` songs of an artist's radio: its own and those like them."""
    artist = artists.find_artist(instance.session, public_id)
    ids = artists.track_ids(instance.session, artist.id, MAX_TRACKS) if artist else []
    return _radio(instance, listener, ids, n)


def _radio(
    instance: Instance, listener: Listener | None, seeds: Sequence[int], n: int
) -> list[int]:
    """Return ``n`` random songs of the radio around tracks; without a run by sound alone."""
    n = min(n, MAX_SONGS)
    space = space_or_none(instance)
    if space is None or not len(space.rows_of(list(seeds))):
        playable = np.intersect1d(seeds, playable_ids(instance)).astype(np.int64)
        if not len(playable):
            return []
        chosen = int(np.random.default_rng().choice(playable))
        views = tracks.tracks_by_id(instance.session, [chosen])
        return like_song(instance, listener, views[0], n) if views else []
    ids = stations.station_ids(
        ranking.create_method(space),
        space,
        seeds,
        n + SPARE,
        seed=secrets.randbelow(10**9),
        only=playable_choice(instance),
        withdrawn=left_out(instance, listener, seeds),
    )
    matches = [Match(track_id, 0.0, ()) for track_id in ids]
    if dislikes := reactions.dislikes(instance.session, listener):
        matches = stations.exclude_songs(space, matches, dislikes)
    return [match.track_id for match in stations.separate_artists(space, matches[:n])]


def random_songs(
    instance: Instance,
    listener: Listener | None,
    n: int,
    *,
    genre: str = "",
    from_year: int | None = None,
    to_year: int | None = None,
) -> list[int]:
    """Return ``n`` random playable track ids, of a genre or of years (both included)."""
    session = instance.session
    ids = playable_ids(instance)
    if genre or from_year is not None or to_year is not None:
        query = select(Track.id)
        if genre:
            query = (
                query.join(TrackTag, TrackTag.track_id == Track.id)
                .join(Tag, Tag.id == TrackTag.tag_id)
                .where(Tag.kind == "genre", func.lower(Tag.name) == genre.lower())
            )
        if from_year is not None:
            query = query.where(Track.year >= from_year)
        if to_year is not None:
            query = query.where(Track.year <= to_year)
        ids = np.intersect1d(np.array(session.scalars(query).all(), dtype=np.int64), ids)
    unwanted = [*left_out(instance, listener), *reactions.dislikes(instance.session, listener)]
    if unwanted:
        ids = np.setdiff1d(ids, np.asarray(unwanted, dtype=np.int64), assume_unique=True)
    rng = np.random.default_rng()
    return rng.choice(ids, min(n, MAX_SONGS, len(ids)), replace=False).tolist()


def top_songs(instance: Instance, listener: Listener | None, artist_id: int, n: int) -> list[int]:
    """Return an artist's ``n`` best known playable tracks (ids).

    Sorted by popularity, if known, then by the listener's own plays.
    """
    session = instance.session
    plays = (
        select(func.sum(Listen.times))
        .where(
            Listen.track_id == Track.id,
            Listen.listener_id == (listener.id if listener else None),
            Listen.is_skip.is_(False),
        )
        .correlate(Track)
        .scalar_subquery()
    )
    query = (
        select(Track.id)
        .join(TrackArtist, TrackArtist.track_id == Track.id)
        .join(TrackAttributes, TrackAttributes.track_id == Track.id, isouter=True)
        .where(
            TrackArtist.artist_id == artist_id,
            or_(TrackArtist.role == "main", TrackArtist.position == 0),
        )
        .order_by(
            TrackAttributes.popularity.desc().nulls_last(),
            func.coalesce(plays, 0).desc(),
            Track.id,
        )
        .limit(MAX_TRACKS)
    )
    playable = playable_ids(instance)
    ids = np.array(list(dict.fromkeys(session.scalars(query))), dtype=np.int64)
    return ids[np.isin(ids, playable)][: min(n, MAX_SONGS)].tolist()


def sonic_matches(
    instance: Instance, listener: Listener | None, track: TrackView, n: int
) -> list[SonicMatch]:
    """Return the ``n`` playable tracks that sound most like ``track``, the most similar first.

    ``NotReady`` if the track has neither sound nor a place in the published run.
    """
    n = min(n, MAX_SONGS)
    dislikes = reactions.dislikes(instance.session, listener)
    similar = audio_similarity.similar_by(
        instance, track, n + min(len(dislikes), n) + SPARE, listener=listener
    )
    ids = np.array([one.track.id for one in similar], dtype=np.int64)
    allowed = ids[np.isin(ids, playable_ids(instance)) & ~np.isin(ids, dislikes)][:n].tolist()
    by_id = dict(zip(allowed, similarity_to(instance, track, allowed), strict=True))
    return [SonicMatch(one, by_id[one]) for one in allowed]


def sonic_path(
    instance: Instance, listener: Listener | None, start: TrackView, end: TrackView, n: int
) -> list[SonicMatch]:
    """Return a path of at most ``n`` playable tracks from one to another, both included.

    Raises ``NotReady`` if one of them is not in the published run.
    """
    if n < 2:
        raise BadInput("A path has two songs at least.")
    if start.id == end.id:
        return [SonicMatch(start.id, 1.0), SonicMatch(end.id, 1.0)]
    space, playable = published_space(instance), playable_choice(instance)
    silent = [] if playable is None else np.setdiff1d(space.track_ids, playable).tolist()
    between = min(n - 2, MAX_BETWEEN)
    ranked, _ = song_path(instance, start, end, between, listener, withdrawn=silent)
    ids = [one.track.id for one in ranked]
    return [
        SonicMatch(track_id, similarity)
        for track_id, similarity in zip(ids, similarity_to(instance, start, ids), strict=True)
    ]


def similarity_to(instance: Instance, track: TrackView, others: Sequence[int]) -> list[float]:
    """Return the similarity by sound of tracks (ids) to ``track``, 0 to 1; -1 if unknown."""
    by_track: dict[int, float] = {track.id: 1.0}
    if audio_similarity.has_mixture(instance, track):
        mixture = mixture_files.load(instance.folder)
        present = [one for one in others if len(mixture.rows_of([one]))]
        scores = similarities(mixture, track.id, mixture.rows_of(present))
        if scores is not None:
            by_track |= dict(zip(present, scores.tolist(), strict=True))
    elif (space := space_or_none(instance)) is not None:
        rows = space.rows_of(list(others))
        scores = closeness(space, track.id, rows)
        if scores is not None:
            by_track |= dict(zip(space.track_ids[rows].tolist(), scores.tolist(), strict=True))
    by_track[track.id] = 1.0
    return [round(by_track.get(one, -1.0), 6) for one in others]
