"""Tags and playlists of a catalogue's tracks, written in bulk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.catalogue import CatalogueRow
from songrec.core.songs import plain, public_id
from songrec.store.bulk import chunks, insert_many
from songrec.store.tables import Playlist, PlaylistTrack, Tag, Track, TrackTag

_TRACK_TAG = TrackTag.__table__
_PLAYLIST_TRACK = PlaylistTrack.__table__
_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
MAX_ID_LENGTH = 100


class TagPlaylistLinks:
    """Writer of the tags and playlists of one import, with a cache of their ids.

    ``source`` is the catalogue, in which a playlist id is valid; Spotify ids are valid globally.
    """

    def __init__(self, session: Session, source: str) -> None:
        self._session = session
        self._source = source
        self._tags: dict[tuple[str, str], int] = {}
        self._playlists: dict[str, int] = {}

    def tag(self, rows: list[CatalogueRow], ids: dict[str, int], *, fresh: bool) -> None:
        """Tag ``rows``; ``fresh`` rows have no tags of these kinds yet."""
        pairs = {(ids[row.source_key], self._tag_id(tag)): None for row in rows for tag in row.tags}
        if not fresh and pairs:
            pairs = _without(pairs, self._pairs(_TRACK_TAG, "track_id", "tag_id", pairs))
        insert_many(self._session.connection(), _TRACK_TAG, ("track_id", "tag_id"), list(pairs))

    def _tag_id(self, tag: tuple[str, str]) -> int:
        if tag not in self._tags:
            kind, name = tag
            tag_id = self._session.scalar(select(Tag.id).where(Tag.kind == kind, Tag.name == name))
            if tag_id is None:
                added = Tag(kind=kind, name=name)
                self._session.add(added)
                self._session.flush()
                tag_id = added.id
            self._tags[tag] = tag_id
        return self._tags[tag]

    def add_to_playlists(self, rows: Sequence[CatalogueRow], ids: dict[str, int]) -> None:
        """Add tracks to their playlists, at the row's number as position."""
        positions: dict[tuple[int, int], int] = {}
        for row in rows:
            if row.playlist is not None:
                pair = (self._playlist_id(*row.playlist), ids[row.source_key])
                positions.setdefault(pair, row.number)
        if not positions:
            return
        existing = self._pairs(_PLAYLIST_TRACK, "playlist_id", "track_id", positions)
        values = [(*pair, position) for pair, position in positions.items() if pair not in existing]
        insert_many(
            self._session.connection(),
            _PLAYLIST_TRACK,
            ("playlist_id", "track_id", "position"),
            values,
        )

    def _playlist_id(self, external_id: str, name: str) -> int:
        if external_id not in self._playlists:
            own_id = f"{self._source}:{external_id}"[:MAX_ID_LENGTH]
            columns = (Playlist.external_id, Playlist.id, Playlist.name)
            query = select(*columns).where(Playlist.external_id.in_((own_id, external_id)))
            stored = {row.external_id: row for row in self._session.execute(query)}
            if own_id in stored:
                playlist_id = stored[own_id].id
            elif external_id not in stored:
                playlist_id = self._new_playlist(external_id, name)
            elif self._is_same(stored[external_id], name):
                playlist_id = stored[external_id].id
            else:
                playlist_id = self._new_playlist(own_id, name)
            self._playlists[external_id] = playlist_id
        return self._playlists[external_id]

    def _new_playlist(self, external_id: str, name: str) -> int:
        added = Playlist(
            public_id=public_id(f"playlist:{external_id}"), external_id=external_id, name=name
        )
        self._session.add(added)
        self._session.flush()
        return added.id

    def _is_same(self, stored: Any, name: str) -> bool:
        """Return whether a stored playlist is the same: a Spotify id, or equal name or source."""
        if _SPOTIFY_ID.fullmatch(stored.external_id) or plain(stored.name) == plain(name):
            return True
        shared = (
            select(PlaylistTrack.track_id)
            .join(Track, Track.id == PlaylistTrack.track_id)
            .where(PlaylistTrack.playlist_id == stored.id, Track.source == self._source)
        )
        return self._session.scalar(shared.limit(1)) is not None

    def _pairs(
        self, table: Any, one: str, other: str, pairs: Iterable[tuple[int, int]]
    ) -> set[tuple[int, int]]:
        """Return the existing pairs of a link table for these tracks."""
        side = 0 if one == "track_id" else 1
        tracks = list({pair[side] for pair in pairs})
        return {
            tuple(pair)
            for part in chunks(tracks)
            for pair in self._session.connection().execute(
                select(table.c[one], table.c[other]).where(table.c.track_id.in_(part))
            )
        }


def _without(
    pairs: dict[tuple[int, int], None], stored: set[tuple[int, int]]
) -> dict[tuple[int, int], None]:
    return {pair: None for pair in pairs if pair not in stored}
