"""Stations, paths, blends and more like one song: numpy's answers with the catalogue's names."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.core.songs import plain
from songrec.core.sorting import sort_key
from songrec.core.types import Match, Space
from songrec.recommend.explain import contributions
from songrec.recommend.lists import blends, paths, stations
from songrec.recommend.lists.moods import GENRES
from songrec.recommend.lists.moods import describe_match as mood_sentence
from songrec.recommend.similarity import more_like as more
from songrec.services.recommendation import mood as moods
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.services.recommendation.recommend import HasId, Recommendation, named, titles
from songrec.store.catalogue import tracks
from songrec.store.listeners import playlists
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.store.sound import audio_files
from songrec.store.tables import Cluster, Listener, Track

KINDS = ("song", "artist", "cluster", "mood", "playlist", "likes")
SONGS_OF_AN_ARTIST = 500
CURSOR = r"^[0-9]{1,9}-[0-9]{1,6}$"
"""A station's seed and the place to go on from."""
FURTHEST = 5_000
"""A station goes no further than this; nobody has listened on for so long."""


class UnknownStation(UnknownName):
    """A station of something that there is not."""

    def __init__(self, what: str) -> None:
        Exception.__init__(self, f"There is no {what}, so there is no station of it.")


@dataclass(frozen=True)
class StationPage:
    """Some songs of a station; ``cursor`` goes on after them, None where all has been played."""

    kind: str
    key: str
    title: str
    items: list[Recommendation]
    cursor: str | None


@dataclass(frozen=True)
class _Source:
    title: str
    seeds: Sequence[int] = ()
    label: int | None = None
    mood: moods.Mood | None = None


def new_cursor() -> str:
    """The beginning of a station that nobody has heard in this order."""
    return f"{secrets.randbelow(10**9)}-0"


def station_page(
    session: Session,
    instance: Path,
    listener: Listener | None,
    kind: str,
    key: str,
    *,
    cursor: str = "0-0",
    n: int = 20,
    audible: bool = False,
) -> StationPage:
    """The next ``n`` songs of the station of ``kind`` around ``key``, each with its reasons.

    ``key`` is a song's or playlist's public id, an artist's name, a cluster's number, or a genre
    and an emotion with a comma between (either may be missing); ``likes`` needs none. The order
    is one for the station's seed (the first number of ``cursor``), so nothing comes twice however
    long it plays. What ``listener`` does not like is passed over; ``audible`` songs only can be
    heard. Raises ``UnknownStation`` for what there is not, ``NotReady`` without a run.
    """
    if not re.match(CURSOR, cursor):
        raise BadInput("This place in the station cannot be read; start it anew.")
    seed, start = (int(part) for part in cursor.split("-"))
    space = published_space(session, instance)
    source = _source(session, space, listener, kind, key)
    known = ListenerFeedback.load(session, listener)
    only = audio_files.audible(session) if audible else None
    if source.mood is not None:
        found = moods.mood_matches(
            session,
            space,
            source.mood,
            stations.candidates_needed(start + n),
            only=only,
            choose=lambda available: stations.jittered_order(available, start, n, seed),
        )
    else:
        found = stations.station_matches(
            space,
            source.seeds,
            start,
            n,
            seed=seed,
            label=source.label,
            only=only,
            names=titles(session),
        )
    more_to_come = len(found) == n and start + n < FURTHEST
    first = source.seeds[0] if len(source.seeds) == 1 and start == 0 else None
    kept = stations.exclude_songs(space, found, known.dislikes) if known.dislikes else found
    kept = stations.separate_artists(space, kept)

    def told(match: Match) -> str:
        if source.mood is not None:
            return mood_sentence(match)
        if match.track_id == first:
            return "The song that it begins with"
        return contributions.main_reason(match.reasons)

    items = named(session, kept, told)
    cursor_after = f"{seed}-{start + n}" if more_to_come else None
    return StationPage(kind, key, source.title, items, cursor_after)


