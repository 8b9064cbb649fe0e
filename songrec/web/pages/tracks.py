"""Songs: search and filter them, look at one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from songrec.core.attributes import BY_NAME
from songrec.services.catalogue.suggestions import did_you_mean, nearest_names
from songrec.services.recommendation.song_page import GROUP_LABELS, MAX_WEIGHT, song_page
from songrec.store.catalogue import track_filters
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.catalogue.tracks import Page
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.runs import runs
from songrec.store.tables import AudioFile, Run
from songrec.web import cached_counts, charts, query_args
from songrec.web.current_listener import current_listener, current_reactions
from songrec.web.listen_elsewhere import listen_elsewhere
from songrec.web.pages import blueprint
from songrec.web.pages.query import RANGE_ATTRIBUTES, TrackForm, page_address
from songrec.web.song_lists import length_in_words, total_time

WEIGHTS = query_args.schema(**{name: query_args.Clamped(0, MAX_WEIGHT) for name in GROUP_LABELS})
MAX_TIMED = 1_000
"""Limit of results whose lengths are summed, which scans all of them again."""


@blueprint.get("/tracks")
def tracks() -> str | Response:
    """List songs: full-text search, filters by attribute, genre, emotion and sound group."""
    form = TrackForm(request.args)
    if not form.is_clean:
        return redirect(url_for("pages.tracks", **form.args))
    form.put_known_first(db.session, current_listener())
    run = runs.published(db.session)
    page, text = catalogue.search(db.session, form.query, run), form.query.text
    attributes, filtered = cached_counts.attributes(db.session), form.query.ranges
    return render_template(
        "pages/tracks.html",
        form=form,
        page=page,
        first_number=(page.number - 1) * form.query.per_page + 1,
        suggestion=did_you_mean(db.session, text) if text and not page.tracks else None,
        near_genres=_near_genres(form.query.genre) if not page.tracks else [],
        address=page_address,
        clusters=cached_counts.clusters(db.session, run),
        genres=cached_counts.tags(db.session, "genre"),
        emotions=cached_counts.tags(db.session, "emotion"),
        ranges=[
            BY_NAME[name] for name in RANGE_ATTRIBUTES if name in attributes or name in filtered
        ],
        reactions=current_reactions(),
        sorts=_sorts(attributes),
        track_count=cached_counts.track_count(db.session),
        all_time=_all_time(form.query, page, run),
    )


def _all_time(query: TrackQuery, page: Page, run: Run | None) -> str:
    """Return the total length of a search's results; empty if there are too many."""
    if not query.filters or page.more or page.total > MAX_TIMED:
        return ""
    if page.last == 1:
        return total_time(page.tracks)
    return length_in_words(track_filters.total_ms(db.session, query, run))


def _sorts(attributes: Collection[str]) -> dict[str, str]:
    """Return the sorts of a list, without those by attributes that no song has."""
    useless = {"typical", *(name for name in BY_NAME if name not in attributes)}
    return {key: label for key, label in catalogue.SORTS.items() if key not in useless}


def _near_genres(genre: str) -> list[str]:
    """Return genres of the catalogue spelt like one that no song is tagged with."""
    names = [name for name, _ in cached_counts.tags(db.session, "genre")]
    return [] if not genre or genre.lower() in names else nearest_names(genre, names)


@blueprint.get("/tracks/<public_id>")
def track(public_id: str) -> str | Response:
    """Show one song: how it sounds, its place on the map and similar songs."""
    weights, _ = query_args.load(WEIGHTS, request.args)
    page = song_page(
        current_instance(),
        current_listener(),
        public_id,
        by=request.args.get("by", ""),
        weights=weights,
    )
    if page is None:
        abort(404, f"No song “{public_id[:40]}” in the catalogue.")
    song, space = page.track, page.space
    if song.public_id != public_id:
        return redirect(url_for("pages.track", public_id=song.public_id))
    clusters = cached_counts.clusters(db.session, page.run)
    cluster = clusters.get(song.label) if song.label is not None else None
    measured = _measured(page.file, song.attributes)
    rows, place = charts.plain_rows(song.attributes, measured), None
    if space is not None and song.label is not None:
        profile = cluster.profile if cluster else None
        rows = charts.track_rows(song.attributes, space, profile, measured)
        place = charts.place_on_map(space, song.x, song.y, song.label)
    return render_template(
        "pages/track.html",
        page=page,
        track=song,
        cluster=cluster,
        clusters=clusters,
        rows=rows,
        origins=_attribute_sources(page.file),
        place=place,
        weights=weights,
        groups=GROUP_LABELS,
        reactions=current_reactions(),
    )


@blueprint.get("/tracks/<public_id>/elsewhere")
def elsewhere(public_id: str) -> Response:
    """Redirect to a service with a song without sound; lists contain this short URL."""
    view = catalogue.find_track(db.session, public_id)
    link = listen_elsewhere(view) if view is not None else None
    if link is None:
        abort(404, "This song has no link to another service.")
    return redirect(link.url)


def _measured(file: AudioFile | None, values: Mapping[str, float | None]) -> set[str]:
    """Return the names of the attributes whose values were measured from the sound.

    Songs of a catalogue keep the catalogue's values, even if they have a measured file.
    """
    attributes = {} if file is None else file.info.get("attributes", {})
    return {
        name
        for name, entry in attributes.items()
        if entry["source"] == "measured" and entry["value"] == values.get(name)
    }


def _attribute_sources(file: AudioFile | None) -> list[tuple[str, list[str]]]:
    """Return the labels of the attributes that were measured and estimated, by source."""
    labels = {
        **{name: entry.label for name, entry in BY_NAME.items()},
        "key": "Key",
        "mode": "Mode",
    }
    attributes = {} if file is None else file.info.get("attributes", {})
    return [
        (description, names)
        for source, description in charts.SOURCES.items()
        if (names := [labels[n] for n in labels if attributes.get(n, {}).get("source") == source])
    ]
