"""Songs cut into fragments: what is in use, how good the tagger is, and asking for either anew."""

from __future__ import annotations

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from songrec.core.errors import BadInput
from songrec.jobs import queue
from songrec.store import jobs, taggers
from songrec.store.db import db
from songrec.store.tables import Job
from songrec.web.admin import blueprint

SOURCES = {
    "musicnn": "What MusiCNN hears",
    "genre": "Genres",
    "tags": "Genres, subgenres and tags",
    "folders": "Folders",
}
MEASURES = {
    "bce": "Binary cross-entropy", "hamming_accuracy": "Hamming accuracy",
    "exact_match": "Exact match", "mean_average_precision": "Mean average precision",
}  # fmt: skip
BY = {"tagger": "Tagger", "majority": "Majority", "musicnn": "MusiCNN, regression"}


@blueprint.get("/fragments")
def fragments() -> str:
    """The fragments in use, the newest tagger's figures beside what is simpler."""
    return render_template(
        "admin/fragments.html",
        **taggers.status(current_app.config["INSTANCE"]),
        sources=SOURCES,
        measures=MEASURES,
        by=BY,
        job=_waiting(),
        worker=queue.worker_runs(current_app.config["INSTANCE"]),
    )


@blueprint.post("/fragments")
def work_on_fragments() -> ResponseReturnValue:
    """Ask for a tagger to be trained, or for all songs to be cut."""
    task, source = request.form.get("task", ""), request.form.get("source", "musicnn")
    if task not in ("train", "tag") or source not in SOURCES:
        raise BadInput("Say whether to train the tagger (and on which tags) or to cut songs.")
    asked = {"task": task, **({"source": source} if task == "train" else {})}
    job = _waiting() or queue.enqueue(db.session, "fragments", asked, current_user)
    db.session.commit()
    return redirect(url_for("admin.job", public_id=job.public_id), 303)


def _waiting() -> Job | None:
    """What waits or is under way already; both need all processors."""
    return next((job for job in jobs.active(db.session) if job.kind == "fragments"), None)
