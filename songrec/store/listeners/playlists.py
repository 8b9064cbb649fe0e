"""Playlists of listeners, and read-only playlists of catalogues.

The caller commits. Functions that change a playlist expect one returned by
``find(…, to_change=True)``, which never returns somebody else's.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session, aliased

from songrec.core.errors import BadInput
from songrec.store.bulk import chunks
from songrec.store.db import insert, now
from songrec.store.tables import Listener, Playlist, PlaylistTrack, Track

NAME_LENGTH = 200
DESCRIPTION_LENGTH = 500
TRACK_LIMIT = 2_000
"""Maximum number of tracks in a playlist: one page shows it, one file exports it."""
PLAYLIST_LIMIT = 500
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class PlaylistSize:
    """A playlist and its number of tracks."""

    playlist: Playlist
    size: int


def create(
    session: Session,
    listener: Listener,
    name: str,
    description: str = "",
    track_ids: Sequence[int] = (),
) -> Playlist:
    """Create a playlist of ``listener`` with these tracks in order.

    Raises ``BadInput`` for an empty or too long name, or too many tracks or playlists.
    """
    owned = session.scalar(
        select(func.count()).select_from(Playlist).where(Playlist.listener_id == listener.id)
    )
    if (owned or 0) >= PLAYLIST_LIMIT:
        raise BadInput(f"You have {PLAYLIST_LIMIT} playlists; delete one to make another.")
    playlist = Playlist(
        public_id=secrets.token_hex(8),
        listener_id=listener.id,
        name=_name(name),
        description=_clean(description, DESCRIPTION_LENGTH, "description"),
    )
    session.add(playlist)
    session.flush()
    add(session, playlist, track_ids)
    return playlist


def duplicate(session: Session, listener: Listener, playlist: Playlist) -> Playlist:
    """Create a playlist of ``listener`` with the tracks of another."""
    name = f"Copy of {playlist.name}"[:NAME_LENGTH]
    return create(session, listener, name, playlist.description, tracks(session, playlist))


def find(
    session: Session, public_id: str, listener: Listener | None, *, to_change: bool = False
) -> Playlist | None:
    """Return the playlist if ``listener`` may see (or change) it, else None."""
    playlist = session.scalar(select(Playlist).where(Playlist.public_id == public_id))
    if playlist is None:
        return None
    if listener is not None and playlist.listener_id == listener.id:
        return playlist
    return playlist if playlist.listener_id is None and not to_change else None


def of_listener(session: Session, listener: Listener) -> list[PlaylistSize]:
    """List the playlists of ``listener``, newest first."""
    return _with_sizes(
        session, Playlist.listener_id == listener.id, Playlist.created_at.desc(), PLAYLIST_LIMIT
    )


def of_catalogue(session: Session, limit: int = 50, text: str = "") -> list[PlaylistSize]:
    """List playlists of catalogues by name, optionally those whose name contains ``text``."""
    condition = Playlist.listener_id.is_(None)
    if text.strip():
        pattern = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        condition &= Playlist.name.ilike(f"%{pattern}%", escape="\\")
    return _with_sizes(session, condition, Playlist.name.asc(), limit)


def owned(session: Session, listener: Listener) -> list[Playlist]:
    """List the playlists of ``listener``, oldest first."""
    return list(
        session.scalars(
            select(Playlist).where(Playlist.listener_id == listener.id).order_by(Playlist.id)
        )
    )


def tracks(session: Session, playlist: Playlist) -> list[int]:
    """Return the playlist's track ids in order."""
    return list(
        session.scalars(
            select(PlaylistTrack.track_id)
            .where(PlaylistTrack.playlist_id == playlist.id)
            .order_by(PlaylistTrack.position, PlaylistTrack.track_id)
        )
    )


