"""Stations, paths, blends, and songs that were skipped."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import NotFound

from songrec.services.recommendation import blends, paths, stations
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import skips
from songrec.store.tables import Skip
from songrec.web.api import arguments, blueprint, schemas, serializers
from songrec.web.api.account import TOKEN
from songrec.web.api.authentication import (
    current_listener,
    identified_listener,
    require_listener,
)
from songrec.web.api.catalogue import track_or_404


@blueprint.get("/stations/<kind>", tags=["recommendations"])
@blueprint.arguments(arguments.StationArguments, location="query")
@blueprint.response(200, schemas.StationSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
def station(args: dict[str, Any], kind: str) -> dict[str, Any]:
    """Get the next songs of a radio around a song, artist, cluster, mood, playlist, likes or all.

    Without a cursor it begins in an order of its own; go on with `next`, and nothing comes twice.
    What you do not like is passed over.
    """
    try:
        part = stations.station_page(
            current_instance(),
            current_listener(),
            kind,
            args["of"].replace("\0", ""),
            cursor=args.get("cursor") or stations.new_cursor(),
            n=args["n"],
            audible=args["audible"],
        )
    except stations.UnknownStation as error:
        raise NotFound(str(error)) from error
    return {**serializers.matches(part.items), "title": part.title, "next": part.cursor}


@blueprint.get("/tracks/<track_id>/path/<to_id>", tags=["recommendations"])
@blueprint.arguments(arguments.PathArguments, location="query")
@blueprint.response(200, schemas.PathSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
def path(args: dict[str, Any], track_id: str, to_id: str) -> dict[str, Any]:
    """List songs from one to another, in even steps of the published run's latent space."""
    start, end = track_or_404(track_id), track_or_404(to_id)
    ranked, song_path = paths.song_path(
        current_instance(), start, end, args["between"], current_listener()
    )
    lengths = song_path.lengths.tolist()
    return {**serializers.matches(ranked), "lengths": lengths, "unevenness": song_path.unevenness}


@blueprint.get("/blend", tags=["recommendations"])
@blueprint.arguments(arguments.BlendArguments, location="query")
@blueprint.response(200, schemas.MatchesSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
def blend(args: dict[str, Any]) -> dict[str, Any]:
    """List songs in the direction of some songs and away from others, with reasons that add up."""
    plus, minus = ([track_or_404(name).id for name in args[field]] for field in ("add", "subtract"))
    ranked = blends.blend(current_instance(), plus, minus, args["n"], current_listener())
    return serializers.matches(ranked)


@blueprint.get("/skips", tags=["likes"])
@blueprint.response(200, schemas.SkipsSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.doc(security=TOKEN)
def skipped() -> dict[str, Any]:
    """List the songs you skipped, latest first (the 100 that count)."""
    listener = identified_listener()
    if listener is None:
        return {"items": []}
    rows = skips.of_listener(db.session, listener, skips.MAX_RECENT)
    views = tracks.tracks_by_id(db.session, [skip.track_id for skip in rows])
    public = {view.id: view.public_id for view in views}
    return {"items": [_skip(skip, public[skip.track_id]) for skip in rows]}


@blueprint.put("/skips/<track_id>", tags=["likes"])
@blueprint.arguments(arguments.SkipArguments, required=False)
@blueprint.response(200, schemas.SkipSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def skip(args: dict[str, Any], track_id: str) -> dict[str, Any]:
    """Record that a song was left within its first 30 seconds: weak evidence, not a dislike."""
    listener = require_listener()
    track = track_or_404(track_id)
    skips.record(db.session, listener, track.id)
    db.session.commit()
    row = skips.find(db.session, listener, track.id)
    if row is None:
        raise NotFound("The skip was forgotten again at this moment.")
    return _skip(row, track.public_id)


@blueprint.delete("/skips/<track_id>", tags=["likes"])
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def unskip(track_id: str) -> None:
    """Delete the skip of a song; without one, nothing happens."""
    listener = require_listener()
    skips.delete_skips(db.session, listener, track_or_404(track_id).id)
    db.session.commit()


def _skip(row: Skip, public_id: str) -> dict[str, Any]:
    return {"track_id": public_id, "times": row.times, "last": row.last_at}