def path(
    session: Session, instance: Path, start: HasId, end: HasId, between: int
) -> tuple[list[Recommendation], paths.SongPath]:
    """The way from one song to another over ``between`` others, and its steps."""
    space = published_space(session, instance)
    found = paths.find_path(space, start.id, end.id, between)
    return named(
        session, paths.describe_path(space, found, titles(session)), paths.describe_match
    ), found


def blend(
    session: Session, instance: Path, plus: Sequence[int], minus: Sequence[int], n: int
) -> list[Recommendation]:
    """Songs in the direction of Σ plus − Σ minus (track ids)."""
    space = published_space(session, instance)
    found = blends.blend(space, plus, minus, n, titles(session))
    return named(session, found, blends.describe_match)


def more_like(
    session: Session, instance: Path, track: HasId, known: ListenerFeedback, n: int
) -> list[Recommendation]:
    """What sounds like a song, with the likes as the background."""
    found = more.more_like(
        published_space(session, instance),
        track.id,
        n,
        likes=known.likes,
        dislikes=known.dislikes,
        weights=known.weights,
        names=titles(session),
    )
    return named(session, found)


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
            found = playlists.find(session, key, listener)
            if found is None:
                raise UnknownStation(f"playlist {key[:40]!r}")
            return _Source(found.name, _in_run(space, playlists.tracks(session, found)))
        case "likes":
            return _Source(
                "What you like", _in_run(space, ListenerFeedback.load(session, listener).likes)
            )
    raise UnknownStation(f"kind of station {kind[:40]!r}")


def _of_song(session: Session, space: Space, key: str) -> _Source:
    track = tracks.find_track(session, key)
    if track is None:
        raise UnknownStation(f"song {key[:40]!r}")
    return _Source(track.title, _in_run(space, [track.id]))


def _of_artist(session: Session, space: Space, key: str) -> _Source:
    name = sort_key(key)
    query = select(Track.id, Track.artists).where(
        or_(Track.sort_artists == name, Track.sort_artists.startswith(f"{name}, ", autoescape=True))
    )
    rows = session.execute(query.order_by(Track.id).limit(SONGS_OF_AN_ARTIST)).all()
    wanted = plain(key)
    ids = [i for i, artists in rows if wanted in (plain(artists), *map(plain, artists.split(", ")))]
    if not key.strip() or not ids:
        raise UnknownStation(f"artist {key[:40]!r}")
    return _Source(key.strip(), _in_run(space, ids))


def _of_cluster(session: Session, space: Space, key: str) -> _Source:
    run = runs.published(session)
    number = int(key) if re.fullmatch(r"-?[0-9]{1,9}", key) else None
    cluster = (
        session.scalar(select(Cluster).where(Cluster.run_id == run.id, Cluster.number == number))
        if run and number is not None
        else None
    )
    if cluster is None or number is None:
        raise UnknownStation(f"cluster {key[:40]!r}")
    typical = [int(i) for i in cluster.profile.get("typical", [])]
    seeds = typical or space.track_ids[space.labels == number][: stations.MAX_SEEDS].tolist()
    return _Source(str(cluster.name).capitalize(), _in_run(space, seeds), number)


def _of_mood(session: Session, key: str) -> _Source:
    genre, emotion = None, None
    for part in (part.strip() for part in key.split(",") if part.strip()):
        genres = {name.lower(): name for name in GENRES}
        if part.lower() in genres and genre is None:
            genre = genres[part.lower()]
        elif part.lower() in (name.lower() for name in moods.emotions(session)):
            emotion = part.lower()
        else:
            raise UnknownStation(f"mood {part[:40]!r}")
    if not (genre or emotion):
        raise UnknownStation(f"mood {key[:40]!r}")
    return _Source(", ".join(filter(None, (genre, emotion))), mood=moods.Mood(genre, emotion))


def _in_run(space: Space, ids: Sequence[int]) -> list[int]:
    rows = space.rows_of(list(ids))
    if not len(rows):
        raise NotReady(
            "None of these songs is part of the published run. Like or choose others, or train "
            "again with `flask train`."
        )
    return space.track_ids[rows].tolist()
