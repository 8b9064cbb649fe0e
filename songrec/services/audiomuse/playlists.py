"""Creation of playlists for a plugin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from songrec.core.errors import BadInput
from songrec.services.audiomuse.item_ids import ItemIds
from songrec.services.servers.client import ServerClient
from songrec.store.instance import Instance
from songrec.store.listeners import playlists
from songrec.store.servers import music_servers
from songrec.store.tables import Listener

MOST_SONGS = playlists.TRACK_LIMIT


@dataclass(frozen=True, slots=True)
class CreatedPlaylist:
    """A new playlist: its id, its place, and the numbers of songs in it and left out."""

    playlist_id: str
    place: str
    mapped: int
    skipped: int


def create(
    instance: Instance, listener: Listener, ids: ItemIds, name: str, item_ids: Sequence[str]
) -> CreatedPlaylist:
    """Create a playlist on the server of ``ids``, if ``listener`` has an account there, else here.

    Unknown songs are left out. The caller commits; earlier writes are committed before the request,
    to release locks. ``BadInput`` for an unusable name or songs, ``NotReady`` if the server fails.
    """
    unique = list(dict.fromkeys(one for one in item_ids if one))
    if not name.strip() or not unique:
        raise BadInput("A playlist needs a name (playlist_name) and songs (track_ids).")
    if len(unique) > MOST_SONGS:
        raise BadInput(f"A playlist has at most {MOST_SONGS:,} songs.")
    tracks = ids.known_tracks(unique)
    listed = [one for one in unique if one in tracks]
    if not listed:
        raise BadInput("None of these songs is known, so no playlist was created.")
    skipped = len(unique) - len(listed)
    account = (
        music_servers.account_of(instance.session, ids.server, listener) if ids.server else None
    )
    if ids.server is not None and account is not None:
        place = ids.server.name
        instance.session.commit()  # nothing stays locked while the server answers
        with ServerClient.of_account(instance, account) as client:
            remote_id = client.write_playlist(name.strip()[: playlists.NAME_LENGTH], listed)
        return CreatedPlaylist(remote_id, place, len(listed), skipped)
    playlist = playlists.create(
        instance.session,
        listener,
        name.strip()[: playlists.NAME_LENGTH],
        track_ids=[tracks[one].id for one in listed],
    )
    return CreatedPlaylist(playlist.public_id, "songrec", len(listed), skipped)
