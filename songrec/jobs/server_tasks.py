"""Jobs of music servers: scanning them, exchanging with accounts on them, analysing their songs."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from songrec.core.types import Progress
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
    return report.to_json()
