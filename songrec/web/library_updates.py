"""Queue what has to follow from a change of the library that a page or the API made."""

from __future__ import annotations

from sqlalchemy import func, select

from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.tables import Track


def queue_refresh() -> None:
    """Queue the update of similarity and segments unless one waits. **Commits**."""
    if not any(job.kind == "refresh" and job.state == "waiting" for job in jobs.active(db.session)):
        newest = db.session.scalar(select(func.max(Track.id))) or 0
        queue.enqueue(db.session, "refresh", {"newest_before": newest})
    db.session.commit()
