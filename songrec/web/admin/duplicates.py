"""Tracks that look like the same song, as admins see them: why, merge, undo, search again."""

from __future__ import annotations

from datetime import datetime

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput
from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.catalogue import duplicates as store
from songrec.store.catalogue import merge_redirects, merging
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.web import security
from songrec.web.admin import blueprint
from songrec.web.admin.paging import Pages, page_number
from songrec.web.admin.queueing import queue_once, show_queued

SIZE = 20
MERGES = 10
WHY = {
    "content": "same file",
    "names": "same name and length",
    "fingerprint": "same fingerprint",
    "features": "near-identical sound",
}
_LARGEST_ID = 2**31 - 1

blueprint.add_app_template_filter(datetime.fromisoformat, "moment")


@blueprint.get("/duplicates")
def duplicates() -> ResponseReturnValue:
    """Show a page of the groups found last, and the current merges."""
    number = page_number()
    totals = store.totals(db.session)
    page = Pages(number, totals["groups"], SIZE)
    merges, merge_count = merge_redirects.page(db.session, 1, MERGES)
    active = jobs.active(db.session)
    return render_template(
        "admin/duplicates.html",
        groups=store.page(db.session, number, SIZE),
        totals=totals,
        why=WHY,
        page=page,
        merges=merges,
        merge_count=merge_count,
        summary=store.summary(current_app.config["INSTANCE"]),
        job=next((job for job in active if job.kind == "duplicates"), None),
        merging=next((job for job in active if job.kind == "merge"), None),
        batch=merge_redirects.last_batch(db.session),
        worker=queue.worker_runs(current_instance()),
    )


@blueprint.post("/duplicates/search")
def search_duplicates() -> ResponseReturnValue:
    """Queue another search."""
    waiting = next((job for job in jobs.active(db.session) if job.kind == "duplicates"), None)
    return show_queued(waiting) if waiting else queue_once("duplicates", {})


@blueprint.post("/duplicates/merge")
def merge_duplicates() -> ResponseReturnValue:
    """Merge the ticked tracks into the one that stays."""
    survivor_id = _id(request.form.get("keep"))
    others = [_id(text) for text in request.form.getlist("track")]
    merged_ids = [
        track_id for track_id in dict.fromkeys(others) if track_id and track_id != survivor_id
    ]
    try:
        if survivor_id is None or not merged_ids:
            raise BadInput("Choose the song to keep and at least one more of the group.")
        done = [merging.merge(db.session, survivor_id, track_id).id for track_id in merged_ids]
    except BadInput as error:
        db.session.rollback()
        flash(str(error), "error")
    else:
        db.session.commit()
        songs = "1 song" if len(done) == 1 else f"{len(done)} songs"
        flash(f"{songs} merged. You can undo it below.", "success")
    return redirect(security.back(url_for("admin.duplicates")), 303)


@blueprint.post("/duplicates/merge-all")
def merge_all() -> ResponseReturnValue:
    """Queue the merging of all groups that the ticked reasons connect."""
    kinds = [kind for kind in WHY if kind in request.form.getlist("kind")]
    if not kinds:
        flash("Tick at least one reason to merge by.", "error")
        return redirect(url_for("admin.duplicates"), 303)
    return queue_once("merge", {"kinds": kinds})


@blueprint.post("/duplicates/undo-all")
def undo_all() -> ResponseReturnValue:
    """Queue the restoring of the songs that were last merged together."""
    batch = merge_redirects.last_batch(db.session)
    if batch is None:
        flash("Nothing is left to undo.", "info")
        return redirect(url_for("admin.duplicates"), 303)
    return queue_once("merge", {"undo": batch.batch})


@blueprint.post(f"/duplicates/merges/<int(max={_LARGEST_ID}):merge_id>/undo")
def undo_merge(merge_id: int) -> ResponseReturnValue:
    """Undo a merge."""
    try:
        row = merging.undo(db.session, merge_id)
    except BadInput as error:
        db.session.rollback()
        flash(str(error), "error")
    else:
        db.session.commit()
        flash(f"{row.title} is restored with its likes, playlists and files.", "success")
    return redirect(security.back(url_for("admin.duplicates")), 303)


def _id(text: str | None) -> int | None:
    digits = text or ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        return None
    return int(digits) if 0 < int(digits) <= _LARGEST_ID else None
