"""Writing a catalogue's rows in bulk: new tracks, changed tracks and their lyrics.

Written with SQLAlchemy Core so that SQLite and PostgreSQL run the same statements.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.catalogue import CatalogueRow
from songrec.core.songs import UNTITLED, public_id, song_key
from songrec.core.sorting import sort_key
from songrec.core.track_identity import is_label, recording_id, recording_key
from songrec.store.bulk import SearchIndex, bind_datetime, chunks, insert_many
from songrec.store.catalogue import artists, track_aliases
from songrec.store.catalogue.artists import CreditWriter, TrackNames
from songrec.store.catalogue.row_matching import Contradiction, RowMatcher, StoredTrack
from songrec.store.catalogue.tag_playlist_links import TagPlaylistLinks
from songrec.store.db import now
from songrec.store.tables import Lyrics, Tag, Track, TrackAttributes, TrackTag
from songrec.store.tables.catalogue import name_columns
from songrec.store.tables.duplicates import first_free_id

_TRACK = Track.__table__
_ATTRIBUTES = TrackAttributes.__table__
_TRACK_TAG = TrackTag.__table__
_LYRICS = Lyrics.__table__
_IDENTITY = (
    "source_key",
    "public_id",
    "fingerprint",
    "song_key",
    "sort_title",
    "sort_artists",
    "search_terms",
)
_DURATIONS = frozenset({"duration", "duration_ms"})


@dataclass
class BatchCounts:
    """Counts of a batch's rows by outcome, and rows whose id belongs to another song.

    ``adopted`` counts the updated tracks that had no id before.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    adopted: int = 0
    contradictions: list[Contradiction] = field(default_factory=list)


