"""Songs for what somebody likes."""

from __future__ import annotations

from typing import Any

from flask import current_app

from songrec.pipeline import for_listener
from songrec.pipeline.for_listener import Known
from songrec.store.db import db
from songrec.web.api import arguments, blueprint, schemas, shapes
from songrec.web.api.callers import require_listener
from songrec.web.api.catalogue import track_or_404


@blueprint.get("/recommendations", tags=["recommendations"])
@blueprint.arguments(arguments.RecommendationArguments, location="query")
@blueprint.response(200, schemas.MatchesSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
@blueprint.doc(security=[{}, {"token": []}, {"cookie": []}])
def recommendations(asked: dict[str, Any]) -> dict[str, Any]:
    """Songs for what you like, each with its reasons.

    With `like` (repeat it for several songs) they are for those songs, and no token is needed.
    Without, they are for your own likes, and there are none while you like nothing.
    """
    if asked.get("like"):
        likes = [track_or_404(name).id for name in asked["like"]]
        dislikes = [track_or_404(name).id for name in asked.get("dislike", [])]
        known = Known(likes, [one for one in dislikes if one not in likes])
    else:
        known = Known.of(db.session, require_listener())
        db.session.commit()
    if not known.likes:
        return {"items": []}
    found = for_listener.recommend(
        db.session,
        current_app.config["INSTANCE"],
        known,
        method=asked["method"],
        variety=asked["variety"],
        n=asked["n"],
    )
    return shapes.matches(found)
