"""``/metrics`` for Prometheus, with ``SONGREC_METRICS=1``: requests, jobs, library, models.

Requests are counted in this process; where gunicorn starts several, they share a folder of counters
(``PROMETHEUS_MULTIPROC_DIR``, made by gunicorn.conf.py). Everything else is read from the database
and the instance folder at the scrape.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import shutil
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, abort, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from songrec.core.version import VERSION
from songrec.jobs import queue
from songrec.store import job_statistics
from songrec.store.catalogue import tracks
from songrec.store.db import db, now
from songrec.store.instance import Instance, current_instance
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.web import request_log, security

if TYPE_CHECKING:
    from prometheus_client import Metric

blueprint = Blueprint("metrics", __name__)

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CACHE_SECONDS = 5.0
"""Counts of large tables are not repeated for each of several scrapers."""
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


def init_app(app: Flask) -> None:
    """Count requests and register the address, if it is switched on."""
    if not app.config["METRICS"]:
        return
    # Not needed, and not imported, where nobody measures.
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    own = CollectorRegistry()
    request_log.observe(app, RequestMetrics(own))
    shown = own
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        shown = CollectorRegistry()
        MultiProcessCollector(shown)
    app.extensions["metrics"] = (shown, InstanceMetrics())
    app.register_blueprint(blueprint)


@blueprint.get("/metrics")
@security.talisman(force_https=False)
def metrics() -> Response:
    """Send all figures as text that Prometheus reads."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    require_reader()
    requests, instance = current_app.extensions["metrics"]
    rows = CollectorRegistry()
    rows.register(instance)
    body = generate_latest(requests) + generate_latest(rows)
    return Response(
        body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    )


def require_reader() -> None:
    """Answer 401 or 403 to whoever may not read the figures.

    With ``SONGREC_METRICS_TOKEN`` its bearer may, from anywhere; without, this machine alone may.
    """
    token = current_app.config["METRICS_TOKEN"]
    if token:
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(sent.encode(), token.encode()):
            raise Unauthorized(
                "Send SONGREC_METRICS_TOKEN as a bearer token.",
                www_authenticate=WWWAuthenticate("bearer", {"realm": "songrec"}),
            )
        return
    # A page of another site, whose name leads here, must not read them through a browser.
    security.refuse_foreign_host()
    if not _is_loopback(request.environ.get("REMOTE_ADDR", "")) or any(
        name in request.headers for name in FORWARDED
    ):
        abort(403, "Without SONGREC_METRICS_TOKEN only this machine may read the metrics.")


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


class RequestMetrics:
    """Numbers and durations of requests by method, route and status."""

    def __init__(self, registry: object) -> None:
        from prometheus_client import Counter, Histogram

        self._requests = Counter(
            "songrec_http_requests",
            "Requests by route and status.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._durations = Histogram(
            "songrec_http_request_duration_seconds",
            "Time from the request to the end of its answer.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=registry,
        )

    def __call__(self, record: request_log.RequestRecord) -> None:
        """Count one answered request."""
        # What visitors choose freely is no label: each would be a series of its own.
        method = record.method if record.method in METHODS else "other"
        route = record.route or "unmatched"
        self._requests.labels(method, route, record.status).inc()
        self._durations.labels(method, route).observe(record.seconds)


class InstanceMetrics:
    """Figures of the instance, read at a request and cached for a few seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._families: list[Metric] = []
        self._expires = 0.0

    def describe(self) -> list[Metric]:
        """Return nothing: registering must not read the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Return all figures, at most ``CACHE_SECONDS`` old."""
        with self._lock:
            if time.monotonic() >= self._expires:
                self._families = instance_families(current_instance())
                self._expires = time.monotonic() + CACHE_SECONDS
            return self._families


def instance_families(instance: Instance) -> list[Metric]:
    """Read the figures; without a database ``songrec_database_up`` is 0 and its figures lack."""
    from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

    families: list[Metric] = [
        InfoMetricFamily("songrec", "The running version.", {"version": VERSION}),
        GaugeMetricFamily(
            "songrec_instance_free_bytes",
            "Free space on the disk of the instance folder.",
            shutil.disk_usage(instance.folder).free,
        ),
    ]
    try:
        described = [*_job_families(instance), *_library_families(instance)]
        described += _run_families(instance)
        up = 1
    except SQLAlchemyError:
        db.session.rollback()
        described, up = [], 0
    families.append(GaugeMetricFamily("songrec_database_up", "1: the database answers.", up))
    return families + described


def _job_families(instance: Instance) -> list[Metric]:
    from prometheus_client.core import GaugeMetricFamily, SummaryMetricFamily

    labels = ("kind", "state")
    jobs = GaugeMetricFamily("songrec_jobs", "Jobs by kind and state.", labels=labels)
    durations = SummaryMetricFamily(
        "songrec_job_duration_seconds", "Durations of jobs that have ended.", labels=labels
    )
    for group in job_statistics.by_kind_and_state(instance.session):
        jobs.add_metric((group.kind, group.state), group.count)
        if group.timed:
            durations.add_metric((group.kind, group.state), group.timed, group.seconds)
    oldest = job_statistics.oldest_waiting(instance.session)
    waiting = GaugeMetricFamily(
        "songrec_queue_oldest_seconds",
        "Time for which the oldest waiting job has waited; 0 if none waits.",
        max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0,
    )
    workers = GaugeMetricFamily(
        "songrec_workers", "Workers that run.", len(queue.live_workers(instance))
    )
    return [jobs, durations, waiting, workers]


def _library_families(instance: Instance) -> list[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    counts = audio_files.counts(instance.session)
    files = GaugeMetricFamily("songrec_audio_files", "Audio files by state.", labels=("state",))
    for state, count in counts.items():
        files.add_metric((state,), count)
    total = sum(counts.values())
    return [
        GaugeMetricFamily(
            "songrec_tracks", "Songs in the catalogue.", tracks.track_count(instance.session)
        ),
        files,
        GaugeMetricFamily(
            "songrec_analysed_ratio",
            "Share of the audio files that are analysed; 0 without any.",
            counts["analysed"] / total if total else 0.0,
        ),
    ]


def _run_families(instance: Instance) -> list[Metric]:
    from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

    run = runs.published(instance.session)
    if run is None:
        return []
    seconds = GaugeMetricFamily(
        "songrec_published_run_stage_seconds",
        "Duration of each stage of the published run's training.",
        labels=("stage",),
    )
    for stage, value in run.seconds.items():
        seconds.add_metric((stage,), float(value))
    names = ("feature_set", "representation", "clustering", "projection")
    return [
        InfoMetricFamily(
            "songrec_published_run",
            "The published run.",
            {"run": run.public_id, **{name: getattr(run, name) for name in names}},
        ),
        GaugeMetricFamily(
            "songrec_published_run_tracks", "Songs of the published run.", run.track_count
        ),
        GaugeMetricFamily(
            "songrec_published_run_clusters", "Clusters of the published run.", run.cluster_count
        ),
        seconds,
    ]
