"""Workers that share a database from several hosts; each reports that it lives.

On one host, locks in the instance folder tell at once which workers are alive. Between hosts
neither locks on a shared folder nor clocks are reliable, so a worker's last report by the
database's clock is used. SQLite is only used on one host.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from songrec.store.db import clock, insert
from songrec.store.jobs import STALE
from songrec.store.tables import Worker

_FORGET_AFTER = timedelta(days=1)


def are_shared(session: Session) -> bool:
    """Return whether workers on several hosts may use this database."""
    return session.get_bind().dialect.name != "sqlite"


def report(session: Session, name: str, host: str) -> None:
    """Store that a worker lives. The caller commits."""
    moment = clock(session)
    session.execute(
        insert(session, Worker)
        .values(name=name, host=host, seen_at=moment)
        .on_conflict_do_update(index_elements=["name"], set_={"seen_at": moment})
    )
    session.execute(delete(Worker).where(Worker.seen_at < moment - _FORGET_AFTER))


def remove(session: Session, name: str) -> None:
    """Remove a worker that stops. The caller commits."""
    session.execute(delete(Worker).where(Worker.name == name))


def elsewhere(session: Session, host: str) -> list[str]:
    """Return the names of the workers on other hosts that have reported lately."""
    if not are_shared(session):
        return []
    recently = Worker.seen_at > clock(session) - STALE
    return list(session.scalars(select(Worker.name).where(Worker.host != host, recently)))