class CatalogueWriter:
    """Writer of the batches of one import. The caller commits, possibly after each batch.

    ``fields`` are those with a column in the file; an update leaves other fields unchanged, so that
    a second catalogue adds to the first. Tracks that were already written by this import are marked
    in the database (``ingest_mark``) rather than in memory: a track's first row determines its
    values, later rows only add their tags and playlists.
    """

    def __init__(
        self,
        session: Session,
        *,
        source: str,
        fields: frozenset[str],
        trust_ids: bool = False,
    ) -> None:
        self._session = session
        self._source = source
        self._fields = fields
        self._mark = secrets.token_hex(16)
        self._matcher = RowMatcher(session, source=source, mark=self._mark, trust_ids=trust_ids)
        self._labels = TrackLabels(session, source)
        self._links = TagPlaylistLinks(session, source)
        self._credits = CreditWriter(session)

    def write(self, rows: Sequence[CatalogueRow]) -> BatchCounts:
        """Insert or update ``rows``, in file order.

        Rows whose id is stored with clearly different names are not written.
        """
        with SearchIndex(self._session) as index:
            return self._write(rows, index)

    def _write(self, rows: Sequence[CatalogueRow], index: SearchIndex) -> BatchCounts:
        matches = self._matcher.match(rows)
        rows, stored = matches.rows, matches.tracks
        firsts: dict[str, CatalogueRow] = {}
        repeats = [row for row in rows if firsts.setdefault(row.source_key, row) is not row]
        new = [row for key, row in firsts.items() if key not in stored]
        changed, same = [], []
        written: set[int] = set()  # a track may have several of the keys
        for key, row in firsts.items():
            track = stored.get(key)
            if track is None:
                continue
            if track.is_merged or track.mark == self._mark or track.id in written:
                repeats.append(row)
                continue
            written.add(track.id)
            if track.fingerprint == row.fingerprint:
                same.append(track.id)
            else:
                changed.append(row)
        repeats.sort(key=lambda row: row.number)
        ids = {key: track.id for key, track in stored.items()}
        touched = {ids[row.source_key] for row in changed + repeats if row.source_key in ids}
        index.remove(list(touched))
        ids |= self._insert(new)
        self._update(changed, stored)
        self._add_aliases(new + changed, ids, matches.adopted)
        for part in chunks(same):
            self._run(update(_TRACK).where(_TRACK.c.id.in_(part)).values(ingest_mark=self._mark))
        self._links.tag(new + changed, ids, fresh=True)
        self._links.tag(repeats, ids, fresh=False)
        index.add(list(touched | {ids[row.source_key] for row in new}))
        self._links.add_to_playlists(rows, ids)
        return BatchCounts(
            len(new),
            len(changed),
            len(same) + len(repeats),
            len(matches.adopted),
            matches.contradictions,
        )

    def _run(self, statement: Any, values: Any = None) -> Any:
        return self._session.connection().execute(statement, values)

    def _ids(self, keys: Iterable[str]) -> dict[str, int]:
        return {
            key: track_id
            for part in chunks(list(keys))
            for key, track_id in self._run(
                select(_TRACK.c.source_key, _TRACK.c.id).where(_TRACK.c.source_key.in_(part))
            )
        }

    def _add_aliases(
        self, rows: Iterable[CatalogueRow], ids: dict[str, int], adopted: dict[str, int]
    ) -> None:
        further = {key: ids[row.source_key] for row in rows for key in row.further_keys}
        if adopted or further:
            track_aliases.add(self._session, {**further, **adopted})

    def _insert(self, rows: list[CatalogueRow]) -> dict[str, int]:
        if not rows:
            return {}
        self._labels.number(rows)
        moment = bind_datetime(self._session.connection(), now())
        described = tuple(rows[0].fields)
        own = ("album_id", "source", "ingest_mark", "created_at", "updated_at")
        names = (*_IDENTITY, *described, *own)
        named = [_track_names(row) for row in rows]
        self._credits.meet(named)
        values: list[tuple[Any, ...]] = [
            (
                row.source_key,
                public_id(row.source_key),
                row.fingerprint,
                row.song_key,
                *name_columns(row.fields["title"], row.fields["artists"]).values(),
                *row.fields.values(),
                self._credits.album_id(by),
                self._source,
                self._mark,
                moment,
                moment,
            )
            for row, by in zip(rows, named, strict=True)
        ]
        free = first_free_id(self._session.connection())
        if free is not None:
            names = ("id", *names)
            values = [(free + at, *row) for at, row in enumerate(values)]
        insert_many(self._session.connection(), _TRACK, names, values)
        ids = self._ids(row.source_key for row in rows)
        insert_many(
            self._session.connection(),
            _ATTRIBUTES,
            ("track_id", *ATTRIBUTE_NAMES),
            [(ids[row.source_key], *row.attributes) for row in rows],
        )
        credits = [(ids[row.source_key], row.artists.certain_credits) for row in rows]
        self._credits.write(credits, fresh=True)
        self._add_lyrics(rows, ids)
        return ids

    def _update(self, rows: list[CatalogueRow], stored: dict[str, StoredTrack]) -> None:
        if not rows:
            return
        ids = {row.source_key: stored[row.source_key].id for row in rows}
        without_artists = self._complete(rows, stored)
        has = self._fields | ({"duration_ms"} if self._fields & _DURATIONS else set())
        has |= {"mode"} if "key" in self._fields else set()
        columns = [name for name in rows[0].fields if name in has]
        named = self._name_columns(rows, ids)
        albums = self._album_columns(rows, ids)
        moment = now()
        values = [
            {
                "row_id": ids[row.source_key],
                "fingerprint": row.fingerprint,
                "source": self._source,
                "ingest_mark": self._mark,
                "updated_at": moment,
                **named.get(row.source_key, {}),
                **albums.get(row.source_key, {}),
                **{name: row.fields[name] for name in columns},
            }
            for row in rows
        ]
        self._run(update(_TRACK).where(_TRACK.c.id == bindparam("row_id")), values)
        if "artists" in self._fields:
            credits = [
                (ids[row.source_key], row.artists.certain_credits)
                for row in rows
                if ids[row.source_key] not in without_artists
            ]
            self._credits.write(credits, fresh=False)
        self._update_attributes(rows, ids)
        self._delete_tags_and_lyrics(list(ids.values()))
        self._add_lyrics(rows, ids)

    def _update_attributes(self, rows: list[CatalogueRow], ids: dict[str, int]) -> None:
        at = [i for i, name in enumerate(ATTRIBUTE_NAMES) if name in self._fields]
        if not at:
            return
        values = [
            {"row_id": ids[r.source_key], **{ATTRIBUTE_NAMES[i]: r.attributes[i] for i in at}}
            for r in rows
        ]
        in_row = _ATTRIBUTES.c.track_id == bindparam("row_id")
        self._run(update(_ATTRIBUTES).where(in_row), values)

    def _delete_tags_and_lyrics(self, track_ids: list[int]) -> None:
        """Delete tags and lyrics of the kinds for which the file has columns."""
        kinds = self._fields & {"genre", "subgenre", "emotion"}
        tags_of_kinds = select(Tag.id).where(Tag.kind.in_(sorted(kinds)))
        for part in chunks(track_ids):
            if kinds:
                self._run(
                    delete(_TRACK_TAG).where(
                        _TRACK_TAG.c.track_id.in_(part), _TRACK_TAG.c.tag_id.in_(tags_of_kinds)
                    )
                )
            if "lyrics" in self._fields:
                self._run(delete(_LYRICS).where(_LYRICS.c.track_id.in_(part)))

    def _complete(self, rows: list[CatalogueRow], stored: dict[str, StoredTrack]) -> set[int]:
        """Complete names of rows from stored tracks; return the ids of tracks without artists.

        A label ("Track 7") never replaces a title. A track that was matched by another id keeps its
        own id unless the new one is stronger.
        """
        by_id = {
            stored[row.source_key].id: row
            for row in rows
            if not row.is_titled or not row.fields["artists"] or stored[row.source_key].by_alias
        }
        names = ("id", "title", "artists", "external_id", "source")
        columns = [_TRACK.c[name] for name in names]
        tracks = [
            track
            for part in chunks(list(by_id))
            for track in self._run(select(*columns).where(_TRACK.c.id.in_(part)))
        ]
        without_artists = set()
        for track in tracks:
            row = by_id[track.id]
            is_others = track.source != self._source
            if not row.is_titled and (is_others or is_label(row.fields["title"])):
                row.fields["title"] = track.title
            if not row.fields["artists"] and track.artists and is_others:
                row.fields["artists"] = track.artists
                without_artists.add(track.id)
            is_stronger = recording_key(track.external_id or "") or not recording_id(row.source_key)
            if stored[row.source_key].by_alias and track.external_id and is_stronger:
                row.fields["external_id"] = track.external_id
        return without_artists

    def _name_columns(
        self, rows: list[CatalogueRow], ids: dict[str, int]
    ) -> dict[str, dict[str, Any]]:
        """Return the columns derived from names by source key; empty for a file without names.

        If a file has only titles or only artists, the track's stored value is used for the other.
        """
        has = self._fields & {"title", "artists"}
        if not has:
            return {}
        stored: dict[int, Any] = {}
        if len(has) < 2:
            columns = (_TRACK.c.id, _TRACK.c.title, _TRACK.c.artists)
            for part in chunks([ids[row.source_key] for row in rows]):
                result = self._run(select(*columns).where(_TRACK.c.id.in_(part)))
                stored |= {track.id: track for track in result}
        named = {}
        for row in rows:
            track = stored.get(ids[row.source_key])
            title = row.fields["title"] if track is None or "title" in has else track.title
            line = row.fields["artists"] if track is None or "artists" in has else track.artists
            key = row.song_key
            is_completed = track is not None or not row.is_titled or not row.artists.names
            if is_completed and line and title not in ("", UNTITLED) and not is_label(title):
                key = song_key(line, title)
            named[row.source_key] = {"song_key": key, **name_columns(title, line)}
        return named

    def _album_columns(
        self, rows: list[CatalogueRow], ids: dict[str, int]
    ) -> dict[str, dict[str, Any]]:
        """Return each row's album by source key; empty for a file without albums.

        For a file without artists, the album is by the track's stored first artist.
        """
        named = [_track_names(row) for row in rows]
        if "artists" not in self._fields:
            credits = artists.credits_of_tracks(
                self._session, [ids[row.source_key] for row in rows]
            )
            firsts = [credits.get(ids[row.source_key]) for row in rows]
            named = [
                replace(one, album_artist=first[0].artist_name if first else None)
                for one, first in zip(named, firsts, strict=True)
            ]
        self._credits.meet(named)
        if "album" not in self._fields:
            return {}
        return {
            row.source_key: {"album_id": self._credits.album_id(one)}
            for row, one in zip(rows, named, strict=True)
        }

    def _add_lyrics(self, rows: list[CatalogueRow], ids: dict[str, int]) -> None:
        values = [(ids[row.source_key], row.lyrics) for row in rows if row.lyrics]
        insert_many(self._session.connection(), _LYRICS, ("track_id", "text"), values)


