"""The admin's first page: the state of the library and its services, with warnings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from songrec.jobs import queue
from songrec.services.library.demo_songs import has_demo
from songrec.services.reports.library_status import LibraryStatus, library_status
from songrec.store import jobs
from songrec.store.catalogue.tracks import version as tracks_version
from songrec.store.db import clock, db
from songrec.store.instance import current_instance
from songrec.store.sound import kept_songs
from songrec.store.tables import Job
from songrec.web import cached_counts
from songrec.web.admin import blueprint
from songrec.web.admin.jobs import is_small, small_jobs
from songrec.web.admin.training import TrainForm, time_estimate
from songrec.web.health import MIN_FREE_BYTES
from songrec.web.template_context import count

RECENT = 5
FAILED_WITHIN = timedelta(days=7)
LOW_BYTES = 4 * MIN_FREE_BYTES
"""Below this the page warns, before ``/ready`` calls the disk full."""
ANALYSES = ("analyze",)


@dataclass(frozen=True, slots=True)
class Action:
    """Something that an admin should see to: why, and the link that leads there."""

    text: str
    label: str = ""
    address: str = ""
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Disk:
    """Free and total bytes of the instance folder's file system."""

    free: int
    total: int

    @property
    def is_low(self) -> bool:
        """Whether little room is left."""
        return self.free < LOW_BYTES


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show health, the published run, jobs and what to do next."""
    instance = current_instance()
    status = library_status(instance)
    tracks = cached_counts.track_count(db.session)
    disk = _disk(instance.folder)
    active = jobs.active_listed(db.session)
    queue.show_abandoned(instance, active)
    ended, _ = jobs.page(db.session, 1, RECENT, ~small_jobs(), jobs.has_ended())
    workers = len(queue.live_workers(instance))
    form = TrainForm.like(status.run, publish=status.run is None)
    return render_template(
        "admin/index.html",
        status=status,
        tracks=tracks,
        has_demo=_has_demo(),
        disk=disk,
        workers=workers,
        worker=queue.worker_runs(instance),
        active=active,
        main_jobs=[job for job in active if not is_small(job)],
        ended=ended,
        analysis=jobs.last_done(db.session, ANALYSES),
        actions=list(_actions(status, tracks, disk, active)),
        form=form,
        estimate=time_estimate(form),
    )


def _actions(
    status: LibraryStatus, tracks: int, disk: Disk | None, active: list[Job]
) -> Iterator[Action]:
    """Yield what needs somebody to act, the most urgent first."""
    if not queue.worker_runs(current_instance()):
        yield Action(
            "No worker is running: jobs have to wait. “make run” starts one, “flask worker” only "
            "that.",
            is_urgent=True,
        )
    if disk is None:
        yield Action("The instance folder cannot be read.", is_urgent=True)
    elif disk.is_low:
        yield Action("Little room is left on the disk: trainings and uploads may fail.")
    retrain = url_for("admin.train")
    is_training = any(job.kind == "train" for job in active)
    if not tracks:
        yield Action("The catalogue is empty.", "Import songs", url_for("admin.catalogue"))
    elif status.run is None and not is_training:
        yield Action("The catalogue is ready for its first training.")
    elif status.run is not None and status.quality is None:
        yield Action(
            "The files of the published run are missing.",
            "Publish another run",
            url_for("admin.runs"),
            is_urgent=True,
        )
    elif status.new_tracks and not is_training:
        songs = count(status.new_tracks, "song has", "songs have")
        yield Action(f"{songs} come in since the last training.", "Retrain", retrain)
    since = clock(db.session) - FAILED_WITHIN
    if failed := jobs.count(db.session, Job.state == "failed", Job.finished_at > since):
        text = f"{count(failed, 'job', 'jobs')} failed in the last seven days."
        yield Action(text, "See why", url_for("admin.jobs", show="failed"))
    if requested := len(kept_songs.requests(db.session)):
        text = f"{count(requested, 'song waits', 'songs wait')} for your answer."
        yield Action(text, "Decide", url_for("admin.kept_songs"))
    if missing := status.files["missing"]:
        text = f"{count(missing, 'sound file is', 'sound files are')} missing."
        yield Action(text, "See which", url_for("admin.library", state="missing"))


def _has_demo() -> bool:
    return bool(
        cached_counts.cached_value(
            ("demo", str(db.engine.url)),
            tracks_version(db.session),
            lambda: has_demo(current_instance()),
        )
    )


def _disk(folder: Path) -> Disk | None:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return Disk(usage.free, usage.total)
