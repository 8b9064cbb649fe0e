"""Diagnostics on a run's page: parts of the loss, distinctions of the clusters, the report."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import abort, current_app, request, send_from_directory
from flask.typing import ResponseReturnValue

from songrec.core.attributes import BY_NAME
from songrec.core.errors import NotReady
from songrec.jobs.files import report_folder
from songrec.services.reports.cluster_importance import Importance, cluster_importance
from songrec.services.training.run_names import run_name
from songrec.store.db import db
from songrec.store.runs import runs as store
from songrec.store.tables import Run
from songrec.web.admin import blueprint
from songrec.web.admin.curve import part_curves
from songrec.web.admin.queueing import queue_once
from songrec.web.cached_counts import cached_value

N_DESCRIBED = 4
_FILE = re.compile(r"[a-z0-9_]+\.(html|png|svg|wav)")


@dataclass(frozen=True)
class Distinctions:
    """Attributes that distinguish a run's clusters, as text."""

    importance: Importance

    def describe(self, cluster: int) -> str:
        """Return ``Energy +1.20, Tempo -0.80``; empty for noise."""
        if cluster not in self.importance.clusters:
            return ""
        features = self.importance.of_cluster(cluster, N_DESCRIBED)
        return ", ".join(f"{_label(name)} {value:+.2f}" for name, value in features)

    @property
    def overall(self) -> list[tuple[str, float]]:
        """Every attribute with its share of variance between the clusters, largest first."""
        shares = self.importance.overall(len(self.importance.names))
        return [(_label(name), value) for name, value in shares]


def run_diagnostics(instance: Path, run: Run, history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the diagnostics for the run's template; few if the run's files are gone."""
    distinctions = None
    with contextlib.suppress(NotReady):
        distinctions = cached_value(
            ("importance", run.public_id),
            run.public_id,
            lambda: Distinctions(cluster_importance(instance, run)),
        )
    files = _report_files(instance, run.public_id)
    return {
        "loss_parts": part_curves(history),
        "distinctions": distinctions,
        "report_files": files,
        "report_html": "report.html" in files,
        "report_pictures": [name[:-4] for name in files if name.endswith(".png")],
        "report_sounds": [name for name in files if name.endswith(".wav")],
    }


@blueprint.post("/runs/<public_id>/report")
def make_report(public_id: str) -> ResponseReturnValue:
    """Queue a run's report."""
    row = store.find(db.session, public_id)
    store.manifest(current_app.config["INSTANCE"], row)  # a run without its files has none
    parameters = {"run_id": row.public_id, "file": run_name(row)}
    return queue_once("report", parameters)


@blueprint.get("/runs/<public_id>/report/<name>")
def report_file(public_id: str, name: str) -> ResponseReturnValue:
    """Send a file of a run's report; the HTML only as a download."""
    row = store.find(db.session, public_id)
    if not _FILE.fullmatch(name):
        abort(404)
    download = name == "report.html" or "download" in request.args
    return send_from_directory(
        report_folder(current_app.config["INSTANCE"], row.public_id),
        name,
        as_attachment=download,
        download_name=f"{row.public_id}-{name}" if download else None,
    )


def _report_files(instance: Path, public_id: str) -> list[str]:
    return sorted(
        path.name
        for path in report_folder(instance, public_id).glob("*")
        if _FILE.fullmatch(path.name)
    )


def _label(name: str) -> str:
    return BY_NAME[name].label if name in BY_NAME else name.capitalize()
