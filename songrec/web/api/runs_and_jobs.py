"""Health, training runs and jobs."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import NotFound

from songrec.core.errors import UnknownName
from songrec.core.version import VERSION
from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.catalogue import keyset_pagination
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.runs import runs
from songrec.store.sound import uploads
from songrec.store.tables import Job, Run
from songrec.web.api import arguments, blueprint, schemas, serializers
from songrec.web.api.account import TOKEN
from songrec.web.api.authentication import caller, current_listener, require_user
from songrec.web.health import summary


@blueprint.get("/health", tags=["health"])
@blueprint.response(200, schemas.HealthSchema)
def health() -> dict[str, Any]:
    """Return the state of this songrec."""
    return {"status": "ok", "version": VERSION, **summary()}


@blueprint.get("/runs", tags=["runs"])
@blueprint.arguments(arguments.PageArguments, location="query")
@blueprint.response(200, schemas.page_of(schemas.RunSchema))
def run_list(args: dict[str, Any]) -> dict[str, Any]:
    """List the training runs, newest first."""
    part = keyset_pagination.newest(db.session, Run, cursor=args.get("cursor"), limit=args["limit"])
    published = runs.published(db.session)
    return {"items": [serializers.run(r, published) for r in part.items], "next": part.next}


@blueprint.get("/runs/<run_id>", tags=["runs"])
@blueprint.response(200, schemas.RunSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def run(run_id: str) -> dict[str, Any]:
    """Get one training run."""
    return serializers.run(runs.find(db.session, run_id), runs.published(db.session))


@blueprint.get("/jobs", tags=["jobs"])
@blueprint.arguments(arguments.PageArguments, location="query")
@blueprint.response(200, schemas.page_of(schemas.JobSchema))
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.doc(security=TOKEN)
def job_list(args: dict[str, Any]) -> dict[str, Any]:
    """List your jobs, newest first; for admins (not with a read-only token) everybody's."""
    user = require_user()
    mine = () if caller().sees_everybody else (Job.user_id == user.id,)
    part = keyset_pagination.newest(
        db.session, Job, *mine, cursor=args.get("cursor"), limit=args["limit"]
    )
    queue.show_abandoned(current_instance(), part.items)
    return {"items": [serializers.job(j) for j in part.items], "next": part.next}


@blueprint.get("/jobs/<job_id>", tags=["jobs"])
@blueprint.response(200, schemas.JobSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def job(job_id: str) -> dict[str, Any]:
    """Get a job of yours: its progress, and its result at the end."""
    try:
        row = jobs.find(db.session, job_id)
    except UnknownName:
        row = None
    if row is None or not _may_see(row):
        raise NotFound("No such job, or it is not yours.")
    queue.show_abandoned(current_instance(), [row])
    return serializers.job(row)


def _may_see(row: Job) -> bool:
    who = caller()
    if who.sees_everybody or (who.user is not None and row.user_id == who.user.id):
        return True
    listener = current_listener()
    if listener is not None and row.listener_id == listener.id:
        return True
    upload = uploads.of_job(db.session, row)
    return upload is not None and uploads.may_see(upload, listener)
