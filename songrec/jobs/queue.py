"""Enqueueing of jobs and detection of live workers. Light: imports no functions of jobs.

The rows of the job table are the queue: workers see a job once the transaction that added it is
committed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from songrec.core import file_systems
from songrec.core.errors import NotReady, UnknownName
from songrec.core.processes import host_id
from songrec.jobs.kinds import KIND_GROUPS, KINDS
from songrec.store import jobs, workers
from songrec.store.db import clock
from songrec.store.instance import Instance
from songrec.store.tables import Job, User

_ATTEMPTS = 5
_OWN_KEY = "songrec"
"""Owner of the jobs that songrec and commands queue, which take turns like a person's."""


def enqueue(
    session: Session,
    kind: str,
    parameters: dict[str, Any],
    user: User | None = None,
    *,
    listener_id: int | None = None,
    owner_key: str | None = None,
) -> Job:
    """Add a job for the workers. The caller commits.

    The job of a listener is deleted with the listener. ``owner_key`` identifies an owner without an
    account, for taking turns.
    """
    return _create(session, kind, parameters, user, None, listener_id, owner_key)


def enqueue_once(
    session: Session, kind: str, parameters: dict[str, Any], user: User | None = None
) -> tuple[Job, bool]:
    """Add a job unless an equal one waits or runs; return the job, and whether it is new.

    Equal jobs have the same kind and parameters, regardless of the owner; this is safe with
    concurrent processes. The caller commits; its uncommitted changes are preserved in any case.
    """
    content = json.dumps([kind, parameters], sort_keys=True, separators=(",", ":"))
    key = hashlib.sha256(content.encode()).hexdigest()
    for _ in range(_ATTEMPTS):
        job = jobs.find_active(session, key)
        if job is not None:
            return job, False
        try:
            with session.begin_nested():
                return _create(session, kind, parameters, user, key), True
        except IntegrityError:
            continue  # another process added the job at the same time
    raise NotReady("The same work keeps being queued by others: look at the list of jobs.")


def _create(
    session: Session,
    kind: str,
    parameters: dict[str, Any],
    user: User | None,
    request_key: str | None = None,
    listener_id: int | None = None,
    owner_key: str | None = None,
) -> Job:
    if kind not in KINDS:
        raise UnknownName("kind of job", kind, KINDS)
    user_id = user.id if user is not None else None
    row = KINDS[kind]
    # Among jobs of equal urgency, an admin's comes first.
    priority = row.priority + (user is not None and user.is_admin)
    if user is not None:
        owner_key = owner_key_of(user)
    return jobs.create(
        session,
        kind,
        parameters,
        user_id,
        priority,
        row.exclusive_key,
        request_key,
        owner_key or _OWN_KEY,
        listener_id,
    )


def owner_key_of(user: User) -> str:
    """Return an account's key for taking turns."""
    return f"user:{user.id}"


@contextlib.contextmanager
def worker_lock(instance: Path, group: str | None = None) -> Iterator[str]:
    """Hold the lock of a new worker and yield its name; the kernel frees it with the process.

    The lock is only valid on this host, which is part of the file's name. If hosts share a
    database, workers also report to it (``store.workers``).

    The name of a worker for one group of kinds (``KIND_GROUPS``) begins with the group.
    """
    folder = _workers(instance)
    folder.mkdir(exist_ok=True)
    name = secrets.token_hex(8)
    if group is not None:
        name = f"{group}-{name}"
    # Rename the file once it is locked: an unlocked file of the final name means a dead worker.
    draft, path = folder / name, folder / f"{name}.lock"
    try:
        with draft.open("w") as file:
            file_systems.lock(file.fileno(), folder)
            file.write(host_id())
            file.flush()
            draft.rename(path)
            yield name
    finally:
        for each in (draft, path):
            each.unlink(missing_ok=True)


def local_workers(instance: Path) -> list[str]:
    """Return the names of the live workers on this host."""
    return [path.stem for path in _of_this_host(instance) if _is_locked(path)]


def live_workers(instance: Instance) -> list[str]:
    """Return the names of this instance's live workers.

    A worker on this host is alive while its process is; one on another host, with a shared
    database, while it reports.
    """
    elsewhere = workers.elsewhere(instance.session, host_id())
    return [*local_workers(instance.folder), *elsewhere]


def worker_runs(instance: Instance, kind: str | None = None) -> bool:
    """Return whether a worker of this instance is alive for all kinds, or at least for ``kind``."""
    groups = (name.rpartition("-")[0] for name in live_workers(instance))
    return any(not group or kind in KIND_GROUPS.get(group, ()) for group in groups)


def requeue_abandoned(instance: Instance, silent_for: timedelta = timedelta(0)) -> tuple[int, int]:
    """Requeue the jobs of dead workers. The caller commits.

    Returns the numbers of requeued jobs and of jobs that ended after too many attempts or a
    cancellation. Jobs of a live worker are not touched, even if a long transaction has blocked its
    heartbeat.
    """
    # A worker that starts after this line may be missing below.
    before = clock(instance.session) - silent_for
    return jobs.requeue_abandoned(instance.session, live_workers(instance), before)


def show_abandoned(instance: Instance, rows: Iterable[Job]) -> None:
    """Set the future state of dead workers' stale jobs for display, without writing.

    Such ``rows`` are detached from ``session``; the next worker or request that changes jobs writes
    their state.
    """
    moment = clock(instance.session)
    stale = [job for job in rows if jobs.is_stale(job, moment)]
    live = live_workers(instance) if stale else []
    for job in stale:
        if job.worker not in live:
            instance.session.expunge(job)
            jobs.show_abandoned(job)


def tidy(instance: Instance) -> int:
    """Requeue or end the stale jobs of dead workers; return their number. The caller commits."""
    moment = clock(instance.session)
    if not any(jobs.is_stale(job, moment) for job in jobs.active(instance.session)):
        return 0
    return sum(requeue_abandoned(instance, jobs.STALE))


def forget_dead_workers(instance: Path) -> None:
    """Remove the lock files of killed workers on this host."""
    for path in _of_this_host(instance):
        if not _is_locked(path):
            path.unlink(missing_ok=True)


def _workers(instance: Path) -> Path:
    return instance / "workers"


def _of_this_host(instance: Path) -> Iterator[Path]:
    """Yield the lock files of this host, and those of earlier versions without a host."""
    for path in _workers(instance).glob("*.lock"):
        with contextlib.suppress(FileNotFoundError):
            if path.read_text() in ("", host_id()):
                yield path


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not file_systems.lock(handle, path, shared=True)
    finally:
        os.close(handle)
