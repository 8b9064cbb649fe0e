"""Endpoints of the map: the page, its points, and names and songs on request."""

from __future__ import annotations

from typing import Any

import numpy as np
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    url_for,
)
from flask_wtf.csrf import generate_csrf
from numpy.typing import NDArray
from sqlalchemy import select

from songrec.core.attributes import ATTRIBUTES
from songrec.core.errors import BadInput, UnknownName
from songrec.core.sorting import sort_key
from songrec.core.types import Space
from songrec.services.recommendation import paths
from songrec.services.segments.typical import typical_starts
from songrec.services.similarity.song_traits import song_traits
from songrec.services.training.algorithms import PROJECTIONS
from songrec.store.catalogue import artists, tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import reactions
from songrec.store.runs import runs, spaces
from songrec.store.sound import audio_files
from songrec.store.tables import Run, Track
from songrec.web import cached_counts
from songrec.web.access import may_listen
from songrec.web.covers.views import cover_address
from songrec.web.current_listener import current_listener, require_listener
from songrec.web.map import density, names, payloads, picture, words
from songrec.web.map.plane import STEPS, View
from songrec.web.security import relaxed_for_plotly
from songrec.web.template_context import asset

TITLES_AT_ONCE = 100
MATCHES = 8
# Enough for a corner of the map; more likes would not describe a taste.
LIKES_AT_ONCE = 200
PLAYLIST_LIMIT = 500
SHOWN_AT_ONCE = 500
RADIO_SEEDS = 12
MOST_POINTS = 250_000
"""Number of songs from which a map is sent in parts: as cells with numbers of songs or, zoomed in,
as songs."""
SONGS_BETWEEN = 6
"""Number of songs of a path between its ends."""
MOST_PIXELS = 4_096
MOST_CORNERS = 60

PREVIEW_S = 5.0
PREVIEW_AT = 0.3
"""Start of a preview, as a share of the song, if its segments are unknown."""

PLACEHOLDER = "PUBLIC_ID"
NUMBER_PLACEHOLDER = -987

blueprint = Blueprint("map", __name__, url_prefix="/map")
assets = Blueprint("assets", __name__, url_prefix="/assets")


@blueprint.get("")
def page() -> str:
    """Show the map of the published run, also as a list."""
    run = runs.published(db.session)
    if run is None:
        return render_template("map/empty.html")
    space = _space()
    projection = _requested_projection(space)
    shown = payloads.columns(space)
    return render_template(
        "map/map.html",
        run=run,
        entries=_cluster_entries(run, space, projection),
        maps=_maps(space, projection),
        tags=payloads.named_columns(db.session),
        attributes=[a for a in ATTRIBUTES if a.name in shown],
        picture=_picture(run, space, projection),
        clusters=list(cached_counts.clusters(db.session, run).values()),
        settings=_settings(run, space, projection),
    )


@blueprint.get("/drawing")
@relaxed_for_plotly
def drawing() -> str:
    """Return the empty document of the frame in which Plotly draws."""
    return render_template(
        "map/drawing.html", plotly=plotly_address(), style_ids=payloads.plotly_style_ids()
    )


@blueprint.get("/points")
def points() -> Response:
    """Send all coordinates, or with ``?column=`` a column for colours; see ``encoding``."""
    space = _space()
    name = request.args.get("column")
    if name is None:
        # With the run in the URL the content never changes.
        return payloads.points(space, _requested_projection(space)).response(
            forever=_names_run(space)
        )
    payload = payloads.column(db.session, space, name)
    return payload.response(forever=_names_run(space) and name not in payloads.NAMED_COLUMNS)


@blueprint.get("/cells")
def cells() -> Response:
    """Send a part of a large map: ``?view=left,right,bottom,top&cells=columns,lines&column=``.

    The view's edges are codes of the plane from 0 to 65,535; see ``density``.
    """
    space = _space()
    columns, lines = _whole_numbers("cells", 2, 1, density.MOST_CELLS)
    column = request.args.get("column", payloads.CLUSTER)
    body = density.encode_view(
        payloads.plane(space, _requested_projection(space)),
        payloads.grouping(db.session, _run(), space, column).of,
        _view(),
        columns,
        lines,
    )
    payload = payloads.Payload.of(body, compresslevel=1)
    return payload.response(forever=_names_run(space) and column not in payloads.NAMED_COLUMNS)


@blueprint.get("/legend")
def legend() -> Response:
    """Return the groups of ``?column=`` with their numbers of songs, for large maps."""
    space = _space()
    _names_run(space)
    column = request.args.get("column", payloads.CLUSTER)
    response = jsonify(payloads.grouping(db.session, _run(), space, column).to_json())
    response.cache_control.public = True
    response.cache_control.max_age = 300
    return response


