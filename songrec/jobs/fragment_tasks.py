"""What the jobs of the kind ``fragments`` do; the commands do the same without the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from songrec.core.errors import UnknownName
from songrec.core.types import Progress
from songrec.store.tables import Job

TASKS = ("train", "tag")


def run(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Train the tagger, cut all songs, or both; parameters as for ``do``."""
    return do(session, Path(current_app.config["INSTANCE"]), job.parameters, on_progress)


def do(
    session: Session, instance: Path, asked: dict[str, Any], on_progress: Progress
) -> dict[str, Any]:
    """``task`` is ``train`` or ``tag``; ``cutting`` are fields of ``Cutting``, ``seed`` a number.

    A training also takes ``source``, ``by``, ``validation_probability``, ``baselines`` and
    ``size``, see ``pipeline.fragment_training.Request``.
    """
    from songrec.pipeline import fragment_training, fragments
    from songrec.pipeline.fragment_songs import Cutting

    fields = dict(asked)
    task = fields.pop("task", "tag")
    cutting = Cutting(**(fields.pop("cutting", None) or {}))
    if task == "train":
        request = fragment_training.Request(cutting=cutting, **fields)
        return fragment_training.train(session, instance, request, on_progress)
    if task == "tag":
        return fragments.tag(
            session, instance, on_progress, cutting=cutting, seed=int(fields.get("seed", 0))
        )
    raise UnknownName("task with fragments", task, TASKS)
