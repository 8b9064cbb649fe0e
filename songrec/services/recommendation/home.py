"""Content of the home page."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from songrec.core.errors import NotReady
from songrec.core.types import Ints, Space
from songrec.core.versioned_cache import VersionedCache
from songrec.recommend.explain.contributions import LITTLE_IN_COMMON
from songrec.recommend.lists.starters import central_order, starter_order
from songrec.recommend.lists.stations import jittered_order
from songrec.recommend.methods.segments import matched_segment
from songrec.services.catalogue.left_out import left_out
from songrec.services.recommendation import for_listener
from songrec.services.recommendation.for_listener import ListenerFeedback, reason_without_like
from songrec.services.recommendation.recommend import recommend_for
from songrec.services.similarity.artist_pages import space_or_none
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import listens, recommendation_rules
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.store.tables import Listener, Run

ENOUGH_LIKES = 3
"""Number of likes from which the page no longer shows songs to like first."""
N_STARTERS = 12
N_ROWS = 3
N_PER_ROW, MIN_PER_ROW = 6, 3
N_IN_GROUP, N_COVERS = 3, 4
"""Numbers of songs and covers of a sound group."""
SPARE = 6
"""Spare songs of a row, for other days and to replace songs shown elsewhere on the page."""
N_CANDIDATES = 12
"""Candidate songs of a sound group."""
PLENTY = 500
"""Number of playable songs below which rows choose their songs before sound groups do."""
SEGMENTS = "fragments"
MIX, ALL = "likes", "all"
"""Stations of the large play button: one's own mix, and all playable songs."""
_cached_rows = VersionedCache(256)
_cached_views = VersionedCache(256)
_cached_overviews = VersionedCache(8)