@blueprint.get("/names")
def view_names() -> Response:
    """Return the names that fit into ``?view=left,right,bottom,top&size=width,height``.

    The size is in pixels; ``column`` is the column of the colours.
    """
    space = _space()
    _names_run(space)
    width, height = _whole_numbers("size", 2, 16, MOST_PIXELS)
    response = jsonify(
        names.names_in_view(
            db.session,
            _run(),
            space,
            _requested_projection(space),
            request.args.get("column", payloads.CLUSTER),
            _view(),
            (width, height),
        )
    )
    response.cache_control.public = True
    response.cache_control.max_age = 300
    return response


@blueprint.get("/path")
def path() -> Response:
    """Return the songs of a path ``from`` one song ``to`` another (public ids), ends included."""
    space = _space()
    ends = [tracks.find_track(db.session, request.args.get(name, "")) for name in ("from", "to")]
    start, end = ends
    if start is None or end is None:
        abort(404, "One of the two songs is not in the catalogue.")
    if start.id == end.id:
        raise BadInput("A path needs two different songs.")
    ranked, _ = paths.song_path(current_instance(), start, end, SONGS_BETWEEN, current_listener())
    rows = space.rows_of([item.track.id for item in ranked])
    response = jsonify(_songs(space, rows))
    response.cache_control.private = True
    response.cache_control.no_store = True
    return response


@blueprint.get("/inside")
def inside() -> Response:
    """Return the songs of a large map inside ``?shape=x,y,x,y,…`` (codes of the plane).

    ``count`` is their number; ``rows`` are those nearest to their median.
    """
    space = _space()
    _names_run(space)
    text = request.args.get("shape", "")
    count = text.count(",") + 1
    if count % 2 or not 6 <= count <= 2 * MOST_CORNERS:
        raise BadInput(f"A shape has 3 to {MOST_CORNERS} corners: x,y,x,y,…")
    shape = np.array(_whole_numbers("shape", count, 0, STEPS)).reshape(-1, 2)
    plane = payloads.plane(space, _requested_projection(space))
    rows, number = plane.inside(shape, PLAYLIST_LIMIT)
    return jsonify(count=number, rows=rows.tolist(), places=_places(space, rows))


@blueprint.get("/titles")
def titles() -> Response:
    """Return the songs in these rows of the run: ``?rows=1,5,9``, at most 100 at once."""
    space = _space()
    _names_run(space)
    rows = _rows(space, request.args.get("rows", ""), TITLES_AT_ONCE)
    response = jsonify(_songs(space, rows))
    response.cache_control.public = True
    response.cache_control.max_age = 300
    return response


@blueprint.get("/search")
def search() -> Response:
    """Return songs whose title or artist matches ``?q=``: exact titles, then the most popular."""
    space = _space()
    text = request.args.get("q", "").strip()
    if not text:
        return jsonify([])
    # A whole title means that song, even if it is little known.
    exact = select(Track.id).where(Track.sort_title == sort_key(text)).limit(MATCHES)
    query = tracks.TrackQuery(text=text, sort="popularity", descending=True, per_page=MATCHES)
    popular = (track.id for track in tracks.search(db.session, query).tracks)
    ids = dict.fromkeys((*db.session.scalars(exact), *popular))
    return jsonify(_songs(space, space.rows_of(list(ids))[:MATCHES]))


@blueprint.get("/mine")
def mine() -> Response:
    """Return the rows that this listener likes and dislikes; never cached."""
    space = _space()
    listener = current_listener()
    liked, disliked = reactions.reactions(db.session, listener) if listener else ([], [])
    liked_rows = space.rows_of(liked)
    response = jsonify(
        liked=liked_rows.tolist(),
        disliked=space.rows_of(disliked).tolist(),
        places=_places(space, liked_rows),
    )
    response.cache_control.private = True
    response.cache_control.no_store = True
    return response


@blueprint.post("/likes")
def like_all() -> Response:
    """Like the songs in ``rows`` of the run ``run``, at most 200 at once."""
    space = _space()
    if request.form.get("run") != space.run_id:
        abort(409, "Another run has been published since. Reload the map and select again.")
    rows = _rows(space, request.form.get("rows", ""), LIKES_AT_ONCE)
    if not len(rows):
        raise BadInput("No songs were selected, so none were liked.")
    listener = require_listener()
    for track in tracks.tracks_by_id(db.session, space.track_ids[rows].tolist()):
        reactions.react(db.session, listener, track.id, reactions.LIKE)
    db.session.commit()
    return jsonify(liked=rows.tolist(), likes=reactions.like_count(db.session, listener))


@assets.get("/plotly-<version>.min.js")
def plotly(version: str) -> Response:
    """Send Plotly's JavaScript; the version in the URL allows caching forever."""
    if version != payloads.plotly_version():
        abort(404)
    return payloads.plotly().response("text/javascript", forever=True)


