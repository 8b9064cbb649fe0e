"""Stations (radio): endless lists around a song, artist, cluster, mood, playlist, likes, or all."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.core.types import Ints, Match, Reason, Space
from songrec.recommend import ranking
from songrec.recommend.explain.contributions import LITTLE_IN_COMMON
from songrec.recommend.lists import moods as mood_table
from songrec.recommend.lists import stations
from songrec.services.catalogue.left_out import left_out
from songrec.services.catalogue.track_lookup import title_lookup
from songrec.services.recommendation import mood as moods
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.services.recommendation.playable import playable_ids
from songrec.services.recommendation.recommend import name_evidence
from songrec.services.similarity.artist_pages import space_or_none
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.catalogue import artists, tracks
from songrec.store.instance import Instance
from songrec.store.listeners import playlists
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Cluster, Listener

KINDS = ("song", "artist", "cluster", "mood", "playlist", "likes", "all")
MAX_SONGS_OF_ARTIST = 500
MAX_SONGS_OF_KEY = 20
CURSOR = r"^[0-9]{1,9}-[0-9]{1,6}$"
"""Cursor of a station: seed and position."""
ONE_OF_THE_SONGS = "One of the songs this radio starts from"
ANY_SONG = "From all the songs you can play"
MAX_LENGTH = 5_000
"""A station ends after this many songs."""


class UnknownStation(UnknownName):
    """Raised for a station of an unknown kind or around an unknown subject."""

    def __init__(self, what: str) -> None:
        Exception.__init__(self, f"There is no {what}, so it has no radio.")


@dataclass(frozen=True)
class StationPage:
    """Some songs of a station; ``cursor`` continues after them, None at the end."""

    kind: str
    key: str
    title: str
    items: list[RankedTrack]
    cursor: str | None


@dataclass(frozen=True)
class _Source:
    """Subject of a station: seed tracks (ids), a cluster's label, or a mood."""

    title: str
    seeds: Sequence[int] = ()
    label: int | None = None
    mood: moods.Mood | None = None


def new_cursor() -> str:
    """Return a cursor at the beginning of a random order."""
    return f"{secrets.randbelow(10**9)}-0"


def station_page(
    instance: Instance,
    listener: Listener | None,
    kind: str,
    key: str,
    *,
    cursor: str = "0-0",
    n: int = 20,
    audible: bool = False,
    only: Sequence[int] | Ints | None = None,
    withdrawn: Sequence[int] = (),
) -> StationPage:
    """Return the next ``n`` songs of the station of ``kind`` around ``key``, with reasons.

    Songs that ``listener`` dislikes are left out. The order depends only on the seed in ``cursor``,
    so no song is repeated.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    key
        A song's public id or several with commas between, a playlist's public id, an artist's
        public id or name, a cluster's number, or a genre and an emotion separated by a comma
        (either may be missing); unused for ``likes`` and ``all`` (all playable songs, even without
        a run).
    cursor
        ``"<seed>-<position>"``.
    audible
        Whether to return only songs with a playable file.
    only
        Tracks (ids) to choose from, for callers with their own rule of what is playable.
    withdrawn
        Further tracks (ids) to leave out.

    Raises
    ------
    UnknownStation
        If ``kind`` or ``key`` does not exist.
    NotReady
        If nothing is published, or none of the seeds is part of the run.
    """
    if not re.match(CURSOR, cursor):
        raise BadInput("This place in the radio cannot be read; start it again.")
    seed, start = (int(part) for part in cursor.split("-"))
    if kind == "all":
        return _page_of_all(instance, listener, seed, start, n)
    space = published_space(instance)
    source = _source(instance.session, space, listener, kind, key)
    dislikes = ListenerFeedback.load(instance.session, listener).dislikes
    if audible:
        only = playable_ids(instance)
    matches = _matches(instance, listener, space, source, seed, start, n, only, withdrawn)
    has_more = len(matches) == n and start + n < MAX_LENGTH
    if dislikes:
        matches = stations.exclude_songs(space, matches, dislikes)
    matches = stations.separate_artists(space, matches)

    if source.mood is not None:
        items = attach_tracks(instance.session, matches, mood_table.describe_match)
    else:
        items = attach_tracks(instance.session, name_evidence(instance.session, matches))
        items = _explain_seeds(items, source.seeds)
    next_cursor = f"{seed}-{start + n}" if has_more else None
    return StationPage(kind, key, source.title, items, next_cursor)


def _explain_seeds(items: Sequence[RankedTrack], seeds: Sequence[int]) -> list[RankedTrack]:
    """Explain a seed that has little in common with the others by its being one of them."""
    return [
        replace(
            item,
            sentence=ONE_OF_THE_SONGS,
            reasons=(Reason("seed", ONE_OF_THE_SONGS, item.score, item.track.id),),
            per_like=(),
        )
        if item.track.id in seeds and item.sentence.startswith(LITTLE_IN_COMMON)
        else item
        for item in items
    ]


