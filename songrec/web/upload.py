"""Pages of uploads, which are compared with the library, then kept or deleted after an hour."""

from __future__ import annotations

import shutil
from pathlib import Path

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from limits import RateLimitItemPerHour
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ServiceUnavailable

from songrec.core.errors import BadInput
from songrec.core.file_names import base_name, safe_file_name
from songrec.jobs import queue
from songrec.services.uploads.accepted_files import ACCEPT
from songrec.store import jobs as job_store
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.sound import kept_songs, uploads, waveform_cache
from songrec.store.sound.audio_files import SoundSource
from songrec.store.tables import Job, Listener, Upload, User
from songrec.web import personal_jobs, player, security, upload_page
from songrec.web.current_listener import current_listener, require_listener
from songrec.web.downloads import send_stored_file
from songrec.web.errors import wants_json

blueprint = Blueprint("upload", __name__, url_prefix="/upload")

UPLOADS = RateLimitItemPerHour(60, 1)
ROOM = 4 * 2**30
"""Limit of the total size in bytes of uploads that are not kept."""


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("")
def index() -> str:
    """Show the form and the listener's uploads of the last hour."""
    listener = current_listener()
    return render_template(
        "upload/index.html",
        accept=ACCEPT,
        mine=uploads.of_listener(db.session, listener) if listener else [],
        megabytes=current_app.config["UPLOAD_AUDIO_BYTES"] // 2**20,
        minutes=round(current_app.config["UPLOAD_SECONDS"] / 60),
        worker=queue.worker_runs(current_instance(), "upload"),
    )


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Receive a song and queue its analysis."""
    try:
        # Checked first: an empty form creates no listener.
        sent = require_file(request.files.get("file"))
        upload, _ = receive(sent, require_listener())
    except BadInput as error:
        if wants_json():
            raise
        flash(str(error), "error")
        return redirect(url_for("upload.index"), 303)
    address = url_for("upload.show", public_id=upload.public_id)
    if wants_json():
        return jsonify(address=address), 201
    return redirect(address, 303)


def require_file(sent: FileStorage | None) -> FileStorage:
    """Return the uploaded file; ``BadInput`` without one."""
    if sent is None or not sent.filename:
        raise BadInput("Choose an audio file first (MP3, WAV, M4A, FLAC, OGG, Opus, …).")
    return sent


def receive(
    sent: FileStorage, listener: Listener | None, user: User | None = None
) -> tuple[Upload, Job]:
    """Store an uploaded song and queue its job. Commits.

    Raises ``BadInput`` for an empty file, ``TooManyRequests`` and ``ServiceUnavailable`` beyond the
    limits.
    """
    security.count_from_here(UPLOADS, "song")
    if uploads.waiting_bytes(db.session) > ROOM:
        raise ServiceUnavailable("Too many songs are waiting. Come back in an hour.")
    name = base_name(sent.filename or "")[:200] or "song"
    public_id = uploads.new_id()
    folder = uploads.folder(current_app.config["INSTANCE"]) / public_id
    folder.mkdir(parents=True)
    path = folder / safe_file_name(name, "song")
    try:
        sent.save(path)
        if not path.stat().st_size:
            raise BadInput(f"{name} is empty.")
        upload = uploads.create(db.session, public_id, listener, name, path)
        parameters = {"upload_id": upload.public_id, "file": name}
        job = personal_jobs.enqueue("upload", parameters, listener, user)
        upload.job_id = job.id
        db.session.commit()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return upload, job


@blueprint.get("/<public_id>", endpoint="show")
def show_upload(public_id: str) -> str:
    """Show the progress of the analysis, then its results."""
    upload = upload_or_404(public_id)
    job = _job(upload)
    if upload.result is None:
        return render_template(
            "upload/waiting.html",
            upload=upload,
            job=job,
            active=job is not None and job.state in job_store.ACTIVE,
            worker=queue.worker_runs(current_instance(), "upload"),
        )
    return render_template("upload/show.html", **upload_page.values(upload, job))


@blueprint.get("/<public_id>/state")
def state(public_id: str) -> ResponseReturnValue:
    """Return the job's state for the script of the waiting page."""
    job = _job(upload_or_404(public_id))
    if job is None:
        abort(404)
    return personal_jobs.state(job)


