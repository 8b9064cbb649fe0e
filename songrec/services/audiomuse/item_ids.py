"""Mapping between songs and artists and their ids on a plugin's music server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.core.types import Ints
from songrec.core.versioned_cache import VersionedCache
from songrec.store.bulk import chunks
from songrec.store.catalogue import artists, tracks
from songrec.store.catalogue.artists import ArtistView
from songrec.store.catalogue.tracks import TrackView
from songrec.store.servers import server_tracks
from songrec.store.tables import (
    Listener,
    MusicServer,
    ServerAccount,
    ServerTrack,
    Track,
    TrackArtist,
)

ARTIST_PREFIX = "ar-"
"""Prefix of an artist's public id in the Subsonic API."""
MAX_TRACKS_OF_ARTIST = 200
SECONDS = 600
"""Lifetime of cached ids: songs that a scan found missing disappear after this time."""
_present = VersionedCache(8)
_HERE = ServerTrack.gone_at.is_(None)


class UnknownItem(BadInput):
    """Raised for an id without a song or artist."""


@dataclass(frozen=True, slots=True)
class ItemIds:
    """The ids of one music server; without ``server`` songrec's own public ids."""

    session: Session
    server: MusicServer | None

    def track(self, item_id: str) -> TrackView:
        """Return the song with this id; ``UnknownItem`` otherwise."""
        return self.tracks([item_id])[0]

    def tracks(self, item_ids: Sequence[str]) -> list[TrackView]:
        """Return the songs with these ids, in order; ``UnknownItem`` for an unknown one."""
        by_id = self.known_tracks(item_ids)
        for item_id in item_ids:
            if item_id not in by_id:
                where = f"“{self.server.name}”" if self.server else "this songrec"
                raise UnknownItem(
                    f"No song {item_id[:60]!r} of {where} is known: scan the server first, with "
                    "`flask servers scan` or on the page of music servers."
                )
        return [by_id[item_id] for item_id in item_ids]

    def known_tracks(self, item_ids: Sequence[str]) -> dict[str, TrackView]:
        """Return the songs with these ids by id; unknown ones are left out."""
        if self.server is None:
            views = tracks.tracks_by_public_id(self.session, list(item_ids))
            return {view.public_id: view for view in views}
        ids = server_tracks.tracks_of_remote(self.session, self.server, item_ids)
        views = {view.id: view for view in tracks.tracks_by_id(self.session, list(ids.values()))}
        return {name: views[track_id] for name, track_id in ids.items() if track_id in views}

    def of_tracks(self, views: Sequence[TrackView]) -> dict[int, str]:
        """Return the ids of songs by track id, without songs that the server lacks."""
        if self.server is None:
            return {view.id: view.public_id for view in views}
        ids = [view.id for view in views]
        return server_tracks.remote_of_tracks(self.session, self.server, ids)

    def present(self) -> Ints | None:
        """Return the ascending ids of the server's tracks; None (all) for songrec's own ids."""
        if self.server is None:
            return None
        of_server = (ServerTrack.server_id == self.server.id, _HERE)
        newest = self.session.scalar(select(func.max(ServerTrack.id)))
        address = str(self.session.get_bind().engine.url)  # type: ignore[union-attr]
        return _present.get(
            (address, self.server.id),
            (newest, self.server.scanned_at, int(time.monotonic() / SECONDS)),
            lambda: np.unique(
                np.array(
                    self.session.scalars(
                        select(ServerTrack.track_id).where(
                            *of_server, ServerTrack.track_id.is_not(None)
                        )
                    ).all(),
                    dtype=np.int64,
                )
            ),
        )

    def artist(self, name: str) -> ArtistView:
        """Return the artist with this id or name; ``UnknownItem`` otherwise.

        An id of the server belongs to the artist whom most of its songs credit first.
        """
        artist = self._artist_of_server(name) or artists.find_artist(
            self.session, name.removeprefix(ARTIST_PREFIX)
        )
        if artist is None:
            raise UnknownItem(f"No artist {name[:60]!r} is known.")
        return artist

    def of_artists(self, views: Sequence[ArtistView]) -> dict[int, str | None]:
        """Return the ids of artists by artist id, without artists whom the server lacks.

        The id is the most frequent one of the artist's songs on the server, None if the songs'
        artist ids are unknown.
        """
        if self.server is None:
            return {view.id: ARTIST_PREFIX + view.public_id for view in views}
        counts: dict[int, Counter[str]] = {}
        for part in chunks([view.id for view in views]):
            query = (
                select(TrackArtist.artist_id, ServerTrack.remote_artist_id, func.count())
                .join(ServerTrack, ServerTrack.track_id == TrackArtist.track_id)
                .where(
                    TrackArtist.artist_id.in_(part),
                    TrackArtist.position == 0,
                    # Keeps SQLite from the index of the server, which covers all its songs.
                    ServerTrack.server_id + 0 == self.server.id,
                    _HERE,
                )
                .group_by(TrackArtist.artist_id, ServerTrack.remote_artist_id)
            )
            for artist_id, remote_id, count in self.session.execute(query):
                counts.setdefault(artist_id, Counter())[remote_id] = count
        return {
            artist_id: min(of_one, key=lambda remote: (not remote, -of_one[remote], remote)) or None
            for artist_id, of_one in counts.items()
        }

    def _artist_of_server(self, remote_id: str) -> ArtistView | None:
        if self.server is None:
            return None
        ids = self.session.scalars(
            select(ServerTrack.track_id)
            .where(
                ServerTrack.server_id == self.server.id,
                ServerTrack.remote_artist_id == remote_id,
                ServerTrack.track_id.is_not(None),
            )
            .limit(MAX_TRACKS_OF_ARTIST)
        ).all()
        credits = artists.credits_of_tracks(self.session, list(ids))
        first = Counter(views[0].artist_id for views in credits.values())
        if not first:
            return None
        best = min(first, key=lambda artist_id: (-first[artist_id], artist_id))
        return next(iter(artists.find_artists(self.session, [best])), None)


