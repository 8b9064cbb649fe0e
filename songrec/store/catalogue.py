"""Reading the catalogue: one track, a page of tracks, what there is to choose from."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_, func, literal_column, select, text
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.store.tables import (
    Cluster,
    ClusterAssignment,
    Run,
    Tag,
    Track,
    TrackAttributes,
    TrackTag,
)

PER_PAGE = 50
COUNT_LIMIT = 5_000
"""Counting stops here: "more than 5,000 songs" tells as much and costs a bounded time."""

SORTS: dict[str, str] = {
    "title": "Title",
    "artist": "Artist",
    "popularity": "Popularity",
    "energy": "Energy",
    "danceability": "Danceability",
    "positiveness": "Positiveness",
    "tempo": "Tempo",
    "typical": "Most typical first",
}


@dataclass(frozen=True, slots=True)
class TrackView:
    """A track as pages show it; ``attributes`` maps the twelve names to values or None.

    ``label`` is the cluster number in the run that was asked about, None when the track is not
    part of that run; ``confidence``, ``x`` and ``y`` likewise.
    """

    id: int
    public_id: str
    external_id: str | None
    title: str
    artists: str
    album: str | None
    genre: str | None
    emotion: str | None
    year: int | None
    duration_ms: int | None
    key: int | None
    mode: int | None
    attributes: dict[str, float | None]
    label: int | None = None
    confidence: float | None = None
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True)
class TrackQuery:
    """What a list of tracks is narrowed to and how it is sorted.

    ``ranges`` maps an attribute to ``(low, high)``, either of which may be None.
    """

    text: str = ""
    genre: str = ""
    emotion: str = ""
    cluster: int | None = None
    ranges: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    sort: str = "title"
    descending: bool = False
    page: int = 1
    per_page: int = PER_PAGE

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the sorting is asked for."""
        return self.cluster is not None or self._is_narrowed_within()

    @property
    def is_one_cluster(self) -> bool:
        """Whether a whole cluster is asked for, nothing less."""
        return self.cluster is not None and not self._is_narrowed_within()

    def _is_narrowed_within(self) -> bool:
        return bool(self.text or self.genre or self.emotion or self.ranges)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of tracks; ``total`` is exact unless ``more`` says there are further ones."""

    tracks: list[TrackView]
    number: int
    last: int
    total: int
    more: bool = False


TRACK_COLUMNS = (
    Track.id, Track.public_id, Track.external_id, Track.title, Track.artists, Track.album,
    Track.genre, Track.emotion, Track.year, Track.duration_ms, Track.key, Track.mode,
)  # fmt: skip
_ATTRIBUTE_COLUMNS = tuple(getattr(TrackAttributes, name) for name in ATTRIBUTE_NAMES)
_PLACE_COLUMNS = (
    ClusterAssignment.label,
    ClusterAssignment.confidence,
    ClusterAssignment.x,
    ClusterAssignment.y,
)


def version(session: Session) -> str:
    """A short string that changes when tracks are added or changed; costs two index look-ups."""
    # Two statements in one: SQLite answers a maximum from an index only when it is asked alone.
    newest = select(func.max(Track.id)).scalar_subquery()
    changed = select(func.max(Track.updated_at)).scalar_subquery()
    row = session.execute(select(newest, changed)).one()
    return f"{row[0]}:{row[1]}"


def track_count(session: Session) -> int:
    """How many tracks there are."""
    return session.scalar(select(func.count()).select_from(Track)) or 0


def tags(session: Session, kind: str, limit: int = 200) -> list[tuple[str, int]]:
    """The most frequent tags of a kind with how many tracks carry each, most frequent first."""
    number = func.count(TrackTag.track_id)
    rows = session.execute(
        select(Tag.name, number)
        .join(TrackTag, TrackTag.tag_id == Tag.id)
        .where(Tag.kind == kind)
        .group_by(Tag.id)
        .order_by(number.desc(), Tag.name)
        .limit(limit)
    )
    return [(name, amount) for name, amount in rows]


def find_track(session: Session, name: str, run: Run | None = None) -> TrackView | None:
    """The track with this public id or the catalogue's own id, or None."""
    found = _views(
        session, _base(run).where((Track.public_id == name) | (Track.external_id == name)).limit(1)
    )
    return found[0] if found else None


def tracks_by_id(
    session: Session, track_ids: Sequence[int], run: Run | None = None
) -> list[TrackView]:
    """The tracks with these ids, in the order given; unknown ids are left out."""
    if not track_ids:
        return []
    found = {v.id: v for v in _views(session, _base(run).where(Track.id.in_(list(track_ids))))}
    return [found[i] for i in track_ids if i in found]


def search(session: Session, query: TrackQuery, run: Run | None = None) -> Page:
    """A page of tracks that answer ``query``; clusters are those of ``run``."""
    narrowed = _narrow(session, select(Track.id).select_from(Track), query, run)
    total, more = _bounded_count(session, narrowed, query, run)
    last = max(1, math.ceil(total / query.per_page))
    number = min(max(1, query.page), last)
    # The page's ids are found first, on slim rows; only those few are then read whole.
    ids = list(
        session.scalars(
            _sorted(narrowed, query, run)
            .limit(query.per_page)
            .offset((number - 1) * query.per_page)
        )
    )
    return Page(tracks_by_id(session, ids, run), number, last, total, more)


