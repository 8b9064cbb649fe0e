"""Playlists: a listener's own, and those that came with a catalogue (read by all, changed by none).

Sessions come first; the caller commits. Everything that changes a playlist takes one found with
``find(…, to_change=True)``: nobody gets hold of somebody else's.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.tables import Listener, Playlist, PlaylistTrack, Track

NAME_LENGTH = 200
DESCRIPTION_LENGTH = 500
TRACK_LIMIT = 2_000
"""A playlist holds no more: one page shows it, one file exports it."""
PLAYLIST_LIMIT = 500
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Listed:
    """A playlist in a list, with how many tracks it holds."""

    playlist: Playlist
    size: int


def create(
    session: Session,
    listener: Listener,
    name: str,
    description: str = "",
    track_ids: Sequence[int] = (),
) -> Playlist:
    """A new playlist of ``listener`` with these tracks in order.

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


def find(
    session: Session, public_id: str, listener: Listener | None, *, to_change: bool = False
) -> Playlist | None:
    """The playlist, if ``listener`` may see it (or change it); else None, as if there were none."""
    playlist = session.scalar(select(Playlist).where(Playlist.public_id == public_id))
    if playlist is None:
        return None
    if listener is not None and playlist.listener_id == listener.id:
        return playlist
    return playlist if playlist.listener_id is None and not to_change else None


def of_listener(session: Session, listener: Listener) -> list[Listed]:
    """The playlists of ``listener``, the newest first."""
    return _listed(
        session, Playlist.listener_id == listener.id, Playlist.created_at.desc(), PLAYLIST_LIMIT
    )


def of_catalogue(session: Session, limit: int = 50, text: str = "") -> list[Listed]:
    """Playlists that came with a catalogue, by name; those whose name holds ``text``."""
    condition = Playlist.listener_id.is_(None)
    if text.strip():
        pattern = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        condition &= Playlist.name.ilike(f"%{pattern}%", escape="\\")
    return _listed(session, condition, Playlist.name.asc(), limit)


def tracks(session: Session, playlist: Playlist) -> list[int]:
    """The ids of its tracks, in order."""
    return list(
        session.scalars(
            select(PlaylistTrack.track_id)
            .where(PlaylistTrack.playlist_id == playlist.id)
            .order_by(PlaylistTrack.position, PlaylistTrack.track_id)
        )
    )


def sizes(session: Session, found: Sequence[Playlist]) -> dict[int, int]:
    """Playlist id to how many tracks it holds."""
    rows = session.execute(
        select(PlaylistTrack.playlist_id, func.count())
        .where(PlaylistTrack.playlist_id.in_([playlist.id for playlist in found]))
        .group_by(PlaylistTrack.playlist_id)
    )
    return dict.fromkeys((playlist.id for playlist in found), 0) | dict(rows.all())


def ids_of(session: Session, public_ids: Sequence[str]) -> list[int]:
    """Track ids of public ids, in the order given; unknown ones are left out."""
    wanted = list(dict.fromkeys(public_ids))
    known = dict(
        session.execute(
            select(Track.public_id, Track.id).where(Track.public_id.in_(wanted[:TRACK_LIMIT]))
        ).all()
    )
    return [known[public_id] for public_id in wanted if public_id in known]


def rename(session: Session, playlist: Playlist, name: str, description: str | None = None) -> None:
    """Give it another name and, unless None, another description."""
    playlist.name = _name(name)
    if description is not None:
        playlist.description = _clean(description, DESCRIPTION_LENGTH, "description")
    session.flush()


def delete(session: Session, playlist: Playlist) -> None:
    """Remove it; its tracks stay in the catalogue."""
    session.execute(sql_delete(Playlist).where(Playlist.id == playlist.id))
    session.expire_all()


def add(session: Session, playlist: Playlist, track_ids: Sequence[int]) -> int:
    """Append the tracks that are not in it yet, in order; returns how many those were."""
    known = tracks(session, playlist)
    new = [i for i in dict.fromkeys(track_ids) if i not in set(known)]
    if len(known) + len(new) > TRACK_LIMIT:
        raise BadInput(f"A playlist holds {TRACK_LIMIT:,} songs at most.")
    if new:
        last = session.scalar(
            select(func.max(PlaylistTrack.position)).where(PlaylistTrack.playlist_id == playlist.id)
        )
        start = 0 if last is None else last + 1
        session.execute(
            insert(PlaylistTrack),
            [
                {"playlist_id": playlist.id, "track_id": track_id, "position": start + at}
                for at, track_id in enumerate(new)
            ],
        )
    return len(new)


def remove(session: Session, playlist: Playlist, track_id: int) -> None:
    """Take a track out; nothing happens where it is not in it."""
    session.execute(
        sql_delete(PlaylistTrack).where(
            PlaylistTrack.playlist_id == playlist.id, PlaylistTrack.track_id == track_id
        )
    )


def move(session: Session, playlist: Playlist, track_id: int, place: int) -> None:
    """Put a track at ``place`` (0 is first; beyond either end means that end)."""
    order = tracks(session, playlist)
    if track_id not in order:
        raise BadInput("This song is not in the playlist any more.")
    order.remove(track_id)
    order.insert(min(max(place, 0), len(order)), track_id)
    # Numbered anew, so that what two moves at the same time leave is still an order.
    session.execute(
        update(PlaylistTrack),
        [
            {"playlist_id": playlist.id, "track_id": track_id, "position": at}
            for at, track_id in enumerate(order)
        ],
    )


def _listed(
    session: Session, condition: ColumnElement[bool], order: ColumnElement[Any], limit: int
) -> list[Listed]:
    size = (
        select(func.count())
        .select_from(PlaylistTrack)
        .where(PlaylistTrack.playlist_id == Playlist.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Playlist, size).where(condition).order_by(order, Playlist.id).limit(limit)
    )
    return [Listed(playlist, number) for playlist, number in rows]


def _shown(character: str) -> str:
    """A character of a name as it is kept: line breaks and the like would end up in files."""
    kind = unicodedata.category(character)
    if kind == "Cf":
        # What turns the direction of all that follows, or shows nothing, goes; what joins the
        # letters of Persian and the parts of an emoji belongs to them.
        return character if character in _JOINERS else ""
    return " " if kind in ("Cc", "Cs") or kind[0] == "Z" else character


def _clean(text: str, longest: int, what: str) -> str:
    plain = " ".join("".join(map(_shown, text)).split())
    if len(plain) > longest:
        raise BadInput(f"A playlist's {what} has at most {longest} characters.")
    return plain


def _name(text: str) -> str:
    name = _clean(text, NAME_LENGTH, "name")
    if not name.strip(_JOINERS):
        raise BadInput("A playlist needs a name.")
    return name
