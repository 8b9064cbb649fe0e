"""The admin's page of segments: the index in use, jobs, and the quality of the tagger."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput, NotReady
from songrec.jobs import queue, segment_tasks
from songrec.services.segments import encoder_selection, index_state
from songrec.store import jobs
from songrec.store.catalogue import training_inputs
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.sound import audio_files
from songrec.store.tables import Job
from songrec.web.admin import blueprint
from songrec.web.admin.queueing import queue_once, show_queued

SOURCES = {
    "musicnn": "MusiCNN’s tags",
    "genre": "Genres",
    "tags": "Genres, subgenres and tags",
    "folders": "Folders",
}
MEASURES = {
    "bce": "Binary cross-entropy",
    "hamming_accuracy": "Hamming accuracy",
    "exact_match": "Exact match",
    "mean_average_precision": "Mean average precision",
}
BY = {"tagger": "Tagger", "majority": "Majority", "musicnn": "MusiCNN, regression"}
MADE_BY = {
    "best": "the best measured",
    "tagger": "the tagger’s vector",
    "musicnn": "MusiCNN’s embedding",
    "mfcc": "cepstral coefficients",
}


@blueprint.get("/fragments")
def segments() -> str:
    """Show the current segments and the newest tagger's measures beside its baselines."""
    status = encoder_selection.status(current_app.config["INSTANCE"])
    return render_template(
        "admin/segments.html",
        **status,
        single=_single((status["tagger"] or {}).get("measures") or {}),
        sources=SOURCES,
        measures=MEASURES,
        by=BY,
        made_by=MADE_BY,
        audible=audio_files.audible_count(db.session),
        unusable_encoders=_unusable_encoders(),
        unusable_sources=_unusable_sources(),
        job=_waiting(),
        following=_refreshing(),
        waiting=index_state.count_waiting(current_instance()),
        worker=queue.worker_runs(current_instance()),
    )


def _unusable_encoders() -> dict[str, str]:
    """Return why an encoder cannot be chosen, by name; those that can have no entry."""
    reasons = {}
    for name in MADE_BY:
        try:
            encoder_selection.choose(current_app.config["INSTANCE"], name)
        except NotReady as error:
            reasons[name] = str(error)
    return reasons


def _unusable_sources() -> dict[str, str]:
    """Return why tags of a source cannot be learnt, by name; those that can have no entry."""
    existing = training_inputs.tag_kinds(db.session, ("genre", "subgenre", "tag"))
    reasons = {
        "musicnn": ""
        if encoder_selection.has_musicnn(current_app.config["INSTANCE"])
        else f"{encoder_selection.NO_WEIGHTS}.",
        "genre": "" if "genre" in existing else "No song has a genre.",
        "tags": "" if existing else "No song has a tag.",
    }
    return {name: reason for name, reason in reasons.items() if reason}


def _single(measures: dict[str, Any]) -> list[tuple[int, list[int]]]:
    """Return the numbers of samples by number of wrong tags, for each method."""
    counts = {
        name: {one["wrong"]: one["samples"] for one in measures[name]["wrong_tags"]["single"]}
        for name in BY
        if name in measures
    }
    occurring = sorted({wrong for each in counts.values() for wrong in each})
    return [(wrong, [each.get(wrong, 0) for each in counts.values()]) for wrong in occurring]


@blueprint.post("/fragments")
def work_on_segments() -> ResponseReturnValue:
    """Queue the training of a tagger, or the splitting of all songs."""
    task, source = request.form.get("task", ""), request.form.get("source", "musicnn")
    by = request.form.get("by", "best")
    if task not in ("train", "tag") or source not in SOURCES or by not in MADE_BY:
        raise BadInput("task must be train (with a source of tags) or tag (with an encoder).")
    parameters = {"task": task, **({"source": source} if task == "train" else {"by": by})}
    if task == "tag":
        encoder_selection.choose(
            current_app.config["INSTANCE"], by
        )  # fails at once if something is missing
    waiting = _waiting()
    return show_queued(waiting) if waiting else queue_once(segment_tasks.KIND, parameters)


def _waiting() -> Job | None:
    """Return the queued or running job, if any; a training needs all processors."""
    return next((job for job in _active() if not segment_tasks.is_refresh(job)), None)


def _refreshing() -> Job | None:
    """Return the job that cuts new songs, the running one before one that waits."""
    refreshing = [job for job in _active() if segment_tasks.is_refresh(job)]
    return min(refreshing, key=lambda job: job.state != "running", default=None)


def _active() -> list[Job]:
    return [job for job in jobs.active(db.session) if job.kind == segment_tasks.KIND]
