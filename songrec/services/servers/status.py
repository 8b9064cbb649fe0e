"""How a music server stands: its songs, its accounts and what is being done with it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from songrec.store import jobs
from songrec.store.listeners import users
from songrec.store.servers import music_servers, server_tracks, streamed_files
from songrec.store.tables import Job, MusicServer, ServerAccount

KINDS = ("server-scan", "server-sync", "server-analyze")
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class ServerStatus:
    """A server with its numbers of songs, its accounts by the names of their owners, and its jobs.

    ``unanalysed`` counts songs whose sound lies there alone and waits for its analysis.
    """

    server: MusicServer
    songs: int
    gone: int
    unanalysed: int
    accounts: list[tuple[str, ServerAccount]]
    jobs: list[Job]

    @property
    def software(self) -> str:
        """Software and version as the server names them."""
        return " ".join(filter(None, (self.server.software, self.server.version)))

    @property
    def is_scanned(self) -> bool:
        """Whether songrec reads the server itself, and not only ids that somebody imported."""
        return self.server.kind == music_servers.SCANNED

    @property
    def is_partly_read(self) -> bool:
        """Whether a scan has begun and not ended."""
        return "running" in (self.server.scan or {})


def all_statuses(session: Session) -> list[ServerStatus]:
    """Return the status of every server, by name."""
    active = [job for job in jobs.active(session) if job.kind in KINDS]
    statuses = []
    for server in music_servers.all_servers(session):
        accounts = music_servers.accounts(session, server)
        names = users.names_by_listener(session, [one.listener_id for one in accounts])
        songs, _, gone = server_tracks.counts(session, server)
        statuses.append(
            ServerStatus(
                server,
                songs,
                gone,
                len(streamed_files.unanalysed(session, server, MOST_COUNTED)),
                [(names.get(one.listener_id, "Somebody"), one) for one in accounts],
                [job for job in active if job.parameters.get("server") == server.public_id],
            )
        )
    return statuses
