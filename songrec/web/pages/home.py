"""The home page and the page of one cluster."""

from __future__ import annotations

from flask import abort, render_template, request

from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.web import cached_counts, charts
from songrec.web.current_listener import current_reactions
from songrec.web.pages import blueprint
from songrec.web.pages.query import TrackForm, page_address

TYPICAL_SHOWN = 3


@blueprint.get("/")
def home() -> str:
    """Show the catalogue's sound groups as cards."""
    run = runs.published(db.session)
    clusters = cached_counts.clusters(db.session, run)
    typical = {n: c.profile["typical"][:TYPICAL_SHOWN] for n, c in clusters.items()}
    views = tracks.tracks_by_id(db.session, [i for ids in typical.values() for i in ids])
    by_id = {track.id: track for track in views}
    return render_template(
        "pages/home.html",
        run=run,
        clusters=[c for n, c in clusters.items() if n >= 0],
        noise=clusters.get(-1),
        typical={n: [by_id[i] for i in ids if i in by_id] for n, ids in typical.items()},
        bars={n: charts.telling_bars(c.profile) for n, c in clusters.items()},
        track_count=cached_counts.track_count(db.session),
        genres=cached_counts.tags(db.session, "genre"),
        emotions=cached_counts.tags(db.session, "emotion"),
    )


@blueprint.get("/clusters/<int(signed=True):number>")
def cluster(number: int) -> str:
    """Show one sound group: its profile, genres, emotions and songs."""
    run = runs.published(db.session)
    row = cached_counts.clusters(db.session, run).get(number)
    if run is None or row is None:
        abort(404, f"No sound group {number} in the published run.")
    form = TrackForm(request.args, default_sort="typical", cluster=number)
    page = tracks.search(db.session, form.query, run)
    return render_template(
        "pages/cluster.html",
        run=run,
        cluster=row,
        clusters=cached_counts.clusters(db.session, run),
        rows=charts.profile_rows(row.profile),
        genres=charts.tag_bars(row.profile.get("genres", [])),
        emotions=charts.tag_bars(row.profile.get("emotions", [])),
        share_of_all=row.size / max(1, run.track_count),
        form=form,
        page=page,
        address=page_address,
        reactions=current_reactions(),
        audible=bool(audio_files.in_cluster(db.session, run.id, number, 1)),
        sorts=tracks.SORTS,
    )