def ids_for(
    session: Session,
    listener: Listener | None,
    *,
    server: str = "",
    items: Sequence[str] = (),
    artist: str = "",
) -> ItemIds:
    """Return the ids of a request.

    They belong to the server named in the request, else to a server that has its ``items`` or
    ``artist``, else to the server where ``listener`` has an account, else to the only server. They
    are songrec's own if no server is connected, or if an item has such an id. ``BadInput`` if
    several servers remain.
    """
    servers = _servers(session, listener)
    if server:
        named = [one for one in servers if server.casefold() in _names(one)]
        if not named:
            raise BadInput(
                f"No connected music server is named {server[:60]!r}; connected are: "
                f"{', '.join(one.name for one in servers) or 'none'}."
            )
        return ItemIds(session, named[0])
    if not servers:
        return ItemIds(session, None)
    if items:
        holding = _holding(session, servers, ServerTrack.remote_id.in_(items[:1]))
        if holding is None and _is_own(session, items[0]):
            return ItemIds(session, None)
        return ItemIds(session, holding or servers[0])
    if artist:
        holding = _holding(session, servers, ServerTrack.remote_artist_id == artist)
        if holding is not None:
            return ItemIds(session, holding)
        if artist.startswith(ARTIST_PREFIX):
            return ItemIds(session, None)
    if len(servers) > 1 and not _has_account(session, listener, servers[0]):
        raise BadInput(
            "Several music servers are connected: name one of them in the address, with "
            f"?server={servers[0].name}."
        )
    return ItemIds(session, servers[0])


def _servers(session: Session, listener: Listener | None) -> list[MusicServer]:
    """Return the connected servers: those with an account of ``listener`` first, then by age."""
    servers = list(session.scalars(select(MusicServer).order_by(MusicServer.id)))
    if listener is not None and len(servers) > 1:
        own = set(
            session.scalars(
                select(ServerAccount.server_id).where(ServerAccount.listener_id == listener.id)
            )
        )
        servers.sort(key=lambda one: one.id not in own)
    return servers


def _names(server: MusicServer) -> tuple[str, str]:
    return server.name.casefold(), server.public_id.casefold()


def _holding(
    session: Session, servers: Sequence[MusicServer], condition: object
) -> MusicServer | None:
    """Return the first of ``servers`` with a song that meets ``condition``."""
    server_ids = set(
        session.scalars(
            select(ServerTrack.server_id)
            .where(ServerTrack.server_id.in_([one.id for one in servers]), condition)
            .distinct()
        )
    )
    return next((one for one in servers if one.id in server_ids), None)


def _is_own(session: Session, public_id: str) -> bool:
    return session.scalar(select(Track.id).where(Track.public_id == public_id)) is not None


def _has_account(session: Session, listener: Listener | None, server: MusicServer) -> bool:
    if listener is None:
        return False
    query = select(ServerAccount.id).where(
        ServerAccount.listener_id == listener.id, ServerAccount.server_id == server.id
    )
    return session.scalar(query) is not None
