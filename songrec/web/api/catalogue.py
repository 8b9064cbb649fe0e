"""Songs and clusters."""

from __future__ import annotations

from typing import Any

from flask import url_for
from werkzeug.exceptions import NotFound

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import NotReady
from songrec.services.recommendation import recommend
from songrec.services.recommendation.song_page import GROUPS
from songrec.services.similarity.audio_similarity import FEATURE_SETS
from songrec.store.catalogue import keyset_pagination
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.runs import runs
from songrec.store.tables import Cluster, Run
from songrec.web import cached_counts
from songrec.web.api import arguments, blueprint, schemas, serializers
from songrec.web.api.authentication import current_listener


@blueprint.get("/tracks", tags=["tracks"])
@blueprint.arguments(arguments.RangeArguments, location="query")
@blueprint.response(200, schemas.page_of(schemas.TrackSchema))
def tracks(args: dict[str, Any]) -> dict[str, Any]:
    """List songs by title, searched and filtered."""
    ranges = {name: (args.get(f"{name}_min"), args.get(f"{name}_max")) for name in ATTRIBUTE_NAMES}
    query = TrackQuery(
        text=args["q"],
        genre=args["genre"].replace("\0", ""),
        emotion=args["emotion"].replace("\0", ""),
        cluster=args.get("cluster"),
        ranges={name: ends for name, ends in ranges.items() if ends != (None, None)},
    )
    part = keyset_pagination.tracks(
        db.session,
        query,
        runs.published(db.session),
        cursor=args.get("cursor"),
        limit=args["limit"],
    )
    return {"items": serializers.tracks(part.items), "next": part.next}


@blueprint.get("/tracks/<track_id>", tags=["tracks"])
@blueprint.response(200, schemas.TrackSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def track(track_id: str) -> dict[str, Any]:
    """Get one song, by its public id or the catalogue's own id."""
    return serializers.tracks([track_or_404(track_id, runs.published(db.session))])[0]


@blueprint.get("/tracks/<track_id>/similar", tags=["tracks"])
@blueprint.arguments(arguments.SimilarArguments, location="query")
@blueprint.response(200, schemas.RecommendationsSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
def similar(args: dict[str, Any], track_id: str) -> dict[str, Any]:
    """List similar songs, best first, with reasons; `method` is the method of the comparison.

    The default is the recommendation method, or the sound in a library of audio files without
    playlists. `by=sound` compares by the sound alone.
    """
    song = track_or_404(track_id)
    try:
        ranked = recommend.similar_songs(
            current_instance(),
            song,
            args["n"],
            by=args["by"],
            weights={name: args[name] for name in GROUPS},
            listener=current_listener(),
        )
    except NotReady as error:
        if args["by"] in FEATURE_SETS:
            raise NotFound(
                str(error)
            ) from None  # 404 rather than 503, because only this song lacks the sound
        raise
    used = recommend.comparison_used(current_instance(), song, args["by"])
    return {**serializers.matches(ranked), "method": used}


@blueprint.get("/clusters", tags=["clusters"])
@blueprint.response(200, schemas.ClustersSchema)
def clusters() -> dict[str, Any]:
    """List the clusters of the published run, largest first."""
    run = runs.published(db.session)
    rows = list(cached_counts.clusters(db.session, run).values())
    return {"run_id": run.public_id if run else None, "items": _clusters(rows)}


@blueprint.get("/clusters/<int(signed=True):number>", tags=["clusters"])
@blueprint.response(200, schemas.ClusterSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def cluster(number: int) -> dict[str, Any]:
    """Get one cluster; its songs are `/tracks?cluster=NUMBER`."""
    row = cached_counts.clusters(db.session, runs.published(db.session)).get(number)
    if row is None:
        raise NotFound(f"No cluster {number} in the published run.")
    return _clusters([row])[0]


def track_or_404(name: str, run: Run | None = None) -> TrackView:
    """Return the track with this public id or catalogue id; 404 otherwise."""
    view = catalogue.find_track(db.session, name, run)
    if view is None:
        raise NotFound(f"No song “{name[:40]}” in the catalogue.")
    return view


def _clusters(rows: list[Cluster]) -> list[dict[str, Any]]:
    ids = [track_id for c in rows for track_id in c.profile.get("typical", [])]
    public = {view.id: view.public_id for view in catalogue.tracks_by_id(db.session, ids)}
    return [
        {
            "number": c.number,
            "name": c.name,
            "size": c.size,
            "median": c.profile["median"],
            "share": c.profile["share"],
            "typical": [public[i] for i in c.profile.get("typical", []) if i in public],
            "address": url_for("pages.cluster", number=c.number),
        }
        for c in rows
    ]
