"""Matching of a catalogue's rows to stored tracks, with a check of names if an id matches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.catalogue import CatalogueRow
from songrec.core.name_comparison import compare_names
from songrec.core.songs import plain
from songrec.core.sorting import sort_key
from songrec.core.title_normalization import same_length
from songrec.core.track_identity import (
    MIN_VALUES,
    VALUES,
    count_values,
    namespace_of,
    values_key,
)
from songrec.store.bulk import chunks
from songrec.store.catalogue import merge_redirects, track_aliases
from songrec.store.tables import Album, Track, TrackAlias

_TRACK = Track.__table__
_STORED = (_TRACK.c.id, _TRACK.c.fingerprint, _TRACK.c.ingest_mark)
_NAMED = (_TRACK.c.id, _TRACK.c.title, _TRACK.c.artists)


@dataclass(slots=True)
class StoredTrack:
    """The stored track of a row; ``mark`` is the last import that wrote it.

    ``by_alias``: the row's key is not the track's ``source_key``. ``is_merged``: the row belongs to
    a track that was merged into this one.
    """

    id: int
    fingerprint: str
    mark: str | None
    by_alias: bool = False
    is_merged: bool = False


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A row whose id is that of another song: ``title`` by ``artists``, read or stored earlier."""

    row: CatalogueRow
    title: str
    artists: str


@dataclass
class Matches:
    """The rows of a batch to write, and the stored tracks by key.

    ``adopted`` are new keys of stored tracks.
    """

    rows: list[CatalogueRow]
    tracks: dict[str, StoredTrack]
    adopted: dict[str, int] = field(default_factory=dict)
    contradictions: list[Contradiction] = field(default_factory=list)


