"""Jobs as admins see them: the list, one job live, cancel, start again."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import abort, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask import send_file as send
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from songrec.core.errors import UnknownName
from songrec.jobs import files, queue, segment_tasks
from songrec.jobs.kinds import KINDS
from songrec.services.catalogue.formats import EVIDENCE, FIELD_LABELS, IDENTITIES
from songrec.services.training.run_names import label_of
from songrec.store import jobs as store
from songrec.store.db import db, now
from songrec.store.instance import current_instance
from songrec.store.runs import runs
from songrec.store.tables import Job
from songrec.web.admin import blueprint
from songrec.web.admin.curve import curve, part_curves
from songrec.web.admin.paging import Pages, page_number
from songrec.web.admin.queueing import queue_once, show_queued

SIZE = 25
STATE_WORDS = {
    "waiting": "Waiting",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
SEGMENT_TASKS = {"train": "tagger", "tag": "all songs", "refresh": "new songs"}
VIEWS = {"main": "Main jobs", "failed": "Failed", "small": "Small jobs"}
"""What the list can show."""


@blueprint.app_template_global("job_label")
def label(job: Job) -> str:
    """Return a job's kind and subject as a heading."""
    kind = KINDS[job.kind].label if job.kind in KINDS else job.kind
    about = job.parameters.get("file") or " + ".join(
        label_of(stage, job.parameters[stage])
        for stage in ("representation", "clustering")
        if stage in job.parameters
    )
    if job.kind == "train" and job.parameters.get("name"):
        about = job.parameters["name"]
    elif job.kind == segment_tasks.KIND:
        about = SEGMENT_TASKS.get(job.parameters.get("task", "tag"), "")
    elif job.kind == "merge" and job.parameters.get("undo"):
        return "Restoring merged songs"
    return f"{kind}: {about}" if about else kind


@blueprint.app_template_global("job_state_word")
def state_word(job: Job) -> str:
    """Return a job's state as a word."""
    if job.state == "running" and job.cancel_requested:
        return "Stopping"
    return STATE_WORDS[job.state]


def small_jobs() -> ColumnElement[bool]:
    """Return the condition of the jobs that lists fold."""
    return store.is_small([kind.name for kind in KINDS.values() if kind.is_small])


def is_small(job: Job) -> bool:
    """Return whether lists fold a job."""
    return segment_tasks.is_refresh(job) or (job.kind in KINDS and KINDS[job.kind].is_small)


@blueprint.get("/jobs")
def jobs() -> ResponseReturnValue:
    """List jobs: those that wait or run first, then the others, newest first."""
    number = page_number()
    show = request.args.get("show", "main")
    if show not in VIEWS:
        show = "main"
    small, failed = small_jobs(), Job.state == "failed"
    shown = {"main": ~small, "failed": failed, "small": small}[show]
    kinds = {
        kind.name: kind.label
        for kind in KINDS.values()
        if show == "failed" or kind.is_small == (show == "small")
    }
    kind = request.args.get("kind", "")
    conditions = [shown, store.has_ended(), *([Job.kind == kind] if kind in kinds else [])]
    rows, total = store.page(db.session, number, SIZE, *conditions)
    active = store.active_listed(db.session, shown) if number == 1 and not kind else []
    queue.show_abandoned(current_instance(), active)
    n_small = store.count(db.session, small)
    return render_template(
        "admin/jobs.html",
        jobs=rows,
        active=active,
        page=Pages(number, total, SIZE),
        show=show,
        views=VIEWS,
        counts={"failed": store.count(db.session, failed), "small": n_small},
        kinds=kinds,
        kind=kind if kind in kinds else "",
        small=n_small,
        worker=queue.worker_runs(current_instance()),
    )


@blueprint.get("/jobs/<public_id>")
def job(public_id: str) -> ResponseReturnValue:
    """Show one job: progress, time left, log and loss curve."""
    instance = current_app.config["INSTANCE"]
    row = store.find(db.session, public_id)
    queue.show_abandoned(current_instance(), [row])
    rejects = files.rejects_path(instance, row.public_id)
    run = None
    if row.kind == "train" and row.result:
        with contextlib.suppress(UnknownName):  # deleted since
            run = runs.find(db.session, row.result["run_id"])
    return render_template(
        "admin/job.html",
        job=row,
        run=run,
        curve=curve(row.details.get("epochs", [])),
        loss_parts=part_curves(row.details.get("epochs", [])),
        note=note(row),
        active=row.state in store.ACTIVE,
        worker=queue.worker_runs(current_instance(), row.kind),
        has_rejects=row.kind == "ingest" and rejects.is_file(),
        evidence=EVIDENCE,
        field_labels=FIELD_LABELS,
        identities=IDENTITIES,
    )