def _matches(
    instance: Instance,
    listener: Listener | None,
    space: Space,
    source: _Source,
    seed: int,
    start: int,
    n: int,
    only: Sequence[int] | Ints | None,
    withdrawn: Sequence[int],
) -> list[Match]:
    """Return ``n`` matches of a station from position ``start``, before dislikes are removed."""
    if source.mood is None:
        return stations.station_matches(
            ranking.create_method(space),
            space,
            source.seeds,
            start,
            n,
            seed=seed,
            label=source.label,
            only=only,
            withdrawn=[
                *left_out(instance, listener, source.seeds if source.label is None else ()),
                *withdrawn,
            ],
            names=title_lookup(instance.session),
        )
    tagged = moods.tagged_ids(instance.session, space, source.mood)
    matches = moods.mood_matches(
        instance.session,
        space,
        source.mood,
        stations.candidates_needed(start + n),
        only=only,
        withdrawn=[*left_out(instance, listener, requested=tagged), *withdrawn],
        pick_ranks=lambda available: stations.jittered_order(available, start, n, seed),
    )
    if not matches and not start:
        named = " and ".join(f"“{name}”" for _, name in source.mood.tags)
        # They may be left out, or not playable.
        raise UnknownStation(
            f"song tagged {named} to play" if len(tagged) else f"song tagged {named}"
        )
    return matches


def _page_of_all(
    instance: Instance, listener: Listener | None, seed: int, start: int, n: int
) -> StationPage:
    """Return part of a random order of all playable songs."""
    dislikes = ListenerFeedback.load(instance.session, listener).dislikes
    unwanted = [*left_out(instance, listener), *dislikes]
    ids = np.setdiff1d(playable_ids(instance), unwanted)
    chosen = np.random.default_rng(seed).permutation(ids)[start : start + n].tolist()
    matches = [Match(one, 0.0, ()) for one in chosen]
    space = space_or_none(instance)
    if space is not None:
        matches = stations.separate_artists(space, matches)
    cursor = f"{seed}-{start + n}" if start + n < min(len(ids), MAX_LENGTH) else None
    items = attach_tracks(instance.session, matches, lambda match: ANY_SONG)
    return StationPage("all", "", "All songs", items, cursor)


def _source(
    session: Session, space: Space, listener: Listener | None, kind: str, key: str
) -> _Source:
    match kind:
        case "song":
            return _of_song(session, space, key)
        case "artist":
            return _of_artist(session, space, key)
        case "cluster":
            return _of_cluster(session, space, key)
        case "mood":
            return _of_mood(session, key)
        case "playlist":
            playlist = playlists.find(session, key, listener)
            if playlist is None:
                raise UnknownStation(f"playlist {key[:40]!r}")
            return _Source(playlist.name, _in_run(space, playlists.tracks(session, playlist)))
        case "likes":
            return _Source(
                "Your likes", _in_run(space, ListenerFeedback.load(session, listener).likes)
            )
    raise UnknownStation(f"kind of station {kind[:40]!r}")


def _of_song(session: Session, space: Space, key: str) -> _Source:
    track = tracks.find_track(session, key)
    if track is not None:
        return _Source(track.title, _in_run(space, [track.id]))
    views = tracks.tracks_by_public_id(session, key.split(",")[:MAX_SONGS_OF_KEY])
    if not views:
        raise UnknownStation(f"song {key[:40]!r}")
    more = f" and {len(views) - 1} more" if len(views) > 1 else ""
    return _Source(views[0].title + more, _in_run(space, [view.id for view in views]))


def _of_artist(session: Session, space: Space, key: str) -> _Source:
    artist = artists.find_artist(session, key)
    ids = artists.track_ids(session, artist.id, MAX_SONGS_OF_ARTIST) if artist else []
    if artist is None or not ids:
        raise UnknownStation(f"artist {key[:40]!r}")
    return _Source(artist.name, _in_run(space, ids))


def _of_cluster(session: Session, space: Space, key: str) -> _Source:
    run = runs.published(session)
    number = int(key) if re.fullmatch(r"-?[0-9]{1,9}", key) else None
    cluster = (
        session.scalar(select(Cluster).where(Cluster.run_id == run.id, Cluster.number == number))
        if run and number is not None
        else None
    )
    if cluster is None or number is None:
        raise UnknownStation(f"sound group {key[:40]!r}")
    typical = [int(i) for i in cluster.profile.get("typical", [])]
    seeds = typical or space.track_ids[space.labels == number][: stations.MAX_SEEDS].tolist()
    return _Source(str(cluster.name).capitalize(), _in_run(space, seeds), number)


def _of_mood(session: Session, key: str) -> _Source:
    genre, emotion = None, None
    for part in (part.strip() for part in key.split(",") if part.strip()):
        if genre is None and (name := moods.spell_tag(session, "genre", part)):
            genre = name
        elif name := moods.spell_tag(session, "emotion", part):
            emotion = name
        else:
            raise UnknownStation(f"mood {part[:40]!r}")
    if not (genre or emotion):
        raise UnknownStation(f"mood {key[:40]!r}")
    return _Source(", ".join(filter(None, (genre, emotion))), mood=moods.Mood(genre, emotion))


def _in_run(space: Space, ids: Sequence[int]) -> list[int]:
    rows = space.rows_of(list(ids))
    if not len(rows):
        raise NotReady(
            "These songs are new: radio follows after the next training (`flask train`). "
            "Like or choose others meanwhile."
        )
    return space.track_ids[rows].tolist()