@dataclass(frozen=True, slots=True)
class HomeSong:
    """A song of a row with its reason.

    ``moments`` are the similar moments of the liked song and of this one, as (track's public id,
    start in seconds, length); empty for other reasons.
    """

    track: TrackView
    sentence: str = ""
    moments: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class HomeRow:
    """A row of songs under a title.

    ``key`` is the kind: because, moment, played, liked or new. ``like`` is the song that the row is
    about, None if there are several.
    """

    key: str
    title: str
    songs: list[HomeSong]
    like: TrackView | None = None


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A sound group: number, name, size, some of its songs, and whether it can be played.

    ``covers`` are songs whose covers are shown, ``songs`` those that are named and not shown
    elsewhere on the page.
    """

    number: int
    name: str
    size: int
    covers: list[TrackView]
    songs: list[TrackView]
    is_audible: bool


@dataclass(frozen=True)
class HomePage:
    """Content of a listener's home page, without a song twice.

    ``station`` is the station of the large button (``MIX``, ``ALL``, or empty if nothing can be
    played). ``starters`` are songs to like first, empty from ``ENOUGH_LIKES`` likes on, ``further``
    the number of their page. ``groups_version`` is equal for equal ``groups``, ``version`` for the
    same catalogue, run and moments.
    """

    run: Run | None
    track_count: int
    audible_count: int
    feedback: ListenerFeedback
    station: str
    starters: list[TrackView]
    further: int
    rows: list[HomeRow]
    groups: Sequence[GroupCard]
    groups_version: Hashable
    noise: int
    version: Hashable

    @property
    def enough_likes(self) -> int:
        """Number of songs to like first."""
        return ENOUGH_LIKES


@dataclass(frozen=True, slots=True)
class _Group:
    number: int
    name: str
    size: int
    candidates: list[TrackView]
    is_audible: bool


@dataclass(frozen=True, slots=True)
class _Overview:
    """Content of the page that is the same for everybody, cached until catalogue or run change.

    ``version`` identifies the state of catalogue, run and moments. ``audible`` are ascending track
    ids. ``starters`` are the ids of playable tracks and of others, each the best first.
    """

    version: Hashable
    track_count: int
    audible: Ints
    groups: tuple[_Group, ...] = ()
    group_ids: frozenset[int] = frozenset()
    noise: int = 0
    starters: tuple[Ints, ...] = field(default_factory=tuple)

    @property
    def is_mixed(self) -> bool:
        """Whether only part of the catalogue can be played."""
        return 0 < len(self.audible) < self.track_count

    @property
    def has_plenty(self) -> bool:
        """Whether there are enough playable songs, or none at all."""
        return not len(self.audible) or len(self.audible) >= PLENTY


def home_page(
    instance: Instance, listener: Listener | None, today: date, *, further: int = 0
) -> HomePage:
    """Return the home page of ``listener``.

    The page depends on the listener's likes, dislikes and plays, and on ``today``. If only part of
    the catalogue has sound, playable songs come first.

    Parameters
    ----------
    further
        Number of the page of songs to like first, from 0.
    """
    run = runs.published(instance.session)
    space = space_or_none(instance) if run is not None else None
    overview = _overview(instance, run, space)
    feedback = ListenerFeedback.load(instance.session, listener)
    day = crc32(today.isoformat().encode())
    seed = crc32(f"{day}|{listener.id if listener else ''}".encode())
    # Recent plays and likes take precedence: other rows do not repeat their songs.
    recent = _recent_rows(instance, overview, feedback, run)
    shown = {*feedback.dislikes, *(song.track.id for row in recent for song in row.songs)}
    cards = _group_cards(overview, day, shown)
    if overview.has_plenty:
        shown |= cards.named
    starters: list[TrackView] = []
    if len(feedback.likes) < ENOUGH_LIKES:
        unwanted = {*feedback.dislikes, *(cards.named if overview.has_plenty else ())}
        ids, further = _starters(instance, overview, feedback, day, further, unwanted)
        starters = _views(instance, overview, run, "starters", ids)
        recent = _without(recent, ids)
        shown.update(ids)
    rows = _take(_rows_of_likes(instance, space, overview, feedback, seed), shown)
    if not overview.has_plenty:
        # With few playable songs the rows need all of them.
        cards = _group_cards(overview, day, shown)
    return HomePage(
        run=run,
        track_count=overview.track_count,
        audible_count=len(overview.audible),
        feedback=feedback,
        station=_station(space, overview, feedback),
        starters=starters,
        further=further,
        rows=[row for row in (*rows, *recent) if row.songs],
        groups=cards.groups,
        groups_version=cards.version,
        noise=overview.noise,
        version=overview.version,
    )


def _station(space: Space | None, overview: _Overview, feedback: ListenerFeedback) -> str:
    if not len(overview.audible):
        return ""
    return MIX if space is not None and len(space.rows_of(feedback.likes)) else ALL


def _recent_rows(
    instance: Instance, overview: _Overview, feedback: ListenerFeedback, run: Run | None
) -> list[HomeRow]:
    """Return rows of recent plays and likes; without a run, of songs with sound."""
    session = instance.session
    played = (
        listens.recent_tracks(session, feedback.listener, N_PER_ROW) if feedback.listener else []
    )
    liked = [one for one in feedback.likes[: 2 * N_PER_ROW] if one not in played]
    liked = _audible_first(liked, overview)[:N_PER_ROW]
    titles = {"played": ("Recently played", played), "liked": ("Songs you like", liked)}
    if run is None:
        newest = overview.audible[::-1][: 3 * N_PER_ROW].tolist()
        others = [one for one in newest if one not in (*played, *liked)]
        titles["new"] = ("Ready to play", others[: 2 * N_PER_ROW])
    needed = [one for _, ids in titles.values() for one in ids]
    views = {view.id: view for view in _views(instance, overview, run, feedback.listener, needed)}
    return [
        HomeRow(key, title, [HomeSong(views[one]) for one in ids if one in views])
        for key, (title, ids) in titles.items()
    ]


def _views(
    instance: Instance,
    overview: _Overview,
    run: Run | None,
    place: Listener | str | None,
    ids: Sequence[int],
) -> list[TrackView]:
    """Read tracks, cached per place on the page while their ids are the same."""
    name = place.id if isinstance(place, Listener) else place
    return _cached_views.get(
        (Path(instance.folder), name),
        (overview.version, tuple(ids)),
        lambda: tracks.tracks_by_id(instance.session, ids, run),
    )


def _without(rows: Sequence[HomeRow], ids: Sequence[int]) -> list[HomeRow]:
    return [
        replace(row, songs=[song for song in row.songs if song.track.id not in ids]) for row in rows
    ]


def _take(rows: Sequence[HomeRow], shown: set[int]) -> list[HomeRow]:
    """Choose the songs of each row that are not in ``shown``, and add them to it.

    Rows of moments choose first, because few songs fit them.
    """
    chosen = {}
    for at in sorted(range(len(rows)), key=lambda at: rows[at].key != "moment"):
        songs = [song for song in rows[at].songs if song.track.id not in shown][:N_PER_ROW]
        shown.update(song.track.id for song in songs)
        chosen[at] = replace(rows[at], songs=songs)
    return [chosen[at] for at in range(len(rows))]


@dataclass(frozen=True, slots=True)
class _GroupCards:
    """The cards of all sound groups, and a key of their content."""

    groups: list[GroupCard]
    version: Hashable

    @property
    def named(self) -> set[int]:
        """Ids of the songs named on the cards."""
        return {track.id for group in self.groups for track in group.songs}


def _group_cards(overview: _Overview, day: int, shown: set[int]) -> _GroupCards:
    """Choose songs of each sound group that are not in ``shown``."""
    shown_groups = overview.group_ids & shown
    cards = []
    for group in overview.groups:
        order = jittered_order(len(group.candidates), 0, len(group.candidates), day).tolist()
        views = sorted((group.candidates[at] for at in order), key=lambda view: not view.has_audio)
        fresh = [view for view in views if view.id not in shown_groups]
        cards.append(
            GroupCard(
                group.number,
                group.name,
                group.size,
                [*fresh, *(view for view in views if view.id in shown_groups)][:N_COVERS],
                fresh[:N_IN_GROUP],
                group.is_audible,
            )
        )
    return _GroupCards(cards, (overview.version, day, shown_groups))


def _starters(
    instance: Instance,
    overview: _Overview,
    feedback: ListenerFeedback,
    day: int,
    page: int,
    unwanted: set[int],
) -> tuple[list[int], int]:
    """Return a page of songs to like first and its number; the last page is followed by the first.

    The order is fixed for the day, so liking or playing a song does not move the others.
    """
    if feedback.listener is not None:
        unwanted = {*unwanted, *left_out(instance, feedback.listener)}
    ids = [
        one
        for part in overview.starters
        for one in part[jittered_order(len(part), 0, len(part), day)].tolist()
        if one not in unwanted
    ]
    page %= max(1, -(-len(ids) // N_STARTERS))
    return ids[page * N_STARTERS :][:N_STARTERS], page


def _rows_of_likes(
    instance: Instance,
    space: Space | None,
    overview: _Overview,
    feedback: ListenerFeedback,
    seed: int,
) -> Sequence[HomeRow]:
    """Return *Because you like* and *A moment like*, cached until something changes.

    Each row has ``SPARE`` more songs than are shown.
    """
    if space is None or not feedback.likes:
        return ()
    rules = recommendation_rules.of_listener(instance.session, feedback.listener)
    state = (
        tuple(feedback.likes),
        tuple(feedback.dislikes),
        tuple(sorted(feedback.weights.items())),
        tuple(sorted(feedback.skips.items())),
        tuple((rule.kind, rule.value) for rule in rules),
    )
    return _cached_rows.get(
        (Path(instance.folder), feedback.listener.id if feedback.listener else None),
        (overview.version, seed, state),
        lambda: [
            *_because_rows(instance, overview, feedback, seed),
            *_moment_rows(instance, space, feedback, seed),
        ],
    )


def _because_rows(
    instance: Instance, overview: _Overview, feedback: ListenerFeedback, seed: int
) -> list[HomeRow]:
    has_starters = len(feedback.likes) < ENOUGH_LIKES
    try:
        rows = for_listener.recommendation_rows(
            instance,
            feedback,
            n_rows=N_ROWS,
            n=N_PER_ROW + SPARE + (N_STARTERS if has_starters else 0),
            first=overview.audible if overview.is_mixed else None,
        )
    except NotReady:
        return []
    return [
        HomeRow(
            "because",
            row.title,
            [
                HomeSong(one.track, _sentence(one.sentence, row.likes))
                for one in _of_the_day(_close_songs(row.songs), seed)
            ],
            row.likes[0] if len(row.likes) == 1 else None,
        )
        for row in rows
    ]


def _close_songs(songs: Sequence[RankedTrack]) -> Sequence[RankedTrack]:
    """Drop songs with little in common with the likes, unless too few remain."""
    close = [one for one in songs if not one.sentence.startswith(LITTLE_IN_COMMON)]
    return close if len(close) >= MIN_PER_ROW else songs


def _sentence(sentence: str, likes: Sequence[TrackView]) -> str:
    return reason_without_like(sentence) if len(likes) == 1 else sentence


def _moment_rows(
    instance: Instance, space: Space, feedback: ListenerFeedback, seed: int
) -> list[HomeRow]:
    """Return rows of songs with a moment similar to one in a recently liked song."""
    if space.segments is None:
        return []
    has_moments = np.isin(feedback.likes, space.segments.track_ids).tolist()
    likes = [one for one, has in zip(feedback.likes, has_moments, strict=True) if has][:N_ROWS]
    views = tracks.tracks_by_id(instance.session, likes)
    if not views:
        return []
    like = views[seed % len(views)]
    try:
        songs = recommend_for(
            instance,
            [like.id],
            feedback.dislikes[: for_listener.MAX_REACTIONS],
            method=SEGMENTS,
            n=2 * (N_PER_ROW + SPARE),
            excluded=[one for one in feedback.likes if one != like.id],
            listener=feedback.listener,
        )
    except NotReady:
        return []
    matched = [
        HomeSong(one.track, one.sentence, _moments(one, like))
        for one in _of_the_day(songs, seed)
        if one.track.has_audio
    ]
    return [HomeRow("moment", f"A moment like “{like.title}”", matched, like)]


def _moments(song: RankedTrack, like: TrackView) -> tuple[tuple[str, float, float], ...]:
    """Return the moment of ``like`` nearest to the matched moment of ``song``, and the latter."""
    own = matched_segment(song.reasons)
    near: Any = next(
        (reason.details.get("fragments") for reason in song.reasons if reason.about == like.id),
        None,
    )
    if own is None or not near:
        return ()
    seconds = float(own["seconds"])
    return (
        (like.public_id, near[0]["start_s"], seconds),
        (song.track.public_id, own["start_s"], seconds),
    )


def _of_the_day(songs: Sequence[RankedTrack], seed: int) -> list[RankedTrack]:
    """Perturb the order of ``songs`` by a daily seed, keeping playable songs first."""
    ordered = []
    for has_audio in (True, False):
        part = [one for one in songs if one.track.has_audio == has_audio]
        ordered += [part[at] for at in jittered_order(len(part), 0, len(part), seed).tolist()]
    return ordered


def _audible_first(ids: Iterable[int], overview: _Overview) -> list[int]:
    ids = list(ids)
    audible = dict(zip(ids, np.isin(ids, overview.audible).tolist(), strict=True))
    return sorted(ids, key=lambda one: not audible[one])


def _overview(instance: Instance, run: Run | None, space: Space | None) -> _Overview:
    """Return the content that is the same for everybody, cached until something changes."""
    segments = space.segments if space is not None else None
    version = (
        tracks.version(instance.session),
        audio_files.newest(instance.session),
        run.public_id if run is not None else None,
        space is not None,
        segments.name if segments is not None else None,
    )
    return _cached_overviews.get(
        Path(instance.folder), version, lambda: _compute_overview(instance, run, space, version)
    )


def _compute_overview(
    instance: Instance, run: Run | None, space: Space | None, version: Hashable
) -> _Overview:
    session = instance.session
    audible = np.unique(np.asarray(audio_files.audible(session), dtype=np.int64))
    sounding: dict[int, list[int]] = {}
    starters: tuple[Ints, ...] = ()
    if space is not None:
        allowed = np.ones(len(space.track_ids), dtype=bool)
        allowed[space.rows_of(left_out(instance))] = False
        has_sound = np.zeros(len(space.track_ids), dtype=bool)
        has_sound[space.rows_of(audible)] = True
        sounding = _central_songs(space, np.flatnonzero(allowed & has_sound))
        starters = tuple(
            space.track_ids[starter_order(space, np.flatnonzero(allowed & part))]
            for part in (has_sound, ~has_sound)
        )
    clusters = runs.clusters_of(session, run) if run is not None else []
    groups = []
    for cluster in sorted(clusters, key=lambda c: (-c.size, c.number)):
        if cluster.number >= 0:
            central = sounding.get(cluster.number, [])
            typical = [int(one) for one in cluster.profile.get("typical", ())]
            ids = list(dict.fromkeys([*central, *typical]))[:N_CANDIDATES]
            views = tracks.tracks_by_id(session, ids, run)
            groups.append(_Group(cluster.number, cluster.name, cluster.size, views, bool(central)))
    return _Overview(
        version,
        tracks.track_count(session),
        audible,
        groups=tuple(groups),
        group_ids=frozenset(view.id for group in groups for view in group.candidates),
        noise=sum(cluster.size for cluster in clusters if cluster.number < 0),
        starters=starters,
    )


def _central_songs(space: Space, rows: Ints) -> dict[int, list[int]]:
    """Return, by cluster, the ids of the songs among ``rows`` nearest to the centroid of these."""
    labels = space.labels[rows]
    return {
        number: space.track_ids[central_order(space, rows[labels == number])].tolist()[
            :N_CANDIDATES
        ]
        for number in np.unique(labels).tolist()
    }