class RowMatcher:
    """Matcher of the rows of one import to stored tracks.

    A row matches the track with its key. A row with a new key may still match a stored track with
    less information: one that shares a further id, has the same values and no complete name, or has
    the same names and source.

    Parameters
    ----------
    source
        The catalogue's name.
    mark
        Mark of the import on the tracks that it writes.
    trust_ids
        Whether to accept a matching id although title and artists differ.
    """

    def __init__(
        self, session: Session, *, source: str, mark: str | None = None, trust_ids: bool = False
    ) -> None:
        self._session = session
        self._source = source
        self._mark = mark
        self._trust_ids = trust_ids
        self._adopted_tracks: set[int] = set()
        self._may_adopt: tuple[bool, bool] | None = None

    def match(self, rows: Sequence[CatalogueRow]) -> Matches:
        """Match a batch of rows, in file order."""
        if self._may_adopt is None:
            self._may_adopt = self._values_are_stored(), self._source_is_stored()
        firsts: dict[str, CatalogueRow] = {}
        for row in rows:
            firsts.setdefault(row.source_key, row)
        tracks = self._by_key(firsts)
        adopted = self._adopt([row for key, row in firsts.items() if key not in tracks], tracks)
        contradictions = [] if self._trust_ids else self._contradictions(rows, firsts, tracks)
        refused = {id(one.row) for one in contradictions}
        good = [row for row in rows if id(row) not in refused] if refused else list(rows)
        if refused:
            keys = {row.source_key for row in good}
            adopted = {key: track for key, track in adopted.items() if key in keys}
        return Matches(good, tracks, adopted, contradictions)

    def _run(self, statement: Any) -> Any:
        return self._session.connection().execute(statement)

    def _values_are_stored(self) -> bool:
        return any(
            self._run(
                select(key).where(key.startswith(f"{VALUES}:", autoescape=True)).limit(1)
            ).first()
            is not None
            for key in (_TRACK.c.source_key, TrackAlias.__table__.c.key)
        )

    def _source_is_stored(self) -> bool:
        stored = select(_TRACK.c.id).where(_TRACK.c.source == self._source)
        return self._run(stored.limit(1)).first() is not None

    def _by_key(self, firsts: Mapping[str, CatalogueRow]) -> dict[str, StoredTrack]:
        keys = list(firsts)
        by_key = {
            key: StoredTrack(*rest)
            for part in chunks(keys)
            for key, *rest in self._run(
                select(_TRACK.c.source_key, *_STORED).where(_TRACK.c.source_key.in_(part))
            ).fetchall()
        }
        missing = [key for key in keys if key not in by_key]
        aliased = track_aliases.by_alias(self._session, missing)
        stored = self._by_id({track_id for track_id, _ in aliased.values()})
        for key, (track_id, is_merged) in aliased.items():
            track = stored[track_id]
            by_key[key] = StoredTrack(track.id, track.fingerprint, track.mark, True, is_merged)
        # A merged track adds its tags and playlists to the survivor, like a later row.
        gone = merge_redirects.by_source_key(
            self._session, [key for key in missing if key not in by_key]
        )
        return by_key | {
            key: StoredTrack(id_, fingerprint, None, by_alias=True, is_merged=True)
            for key, (id_, fingerprint) in gone.items()
        }

    def _by_id(self, track_ids: Iterable[int]) -> dict[int, StoredTrack]:
        return {
            row[0]: StoredTrack(*row)
            for part in chunks(list(track_ids))
            for row in self._run(select(*_STORED).where(_TRACK.c.id.in_(part)))
        }

    def _adopt(
        self, rows: Sequence[CatalogueRow], tracks: dict[str, StoredTrack]
    ) -> dict[str, int]:
        """Find stored tracks for rows with a new key; add them to ``tracks``."""
        assert self._may_adopt is not None
        by_values, by_names = self._may_adopt
        used = {track.id for track in tracks.values()} | self._adopted_tracks
        adopted: dict[str, int] = {}
        for find, applies in (
            (self._with_further_keys, any(row.further_keys for row in rows)),
            (self._with_values, by_values),
            (self._with_names, by_names),
        ):
            candidates = find(rows) if applies else {}
            ids = {track_id for some in candidates.values() for track_id in some}
            stored, namespaces = self._by_id(ids), self._namespaces(ids)
            for key, some in candidates.items():
                free = [
                    track_id
                    for track_id in dict.fromkeys(some)
                    if key not in adopted
                    and track_id not in used
                    and (self._mark is None or stored[track_id].mark != self._mark)
                    and namespace_of(key) not in namespaces[track_id]
                ]
                if len(free) == 1:
                    track = stored[free[0]]
                    tracks[key] = StoredTrack(track.id, track.fingerprint, track.mark, True)
                    adopted[key] = track.id
                    used.add(track.id)
        self._adopted_tracks.update(adopted.values())
        return adopted

    def _namespaces(self, track_ids: Iterable[int]) -> dict[int, set[str]]:
        """Return the namespaces in which these tracks have an id."""
        further = track_aliases.keys_of_tracks(self._session, track_ids)
        namespaces: dict[int, set[str]] = {}
        for part in chunks(list(track_ids)):
            query = select(_TRACK.c.id, _TRACK.c.source_key).where(_TRACK.c.id.in_(part))
            for track_id, key in self._run(query):
                spaces = map(namespace_of, (key, *further.get(track_id, ())))
                namespaces[track_id] = {space for space in spaces if space is not None}
        return namespaces

    def _with_further_keys(self, rows: Sequence[CatalogueRow]) -> dict[str, list[int]]:
        track_ids_by_key = track_aliases.tracks_by_key(
            self._session, {key for row in rows for key in row.further_keys}
        )
        names = self._names(set(track_ids_by_key.values()))
        candidates: dict[str, list[int]] = {}
        for row in rows:
            ids = [track_ids_by_key[key] for key in row.further_keys if key in track_ids_by_key]
            same = [track_id for track_id in ids if not _contradicts(row, names[track_id])]
            if same:
                candidates[row.source_key] = same[:1]  # the strongest id decides
        return candidates

    def _with_values(self, rows: Sequence[CatalogueRow]) -> dict[str, list[int]]:
        """Find tracks with a row's values that have no or incomplete names."""
        keys: dict[str, list[str]] = {}
        for row in rows:
            if row.source_key.startswith(f"{VALUES}:") or count_values(row.attributes) < MIN_VALUES:
                continue
            title = row.fields["title"] if row.is_titled else ""
            halves = ({"title": title}, {"artists": row.fields["artists"]}, {})
            keys[row.source_key] = [values_key(row.attributes, **half) for half in halves]
        track_ids_by_key = track_aliases.tracks_by_key(
            self._session, {key for some in keys.values() for key in some}
        )
        return {
            key: [track_ids_by_key[one] for one in some if one in track_ids_by_key][:1]
            for key, some in keys.items()
        }

    def _with_names(self, rows: Sequence[CatalogueRow]) -> dict[str, list[int]]:
        """Find tracks of the same source with a row's names: artists and title, or one of them."""
        named = [row for row in rows if row.is_titled and row.fields["artists"]]
        titled = [row for row in rows if row.is_titled and not row.fields["artists"]]
        songs = self._of_source(_TRACK.c.song_key, {row.song_key for row in named})
        nameless = self._of_source(
            _TRACK.c.sort_title,
            {sort_key(row.fields["title"]) for row in titled},
            _TRACK.c.artists == "",
        )
        candidates = [(row, songs.get(row.song_key, ())) for row in named]
        candidates += [(row, nameless.get(sort_key(row.fields["title"]), ())) for row in titled]
        return {
            row.source_key: [
                track_id
                for track_id, title, album, duration in tracks
                if plain(title) == plain(row.fields["title"])
                and same_length(duration, row.fields["duration_ms"])
                and (not album or not row.album or plain(album) == plain(row.album))
            ]
            for row, tracks in candidates
        }

    def _of_source(self, column: Any, values: Iterable[Any], *where: Any) -> dict[Any, list[Any]]:
        """Return id, title, album and length of the source's tracks by the value of ``column``."""
        by_value: dict[Any, list[Any]] = defaultdict(list)
        columns = (column, _TRACK.c.id, _TRACK.c.title, Album.title, _TRACK.c.duration_ms)
        for part in chunks(list(values)):
            query = (
                select(*columns)
                .select_from(_TRACK.outerjoin(Album.__table__, Album.id == _TRACK.c.album_id))
                .where(column.in_(part), _TRACK.c.source == self._source, *where)
            )
            for value, *track in self._run(query):
                by_value[value].append(track)
        return by_value

    def _names(self, track_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
        return {
            track_id: (title, artists)
            for part in chunks(list(track_ids))
            for track_id, title, artists in self._run(select(*_NAMED).where(_TRACK.c.id.in_(part)))
        }

    def _contradictions(
        self,
        rows: Sequence[CatalogueRow],
        firsts: Mapping[str, CatalogueRow],
        tracks: Mapping[str, StoredTrack],
    ) -> list[Contradiction]:
        """Compare the names of rows with the stored names of their ids."""
        compared: list[tuple[CatalogueRow, StoredTrack | None]] = []
        for row in rows:
            track = tracks.get(row.source_key)
            if track is None and firsts[row.source_key] is row:
                continue
            if track is not None and (track.is_merged or track.fingerprint == row.fingerprint):
                continue
            if namespace_of(row.source_key) is not None:
                compared.append((row, track))
        names = self._names({track.id for _, track in compared if track is not None})
        contradictions = []
        for row, track in compared:
            first = firsts[row.source_key].fields
            stored_names = (
                names[track.id] if track is not None else (first["title"], first["artists"])
            )
            if _contradicts(row, stored_names):
                contradictions.append(Contradiction(row, *stored_names))
        return contradictions


def _contradicts(row: CatalogueRow, names: tuple[str, str]) -> bool:
    title = row.fields["title"] if row.is_titled else ""
    return compare_names(title, row.fields["artists"], *names).contradicts
