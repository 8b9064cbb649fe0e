"""Recommendations, as a list or in rows."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from werkzeug.exceptions import Conflict

from songrec.services.recommendation import for_listener, recommend
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.services.recommendation.options import DEFAULT_RERANKING, Reranking
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.web.api import arguments, blueprint, schemas, serializers
from songrec.web.api.authentication import identified_listener
from songrec.web.api.catalogue import track_or_404


@blueprint.get("/recommendations", tags=["recommendations"])
@blueprint.arguments(arguments.RecommendationArguments, location="query")
@blueprint.response(200, schemas.RecommendationsSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
@blueprint.doc(security=[{}, {"token": []}, {"cookie": []}])
def recommendations(args: dict[str, Any]) -> dict[str, Any]:
    """List recommendations with their reasons.

    With `like` (repeat it for several songs) they are for those songs, and no token is needed.
    Otherwise they are for your own likes; the list is empty without any. `method` in the response
    is the recommendation method.
    """
    feedback = _feedback(args)
    method = args["method"]
    if not feedback.likes:
        return {"items": [], "method": None}
    reranking = {field.name: args[field.name] for field in fields(Reranking) if field.name in args}
    try:
        ranked = for_listener.recommend_for_listener(
            current_instance(),
            feedback,
            method=method,
            by=replace(DEFAULT_RERANKING, **reranking),
            n=args["n"],
            discovery=args["discovery"],
        )
    except recommend.NoDiscoveryScale as error:
        raise Conflict(str(error)) from None  # another run may have it
    used = recommend.method_used(current_instance(), method)
    return {**serializers.matches(ranked), "method": used}


@blueprint.get("/recommendations/rows", tags=["recommendations"])
@blueprint.arguments(arguments.RowArguments, location="query")
@blueprint.response(200, schemas.RecommendationRowsSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
@blueprint.doc(security=[{}, {"token": []}, {"cookie": []}])
def recommendation_rows(args: dict[str, Any]) -> dict[str, Any]:
    """List rows of recommendations, *Because you like X*, each for a like or a group of likes.

    Each song is in one row only. The likes are those of `/recommendations`; without any there are
    no rows.
    """
    feedback = _feedback(args)
    if not feedback.likes:
        return {"rows": [], "method": None}
    rows = for_listener.recommendation_rows(
        current_instance(), feedback, n_rows=args["rows"], n=args["n"]
    )
    return {
        "rows": [
            {
                "title": row.title,
                "likes": [view.public_id for view in row.likes],
                **serializers.matches(row.songs),
            }
            for row in rows
        ],
        "method": recommend.method_used(current_instance()),
    }


def _feedback(args: dict[str, Any]) -> ListenerFeedback:
    """Return the likes and dislikes in the request, else those of the caller."""
    if not args.get("like"):
        return ListenerFeedback.load(db.session, identified_listener())
    likes = [track_or_404(name).id for name in args["like"]]
    dislikes = [track_or_404(name).id for name in args.get("dislike", [])]
    return ListenerFeedback(likes, [one for one in dislikes if one not in likes])
