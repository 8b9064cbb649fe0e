"""Filtering, counting and sorting of track ids by a query.

With 100,000 tracks the choice of index makes the difference between milliseconds and a second, so
it is controlled in two ways. A range of an attribute is tested while scanning (``+column`` keeps
SQLite from an index that would look up every row). Long results are scanned in the order of the
list until the page is full, while short ones are collected first and then sorted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    and_,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.search_terms import SearchWord, Term, parse_search
from songrec.core.sorting import sort_key
from songrec.core.texts import storable
from songrec.store.tables import (
    Album,
    Cluster,
    ClusterAssignment,
    Run,
    Tag,
    Track,
    TrackArtist,
    TrackAttributes,
    TrackTag,
)

PER_PAGE = 50
LAST_CHARACTER = "\U0010ffff"
"""Sorted after every other character."""
COUNT_LIMIT = 5_000
"""Limit of counting, to bound its time: "more than 5,000 songs" suffices."""
_NUMBERS: dict[str, Any] = {"year": Track.year, "added": Track.id}
"""Numeric sort columns besides the attributes."""


@dataclass(frozen=True, slots=True)
class TrackQuery:
    """Filters and order of a list of tracks.

    ``artist`` and ``album`` are ids of the database. ``ranges`` maps an attribute to
    ``(low, high)``, either of which may be None. ``sort`` is one of ``tracks.SORTS``; ``first`` are
    ids of tracks that come before all others, in their order.
    """

    text: str = ""
    genre: str = ""
    emotion: str = ""
    cluster: int | None = None
    artist: int | None = None
    album: int | None = None
    ranges: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    sort: str = "title"
    descending: bool = False
    first: tuple[int, ...] = ()
    page: int = 1
    per_page: int = PER_PAGE

    def narrowed(self, **changes: Any) -> TrackQuery:
        """Return the query with some of its fields changed."""
        return replace(self, **changes)

    @property
    def filters(self) -> int:
        """Number of filters that are set."""
        texts = (self.text, self.genre, self.emotion, self.ranges)
        numbers = (self.cluster, self.artist, self.album)
        return sum(map(bool, texts)) + sum(number is not None for number in numbers)

    @property
    def attribute(self) -> str | None:
        """The attribute that the list is sorted by, if any."""
        name = "popularity" if self.sort == "known" else self.sort
        return name if name in ATTRIBUTE_NAMES else None


def count(session: Session, query: TrackQuery, run: Run | None) -> tuple[int, bool]:
    """Return the number of matching tracks, at most ``COUNT_LIMIT``, and whether there are more."""
    if not query.filters:
        return session.scalar(select(func.count()).select_from(Track)) or 0, False
    if query.cluster is not None and query.filters == 1:
        size = select(Cluster.size).where(
            Cluster.run_id == (run.id if run else -1), Cluster.number == query.cluster
        )
        return session.scalar(size) or 0, False
    limited = _matching_ids(session, query, run).limit(COUNT_LIMIT + 1).subquery()
    number = session.scalar(select(func.count()).select_from(limited)) or 0
    return min(number, COUNT_LIMIT), number > COUNT_LIMIT


def total_ms(session: Session, query: TrackQuery, run: Run | None) -> int:
    """Return how long the tracks of a filtered query last together; unknown lengths count 0."""
    ids = _matching_ids(session, query, run)
    return session.scalar(select(func.sum(Track.duration_ms)).where(Track.id.in_(ids))) or 0


def _matching_ids(session: Session, query: TrackQuery, run: Run | None) -> Select[Any]:
    """Return the statement of the ids that match all filters.

    A single filter is queried in its own table; several are combined by track.
    """
    sets = _id_sets(session, query, run)
    return sets[0] if len(sets) == 1 else select(Track.id).where(*(Track.id.in_(s) for s in sets))


def ids(
    session: Session, query: TrackQuery, run: Run | None, *, offset: int, many: bool
) -> list[int]:
    """Return the ids of one page, in the query's order.

    ``many``: whether there are more than ``COUNT_LIMIT`` matches.
    """
    first = _first_ids(session, query, run)
    page = first[offset : offset + query.per_page]
    if len(page) == query.per_page:
        return page
    by_attribute = query.attribute is not None
    id_column = TrackAttributes.track_id if by_attribute else Track.id
    statement = select(id_column)
    if query.ranges and not by_attribute:
        statement = statement.join(TrackAttributes, TrackAttributes.track_id == Track.id)
    statement = statement.where(*_within(query))
    by_cluster = query.cluster is not None or (query.sort == "typical" and run is not None)
    if by_cluster:
        of_run = ClusterAssignment.run_id == (run.id if run else -1)
        statement = statement.join(
            ClusterAssignment, and_(ClusterAssignment.track_id == id_column, of_run)
        )
        if query.cluster is not None:
            statement = statement.where(ClusterAssignment.label == query.cluster)
    track_id = _walked_id(session, query, id_column) if many else id_column
    for tracks in _id_sets(session, query, run, joined=True):
        statement = statement.where(track_id.in_(tracks))
    if first:
        statement = statement.where(id_column.not_in(first))
    gathered = bool(query.ranges) and not many
    statement = statement.order_by(*_order(query, run, gathered=gathered))
    statement = statement.limit(query.per_page - len(page)).offset(max(0, offset - len(first)))
    return page + list(session.scalars(statement))


def _first_ids(session: Session, query: TrackQuery, run: Run | None) -> list[int]:
    """Return the tracks of ``query.first`` that match the query, in that order."""
    if not query.first:
        return []
    sets = _id_sets(session, query, run)
    matching = select(Track.id).where(
        Track.id.in_(query.first), *(Track.id.in_(id_set) for id_set in sets)
    )
    matching_ids = set(session.scalars(matching))
    return [track_id for track_id in query.first if track_id in matching_ids]


def conditions(session: Session, query: TrackQuery, run: Run | None) -> list[ColumnElement[bool]]:
    """Return the conditions of ``query`` for a statement over ``track`` sorted by title."""
    by_title = query.narrowed(sort="title")
    many = bool(query.text) and count(session, query, run)[1]
    track_id = _walked_id(session, by_title, Track.id) if many else Track.id
    return [track_id.in_(id_set) for id_set in _id_sets(session, query, run)]


def _walked_id(session: Session, query: TrackQuery, id_column: Any) -> Any:
    """Return the id to compare with thousands of matching tracks, for one page of them.

    The plus keeps SQLite from looking up and sorting all of them; it scans the index of the order,
    if there is one, until the page is full.
    """
    attributes = TrackAttributes.__table__.c
    is_indexed = query.sort in ("title", "artist", "year") or (
        query.attribute is not None and bool(attributes[query.attribute].index)
    )
    by_one_set = query.filters == 1 and query.cluster is None and not query.ranges
    if session.get_bind().dialect.name == "sqlite" and by_one_set and is_indexed:
        return literal_column(f"+{id_column.expression}")
    return id_column


def _id_sets(
    session: Session, query: TrackQuery, run: Run | None, *, joined: bool = False
) -> list[Select[Any]]:
    """Return a statement of track ids per filter; without ranges and cluster if joined."""
    sets: list[Select[Any]] = []
    if query.text:
        sets.append(matching(session, query.text))
    for kind, name in (("genre", query.genre), ("emotion", query.emotion)):
        if name:
            tag = select(Tag.id).where(Tag.kind == kind, Tag.name == name.lower())
            sets.append(select(TrackTag.track_id).where(TrackTag.tag_id == tag.scalar_subquery()))
    if query.artist is not None:
        sets.append(select(TrackArtist.track_id).where(TrackArtist.artist_id == query.artist))
    if query.album is not None:
        sets.append(select(Track.id).where(Track.album_id == query.album))
    if query.ranges and not joined:
        sets.append(select(TrackAttributes.track_id).where(*_within(query)))
    if query.cluster is not None and not joined:
        sets.append(
            select(ClusterAssignment.track_id).where(
                ClusterAssignment.run_id == (run.id if run else -1),
                ClusterAssignment.label == query.cluster,
            )
        )
    return sets


def _within(query: TrackQuery) -> list[Any]:
    conditions = []
    for name, (low, high) in query.ranges.items():
        column = literal_column(f"+track_attributes.{name}", Float)
        if low is not None:
            conditions.append(column >= low)
        if high is not None:
            conditions.append(column <= high)
    return conditions


def begins_with(session: Session, column: Any, text: str) -> ColumnElement[bool]:
    """Return the condition that an indexed column begins with ``text``, case included.

    A range uses the index, whereas SQLite's LIKE ignores case and scans all rows.
    """
    if session.get_bind().dialect.name == "sqlite":
        return and_(column >= text, column < text + LAST_CHARACTER)
    return column.startswith(text, autoescape=True)


def title_begins_with(session: Session, key: str, *, walked: bool = False) -> ColumnElement[bool]:
    """Return the condition that a title's sort key begins with ``key``.

    ``walked`` is for a page of thousands in another order: the plus keeps SQLite from looking all
    of them up to sort them, so that it walks the index of that order until the page is full.
    """
    if walked and session.get_bind().dialect.name == "sqlite":
        return func.substr(literal_column("+track.sort_title"), 1, len(key)) == key
    return begins_with(session, Track.sort_title, key)


def matching(session: Session, words: str) -> Select[Any]:
    """Return the ids of tracks with every word in title, artists, album or genre.

    The last word may be a prefix, because people are still typing. A search of symbols only finds
    titles and artists of symbols only ("?", "÷", "!!!").
    """
    query = parse_search(words)
    if not query:
        return select(Track.id).where(_of_signs_alone(words))
    return matching_words(session, query)


def matching_words(session: Session, query: Sequence[SearchWord]) -> Select[Any]:
    """Return the ids of tracks with every word of a parsed search."""
    if session.get_bind().dialect.name == "sqlite":
        match = " AND ".join(f"({_fts5(word)})" for word in query)
        return (
            select(literal_column("rowid"))
            .select_from(text("track_search"))
            .where(text("track_search MATCH :words").bindparams(words=match))
        )
    return select(Track.id).where(*map(_postgresql, query))


def _fts5(word: SearchWord) -> str:
    """Return the expression of a word; terms are letters and digits only."""
    return " OR ".join(
        "(" + " AND ".join(f'"{term.text}"{"*" if term.begins else ""}' for term in way) + ")"
        for way in word.alternatives
    )


def _postgresql(word: SearchWord) -> ColumnElement[bool]:
    singles = [way[0] for way in word.alternatives if len(way) == 1]
    together = [way for way in word.alternatives if len(way) > 1]
    # Required terms may be in different fields, as in SQLite's single index of all fields.
    return or_(
        *([_has_any(singles)] if singles else []),
        *(and_(*(_has_any([term]) for term in way)) for way in together),
    )


def _has_any(terms: Sequence[Term]) -> ColumnElement[bool]:
    """Return the condition that one of ``terms`` is in title, artists, album title or a genre."""
    query = cast(" | ".join(f"'{one.text}'{':*' if one.begins else ''}" for one in terms), TSQUERY)
    # The same expressions as in the migration that created the indexes.
    albums = select(Album.id).where(cast(Album.search_terms, TSVECTOR).op("@@")(query))
    genres = (
        select(TrackTag.track_id)
        .join(Tag, Tag.id == TrackTag.tag_id)
        .where(Tag.kind == "genre", cast(Tag.search_terms, TSVECTOR).op("@@")(query))
    )
    return or_(
        cast(Track.search_terms, TSVECTOR).op("@@")(query),
        Track.album_id.in_(albums),
        Track.id.in_(genres),
    )


def _of_signs_alone(words: str) -> ColumnElement[bool]:
    signs = storable(words)
    signs = unicodedata.normalize("NFC", signs).strip()
    if not signs:
        return false()
    # Names without a word share one sort key, so an index finds the few such names.
    return or_(
        *(
            and_(key == sort_key(""), name.contains(signs, autoescape=True))
            for key, name in ((Track.sort_title, Track.title), (Track.sort_artists, Track.artists))
        )
    )


def _order(query: TrackQuery, run: Run | None, *, gathered: bool) -> tuple[Any, Any]:
    typical = query.sort == "typical" and run is not None
    column: Any
    if typical:
        column = ClusterAssignment.confidence
    elif query.attribute is not None:
        column = getattr(TrackAttributes, query.attribute)
        column = literal_column(f"+track_attributes.{query.attribute}") if gathered else column
    elif query.sort in _NUMBERS:
        column = _NUMBERS[query.sort]
    else:
        column = Track.sort_artists if query.sort == "artist" else Track.sort_title
        column = column + "" if gathered else column
    order = column.desc() if query.descending else column.asc()
    if query.attribute is not None or query.sort == "year":
        order = order.nulls_last()
    # Ties are sorted in the same direction, so that one index serves the whole order.
    tie = ClusterAssignment.track_id if typical else Track.id
    if query.attribute is not None:
        tie = TrackAttributes.track_id
    return order, tie.desc() if query.descending else tie.asc()
