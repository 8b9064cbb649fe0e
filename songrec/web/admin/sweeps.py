"""The model lab: grids of trainings, with results as a table and small maps."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.core.errors import NotReady
from songrec.jobs import queue
from songrec.services.sweeps import folder, results, specification
from songrec.services.sweeps.specification import BASELINE, SweepSpec
from songrec.services.training.run_names import label_of
from songrec.store import jobs as job_store
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.web.admin import blueprint
from songrec.web.admin.queueing import queue_once, show_queued
from songrec.web.admin.sweep_form import GridForm, is_ticked, own_parameters
from songrec.web.admin.training import what_can_be_trained
from songrec.web.downloads import download


@blueprint.get("/grids")
def grids() -> ResponseReturnValue:
    """List all sweeps, with the form for another one; ``like`` names one to copy."""
    form = None
    if like := request.args.get("like"):
        form = GridForm.like(folder.find(current_app.config["INSTANCE"], like).spec)
    return _page(form or GridForm.fresh())


@blueprint.post("/grids")
def start_grid() -> ResponseReturnValue:
    """Count the cells; start the grid once its number of cells has been seen."""
    form = GridForm.from_request(request.form)
    if form.spec is None:
        return _page(form), 400
    if request.form.get("action") != "start" or form.counted != str(form.cells):
        return _page(form)
    return _enqueue(form.spec, keep=form.keep)


@blueprint.get("/grids/<grid_id>")
def grid(grid_id: str) -> ResponseReturnValue:
    """Show one sweep: best by measure, the table in any order, the maps."""
    sweep = folder.find(current_app.config["INSTANCE"], grid_id)
    table = results.sweep_table(sweep)
    by = request.args.get("sort", "")
    descending = request.args.get("order") == "desc"
    columns = {*(measure.name for measure in table.measures), *results.PARTS}
    ordered = table.ordered(by, descending=descending) if by in columns else table.configurations
    return render_template(
        "admin/grid.html",
        grid=sweep,
        table=table,
        configurations=ordered,
        sort=by if by in columns else "",
        descending=descending,
        about=results.PARTS,
        # The value by chance is shown with the measure rather than in its own column.
        measures=[one for one in table.measures if not one.name.endswith("_random")],
        job=_active(sweep.spec),
        several_maps=len(sweep.spec.projection) > 1,
        in_form=GridForm.like(sweep.spec) is not None,
        yaml=specification.as_yaml(sweep.spec.to_json()),
    )


@blueprint.get(f"/grids/<grid_id>/<any('{results.CSV}','{results.SUMMARY_CSV}'):name>")
def grid_file(grid_id: str, name: str) -> ResponseReturnValue:
    """Send the table as CSV: a line per cell, or per configuration with mean and spread."""
    sweep = folder.find(current_app.config["INSTANCE"], grid_id)
    cells, summary = results.as_csv(sweep)
    return download(cells if name == results.CSV else summary, "text/csv", name)


@blueprint.post("/grids/<grid_id>/again")
def grid_again(grid_id: str) -> ResponseReturnValue:
    """Train the missing cells of a grid, and failed ones again."""
    sweep = folder.find(current_app.config["INSTANCE"], grid_id)
    return _enqueue(sweep.spec, retry=True)


@blueprint.post("/grids/<grid_id>/forget")
def forget_grid(grid_id: str) -> ResponseReturnValue:
    """Delete a grid's files."""
    try:
        folder.forget(current_app.config["INSTANCE"], grid_id)
    except NotReady as error:  # it is being trained
        flash(str(error), "error")
        return redirect(url_for("admin.grid", grid_id=grid_id), 303)
    flash("The grid is deleted.", "success")
    return redirect(url_for("admin.grids"), 303)


blueprint.add_app_template_filter(results.spread_text, "spread")


def _enqueue(spec: SweepSpec, *, keep: bool = False, retry: bool = False) -> ResponseReturnValue:
    job = _active(spec)
    if job is not None:
        return show_queued(job)
    parameters = {"grid": spec.to_json(), "file": f"{len(spec.cells()):,} cells"}
    parameters |= {name: True for name, on in (("keep", keep), ("retry", retry)) if on}
    return queue_once("grid", parameters)


def _active(spec: SweepSpec) -> Any:
    """Return the waiting or running job of this sweep, if any."""
    sweep = spec.to_json()
    return next(
        (
            job
            for job in job_store.active(db.session)
            if job.kind == "grid" and job.parameters.get("grid") == sweep
        ),
        None,
    )


def _page(form: GridForm) -> str:
    instance = current_app.config["INSTANCE"]
    sweeps = folder.all_sweeps(instance)
    return render_template(
        "admin/grids.html",
        form=form,
        parameters_of=own_parameters,
        is_ticked=is_ticked,
        unreadable=folder.unreadable(instance),
        grids=[(one, results.counts(one)) for one in sweeps],
        baseline=" + ".join(label_of(stage, name) for stage, name in BASELINE.items()),
        available=what_can_be_trained(),
        worker=queue.worker_runs(current_instance()),
    )
