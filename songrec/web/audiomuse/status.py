"""Status, jobs and mixes, and endpoints of functions that songrec lacks."""

from __future__ import annotations

import time
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from songrec.core.version import VERSION
from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.catalogue import tracks
from songrec.store.db import db, now
from songrec.store.instance import current_instance
from songrec.store.listeners import mixes
from songrec.store.tables import Album, Artist, Job
from songrec.web import cached_counts, template_context
from songrec.web.api import authentication
from songrec.web.audiomuse import LARGEST_COUNT, endpoint, listener, lists, songs

_STATES = {
    "waiting": "PENDING",
    "running": "PROGRESS",
    "done": "SUCCESS",
    "failed": "FAILURE",
    "cancelled": "REVOKED",
}
"""The plugins' names of a job's states."""


@endpoint("/api/health")
def health() -> ResponseReturnValue:
    """Confirm that songrec runs; without a sign-in."""
    return jsonify(status="ok")


@endpoint("/api/config")
def config() -> ResponseReturnValue:
    """Return the settings of AudioMuse-AI that have a counterpart in songrec."""
    return jsonify(
        version=VERSION,
        max_songs_per_artist=songs.answers.MAX_PER_ARTIST,
        path_default_length=songs.N_STEPS,
        alchemy_default_n_results=lists.N_BLENDED,
        alchemy_max_n_results=LARGEST_COUNT,
        mood_labels=[name for name, _ in cached_counts.tags(db.session, "emotion")],
        ai_model_provider="NONE",
    )


@endpoint("/api/active_tasks")
def active_tasks() -> ResponseReturnValue:
    """Return the running or next job, empty without one; for an admin's tokens of any account."""
    return jsonify(next(iter(_jobs(Job.state.in_(jobs.ACTIVE))), {}))


@endpoint("/api/last_task")
def last_task() -> ResponseReturnValue:
    """Return the newest job."""
    nothing = {
        "task_id": None,
        "task_type": None,
        "status": "NO_PREVIOUS_MAIN_TASK",
        "details": {"log": ["No previous main task found."]},
    }
    return jsonify(next(iter(_jobs()), nothing))


@endpoint("/api/status/<task_id>")
def task_status(task_id: str) -> ResponseReturnValue:
    """Return the progress of a job."""
    rows = _jobs(Job.public_id == task_id[:40])
    if not rows:
        raise NotFound("This task does not exist, or belongs to another account.")
    return jsonify(rows[0])


@endpoint("/api/dashboard/summary")
def summary() -> ResponseReturnValue:
    """Return numbers of albums, artists and songs."""
    emotions = cached_counts.tags(db.session, "emotion")
    return jsonify(
        content={
            **cached_counts.cached_value(
                ("audiomuse", str(db.session.get_bind().engine.url)),
                tracks.version(db.session),
                lambda: _counts(db.session),
            ),
            "moods_coverage": [{"label": name, "score": count} for name, count in emotions],
        },
        workers=[],
        recent_tasks=[],
    )


@endpoint("/api/clap/warmup", "POST")
def clap_warmup() -> ResponseReturnValue:
    """Confirm that the search by words is loaded, as it always is."""
    return jsonify(loaded=True, expiry_seconds=0)


@endpoint("/api/clap/top_queries")
def top_queries() -> ResponseReturnValue:
    """Return an empty list, because searches are not stored."""
    return jsonify(queries=[], ready=False)


@endpoint("/api/radios")
def radios() -> ResponseReturnValue:
    """List the listener's mixes, the counterpart of AudioMuse-AI's saved blends."""
    person = listener()
    own = mixes.mixes_of(db.session, person) if person is not None else []
    return jsonify(
        radios=[
            {
                "id": mix.public_id,
                "anchor_id": None,
                "name": mix.name,
                "temperature": None,
                "n_results": mix.size,
                "enabled": True,
            }
            for mix in own
        ]
    )


@endpoint("/api/radios/run", "POST")
def run_radios() -> ResponseReturnValue:
    """Renew the listener's mixes and write them to the music servers that receive them."""
    authentication.require_user()
    person = listener()
    own = mixes.mixes_of(db.session, person) if person is not None else []
    if person is None or not own:
        raise NotFound("You have no mixes yet: create them on songrec's page of mixes.")
    moment = now()
    for mix in own:
        mix.next_at = moment
    queue.enqueue_once(db.session, "mixes", {"listener": person.id})
    db.session.commit()
    updated = template_context.count(len(own), "mix is", "mixes are")
    return jsonify(message=f"{updated} being updated."), 202


@endpoint("/api/analysis/start", "POST")
def start_analysis() -> ResponseReturnValue:
    """Return 501, because an admin starts analyses on songrec's pages."""
    return _not_implemented(
        "songrec scans folders and music servers by itself; an admin can start it on its pages."
    )


@endpoint("/api/clustering/start", "POST")
def start_clustering() -> ResponseReturnValue:
    """Return 501, because a run changes all pages, so an admin trains it there."""
    return _not_implemented("An admin trains sound groups on songrec's own pages.")


@endpoint("/api/cancel/<task_id>", "POST")
def cancel(task_id: str) -> ResponseReturnValue:
    """Return 501, because jobs are cancelled on songrec's pages."""
    return _not_implemented("Cancel the job on songrec's own pages.")


@endpoint("/api/cancel_all/<prefix>", "POST")
def cancel_all(prefix: str) -> ResponseReturnValue:
    """Return 501, because jobs are cancelled on songrec's pages."""
    return _not_implemented("Cancel the jobs on songrec's own pages.")


def _not_implemented(line: str) -> ResponseReturnValue:
    """Return status 501 with the reason."""
    return jsonify(error=line), 501


def _jobs(*conditions: Any) -> list[dict[str, Any]]:
    """Serialize the newest job that is visible to this token, for the plugins."""
    who = authentication.caller()
    if who.user is None:
        return []
    mine = () if who.sees_everybody else (Job.user_id == who.user.id,)
    rows, _ = jobs.page(db.session, 1, 1, *conditions, *mine)
    queue.show_abandoned(current_instance(), rows)
    return [_task(row) for row in rows]


def _task(row: Job) -> dict[str, Any]:
    task: dict[str, Any] = {
        "task_id": row.public_id,
        "task_type": row.kind,
        "status": _STATES.get(row.state, row.state.upper()),
        "progress": round(100 * (row.progress or 0.0)),
        "details": {"status_message": row.error or row.message or "", "log": []},
        "running_time_seconds": 0.0,
    }
    if row.started_at is not None:
        ended = row.finished_at.timestamp() if row.finished_at else time.time()
        task["running_time_seconds"] = max(0.0, ended - row.started_at.timestamp())
    return task


def _counts(session: Session) -> dict[str, int]:
    def count(column: Any) -> int:
        return session.scalar(select(func.count(column))) or 0

    n_tracks = tracks.track_count(session)
    return {
        "distinct_albums": count(Album.id),
        "distinct_artists": count(Artist.id),
        "clap_indexed": n_tracks,
        "gmm_indexed": n_tracks,
    }
