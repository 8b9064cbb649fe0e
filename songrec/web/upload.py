"""The upload page: a song in, what sounds like it out, kept or gone after an hour."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath

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
    send_file,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from limits import RateLimitItemPerHour
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.utils import secure_filename

from songrec.core.errors import BadInput
from songrec.jobs import queue
from songrec.store import jobs as job_store
from songrec.store.db import db
from songrec.store.sound import uploads, waveform_cache
from songrec.store.tables import Job, Listener, Upload, User
from songrec.web import player, security, upload_page
from songrec.web.current_listener import current_listener, require_listener
from songrec.web.errors import wants_json

blueprint = Blueprint("upload", __name__, url_prefix="/upload")

UPLOADS = RateLimitItemPerHour(60, 1)
ROOM = 4 * 2**30
"""Bytes that uploads which nobody has kept may take in all."""


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("")
def index() -> str:
    """Choose or drop a song; those of the last hour."""
    listener = current_listener()
    return render_template(
        "upload/index.html",
        mine=uploads.of_listener(db.session, listener) if listener else [],
        megabytes=current_app.config["UPLOAD_AUDIO_BYTES"] // 2**20,
        minutes=round(current_app.config["UPLOAD_SECONDS"] / 60),
        worker=queue.worker_runs(current_app.config["INSTANCE"]),
    )


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Take a song and let the worker listen to it."""
    try:
        # Whoever sends nothing becomes no listener.
        sent = chosen(request.files.get("file"))
        made, _ = receive(sent, require_listener())
    except BadInput as error:
        if wants_json():
            raise
        flash(str(error), "error")
        return redirect(url_for("upload.index"), 303)
    address = url_for("upload.show", public_id=made.public_id)
    if wants_json():
        return jsonify(address=address), 201
    return redirect(address, 303)


def chosen(sent: FileStorage | None) -> FileStorage:
    """The file that was sent; ``BadInput`` where the field was left empty."""
    if sent is None or not sent.filename:
        raise BadInput("Choose a song first: MP3, WAV, M4A, FLAC, OGG, Opus or what else sounds.")
    return sent


def receive(
    sent: FileStorage, listener: Listener | None, user: User | None = None
) -> tuple[Upload, Job]:
    """Keep the song that was sent and ask for its job. Commits.

    Raises ``BadInput`` for an empty file, ``TooManyRequests`` and ``ServiceUnavailable`` where
    there were too many.
    """
    security.count_from_here(UPLOADS, "song")
    if uploads.waiting_bytes(db.session) > ROOM:
        raise ServiceUnavailable("Too many songs are waiting. Come back in an hour.")
    name = _base_name(sent.filename or "song")
    public_id = uploads.new_id()
    folder = uploads.folder(current_app.config["INSTANCE"]) / public_id
    folder.mkdir(parents=True)
    path = folder / (secure_filename(name)[-100:] or "song")
    try:
        sent.save(path)
        if not path.stat().st_size:
            raise BadInput(f"{name} is empty.")
        made = uploads.create(db.session, public_id, listener, name, path)
        if user is None and current_user.is_authenticated:
            user = db.session.get(User, current_user.id)
        job = queue.enqueue(db.session, "upload", {"upload_id": made.public_id, "file": name}, user)
        made.job_id = job.id
        db.session.commit()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return made, job


@blueprint.get("/<public_id>", endpoint="show")
def show_upload(public_id: str) -> str:
    """How far it is, then what it is like and what sounds like it."""
    found = mine(public_id)
    job = _job(found)
    if found.result is None:
        return render_template(
            "upload/waiting.html",
            upload=found,
            job=job,
            active=job is not None and job.state in job_store.ACTIVE,
            worker=queue.worker_runs(current_app.config["INSTANCE"]),
        )
    return render_template("upload/show.html", **upload_page.values(found, job))


@blueprint.get("/<public_id>/state")
def state(public_id: str) -> ResponseReturnValue:
    """What the waiting page shows, for the script that keeps it up to date."""
    job = _job(mine(public_id))
    if job is None:
        abort(404)
    return jsonify(
        state=job.state,
        progress=job.progress,
        message=job.message,
        error=job.error,
        active=job.state in job_store.ACTIVE,
    )


@blueprint.get("/<public_id>/media")
def media(public_id: str) -> ResponseReturnValue:
    """The uploaded sound, for its uploader; answers range requests."""
    found = mine(public_id)
    path = Path(found.path)
    if not path.is_file() or found.result is None:
        abort(404)
    kind = player.type_of(found.result["codec"], found.result["container"])
    return send_file(path, mimetype=kind, conditional=True, max_age=0)


@blueprint.get("/<public_id>/waveform")
def waveform(public_id: str) -> ResponseReturnValue:
    """The peaks of the uploaded sound."""
    found = mine(public_id)
    sleeve = waveform_cache.find(
        current_app.config["INSTANCE"], (found.result or {}).get("hash", "")
    )
    if sleeve is None:
        abort(404)
    return jsonify(seconds=sleeve.seconds, peaks=sleeve.peaks)


@blueprint.post("/<public_id>/keep")
@login_required
def keep(public_id: str) -> ResponseReturnValue:
    """Make the song a part of the library, which everybody hears."""
    found = mine(public_id)
    if found.kept or found.result is None:
        return redirect(url_for("upload.show", public_id=public_id), 303)
    user = db.session.get_one(User, current_user.id)
    job = queue.enqueue(
        db.session, "keep", {"upload_id": found.public_id, "file": found.name}, user
    )
    found.job_id = job.id
    # It must not vanish while it waits for the worker.
    found.expires_at = None
    db.session.commit()
    return redirect(url_for("upload.show", public_id=public_id), 303)


@blueprint.post("/<public_id>/delete")
def delete(public_id: str) -> ResponseReturnValue:
    """Forget the song now; one that was kept stays in the library."""
    found = mine(public_id)
    job = _job(found)
    if job is not None:
        job_store.request_cancel(db.session, job.id)
    name = found.name
    uploads.delete(db.session, current_app.config["INSTANCE"], found)
    db.session.commit()
    flash(f"{name} is deleted here.", "success")
    return redirect(url_for("upload.index"), 303)


def mine(public_id: str) -> Upload:
    """The upload, for its uploader or an admin; 404 for everybody else and when it is gone."""
    found = uploads.find(db.session, public_id)
    is_admin = current_user.is_authenticated and current_user.is_admin
    if found is None or not (is_admin or uploads.may_see(found, current_listener())):
        abort(404, "There is no such upload: songs that nobody keeps are gone after an hour.")
    return found


def _job(upload: Upload) -> Job | None:
    job = db.session.get(Job, upload.job_id) if upload.job_id is not None else None
    if job is not None:
        queue.show_abandoned(db.session, current_app.config["INSTANCE"], [job])
    return job


def _base_name(filename: str) -> str:
    """The file's own name: some browsers send the folders it lay in, of either system."""
    name = PureWindowsPath(PurePosixPath(filename).name).name
    return "".join(one for one in name if one.isprintable())[:200] or "song"
