"""The model lab: a grid of trainings asked for, and what it found as a table and small maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from songrec.core.errors import SongrecError
from songrec.jobs import queue
from songrec.pipeline import grid_csv, grid_folder, grid_table
from songrec.pipeline.grid import BASELINE, GridSpec
from songrec.store import jobs as job_store
from songrec.store.db import db
from songrec.web.admin import blueprint
from songrec.web.admin.training import FEATURES, STAGES

FIELDS = ("features", *(stage for stage, _, _ in STAGES))


@dataclass
class GridForm:
    """The form's fields as text, what is wrong with it, and how many cells it makes."""

    chosen: Mapping[str, list[str]]
    seeds: str = "0,1,2"
    clusters: str = ""
    keep: bool = False
    counted: str = ""
    error: str = ""
    spec: GridSpec | None = field(default=None, init=False)

    stages = STAGES
    feature_sets = FEATURES.choices

    @classmethod
    def fresh(cls) -> GridForm:
        """What one might begin with: the baseline against the default."""
        chosen = {stage: [registry.names()[0]] for stage, _, registry in STAGES}
        return cls({"features": [FEATURES.default], **chosen})

    @classmethod
    def sent(cls, form: MultiDict[str, str]) -> GridForm:
        """The form as somebody sent it; ``error`` says what is wrong, if anything."""
        made = cls(
            {name: form.getlist(name) for name in FIELDS},
            form.get("seeds", "").strip(),
            form.get("clusters", "").strip(),
            "keep" in form,
            form.get("counted", ""),
        )
        given: dict[str, Any] = {name: values for name, values in made.chosen.items() if values}
        given |= {name: text for name in ("seeds", "clusters") if (text := getattr(made, name))}
        missing = [name for name in FIELDS if name not in given]
        if missing:
            made.error = f"Choose at least one under {missing[0]!r}."
            return made
        try:
            made.spec = GridSpec.of(given)
        except SongrecError as error:
            made.error = str(error)
        return made

    @property
    def cells(self) -> int:
        """How many trainings it asks for."""
        return len(self.spec.cells()) if self.spec else 0


@blueprint.get("/grids")
def grids() -> ResponseReturnValue:
    """Every grid there is, and the form for another one."""
    return _page(GridForm.fresh())


@blueprint.post("/grids")
def start_grid() -> ResponseReturnValue:
    """Count the cells; start the grid once its number of cells has been seen."""
    form = GridForm.sent(request.form)
    if form.spec is None:
        return _page(form), 400
    if request.form.get("action") != "start" or form.counted != str(form.cells):
        return _page(form)
    return _enqueue(form.spec, keep=form.keep)


@blueprint.get("/grids/<grid_id>")
def grid(grid_id: str) -> ResponseReturnValue:
    """One grid: what is best by which measure, the table in any order, the maps side by side."""
    found = grid_folder.find(current_app.config["INSTANCE"], grid_id)
    table = grid_table.table(found)
    by = request.args.get("sort", "")
    descending = request.args.get("order") == "desc"
    known = {*(measure.name for measure in table.measures), *grid_table.ABOUT}
    ordered = table.ordered(by, descending=descending) if by in known else table.configurations
    return render_template(
        "admin/grid.html",
        grid=found,
        table=table,
        configurations=ordered,
        sort=by if by in known else "",
        descending=descending,
        about=grid_table.ABOUT,
        job=_active(found.spec),
        several_maps=len(found.spec.projection) > 1,
    )


@blueprint.get(f"/grids/<grid_id>/<any('{grid_csv.CSV}','{grid_csv.SUMMARY_CSV}'):name>")
def grid_file(grid_id: str, name: str) -> ResponseReturnValue:
    """The table as a file: a line a cell, or a line a configuration with mean and spread."""
    found = grid_folder.find(current_app.config["INSTANCE"], grid_id)
    cells, summary = grid_csv.as_csv(found)
    return Response(
        cells if name == grid_csv.CSV else summary,
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@blueprint.post("/grids/<grid_id>/again")
def grid_again(grid_id: str) -> ResponseReturnValue:
    """Train what is missing of a grid, and once more what failed."""
    found = grid_folder.find(current_app.config["INSTANCE"], grid_id)
    return _enqueue(found.spec, retry=True)


def _enqueue(spec: GridSpec, *, keep: bool = False, retry: bool = False) -> ResponseReturnValue:
    job = _active(spec)
    if job is None:
        asked = {"grid": spec.to_json(), "file": f"{len(spec.cells()):,} cells"}
        asked |= {name: True for name, on in (("keep", keep), ("retry", retry)) if on}
        job = queue.enqueue(db.session, "grid", asked, current_user)
        db.session.commit()
    return redirect(url_for("admin.job", public_id=job.public_id), 303)


def _active(spec: GridSpec) -> Any:
    """The job that trains this grid now or next, if any."""
    wanted = spec.to_json()
    return next(
        (job for job in job_store.active(db.session)
         if job.kind == "grid" and job.parameters.get("grid") == wanted),
        None,
    )  # fmt: skip


def _page(form: GridForm) -> str:
    found = grid_folder.all_grids(current_app.config["INSTANCE"])
    return render_template(
        "admin/grids.html",
        form=form,
        grids=[(one, grid_table.counts(one)) for one in found],
        baseline=" + ".join(BASELINE.values()),
        worker=queue.worker_runs(current_app.config["INSTANCE"]),
    )