def _track_names(row: CatalogueRow) -> TrackNames:
    return TrackNames(row.artists, row.album, year=row.fields["year"])


class TrackLabels:
    """Generated titles ("Track 7", by row number) that are unique within a source."""

    def __init__(self, session: Session, source: str) -> None:
        self._session = session
        self._source = source
        self._last: int | None = None

    def number(self, rows: Sequence[CatalogueRow]) -> None:
        """Renumber new rows whose label is already used by a track of the source."""
        labelled = {
            sort_key(row.fields["title"]): row
            for row in rows
            if not row.is_titled and is_label(row.fields["title"])
        }
        for part in chunks(list(labelled)):
            query = select(_TRACK.c.sort_title).where(
                _TRACK.c.sort_title.in_(part), _TRACK.c.source == self._source
            )
            for (label,) in self._session.connection().execute(query).all():
                labelled[label].fields["title"] = f"Track {self._next(rows)}"

    def _next(self, rows: Sequence[CatalogueRow]) -> int:
        if self._last is None:
            query = select(_TRACK.c.sort_title).where(
                _TRACK.c.sort_title.startswith("track "), _TRACK.c.source == self._source
            )
            labels = self._session.connection().scalars(query)
            self._last = max(int(label.split()[1]) for label in labels if is_label(label))
        self._last = max(self._last, rows[-1].number) + 1
        return self._last


class DryCounter:
    """Dry run of ``CatalogueWriter`` that only counts.

    It stores 64 bits of each key in memory, because it cannot mark tracks: about 90 MB for a
    million tracks. Two songs under one new id are detected only within a batch.
    """

    def __init__(self, session: Session, *, source: str, trust_ids: bool = False) -> None:
        self._matcher = RowMatcher(session, source=source, trust_ids=trust_ids)
        self._met: set[int] = set()

    def write(self, rows: Sequence[CatalogueRow]) -> BatchCounts:
        """Count ``rows`` as inserted, updated or unchanged."""
        matches = self._matcher.match(rows)
        firsts: dict[str, CatalogueRow] = {}
        for row in matches.rows:
            met = hash(row.source_key)
            if met not in self._met:
                self._met.add(met)
                firsts[row.source_key] = row
        stored = {key: matches.tracks[key] for key in firsts if key in matches.tracks}
        updated = sum(
            not track.is_merged and track.fingerprint != firsts[key].fingerprint
            for key, track in stored.items()
        )
        inserted = len(firsts) - len(stored)
        return BatchCounts(
            inserted,
            updated,
            len(matches.rows) - inserted - updated,
            len(matches.adopted),
            matches.contradictions,
        )
