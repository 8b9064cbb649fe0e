"""The map's addresses: the page, its points, and titles when somebody asks for them."""

from __future__ import annotations

from dataclasses import replace
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
from songrec.services.similarity.song_traits import song_traits
from songrec.services.training.algorithms import PROJECTIONS
from songrec.store.catalogue import artists, tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import reactions
from songrec.store.runs import runs, spaces
from songrec.store.tables import Run, Track
from songrec.web import cached_counts
from songrec.web.current_listener import current_listener, require_listener
from songrec.web.map import payloads, words
from songrec.web.security import relaxed_for_plotly
from songrec.web.template_context import asset

TITLES_AT_ONCE = 100
MATCHES = 8
# Enough for a corner of the map; more would say nothing of what the listener likes.
LIKES_AT_ONCE = 200
PLAYLIST_LIMIT = 500
SHOWN_AT_ONCE = 500

PLACEHOLDER = "PUBLIC_ID"
NUMBER_PLACEHOLDER = -987

blueprint = Blueprint("map", __name__, url_prefix="/map")
assets = Blueprint("assets", __name__, url_prefix="/assets")


@blueprint.get("")
@relaxed_for_plotly
def page() -> str:
    """Show the map of the published run, and the same as a list."""
    run = runs.published(db.session)
    if run is None:
        return render_template("map/empty.html")
    space = _space()
    projection = _requested_projection(space)
    return render_template(
        "map/map.html",
        run=run,
        entries=_cluster_entries(run, space, projection),
        maps=_maps(space, projection),
        attributes=[a for a in ATTRIBUTES if a.name in payloads.columns(space)],
        settings=_settings(run, space, projection),
        style_ids=payloads.plotly_style_ids(),
    )


@blueprint.get("/points")
def points() -> Response:
    """Send all coordinates, or with ``?column=`` one column to colour by; see ``encoding``."""
    space = _space()
    name = request.args.get("column")
    if name is None:
        # With the run in the address the content never changes.
        return payloads.points(space, _requested_projection(space)).response(
            forever=_names_run(space)
        )
    payload = payloads.column(db.session, space, name)
    return payload.response(forever=_names_run(space) and name not in payloads.NAMED_COLUMNS)


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
    # Whoever types a whole title means that song, however little known it is.
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
    response = jsonify(
        liked=space.rows_of(liked).tolist(), disliked=space.rows_of(disliked).tolist()
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
    """Plotly's JavaScript out of the installed package; the version makes it keepable."""
    if version != payloads.plotly_version():
        abort(404)
    return payloads.plotly().response("text/javascript", forever=True)


def plotly_address() -> str:
    """Return the URL of Plotly."""
    return url_for("assets.plotly", version=payloads.plotly_version())


def _space() -> Space:
    return spaces.published_space(current_instance())


def _requested_projection(space: Space) -> str:
    """Return the map that ``?projection=`` names; empty for the run's own."""
    name = request.args.get("projection", "")
    names = payloads.maps(space)
    if not name or name in names[:1]:
        return ""
    if name not in names:
        raise UnknownName("map of this run", name, names)
    return name


def _maps(space: Space, projection: str) -> list[dict[str, Any]]:
    """Return the run's maps to choose from: label, URL, whether it is shown."""
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
    """Row numbers as ``1,5,9``, each once, in the order given."""
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
    """Return the songs of these rows for the panel, without tracks deleted since."""
    row_of = dict(zip(space.track_ids[rows].tolist(), rows.tolist(), strict=True))
    traits = dict(zip(rows.tolist(), song_traits(space, rows), strict=True))
    return [
        {
            "row": row_of[track.id],
            "public_id": track.public_id,
            "title": track.title,
            "artists": track.artists,
            "genre": track.genre,
            "cluster": int(space.labels[row_of[track.id]]),
            "traits": traits[row_of[track.id]],
        }
        for track in tracks.tracks_by_id(db.session, list(row_of))
    ]


def _settings(run: Run, space: Space, projection: str) -> dict[str, Any]:
    """Return the settings of the page's script; URLs carry a placeholder for a name."""
    clusters = cached_counts.clusters(db.session, run).values()
    return {
        "run": space.run_id,
        "points": url_for("map.points", projection=projection or None),
        "titles": url_for("map.titles"),
        "search": url_for("map.search"),
        "mine": url_for("map.mine"),
        "like_all": url_for("map.like_all"),
        "react": url_for("likes.react", public_id=PLACEHOLDER),
        "track": url_for("pages.track", public_id=PLACEHOLDER),
        "cluster": url_for("pages.cluster", number=NUMBER_PLACEHOLDER),
        "plotly": plotly_address(),
        "sprite": asset("icons.svg"),
        "csrf_token": generate_csrf(),
        "clusters": [{"number": c.number, "name": c.name} for c in clusters],
        "titles_at_once": TITLES_AT_ONCE,
        "like_limit": LIKES_AT_ONCE,
        "playlist_limit": PLAYLIST_LIMIT,
        "show": {
            "cluster": request.args.get("cluster", type=int),
            "song": _song_to_show(space, request.args.get("track", "")),
            "songs": _songs_to_show(space),
        },
    }


def _song_to_show(space: Space, name: str) -> dict[str, Any] | None:
    """Return the song that ``?track=`` names, or None if it is not on this map."""
    track = tracks.find_track(db.session, name) if name else None
    songs = _songs(space, space.rows_of([track.id])) if track else []
    return songs[0] if songs else None


def _cluster_entries(run: Run, space: Space, projection: str) -> list[words.Entry]:
    clusters = cached_counts.clusters(db.session, run)
    where = cached_counts.cached_value(
        ("map places", projection, str(current_app.config["INSTANCE"])),
        space.run_id,
        lambda: words.places(
            replace(space, coordinates=payloads.coordinates(space, projection)),
            payloads.points(space, projection).body,
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
    """Return the songs of ``?artist=`` or ``?album=``, or None if none of them is on this map."""
    artist_id, album_id = request.args.get("artist", ""), request.args.get("album", "")
    if artist_id and (artist := artists.find_artist(db.session, artist_id)):
        of, ids = f"by {artist.name}", artists.track_ids(db.session, artist.id, SHOWN_AT_ONCE)
    elif album_id and (album := artists.find_album(db.session, album_id)):
        of, ids = f"on {album.title}", artists.album_track_ids(db.session, album.id, SHOWN_AT_ONCE)
    else:
        return None
    rows = space.rows_of(ids).tolist()
    return {"of": of, "rows": rows} if rows else None
