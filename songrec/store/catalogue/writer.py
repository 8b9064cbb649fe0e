"""Writing a catalogue's rows in bulk: new tracks, changed tracks and their lyrics.

Written with SQLAlchemy Core so that SQLite and PostgreSQL run the same statements.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.catalogue import CatalogueRow
from songrec.core.songs import UNTITLED, public_id, song_key
from songrec.store.bulk import SearchIndex, bind_datetime, chunks, insert_many
from songrec.store.catalogue import artists, merge_redirects
from songrec.store.catalogue.artists import CreditWriter, TrackNames
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
    """Counts of a batch's rows by outcome."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class _StoredTrack:
    id: int
    fingerprint: str
    mark: str | None


class CatalogueWriter:
    """Writes the batches of one import. The caller commits, after each batch if it likes.

    ``fields`` are those that the file has a column for: an update leaves the others as they are,
    so that a second catalogue adds to the first. Which tracks this ingest has met already is kept
    on the tracks (``ingest_mark``), not in memory: a track's first row decides, later rows add
    their tags and playlists.
    """

    def __init__(self, session: Session, *, source: str, fields: frozenset[str]) -> None:
        self._session = session
        self._source = source
        self._fields = fields
        self._mark = secrets.token_hex(16)
        self._links = TagPlaylistLinks(session)
        self._credits = CreditWriter(session)

    def write(self, rows: Sequence[CatalogueRow]) -> BatchCounts:
        """Insert or update ``rows``, in file order."""
        firsts: dict[str, CatalogueRow] = {}
        repeats = [row for row in rows if firsts.setdefault(row.source_key, row) is not row]
        with SearchIndex(self._session) as index:
            return self._write(rows, firsts, repeats, index)

    def _write(
        self,
        rows: Sequence[CatalogueRow],
        firsts: dict[str, CatalogueRow],
        repeats: list[CatalogueRow],
        index: SearchIndex,
    ) -> BatchCounts:
        stored = self._stored(firsts)
        new = [row for key, row in firsts.items() if key not in stored]
        changed, same = [], []
        for key, row in firsts.items():
            track = stored.get(key)
            if track is None:
                continue
            if track.mark == self._mark:
                repeats.append(row)
            elif track.fingerprint == row.fingerprint:
                same.append(track.id)
            else:
                changed.append(row)
        repeats.sort(key=lambda row: row.number)
        ids = {key: track.id for key, track in stored.items()}
        touched = {ids[row.source_key] for row in changed + repeats if row.source_key in ids}
        index.remove(list(touched))
        ids |= self._insert(new)
        self._update(changed, ids)
        for part in chunks(same):
            self._run(update(_TRACK).where(_TRACK.c.id.in_(part)).values(ingest_mark=self._mark))
        self._links.tag(new + changed, ids, fresh=True)
        self._links.tag(repeats, ids, fresh=False)
        index.add(list(touched | {ids[row.source_key] for row in new}))
        self._links.add_to_playlists(rows, ids)
        return BatchCounts(len(new), len(changed), len(same) + len(repeats))

    def _run(self, statement: Any, values: Any = None) -> Any:
        return self._session.connection().execute(statement, values)

    def _stored(self, keys: Iterable[str]) -> dict[str, _StoredTrack]:
        columns = (_TRACK.c.source_key, _TRACK.c.id, _TRACK.c.fingerprint, _TRACK.c.ingest_mark)
        keys = list(keys)
        found = {
            key: _StoredTrack(*rest)
            for part in chunks(keys)
            for key, *rest in self._run(
                select(*columns).where(_TRACK.c.source_key.in_(part))
            ).fetchall()
        }
        # What was merged adds its tags and playlists to the survivor, as a later row would.
        gone = merge_redirects.by_source_key(
            self._session, [key for key in keys if key not in found]
        )
        return found | {
            key: _StoredTrack(id_, fingerprint, self._mark)
            for key, (id_, fingerprint) in gone.items()
        }

    def _insert(self, rows: list[CatalogueRow]) -> dict[str, int]:
        if not rows:
            return {}
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
        ids = {key: track.id for key, track in self._stored(r.source_key for r in rows).items()}
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

    def _update(self, rows: list[CatalogueRow], ids: dict[str, int]) -> None:
        if not rows:
            return
        touched = [ids[row.source_key] for row in rows]
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
            credits = [(ids[row.source_key], row.artists.certain_credits) for row in rows]
            self._credits.write(credits, fresh=False)
        at = [i for i, name in enumerate(ATTRIBUTE_NAMES) if name in self._fields]
        values = [
            {"row_id": ids[r.source_key], **{ATTRIBUTE_NAMES[i]: r.attributes[i] for i in at}}
            for r in rows
        ]
        if at:
            in_row = _ATTRIBUTES.c.track_id == bindparam("row_id")
            self._run(update(_ATTRIBUTES).where(in_row), values)
        kinds = self._fields & {"genre", "subgenre", "emotion"}
        tags_of_kinds = select(Tag.id).where(Tag.kind.in_(sorted(kinds)))
        for part in chunks(touched):
            if kinds:
                self._run(
                    delete(_TRACK_TAG).where(
                        _TRACK_TAG.c.track_id.in_(part), _TRACK_TAG.c.tag_id.in_(tags_of_kinds)
                    )
                )
            if "lyrics" in self._fields:
                self._run(delete(_LYRICS).where(_LYRICS.c.track_id.in_(part)))
        self._add_lyrics(rows, ids)

    def _name_columns(
        self, rows: list[CatalogueRow], ids: dict[str, int]
    ) -> dict[str, dict[str, Any]]:
        """Return the columns derived from names by source key; empty for a file without names.

        Of a file that has titles or artists alone, the other is what the track has already.
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
            if track is not None and line and title not in ("", UNTITLED):
                key = song_key(line, title)
            named[row.source_key] = {"song_key": key, **name_columns(title, line)}
        return named

    def _album_columns(
        self, rows: list[CatalogueRow], ids: dict[str, int]
    ) -> dict[str, dict[str, Any]]:
        """Return each row's album by source key; empty for a file without albums.

        Of a file without artists an album is by the first artist that the track has already.
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


class DryCounter:
    """Counts what ``CatalogueWriter`` would write, without writing.

    It has no mark to leave on the tracks, so it remembers 64 bits of each key: about 90 MB for a
    million tracks.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._met: set[int] = set()

    def write(self, rows: Sequence[CatalogueRow]) -> BatchCounts:
        """Count ``rows`` as inserted, updated or unchanged."""
        firsts: dict[str, CatalogueRow] = {}
        for row in rows:
            met = hash(row.source_key)
            if met not in self._met:
                self._met.add(met)
                firsts[row.source_key] = row
        stored: dict[str, str] = {}
        for part in chunks(list(firsts)):
            query = select(_TRACK.c.source_key, _TRACK.c.fingerprint)
            stored_rows = self._session.connection().execute(
                query.where(_TRACK.c.source_key.in_(part))
            )
            stored |= {key: fingerprint for key, fingerprint in stored_rows}  # noqa: C416 -- rows are no pairs
        merged = merge_redirects.by_source_key(
            self._session, [key for key in firsts if key not in stored]
        )
        stored |= {key: firsts[key].fingerprint for key in merged}
        updated = sum(stored[k] != row.fingerprint for k, row in firsts.items() if k in stored)
        inserted = len(firsts) - len(stored)
        return BatchCounts(inserted, updated, len(rows) - inserted - updated)