def tracks_of_all(session: Session, playlists: Sequence[Playlist]) -> dict[int, list[int]]:
    """Map the ids of playlists to their track ids in order."""
    ids: dict[int, list[int]] = {playlist.id: [] for playlist in playlists}
    for part in chunks(list(ids)):
        rows = session.execute(
            select(PlaylistTrack.playlist_id, PlaylistTrack.track_id)
            .where(PlaylistTrack.playlist_id.in_(part))
            .order_by(PlaylistTrack.playlist_id, PlaylistTrack.position, PlaylistTrack.track_id)
        )
        for playlist_id, track_id in rows:
            ids[playlist_id].append(track_id)
    return ids


def sizes(session: Session, playlists: Sequence[Playlist]) -> dict[int, int]:
    """Map playlist ids to their number of tracks."""
    rows = session.execute(
        select(PlaylistTrack.playlist_id, func.count())
        .where(PlaylistTrack.playlist_id.in_([playlist.id for playlist in playlists]))
        .group_by(PlaylistTrack.playlist_id)
    )
    return dict.fromkeys((playlist.id for playlist in playlists), 0) | dict(rows.all())


def shared_counts(
    session: Session, track_ids: Sequence[int], other_ids: Sequence[int]
) -> dict[tuple[int, int], int]:
    """Count the catalogue's playlists with a track of ``track_ids`` and one of ``other_ids``.

    Listeners' own playlists are ignored. Pairs without shared playlists are missing.
    """
    one, other = aliased(PlaylistTrack), aliased(PlaylistTrack)
    query = (
        select(one.track_id, other.track_id, func.count())
        .join(other, other.playlist_id == one.playlist_id)
        .join(Playlist, Playlist.id == one.playlist_id)
        .where(
            one.track_id.in_(track_ids),
            other.track_id.in_(other_ids),
            Playlist.listener_id.is_(None),
        )
        .group_by(one.track_id, other.track_id)
    )
    return {(track_id, other_id): n for track_id, other_id, n in session.execute(query)}


def ids_of(session: Session, public_ids: Sequence[str]) -> list[int]:
    """Return the track ids of public ids in the order given, without unknown ones."""
    requested = list(dict.fromkeys(public_ids))
    ids = dict(
        session.execute(
            select(Track.public_id, Track.id).where(Track.public_id.in_(requested[:TRACK_LIMIT]))
        ).all()
    )
    return [ids[public_id] for public_id in requested if public_id in ids]


def rename(session: Session, playlist: Playlist, name: str, description: str | None = None) -> None:
    """Change the name and, unless None, the description."""
    playlist.name = _name(name)
    if description is not None:
        playlist.description = _clean(description, DESCRIPTION_LENGTH, "description")
    playlist.changed_at = now()
    session.flush()


def create_stream_key(session: Session, playlist: Playlist) -> None:
    """Create a key for the playlist's stream URLs, unless it has one."""
    if playlist.stream_salt is None:
        playlist.stream_salt = secrets.token_hex(16)
        session.flush()


def revoke_stream_key(session: Session, playlist: Playlist) -> None:
    """Invalidate the playlist's stream URLs."""
    playlist.stream_salt = None
    session.flush()


def create_share_key(session: Session, playlist: Playlist) -> None:
    """Create a key for the playlist's public page, unless it has one."""
    if playlist.share_salt is None:
        playlist.share_salt = secrets.token_hex(16)
        session.flush()


def revoke_share_key(session: Session, playlist: Playlist) -> None:
    """Invalidate the URL of the playlist's public page."""
    playlist.share_salt = None
    session.flush()


def with_public_id(session: Session, public_id: str) -> Playlist | None:
    """Return the playlist of any owner; for requests that are authorised by a key."""
    return session.scalar(select(Playlist).where(Playlist.public_id == public_id))


def holds(session: Session, playlist: Playlist, public_id: str) -> int | None:
    """Return the id of the track with this public id if it is in the playlist."""
    return session.scalar(
        select(Track.id)
        .join(PlaylistTrack, PlaylistTrack.track_id == Track.id)
        .where(PlaylistTrack.playlist_id == playlist.id, Track.public_id == public_id)
    )


