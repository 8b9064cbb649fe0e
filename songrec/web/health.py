"""``/health`` and ``/ready``, for load balancers, containers and supervisors.

Both accept any host name and plain HTTP, because probes use IP addresses; they neither read nor
write a session, have no rate limit and reveal nothing sensitive.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, jsonify
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from songrec.core.version import VERSION
from songrec.jobs import queue
from songrec.store.db import db, schema_problem
from songrec.store.instance import current_instance
from songrec.store.runs import run_folders, runs
from songrec.web import cached_counts
from songrec.web.security import talisman

log = logging.getLogger("songrec.health")

blueprint = Blueprint("health", __name__)

MIN_FREE_BYTES = 512 * 2**20
"""Below this the disk is called full: a training writes runs, SQLite its log."""
NO_DATABASE = "The database does not answer."


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one readiness check; ``message`` is the advice after a failure."""

    ok: bool
    message: str


def init_app(app: Flask) -> None:
    """Register both addresses."""
    app.register_blueprint(blueprint)


@blueprint.get("/health")
@talisman(force_https=False)
def health() -> Response:
    """Confirm that this process responds, without a check of the database."""
    return _uncached({"status": "ok", "version": VERSION, **summary()})


@blueprint.get("/ready")
@talisman(force_https=False)
def ready() -> Response:
    """Return 200 if pages and jobs have everything they need, else 503 with the reasons."""
    checks = readiness()
    ok = all(check.ok for check in checks.values())
    body = {
        "status": "ready" if ok else "not ready",
        "checks": {name: {"ok": c.ok, "message": c.message} for name, c in checks.items()},
    }
    return _uncached(body, 200 if ok else 503)


def summary() -> dict[str, Any]:
    """Return the number of songs, the published run and whether a worker runs; None if unknown."""
    result: dict[str, Any] = {"tracks": None, "run_id": None, "worker": _worker_runs()}
    try:
        run = runs.published(db.session)
        result["run_id"] = run.public_id if run else None
        result["tracks"] = cached_counts.track_count(db.session)
    except SQLAlchemyError as error:
        _log_database_error(error)
    return result


def readiness() -> dict[str, Check]:
    """Return the result of each readiness check by name."""
    checks: dict[str, Callable[[], Check]] = {
        "database": _check_database,
        "run": _check_run,
        "worker": _check_worker,
        "disk": _check_disk,
    }
    return {name: check() for name, check in checks.items()}


def _check_database() -> Check:
    try:
        problem = schema_problem(db.engine)
    except SQLAlchemyError as error:
        _log_database_error(error)
        problem = NO_DATABASE
    return Check(problem is None, problem or "The database answers and is up to date.")


def _check_run() -> Check:
    try:
        run = runs.published(db.session)
    except SQLAlchemyError as error:
        _log_database_error(error)
        return Check(False, "The database does not say which run is published.")
    if run is None:
        return Check(False, "No run is published yet: train one first (flask train).")
    if not run_folders.run_folder(current_instance().folder, run.public_id).is_dir():
        return Check(False, f"The files of run {run.public_id} are missing: publish another run.")
    return Check(True, f"Run {run.public_id} is published.")


def _check_worker() -> Check:
    if not _worker_runs():
        return Check(False, "No worker runs: start one (flask worker, or make run).")
    return Check(True, "A worker runs.")


def _check_disk() -> Check:
    folder = current_instance().folder
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return Check(False, "The instance folder cannot be read.")
    if not os.access(folder, os.W_OK):
        return Check(False, "The instance folder cannot be written to.")
    if free < MIN_FREE_BYTES:
        limit = MIN_FREE_BYTES // 2**20
        return Check(False, f"Less than {limit} MiB are free in the instance folder.")
    return Check(True, "There is room in the instance folder.")


def _worker_runs() -> bool:
    try:
        return queue.worker_runs(current_instance())
    except OSError as error:
        log.warning("Could not look for workers: %s", error)
    except SQLAlchemyError as error:
        _log_database_error(error)
    return False


def _log_database_error(error: SQLAlchemyError) -> None:
    db.session.rollback()
    log.warning("The database: %s", error.orig if isinstance(error, DBAPIError) else error)


def _uncached(body: dict[str, Any], status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
