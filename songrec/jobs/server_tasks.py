"""Jobs of music servers: scans, exchanges with accounts, analyses of songs."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.core.types import Progress
from songrec.jobs import queue, schedule
from songrec.store.instance import current_instance
from songrec.store.runs import runs
from songrec.store.servers import music_servers, streamed_files
from songrec.store.tables import Job, ServerAccount

TURN_S = 1200.0
"""Time after which an analysis ends and a new one is queued, so that other jobs get their turn."""


def scan(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Scan the server ``server`` (public id); with ``force`` even if it reports no changes.

    Queues the exchange with its accounts and the analysis of its new songs.
    """
    from songrec.services.servers.scan import scan_server

    server = music_servers.find(session, job.parameters["server"])
    report = scan_server(
        current_instance(), server, on_progress, force=bool(job.parameters.get("force"))
    )
    queue_following(session, server.public_id)
    return report.to_json()


def queue_following(session: Session, server_id: str) -> None:
    """Queue the jobs that follow a scan, unless they already wait. The caller commits."""
    queue.enqueue_once(session, "server-sync", {"server": server_id})
    if streamed_files.unanalysed(session, music_servers.find(session, server_id), 1):
        queue.enqueue_once(session, "server-analyze", {"server": server_id})


def sync(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Exchange data with all accounts on the server ``server``, or only with ``account`` (its id).

    The result has a report or an error for each. Mixes that the new likes make possible are queued.
    """
    from songrec.services.servers.sync import sync_account, sync_server

    server = music_servers.find(session, job.parameters["server"])
    account_id = job.parameters.get("account")
    if account_id is None:
        reports = sync_server(current_instance(), server, on_progress)
    else:
        account = session.get(ServerAccount, account_id)
        if account is None:
            raise BadInput("This account was disconnected meanwhile.")
        reports = [sync_account(current_instance(), account).to_json()]
    schedule.queue_due(session, kinds=("mixes",))
    return {"accounts": reports}


def analyze(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Analyse songs that only exist on the server ``server``, for at most ``TURN_S``.

    What is left is queued again. Without a run the first turn is a few songs, which make the first
    recommendations; once all are analysed they are trained on.
    """
    from songrec.jobs import segment_tasks
    from songrec.services.library.setting_up import SAMPLE, training_of_new_songs
    from songrec.services.servers.analyze import analyze_server

    server = music_servers.find(session, job.parameters["server"])
    server_id = server.public_id
    turn = int(job.parameters.get("turn", 1))
    is_first = turn == 1 and runs.published(session) is None
    report = analyze_server(
        current_instance(),
        server,
        on_progress,
        time_limit_s=TURN_S,
        limit=SAMPLE if is_first else None,
    )
    segment_tasks.queue_refresh(current_instance())
    training = training_of_new_songs(current_instance(), is_all=report.is_complete)
    if training is not None:
        queue.enqueue_once(session, "train", training)
    if not report.is_complete:
        queue.enqueue_once(session, "server-analyze", {"server": server_id, "turn": turn + 1})
    return report.to_json()
