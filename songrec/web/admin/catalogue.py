"""Importing a catalogue: its form, and the upload that becomes a job."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from songrec.core.errors import SongrecError
from songrec.core.file_names import safe_file_name
from songrec.jobs import files, queue
from songrec.services.catalogue.formats import FIELDS, FORMATS, SCALES, parse_column_choices
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.web import cached_counts
from songrec.web.admin import blueprint

MAX_COLUMNS_FIELD = 5_000


@blueprint.get("/catalogue")
def catalogue() -> ResponseReturnValue:
    """Show the form to upload a catalogue file."""
    return render_template(
        "admin/catalogue.html",
        tracks=cached_counts.track_count(db.session),
        worker=queue.worker_runs(current_instance()),
        dialects=FORMATS,
        fields=FIELDS,
        upload_mb=current_app.config["MAX_CONTENT_LENGTH"] // 2**20,
    )


@blueprint.post("/catalogue")
def upload() -> ResponseReturnValue:
    """Keep the uploaded catalogue file and import it as a job."""
    file = request.files.get("file")
    if file is None or not file.filename:
        flash("Choose a file first: CSV, CSV.gz, JSON or Parquet.", "error")
        return redirect(url_for("admin.catalogue"), 303)
    dialect = request.form.get("dialect") or None
    if dialect is not None and dialect not in {row.name for row in FORMATS}:
        flash(f"Unknown format {dialect!r}.", "error")
        return redirect(url_for("admin.catalogue"), 303)
    scale = request.form.get("scale") or "auto"
    if scale not in SCALES:
        flash(f"Unknown scale {scale!r}.", "error")
        return redirect(url_for("admin.catalogue"), 303)
    try:
        columns = parse_column_choices(filter(str.strip, _columns_field().splitlines()))
    except SongrecError as error:
        flash(str(error), "error")
        return redirect(url_for("admin.catalogue"), 303)
    original = _base_name(file.filename)
    folder = files.upload_folder(current_app.config["INSTANCE"])
    path = folder / safe_file_name(original, "catalogue")
    try:
        file.save(path)
        job = queue.enqueue(
            db.session,
            "ingest",
            {
                "path": str(path),
                "source": _source(original),
                "catalogue": (request.form.get("catalogue") or "").strip()[:100] or None,
                "trust_ids": request.form.get("trust_ids") == "yes",
                "dialect": dialect,
                "scale": scale,
                "columns": columns,
                "file": original,
            },
            current_user,
        )
        db.session.commit()
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            flash(f"The file could not be saved: {error.strerror or error}.", "error")
            return redirect(url_for("admin.catalogue"), 303)
        raise
    return redirect(url_for("admin.job", public_id=job.public_id), 303)


def _columns_field() -> str:
    return (request.form.get("columns") or "")[:MAX_COLUMNS_FIELD]


def _base_name(filename: str) -> str:
    """Return the file's own name; some browsers send its folders too, of either system."""
    name = PureWindowsPath(PurePosixPath(filename).name).name
    return "".join(character for character in name if character.isprintable())[:200] or "catalogue"


def _source(original: str) -> str:
    # The command line names a catalogue by the same rule, so that a file is the same catalogue
    # whichever way it comes in.
    from songrec.services.catalogue.ingest import source_name

    return source_name(Path(original))