def delete(session: Session, playlist: Playlist) -> None:
    """Delete the playlist; its tracks stay in the catalogue."""
    session.execute(sql_delete(Playlist).where(Playlist.id == playlist.id))
    session.expire_all()


def add(session: Session, playlist: Playlist, track_ids: Sequence[int]) -> int:
    """Append the tracks that are not in the playlist yet, in order; return their number."""
    present = set(tracks(session, playlist))
    new = [i for i in dict.fromkeys(track_ids) if i not in present]
    if len(present) + len(new) > TRACK_LIMIT:
        raise BadInput(f"A playlist holds {TRACK_LIMIT:,} songs at most.")
    if new:
        last = session.scalar(
            select(func.max(PlaylistTrack.position)).where(PlaylistTrack.playlist_id == playlist.id)
        )
        start = 0 if last is None else last + 1
        # Another request may have added some of them since.
        session.connection().execute(
            insert(session, PlaylistTrack.__table__).on_conflict_do_nothing(),
            [
                {"playlist_id": playlist.id, "track_id": track_id, "position": start + at}
                for at, track_id in enumerate(new)
            ],
        )
        playlist.changed_at = now()
    return len(new)


def remove(session: Session, playlist: Playlist, track_id: int) -> None:
    """Remove a track, if it is in the playlist."""
    session.execute(
        sql_delete(PlaylistTrack).where(
            PlaylistTrack.playlist_id == playlist.id, PlaylistTrack.track_id == track_id
        )
    )
    playlist.changed_at = now()


def replace(session: Session, playlist: Playlist, track_ids: Sequence[int]) -> None:
    """Replace the playlist's tracks by these, in this order."""
    session.execute(sql_delete(PlaylistTrack).where(PlaylistTrack.playlist_id == playlist.id))
    add(session, playlist, track_ids)
    playlist.changed_at = now()


def move(session: Session, playlist: Playlist, track_id: int, place: int) -> None:
    """Move a track to position ``place`` (0 is first; clipped to either end)."""
    order = tracks(session, playlist)
    if track_id not in order:
        raise BadInput("This song is not in the playlist any more.")
    order.remove(track_id)
    order.insert(min(max(place, 0), len(order)), track_id)
    # Rewrite all positions, so that two concurrent moves still leave a valid order.
    session.execute(
        update(PlaylistTrack),
        [
            {"playlist_id": playlist.id, "track_id": track_id, "position": at}
            for at, track_id in enumerate(order)
        ],
    )
    playlist.changed_at = now()


def _with_sizes(
    session: Session, condition: ColumnElement[bool], order: ColumnElement[Any], limit: int
) -> list[PlaylistSize]:
    size = (
        select(func.count())
        .select_from(PlaylistTrack)
        .where(PlaylistTrack.playlist_id == Playlist.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Playlist, size).where(condition).order_by(order, Playlist.id).limit(limit)
    )
    return [PlaylistSize(playlist, number) for playlist, number in rows]


def usable_name(text: str, default: str) -> str:
    """Clean and shorten ``text`` to a playlist's name; ``default`` if nothing is left."""
    name = " ".join("".join(map(_printable, text)).split())[:NAME_LENGTH].strip()
    return name if name.strip(_JOINERS) else default


def _printable(character: str) -> str:
    """Replace line breaks and invisible characters, which would get into exported files."""
    kind = unicodedata.category(character)
    if kind == "Cf":
        # Remove direction overrides and invisible marks; keep joiners of Persian and emoji.
        return character if character in _JOINERS else ""
    return " " if kind in ("Cc", "Cs") or kind[0] == "Z" else character


def _clean(text: str, max_length: int, field: str) -> str:
    plain = " ".join("".join(map(_printable, text)).split())
    if len(plain) > max_length:
        raise BadInput(f"A playlist's {field} has at most {max_length} characters.")
    return plain


def _name(text: str) -> str:
    name = _clean(text, NAME_LENGTH, "name")
    if not name.strip(_JOINERS):
        raise BadInput("A playlist needs a name.")
    return name
