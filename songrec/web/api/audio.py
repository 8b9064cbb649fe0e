"""Similar songs of an uploaded audio file."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import url_for
from werkzeug.exceptions import NotFound

from songrec.jobs import queue
from songrec.services.similarity.ranked_tracks import restore_ranked
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.sound import uploads
from songrec.store.tables import Job, Upload
from songrec.web import personal_jobs
from songrec.web import upload as page
from songrec.web.api import aliases, arguments, blueprint, schemas, serializers
from songrec.web.api.account import TOKEN
from songrec.web.api.authentication import caller, current_listener, require_listener

ANYBODY: list[dict[str, list[str]]] = [{}, *TOKEN]


@aliases.post("/recommend/from-audio")
@blueprint.post("/recommend/from-audio", tags=["recommendations"])
@blueprint.arguments(arguments.FromAudioArguments, location="query")
@blueprint.arguments(arguments.SongFiles, location="files")
@blueprint.response(200, schemas.AudioAnswerSchema)
@blueprint.alt_response(202, schema=schemas.AudioAnswerSchema, success=True)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
# Its name is another one from Python 3.13 on.
@blueprint.alt_response(413, HTTPStatus(413).name)
@blueprint.alt_response(422, HTTPStatus(422).name)
@blueprint.doc(security=ANYBODY)
def from_audio(
    args: dict[str, Any], files: dict[str, Any]
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Find songs similar to an uploaded one.

    The response is 202 with a job to poll at the URL in `Location` or, with `wait`, 200 after the
    end of the job: `job.state` is its outcome, and `job.error` the reason if the file is unusable.
    If several other jobs wait, the response is immediate. Without a token, anybody who knows the id
    has access to the upload. Uploads are deleted after an hour.
    """
    arguments.refuse_form_fields()
    user = caller().user
    listener = require_listener() if user is not None else current_listener()
    row, job = page.receive(files["file"], listener, user)
    if args["wait"]:
        personal_jobs.wait_for(job, args["wait"])
    if job.state not in jobs.ACTIVE:
        db.session.refresh(row)
        return _answer(row, job, args["top_n"]), 200, {}
    address = url_for("api.upload", upload_id=row.public_id, top_n=args["top_n"])
    return _answer(row, job, 0), 202, {"Location": address, "Retry-After": "2"}


@blueprint.get("/uploads/<upload_id>", tags=["recommendations"])
@blueprint.arguments(arguments.UploadArguments, location="query")
@blueprint.response(200, schemas.AudioAnswerSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def upload(args: dict[str, Any], upload_id: str) -> dict[str, Any]:
    """Get an uploaded song: the progress of its job, then the results."""
    row = _mine(upload_id)
    job = db.session.get(Job, row.job_id) if row.job_id is not None else None
    if job is None:
        raise NotFound("The job of this upload no longer exists.")
    queue.show_abandoned(current_instance(), [job])
    return _answer(row, job, args["top_n"])


@blueprint.delete("/uploads/<upload_id>", tags=["recommendations"])
@blueprint.response(204)
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
def delete_upload(upload_id: str) -> None:
    """Delete an upload of yours."""
    row = _mine(upload_id)
    uploads.delete(current_instance(), row)
    db.session.commit()


def _mine(upload_id: str) -> Upload:
    row = uploads.find(db.session, upload_id)
    if row is None or not (caller().sees_everybody or uploads.may_see(row, current_listener())):
        raise NotFound("No such upload, or it is not yours or deleted already.")
    return row


def _answer(row: Upload, job: Job, top_n: int) -> dict[str, Any]:
    result = row.result
    matches = None
    if result is not None:
        ranked = restore_ranked(db.session, result["similar"][:top_n])
        matches = serializers.matches(ranked)["items"]
    names = ("title", "artists", "seconds", "attributes", "place", "problem")
    return {
        "id": row.public_id,
        "job": serializers.job(job),
        **{name: (result or {}).get(name) for name in names},
        "recommendations": matches,
        "address": url_for("api.upload", upload_id=row.public_id),
    }
