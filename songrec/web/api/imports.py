"""Imports of lists: the response is a report, or a job whose result is the report."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import url_for
from werkzeug.exceptions import NotFound, UnprocessableEntity

from songrec.core.errors import BadInput
from songrec.services.listeners import import_export
from songrec.services.listeners.import_report import ImportReport
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.tables import Job
from songrec.web import list_imports, personal_jobs, security
from songrec.web.api import arguments, blueprint, schemas, serializers
from songrec.web.api.account import TOKEN
from songrec.web.api.authentication import caller, current_listener, require_listener

Answer = tuple[dict[str, Any], int, dict[str, str]]


@blueprint.post("/imports", tags=["likes"])
@blueprint.arguments(arguments.ImportArguments, location="query")
@blueprint.arguments(arguments.ListFiles, location="files")
@blueprint.response(200, schemas.ImportSchema)
@blueprint.alt_response(202, schema=schemas.ImportSchema, success=True)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
# Its name is another one from Python 3.13 on.
@blueprint.alt_response(413, HTTPStatus(413).name)
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
@blueprint.doc(security=TOKEN)
def import_list(args: dict[str, Any], files: dict[str, Any]) -> Answer:
    """Import a list of likes, plays or playlists; unmatched songs are stored to be matched later.

    A short list is imported at once, a longer one or an archive by a job. If that has not ended
    within `wait` seconds, the response is 202 with the job, and `Location` is the URL of the
    report. If the file cannot be read, nothing is imported, and `problem` is the reason.
    """
    arguments.refuse_form_fields()
    security.count_from_here(security.IMPORTS_ADDRESS, "import")
    listener = require_listener()
    file = files["file"]
    content = file.stream.read(security.LIST_BYTES + 1)
    if len(content) > security.LIST_BYTES:
        raise import_export.too_large()
    if not content:
        raise UnprocessableEntity("The file is empty.")
    try:
        done = list_imports.import_list(
            listener, content, file.filename or "", args["kind"], caller().user
        )
    except BadInput as error:
        db.session.rollback()
        return _report(ImportReport("").to_json(), None, str(error)), 200, {}
    db.session.commit()
    if isinstance(done, ImportReport):
        return _report(done.to_json(), None), 200, {}
    if args["wait"]:
        personal_jobs.wait_for(done, args["wait"])
    return _answer(done)


@blueprint.get("/imports/<import_id>", tags=["likes"])
@blueprint.response(200, schemas.ImportSchema)
@blueprint.alt_response(202, schema=schemas.ImportSchema, success=True)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def import_of_list(import_id: str) -> Answer:
    """Get the report of an import by a job; 202 until the job has ended."""
    job = list_imports.of_listener(import_id, current_listener())
    if job is None:
        raise NotFound("No such import, or it is not yours.")
    return _answer(job)


def _answer(job: Job) -> Answer:
    if job.state in jobs.ACTIVE:
        address = url_for("api.import_of_list", import_id=job.public_id)
        headers = {"Location": address, "Retry-After": "2"}
        return _report(ImportReport("").to_json(), job), 202, headers
    if job.result is not None:
        return _report(job.result, job), 200, {}
    return _report(ImportReport("").to_json(), job, job.error or job.message), 200, {}


def _report(report: dict[str, Any], job: Job | None, problem: str | None = None) -> dict[str, Any]:
    return {**report, "problem": problem, "job": serializers.job(job) if job else None}
