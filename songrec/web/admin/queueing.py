"""Queueing work from a page: pressed twice, it is queued once."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from songrec.jobs import queue
from songrec.store.db import db
from songrec.store.tables import Job


def queue_once(kind: str, parameters: dict[str, Any]) -> ResponseReturnValue:
    """Queue a job, unless the same one waits or runs, and lead to its page."""
    job, is_new = queue.enqueue_once(db.session, kind, parameters, current_user)
    db.session.commit()
    return show(job) if is_new else show_queued(job)


def show_queued(job: Job) -> ResponseReturnValue:
    """Redirect to an already queued job, with a message."""
    state = "is running" if job.state == "running" else "is waiting for its turn"
    flash(f"This {state} already; it was not queued a second time.", "info")
    return show(job)


def show(job: Job) -> ResponseReturnValue:
    """Lead to the page of a job."""
    return redirect(url_for("admin.job", public_id=job.public_id), 303)