def plotly_address() -> str:
    """Return the URL of Plotly."""
    return url_for("assets.plotly", version=payloads.plotly_version())


def _space() -> Space:
    return spaces.published_space(current_instance())


def _requested_projection(space: Space) -> str:
    """Return the map named in ``?projection=``; empty for the run's default one."""
    name = request.args.get("projection", "")
    names = payloads.maps(space)
    if not name or name in names[:1]:
        return ""
    if name not in names:
        raise UnknownName("map of this run", name, names)
    return name


def _maps(space: Space, projection: str) -> list[dict[str, Any]]:
    """Return the choices of the run's maps: label, URL, whether it is shown."""
    return [
        {
            "label": PROJECTIONS.entry(name).label if name in PROJECTIONS else name,
            "address": url_for("map.page", projection=name if at else None),
            "shown": name == projection if projection else not at,
        }
        for at, name in enumerate(payloads.maps(space))
    ]


def _names_run(space: Space) -> bool:
    """Return whether the URL names the run; 409 if it names another one."""
    run_id = request.args.get("run")
    if run_id is not None and run_id != space.run_id:
        abort(409, "Another run has been published since. Reload the map.")
    return run_id is not None


def _rows(space: Space, text: str, limit: int) -> NDArray[np.int64]:
    """Parse row numbers such as ``1,5,9``, each once, in the given order."""
    try:
        rows = list(dict.fromkeys(int(part) for part in text.split(",") if part.strip()))
    except ValueError:
        raise BadInput(
            f"rows must be whole numbers with commas between, got {text[:60]!r}."
        ) from None
    if len(rows) > limit:
        raise BadInput(f"At most {limit} rows at once, got {len(rows)}.")
    n = len(space.track_ids)
    if outside := [row for row in rows if not 0 <= row < n]:
        raise BadInput(f"The run has rows 0 to {n - 1}, got {outside[0]}.")
    return np.array(rows, dtype=np.int64)