def _base(run: Run | None) -> Select[Any]:
    if run is None:
        return select(*TRACK_COLUMNS, *_ATTRIBUTE_COLUMNS).join(TrackAttributes, isouter=True)
    return (
        select(*TRACK_COLUMNS, *_ATTRIBUTE_COLUMNS, *_PLACE_COLUMNS)
        .join(TrackAttributes, isouter=True)
        .join(
            ClusterAssignment,
            and_(ClusterAssignment.track_id == Track.id, ClusterAssignment.run_id == run.id),
            isouter=True,
        )
    )


def _views(session: Session, statement: Select[Any]) -> list[TrackView]:
    first, last = len(TRACK_COLUMNS), len(TRACK_COLUMNS) + len(ATTRIBUTE_NAMES)
    return [
        TrackView(
            *row[:first],
            dict(zip(ATTRIBUTE_NAMES, row[first:last], strict=True)),
            *row[last:],
        )
        for row in session.execute(statement)
    ]


def _narrow(
    session: Session, statement: Select[Any], query: TrackQuery, run: Run | None
) -> Select[Any]:
    if words := _words(query.text):
        statement = statement.where(_matches(session, words))
    elif query.text.strip():
        statement = statement.where(literal_column("0") == 1)
    for kind, name in (("genre", query.genre), ("emotion", query.emotion)):
        if name:
            tagged = (
                select(TrackTag.track_id)
                .join(Tag, Tag.id == TrackTag.tag_id)
                .where(Tag.kind == kind, Tag.name == name.lower())
            )
            statement = statement.where(Track.id.in_(tagged))
    if query.ranges or query.sort in ATTRIBUTE_NAMES:
        statement = statement.join(TrackAttributes, TrackAttributes.track_id == Track.id)
    for name, (low, high) in query.ranges.items():
        column = getattr(TrackAttributes, name)
        if low is not None:
            statement = statement.where(column >= low)
        if high is not None:
            statement = statement.where(column <= high)
    if query.cluster is not None or (query.sort == "typical" and run is not None):
        statement = statement.join(
            ClusterAssignment,
            and_(
                ClusterAssignment.track_id == Track.id,
                ClusterAssignment.run_id == (run.id if run else -1),
            ),
        )
        if query.cluster is not None:
            statement = statement.where(ClusterAssignment.label == query.cluster)
    return statement


def _words(words: str) -> list[str]:
    return re.findall(r"\w+", words, re.UNICODE)[:12]


def _matches(session: Session, words: list[str]) -> Any:
    """Full-text match: every word, the last one as a beginning (people are still typing)."""
    if session.get_bind().dialect.name == "sqlite":
        match = " ".join(f'"{word}"' for word in words[:-1]) + f' "{words[-1]}"*'
        return Track.id.in_(
            text("SELECT rowid FROM track_search WHERE track_search MATCH :words")
            .bindparams(words=match.strip())
            .columns(Track.id)
        )
    # The same expression as the index of the migration that made it.
    document = literal_column(
        "to_tsvector('simple', track.title || ' ' || track.artists || ' ' || "
        "coalesce(track.album, '') || ' ' || coalesce(track.genre, ''))"
    )
    wanted = func.to_tsquery("simple", " & ".join([*words[:-1], f"{words[-1]}:*"]))
    return document.op("@@")(wanted)


def _bounded_count(
    session: Session, narrowed: Select[Any], query: TrackQuery, run: Run | None
) -> tuple[int, bool]:
    if not query.is_narrowed:
        return track_count(session), False
    if run is not None and query.is_one_cluster:
        size = select(Cluster.size).where(Cluster.run_id == run.id, Cluster.number == query.cluster)
        return session.scalar(size) or 0, False
    limited = narrowed.limit(COUNT_LIMIT + 1).subquery()
    number = session.scalar(select(func.count()).select_from(limited)) or 0
    return min(number, COUNT_LIMIT), number > COUNT_LIMIT


def _sorted(statement: Select[Any], query: TrackQuery, run: Run | None) -> Select[Any]:
    column: Any = {
        "title": Track.sort_title,
        "artist": Track.sort_artists,
        "typical": ClusterAssignment.confidence if run is not None else Track.sort_title,
    }.get(query.sort)
    if column is None:
        column = getattr(TrackAttributes, query.sort)
    descending = query.descending != (query.sort == "typical" and run is not None)
    order = column.desc() if descending else column.asc()
    if query.sort in ATTRIBUTE_NAMES:
        order = order.nulls_last()
    # Ties go the same way as the rest, so that one index serves the whole order.
    tie = ClusterAssignment.track_id if query.sort == "typical" and run is not None else Track.id
    return statement.order_by(order, tie.desc() if descending else tie.asc())
