"""Tags and playlists of a catalogue's tracks, written in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.catalogue import CatalogueRow
from songrec.core.songs import public_id
from songrec.store.bulk import chunks, insert_many
from songrec.store.tables import Playlist, PlaylistTrack, Tag, TrackTag

_TRACK_TAG = TrackTag.__table__
_PLAYLIST_TRACK = PlaylistTrack.__table__


class TagPlaylistLinks:
    """Writes the tags and playlists of one import; caches the ids of both."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tags: dict[tuple[str, str], int] = {}
        self._playlists: dict[str, int] = {}

    def tag(self, rows: list[CatalogueRow], ids: dict[str, int], *, fresh: bool) -> None:
        """Tag ``rows``; ``fresh`` ones carry no tag of these kinds yet."""
        wanted = {
            (ids[row.source_key], self._tag_id(tag)): None for row in rows for tag in row.tags
        }
        if not fresh and wanted:
            wanted = _without(wanted, self._pairs(_TRACK_TAG, "track_id", "tag_id", wanted))
        insert_many(self._session.connection(), _TRACK_TAG, ("track_id", "tag_id"), list(wanted))

    def _tag_id(self, tag: tuple[str, str]) -> int:
        if tag not in self._tags:
            kind, name = tag
            found = self._session.scalar(select(Tag.id).where(Tag.kind == kind, Tag.name == name))
            if found is None:
                added = Tag(kind=kind, name=name)
                self._session.add(added)
                self._session.flush()
                found = added.id
            self._tags[tag] = found
        return self._tags[tag]

    def add_to_playlists(self, rows: Sequence[CatalogueRow], ids: dict[str, int]) -> None:
        """Add tracks to their playlists; the row's number is the position: the file's order."""
        wanted: dict[tuple[int, int], int] = {}
        for row in rows:
            if row.playlist is not None:
                pair = (self._playlist_id(*row.playlist), ids[row.source_key])
                wanted.setdefault(pair, row.number)
        if not wanted:
            return
        there = self._pairs(_PLAYLIST_TRACK, "playlist_id", "track_id", wanted)
        values = [(*pair, position) for pair, position in wanted.items() if pair not in there]
        insert_many(
            self._session.connection(),
            _PLAYLIST_TRACK,
            ("playlist_id", "track_id", "position"),
            values,
        )

    def _playlist_id(self, external_id: str, name: str) -> int:
        if external_id not in self._playlists:
            found = self._session.scalar(
                select(Playlist.id).where(Playlist.external_id == external_id)
            )
            if found is None:
                added = Playlist(
                    public_id=public_id(f"playlist:{external_id}"),
                    external_id=external_id,
                    name=name,
                )
                self._session.add(added)
                self._session.flush()
                found = added.id
            self._playlists[external_id] = found
        return self._playlists[external_id]

    def _pairs(
        self, table: Any, one: str, other: str, wanted: Iterable[tuple[int, int]]
    ) -> set[tuple[int, int]]:
        """Return the pairs that a link table holds for these tracks."""
        side = 0 if one == "track_id" else 1
        tracks = list({pair[side] for pair in wanted})
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