def _songs(space: Space, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return the songs of rows for the panel, without tracks that have been deleted since."""
    row_of = dict(zip(space.track_ids[rows].tolist(), rows.tolist(), strict=True))
    traits = dict(zip(rows.tolist(), song_traits(space, rows), strict=True))
    places = _places(space, rows)
    sounds = _sounds(space, list(row_of))
    return [
        {
            "row": row,
            "public_id": track.public_id,
            "title": track.title,
            "artists": track.artists,
            "genre": track.genre,
            "cover": cover_address(track, "medium"),
            "cluster": int(space.labels[row]),
            "place": places.get(row),
            "sound": sounds.get(track.id),
            "traits": traits[row],
        }
        for track in tracks.tracks_by_id(db.session, list(row_of))
        for row in (row_of[track.id],)
    ]


def _settings(run: Run, space: Space, projection: str) -> dict[str, Any]:
    """Return the settings of the page's script; some URLs have a placeholder for an id."""
    clusters = cached_counts.clusters(db.session, run).values()
    map_of = {"projection": projection or None}
    plane = payloads.plane(space, projection)
    return {
        "run": space.run_id,
        "points": url_for("map.points", **map_of),
        "cells": url_for("map.cells", **map_of) if _is_large(space) else None,
        "legend": url_for("map.legend"),
        "drawing": url_for("map.drawing"),
        "names": url_for("map.view_names", **map_of),
        "titles": url_for("map.titles", **map_of),
        "search": url_for("map.search", **map_of),
        "mine": url_for("map.mine", **map_of),
        "inside": url_for("map.inside", **map_of),
        "path": url_for("map.path", **map_of),
        "path_page": url_for("stations.path"),
        "radio": url_for("stations.show", kind="song"),
        "radio_queue": url_for("stations.queue", kind="song"),
        "queue": url_for("player.queue_of"),
        "like_all": url_for("map.like_all"),
        "react": url_for("likes.react", public_id=PLACEHOLDER),
        "track": url_for("pages.track", public_id=PLACEHOLDER),
        "cluster": url_for("pages.cluster", number=NUMBER_PLACEHOLDER),
        "sprite": asset("icons.svg"),
        "csrf_token": generate_csrf(),
        "clusters": [{"number": c.number, "name": c.name} for c in clusters],
        "plane": {"n": len(space.track_ids), "bounds": plane.bounds, "box": plane.box},
        "audible": may_listen() and audio_files.any_audible(db.session),
        "titles_at_once": TITLES_AT_ONCE,
        "like_limit": LIKES_AT_ONCE,
        "playlist_limit": PLAYLIST_LIMIT,
        "radio_seeds": RADIO_SEEDS,
        "show": {
            "cluster": request.args.get("cluster", type=int),
            "song": _song_to_show(space, request.args.get("track", "")),
            "songs": _songs_to_show(space),
        },
    }


def _is_large(space: Space) -> bool:
    return len(space.track_ids) > MOST_POINTS


def _places(space: Space, rows: NDArray[np.int64]) -> dict[int, tuple[float, float]]:
    """Return the places of rows of a large map; empty for others, whose script has all places."""
    if not _is_large(space):
        return {}
    plane = payloads.plane(space, _requested_projection(space))
    at = plane.where[rows]
    codes = zip(rows.tolist(), plane.x[at].tolist(), plane.y[at].tolist(), strict=True)
    return {row: plane.place(x, y) for row, x, y in codes}


def _sounds(space: Space, track_ids: list[int]) -> dict[int, dict[str, Any]]:
    """Return the preview of each track with sound: its most typical five seconds."""
    files = audio_files.for_tracks(db.session, track_ids)
    starts = typical_starts(space.segments, list(files))
    return {
        track_id: {
            "from": round(starts.get(track_id, PREVIEW_AT * (file.duration_s or 0.0)), 2),
            "seconds": PREVIEW_S,
        }
        for track_id, file in files.items()
    }


def _picture(run: Run, space: Space, projection: str) -> picture.Picture:
    """Return the static picture that is shown without, or before, the interactive map."""

    def draw() -> picture.Picture:
        plane = payloads.plane(space, projection)
        grouping = payloads.grouping(db.session, run, space)
        return picture.draw(
            plane,
            grouping.of,
            names.anchors(db.session, space, projection, payloads.CLUSTER, plane, grouping),
            grouping.labels,
        )

    key = ("map picture", projection, str(current_app.config["INSTANCE"]))
    return cached_counts.cached_value(key, space.run_id, draw)


def _whole_numbers(name: str, count: int, low: int, high: int) -> list[int]:
    """Return a parameter of ``count`` comma-separated integers within a range."""
    text = request.args.get(name, "")
    parts = text.split(",")
    if len(parts) == count and all(p.isascii() and p.isdigit() and len(p) < 9 for p in parts):
        numbers = [int(part) for part in parts]
        if all(low <= number <= high for number in numbers):
            return numbers
    raise BadInput(
        f"{name} must be {count} whole numbers from {low} to {high} with commas between, "
        f"got {text[:60]!r}."
    )


def _view() -> View:
    left, right, bottom, top = _whole_numbers("view", 4, 0, STEPS)
    if left >= right or bottom >= top:
        raise BadInput("A view must be left, right, bottom, top, and not empty.")
    return View(left, right, bottom, top)


def _run() -> Run:
    run = runs.published(db.session)
    if run is None:
        abort(409, "Another run has been published since. Reload the map.")
    return run


def _song_to_show(space: Space, name: str) -> dict[str, Any] | None:
    """Return the song with the id in ``?track=``; None if it is not on this map."""
    track = tracks.find_track(db.session, name) if name else None
    songs = _songs(space, space.rows_of([track.id])) if track else []
    return songs[0] if songs else None


def _cluster_entries(run: Run, space: Space, projection: str) -> list[words.Entry]:
    clusters = cached_counts.clusters(db.session, run)
    where = cached_counts.cached_value(
        ("map places", projection, str(current_app.config["INSTANCE"])),
        space.run_id,
        lambda: words.places(
            payloads.with_projection(space, projection),
            payloads.plane(space, projection).box,
        ),
    )
    typical = {n: c.profile.get("typical", [])[: words.TYPICAL_SHOWN] for n, c in clusters.items()}
    typical_tracks = tracks.tracks_by_id(db.session, [i for ids in typical.values() for i in ids])
    by_id = {track.id: track for track in typical_tracks}
    return [
        words.Entry(c, where.get(n, ""), [by_id[i] for i in typical[n] if i in by_id])
        for n, c in clusters.items()
    ]


def _songs_to_show(space: Space) -> dict[str, Any] | None:
    """Return the songs of ``?artist=`` or ``?album=``; None if none of them is on this map."""
    artist_id, album_id = request.args.get("artist", ""), request.args.get("album", "")
    if artist_id and (artist := artists.find_artist(db.session, artist_id)):
        of, ids = f"by {artist.name}", artists.track_ids(db.session, artist.id, SHOWN_AT_ONCE)
    elif album_id and (album := artists.find_album(db.session, album_id)):
        of, ids = f"on {album.title}", artists.album_track_ids(db.session, album.id, SHOWN_AT_ONCE)
    else:
        return None
    rows = space.rows_of(ids).tolist()
    if not rows:
        return None
    return {"of": of, "rows": rows, "places": _places(space, space.rows_of(ids))}