@blueprint.get("/<public_id>/media")
def media(public_id: str) -> ResponseReturnValue:
    """Send the uploaded file to its uploader; answers range requests."""
    upload = upload_or_404(public_id)
    path = Path(upload.path)
    if not path.is_file() or upload.result is None:
        abort(404)
    kind = player.type_of(upload.result["codec"], upload.result["container"])
    return send_stored_file(path, upload.name, kind, max_age=0)


@blueprint.get("/<public_id>/transcoded")
def transcoded(public_id: str) -> ResponseReturnValue:
    """Send the uploaded song to its uploader in a format that every browser plays."""
    upload = upload_or_404(public_id)
    path = Path(upload.path)
    if not path.is_file() or upload.result is None:
        abort(404)
    return player.send_transcoded(SoundSource(path, upload.result["hash"]), max_age=0)


@blueprint.get("/<public_id>/waveform")
def waveform(public_id: str) -> ResponseReturnValue:
    """Return the waveform of the uploaded song."""
    upload = upload_or_404(public_id)
    sleeve = waveform_cache.find(
        current_app.config["INSTANCE"], (upload.result or {}).get("hash", "")
    )
    if sleeve is None:
        abort(404)
    return jsonify(seconds=sleeve.seconds, peaks=sleeve.peaks)


@blueprint.post("/<public_id>/keep")
@login_required
def keep(public_id: str) -> ResponseReturnValue:
    """Keep an upload in the library, where it is visible to everybody, or request that."""
    upload = upload_or_404(public_id)
    address = url_for("upload.show", public_id=public_id)
    if upload.kept or upload.result is None:
        return redirect(address, 303)
    user = db.session.get_one(User, current_user.id)
    if upload.listener_id is None:
        upload.listener_id = require_listener().id  # from now on it belongs to somebody
    try:
        if user.is_admin:
            queue_keep(upload, user)
        else:
            _keep_within_quota(upload, user)
    except BadInput as error:
        db.session.rollback()
        flash(str(error), "error")
    else:
        db.session.commit()
    return redirect(address, 303)


def queue_keep(upload: Upload, user: User) -> bool:
    """Queue the job that keeps an upload; False if there already is one. The caller commits."""
    if not kept_songs.queue(db.session, upload):
        return False
    parameters = {"upload_id": upload.public_id, "file": upload.name}
    job = queue.enqueue(db.session, "keep", parameters, user, listener_id=upload.listener_id)
    upload.job_id = job.id
    return True


def _keep_within_quota(upload: Upload, user: User) -> None:
    if current_app.config["KEEP"] == "accounts":
        changed = queue_keep(upload, user)
    else:
        changed = kept_songs.request(db.session, upload)
    if changed:
        listener = db.session.get_one(Listener, upload.listener_id)
        limits = current_app.config["KEEP_SONGS"], current_app.config["KEEP_BYTES"]
        kept_songs.require_room(db.session, listener, kept_songs.Usage(*limits))


@blueprint.post("/<public_id>/delete")
def delete(public_id: str) -> ResponseReturnValue:
    """Delete the upload now; a kept song stays in the library."""
    upload = upload_or_404(public_id)
    name = upload.name
    uploads.delete(current_instance(), upload)
    db.session.commit()
    flash(f"{name} is deleted here.", "success")
    return redirect(url_for("upload.index"), 303)


def upload_or_404(public_id: str) -> Upload:
    """Return an upload to its uploader or an admin; 404 for everybody else and when it is gone."""
    upload = uploads.find(db.session, public_id)
    is_admin = current_user.is_authenticated and current_user.is_admin
    if upload is None or not (is_admin or uploads.may_see(upload, current_listener())):
        abort(404, "No such upload: songs that are not kept are deleted after an hour.")
    return upload


def _job(upload: Upload) -> Job | None:
    job = db.session.get(Job, upload.job_id) if upload.job_id is not None else None
    if job is not None:
        queue.show_abandoned(current_instance(), [job])
    return job
