"""Training runs as admins see them: the list, one run, two side by side, publish and roll back."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.core.errors import NotReady
from songrec.services.training import publication
from songrec.services.training.run_names import distinct_names, model_names, run_name
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.runs import run_folders
from songrec.store.runs import runs as store
from songrec.store.tables import Run
from songrec.web import security, security_log
from songrec.web.admin import blueprint, clustering_details, run_diagnostics
from songrec.web.admin.curve import curve
from songrec.web.admin.flow_chart import flow_chart

if TYPE_CHECKING:
    from songrec.services.reports.run_comparison import MetricRow

LISTED = ("p_at_10_of_10", "trustworthiness", "silhouette")
CHANCE = "_random"
"""How the names of measures of random clusters end."""

blueprint.add_app_template_global(run_name, "run_name")
blueprint.add_app_template_global(model_names, "model_names")


@blueprint.get("/runs")
def runs() -> ResponseReturnValue:
    """List all training runs with their measures."""
    from songrec.services.training.run_metrics import MEASURES

    rows, published = store.all_runs(db.session), store.published(db.session)
    a, b = pair_to_compare(rows, published)
    instance = current_app.config["INSTANCE"]
    return render_template(
        "admin/runs.html",
        runs=rows,
        names=distinct_names(rows),
        published=published,
        a=a,
        b=b,
        without_files={
            run.public_id
            for run in rows
            if not run_folders.run_folder(instance, run.public_id).is_dir()
        },
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
    flash(f"“{run_name(row)}” is live.", "success")
    return redirect(security.back(url_for("admin.runs")), 303)


@blueprint.post("/runs/<public_id>/name")
def rename_run(public_id: str) -> ResponseReturnValue:
    """Give a run a name; an empty one restores the name of its models."""
    row = store.rename(db.session, public_id, request.form.get("name", ""))
    db.session.commit()
    flash(f"The run is now called “{run_name(row)}”.", "success")
    return redirect(url_for("admin.run", public_id=public_id), 303)


def pair_to_compare(rows: Sequence[Run], published: Run | None) -> tuple[str, str]:
    """Return the ids of the published run (else the older) and the newest other; empty if none."""
    a = published or (rows[1] if len(rows) > 1 else None)
    b = next((run for run in rows if a is not None and run.id != a.id), None)
    return (a.public_id if a else "", b.public_id if b else "")


@blueprint.get("/compare")
def compare() -> ResponseReturnValue:
    """Compare two runs, by default the published one and the newest other one.

    ``a=published`` stands for the published run.
    """
    rows, published = store.all_runs(db.session), store.published(db.session)
    default_a, default_b = pair_to_compare(rows, published)
    a, b = request.args.get("a") or default_a, request.args.get("b") or default_b
    if a == "published":
        a = published.public_id if published else ""
    for public_id in filter(None, (a, b)):
        store.find(db.session, public_id)
    comparison, problem = None, ""
    if a and b and a != b:
        from songrec.services.reports.run_comparison import compare_runs

        try:
            comparison = compare_runs(current_instance(), a, b)
        except NotReady as error:
            problem = str(error)
    return render_template(
        "admin/compare.html",
        runs=rows,
        names=distinct_names(rows),
        a=a,
        b=b,
        comparison=comparison,
        problem=problem,
        chart=flow_chart(comparison) if comparison else None,
        measured=_by_kind(comparison.metrics) if comparison else {},
        published=published,
    )


def _by_kind(rows: Sequence[MetricRow]) -> dict[str, Any]:
    """Return the measures that compare ``both`` runs, their values by ``chance``, the ``others``.

    The numbers of tracks and clusters are shown with each run.
    """
    rows = [row for row in rows if row.measure.source != "run"]
    chance = {
        row.measure.name.removesuffix(CHANCE): {"a": row.a, "b": row.b}
        for row in rows
        if row.measure.name.endswith(CHANCE)
    }
    rows = [row for row in rows if not row.measure.name.endswith(CHANCE)]
    both = [row for row in rows if not row.difference and None not in (row.a, row.b)]
    return {"both": both, "chance": chance, "others": [row for row in rows if row not in both]}


@blueprint.app_template_filter("figure")
def figure(value: float | None) -> str:
    """Format a measure: integers with separators, others with four significant digits."""
    if value is None:
        return "–"
    if float(value).is_integer() and abs(value) >= 1:
        return f"{int(value):,}"
    if abs(value) < 5e-5:  # a rounding error of zero
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.4f}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
