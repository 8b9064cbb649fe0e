"""Scheduled work: the worker queues due jobs once a minute."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from songrec.jobs import queue
from songrec.services.listeners import listenbrainz
from songrec.store.db import now
from songrec.store.listeners import listenbrainz_accounts, mixes
from songrec.store.runs import runs
from songrec.store.servers import music_servers, written_playlists

INTERVAL_S = 60.0
"""Seconds between checks for due work."""
REGULAR_KINDS = ("server-scan", "server-sync", "mixes", "listenbrainz")
"""Kinds of scheduled jobs, whose ended rows are deleted after a while."""


@dataclass(frozen=True, slots=True)
class DueJob:
    """Kind (``jobs.kinds``) and parameters of a job to queue."""

    kind: str
    parameters: dict[str, Any] = field(default_factory=dict)


def due(session: Session, now: datetime) -> list[DueJob]:
    """Return the jobs that are due at ``now``.

    Each function of ``_SOURCES`` is for one kind of work. A job stays due until its work records an
    attempt; a job that already waits or runs is not queued twice.
    """
    return [job for source in _SOURCES for job in source(session, now)]


def queue_due(session: Session, kinds: Collection[str] = REGULAR_KINDS) -> int:
    """Queue the due jobs of ``kinds``; return the number of new ones. The caller commits."""
    return sum(
        queue.enqueue_once(session, job.kind, job.parameters)[1]
        for job in due(session, now())
        if job.kind in kinds
    )


def _server_scans(session: Session, now: datetime) -> Iterable[DueJob]:
    """Yield scans of music servers, and exchanges with their accounts, once per interval."""
    minutes = current_app.config["SERVER_MINUTES"]
    if not minutes:
        return
    for server in music_servers.all_servers(session):
        if server.kind != music_servers.SCANNED:
            continue
        tried = [moment for moment in (server.scanned_at, _tried_at(server.scan)) if moment]
        if not tried or now - max(tried) >= timedelta(minutes=minutes):
            yield DueJob("server-scan", {"server": server.public_id})


def _tried_at(scan: dict[str, Any] | None) -> datetime | None:
    text = (scan or {}).get("tried_at")
    return datetime.fromisoformat(text) if text else None


Source = Callable[[Session, datetime], Iterable[DueJob]]


def _mixes(session: Session, moment: datetime) -> Iterable[DueJob]:
    """Yield renewals and writes of mixes, and first mixes of people with apps or servers."""
    if runs.published(session) is None:
        return []
    listeners = {
        *mixes.due(session, moment),
        *mixes.without_defaults(session),
        *written_playlists.waiting(session, moment),
    }
    return [DueJob("mixes", {"listener": one}) for one in sorted(listeners)]


def _listenbrainz(session: Session, moment: datetime) -> Iterable[DueJob]:
    """Yield exchanges with ListenBrainz accounts after their interval or a failure's delay."""
    minutes = current_app.config["SERVER_MINUTES"]
    if not minutes:
        return
    for account in listenbrainz_accounts.everybody(session):
        if listenbrainz.is_due(account, moment, timedelta(minutes=minutes)):
            yield DueJob("listenbrainz", {"account": account.id})


_SOURCES: tuple[Source, ...] = (_server_scans, _mixes, _listenbrainz)
"""Functions ``(session, now) -> due jobs``, one per kind of scheduled work."""
