"""Jobs to train the tagger or index segments; commands call the same functions."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import UnknownName
from songrec.core.types import Progress
from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.instance import Instance, current_instance
from songrec.store.tables import Job

KIND = "fragments"
"""The name of these jobs in the job table."""
TASKS = ("train", "tag", "refresh")
REFRESH_LIMIT_S = 1800.0
"""Time after which a refresh ends and a new one is queued, so that other jobs get their turn."""


def run(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Run a job; its parameters are those of ``execute``.

    After an incomplete refresh another one is queued.
    """
    instance = current_instance()
    result = execute(instance, job.parameters, on_progress)
    if is_refresh(job) and (result["added"] or result["removed"]):
        queue_refresh(instance)
    return result


def queue_refresh(instance: Instance) -> Job | None:
    """Queue the update of the index if songs were added or removed. The caller commits.

    Returns the job, which may already have been waiting; None if the index is up to date. A running
    refresh is ignored, because it may have passed the new songs.
    """
    from songrec.services.segments import index_state

    if not index_state.count_waiting(instance):
        return None
    waiting = (job for job in jobs.active(instance.session) if job.state == "waiting")
    job = next((job for job in waiting if is_refresh(job)), None)
    return job or queue.enqueue(instance.session, KIND, {"task": "refresh"})


def execute(
    instance: Instance, parameters: dict[str, Any], on_progress: Progress
) -> dict[str, Any]:
    """Train the tagger, build the index or refresh it, according to ``task``.

    ``cutting`` holds fields of ``SegmentSettings``, ``seed`` is a number. For ``tag``, ``by`` is
    one of ``encoder_selection.ENCODERS``. For ``train``, ``source``, ``by``,
    ``validation_probability`` and ``baselines`` are those of ``tagger_training.TaggerRequest``, and
    ``size`` is its ``config``. ``refresh`` has no further parameters.
    """
    from songrec.services.segments import build_index, tagger_training
    from songrec.services.segments.tagger_dataset import SegmentSettings

    fields = dict(parameters)
    task = fields.pop("task", "tag")
    settings = SegmentSettings(**(fields.pop("cutting", None) or {}))
    if task == "train":
        config = fields.pop("size", None) or {}
        request = tagger_training.TaggerRequest(settings=settings, config=config, **fields)
        return tagger_training.train(instance, request, on_progress)
    if task == "tag":
        return build_index.build(
            instance,
            on_progress,
            settings=settings,
            by=str(fields.get("by", "best")),
            seed=int(fields.get("seed", 0)),
        )
    if task == "refresh":
        done = build_index.refresh(instance, on_progress, time_limit_s=REFRESH_LIMIT_S)
        return done or {"added": 0, "removed": 0}
    raise UnknownName("segment task", task, TASKS)


def is_refresh(job: Job) -> bool:
    """Return whether a job only refreshes the index."""
    return job.kind == KIND and job.parameters.get("task") == "refresh"