@blueprint.get("/jobs/<public_id>/state")
def job_state(public_id: str) -> ResponseReturnValue:
    """Return the contents of the job's page as JSON, for the script that updates it."""
    row = store.find(db.session, public_id)
    queue.show_abandoned(current_instance(), [row])
    epochs = row.details.get("epochs", [])
    loss_curve = curve(epochs)
    return jsonify(
        state=row.state,
        word=state_word(row),
        progress=row.progress,
        message=row.message,
        note=note(row),
        log=row.log,
        error=row.error,
        curve=loss_curve.to_json() if loss_curve else None,
        parts=[{"name": name, **part.to_json()} for name, part in part_curves(epochs)],
        active=row.state in store.ACTIVE,
    )


@blueprint.post("/jobs/<public_id>/cancel")
def cancel(public_id: str) -> ResponseReturnValue:
    """Request that a job stops."""
    queue.tidy(current_instance())
    row = store.find(db.session, public_id)
    if not store.request_cancel(db.session, row.id):
        flash("That job has already ended.", "info")
    db.session.commit()
    return redirect(url_for("admin.job", public_id=public_id), 303)


@blueprint.post("/jobs/<public_id>/again")
def again(public_id: str) -> ResponseReturnValue:
    """Start a job that failed or was cancelled once more, with the same parameters."""
    queue.tidy(current_instance())
    row = store.find(db.session, public_id)
    if row.state not in ("failed", "cancelled"):
        flash("Only failed or cancelled jobs can be started again.", "error")
        return redirect(url_for("admin.job", public_id=public_id), 303)
    path = row.parameters.get("path")
    if path and not files.uploaded_file(current_app.config["INSTANCE"], path).exists():
        flash("The uploaded file is gone: upload it again.", "error")
        return redirect(url_for("admin.job", public_id=public_id), 303)
    # Pressed twice, or in two windows: the second import would find the file gone.
    same = [
        job
        for job in store.active(db.session)
        if (job.kind, job.parameters) == (row.kind, row.parameters)
    ]
    return show_queued(same[0]) if same else queue_once(row.kind, dict(row.parameters))


@blueprint.get("/jobs/<public_id>/rejects")
def rejects(public_id: str) -> ResponseReturnValue:
    """Send the rows that an import rejected, with reasons, as a file."""
    row = store.find(db.session, public_id)
    path = files.rejects_path(current_app.config["INSTANCE"], row.public_id)
    if not path.is_file():
        abort(404)
    name = f"rejected-{row.public_id}.csv"
    return send(path, mimetype="text/csv", as_attachment=True, download_name=name)


@blueprint.app_template_global("job_note")
def note(job: Job) -> str:
    """Return a line about time: how long a job waits, will take or took."""
    if job.state == "waiting":
        ahead = store.ahead_of(db.session, job)
        return f"{ahead} before it" if ahead else "Next in line"
    if job.started_at is None:
        return ""
    seconds = ((job.finished_at or now()) - job.started_at).total_seconds()
    if job.state != "running":
        return f"Took {span(seconds)}"
    if job.progress < 0.02 or seconds < 1:
        return ""
    return f"About {rough_span(seconds * (1 - job.progress) / job.progress)} left"


@blueprint.app_template_global("job_time")
def time_taken(job: Job) -> str:
    """Return how long a job ran; empty for one that never started."""
    if job.started_at is None:
        return ""
    return span(((job.finished_at or now()) - job.started_at).total_seconds())


@blueprint.app_template_filter("span")
def span(seconds: float) -> str:
    """Format seconds: ``4 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s" if whole >= 10 or seconds >= 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


@blueprint.app_template_filter("rough_span")
def rough_span(seconds: float) -> str:
    """Return estimated seconds in whole minutes from two minutes on: ``3 min``."""
    return span(seconds if seconds < 120 else 60 * round(seconds / 60))


def parameters_of(job: Job) -> list[tuple[str, Any]]:
    """Return a job's settings as rows."""
    return [(name, value) for name, value in job.parameters.items() if name != "path"]


blueprint.add_app_template_global(parameters_of, "job_parameters")
