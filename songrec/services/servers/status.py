"""Status of music servers: songs, accounts and jobs."""

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
    """A server with its numbers of songs, its accounts by owner's name, and its jobs.

    ``unanalysed`` counts songs without local sound that are not analysed yet.
    """

    server: MusicServer
    songs: int
    gone: int
    unanalysed: int
    accounts: list[tuple[str, ServerAccount]]
    jobs: list[Job]

    @property
    def software(self) -> str:
        """Software and version as reported by the server."""
        return " ".join(filter(None, (self.server.software, self.server.version)))

    @property
    def is_scanned(self) -> bool:
        """Whether songrec scans the server, rather than only storing imported ids."""
        return self.server.kind == music_servers.SCANNED

    @property
    def is_partly_read(self) -> bool:
        """Whether a scan is incomplete."""
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
