"""Songs: search and filter them, look at one."""

from __future__ import annotations

import math

from flask import abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from songrec.core.attributes import ATTRIBUTES, BY_NAME
from songrec.core.errors import NotReady
from songrec.recommend.similarity.weighted_similarity import GROUP_LABELS, MAX_WEIGHT
from songrec.services.similarity import audio_similarity
from songrec.store.catalogue import lyrics
from songrec.store.catalogue import tracks as catalogue
from songrec.store.db import db
from songrec.store.listeners import playlists
from songrec.store.runs import runs, spaces
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile
from songrec.web import cached_counts, charts
from songrec.web.current_listener import current_listener, current_reactions
from songrec.web.pages import blueprint
from songrec.web.pages.query import RANGE_ATTRIBUTES, TrackForm, page_address

SIMILAR_SHOWN = 8
PLAYLISTS_SHOWN = 20


@blueprint.get("/tracks")
def tracks() -> str | Response:
    """All songs: full-text search, filters by attribute, genre, emotion and cluster."""
    form = TrackForm(request.args)
    if not form.is_clean:
        return redirect(url_for("pages.tracks", **form.args))
    run = runs.published(db.session)
    return render_template(
        "pages/tracks.html",
        form=form,
        page=catalogue.search(db.session, form.query, run),
        address=page_address,
        clusters=cached_counts.clusters(db.session, run),
        genres=cached_counts.tags(db.session, "genre"),
        emotions=cached_counts.tags(db.session, "emotion"),
        ranges=[BY_NAME[name] for name in RANGE_ATTRIBUTES],
        reactions=current_reactions(),
        sorts={k: v for k, v in catalogue.SORTS.items() if k != "typical"},
        track_count=cached_counts.track_count(db.session),
    )


@blueprint.get("/tracks/<public_id>")
def track(public_id: str) -> str | Response:
    """One song: its attributes against its cluster, its place on the map, what sounds like it."""
    run = runs.published(db.session)
    found = catalogue.find_track(db.session, public_id, run)
    if found is None:
        abort(404, f"No song “{public_id[:40]}” in the catalogue.")
    if found.public_id != public_id:
        return redirect(url_for("pages.track", public_id=found.public_id))
    instance, listener = current_app.config["INSTANCE"], current_listener()
    clusters = cached_counts.clusters(db.session, run)
    cluster = clusters.get(found.label) if found.label is not None else None
    weights, offered = _weights(), audio_similarity.available_feature_sets(instance)
    by = request.args.get("by", "")
    by = by if by in offered else ""
    unheard = None
    similar, rows, place = [], charts.plain_rows(found.attributes), None
    try:
        space = spaces.published_space(db.session, instance)
    except NotReady:
        space = None
    if space is not None and found.label is not None:
        if not by:
            similar = audio_similarity.similar_by(
                db.session,
                instance,
                found,
                SIMILAR_SHOWN,
                by="features" if weights else "space",
                weights=weights,
            )
        rows = charts.track_rows(found.attributes, space, cluster.profile if cluster else None)
        place = charts.place_on_map(space, found.x, found.y, found.label)
    if by:
        try:
            similar = audio_similarity.similar_by(db.session, instance, found, SIMILAR_SHOWN, by=by)
        except NotReady as error:
            unheard = str(error)
    return render_template(
        "pages/track.html",
        track=found,
        cluster=cluster,
        clusters=clusters,
        rows=rows,
        origins=_origins(audio_files.for_track(db.session, found.id)),
        place=place,
        similar=similar,
        by=by,
        offered=offered,
        unheard=unheard,
        has_words=lyrics.has_words(db.session, found.id),
        weights=weights,
        groups=GROUP_LABELS,
        attributes=ATTRIBUTES,
        playlists=playlists.of_listener(db.session, listener)[:PLAYLISTS_SHOWN] if listener else [],
        reactions=current_reactions(),
        run=run,
    )


def _origins(file: AudioFile | None) -> list[tuple[str, list[str]]]:
    """Of a song with sound: which attributes its analysis measured, and which it estimated."""
    labels = {
        **{name: entry.label for name, entry in BY_NAME.items()},
        "key": "Key",
        "mode": "Mode",
    }
    said = {} if file is None else file.info.get("attributes", {})
    return [
        (words, names)
        for source, words in charts.SOURCES.items()
        if (names := [labels[n] for n in labels if said.get(n, {}).get("source") == source])
    ]


def _weights() -> dict[str, float]:
    """How much each side of the sound counts, as the address says; nothing where it does not."""
    found = {}
    for name in GROUP_LABELS:
        try:
            value = float(request.args[name])
        except (KeyError, ValueError):
            continue
        if math.isfinite(value):
            found[name] = min(max(value, 0.0), MAX_WEIGHT)
    return found
