"""Training runs as admins see them: the list, one run, two side by side, publish and roll back."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.core.errors import NotReady
from songrec.services.training import publication
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.runs import runs as store
from songrec.web import security, security_log
from songrec.web.admin import blueprint, clustering_details, run_diagnostics
from songrec.web.admin.curve import curve

LISTED = ("silhouette", "davies_bouldin", "reconstruction_mse")


@blueprint.get("/runs")
def runs() -> ResponseReturnValue:
    """List all training runs with their measures."""
    from songrec.services.training.run_metrics import MEASURES

    return render_template(
        "admin/runs.html",
        runs=store.all_runs(db.session),
        published=store.published(db.session),
        measures=[measure for measure in MEASURES if measure.name in LISTED],
    )


@blueprint.get("/runs/<public_id>")
def run(public_id: str) -> ResponseReturnValue:
    """Show one run: parameters, measures, clusters, loss curve, manifest."""
    from songrec.services.training.run_metrics import (
        LABEL_MEASURES,
        LABEL_SCORES,
        MEASURES,
        METHOD_MEASURES,
        label_agreement,
        measured_methods,
    )

    row = store.find(db.session, public_id)
    instance = current_app.config["INSTANCE"]
    manifest: dict[str, Any] = {}
    history: list[dict[str, Any]] = []
    with contextlib.suppress(NotReady):  # the page says that the files are missing
        manifest = store.manifest(instance, row)
        history = store.history(instance, row)
    return render_template(
        "admin/run.html",
        run=row,
        published=store.published(db.session),
        measures=[
            (m, m.value_of(row))
            for m in MEASURES
            if m.value_of(row) is not None and m.name not in LABEL_MEASURES
        ],
        agreement=label_agreement(row),
        agreement_measures=LABEL_SCORES,
        recommendation=manifest.get("recommendation", {}),
        measured_methods=measured_methods(manifest.get("recommendation", {})),
        method_measures=METHOD_MEASURES,
        clusters=store.clusters_of(db.session, row),
        manifest=manifest,
        curve=curve(history),
        **clustering_details.of_manifest(manifest),
        **run_diagnostics.run_diagnostics(instance, row, history),
    )


@blueprint.post("/runs/<public_id>/publish")
def publish(public_id: str) -> ResponseReturnValue:
    """Show a run on every page; an older one is a roll-back."""
    row = store.find(db.session, public_id)
    # A run without its files would leave every page without its figures.
    store.manifest(current_app.config["INSTANCE"], row)
    publication.publish(current_instance(), public_id)
    security_log.record("run-published", detail=f"run {public_id}")
    db.session.commit()
    flash(f"Run {public_id} is live.", "success")
    return redirect(security.back(url_for("admin.runs")), 303)


@blueprint.get("/compare")
def compare() -> ResponseReturnValue:
    """Two runs side by side; ``a=published`` stands for the one on every page."""
    a, b = request.args.get("a", ""), request.args.get("b", "")
    published = store.published(db.session)
    if a == "published":
        a = published.public_id if published else ""
    comparison = None
    if a and b:
        from songrec.services.reports.run_comparison import compare_runs

        comparison = compare_runs(current_instance(), a, b)
    return render_template(
        "admin/compare.html",
        runs=store.all_runs(db.session),
        a=a,
        b=b,
        comparison=comparison,
        published=published,
    )


@blueprint.app_template_filter("figure")
def figure(value: float | None) -> str:
    """Format a measure: integers with separators, others with four significant digits."""
    if value is None:
        return "–"
    if float(value).is_integer() and abs(value) >= 1:
        return f"{int(value):,}"
    if abs(value) < 5e-5:  # what is left of zero after arithmetic
        return "0"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
