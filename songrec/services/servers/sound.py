"""Streaming of a song's sound from a music server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from songrec.core.errors import NotReady
from songrec.core.outgoing import AWAITED_S, read_chunks
from songrec.services.servers.client import ServerClient
from songrec.store.instance import Instance
from songrec.store.servers import music_servers, streamed_files
from songrec.store.tables import AudioFile, Listener

log = logging.getLogger("songrec.servers")

MOST_BYTES = 2 * 2**30
LONGEST_S = 1800.0
"""Limits of the streamed data per request."""
_PASSED_ON = ("Content-Length", "Content-Range")


@dataclass(frozen=True)
class StreamedSound:
    """Status (200, 206 or 416), headers and bytes of a song, or a part of it."""

    status: int
    headers: dict[str, str]
    chunks: Iterator[bytes] = field(default_factory=lambda: iter(()))


def open_sound(
    instance: Instance, file: AudioFile, listener: Listener | None, byte_range: str | None
) -> StreamedSound:
    """Open the sound of a streamed file for ``listener``, with an optional ``Range`` header.

    It is read with the listener's own account on the server, or with the scanning one.
    ``NotReady`` if the server was removed or does not send it. Ends the session's transaction.
    """
    place = streamed_files.song_of(instance.session, file)
    if place is None:
        raise NotReady("This song is no longer on its music server.")
    server, song = place
    session = instance.session
    own = music_servers.account_of(session, server, listener) if listener else None
    accounts = [own] if own is not None else music_servers.scanning_accounts(session, server)
    if not accounts:
        raise NotReady(f"{server.name} has no account left to play its songs with.")
    client = ServerClient.of_account(instance, accounts[0], longest_s=AWAITED_S)
    remote_id = song.remote_id
    session.commit()  # nothing stays locked while it plays
    try:
        response = client.stream(remote_id, **({"Range": byte_range} if byte_range else {}))
    except NotReady:
        client.close()
        raise
    headers = {
        name: value for name in _PASSED_ON if (value := response.headers.get(name)) is not None
    }
    headers["Accept-Ranges"] = "bytes"
    if response.status_code == 416:
        response.close()
        client.close()
        return StreamedSound(416, headers)

    def chunks() -> Iterator[bytes]:
        with client:
            try:
                yield from read_chunks(response, MOST_BYTES, LONGEST_S)
            except NotReady as error:  # the status is already sent, so the body ends early
                log.warning("A song was not passed on to its end: %s", error)

    return StreamedSound(response.status_code, headers, chunks())
