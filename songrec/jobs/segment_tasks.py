"""Jobs that train the tagger or index segments; the commands call the same functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from songrec.core.errors import UnknownName
from songrec.core.types import Progress
from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.tables import Job

KIND = "fragments"
"""The name of these jobs in the job table."""
TASKS = ("train", "tag", "refresh")


def run(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Train the tagger, cut all songs, or those that are new; parameters as for ``do``."""
    return do(session, Path(current_app.config["INSTANCE"]), job.parameters, on_progress)


def do(
    session: Session, instance: Path, asked: dict[str, Any], on_progress: Progress
) -> dict[str, Any]:
    """``task`` is ``train``, ``tag`` or ``refresh`` (which takes nothing more); ``cutting`` are
    fields of ``Cutting``, ``by`` one of ``encoder_selection.WAYS``, ``seed`` a number.

    A training also takes ``source``, ``by``, ``validation_probability``, ``baselines`` and
    ``size``, see ``services.segments.tagger_training.Request``.
    """
    from songrec.services.segments import build_index, tagger_training
    from songrec.services.segments.tagger_dataset import Cutting

    fields = dict(asked)
    task = fields.pop("task", "tag")
    cutting = Cutting(**(fields.pop("cutting", None) or {}))
    if task == "train":
        request = tagger_training.Request(cutting=cutting, **fields)
        return tagger_training.train(session, instance, request, on_progress)
    if task == "tag":
        return build_index.tag(
            session,
            instance,
            on_progress,
            cutting=cutting,
            by=str(fields.get("by", "best")),
            seed=int(fields.get("seed", 0)),
        )
    if task == "refresh":
        return build_index.refresh(session, instance, on_progress) or {"added": 0, "removed": 0}
    raise UnknownName("task with segments", task, TASKS)


def ask_to_refresh(session: Session, instance: Path) -> Job | None:
    """A job that cuts what is new, where songs are cut at all and none waits for it already.

    The caller commits.
    """
    from songrec.store.models import taggers
    from songrec.store.sound import segment_index

    if segment_index.current(instance) is None and taggers.newest(instance) is None:
        return None
    if any(is_refreshing(job) and job.state == "waiting" for job in jobs.active(session)):
        return None
    return queue.enqueue(session, KIND, {"task": "refresh"})


def is_refreshing(job: Job) -> bool:
    """Whether it cuts what is new and nothing else."""
    return job.kind == KIND and job.parameters.get("task") == "refresh"
