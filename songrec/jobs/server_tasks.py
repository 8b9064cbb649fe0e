"""Jobs of music servers: scanning them, exchanging with accounts on them, analysing their songs."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from songrec.core.types import Progress
from songrec.jobs import queue
from songrec.store.instance import current_instance
from songrec.store.servers import music_servers
from songrec.store.tables import Job


def scan(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Scan the server ``server`` (public id); with ``force`` also where it says it is unchanged.

    The exchange with its accounts, and the analysis of its new songs, are queued.
    """
    from songrec.services.servers.scan import scan_server

    server = music_servers.find(session, job.parameters["server"])
    report = scan_server(
        current_instance(), server, on_progress, force=bool(job.parameters.get("force"))
    )
    queue_following(session, server.public_id)
    return report.to_json()


def queue_following(session: Session, server_id: str) -> None:
    """Queue what follows a scan, unless it waits already. The caller commits."""
    queue.enqueue_once(session, "server-sync", {"server": server_id})


def sync(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Exchange with the accounts on the server ``server``; a report or an error for each."""
    from songrec.services.servers.sync import sync_server

    server = music_servers.find(session, job.parameters["server"])
    return {"accounts": sync_server(current_instance(), server, on_progress)}
