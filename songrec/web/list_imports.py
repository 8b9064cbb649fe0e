"""Imports of lists: short ones are answered at once, others by a job with a page of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from flask import Blueprint, Flask, abort, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ServiceUnavailable

from songrec.core.errors import UnknownName
from songrec.core.file_names import base_name, safe_file_name
from songrec.jobs import files, queue
from songrec.services.listeners import import_export
from songrec.services.listeners.import_report import HOWS, ImportReport
from songrec.services.listeners.list_reader import is_short_text
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import listens, unmatched_imports
from songrec.store.tables import Job, Listener, User
from songrec.web import personal_jobs
from songrec.web.current_listener import current_listener

blueprint = Blueprint("imports", __name__, url_prefix="/me/imports")

KIND = "import"
SHORT_BYTES = 64 * 2**10
"""A list up to here takes less time to import than a process to start."""
SHORT_RETRY = 500
"""So many missing songs are looked for at once."""
ROOM = 2**30
"""Bytes that all lists that wait for their import may occupy together."""


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


def import_list(
    listener: Listener, content: bytes, name: str, kind: str, user: User | None = None
) -> ImportReport | Job:
    """Import a short list and return the report, or queue a job for a longer one.

    The caller commits. Raises ``BadInput`` for what is no list, if it is short.
    """
    if len(content) <= SHORT_BYTES and is_short_text(content):
        return import_export.import_likes(db.session, listener, content, file_name=name, kind=kind)
    if _waiting_bytes() + len(content) > ROOM:
        raise ServiceUnavailable("Too many lists are waiting. Come back in some minutes.")
    name = base_name(name)[:200] or "list"
    path = _store(content, name)
    parameters = {"path": str(path), "file": name, "as": kind, "size": len(content)}
    try:
        job = personal_jobs.enqueue(KIND, parameters, listener, user)
    except BaseException:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    return job


def retry_unmatched(listener: Listener) -> ImportReport | Job:
    """Look again for missing songs, or queue a job where they are many. The caller commits."""
    missing = unmatched_imports.count(db.session, listener)
    missing += listens.counts(db.session, listener).unmatched
    if missing <= SHORT_RETRY:
        return import_export.retry_unmatched(db.session, listener)
    return personal_jobs.enqueue(KIND, {"retry": True}, listener)


@blueprint.get("/<public_id>", endpoint="show")
def show_import(public_id: str) -> str:
    """Show the progress of an import, then its report."""
    job = _mine_or_404(public_id)
    name = job.parameters.get("file")
    if job.state == "done" and job.result is not None:
        return render_template("me/imported.html", report=job.result, name=name, hows=HOWS)
    return render_template(
        "me/importing.html",
        job=job,
        name=name,
        active=job.state in jobs.ACTIVE,
        worker=queue.worker_runs(current_instance(), KIND),
        ahead=jobs.ahead_of(db.session, job) if job.state == "waiting" else 0,
    )


@blueprint.get("/<public_id>/state")
def state(public_id: str) -> ResponseReturnValue:
    """Return the job's state for the script of the waiting page."""
    return personal_jobs.state(_mine_or_404(public_id))


@blueprint.post("/<public_id>/cancel")
def cancel(public_id: str) -> ResponseReturnValue:
    """Request that an import stops; nothing of it is stored then."""
    job = _mine_or_404(public_id)
    jobs.request_cancel(db.session, job.id)
    db.session.commit()
    return redirect(url_for("imports.show", public_id=public_id), 303)


def of_listener(public_id: str, listener: Listener | None) -> Job | None:
    """Return an import of ``listener``; None for everybody else's and for other jobs."""
    try:
        job = jobs.find(db.session, public_id)
    except UnknownName:
        return None
    if job.kind != KIND or listener is None or job.listener_id != listener.id:
        return None
    queue.show_abandoned(current_instance(), [job])
    return job


def latest(listener: Listener | None) -> list[Job]:
    """Return the newest imports of a listener that jobs do or did."""
    if listener is None:
        return []
    rows = jobs.of_listener(db.session, listener, KIND)
    queue.show_abandoned(current_instance(), rows)
    return rows


def _mine_or_404(public_id: str) -> Job:
    job = of_listener(public_id, current_listener())
    if job is None:
        abort(404, "No such import, or it is not yours.")
    return job


def _waiting_bytes() -> int:
    return sum(row.get("size", 0) for row in jobs.active_parameters(db.session, KIND))


def _store(content: bytes, name: str) -> Path:
    """Write the list where only this account of the system may read it."""
    folder = files.upload_folder(current_app.config["INSTANCE"])
    folder.chmod(0o700)
    path = folder / safe_file_name(name, "list")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return path
